"""How often somebody may guess a password."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from redis.asyncio import Redis

from api.errors import InvalidCredentials, TooManyRequests

_MOST_FAILURES = 10
_WINDOW_SECONDS = 300
"""Failed log-ins that a user name has from one address within these seconds. Not per name alone: that would let anybody lock others out."""

_AT_ONCE = 4
"""Password checks of this process at once: each takes a core for about 35 ms and 19 MiB."""


class Attempts:
    """Counts failed passwords per user name and address, for all processes."""

    def __init__(self, redis: Redis, prefix: str) -> None:
        self._redis = redis
        self._prefix = prefix
        self._turn = asyncio.Semaphore(_AT_ONCE)

    @asynccontextmanager
    async def attempt(self, username: str, address: str) -> AsyncIterator[None]:
        """Check a password within this block; it raises `InvalidCredentials` where that is wrong, and this counts it.

        Raises:
            TooManyRequests: Too many failures; nothing was checked.
        """
        digest = hashlib.sha256(f"{username.lower()}|{address}".encode()).hexdigest()[:32]
        key = f"{self._prefix}:login:{digest}"
        await self._require_free(key)
        async with self._turn:
            await self._require_free(key)  # again: many guesses sent at once would all have passed before the first failed
            try:
                yield
            except InvalidCredentials:
                async with self._redis.pipeline(transaction=True) as pipe:
                    pipe.incr(key)
                    pipe.expire(key, _WINDOW_SECONDS)
                    await pipe.execute()
                raise
        await self._redis.delete(key)

    async def _require_free(self, key: str) -> None:
        if int(await self._redis.get(key) or 0) >= _MOST_FAILURES:
            seconds = max(1, int(await self._redis.ttl(key)))
            raise TooManyRequests("Too many failed log-ins; wait a while.", retry_after_seconds=seconds)
