"""One question asked by many is asked once, and nobody gets an answer older than told."""

import asyncio
from datetime import UTC, datetime

import pytest

from api.kit.clock import ManualClock
from api.kit.merged_reads import MergedReads


class Source:
    """Answers with its number of times asked, once it is let go."""

    def __init__(self, *failures: int) -> None:
        self.asked = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self._failures = failures

    async def __call__(self) -> int:
        self.asked += 1
        number = self.asked
        await self.gate.wait()
        if number in self._failures:
            raise ConnectionError(str(number))
        return number


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime(2026, 11, 23, tzinfo=UTC))


async def test_the_same_question_at_once_is_asked_once(clock: ManualClock) -> None:
    reads, source = MergedReads(clock), Source()

    answers = await asyncio.gather(*(reads.get("q", source, kept_seconds=0) for _ in range(20)))

    assert (set(answers), source.asked) == ({1}, 1)


async def test_an_answer_stands_for_its_time_from_when_it_was_asked_for(clock: ManualClock) -> None:
    reads, source = MergedReads(clock), Source()
    source.gate.clear()
    first = asyncio.create_task(reads.get("q", source, kept_seconds=0.5))
    await asyncio.sleep(0)
    clock.advance(0.4)
    source.gate.set()
    await first

    at_once = await reads.get("q", source, kept_seconds=0.5)
    clock.advance(0.2)
    later = await reads.get("q", source, kept_seconds=0.5)

    assert (at_once, later) == (1, 2)


async def test_other_questions_get_answers_of_their_own(clock: ManualClock) -> None:
    reads, source = MergedReads(clock), Source()

    assert {await reads.get(number, source, kept_seconds=1) for number in range(3)} == {1, 2, 3}


async def test_what_is_forgotten_is_asked_again_even_while_it_is_under_way(clock: ManualClock) -> None:
    reads, source = MergedReads(clock), Source()
    source.gate.clear()
    before = asyncio.create_task(reads.get("q", source, kept_seconds=1))
    await asyncio.sleep(0)

    reads.forget()
    after = asyncio.create_task(reads.get("q", source, kept_seconds=1))
    await asyncio.sleep(0)
    source.gate.set()

    assert (await before, await after) == (1, 2)
    assert await reads.get("q", source, kept_seconds=1) == 2


async def test_who_joined_a_read_that_failed_reads_for_itself(clock: ManualClock) -> None:
    reads, source = MergedReads(clock), Source(1)

    results = await asyncio.gather(*(reads.get("q", source, kept_seconds=1) for _ in range(3)), return_exceptions=True)

    assert isinstance(results[0], ConnectionError)
    assert set(results[1:]) == {2, 3}


async def test_a_caller_that_goes_away_takes_nobodys_answer_along(clock: ManualClock) -> None:
    reads, source = MergedReads(clock), Source()
    source.gate.clear()
    leaver = asyncio.create_task(reads.get("q", source, kept_seconds=0))
    await asyncio.sleep(0)
    stayer = asyncio.create_task(reads.get("q", source, kept_seconds=0))
    await asyncio.sleep(0)

    leaver.cancel()
    source.gate.set()

    assert await stayer == 1
    assert source.asked == 1
