"""Splitting a block over lines: properties that hold whatever the numbers, and the cases that people ask about."""

import random
from fractions import Fraction
from typing import Any

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from api.domain.allocation.methods import DIVIDING, ONLY_SIDE, InvalidPlan, Line, Method, cost, max_quantity
from api.domain.allocation.split import Capacity, ReductionReason, Split, Task, digest, largest_remainder, split, tie_key
from api.domain.enums import Side

RICH = 10**15


def a_task(**changes: Any) -> Task:
    """A buy of 100 shares at 10,000 won, in equal parts, of what fits."""
    task = Task(
        block_id="b1",
        method=Method.EQUAL,
        side=Side.BUY,
        quantity=100,
        amount=None,
        price=10_000,
        cash_price=10_000,
        fee_rate=Fraction(0),
        unit=1,
        on_shortfall="reduce",
    )
    return msgspec.structs.replace(task, **changes)


def a_line(name: str, **changes: Any) -> Line:
    """Fund ``name`` at account ``a1``, with all the money and shares in the world."""
    line = Line(id=name, fund_id=name, account_id="a1", fund_cash=RICH, fund_value=RICH, holding=10**9, sellable=10**9)
    return msgspec.structs.replace(line, **changes)


def endless(lines: list[Line]) -> dict[str, Capacity]:
    return {line.account_id: Capacity(cash=RICH, sellable=10**9) for line in lines}


def quantities(outcome: Split) -> list[int]:
    return [line.quantity for line in outcome.lines]


@st.composite
def problems(draw: st.DrawFn) -> tuple[Task, list[Line], dict[str, Capacity]]:
    """Any plan: every method, both sides, tight and loose bounds."""
    method = draw(st.sampled_from(list(Method)))
    side = draw(st.sampled_from(list(Side)))
    unit = draw(st.sampled_from([1, 1, 10]))
    price = draw(st.sampled_from([1, 7, 950, 71_000]))
    pairs = draw(st.lists(st.tuples(st.sampled_from("fgh"), st.sampled_from(["a1", "a2", "a3"])), min_size=1, max_size=9, unique=True))
    value = draw(st.sampled_from([1, 90_000, 10_000_000]))
    cash = {"f": 10**9, "g": draw(st.sampled_from([0, 500_000, 10**9])), "h": 60 * price}
    lines = [
        Line(
            id=f"{fund}{account}",
            fund_id=fund,
            account_id=account,
            value=Fraction(draw(st.integers(1, 60)), draw(st.sampled_from([1, 3]))),
            minimum=draw(st.sampled_from([0, 0, 5])),
            maximum=draw(st.sampled_from([None, None, 0, 13, 400])),
            fund_value=value,
            fund_cash=cash[fund],
            holding=draw(st.integers(0, 300)),
            sellable=draw(st.integers(0, 300)),
        )
        for fund, account in pairs
    ]
    assume(method is not Method.AVAILABLE_CASH or any(line.fund_cash for line in lines))
    side = ONLY_SIDE.get(method, side)
    is_dividing = method in DIVIDING
    by_amount = draw(st.booleans())
    task = a_task(
        block_id=draw(st.sampled_from(["b1", "b2"])),
        method=method,
        side=side,
        quantity=draw(st.integers(1, 500)) * unit if is_dividing and not by_amount else None,
        amount=draw(st.integers(price, 500 * price)) if is_dividing and by_amount else None,
        price=price,
        cash_price=price * draw(st.sampled_from([1, 1, 2])),
        fee_rate=draw(st.sampled_from([Fraction(0), Fraction(15, 100_000)])),
        unit=unit,
        on_shortfall=draw(st.sampled_from(["reduce", "reduce", "reject"])),
    )
    capacities = {
        account: Capacity(cash=draw(st.sampled_from([0, 40 * price, 10**9])), sellable=draw(st.sampled_from([0, 90, 10_000])))
        for account in ("a1", "a2", "a3")
    }
    return task, lines, capacities


@given(problem=problems())
def test_no_line_fund_or_account_gets_more_than_it_can_take(problem: tuple[Task, list[Line], dict[str, Capacity]]) -> None:
    task, lines, capacities = problem

    outcome = split(task, lines, capacities)

    for line, share in zip(lines, outcome.lines, strict=True):
        assert share.quantity >= 0
        assert share.quantity % task.unit == 0
        assert share.quantity <= (line.maximum if line.maximum is not None else share.quantity)
        assert share.quantity == 0 or share.quantity >= line.minimum
        assert task.side is Side.BUY or share.quantity <= line.sellable
    for account, quantity in outcome.parts.items():
        if task.side is Side.BUY:
            assert cost(quantity, task.cash_price, task.fee_rate) <= capacities[account].cash
        else:
            assert quantity <= capacities[account].sellable
    for line in lines:
        of_fund = sum(share.quantity for share in outcome.lines if share.fund_id == line.fund_id)
        assert task.side is Side.SELL or cost(of_fund, task.cash_price, task.fee_rate) <= line.fund_cash


@given(problem=problems())
def test_parts_sum_to_the_whole_and_the_whole_to_what_was_wanted_unless_cut(problem: tuple[Task, list[Line], dict[str, Capacity]]) -> None:
    task, lines, capacities = problem

    outcome = split(task, lines, capacities)

    assert sum(outcome.parts.values()) == sum(quantities(outcome)) == outcome.quantity <= outcome.wanted
    assert outcome.quantity == outcome.wanted or outcome.reductions
    if task.on_shortfall == "reject":
        assert outcome.is_rejected == bool(outcome.reductions)
        assert outcome.quantity == (0 if outcome.is_rejected else outcome.wanted)
    if task.quantity is not None:
        assert outcome.wanted == task.quantity
    if task.amount is not None and task.side is Side.BUY:
        assert cost(outcome.quantity, task.cash_price, task.fee_rate) <= task.amount


@given(problem=problems(), seed=st.integers(0, 10))
def test_the_order_of_lines_changes_nothing_and_again_gives_the_same(
    problem: tuple[Task, list[Line], dict[str, Capacity]], seed: int
) -> None:
    task, lines, capacities = problem
    mixed = list(lines)
    random.Random(seed).shuffle(mixed)

    outcome, again = split(task, lines, capacities), split(task, mixed, capacities)

    assert {share.line_id: share for share in outcome.lines} == {share.line_id: share for share in again.lines}
    assert outcome.parts == again.parts
    assert sorted(outcome.reductions, key=str) == sorted(again.reductions, key=str)


@given(weights=st.lists(st.integers(0, 1000), min_size=1, max_size=12).filter(any), whole=st.integers(0, 10**9))
def test_unbound_parts_are_within_one_of_their_exact_share(weights: list[int], whole: int) -> None:
    parts = largest_remainder(whole, [Fraction(weight) for weight in weights], [tie_key("b", str(index)) for index in range(len(weights))])

    assert sum(parts) == whole
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part - Fraction(whole * weight, sum(weights))) < 1


@given(amount=st.integers(0, 10**9), price=st.integers(1, 10**6), fee=st.sampled_from([Fraction(0), Fraction(1, 7000), Fraction(1, 3)]))
def test_money_buys_as_much_as_it_can_with_the_fee(amount: int, price: int, fee: Fraction) -> None:
    quantity = max_quantity(amount, price, fee)

    assert quantity == 0 or cost(quantity, price, fee) <= amount
    assert cost(quantity + 1, price, fee) > amount


def test_odd_shares_go_to_other_lines_in_other_blocks() -> None:
    lines = [a_line(name) for name in "abc"]

    first = {tuple(quantities(split(a_task(block_id=f"b{number}"), lines, endless(lines)))) for number in range(40)}

    assert first == {(34, 33, 33), (33, 34, 33), (33, 33, 34)}


def test_what_one_line_cannot_take_the_others_do() -> None:
    lines = [a_line("a", maximum=10), a_line("b"), a_line("c")]

    outcome = split(a_task(), lines, endless(lines))

    assert quantities(outcome) == [10, 45, 45]
    [cut] = outcome.reductions
    assert (cut.line_id, cut.reason, cut.given) == ("a", ReductionReason.MAXIMUM, 10)
    assert cut.wanted in (33, 34)


def test_lines_of_one_account_share_its_cash_and_the_others_take_the_rest() -> None:
    lines = [a_line("a"), a_line("b"), a_line("c", account_id="a2")]
    capacities = {"a1": Capacity(cash=400_000, sellable=0), "a2": Capacity(cash=RICH, sellable=0)}

    outcome = split(a_task(), lines, capacities)

    assert (quantities(outcome), outcome.parts) == ([20, 20, 60], {"a1": 40, "a2": 60})
    assert {(cut.line_id, cut.reason) for cut in outcome.reductions} == {
        ("a", ReductionReason.ACCOUNT_CASH),
        ("b", ReductionReason.ACCOUNT_CASH),
    }


def test_a_funds_budget_holds_over_its_accounts() -> None:
    lines = [a_line("f1", fund_id="f", fund_cash=300_000), a_line("f2", fund_id="f", fund_cash=300_000, account_id="a2"), a_line("g")]

    outcome = split(a_task(method=Method.RATIO), [msgspec.structs.replace(line, value=Fraction(1)) for line in lines], endless(lines))

    assert quantities(outcome) == [15, 15, 70]
    assert {cut.reason for cut in outcome.reductions} == {ReductionReason.FUND_CASH}


def test_a_line_below_its_minimum_gets_none_and_the_others_take_it() -> None:
    lines = [a_line("a", value=Fraction(1), minimum=10), a_line("b", value=Fraction(19))]

    outcome = split(a_task(method=Method.RATIO), lines, endless(lines))

    assert quantities(outcome) == [0, 100]
    assert [(cut.line_id, cut.reason, cut.wanted) for cut in outcome.reductions] == [("a", ReductionReason.MINIMUM, 5)]


def test_a_plan_that_wants_all_or_nothing_is_rejected_whole_and_says_why() -> None:
    lines = [a_line("a", maximum=10), a_line("b")]

    outcome = split(a_task(on_shortfall="reject"), lines, endless(lines))

    assert (outcome.is_rejected, outcome.quantity, outcome.parts) == (True, 0, {})
    assert outcome.reductions[0].reason is ReductionReason.MAXIMUM


def test_a_line_on_the_other_side_of_its_target_is_named() -> None:
    lines = [
        a_line("a", value=Fraction(10), fund_value=1_000_000, holding=0),
        a_line("b", value=Fraction(10), fund_value=1_000_000, holding=25),
    ]

    outcome = split(a_task(method=Method.TARGET_WEIGHT, quantity=None), lines, endless(lines))

    assert quantities(outcome) == [10, 0]
    assert [(cut.line_id, cut.reason, cut.wanted) for cut in outcome.reductions] == [("b", ReductionReason.OTHER_SIDE, -15)]


@pytest.mark.parametrize(
    ("task", "lines"),
    [
        (a_task(), []),
        (a_task(), [a_line("a"), a_line("b", fund_id="a")]),
        (a_task(method=Method.RATIO), [a_line("a")]),
        (a_task(method=Method.RATIO), [a_line("a", value=Fraction(2)), a_line("b", value=Fraction(-1))]),
        (a_task(quantity=None), [a_line("a")]),
        (a_task(amount=5_000), [a_line("a")]),
        (a_task(method=Method.SELL_ALL, side=Side.SELL), [a_line("a")]),
        (a_task(quantity=105, unit=10), [a_line("a")]),
        (a_task(method=Method.SELL_ALL, quantity=None), [a_line("a")]),
        (a_task(method=Method.AVAILABLE_CASH, side=Side.SELL), [a_line("a")]),
    ],
    ids=[
        "no line",
        "twice",
        "no weight",
        "negative",
        "no whole",
        "two wholes",
        "whole not wanted",
        "off the unit",
        "sells only",
        "buys only",
    ],
)
def test_what_cannot_be_divided_is_refused(task: Task, lines: list[Line]) -> None:
    with pytest.raises(InvalidPlan):
        split(task, lines, endless(lines))


def test_the_digest_tells_any_change() -> None:
    lines = [a_line("a"), a_line("b")]
    outcome = split(a_task(), lines, endless(lines))

    first = digest(a_task(), lines, endless(lines), outcome)

    assert first == digest(a_task(), lines, endless(lines), outcome)
    assert first != digest(a_task(price=10_001), lines, endless(lines), outcome)
    assert first != digest(a_task(), [a_line("a"), a_line("b", maximum=99)], endless(lines), outcome)


def test_a_thousand_lines_and_a_billion_shares_are_no_trouble() -> None:
    lines = [a_line(str(number), account_id=f"a{number % 7}", maximum=1_000_000 + number) for number in range(1000)]

    outcome = split(a_task(quantity=10**9), lines, endless(lines))

    assert outcome.quantity == 10**9
