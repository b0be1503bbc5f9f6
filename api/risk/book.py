"""The risk limits of accounts and users, stored one document each and held whole in memory.

A copy is as fresh as the trading states (`states`): their document counts the changes of limits, and a count that moved reads them again.
"""

import asyncio
from datetime import datetime
from typing import Any

from msgspec import Struct
from pymongo import WriteConcern
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import PyMongoError

from api.errors import RiskLimitsUnknown
from api.kit.clock import Clock
from api.risk.limits import LimitSet, from_stored, to_stored
from api.risk.states import Snapshot, TradingStates

NO_LIMITS = LimitSet()


class StoredLimits(Struct, kw_only=True, frozen=True):
    """Limits, and who set them when (aware UTC)."""

    limits: LimitSet
    set_by: str
    set_at: datetime


class LimitBook:
    """The collection ``risk_limits``, by owner: ``account:<id>`` or ``user:<id>``."""

    def __init__(self, database: AsyncDatabase[dict[str, Any]], states: TradingStates, clock: Clock) -> None:
        self._collection = database["risk_limits"].with_options(write_concern=WriteConcern(w="majority", j=True))
        self._states = states
        self._clock = clock
        self._limits: dict[str, StoredLimits] = {}
        self._version = -1
        self._loading = asyncio.Lock()

    @property
    def version(self) -> int:
        """Of the limits that are held; another with every change of any."""
        return self._version

    async def find(self, owner: str) -> StoredLimits | None:
        """What is set for one owner now; None where nothing ever was."""
        await self._load(await self._states.known())
        return self._limits.get(owner)

    async def limits_of(self, *owners: str) -> list[LimitSet]:
        """The limits of each owner, as they hold now.

        Raises:
            TradingStateUnknown, RiskLimitsUnknown: They cannot be read.
        """
        snapshot = await self._states.known()
        if snapshot.limits_version != self._version:
            await self._load(snapshot)
        found = self._limits
        return [found[owner].limits if owner in found else NO_LIMITS for owner in owners]

    async def put(self, owner: str, limits: LimitSet, *, set_by: str) -> tuple[LimitSet, StoredLimits]:
        """Replace the owner's limits; on return they hold in every process.

        Returns:
            The limits before, and what is stored now.
        """
        before = await self.find(owner)
        after = StoredLimits(limits=limits, set_by=set_by, set_at=self._clock.now())
        document = {"limits": to_stored(limits), "set_by": set_by, "set_at": after.set_at}
        await self._collection.replace_one({"_id": owner}, document, upsert=True)
        await self._states.announce_limits()
        return before.limits if before is not None else NO_LIMITS, after

    async def _load(self, snapshot: Snapshot) -> None:
        async with self._loading:
            if self._version >= snapshot.limits_version:
                return
            try:
                raw = await self._collection.find({}).to_list(None)
            except PyMongoError as error:
                raise RiskLimitsUnknown("The risk limits cannot be read, so nothing is sent.", outcome="none") from error
            self._limits = {
                entry["_id"]: StoredLimits(limits=from_stored(entry["limits"]), set_by=entry["set_by"], set_at=entry["set_at"])
                for entry in raw
            }
            self._version = snapshot.limits_version
