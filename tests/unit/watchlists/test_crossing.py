"""Which side of a level a price is on, and when it has been crossed."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.watchlists.crossing import Level, Side, is_crossed, side_of

PRICES = st.integers(min_value=1, max_value=10_000_000)


def crossings(level: Level, level_price: int, prices: list[int], first: Side = Side.UNSEEN) -> list[int]:
    """The looks, by their number, at which an alert comes."""
    side, found = first, []
    for number, price in enumerate(prices):
        now = side_of(level, level_price, price)
        if is_crossed(side, now):
            found.append(number)
        side = now
    return found


@pytest.mark.parametrize(
    ("level", "prices", "expected"),
    [
        (Level.TARGET, [69_900, 70_000], [1]),
        (Level.TARGET, [69_900, 75_000], [1]),
        (Level.TARGET, [69_900, 70_000, 70_100, 70_000], [1]),
        (Level.TARGET, [69_900, 70_000, 69_900, 70_000], [1, 3]),
        (Level.TARGET, [70_100, 70_000], []),
        (Level.TARGET, [70_100, 69_900, 70_000], [2]),
        (Level.STOP, [70_100, 70_000], [1]),
        (Level.STOP, [70_100, 60_000], [1]),
        (Level.STOP, [70_100, 70_000, 69_900, 70_000], [1]),
        (Level.STOP, [70_100, 70_000, 70_100, 69_900], [1, 3]),
        (Level.STOP, [69_900, 70_000], []),
        (Level.STOP, [69_900, 70_100, 70_000], [2]),
    ],
)
def test_a_level_of_70_000_is_crossed_only_from_its_own_side_and_once_until_the_price_is_back(
    level: Level, prices: list[int], expected: list[int]
) -> None:
    assert crossings(level, 70_000, prices) == expected


@given(st.sampled_from(Level), PRICES, st.lists(PRICES))
def test_between_two_crossings_the_price_has_been_back(level: Level, level_price: int, prices: list[int]) -> None:
    found = crossings(level, level_price, prices)

    sides = [side_of(level, level_price, price) for price in prices]
    for number in found:
        assert (sides[number - 1], sides[number]) == (Side.BEFORE, Side.BEYOND)
    assert len(found) == sum(pair == (Side.BEFORE, Side.BEYOND) for pair in pairwise(sides))


@given(PRICES, PRICES)
def test_at_the_level_itself_both_levels_are_reached_and_elsewhere_just_one(level_price: int, price: int) -> None:
    reached = [level for level in Level if side_of(level, level_price, price) is Side.BEYOND]

    assert reached == ([Level.TARGET, Level.STOP] if price == level_price else [Level.TARGET] if price > level_price else [Level.STOP])
