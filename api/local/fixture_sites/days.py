"""Weekdays and fixed holidays: near enough to trading days for invented offerings."""

from datetime import date, timedelta

_CLOSED = {(1, 1), (3, 1), (5, 1), (5, 5), (6, 6), (8, 15), (10, 3), (10, 9), (12, 25), (12, 31)}


def is_open(day: date) -> bool:
    """Whether the exchange would open."""
    return day.weekday() < 5 and (day.month, day.day) not in _CLOSED


def shift(day: date, count: int) -> date:
    """The ``count``-th open day after ``day`` (before it, if negative); 0: the day itself or the next open one."""
    step = timedelta(days=-1 if count < 0 else 1)
    while count == 0 and not is_open(day):
        day += step
    for _ in range(abs(count)):
        day += step
        while not is_open(day):
            day += step
    return day
