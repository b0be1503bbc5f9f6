"""The brokers' rate limits: calls in any sliding second, per key. A load test lifts them over the control API."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Hashable
from typing import ClassVar

from .model import Broker

_WINDOW_SECONDS = 1.0


class Limits:
    """Sliding windows, one per key.

    Attributes:
        factor: Multiplies every limit of a broker; None lifts them all.
        token_interval_seconds: KIS issues one token per key in so long.
    """

    DEFAULT_TOKEN_INTERVAL_SECONDS: ClassVar[float] = 60.0

    def __init__(self) -> None:
        self.factor: dict[Broker, float | None] = dict.fromkeys(Broker, 1.0)
        self.token_interval_seconds = self.DEFAULT_TOKEN_INTERVAL_SECONDS
        self._calls: dict[Hashable, deque[float]] = {}

    def take(self, broker: Broker, key: Hashable, per_second: float) -> bool:
        """Count one call; False when it is one too many in the last second (a refused call is not counted)."""
        factor = self.factor[broker]
        if factor is None:
            return True
        now = time.monotonic()
        calls = self._calls.setdefault((broker, key), deque())
        while calls and now - calls[0] >= _WINDOW_SECONDS:
            calls.popleft()
        if len(calls) >= per_second * factor:
            return False
        calls.append(now)
        return True

    def reset(self) -> None:
        """The real limits again, nothing counted."""
        self.factor = dict.fromkeys(Broker, 1.0)
        self.token_interval_seconds = self.DEFAULT_TOKEN_INTERVAL_SECONDS
        self._calls.clear()
