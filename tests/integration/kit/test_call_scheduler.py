"""The shared line of callers, with a real Redis and real time (windows are short). Two schedulers stand for two processes."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable

import pytest
from redis.asyncio import Redis

from api.kit.call_scheduler import PATIENCE, CallRule, CallScheduler, PastDeadline, SchedulerUnavailable

WINDOW = 0.4
CANCEL, ORDER, RECONCILE, INQUIRY = range(4)
FIVE = CallRule(5, WINDOW)
ONE = CallRule(1, WINDOW)
Start = Callable[[], CallScheduler]


@pytest.fixture
async def start(redis: Redis, prefix: str) -> AsyncIterator[Start]:
    """A scheduler like that of another process."""
    started: list[CallScheduler] = []

    def make() -> CallScheduler:
        started.append(CallScheduler(redis, prefix))
        return started[-1]

    yield make
    for scheduler in started:
        await scheduler.aclose()


class Calls:
    """What was called when, and what for; a call lasts ``seconds``."""

    def __init__(self, *, seconds: float = 0.0) -> None:
        self.begun: list[float] = []
        self.ended: list[float] = []
        self.names: list[str] = []
        self._seconds = seconds

    async def call(self, scheduler: CallScheduler, rule: CallRule, name: str = "", *, rank: int = CANCEL, deadline: float = 20.0) -> None:
        place = await scheduler.acquire("k", rule, rank=rank, asker=name, deadline_seconds=deadline)
        self.begun.append(time.monotonic())
        self.names.append(name)
        if self._seconds:
            await asyncio.sleep(self._seconds)
        self.ended.append(time.monotonic())
        place.answered()


def most_in_a_window(begun: list[float], ended: list[float], window: float) -> int:
    """The most calls that a broker could have counted within one window, if each was counted as late or as early as could be."""
    return max(
        sum(1 for begin, end in zip(begun, ended, strict=True) if end > start and begin < start + window)
        for start in (end - 1e-9 for end in ended)
    )


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - the condition is another task's doing
            await asyncio.sleep(0.005)


async def test_no_window_ever_holds_more_than_the_limit(start: Start) -> None:
    processes = [start() for _ in range(3)]
    calls = Calls()

    await asyncio.gather(*(calls.call(processes[number % 3], FIVE) for number in range(28)))

    assert most_in_a_window(calls.begun, calls.ended, WINDOW) <= 5


async def test_calls_on_their_way_hold_their_places(start: Start) -> None:
    processes = [start(), start()]
    calls = Calls(seconds=0.3)

    await asyncio.gather(*(calls.call(processes[number % 2], FIVE) for number in range(20)))

    # however long the way took of each: no five of them can have been counted in one window with a sixth
    assert most_in_a_window(calls.begun, calls.ended, WINDOW) <= 5


async def test_the_limit_is_used_to_the_full(start: Start) -> None:
    scheduler = start()
    calls = Calls()

    await asyncio.gather(*(calls.call(scheduler, CallRule(10, WINDOW)) for _ in range(30)))

    assert max(calls.begun) - min(calls.begun) < 2 * WINDOW + 0.4


async def test_a_free_place_is_given_at_once(start: Start) -> None:
    await start().acquire("k", ONE, deadline_seconds=0)  # raises where it would have to wait


async def test_a_place_of_which_nothing_more_is_heard_falls_free(start: Start) -> None:
    await start().acquire("k", ONE, deadline_seconds=0)

    await start().acquire("k", ONE, deadline_seconds=3)


async def test_a_wait_beyond_the_deadline_is_told_at_once_and_counts_nothing(start: Start, redis: Redis, prefix: str) -> None:
    scheduler = start()
    rule = CallRule(1, 60.0)
    await scheduler.acquire("k", rule, deadline_seconds=0)

    with pytest.raises(PastDeadline) as caught:
        async with asyncio.timeout(15):
            await scheduler.acquire("k", rule, deadline_seconds=30)

    assert 30 < caught.value.wait_seconds <= 60
    assert await redis.zcard(f"{prefix}:calls:{{k}}:held") == 1
    assert await redis.exists(f"{prefix}:calls:{{k}}:wait") == 0


async def test_a_long_line_turns_those_away_who_could_not_be_served_in_time(start: Start) -> None:
    scheduler = start()
    calls = Calls()

    results = await asyncio.gather(*(calls.call(scheduler, FIVE, deadline=2 * WINDOW) for _ in range(60)), return_exceptions=True)

    turned_away = [result for result in results if result is not None]
    assert all(isinstance(result, PastDeadline) and result.wait_seconds >= WINDOW for result in turned_away)
    assert 9 <= len(calls.begun) <= 16
    assert max(calls.begun) - min(calls.begun) <= 2 * WINDOW + 0.1


async def test_keys_do_not_share_a_limit(start: Start) -> None:
    scheduler = start()
    await scheduler.acquire("one", ONE, deadline_seconds=0)

    await scheduler.acquire("two", ONE, deadline_seconds=0)


async def test_reserved_places_stay_free_for_the_more_urgent(start: Start) -> None:
    scheduler = start()
    rule = CallRule(5, 5.0, reserves=(0, 2, 3, 9))
    for _ in range(3):
        await scheduler.acquire("k", rule, rank=ORDER, deadline_seconds=0)

    for rank in (ORDER, RECONCILE, INQUIRY):
        with pytest.raises(PastDeadline):
            await scheduler.acquire("k", rule, rank=rank, deadline_seconds=0)
    for _ in range(2):
        await scheduler.acquire("k", rule, rank=CANCEL, deadline_seconds=0)
    with pytest.raises(PastDeadline):
        await scheduler.acquire("k", rule, rank=CANCEL, deadline_seconds=0)


async def test_a_rank_that_leaves_all_to_others_still_gets_one_place(start: Start) -> None:
    await start().acquire("k", CallRule(1, WINDOW, reserves=(0, 2, 6, 9)), rank=INQUIRY, deadline_seconds=0)


async def test_a_burst_of_orders_leaves_places_for_cancels_that_come_at_once(start: Start) -> None:
    scheduler = start()
    rule = CallRule(10, 5.0, burst_calls=2, burst_seconds=1.0)
    for _ in range(2):
        await scheduler.acquire("k", rule, rank=ORDER, deadline_seconds=0)

    with pytest.raises(PastDeadline):
        await scheduler.acquire("k", rule, rank=ORDER, deadline_seconds=0)
    for _ in range(8):
        await scheduler.acquire("k", rule, rank=CANCEL, deadline_seconds=0)


async def test_cancels_overtake_orders_that_wait_in_another_process(start: Start) -> None:
    orders, cancels = start(), start()
    rule = CallRule(4, WINDOW)
    calls = Calls()
    basket = [asyncio.create_task(calls.call(orders, rule, "order", rank=ORDER)) for _ in range(20)]
    await until(lambda: len(calls.names) == 4)

    urgent = [asyncio.create_task(calls.call(cancels, rule, "cancel")) for _ in range(8)]
    await asyncio.gather(*basket, *urgent)

    last = max(number for number, name in enumerate(calls.names) if name == "cancel")
    assert last < 4 + 8 + 4  # all but those that had gone when the cancels came to the line
    assert most_in_a_window(calls.begun, calls.ended, WINDOW) <= 4


async def test_ranks_are_served_in_order(start: Start) -> None:
    first, second = start(), start()
    calls = Calls()
    await calls.call(first, ONE, "before")

    tasks = []
    for rank, name in ((INQUIRY, "inquiry"), (RECONCILE, "reconcile"), (ORDER, "order"), (CANCEL, "cancel")):
        tasks.append(asyncio.create_task(calls.call(second if rank % 2 else first, ONE, name, rank=rank)))
    await asyncio.gather(*tasks)

    assert calls.names == ["before", "cancel", "order", "reconcile", "inquiry"]


async def test_nobody_starves_behind_a_flood_of_the_more_urgent(start: Start) -> None:
    scheduler = start()
    rule = CallRule(10, 0.1, reserves=(0, 2, 6, 9))
    calls = Calls()
    count = PATIENCE[0] * 3
    flood = [asyncio.create_task(calls.call(scheduler, rule, "cancel")) for _ in range(count)]
    await until(lambda: len(calls.names) >= 10)

    lower = [asyncio.create_task(calls.call(scheduler, rule, str(rank), rank=rank)) for rank in (ORDER, RECONCILE, INQUIRY)]
    await asyncio.gather(*flood, *lower)

    positions = [calls.names.index(str(rank)) for rank in (ORDER, RECONCILE, INQUIRY)]
    assert all(position < count for position in positions), positions  # none of them came last


async def test_askers_take_turns_however_many_calls_each_has(start: Start, redis: Redis, prefix: str) -> None:
    crowd, single = start(), start()
    calls = Calls()
    await calls.call(crowd, ONE, "before")
    many = [asyncio.create_task(calls.call(crowd, ONE, "many")) for _ in range(8)]
    await until_line(redis, prefix, 8)

    few = [asyncio.create_task(calls.call(single, ONE, "few")) for _ in range(2)]
    await asyncio.gather(*many, *few)

    assert calls.names.index("few") <= 3
    assert calls.names[:7].count("few") == 2


async def test_who_gives_up_leaves_the_line(start: Start, redis: Redis, prefix: str) -> None:
    scheduler = start()
    rule = CallRule(1, 1.0)
    await scheduler.acquire("k", rule, deadline_seconds=0)
    waiting = asyncio.create_task(scheduler.acquire("k", rule, deadline_seconds=10))
    behind = asyncio.create_task(scheduler.acquire("k", rule, deadline_seconds=10))
    await until_line(redis, prefix, 2)

    waiting.cancel()
    await until_line(redis, prefix, 1)

    await behind
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def until_line(redis: Redis, prefix: str, length: int) -> None:
    async with asyncio.timeout(10):
        while await redis.zcard(f"{prefix}:calls:{{k}}:wait") != length:  # noqa: ASYNC110 - the condition is in Redis
            await asyncio.sleep(0.005)


async def test_a_refusal_holds_everybody_up_for_a_moment(start: Start) -> None:
    first, second = start(), start()
    await first.acquire("k", FIVE, deadline_seconds=0)
    begin = time.monotonic()

    await first.pause("k", 0.4)
    with pytest.raises(PastDeadline):
        await second.acquire("k", FIVE, deadline_seconds=0)
    await second.acquire("k", FIVE, deadline_seconds=2)

    assert time.monotonic() - begin >= 0.35


async def test_keys_vanish_after_their_last_window(start: Start, redis: Redis, prefix: str) -> None:
    scheduler = start()
    rule = CallRule(3, WINDOW, burst_calls=2, burst_seconds=0.1)
    calls = Calls()

    await asyncio.gather(*(calls.call(scheduler, rule, rank=ORDER) for _ in range(8)))
    await scheduler.aclose()

    remaining = {key.decode(): await redis.pttl(key) for key in await redis.keys(f"{prefix}:calls:*")}
    assert remaining
    gone, endless = -2, -1  # what PTTL says of a key that has just vanished, and of one that never would
    assert all(milliseconds == gone or endless < milliseconds <= 2_500 for milliseconds in remaining.values()), remaining


async def test_no_redis_is_said_so() -> None:
    unreachable: Redis = Redis.from_url("redis://127.0.0.1:1/0")
    scheduler = CallScheduler(unreachable, "x")

    with pytest.raises(SchedulerUnavailable):
        await scheduler.acquire("k", ONE, deadline_seconds=1)

    await scheduler.aclose()
    await unreachable.aclose()
