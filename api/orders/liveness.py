"""Which processes are alive: each keeps a short-lived key in Redis, so that a dead sender's orders are taken up at once."""

import asyncio

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

log = structlog.get_logger(__name__)

_LIFETIME = 6
_BEAT = 2.0


class Liveness:
    """Says that this process lives, and asks whether another does."""

    def __init__(self, redis: Redis, prefix: str, process_id: str) -> None:
        self._redis = redis
        self._prefix = prefix
        self.process_id = process_id

    async def beat(self) -> None:
        """Renew this process's key."""
        await self._redis.set(self._key(self.process_id), b"1", ex=_LIFETIME)

    async def run(self) -> None:
        """Beat until cancelled. A Redis that is away makes this process look dead, which costs an inquiry and nothing else."""
        while True:
            try:
                await self.beat()
            except RedisError as error:
                log.warning("heartbeat_failed", problem=str(error))
            await asyncio.sleep(_BEAT)

    async def is_alive(self, process_id: str) -> bool:
        """Whether that process renewed its key within the last seconds."""
        return bool(await self._redis.exists(self._key(process_id)))

    def _key(self, process_id: str) -> str:
        return f"{self._prefix}:alive:{process_id}"
