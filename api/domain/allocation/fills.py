"""Fills back to the lines: shares one by one, won by one average price.

Shares. Of an order that several lines share, each line's part of the first n filled shares must stay within one share of its exact part,
must never shrink as n grows, and must be just what was ordered in the end. Largest remainders do not keep the second (the Alabama paradox).
What does: every share of a line has a first and a last moment at which it may come without a line being a whole share ahead or behind, and
of the shares that may come the one goes next whose last moment is earliest. That this always works out is Tijdeman's theorem (the chairman
assignment problem, 1980). It depends on n alone: not on the order in which fills arrive, and a canceled trade is undone exactly.

Won. All lines of a block have one average price, so a line's won are its share of all won, by largest remainder: they sum to what was paid.
"""

from collections.abc import Sequence
from fractions import Fraction
from heapq import heappop, heappush
from math import gcd

from api.domain.allocation.split import largest_remainder


def allocate_shares(ordered: Sequence[int], keys: Sequence[bytes], cumulative: int) -> list[int]:
    """Shares of each line after ``cumulative`` filled shares of their common order.

    Args:
        ordered: Shares that each line has in the order.
        keys: Tie-breaks of the lines.
        cumulative: Filled shares, at most all that are ordered.

    Returns:
        Shares by line: they sum to ``cumulative``, none is a whole share off its exact part, and none shrinks as ``cumulative`` grows.
    """
    whole = sum(ordered)
    if not 0 <= cumulative <= whole:
        raise ValueError(f"{cumulative} of {whole} shares cannot be filled.")
    if cumulative == 0:
        return [0] * len(ordered)
    period = whole // gcd(*ordered)  # after each period all parts are exact, and it begins anew
    begun = cumulative // period
    given = [quantity * begun * period // whole for quantity in ordered]
    small = [quantity * period // whole for quantity in ordered]
    for index, more in enumerate(_within_period(small, keys, cumulative % period)):
        given[index] += more
    return given


def _within_period(ordered: Sequence[int], keys: Sequence[bytes], cumulative: int) -> list[int]:
    whole = sum(ordered)
    given = [0] * len(ordered)
    coming: list[tuple[int, bytes, int]] = []  # (first moment of the line's next share, tie-break, line)
    ready: list[tuple[int, bytes, int]] = []  # (its last moment, tie-break, line)
    for index, quantity in enumerate(ordered):
        if quantity:
            heappush(coming, (1, keys[index], index))
    for moment in range(1, cumulative + 1):
        while coming and coming[0][0] <= moment:
            _, key, index = heappop(coming)
            heappush(ready, (-(-(given[index] + 1) * whole // ordered[index]), key, index))
        _, key, index = heappop(ready)
        given[index] += 1
        if given[index] < ordered[index]:
            heappush(coming, (given[index] * whole // ordered[index] + 1, key, index))
    return given


def allocate_won(amount: int, shares: Sequence[int], keys: Sequence[bytes]) -> list[int]:
    """Won of each line of a block whose fills came to ``amount``: in proportion to its shares, summing to ``amount`` exactly."""
    if not any(shares):
        return [0] * len(shares)
    return largest_remainder(amount, [Fraction(quantity) for quantity in shares], keys)


def average_price(amount: int, quantity: int) -> str | None:
    """``amount / quantity`` in won with 4 decimals, half up; None where nothing is filled."""
    if quantity == 0:
        return None
    scaled = (2 * amount * 10_000 + quantity) // (2 * quantity)
    return f"{scaled // 10_000}.{scaled % 10_000:04}"
