"""The shared call limit, with a real Redis and real time (windows are short)."""

import asyncio
import random
import time

import pytest
from redis.asyncio import Redis

from api.kit.rate_limit import LimiterUnavailable, PastDeadline, RateLimiter

WINDOW = 0.3


async def granted(limiter: RateLimiter, key: str, *, limit: int, reserve: int = 0, deadline: float = 10.0, window: float = WINDOW) -> float:
    """When a place was given."""
    await limiter.acquire(key, limit=limit, window_seconds=window, deadline_seconds=deadline, reserve=reserve)
    return time.monotonic()


def most_in_a_window(instants: list[float], window: float) -> int:
    ordered = sorted(instants)
    return max(sum(1 for other in ordered if start <= other < start + window) for start in ordered)


async def test_no_window_ever_holds_more_than_the_limit(redis: Redis, prefix: str) -> None:
    processes = [RateLimiter(redis, prefix) for _ in range(3)]

    instants = await asyncio.gather(*(granted(random.choice(processes), "k", limit=5) for _ in range(28)))

    # a little less than the window: places are exact in Redis's clock, the wake-ups are not
    assert most_in_a_window(list(instants), WINDOW - 0.05) <= 5
    assert max(instants) - min(instants) >= 5 * WINDOW - 0.05
    booked = [score for _, score in await redis.zrange(f"{prefix}:limit:k", 0, -1, withscores=True)]
    assert most_in_a_window(booked, WINDOW * 1_000_000 - 1) <= 5


async def test_the_limit_is_used_to_the_full(redis: Redis, prefix: str) -> None:
    limiter = RateLimiter(redis, prefix)
    start = time.monotonic()

    instants = await asyncio.gather(*(granted(limiter, "k", limit=10) for _ in range(30)))

    assert max(instants) - start < 2 * WINDOW + 0.25


async def test_a_free_place_is_given_at_once(redis: Redis, prefix: str) -> None:
    limiter = RateLimiter(redis, prefix)
    await granted(limiter, "warm", limit=1)
    start = time.monotonic()

    assert await granted(limiter, "k", limit=1) - start < 0.1


async def test_a_wait_beyond_the_deadline_is_told_at_once_and_books_nothing(redis: Redis, prefix: str) -> None:
    limiter = RateLimiter(redis, prefix)
    await granted(limiter, "k", limit=1, window=5)
    start = time.monotonic()

    with pytest.raises(TimeoutError) as caught:
        await granted(limiter, "k", limit=1, window=5, deadline=1)

    assert time.monotonic() - start < 0.5
    assert isinstance(caught.value, PastDeadline)
    assert 4 < caught.value.wait_seconds <= 5
    assert await redis.zcard(f"{prefix}:limit:k") == 1


async def test_keys_do_not_share_a_limit(redis: Redis, prefix: str) -> None:
    limiter = RateLimiter(redis, prefix)
    await granted(limiter, "one", limit=1, window=5)

    await granted(limiter, "two", limit=1, window=5, deadline=0)


async def test_reserved_places_stay_free_for_the_more_urgent(redis: Redis, prefix: str) -> None:
    limiter = RateLimiter(redis, prefix)
    for _ in range(3):
        await granted(limiter, "k", limit=5, window=5, reserve=2, deadline=0)

    with pytest.raises(PastDeadline):
        await granted(limiter, "k", limit=5, window=5, reserve=2, deadline=0)
    for _ in range(2):
        await granted(limiter, "k", limit=5, window=5, reserve=0, deadline=0)
    with pytest.raises(PastDeadline):
        await granted(limiter, "k", limit=5, window=5, reserve=0, deadline=0)


async def test_the_urgent_overtake_a_queue_of_others(redis: Redis, prefix: str) -> None:
    limiter = RateLimiter(redis, prefix)
    queue = [asyncio.create_task(granted(limiter, "k", limit=4, reserve=2)) for _ in range(10)]
    await asyncio.sleep(0.05)  # the queue has booked far ahead

    urgent = await asyncio.gather(*(granted(limiter, "k", limit=4) for _ in range(2)))

    waiting = sum(1 for task in queue if not task.done())
    assert waiting >= 6
    everything = [*urgent, *await asyncio.gather(*queue)]
    assert most_in_a_window(everything, WINDOW - 0.05) <= 4


async def test_a_caller_that_leaves_all_to_others_still_gets_one_place(redis: Redis, prefix: str) -> None:
    limiter = RateLimiter(redis, prefix)

    await granted(limiter, "k", limit=1, reserve=9, deadline=0)


async def test_keys_vanish_after_their_last_window(redis: Redis, prefix: str) -> None:
    limiter = RateLimiter(redis, prefix)

    await granted(limiter, "k", limit=1)

    assert 0 < await redis.pttl(f"{prefix}:limit:k") <= 2_500


async def test_no_redis_is_said_so() -> None:
    unreachable: Redis = Redis.from_url("redis://127.0.0.1:1/0")

    with pytest.raises(LimiterUnavailable):
        await granted(RateLimiter(unreachable, "x"), "k", limit=1)
    await unreachable.aclose()
