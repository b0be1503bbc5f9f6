"""The event loop and the garbage collector of a long-running process."""

import asyncio
import gc
import sys

_YOUNG_OBJECTS = 20_000


def new_event_loop() -> asyncio.AbstractEventLoop:
    """uvloop where it exists: about half the cost of asyncio's own loop for sockets."""
    if sys.platform == "win32":
        return asyncio.new_event_loop()
    import uvloop

    return uvloop.new_event_loop()


def settle_memory() -> None:
    """Take all that start-up made out of the garbage collector's sight, and let it look less often.

    A full collection walks every object of every imported module, tens of milliseconds in which no order moves; what start-up made stays
    until the end anyway.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG_OBJECTS, 20, 50)
