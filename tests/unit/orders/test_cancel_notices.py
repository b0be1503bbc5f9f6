"""Notices of canceled shares: what they prove, and what they only seem to."""

import pytest

from api.domain import ledger
from api.domain.enums import OrderStatus
from api.domain.order import Order, PendingRequest
from api.orders.cancel_notices import on_cancel
from tests.factories import NOON, a_live_order, a_trade


def asked(order: Order, kind: str, quantity: int | None = None) -> Order:
    return ledger.request_pending(
        order, NOON, PendingRequest(kind="cancel" if kind == "cancel" else "replace", requested_at=NOON, quantity=quantity)
    )


def shrunk(order: Order, quantity: int) -> Order:
    """The order after a replacement that reconciliation has read from the broker's list."""
    return ledger.replaced(order, NOON, quantity=quantity, limit_price=None, broker_order_id=None)


def after(order: Order, quantity: int) -> tuple[OrderStatus, int]:
    result = on_cancel(order, quantity, NOON)
    return result.status, result.quantity


@pytest.mark.parametrize(
    ("order", "quantity", "expected"),
    [
        (asked(a_live_order(), "cancel"), 10, (OrderStatus.CANCELED, 10)),
        (asked(ledger.on_trades(a_live_order(), [a_trade(quantity=4)], NOON)[0], "cancel"), 6, (OrderStatus.CANCELED, 10)),
        (asked(a_live_order(), "cancel"), 7, (OrderStatus.CANCELED, 10)),
        (asked(a_live_order(), "replace", 3), 7, (OrderStatus.NEW, 3)),
        (a_live_order(), 10, (OrderStatus.CANCELED, 10)),
    ],
    ids=["asked", "asked, partly filled", "asked, fills not heard of", "smaller", "from outside"],
)
def test_a_notice_that_can_mean_but_one_thing_is_believed(order: Order, quantity: int, expected: tuple[OrderStatus, int]) -> None:
    assert after(order, quantity) == expected


def test_a_late_notice_of_a_reduction_that_was_read_already_takes_nothing_away_again() -> None:
    order = shrunk(asked(a_live_order(), "replace", 3), 3)

    assert on_cancel(order, 7, NOON) is order


def test_a_repeated_notice_of_a_reduction_by_half_does_not_end_the_order() -> None:
    once = on_cancel(asked(a_live_order(), "replace", 5), 5, NOON)

    assert (once.status, once.quantity) == (OrderStatus.NEW, 5)
    assert on_cancel(once, 5, NOON) is once
    assert on_cancel(asked(once, "cancel"), 5, NOON).status is OrderStatus.PENDING_CANCEL
    assert on_cancel(asked(once, "replace", 2), 5, NOON).quantity == 5


def test_a_notice_of_more_than_is_open_proves_nothing() -> None:
    order = a_live_order()

    assert on_cancel(order, 11, NOON) is order


def test_a_part_canceled_from_outside_is_left_to_the_brokers_list() -> None:
    order = a_live_order()

    assert on_cancel(order, 4, NOON) is order
