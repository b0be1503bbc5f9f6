"""The audit log: append-only, hash-chained (`chain`).

An entry is written right after the change that it tells of, journaled, and the request fails where it cannot be written. A crash of
the process just between the two leaves a change without its entry: the price of keeping the two apart from one another's database
transactions.
"""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import msgspec
import structlog
from motor.motor_asyncio import AsyncIOMotorDatabase
from msgspec import Struct
from pymongo import ASCENDING, DESCENDING, WriteConcern
from pymongo.errors import DuplicateKeyError

from api.audit.chain import NO_ENTRY, Break, Head, find_break, find_cut, linked
from api.kit.clock import Clock

log = structlog.get_logger(__name__)

_TRIES = 200
"""Another process may take the next number first, each time; with a handful of processes a few tries do."""

_HEAD_ID = "head"


class Verified(Struct, kw_only=True, frozen=True):
    """What a walk over the chain found.

    Attributes:
        count: Entries of the chain that were found good.
        unchained_count: Entries of an older Lucy, without a hash: nothing protects those.
        head: Of the newest good entry.
        broken: Where the chain is broken first, None where it is whole.
    """

    count: int
    unchained_count: int
    head: Head
    broken: Break | None


class AuditService:
    """Writes audit entries; nothing changes or deletes them."""

    def __init__(self, database: "AsyncIOMotorDatabase[dict[str, Any]]", clock: Clock, new_id: Callable[[], str]) -> None:
        durable = WriteConcern(w="majority", j=True)
        self._collection = database["audit"].with_options(write_concern=durable)
        self._heads = database["audit_head"].with_options(write_concern=durable)
        self._clock = clock
        self._new_id = new_id
        self._appending = asyncio.Lock()

    async def create_indexes(self) -> None:
        """By subject and by actor, newest first; each number of the chain once."""
        await self._collection.create_index([("subject", ASCENDING), ("_id", DESCENDING)])
        await self._collection.create_index([("actor", ASCENDING), ("_id", DESCENDING)])
        await self._collection.create_index(
            [("sequence", ASCENDING)], unique=True, partialFilterExpression={"sequence": {"$exists": True}}, name="sequence_once"
        )

    async def list_page(
        self,
        *,
        subject: str | None,
        actor: str | None,
        action: str | None,
        since: datetime | None,
        until: datetime | None,
        limit: int,
        before_id: str | None,
    ) -> list[dict[str, Any]]:
        """Up to ``limit`` stored entries, newest first, older than ``before_id``.

        Args:
            subject: ``kind:id``, exactly.
            actor: User id or ``system``, exactly.
            action: Exactly.
            since: From this instant on.
            until: Before this instant.
            limit: Most entries.
            before_id: Of the last entry of the page before.
        """
        exact = (("subject", subject), ("actor", actor), ("action", action))
        query: dict[str, Any] = {name: value for name, value in exact if value is not None}
        span = {name: value for name, value in (("$gte", since), ("$lt", until)) if value is not None}
        if span:
            query["at"] = span
        if before_id is not None:
            query["_id"] = {"$lt": before_id}
        return await self._collection.find(query).sort("_id", DESCENDING).limit(limit).to_list(limit)

    async def record(
        self, *, actor: str, action: str, subject: str, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None
    ) -> None:
        """Note one change; on return it is durable.

        Args:
            actor: User id, or ``system``.
            action: Stable verb, ``account.create``.
            subject: ``kind:id`` of what changed.
            before: The values before it, without secrets; None for a creation.
            after: The values after it; None for a deletion.
        """
        context = structlog.contextvars.get_contextvars()
        entry = {
            "_id": self._new_id(),
            "at": self._clock.now(),
            "actor": actor,
            "action": action,
            "subject": subject,
            "before": None if before is None else msgspec.to_builtins(dict(before), str_keys=True),
            "after": None if after is None else msgspec.to_builtins(dict(after), str_keys=True),
            "request_id": context.get("request_id"),
            "address": context.get("address"),
        }
        async with self._appending:
            head = await self._append(entry)
        await self._heads.update_one({"_id": _HEAD_ID}, {"$setOnInsert": {"sequence": 0, "hash": NO_ENTRY.hash}}, upsert=True)
        await self._heads.update_one(
            {"_id": _HEAD_ID, "sequence": {"$lt": head.sequence}}, {"$set": {"sequence": head.sequence, "hash": head.hash}}
        )

    async def verify(self) -> Verified:
        """Walk the whole chain, oldest first."""
        kept = _head(await self._heads.find_one({"_id": _HEAD_ID}))  # read first: the chain only grows
        unchained = await self._collection.count_documents({"sequence": {"$exists": False}})
        last, broken, at_kept = NO_ENTRY, None, None
        async for entry in self._collection.find({"sequence": {"$exists": True}}).sort("sequence", ASCENDING):
            broken = find_break(entry, last)
            if broken is not None:
                break
            last = _head(entry)
            if last.sequence == kept.sequence:
                at_kept = last.hash
        broken = broken or find_cut(last, kept, at_kept)
        if broken is not None:
            log.error("audit_chain_broken", sequence=broken.sequence, reason=broken.reason)
        return Verified(count=last.sequence, unchained_count=unchained, head=last, broken=broken)

    async def _append(self, entry: Mapping[str, Any]) -> Head:
        for _ in range(_TRIES):
            newest = await self._collection.find_one({"sequence": {"$exists": True}}, sort=[("sequence", DESCENDING)])
            document = linked(entry, _head(newest))
            try:
                await self._collection.insert_one(document)
            except DuplicateKeyError:  # another process took the number
                continue
            return _head(document)
        raise RuntimeError(f"no free number in the audit log after {_TRIES} tries")


def _head(document: Mapping[str, Any] | None) -> Head:
    return NO_ENTRY if document is None else Head(sequence=document["sequence"], hash=document["hash"])
