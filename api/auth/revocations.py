"""Access tokens that were called back before their time.

A token is checked without a look at the database, so a deactivated user's would live on for its 15 minutes. This short list of users
whose tokens from before an instant no longer count closes the gap. Each process reads it at most once a second; the price is that
second. Refused: asking at every request, which would put a round trip before every order.
"""

from datetime import datetime, timedelta

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from api.kit.clock import Clock

log = structlog.get_logger(__name__)

_MOST_STALE_SECONDS = 1.0


class Revocations:
    """Who was called back, and when, for as long as a token from before may live.

    Args:
        redis: Shared by all processes.
        prefix: Put before every key.
        clock: Tells when.
        lifetime: How long an access token lives.
    """

    def __init__(self, redis: Redis, prefix: str, clock: Clock, lifetime: timedelta) -> None:
        self._redis = redis
        self._key = f"{prefix}:revoked"
        self._clock = clock
        self._lifetime = lifetime
        self._revoked: dict[str, int] = {}
        self._read_at: float | None = None

    async def revoke(self, user_id: str) -> None:
        """Call back all access tokens that the user has now."""
        now = _milliseconds(self._clock.now())
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.zremrangebyscore(self._key, "-inf", now - _span(self._lifetime))
            pipe.zadd(self._key, {user_id: now})
            pipe.pexpire(self._key, _span(self._lifetime))
            await pipe.execute()
        self._revoked[user_id] = now

    async def is_revoked(self, user_id: str, issued_at: datetime) -> bool:
        """Whether a token of this instant was called back; up to a second late where another process did it."""
        now = self._clock.monotonic()
        if self._read_at is None:
            await self._read()
            self._read_at = now
        elif now - self._read_at > _MOST_STALE_SECONDS:
            self._read_at = now  # first, so that one request asks and the others go on with what is known
            try:
                await self._read()
            except RedisError as error:
                log.warning("revocations_not_read", problem=str(error))  # the list known so far holds on
        return _milliseconds(issued_at) < self._revoked.get(user_id, 0)

    async def _read(self) -> None:
        entries = await self._redis.zrange(self._key, 0, -1, withscores=True)
        self._revoked = {user_id.decode(): int(score) for user_id, score in entries}


def _milliseconds(instant: datetime) -> int:
    return round(instant.timestamp() * 1000)


def _span(lifetime: timedelta) -> int:
    return round(lifetime.total_seconds() * 1000) + 60_000  # a minute for clocks that differ
