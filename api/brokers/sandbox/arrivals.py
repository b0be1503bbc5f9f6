"""The way from the broker to the exchange: requests arrive in the order in which they were accepted, a few milliseconds later."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable


class Arrivals:
    """A first-in-first-out line with one timer on the running event loop."""

    def __init__(self, delay_seconds: float) -> None:
        self.delay_seconds = delay_seconds
        self._waiting: deque[tuple[float, Callable[[], None]]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    def add(self, arrive: Callable[[], None]) -> None:
        """Let something arrive after the delay, behind all that was added before."""
        loop = asyncio.get_running_loop()
        self._waiting.append((loop.time() + self.delay_seconds, arrive))
        if self._timer is None:
            self._timer = loop.call_later(self.delay_seconds, self._on_timer)

    def flush(self) -> None:
        """Let all that is on its way arrive now."""
        while self._waiting:
            self._waiting.popleft()[1]()

    def clear(self) -> None:
        """Forget all that is on its way."""
        self._waiting.clear()

    def _on_timer(self) -> None:
        self._timer = None
        loop = asyncio.get_running_loop()
        now = loop.time()
        while self._waiting and self._waiting[0][0] <= now:
            self._waiting.popleft()[1]()
        if self._waiting and self._timer is None:
            self._timer = loop.call_later(max(0.0, self._waiting[0][0] - now), self._on_timer)
