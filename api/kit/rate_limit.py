"""A sliding-window call limit that all processes share through Redis.

Choice: a caller *books* the earliest free place, in the future if need be, and sleeps until then. So there is one round trip a call, no
polling, first come first served within a class, and a caller who would wait past its deadline learns so at once. The price: a place booked
by a caller that dies is lost. Refused: a token bucket, which lets up to twice the limit through in one window.

Classes share one row of bookings but see different capacities: `reserve` places are left to those with a smaller reserve, who may
book between the bookings of the others.
"""

import asyncio
from itertools import count
from pathlib import Path
from uuid import uuid4

from redis.asyncio import Redis
from redis.exceptions import RedisError

from api.kit.clock import Clock, SystemClock

_SCRIPT = Path(__file__).with_suffix(".lua").read_text(encoding="utf-8")
_MICROSECONDS = 1_000_000


class PastDeadline(TimeoutError):
    """No place before the caller's deadline; nothing was booked.

    Attributes:
        wait_seconds: How far off the next place is.
    """

    def __init__(self, wait_seconds: float) -> None:
        super().__init__(f"the next free place is {wait_seconds:.3f} s away")
        self.wait_seconds = wait_seconds


class LimiterUnavailable(Exception):
    """Redis did not answer, so whether there is a place is not known; nothing was booked for certain use."""


class RateLimiter:
    """Hands out places under limits that the callers name.

    Args:
        redis: Shared by all processes that share the limits. The instants are those of its own clock.
        prefix: Put before every key.
        clock: Measures the time that the round trip took off the wait.
    """

    def __init__(self, redis: Redis, prefix: str, clock: Clock | None = None) -> None:
        self._prefix = prefix
        self._clock = clock or SystemClock()
        self._book = redis.register_script(_SCRIPT)
        self._process = uuid4().hex[:12]
        self._serial = count()

    async def acquire(self, key: str, *, limit: int, window_seconds: float, deadline_seconds: float, reserve: int = 0) -> None:
        """Return when one call may go out under ``key``.

        Args:
            key: What is limited, such as one app key.
            limit: Calls in any window.
            window_seconds: Length of the window.
            deadline_seconds: Longest wait from now.
            reserve: Places that this caller must leave to others; at least one place always remains for it.

        Raises:
            PastDeadline: A `TimeoutError`: the wait would be longer than ``deadline_seconds``. Raised at once, without waiting.
            LimiterUnavailable: Redis did not answer.
        """
        capacity = max(1, limit - reserve)
        asked_at = self._clock.monotonic()
        try:
            is_booked, wait_microseconds = await self._book(
                keys=[f"{self._prefix}:limit:{key}"],
                args=[
                    capacity,
                    round(window_seconds * _MICROSECONDS),
                    max(0, round(deadline_seconds * _MICROSECONDS)),
                    f"{self._process}{next(self._serial)}",
                ],
            )
        except RedisError as error:
            raise LimiterUnavailable(str(error)) from error
        wait_seconds = int(wait_microseconds) / _MICROSECONDS
        if not is_booked:
            raise PastDeadline(wait_seconds)
        if wait_seconds <= 0:
            return
        # the booking was made at some time during the round trip: waiting from its end on is never too early
        remaining = deadline_seconds - (self._clock.monotonic() - asked_at)
        if remaining < 0:
            raise PastDeadline(wait_seconds)
        await asyncio.sleep(wait_seconds)
