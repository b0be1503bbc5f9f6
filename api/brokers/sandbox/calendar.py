"""Which days the sandbox's exchange is open, for its history and its calendar inquiry: weekdays without the holidays below.

The table holds the Korean exchange's closing days of 2024 to 2027 as far as they follow from the public-holiday law (substitute days
included) and the exchange's own rule (1 May and the last weekday of a year); days that a government adds at short notice are missing
unless they were known on 2026-11-23. Years outside the table have the fixed dates only. It is a stand-in, not a source for real orders.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

_SATURDAY = 5
_FIXED = {(1, 1), (3, 1), (5, 1), (5, 5), (6, 6), (8, 15), (10, 3), (10, 9), (12, 25), (12, 31)}
_MOVING = {
    2024: ("02-09", "02-12", "04-10", "05-06", "05-15", "09-16", "09-17", "09-18", "10-01"),
    2025: ("01-27", "01-28", "01-29", "01-30", "03-03", "05-06", "06-03", "10-06", "10-07", "10-08"),
    2026: ("02-16", "02-17", "02-18", "03-02", "05-25", "06-03", "08-17", "09-24", "09-25", "10-05"),
    2027: ("02-08", "02-09", "05-13", "08-16", "09-14", "09-15", "09-16", "10-04", "10-11", "12-27"),
}
_MOVING_DAYS = {date.fromisoformat(f"{year}-{text}") for year, texts in _MOVING.items() for text in texts}


def is_open_day(day: date) -> bool:
    """Whether the exchange opens on a KST date."""
    return day.weekday() < _SATURDAY and (day.month, day.day) not in _FIXED and day not in _MOVING_DAYS


def open_days(first: date, last: date) -> Iterator[date]:
    """The exchange's days from ``first`` to ``last``, both included."""
    for offset in range((last - first).days + 1):
        day = first + timedelta(days=offset)
        if is_open_day(day):
            yield day


def previous_open_day(day: date) -> date:
    """The last day of the exchange before ``day``."""
    while True:
        day -= timedelta(days=1)
        if is_open_day(day):
            return day
