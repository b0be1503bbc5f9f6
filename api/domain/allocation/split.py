"""Whole shares for every line, within what the line, its fund and its account can take.

Hamilton's method: each share is floored to the trading unit, the rest goes one unit at a time to the largest truncated remainder. A line or
account that cannot take its part keeps what it can, and the others divide what is left by the same rule, until all is placed or nobody can
take more. Ties go by a hash of (block id, line id): a split can be repeated, and favours nobody over days.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from enum import StrEnum
from fractions import Fraction
from hashlib import sha256
from typing import Literal

import msgspec
from msgspec import Struct

from api.domain.allocation.methods import DERIVING, DIVIDING, ONLY_SIDE, InvalidPlan, Line, Method, max_quantity, weights_of
from api.domain.enums import Side

_ENDLESS = 10**18


class ReductionReason(StrEnum):
    """Why a line gets fewer shares than its method gives it: the narrowest bound."""

    OTHER_SIDE = "other_side"
    MAXIMUM = "maximum"
    MINIMUM = "minimum"
    FUND_CASH = "fund_cash"
    HOLDING = "holding"
    ACCOUNT_CASH = "account_cash"
    ACCOUNT_SELLABLE = "account_sellable"


class Reduction(Struct, kw_only=True, frozen=True):
    """A line that does not get what its method gives it. ``wanted`` and ``given`` in shares; on the other side ``wanted`` is below 0."""

    line_id: str
    reason: ReductionReason
    wanted: int
    given: int


class Capacity(Struct, kw_only=True, frozen=True):
    """What an account can take, by its broker: won for buys, shares for sales."""

    cash: int
    sellable: int


class Task(Struct, kw_only=True, frozen=True):
    """What is divided.

    Attributes:
        block_id: Part of every tie-break.
        quantity: Shares of the block; None under a deriving method, or with ``amount``.
        amount: Won to spend at most, fee included; for buys under a dividing method.
        price: Won a share that shares are reckoned by: the limit price, else the price just now.
        cash_price: Won a share that cash is reckoned by: the limit price, else the day's upper limit, at which a market order may trade.
        fee_rate: Of the amount, for buys; the brokers publish none, so it is the plan's.
        unit: Shares that are traded together.
        on_shortfall: Whether what does not fit is left out, or the whole block refused.
    """

    block_id: str
    method: Method
    side: Side
    quantity: int | None
    amount: int | None
    price: int
    cash_price: int
    fee_rate: Fraction
    unit: int
    on_shortfall: Literal["reduce", "reject"]


class LineShare(Struct, kw_only=True, frozen=True):
    """What one line gets. ``ideal``: what the method gives it exactly, before rounding and limits."""

    line_id: str
    fund_id: str
    account_id: str
    ideal: Fraction
    quantity: int


class Split(Struct, kw_only=True, frozen=True):
    """The outcome: the lines in the plan's order, shares by account, and what was cut.

    ``wanted`` is the block's whole; ``quantity`` what is placed. ``is_rejected``: something does not fit and the plan wants all or nothing,
    so every quantity is 0.
    """

    wanted: int
    quantity: int
    lines: tuple[LineShare, ...]
    parts: Mapping[str, int]
    reductions: tuple[Reduction, ...]
    is_rejected: bool


def tie_key(block_id: str, line_id: str) -> bytes:
    """SHA-256 of ``<block id>:<line id>``; the smaller key goes first."""
    return sha256(f"{block_id}:{line_id}".encode()).digest()


def split(task: Task, lines: Sequence[Line], capacities: Mapping[str, Capacity]) -> Split:
    """Divide a block over its lines.

    Args:
        task: What is divided.
        lines: The plan's lines; their order changes nothing.
        capacities: By account id; every line's account must be there.

    Raises:
        InvalidPlan: It cannot be divided at all: no lines, no weights, a quantity that is missing, not wanted, or no multiple of the unit.
    """
    if not lines:
        raise InvalidPlan("A plan needs at least one line.")
    if len({(line.fund_id, line.account_id) for line in lines}) < len(lines):
        raise InvalidPlan("A fund has one line at an account.")
    if (only := ONLY_SIDE.get(task.method, task.side)) is not task.side:
        raise InvalidPlan(f"{task.method.value} is for a block that {only.value}s.")
    ideals = _ideals(task, lines)
    keys = [tie_key(task.block_id, line.id) for line in lines]
    weights = [max(ideal, Fraction(0)) for ideal in ideals]
    if task.method in DIVIDING:
        wanted = int(sum(ideals)) // task.unit
        unbound = largest_remainder(wanted, weights, keys)
    else:
        unbound = [int(weight // task.unit) for weight in weights]
        wanted = sum(unbound)
    bounds = _bounds_of_lines(task, lines, unbound)
    families = [_accounts(task, lines, capacities), _funds(task, lines)]
    given = _above_minimum(task, wanted, weights, lines, bounds, families, keys)
    reductions = _reductions(task, lines, ideals, unbound, given, bounds)
    is_rejected = bool(reductions) and task.on_shortfall == "reject"
    quantities = [0 if is_rejected else units * task.unit for units in given]
    parts: dict[str, int] = defaultdict(int)
    for line, quantity in zip(lines, quantities, strict=True):
        parts[line.account_id] += quantity
    return Split(
        wanted=wanted * task.unit,
        quantity=sum(quantities),
        lines=tuple(
            LineShare(line_id=line.id, fund_id=line.fund_id, account_id=line.account_id, ideal=ideal, quantity=quantity)
            for line, ideal, quantity in zip(lines, ideals, quantities, strict=True)
        ),
        parts={account: quantity for account, quantity in sorted(parts.items()) if quantity},
        reductions=tuple(reductions),
        is_rejected=is_rejected,
    )


def largest_remainder(whole: int, weights: Sequence[Fraction], keys: Sequence[bytes]) -> list[int]:
    """Divide a whole in proportion to weights, each part within one of its exact one; all 0 where no line has a weight."""
    total = sum(weights)
    if not total:
        return [0] * len(weights)
    exact = [whole * weight / total for weight in weights]
    parts = [int(part) for part in exact]
    by_remainder = sorted(range(len(weights)), key=lambda index: (parts[index] - exact[index], keys[index]))
    for index in by_remainder[: whole - sum(parts)]:
        parts[index] += 1
    return parts


class Bound(Struct, kw_only=True, frozen=True):
    """The most units that a line or a group of lines can take, and why."""

    units: int
    reason: ReductionReason


class Group(Struct, kw_only=True, frozen=True):
    """Lines, by index, that share one bound: those of an account, or of a fund."""

    members: tuple[int, ...]
    bound: Bound


def divide(
    whole: int, weights: Sequence[Fraction], bounds: list[Bound], families: Sequence[Sequence[Group]], keys: Sequence[bytes]
) -> list[int]:
    """Divide as much of a whole as can be taken: no line above its bound, no group above its own. All in units.

    Groups of one family share no line. What a group above its bound can take is divided over its lines and becomes their own bound; then
    all is divided anew. Of two families that are exceeded, the worse goes first. It ends after as many rounds as there are groups, at most.
    ``bounds`` is narrowed in place.
    """
    while True:
        given = _fill(whole, weights, [bound.units for bound in bounds], keys)
        exceeded = [[group for group in family if sum(given[index] for index in group.members) > group.bound.units] for family in families]
        if not any(exceeded):
            return given
        for group in max(exceeded, key=lambda groups: max((_excess(group, given) for group in groups), default=Fraction(0))):
            share = _fill(
                group.bound.units,
                [weights[index] for index in group.members],
                [bounds[index].units for index in group.members],
                [keys[index] for index in group.members],
            )
            for index, units in zip(group.members, share, strict=True):
                bounds[index] = Bound(units=units, reason=group.bound.reason)


def _excess(group: Group, given: Sequence[int]) -> Fraction:
    return Fraction(sum(given[index] for index in group.members), group.bound.units + 1)


def _fill(whole: int, weights: Sequence[Fraction], limits: Sequence[int], keys: Sequence[bytes]) -> list[int]:
    """Divide over lines with limits: what a line at its limit could not take goes to the others, whose parts only grow by it."""
    given = [0] * len(weights)
    standing = [index for index, weight in enumerate(weights) if weight and limits[index] > 0]
    left = whole
    while standing:
        parts = largest_remainder(left, [weights[index] for index in standing], [keys[index] for index in standing])
        over = {index for index, units in zip(standing, parts, strict=True) if units > limits[index]}
        if not over:
            for index, units in zip(standing, parts, strict=True):
                given[index] = units
            return given
        for index in over:
            given[index] = limits[index]
            left -= limits[index]
        standing = [index for index in standing if index not in over]
    return given


def digest(task: Task, lines: Sequence[Line], capacities: Mapping[str, Capacity], outcome: Split) -> str:
    """SHA-256 over inputs and outcome as JSON with sorted keys: what was decided, fixed before the first order leaves."""
    content = {"task": task, "lines": lines, "capacities": capacities, "outcome": outcome}
    return sha256(msgspec.json.encode(content, enc_hook=str, order="sorted")).hexdigest()


def _ideals(task: Task, lines: Sequence[Line]) -> list[Fraction]:
    if task.method in DERIVING:
        if task.quantity is not None or task.amount is not None:
            raise InvalidPlan(f"Under {task.method.value} the lines tell the quantity; the block must not.")
        sign = 1 if task.side is Side.BUY else -1
        return [sign * DERIVING[task.method](line, task.side, task.price, task.fee_rate) for line in lines]
    whole = _whole(task)
    weights = weights_of(task.method, lines)
    total = sum(weights)
    return [whole * weight / total for weight in weights]


def _whole(task: Task) -> int:
    if (task.quantity is None) == (task.amount is None):
        raise InvalidPlan(f"Under {task.method.value} a block needs either a quantity or an amount.")
    if task.quantity is not None:
        if task.quantity % task.unit:
            raise InvalidPlan(f"{task.quantity} is no multiple of {task.unit}.")
        return task.quantity
    assert task.amount is not None
    if task.side is Side.SELL:
        return task.amount // task.price // task.unit * task.unit
    return max_quantity(task.amount, task.cash_price, task.fee_rate) // task.unit * task.unit


def _bounds_of_lines(task: Task, lines: Sequence[Line], unbound: Sequence[int]) -> list[Bound]:
    found = []
    for line, units in zip(lines, unbound, strict=True):
        bounds = [Bound(units=units if task.method in DERIVING else _ENDLESS, reason=ReductionReason.MAXIMUM)]
        if line.maximum is not None:
            bounds.append(Bound(units=line.maximum // task.unit, reason=ReductionReason.MAXIMUM))
        if task.side is Side.SELL:
            bounds.append(Bound(units=line.sellable // task.unit, reason=ReductionReason.HOLDING))
        found.append(min(bounds, key=lambda bound: bound.units))
    return found


def _accounts(task: Task, lines: Sequence[Line], capacities: Mapping[str, Capacity]) -> list[Group]:
    reason = ReductionReason.ACCOUNT_CASH if task.side is Side.BUY else ReductionReason.ACCOUNT_SELLABLE
    return [
        Group(
            members=members,
            bound=Bound(
                units=_affordable(task, capacities[account].cash) if task.side is Side.BUY else capacities[account].sellable // task.unit,
                reason=reason,
            ),
        )
        for account, members in _indices_by([line.account_id for line in lines]).items()
    ]


def _funds(task: Task, lines: Sequence[Line]) -> list[Group]:
    if task.side is Side.SELL:
        return []
    return [
        Group(members=members, bound=Bound(units=_affordable(task, lines[members[0]].fund_cash), reason=ReductionReason.FUND_CASH))
        for members in _indices_by([line.fund_id for line in lines]).values()
    ]


def _affordable(task: Task, cash: int) -> int:
    return max_quantity(cash, task.cash_price, task.fee_rate) // task.unit


def _indices_by(names: Sequence[str]) -> dict[str, tuple[int, ...]]:
    found: dict[str, list[int]] = defaultdict(list)
    for index, name in enumerate(names):
        found[name].append(index)
    return {name: tuple(indices) for name, indices in found.items()}


def _above_minimum(
    task: Task,
    wanted: int,
    weights: Sequence[Fraction],
    lines: Sequence[Line],
    bounds: list[Bound],
    families: Sequence[Sequence[Group]],
    keys: Sequence[bytes],
) -> list[int]:
    """Divide; while a line is below its minimum, leave out the one that misses it by most and divide anew."""
    own = list(bounds)
    while True:
        bounds[:] = own
        whole = wanted if task.method in DIVIDING else sum(bound.units for bound in bounds)
        given = divide(whole, weights, bounds, families, keys)
        missing = {
            index: Fraction(line.minimum - units * task.unit, line.minimum)
            for index, (line, units) in enumerate(zip(lines, given, strict=True))
            if own[index].units and weights[index] and units * task.unit < line.minimum
        }
        if not missing:
            return given
        worst = max(missing, key=lambda index: (missing[index], keys[index]))
        own[worst] = Bound(units=0, reason=ReductionReason.MINIMUM)


def _reductions(
    task: Task, lines: Sequence[Line], ideals: Sequence[Fraction], unbound: Sequence[int], given: Sequence[int], bounds: Sequence[Bound]
) -> list[Reduction]:
    found = []
    for line, ideal, units, got, bound in zip(lines, ideals, unbound, given, bounds, strict=True):
        if ideal <= -task.unit:
            wanted = -int(-ideal // task.unit * task.unit)
            found.append(Reduction(line_id=line.id, reason=ReductionReason.OTHER_SIDE, wanted=wanted, given=0))
        elif got < units and got == bound.units:  # one unit fewer because others' remainders are larger now is no reduction
            found.append(Reduction(line_id=line.id, reason=bound.reason, wanted=units * task.unit, given=got * task.unit))
    return found
