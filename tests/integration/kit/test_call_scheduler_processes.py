"""The shared line of callers under the hands of several real processes."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from api.kit.call_scheduler import OWNER_SECONDS, CallRule, CallScheduler
from api.settings import Settings

ROOT = Path(__file__).parents[3]
HAMMER = Path(__file__).with_name("hammer.py")
CANCEL, ORDER, RECONCILE, INQUIRY = range(4)
Call = dict[str, Any]


class Hammer:
    """One such process."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    def begin(self) -> None:
        """Call from now on."""
        assert self._process.stdin is not None
        self._process.stdin.write(b"\n")

    async def calls(self) -> list[Call]:
        """What it has called, once it has ended."""
        assert self._process.stdout is not None
        output = await self._process.stdout.read()
        assert await self._process.wait() == 0
        return [json.loads(line) for line in output.splitlines()]

    async def kill(self) -> None:
        """As a crash would."""
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()


StartHammer = Callable[..., Awaitable[Hammer]]


def callers(count: int, rank: int, asker: str, *, way: float = 0.0, deadline: float = 60.0) -> dict[str, Any]:
    return {"count": count, "rank": rank, "asker": asker, "way_seconds": way, "deadline_seconds": deadline}


@pytest.fixture
async def start_hammer(settings: Settings) -> AsyncIterator[StartHammer]:
    """Start one; it calls when this returns, or is ready to where it `is_held`."""
    started: list[Hammer] = []

    async def start(rule: CallRule, *groups: dict[str, Any], is_held: bool = False) -> Hammer:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            str(HAMMER),
            cwd=ROOT,
            env={"PYTHONPATH": str(ROOT)},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        hammer = Hammer(process)
        started.append(hammer)
        assert process.stdin is not None
        assert process.stdout is not None
        parts = {name: getattr(rule, name) for name in CallRule.__struct_fields__}
        orders = {"redis_url": settings.redis_url, "prefix": settings.redis_prefix, "rule": parts, "groups": groups}
        process.stdin.write(json.dumps(orders).encode() + b"\n")
        assert json.loads(await process.stdout.readline()) == {"is_ready": True}
        if not is_held:
            hammer.begin()
        return hammer

    yield start
    for hammer in started:
        await hammer.kill()


def most_in_a_window(instants: list[float], window: float) -> int:
    ordered = sorted(instants)
    return max(sum(1 for other in ordered if start <= other < start + window) for start in ordered)


async def all_calls(*hammers: Hammer) -> list[Call]:
    return [call for calls in await asyncio.gather(*(hammer.calls() for hammer in hammers)) for call in calls]


async def test_four_processes_with_mixed_calls_never_exceed_a_window(start_hammer: StartHammer) -> None:
    rule = CallRule(9, 0.5, reserves=(0, 1, 3, 4), burst_calls=3, burst_seconds=0.06)
    groups = [callers(8, rank, f"user-{rank % 2}", way=0.15) for rank in range(4)]

    calls = await all_calls(*await asyncio.gather(*(start_hammer(rule, *groups) for _ in range(4))))

    counted = [call["counted_at"] for call in calls]
    assert len(counted) == 4 * 4 * 8
    assert None not in counted
    assert most_in_a_window(counted, 0.5) <= 9


async def line_holds(redis: Redis, prefix: str, tickets: int) -> None:
    async with asyncio.timeout(30):
        while await redis.zcard(f"{prefix}:calls:{{k}}:wait") < tickets:  # noqa: ASYNC110 - the condition is in Redis
            await asyncio.sleep(0.01)


async def test_cancels_of_one_process_overtake_the_orders_of_three(start_hammer: StartHammer, redis: Redis, prefix: str) -> None:
    rule = CallRule(19, 1.0, reserves=(0, 2, 6, 9), burst_calls=2, burst_seconds=0.12)
    cancels = await start_hammer(rule, callers(15, CANCEL, "user-0"), is_held=True)
    baskets = await asyncio.gather(*(start_hammer(rule, callers(40, ORDER, f"user-{number}")) for number in range(3)))
    await line_holds(redis, prefix, 60)

    cancels.begin()
    canceled, ordered = await asyncio.gather(all_calls(cancels), all_calls(*baskets))

    first_cancel, last_cancel = min(call["asked_at"] for call in canceled), max(call["let_go_at"] for call in canceled)
    waiting = [call for call in ordered if call["asked_at"] < first_cancel < call["let_go_at"]]
    overtaken = [call for call in waiting if call["let_go_at"] > last_cancel]
    assert len(overtaken) >= len(waiting) - 20 >= 20, (len(overtaken), len(waiting))
    assert most_in_a_window([call["counted_at"] for call in canceled + ordered], 1.0) <= 19


async def test_who_asks_less_does_not_wait_behind_another_process_that_asks_more(
    start_hammer: StartHammer, redis: Redis, prefix: str
) -> None:
    rule = CallRule(5, 0.25)
    few = await start_hammer(rule, callers(20, ORDER, "few"), is_held=True)
    crowd = await start_hammer(rule, callers(120, ORDER, "crowd"))
    await line_holds(redis, prefix, 100)

    few.begin()
    of_few, of_crowd = await asyncio.gather(few.calls(), crowd.calls())

    begin, end = min(call["asked_at"] for call in of_few), max(call["let_go_at"] for call in of_few)
    meanwhile = sum(1 for call in of_crowd if begin < call["let_go_at"] < end)
    assert len(of_few) == 20
    assert meanwhile <= 70, meanwhile  # 20 where the machine holds nobody up; 100 and more, were it first come, first served


async def test_a_dead_process_holds_nobody_up_for_long(start_hammer: StartHammer, redis: Redis, prefix: str) -> None:
    rule = CallRule(2, 0.3)
    doomed = await start_hammer(rule, callers(200, CANCEL, "doomed", deadline=100))
    await line_holds(redis, prefix, 190)
    scheduler = CallScheduler(redis, prefix)

    await doomed.kill()
    async with asyncio.timeout(OWNER_SECONDS + 15):  # its 190 cancels would take 28 seconds
        for _ in range(2):
            await scheduler.acquire("k", rule, rank=ORDER, deadline_seconds=60)

    await scheduler.aclose()
    assert await redis.zcard(f"{prefix}:calls:{{k}}:wait") == 0
