"""Alerts: what a person must look at, told to an account's members, or to others whom it concerns, and kept."""

import asyncio
from collections.abc import Coroutine, Sequence
from datetime import datetime
from typing import Any

import msgspec
import structlog
from motor.motor_asyncio import AsyncIOMotorDatabase
from pymongo.errors import PyMongoError
from redis.exceptions import RedisError

from api.accounts.service import AccountService
from api.events.publisher import EventBody, EventPublisher
from api.events.schemas import AlertEvent
from api.kit.clock import Clock

log = structlog.get_logger(__name__)


class Alerts:
    """Raises alerts in the background, each at most once a minute for the same subject."""

    def __init__(
        self, database: "AsyncIOMotorDatabase[dict[str, Any]]", publisher: EventPublisher, accounts: AccountService, clock: Clock
    ) -> None:
        self._collection = database["alerts"]
        self._publisher = publisher
        self._accounts = accounts
        self._clock = clock
        self._last: dict[tuple[str, str, str], datetime] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def raise_soon(self, account_id: str, code: str, message: str, *, order_id: str | None = None) -> None:
        """Tell the account's members. ``code`` is stable, ``message`` for people."""
        now = self._clock.now()
        key = (account_id, code, order_id or message)
        last = self._last.get(key)
        if last is not None and (now - last).total_seconds() < 60:
            return
        if len(self._last) > 10_000:
            self._last.clear()
        self._last[key] = now
        log.error("alert", account_id=account_id, code=code, message=message, order_id=order_id)
        self._start(self._raise(account_id, None, code, message, order_id, now))

    def raise_for(self, user_ids: Sequence[str], code: str, message: str) -> None:
        """Tell these users of something that belongs to no account."""
        log.error("alert", code=code, message=message)
        self._start(self._raise(None, user_ids, code, message, None, self._clock.now()))

    async def aclose(self) -> None:
        """Wait for what is under way."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _raise(
        self, account_id: str | None, user_ids: Sequence[str] | None, code: str, message: str, order_id: str | None, at: datetime
    ) -> None:
        event = AlertEvent(type="alert", at=at, account_id=account_id, code=code, message=message, order_id=order_id)
        try:
            await self._collection.insert_one({"account_id": account_id, "code": code, "message": message, "order_id": order_id, "at": at})
            if account_id is not None:
                user_ids = await self._accounts.member_ids(account_id)
            await self._publisher.publish(user_ids or (), EventBody("alert", msgspec.json.encode(event)))
        except (RedisError, PyMongoError) as error:  # it stands in the log
            log.warning("alert_not_published", code=code, problem=str(error))
