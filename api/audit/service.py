"""The audit log: append-only."""

from collections.abc import Callable, Mapping
from typing import Any

import structlog
from motor.motor_asyncio import AsyncIOMotorDatabase
from pymongo import ASCENDING, DESCENDING

from api.kit.clock import Clock


class AuditService:
    """Writes audit entries; nothing changes or deletes them."""

    def __init__(self, database: "AsyncIOMotorDatabase[dict[str, Any]]", clock: Clock, new_id: Callable[[], str]) -> None:
        self._collection = database["audit"]
        self._clock = clock
        self._new_id = new_id

    async def create_indexes(self) -> None:
        """By subject and by actor, newest first."""
        await self._collection.create_index([("subject", ASCENDING), ("_id", DESCENDING)])
        await self._collection.create_index([("actor", ASCENDING), ("_id", DESCENDING)])

    async def list_page(self, *, subject: str | None, actor: str | None, limit: int, before_id: str | None) -> list[dict[str, Any]]:
        """Up to ``limit`` stored entries, newest first, older than ``before_id``."""
        query: dict[str, Any] = {name: value for name, value in (("subject", subject), ("actor", actor)) if value is not None}
        if before_id is not None:
            query["_id"] = {"$lt": before_id}
        return await self._collection.find(query).sort("_id", DESCENDING).limit(limit).to_list(limit)

    async def record(
        self, *, actor: str, action: str, subject: str, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None
    ) -> None:
        """Note one change.

        Args:
            actor: User id, or ``system``.
            action: Stable verb, ``account.create``.
            subject: ``kind:id`` of what changed.
            before: The values before it, without secrets; None for a creation.
            after: The values after it; None for a deletion.
        """
        context = structlog.contextvars.get_contextvars()
        await self._collection.insert_one(
            {
                "_id": self._new_id(),
                "at": self._clock.now(),
                "actor": actor,
                "action": action,
                "subject": subject,
                "before": None if before is None else dict(before),
                "after": None if after is None else dict(after),
                "request_id": context.get("request_id"),
                "address": context.get("address"),
            }
        )
