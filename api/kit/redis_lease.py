"""Leases: one owner at a time for a named thing, in Redis, with fencing tokens.

A lease runs out by itself when its owner stops renewing, so a dead process's things move on. Each new lease of a name gets a larger
``fencing_token`` than all before it: whoever stores something in the name of a lease can tell a successor's write from a late one of
a predecessor that slept through its own expiry.
"""

from msgspec import Struct
from redis.asyncio import Redis

from api.kit.clock import Clock, SystemClock

_ACQUIRE = """
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
local fence = redis.call('INCR', KEYS[2])
redis.call('SET', KEYS[1], ARGV[1] .. ':' .. fence, 'PX', ARGV[2])
return fence
"""
_RENEW = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
"""
_RELEASE = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
"""


class LeaseHolder(Struct, frozen=True):
    """Who holds a lease now."""

    owner: str
    fencing_token: int


class LeaseStore:
    """Gives out leases.

    Args:
        redis: Shared by all candidates.
        prefix: Put before every key.
        clock: Measures how long a lease is good for without asking Redis.
    """

    def __init__(self, redis: Redis, prefix: str, clock: Clock | None = None) -> None:
        self._redis = redis
        self._prefix = prefix
        self._clock = clock or SystemClock()
        self._acquire = redis.register_script(_ACQUIRE)
        self._renew = redis.register_script(_RENEW)
        self._release = redis.register_script(_RELEASE)

    async def acquire(self, name: str, owner: str, ttl_seconds: float) -> "Lease | None":
        """The lease of ``name``, or None while another holds it (the same owner asking twice is another)."""
        asked_at = self._clock.monotonic()
        fence = int(await self._acquire(keys=[self._key(name), f"{self._prefix}:fence:{name}"], args=[owner, _milliseconds(ttl_seconds)]))
        if fence == 0:
            return None
        return Lease(self, name, owner, fence, ttl_seconds, good_until=asked_at + ttl_seconds)

    async def find_holder(self, name: str) -> LeaseHolder | None:
        """Who holds ``name`` at this moment."""
        value = await self._redis.get(self._key(name))
        if value is None:
            return None
        owner, _, fence = (value.decode() if isinstance(value, bytes) else str(value)).rpartition(":")
        return LeaseHolder(owner, int(fence))

    def _key(self, name: str) -> str:
        return f"{self._prefix}:lease:{name}"

    async def _renew_value(self, name: str, value: str, ttl_seconds: float) -> bool:
        return bool(int(await self._renew(keys=[self._key(name)], args=[value, _milliseconds(ttl_seconds)])))

    async def _release_value(self, name: str, value: str) -> bool:
        return bool(int(await self._release(keys=[self._key(name)], args=[value])))


class Lease:
    """A lease that was held when it was made; `is_held` tells whether it may still be.

    Attributes:
        fencing_token: Larger than that of every earlier lease of this name.
    """

    def __init__(self, store: LeaseStore, name: str, owner: str, fencing_token: int, ttl_seconds: float, *, good_until: float) -> None:
        self.name = name
        self.owner = owner
        self.fencing_token = fencing_token
        self._store = store
        self._ttl_seconds = ttl_seconds
        self._good_until = good_until
        self._value = f"{owner}:{fencing_token}"

    @property
    def is_held(self) -> bool:
        """False once the lease was lost or its time ran out unrenewed, by this process's own clock, counted from before the asking."""
        return self._store._clock.monotonic() < self._good_until

    async def renew(self) -> bool:
        """Extend by the full time from now; False when it was lost: stop at once what it covers.

        A `redis.exceptions.RedisError` means not renewed and not lost: try again while `is_held`.
        """
        asked_at = self._store._clock.monotonic()
        if await self._store._renew_value(self.name, self._value, self._ttl_seconds):
            self._good_until = asked_at + self._ttl_seconds
            return True
        self._good_until = 0.0
        return False

    async def release(self) -> bool:
        """Give it back, so that another may take it at once; False when it was no longer held."""
        self._good_until = 0.0
        return await self._store._release_value(self.name, self._value)


def _milliseconds(seconds: float) -> int:
    return max(1, round(seconds * 1000))
