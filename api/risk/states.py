"""Trading states: ``active``, ``reducing`` or ``halted`` at several levels; the strictest that concerns an order holds.

Levels are keys: ``global``, ``broker:<broker>``, ``account:<id>``, ``fund:<id>``. A further level is a further key in `levels_of`.

What must hold: *once a change was answered, no process lets an order out by what stood before.* How, without asking for each order:

- All levels are one MongoDB document, changed atomically, durably (majority, journaled), with a version that only grows.
- A process that has read it may go by its copy for `LEASE_SECONDS`, counted from when it *asked*. Past that it reads again before
  anything leaves, and where it cannot, nothing leaves (`TradingStateUnknown`).
- A change is written, applied to the writer's own copy at once, and answered one lease later: by then every copy from before the write
  has run out, in every process, also in one that was cut off, hung or is not known of. Nobody is asked to confirm anything.
- The reading is a write (a counter is raised, w: majority): a deposed primary cannot answer it, while it would answer a plain read with
  what stood before. MongoDB's own linearizable read says the same and takes 100 ms on a quiet server (measured), this one about 2.

An order in the making starts the next reading beside its own insert (`prefetch`), so none of them waits for it: under load there are about
four a second and process, and with no orders there are none.

Refused: a version counter in Redis looked at for each order. It costs each order a round trip, and a Redis that comes back from its
disk may have forgotten the newest versions, which is the one thing that must not happen. Pub/sub alone: a message lost is an order let out.

What no order system can take back is a request that has left: the last look is right before the bytes are handed to the HTTP client
(`api.kit.departure`), after all waiting for the broker's call limit.
"""

import asyncio
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import msgspec
import structlog
from msgspec import Struct
from pymongo import ReturnDocument, WriteConcern
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import PyMongoError

from api.domain.enums import Broker, TradingState
from api.errors import TradingStateUnknown
from api.kit.clock import Clock

log = structlog.get_logger(__name__)

LEASE_SECONDS = 0.4
"""How long a process goes by what it has read. A change is answered that much later, and readings under load are half as often a second."""

_MARGIN_SECONDS = 0.05
_PREFETCH_SECONDS = LEASE_SECONDS * 0.6
"""With less than this left, an order that is being stored starts the next reading."""

_READ_SECONDS = 2.0
_DOCUMENT_ID = "states"
_STRICTNESS = {TradingState.ACTIVE: 0, TradingState.REDUCING: 1, TradingState.HALTED: 2}

GLOBAL = "global"


def broker_level(broker: Broker) -> str:
    """Key of a broker's level."""
    return f"broker:{broker.value}"


def account_level(account_id: str) -> str:
    """Key of an account's level."""
    return f"account:{account_id}"


def fund_level(fund_id: str) -> str:
    """Key of a fund's level."""
    return f"fund:{fund_id}"


def levels_of(broker: Broker, account_id: str, fund_ids: Iterable[str] = ()) -> tuple[str, ...]:
    """The levels that an order of this account, for these funds, is under."""
    return (GLOBAL, broker_level(broker), account_level(account_id), *map(fund_level, fund_ids))


def is_stricter(state: TradingState, than: TradingState) -> bool:
    """Whether ``state`` allows less."""
    return _STRICTNESS[state] > _STRICTNESS[than]


class LevelState(Struct, kw_only=True, frozen=True):
    """The state of one level: by whom, when (aware UTC) and why it was set."""

    state: TradingState
    reason: str
    set_by: str
    set_at: datetime


class Snapshot(Struct, kw_only=True, frozen=True):
    """All levels that were ever set, at one version. ``limits_version`` grows with each change of a risk limit (`limits`)."""

    version: int = 0
    limits_version: int = 0
    levels: Mapping[str, LevelState] = {}

    def strictest(self, levels: Iterable[str]) -> tuple[TradingState, str]:
        """The state that holds for an order under these levels, and the level that it comes from."""
        found, source = TradingState.ACTIVE, GLOBAL
        for key in levels:
            level = self.levels.get(key)
            if level is not None and is_stricter(level.state, found):
                found, source = level.state, key
        return found, source

    def of(self, level: str) -> LevelState | None:
        """The level's state; None where it was never set, which is ``active``."""
        return self.levels.get(level)


class TradingStates:
    """Reads and sets the trading states; see the module for what is promised."""

    def __init__(self, database: AsyncDatabase[dict[str, Any]], clock: Clock) -> None:
        self._collection = database["trading_states"].with_options(write_concern=WriteConcern(w="majority", j=True))
        self._clock = clock
        self._known = Snapshot()
        self._good_until = float("-inf")
        self._reading: asyncio.Task[None] | None = None

    async def known(self) -> Snapshot:
        """A copy that may be gone by now; read again where the one at hand has run out.

        Raises:
            TradingStateUnknown: It cannot be read, so nothing may leave.
        """
        while not self._is_good():
            reading = self._start_reading()
            await asyncio.wait({reading})
            error = None if reading.cancelled() else reading.exception()
            if isinstance(error, PyMongoError | TimeoutError) and not self._is_good():
                raise TradingStateUnknown("The trading state cannot be read, so nothing is sent.", outcome="none") from error
            if error is not None and not isinstance(error, PyMongoError | TimeoutError):
                raise error
        return self._known

    def prefetch(self) -> None:
        """Start the next reading where the copy at hand is soon used up; an order calls this before it is stored."""
        if self._good_until - self._clock.monotonic() < _PREFETCH_SECONDS:
            self._start_reading()

    async def set_level(self, level: str, state: TradingState, *, reason: str, set_by: str) -> tuple[LevelState | None, LevelState]:
        """Set one level; on return it holds in every process.

        Returns:
            The level before and now.
        """
        after = LevelState(state=state, reason=reason, set_by=set_by, set_at=self._clock.now())
        document = {"state": state.value, "reason": reason, "set_by": set_by, "set_at": after.set_at}
        before = await self._change({"$set": {f"levels.{level}": document}})
        return before.of(level), after

    async def adopt_level(self, level: str, state: TradingState, at: datetime) -> None:
        """Take over a state that an older Lucy stored elsewhere, unless the level was set since."""
        document = {"state": state.value, "reason": "", "set_by": "system", "set_at": at}
        await self._collection.update_one(
            {"_id": _DOCUMENT_ID, f"levels.{level}": {"$exists": False}}, {"$set": {f"levels.{level}": document}, "$inc": {"version": 1}}
        )

    async def announce_limits(self) -> None:
        """A risk limit was changed: on return every process goes by it."""
        await self._change({"$inc": {"limits_version": 1}})

    async def prepare(self) -> None:
        """See that the document exists; safe to do twice and by several at once."""
        await self._collection.update_one({"_id": _DOCUMENT_ID}, {"$setOnInsert": {"version": 0, "levels": {}}}, upsert=True)

    async def aclose(self) -> None:
        """Wait for a reading under way."""
        if self._reading is not None:
            await asyncio.wait({self._reading})

    async def _change(self, update: dict[str, Any]) -> Snapshot:
        before = await self.known()
        update = update | {"$inc": {"version": 1} | update.get("$inc", {})}
        raw = await self._collection.find_one_and_update({"_id": _DOCUMENT_ID}, update, upsert=True, return_document=ReturnDocument.AFTER)
        self._take(raw)
        await asyncio.sleep(LEASE_SECONDS + _MARGIN_SECONDS)  # until every copy from before the write has run out
        return before

    def _is_good(self) -> bool:
        return self._clock.monotonic() < self._good_until

    def _start_reading(self) -> "asyncio.Task[None]":
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._read())
            self._reading.add_done_callback(_log_failure)
        return self._reading

    async def _read(self) -> None:
        asked_at = self._clock.monotonic()
        async with asyncio.timeout(_READ_SECONDS):
            raw = await self._collection.find_one_and_update(
                {"_id": _DOCUMENT_ID}, {"$inc": {"readings": 1}}, upsert=True, return_document=ReturnDocument.AFTER
            )
        self._take(raw)
        self._good_until = max(self._good_until, asked_at + LEASE_SECONDS)

    def _take(self, raw: Mapping[str, Any] | None) -> None:
        if raw is None:  # an upsert that gives back what it wrote always gives something
            raise TradingStateUnknown("The trading state cannot be read, so nothing is sent.")
        found = msgspec.convert({name: raw[name] for name in Snapshot.__struct_fields__ if name in raw}, Snapshot)
        if found.version >= self._known.version:  # a slow answer never puts a newer state back
            self._known = found


def _log_failure(reading: "asyncio.Task[None]") -> None:
    if not reading.cancelled() and (error := reading.exception()) is not None:
        log.warning("trading_states_not_read", problem=f"{type(error).__name__}: {error}")
