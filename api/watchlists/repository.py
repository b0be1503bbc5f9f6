"""Watch lists and their alerts in MongoDB.

A user's change and the worker's note of a crossing may come at once. Each reads the whole list, and replaces it only where nobody else has
(`replace_if_unchanged`); who was second does it again on what is there now. So neither an edit nor a crossing is written over.
"""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import structlog
from odmantic.exceptions import DocumentParsingError
from pymongo import ASCENDING, DESCENDING
from pymongo.asynchronous.database import AsyncDatabase

from api.orders.repository import DURABLE
from api.watchlists.documents import WatchAlertDocument, WatchlistDocument
from api.watchlists.schemas import WatchlistKind

log = structlog.get_logger(__name__)

_ALERTS_KEPT = timedelta(days=183)


class WatchlistRepository:
    """The collections ``watchlists`` and ``watch_alerts``."""

    def __init__(self, database: AsyncDatabase[dict[str, Any]]) -> None:
        self._lists = database[WatchlistDocument.__collection__].with_options(write_concern=DURABLE)
        self._alerts = database[WatchAlertDocument.__collection__].with_options(write_concern=DURABLE)

    async def create_indexes(self) -> None:
        """A user's lists, one of them of holdings; what the worker watches; a user's alerts, which end by themselves."""
        await self._lists.create_index([("user_id", ASCENDING), ("_id", ASCENDING)])
        await self._lists.create_index(
            [("user_id", ASCENDING), ("kind", ASCENDING)], unique=True, partialFilterExpression={"kind": WatchlistKind.HELD.value}
        )
        await self._lists.create_index([("is_watched", ASCENDING)])
        await self._alerts.create_index([("user_id", ASCENDING), ("_id", DESCENDING)])
        await self._alerts.create_index([("at", ASCENDING)], expireAfterSeconds=int(_ALERTS_KEPT.total_seconds()))

    async def insert(self, watchlist: WatchlistDocument) -> None:
        """Add a list; raises `pymongo.errors.DuplicateKeyError` for a second one of holdings."""
        await self._lists.insert_one(watchlist.model_dump_doc())

    async def find(self, watchlist_id: str) -> WatchlistDocument | None:
        """The list, whoever's it is, for the worker."""
        return _document(await self._lists.find_one({"_id": watchlist_id}))

    async def find_of(self, user_id: str, watchlist_id: str) -> WatchlistDocument | None:
        """The user's list; None for any other."""
        return _document(await self._lists.find_one({"_id": watchlist_id, "user_id": user_id}))

    async def list_of(self, user_id: str) -> list[WatchlistDocument]:
        """The user's lists, oldest first."""
        return [WatchlistDocument.model_validate_doc(raw) async for raw in self._lists.find({"user_id": user_id}).sort("_id", ASCENDING)]

    async def count_of(self, user_id: str) -> int:
        """How many lists the user has."""
        return await self._lists.count_documents({"user_id": user_id})

    async def delete(self, user_id: str, watchlist_id: str) -> bool:
        """Remove the user's list; False where there is none. Its alerts stay."""
        return (await self._lists.delete_one({"_id": watchlist_id, "user_id": user_id})).deleted_count == 1

    async def replace_if_unchanged(self, watchlist: WatchlistDocument) -> bool:
        """Write the list, with a revision more, if the stored one is still that which was read."""
        query = {"_id": watchlist.id, "revision": watchlist.revision}
        result = await self._lists.replace_one(query, watchlist.model_dump_doc() | {"revision": watchlist.revision + 1})
        return result.modified_count == 1

    # -- for the worker

    async def watched(self) -> AsyncIterator[WatchlistDocument]:
        """Lists with a price to watch, or an alert to tell."""
        async for raw in self._lists.find({"is_watched": True}):
            try:
                yield WatchlistDocument.model_validate_doc(raw)
            except DocumentParsingError as error:  # one that cannot be read stops no other
                log.error("watchlist_unreadable", watchlist_id=str(raw.get("_id")), problem=str(error))

    async def keep_alert(self, alert: WatchAlertDocument) -> None:
        """Keep an alert; one that is there already stays as it is."""
        document = alert.model_dump_doc()
        await self._alerts.update_one({"_id": document.pop("_id")}, {"$setOnInsert": document}, upsert=True)

    async def list_alerts(self, user_id: str, *, limit: int, before_id: str | None) -> list[WatchAlertDocument]:
        """Up to ``limit`` of the user's alerts, newest first, older than ``before_id``."""
        query: dict[str, Any] = {"user_id": user_id}
        if before_id is not None:
            query["_id"] = {"$lt": before_id}
        cursor = self._alerts.find(query).sort("_id", DESCENDING).limit(limit)
        return [WatchAlertDocument.model_validate_doc(raw) async for raw in cursor]


def _document(raw: dict[str, Any] | None) -> WatchlistDocument | None:
    return None if raw is None else WatchlistDocument.model_validate_doc(raw)
