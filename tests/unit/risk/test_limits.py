"""Risk limits as values: what an order is worth, and which limits it exceeds."""

from typing import Any

import msgspec
import pytest

from api.domain.enums import Side
from api.risk.limits import (
    Limit,
    LimitCode,
    LimitSet,
    PercentLimit,
    Proposal,
    amount_of,
    check_order,
    from_stored,
    to_stored,
    unconfirmed,
    unit_price,
)

REFERENCE = 71_000


def a_proposal(**changes: Any) -> Proposal:
    proposal = Proposal(
        key="order",
        account_id="account",
        user_id="user",
        trading_day="2026-11-23",
        side=Side.BUY,
        quantity=10,
        limit_price=71_000,
        ceiling_price=92_300,
        reference_price=REFERENCE,
        added_amount=710_000,
        fingerprint="print",
    )
    return msgspec.structs.replace(proposal, **changes)


@pytest.mark.parametrize(
    ("limit_price", "ceiling", "expected"),
    [(60_000, 92_300, 60_000), (None, 92_300, 92_300), (None, None, 92_300), (None, 1, 1)],
)
def test_an_order_without_a_price_counts_at_the_upper_limit(limit_price: int | None, ceiling: int | None, expected: int) -> None:
    assert unit_price(limit_price, ceiling, REFERENCE) == expected


def test_without_a_known_upper_limit_thirty_percent_are_added_and_rounded_up() -> None:
    assert unit_price(None, None, 3) == 4


@pytest.mark.parametrize(("limit", "is_exceeded"), [(710_000, False), (709_999, True)])
def test_an_order_of_just_the_limit_passes(limit: int, is_exceeded: bool) -> None:
    found = check_order(a_proposal(), LimitSet(order_value=Limit(limit=limit)), "account")

    assert [(entry.code, entry.actual) for entry in found] == ([(LimitCode.ORDER_VALUE, 710_000)] if is_exceeded else [])


@pytest.mark.parametrize(
    ("price", "percent", "is_exceeded"),
    [
        (92_300, 30.0, False),  # 30 % of 71,000 won to the won
        (92_400, 30.0, True),
        (49_700, 30.0, False),
        (49_600, 30.0, True),
        (71_071, 0.1, False),  # 0.1 is no binary fraction
        (71_072, 0.1, True),
    ],
)
def test_the_distance_from_the_reference_price_is_exact_on_both_sides(price: int, percent: float, is_exceeded: bool) -> None:
    found = check_order(a_proposal(limit_price=price), LimitSet(price_distance=PercentLimit(limit=percent)), "user")

    assert bool(found) is is_exceeded


def test_an_order_without_a_price_or_reference_has_no_distance() -> None:
    limits = LimitSet(price_distance=PercentLimit(limit=0.01))

    assert check_order(a_proposal(limit_price=None), limits, "account") == []
    assert check_order(a_proposal(limit_price=90_000, reference_price=0), limits, "account") == []


def test_a_confirmation_opens_what_asks_for_one_and_never_what_blocks() -> None:
    limits = LimitSet(order_value=Limit(limit=1, action="confirm"), order_quantity=Limit(limit=1))
    found = check_order(a_proposal(), limits, "account")

    left = unconfirmed(found, frozenset({"order_value", "order_quantity"}))

    assert [entry.code for entry in left] == [LimitCode.ORDER_QUANTITY]
    assert len(unconfirmed(found, frozenset())) == 2


def test_limits_come_back_from_the_store_as_they_went() -> None:
    limits = LimitSet(day_value=Limit(limit=5, action="confirm"), price_distance=PercentLimit(limit=2.5))

    assert from_stored(to_stored(limits) | {"a_limit_of_a_newer_version": 1}) == limits
    assert to_stored(LimitSet()) == {}


def test_the_amount_is_of_the_whole_order() -> None:
    assert amount_of(a_proposal(quantity=7, limit_price=None)) == 7 * 92_300
