"""Webhooks and their delivery log in MongoDB.

What a user changes bumps ``version``; what a worker writes of its deliveries asks for its own ``fence``, which the next worker to take the
webhook over has made out of date. So a worker that slept through the end of its lease moves nothing any more. The fence is counted here
and not in Redis: it stays good where Redis was lost.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
import structlog
from odmantic.exceptions import DocumentParsingError
from pymongo import ASCENDING, DESCENDING, ReturnDocument
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import BulkWriteError

from api.orders.repository import DURABLE
from api.webhooks.documents import WebhookDocument
from api.webhooks.schemas import WebhookDelivery

log = structlog.get_logger(__name__)

_LOG_KEPT = timedelta(days=7)
_DUPLICATE_KEY = 11000

NOT_FAILING: dict[str, Any] = {"attempt": 0, "failing_since": None, "next_attempt_at": None, "last_error": None}


class WebhookRepository:
    """The collections ``webhooks`` and ``webhook_deliveries``."""

    def __init__(self, database: AsyncDatabase[dict[str, Any]]) -> None:
        self._webhooks = database[WebhookDocument.__collection__].with_options(write_concern=DURABLE)
        self._deliveries = database["webhook_deliveries"]

    async def create_indexes(self) -> None:
        """A user's webhooks; a webhook's log, which ends by itself after a week."""
        await self._webhooks.create_index([("user_id", ASCENDING)])
        await self._deliveries.create_index([("webhook_id", ASCENDING), ("_id", DESCENDING)])
        await self._deliveries.create_index([("at", ASCENDING)], expireAfterSeconds=int(_LOG_KEPT.total_seconds()))

    # -- for its owner

    async def insert(self, webhook: WebhookDocument) -> None:
        """Add a webhook."""
        await self._webhooks.insert_one(webhook.model_dump_doc())

    async def find_of(self, user_id: str, webhook_id: str) -> WebhookDocument | None:
        """The user's webhook; None for any other."""
        return _document(await self._webhooks.find_one({"_id": webhook_id, "user_id": user_id}))

    async def list_of(self, user_id: str) -> list[WebhookDocument]:
        """The user's webhooks, oldest first."""
        return [WebhookDocument.model_validate_doc(raw) async for raw in self._webhooks.find({"user_id": user_id}).sort("_id", ASCENDING)]

    async def change(self, webhook_id: str, changes: Mapping[str, Any]) -> WebhookDocument | None:
        """Write the owner's changes; the webhook after them, None where it is gone."""
        return _document(
            await self._webhooks.find_one_and_update(
                {"_id": webhook_id}, {"$set": dict(changes), "$inc": {"version": 1}}, return_document=ReturnDocument.AFTER
            )
        )

    async def delete(self, webhook_id: str) -> None:
        """Remove a webhook and its log."""
        await self._webhooks.delete_one({"_id": webhook_id})
        await self._deliveries.delete_many({"webhook_id": webhook_id})

    # -- for the worker

    async def list_active(self) -> list[WebhookDocument]:
        """All webhooks that want to be delivered."""
        found: list[WebhookDocument] = []
        async for raw in self._webhooks.find({"is_active": True}):
            try:
                found.append(WebhookDocument.model_validate_doc(raw))
            except DocumentParsingError as error:  # one that cannot be read stops no other
                log.error("webhook_unreadable", webhook_id=str(raw.get("_id")), problem=str(error))
        return found

    async def has_active(self) -> bool:
        """Whether any webhook wants to be delivered."""
        return await self._webhooks.find_one({"is_active": True}, projection={"_id": 1}) is not None

    async def take_over(self, webhook_id: str) -> WebhookDocument | None:
        """Become the one who delivers it: whoever did so before moves nothing any more. None where it is gone or disabled."""
        return _document(
            await self._webhooks.find_one_and_update(
                {"_id": webhook_id, "is_active": True}, {"$inc": {"fence": 1}}, return_document=ReturnDocument.AFTER
            )
        )

    async def advance(self, webhook_id: str, fence: int, cursor: str, delivered_at: datetime | None) -> bool:
        """All up to ``cursor`` is dealt with; False where another worker has taken over, or the webhook is gone."""
        changes: dict[str, Any] = {"cursor": cursor} | NOT_FAILING
        if delivered_at is not None:
            changes["last_delivered_at"] = delivered_at
        return await self._write(webhook_id, fence, {}, changes)

    async def note_failure(
        self, webhook: WebhookDocument, *, attempt: int, failing_since: datetime, next_attempt_at: datetime, error: str
    ) -> bool:
        """The event after the cursor was not taken; False where the owner has changed the webhook meanwhile, or another worker has it."""
        changes = {"attempt": attempt, "failing_since": failing_since, "next_attempt_at": next_attempt_at, "last_error": error}
        return await self._write(webhook.id, webhook.fence, {"version": webhook.version}, changes)

    async def disable(self, webhook: WebhookDocument, reason: str, error: str) -> bool:
        """Switch it off; False as of `note_failure`."""
        changes = {"is_active": False, "disabled_reason": reason, "last_error": error, "next_attempt_at": None}
        return await self._write(webhook.id, webhook.fence, {"version": webhook.version}, changes)

    async def _write(self, webhook_id: str, fence: int, also: Mapping[str, Any], changes: Mapping[str, Any]) -> bool:
        result = await self._webhooks.update_one({"_id": webhook_id, "fence": fence, **also}, {"$set": dict(changes)})
        return result.matched_count == 1

    # -- the log

    async def log(self, deliveries: Sequence[WebhookDelivery]) -> None:
        """Keep attempts; those that are there already stay as they are."""
        try:
            await self._deliveries.insert_many([_stored(delivery) for delivery in deliveries], ordered=False)
        except BulkWriteError as error:
            if any(entry["code"] != _DUPLICATE_KEY for entry in error.details["writeErrors"]):
                raise

    async def find_delivery(self, webhook_id: str, delivery_id: str) -> WebhookDelivery | None:
        """One attempt of this webhook, or None."""
        raw = await self._deliveries.find_one({"_id": delivery_id, "webhook_id": webhook_id})
        return None if raw is None else _delivery(raw)

    async def list_deliveries(self, webhook_id: str, *, status: str | None, limit: int, before_id: str | None) -> list[WebhookDelivery]:
        """Up to ``limit`` attempts, newest first, older than ``before_id``."""
        query: dict[str, Any] = {"webhook_id": webhook_id}
        if status is not None:
            query["status"] = status
        if before_id is not None:
            query["_id"] = {"$lt": before_id}
        return [_delivery(raw) async for raw in self._deliveries.find(query).sort("_id", DESCENDING).limit(limit)]


def _document(raw: dict[str, Any] | None) -> WebhookDocument | None:
    return None if raw is None else WebhookDocument.model_validate_doc(raw)


def _stored(delivery: WebhookDelivery) -> dict[str, Any]:
    members = msgspec.structs.asdict(delivery)
    return {"_id": members.pop("id"), **members}


def _delivery(raw: dict[str, Any]) -> WebhookDelivery:
    return msgspec.convert({"id": raw.pop("_id"), **raw}, WebhookDelivery)
