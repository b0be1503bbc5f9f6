"""When a price crosses a level that somebody set. Pure.

A target is crossed from below: the price was under it and is at or above it. A stop is crossed from above. What counts is the side of the
level that the price was last seen on, not the way between two looks: a price that went over and came back in between crossed nothing that
anybody saw.
"""

from enum import StrEnum


class Level(StrEnum):
    """What a price is compared with: ``target`` is reached from below, ``stop`` from above."""

    TARGET = "target"
    STOP = "stop"


class Side(StrEnum):
    """Where the price was last seen: nowhere yet, on the side that a crossing comes from, or at or beyond the level."""

    UNSEEN = "unseen"
    BEFORE = "before"
    BEYOND = "beyond"


def side_of(level: Level, level_price: int, price: int) -> Side:
    """The side of the level that ``price`` is on; both in won. At the level itself is beyond it."""
    is_beyond = price >= level_price if level is Level.TARGET else price <= level_price
    return Side.BEYOND if is_beyond else Side.BEFORE


def is_crossed(before: Side, now: Side) -> bool:
    """Whether the level was crossed between two looks. A first look only takes note: a level may be set where the price already is."""
    return before is Side.BEFORE and now is Side.BEYOND
