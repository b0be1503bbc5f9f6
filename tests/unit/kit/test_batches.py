"""Group commit: one round trip for many callers, each with its own result."""

import asyncio
from collections.abc import Sequence

import pytest

from api.kit.batches import Batches, Deferred


class Slow:
    """Doubles numbers, one batch at a time, when the test lets it."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.began = asyncio.Event()
        self.gate = asyncio.Event()

    async def run(self, items: Sequence[int]) -> list[int]:
        self.batches.append(list(items))
        self.began.set()
        await self.gate.wait()
        if 13 in items:
            raise OSError("unlucky")
        return [2 * item for item in items]


async def test_a_single_caller_waits_for_nobody_and_the_next_ones_share_a_batch() -> None:
    slow = Slow()
    batches = Batches(slow.run)
    first = asyncio.create_task(batches.submit(1))
    await slow.began.wait()
    rest = [asyncio.create_task(batches.submit(number)) for number in (2, 3, 4)]
    await asyncio.sleep(0)

    slow.gate.set()

    assert await first == 2
    assert [await task for task in rest] == [4, 6, 8]
    assert slow.batches == [[1], [2, 3, 4]]


async def test_a_batch_holds_no_more_than_its_limit() -> None:
    slow = Slow()
    slow.gate.set()
    batches = Batches(slow.run, most=2)

    results = await asyncio.gather(*(batches.submit(number) for number in range(5)))

    assert results == [0, 2, 4, 6, 8]
    assert [len(batch) for batch in slow.batches] == [2, 2, 1]


async def test_a_failure_reaches_every_caller_of_its_batch_and_no_other() -> None:
    slow = Slow()
    slow.gate.set()
    batches = Batches(slow.run)

    unlucky = await asyncio.gather(batches.submit(13), batches.submit(1), return_exceptions=True)

    assert [type(error) for error in unlucky] == [OSError, OSError]
    assert await batches.submit(5) == 10


async def test_a_caller_that_goes_away_stops_nobody() -> None:
    slow = Slow()
    batches = Batches(slow.run)
    gone, stays = (asyncio.create_task(batches.submit(number)) for number in (1, 2))
    await slow.began.wait()

    gone.cancel()
    slow.gate.set()

    assert await stays == 4
    with pytest.raises(asyncio.CancelledError):
        await gone


async def test_of_each_key_only_the_newest_note_is_written() -> None:
    written: list[dict[str, int]] = []

    async def write(notes: dict[str, int]) -> None:
        written.append(notes)

    notes: Deferred[str, int] = Deferred(write, delay_seconds=3600)
    notes.put("a", 1)
    notes.put("b", 5)
    notes.put("a", 2)

    assert notes.waiting("a") == 2
    await notes.flush()

    assert written == [{"a": 2, "b": 5}]
    assert notes.waiting("a") is None
    await notes.aclose()


async def test_what_is_left_is_written_at_the_end() -> None:
    written: list[dict[str, int]] = []

    async def write(notes: dict[str, int]) -> None:
        written.append(notes)

    notes: Deferred[str, int] = Deferred(write, delay_seconds=3600)
    notes.put("a", 1)

    await notes.aclose()

    assert written == [{"a": 1}]


async def test_notes_are_written_by_themselves_after_the_delay() -> None:
    done = asyncio.Event()
    written: dict[str, int] = {}

    async def write(notes: dict[str, int]) -> None:
        written.update(notes)
        done.set()

    notes: Deferred[str, int] = Deferred(write, delay_seconds=0.001)
    notes.put("a", 1)

    await asyncio.wait_for(done.wait(), 5)

    assert written == {"a": 1}
