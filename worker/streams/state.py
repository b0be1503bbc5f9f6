"""The state of each execution stream, where the API can read it, and an event when it changes."""

import asyncio
from datetime import datetime

import msgspec
import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from api.accounts.service import AccountService
from api.domain.enums import StreamState
from api.events.publisher import EventBody, EventPublisher
from api.events.schemas import StreamEvent
from api.kit.clock import Clock
from api.kit.redis_client import as_awaitable

log = structlog.get_logger(__name__)


class StreamStates:
    """Writes ``{prefix}:stream:{account_id}``: ``state``, ``since``, ``last_frame_at``, ``detail``."""

    def __init__(self, redis: Redis, prefix: str, publisher: EventPublisher, accounts: AccountService, clock: Clock) -> None:
        self._redis = redis
        self._prefix = prefix
        self._publisher = publisher
        self._accounts = accounts
        self._clock = clock
        self._last_frame_at: dict[str, datetime] = {}

    def note_frame(self, account_id: str) -> None:
        """A frame came; written with the next `flush`."""
        self._last_frame_at[account_id] = self._clock.now()

    async def flush(self) -> None:
        """Write the times of the last frames."""
        noted, self._last_frame_at = self._last_frame_at, {}
        for account_id, at in noted.items():
            await as_awaitable(self._redis.hset(self._key(account_id), "last_frame_at", at.isoformat()))

    async def report(self, account_id: str, state: StreamState, *, detail: str = "") -> None:
        """The stream is in this state now. A Redis that is away is logged: the state is shown again with the next change."""
        now = self._clock.now()
        event = StreamEvent(type="stream", at=now, account_id=account_id, state=state, detail=detail or None)
        try:
            async with asyncio.timeout(2):
                fields = {"state": state.value, "since": now.isoformat(), "detail": detail}
                await as_awaitable(self._redis.hset(self._key(account_id), mapping=fields))
                members = await self._accounts.member_ids(account_id)
                await self._publisher.publish(members, EventBody("stream", msgspec.json.encode(event)))
        except (RedisError, TimeoutError) as error:
            log.warning("stream_state_not_reported", account_id=account_id, state=state, problem=str(error))

    def _key(self, account_id: str) -> str:
        return f"{self._prefix}:stream:{account_id}"
