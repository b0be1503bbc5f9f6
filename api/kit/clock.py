"""Time, injected: nothing else in Lucy asks the operating system for it."""

import time
from datetime import UTC, date, datetime, timedelta
from typing import Protocol, runtime_checkable
from zoneinfo import ZoneInfo

KST = ZoneInfo("Asia/Seoul")


@runtime_checkable
class Clock(Protocol):
    """Source of the current time."""

    def now(self) -> datetime:
        """Aware UTC, whole milliseconds, as MongoDB keeps it."""
        ...

    def monotonic(self) -> float:
        """Seconds that never jump, for measuring and waiting."""
        ...


class SystemClock:
    """The real time."""

    def now(self) -> datetime:
        now = datetime.now(UTC)
        return now.replace(microsecond=now.microsecond // 1000 * 1000)

    def monotonic(self) -> float:
        return time.monotonic()


class ManualClock:
    """A clock that tests move by hand."""

    def __init__(self, start: datetime) -> None:
        self._now = start.astimezone(UTC)
        self._monotonic = 0.0

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._monotonic

    def advance(self, seconds: float) -> None:
        """Move both times forward."""
        self._now += timedelta(seconds=seconds)
        self._monotonic += seconds


def kst_day(instant: datetime) -> date:
    """The KST calendar day of an aware instant: a trading day."""
    return instant.astimezone(KST).date()
