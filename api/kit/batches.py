"""Many callers, few round trips: what costs as much for a hundred as for one is done for all who wait.

A durable write costs MongoDB a flush of its journal and each process a message and its answer, whatever it holds. So concurrent writes of a
process share one: group commit. A single caller waits for nobody.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")
Key = TypeVar("Key")
Value = TypeVar("Value")


class Batches(Generic[Item, Result]):
    """Runs what comes in while a batch is under way as the next batch.

    Args:
        run: Does one batch; gives one result for each item, in their order. What it raises, every caller of the batch gets.
        most: Items in a batch.
    """

    def __init__(self, run: Callable[[Sequence[Item]], Awaitable[Sequence[Result]]], *, most: int = 200) -> None:
        self._run = run
        self._most = most
        self._waiting: list[tuple[Item, asyncio.Future[Result]]] = []
        self._runner: asyncio.Task[None] | None = None

    async def submit(self, item: Item) -> Result:
        """Have ``item`` done in the next batch; a caller that is cancelled does not stop it."""
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if self._runner is None:
            self._runner = asyncio.create_task(self._run_all())
        return await future

    async def _run_all(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
                await self._run_one(batch)
        finally:
            self._runner = None

    async def _run_one(self, batch: Sequence[tuple[Item, asyncio.Future[Result]]]) -> None:
        try:
            results = await self._run([item for item, _ in batch])
        except BaseException as error:
            for _, future in batch:
                if not future.done():
                    future.set_exception(error if isinstance(error, Exception) else ConnectionError("cut off"))
                    future.exception()  # a caller that went away asks no more
            if not isinstance(error, Exception):
                raise
            return
        for (_, future), result in zip(batch, results, strict=True):
            if not future.done():
                future.set_result(result)


class Deferred(Generic[Key, Value]):
    """Notes that may be written a moment later, and lost in a crash: many become one write, and of one key only the newest.

    Args:
        write: Writes the notes; it handles its own failures.
        delay_seconds: How long notes are gathered.
    """

    def __init__(self, write: Callable[[dict[Key, Value]], Awaitable[None]], *, delay_seconds: float) -> None:
        self._write = write
        self._delay_seconds = delay_seconds
        self._notes: dict[Key, Value] = {}
        self._writing = asyncio.Lock()
        self._timer: asyncio.Task[None] | None = None

    def put(self, key: Key, value: Value) -> None:
        """Note ``value``, in place of what is still to be written of ``key``."""
        self._notes[key] = value
        if self._timer is None or self._timer.done():
            self._timer = asyncio.create_task(self._write_later())

    def waiting(self, key: Key) -> Value | None:
        """What is still to be written of ``key``."""
        return self._notes.get(key)

    async def flush(self) -> None:
        """Write all that was noted so far; it is written on return."""
        async with self._writing:
            notes, self._notes = self._notes, {}
            if notes:
                await self._write(notes)

    async def _write_later(self) -> None:
        while self._notes:
            await asyncio.sleep(self._delay_seconds)
            await self.flush()

    async def aclose(self) -> None:
        """Write what is left."""
        await self.flush()
        if self._timer is not None:
            self._timer.cancel()
