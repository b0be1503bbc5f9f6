"""The brokers' rate limits: calls in any sliding second, per key. A load test lifts them over the control API."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Hashable
from typing import ClassVar

from .model import Broker

_WINDOW_SECONDS = 1.0


class Limits:
    """Sliding windows, one per key.

    Attributes:
        factor: Multiplies every limit of a broker; None lifts them all.
        token_interval_seconds: KIS issues one token per key in so long.
        counts: How often each broker was called, refused calls for their rate, and was asked for a token, since the last reset.
    """

    DEFAULT_TOKEN_INTERVAL_SECONDS: ClassVar[float] = 60.0

    def __init__(self) -> None:
        self.factor: dict[Broker, float | None] = dict.fromkeys(Broker, 1.0)
        self.token_interval_seconds = self.DEFAULT_TOKEN_INTERVAL_SECONDS
        self.counts: dict[Broker, Counter[str]] = {broker: Counter(calls=0, refused_calls=0, token_requests=0) for broker in Broker}
        self._calls: dict[Hashable, deque[float]] = {}

    def take(self, broker: Broker, key: Hashable, per_second: float) -> bool:
        """Count one call; False when it is one too many in the last second (a refused call is not counted)."""
        self.counts[broker]["calls"] += 1
        factor = self.factor[broker]
        if factor is None:
            return True
        now = time.monotonic()
        calls = self._calls.setdefault((broker, key), deque())
        while calls and now - calls[0] >= _WINDOW_SECONDS:
            calls.popleft()
        if len(calls) >= per_second * factor:
            self.counts[broker]["refused_calls"] += 1
            return False
        calls.append(now)
        return True

    def state(self) -> dict[str, object]:
        """For the control API."""
        return {"factor": self.factor, "token_interval_seconds": self.token_interval_seconds, "counts": self.counts}

    def reset(self) -> None:
        """The real limits again, nothing counted."""
        self.factor = dict.fromkeys(Broker, 1.0)
        self.token_interval_seconds = self.DEFAULT_TOKEN_INTERVAL_SECONDS
        self._calls.clear()
        for counts in self.counts.values():
            counts.update({name: -number for name, number in counts.items()})
