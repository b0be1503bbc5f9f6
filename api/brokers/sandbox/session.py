"""The market's session phase: always regular unless told otherwise; ``clock`` follows real KST hours."""

from __future__ import annotations

from datetime import datetime, time, timedelta, timezone
from enum import StrEnum

KST = timezone(timedelta(hours=9), "KST")


class Phase(StrEnum):
    """Which orders are taken and whether they match."""

    REGULAR = "regular"
    PRE_OPEN = "pre_open"
    CLOSING_AUCTION = "closing_auction"
    AFTER_HOURS = "after_hours"
    CLOSED = "closed"

    @property
    def matches(self) -> bool:
        """Auctions only collect orders; they match when the next phase comes."""
        return self in {Phase.REGULAR, Phase.AFTER_HOURS}


# KRX hours (KST); exchange holidays are not known here, weekends are.
_HOURS = (
    (time(8, 30), time(9, 0), Phase.PRE_OPEN),
    (time(9, 0), time(15, 20), Phase.REGULAR),
    (time(15, 20), time(15, 30), Phase.CLOSING_AUCTION),
    (time(15, 40), time(20, 0), Phase.AFTER_HOURS),
)
_SATURDAY = 5


def phase_at(now: datetime) -> Phase:
    """The phase of the real market at an instant."""
    local = now.astimezone(KST)
    if local.weekday() >= _SATURDAY:
        return Phase.CLOSED
    for start, end, phase in _HOURS:
        if start <= local.time() < end:
            return phase
    return Phase.CLOSED


class Session:
    """The phase in force: a fixed one, or the clock's."""

    def __init__(self) -> None:
        self._fixed: Phase | None = Phase.REGULAR

    @property
    def follows_clock(self) -> bool:
        """Whether the phase changes by itself."""
        return self._fixed is None

    def set(self, phase: Phase | None) -> None:
        """Fix a phase; None follows the clock."""
        self._fixed = phase

    def phase(self, now: datetime) -> Phase:
        """The phase in force at an instant."""
        return self._fixed if self._fixed is not None else phase_at(now)


def is_before_open(now: datetime) -> bool:
    """Whether a refusal says 장시작전 rather than 장종료: before 09:00 KST."""
    return now.astimezone(KST).time() < time(9, 0)
