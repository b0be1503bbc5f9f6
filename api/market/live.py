"""Prices that brokers' feeds tell as they happen, shared by all processes through Redis, by account.

Who looks at a price names it here, as often as they look; the worker that listens to the account follows what was named, where its
connection has room, and puts the newest price here. Prices stay with the account whose key they came by: nobody else is shown them.
A price is here only as long as its feed is up, so whoever finds none asks the broker as ever.
"""

from collections.abc import Collection, Sequence

import msgspec
from redis.asyncio import Redis

from api.brokers.market_data import Quote
from api.kit.clock import Clock
from api.kit.redis_client import as_awaitable

WANTED_SECONDS = 30
"""How long a symbol is followed after somebody last looked at it."""

KEPT_SECONDS = 3
"""How long a price outlives a worker that no longer says that its feed is up."""

_decode = msgspec.json.Decoder(Quote)


class LiveQuotes:
    """What is looked at and the live prices of it.

    Args:
        redis: Shared by all processes.
        prefix: Put before every key.
        clock: Tells since when nobody looked.
    """

    def __init__(self, redis: Redis, prefix: str, clock: Clock) -> None:
        self._redis = redis
        self._prefix = prefix
        self._clock = clock

    async def look(self, account_id: str, symbol: str) -> Quote | None:
        """The live price through this account, and have the symbol followed from now on. Raises `redis.RedisError`."""
        wanted, now = self._wanted_key(account_id), self._clock.now().timestamp()
        async with self._redis.pipeline(transaction=False) as pipeline:
            pipeline.zadd(wanted, {symbol: now})
            pipeline.zremrangebyscore(wanted, "-inf", now - WANTED_SECONDS)
            pipeline.expire(wanted, WANTED_SECONDS)
            pipeline.hget(self._quotes_key(account_id), symbol)
            raw = (await pipeline.execute())[-1]
        return None if raw is None else _decode.decode(raw)

    async def wanted(self, account_id: str) -> list[str]:
        """Symbols that somebody looked at within `WANTED_SECONDS`, the newest first."""
        since = self._clock.now().timestamp() - WANTED_SECONDS
        found = await as_awaitable(self._redis.zrevrangebyscore(self._wanted_key(account_id), "+inf", since))
        return [symbol.decode() for symbol in found]

    async def put(self, account_id: str, quotes: Sequence[Quote], dropped: Collection[str]) -> None:
        """Show these, no longer show ``dropped``, and say that the feed is up."""
        key = self._quotes_key(account_id)
        async with self._redis.pipeline(transaction=True) as pipeline:
            if dropped:
                pipeline.hdel(key, *dropped)
            if quotes:
                pipeline.hset(key, mapping={quote.symbol: msgspec.json.encode(quote) for quote in quotes})
            pipeline.expire(key, KEPT_SECONDS)
            await pipeline.execute()

    async def clear(self, account_id: str) -> None:
        """The feed is down: show nothing of it."""
        await self._redis.delete(self._quotes_key(account_id))

    def _wanted_key(self, account_id: str) -> str:
        return f"{self._prefix}:quotes:wanted:{account_id}"

    def _quotes_key(self, account_id: str) -> str:
        return f"{self._prefix}:quotes:live:{account_id}"
