"""Percentiles, and the table at the end: what, measured, target, ratio, met or not."""

import math
import sys
from collections.abc import Sequence
from typing import NamedTuple


def percentile(ordered: Sequence[float], share: float) -> float:
    """The value that ``share`` percent of the ascending values do not exceed (nearest rank); nan without values."""
    if not ordered:
        return math.nan
    return ordered[max(0, math.ceil(share / 100 * len(ordered)) - 1)]


class Spread(NamedTuple):
    """Percentiles of one measurement."""

    p50: float
    p95: float
    p99: float
    size: int

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """The percentiles of some values."""
        ordered = sorted(values)
        return cls(percentile(ordered, 50), percentile(ordered, 95), percentile(ordered, 99), len(ordered))

    def __str__(self) -> str:
        return f"p50 {self.p50:.2f}  p95 {self.p95:.2f}  p99 {self.p99:.2f} ms  (n={self.size:,})"


class _Row(NamedTuple):
    what: str
    measured: float
    unit: str
    target: float | None
    is_floor: bool


class Figures:
    """Collects figures and prints them."""

    def __init__(self) -> None:
        self._rows: list[_Row] = []

    def add(self, what: str, measured: float, unit: str, *, at_most: float | None = None, at_least: float | None = None) -> None:
        """Note a figure; without a bound it is for information."""
        self._rows.append(_Row(what, measured, unit, at_least if at_most is None else at_most, at_most is None))

    def print(self) -> None:
        """The table."""
        width = max(len(row.what) for row in self._rows) + 2
        note(f"\n{'what':<{width}}{'measured':>14}{'target':>15}{'ratio':>8}  met")
        for row in self._rows:
            measured = f"{_number(row.measured)} {row.unit}"
            if row.target is None:
                note(f"{row.what:<{width}}{measured:>14}{'':>15}{'':>8}  –")
                continue
            is_met = row.measured >= row.target if row.is_floor else row.measured <= row.target
            target = f"{'≥' if row.is_floor else '≤'} {_number(row.target)} {row.unit}"
            ratio = f"{row.measured / row.target:.2f}" if row.target else "–"
            note(f"{row.what:<{width}}{measured:>14}{target:>15}{ratio:>8}  {'yes' if is_met else 'NO'}")


def _number(value: float) -> str:
    return f"{value:,.0f}" if value == int(value or 0) or abs(value) >= 1000 else f"{value:,.2f}"


def note(text: str) -> None:
    """A line while it runs."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
