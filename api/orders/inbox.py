"""The durable inbox of raw execution frames: stored first, applied then, so that a crash between loses nothing."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

import structlog
from msgspec import Struct
from pymongo import ASCENDING, UpdateMany
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import PyMongoError

from api.kit.batches import Batches, Deferred
from api.orders.repository import DURABLE

log = structlog.get_logger(__name__)

_MARK_SECONDS = 0.1


class FrameState(StrEnum):
    """How far a frame has come. ``received``, ``waiting`` and ``held`` are taken up again; the others are final."""

    RECEIVED = "received"
    WAITING = "waiting"
    HELD = "held"
    APPLIED = "applied"
    REPEATED = "repeated"
    FOREIGN = "foreign"
    UNREADABLE = "unreadable"
    CONTRADICTED = "contradicted"


OPEN_STATES = (FrameState.RECEIVED, FrameState.WAITING, FrameState.HELD)


class Frame(Struct, kw_only=True, frozen=True):
    """One stored frame. ``text`` is readable by the account's adapter."""

    id: str
    account_id: str
    text: str
    received_at: datetime
    state: FrameState


class Inbox:
    """The collection ``broker_notices``."""

    def __init__(self, database: AsyncDatabase[dict[str, Any]]) -> None:
        self._durable = database["broker_notices"].with_options(write_concern=DURABLE)
        self._frames = database["broker_notices"]
        self._stores = Batches(self._store_all)
        self._marks = Deferred(self._write_marks, delay_seconds=_MARK_SECONDS)

    async def aclose(self) -> None:
        """Write the marks that are left."""
        await self._marks.aclose()

    async def create_indexes(self) -> None:
        """Open frames by account; the rest is history."""
        await self._frames.create_index([("account_id", ASCENDING), ("state", ASCENDING), ("_id", ASCENDING)])

    async def store(self, frames: Sequence[Frame]) -> None:
        """Store new frames; durable when it returns."""
        await self._stores.submit([_to_document(frame) for frame in frames])

    async def _store_all(self, batches: Sequence[list[dict[str, Any]]]) -> list[None]:
        await self._durable.insert_many([document for batch in batches for document in batch], ordered=True)
        return [None] * len(batches)

    async def list_open(self, account_id: str, limit: int = 5_000) -> list[Frame]:
        """Frames not dealt with, in the order of their arrival."""
        await self._marks.flush()
        query = {"account_id": account_id, "state": {"$in": [state.value for state in OPEN_STATES]}}
        cursor = self._frames.find(query).sort("_id", ASCENDING).limit(limit)
        return [_to_frame(document) async for document in cursor]

    async def count_unapplied(self, account_id: str, since: datetime) -> dict[FrameState, int]:
        """Frames that came since then and are in no ledger, though they should be or may be: by state."""
        await self._marks.flush()
        found = {}
        for state in (*OPEN_STATES, FrameState.UNREADABLE, FrameState.CONTRADICTED):
            query = {"account_id": account_id, "state": state.value, "received_at": {"$gte": since}}
            found[state] = await self._frames.count_documents(query)
        return found

    def mark(self, frame_ids: Iterable[str], state: FrameState) -> None:
        """Note in a moment how far these frames have come. Not journaled: a lost mark only has them looked at again."""
        for frame_id in frame_ids:
            self._marks.put(frame_id, state)

    async def _write_marks(self, marks: dict[str, FrameState]) -> None:
        by_state: dict[FrameState, list[str]] = defaultdict(list)
        for frame_id, state in marks.items():
            by_state[state].append(frame_id)
        updates = [UpdateMany({"_id": {"$in": ids}}, {"$set": {"state": state.value}}) for state, ids in by_state.items()]
        try:
            await self._frames.bulk_write(updates, ordered=False)
        except PyMongoError as error:
            log.warning("notice_marks_lost", count=len(marks), problem=str(error))


def _to_document(frame: Frame) -> dict[str, Any]:
    return {
        "_id": frame.id,
        "account_id": frame.account_id,
        "text": frame.text,
        "received_at": frame.received_at,
        "state": frame.state.value,
    }


def _to_frame(document: dict[str, Any]) -> Frame:
    return Frame(
        id=document["_id"],
        account_id=document["account_id"],
        text=document["text"],
        received_at=document["received_at"],
        state=FrameState(document["state"]),
    )
