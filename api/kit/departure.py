"""The last look before a request leaves: who sends says what must still hold once all waiting is over.

An order may wait seconds for its place under a broker's call limit. What held when it was handed to the adapter need not hold any more
when its turn comes, so the adapter's HTTP part calls `last_look` right before each sending, with nothing left to wait for but the line.
"""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_look: ContextVar[Callable[[], Awaitable[None]] | None] = ContextVar("last_look", default=None)


@contextmanager
def looked_after(look: Callable[[], Awaitable[None]]) -> Iterator[None]:
    """Within the block, ``look`` has the last word on each request of this task: what it raises keeps the request here."""
    token = _look.set(look)
    try:
        yield
    finally:
        _look.reset(token)


async def last_look() -> None:
    """Raise what forbids the request to leave, if anything does."""
    look = _look.get()
    if look is not None:
        await look()
