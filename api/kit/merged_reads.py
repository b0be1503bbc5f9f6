"""Identical questions asked at once become one, and an answer stands for a moment."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, TypeVar

from msgspec import Struct

from api.kit.clock import Clock

T = TypeVar("T")

_MOST_ENTRIES = 512


class _Answer(Struct, frozen=True):
    value: Any
    good_until: float


class MergedReads:
    """Reads that may be shared, by key, within this process.

    An answer's time runs from when its question was *asked*: nobody is given anything older than they were told. `forget` also parts later
    callers from reads that are under way.

    Args:
        clock: Measures the time.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._answers: dict[Hashable, _Answer] = {}
        self._under_way: dict[Hashable, asyncio.Task[Any]] = {}

    async def get(self, key: Hashable, read: Callable[[], Awaitable[T]], *, kept_seconds: float) -> T:
        """The answer to ``key``: a recent one, that of the same read under way, or of ``read``.

        A caller that joins another's read and sees it fail reads for itself: the other may have failed for a reason of its own.

        Args:
            key: Names the question, and all that its answer depends on.
            read: Asks it.
            kept_seconds: How long after asking the answer stands for later callers; 0 merges only what runs at once.
        """
        now = self._clock.monotonic()
        known = self._answers.get(key)
        if known is not None and now < known.good_until:
            value: T = known.value
            return value
        task = self._under_way.get(key)
        if task is None:
            task = asyncio.ensure_future(read())
            self._under_way[key] = task
            task.add_done_callback(lambda done: self._keep(key, done, now + kept_seconds))
            return await _result(task)
        await asyncio.wait({task})
        if task.cancelled() or task.exception() is not None:
            return await read()
        value = task.result()
        return value

    def forget(self) -> None:
        """The world has changed: whoever asks from now on gets a new answer."""
        self._answers.clear()
        self._under_way.clear()

    def _keep(self, key: Hashable, task: asyncio.Task[Any], good_until: float) -> None:
        is_failed = task.cancelled() or task.exception() is not None  # asked here, for its own caller may have gone
        if self._under_way.get(key) is not task:
            return  # forgotten meanwhile
        del self._under_way[key]
        now = self._clock.monotonic()
        if is_failed or good_until <= now:
            return
        for old in [old for old, answer in self._answers.items() if answer.good_until <= now]:
            del self._answers[old]
        if len(self._answers) < _MOST_ENTRIES:
            self._answers[key] = _Answer(task.result(), good_until)


async def _result(task: "asyncio.Task[T]") -> T:
    """The task's result; it runs on when the caller goes away, for others may have joined."""
    return await asyncio.shield(task)
