"""What the daily report calls a difference."""

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from api.brokers.base import BrokerOrder, BrokerOrderKind
from api.domain import ledger
from api.domain.enums import OrderOrigin, OrderStatus, Side
from api.domain.order import Order, PendingRequest
from api.orders.inbox import FrameState
from api.reports.comparison import Difference, DifferenceCode, broker_totals, compare, count_external, ledger_totals
from tests.factories import NOON, a_live_order, a_row, a_trade, an_order

NO_NOTICES: dict[FrameState, int] = {}


def filled(quantity: int, **changes: Any) -> Order:
    """The live order with an execution of so many shares that the stream told of."""
    return ledger.on_trades(a_live_order(**changes), [a_trade(quantity=quantity)], NOON)[0]


def codes(orders: Sequence[Order], rows: Sequence[BrokerOrder]) -> list[tuple[str, int | None, int | None]]:
    return [(entry.code.value, entry.ledger_value, entry.broker_value) for entry in compare(orders, rows, NO_NOTICES)]


ROW_OF_4 = a_row(cumulative_quantity=4, filled_amount=284_000, leaves_quantity=6)


def test_the_same_shares_won_and_leaves_are_no_difference() -> None:
    assert compare([filled(4)], [ROW_OF_4], NO_NOTICES) == []


@pytest.mark.parametrize(
    ("order", "row", "expected"),
    [
        (filled(3), ROW_OF_4, [("quantity_differs", 3, 4), ("open_quantity_differs", 7, 6)]),
        (filled(4), msgspec.structs.replace(ROW_OF_4, filled_amount=283_000), [("amount_differs", 284_000, 283_000)]),
        (filled(4), msgspec.structs.replace(ROW_OF_4, leaves_quantity=0, canceled_quantity=6), [("open_quantity_differs", 6, 0)]),
        (ledger.canceled(filled(4), NOON), ROW_OF_4, [("open_quantity_differs", 0, 6)]),
        (ledger.fills_from_total(a_live_order(), "1562", 4, 284_000, NOON, NOON), ROW_OF_4, [("fill_not_streamed", 0, 4)]),
        (ledger.outcome_unknown(an_order(), NOON, "no_answer"), ROW_OF_4, [("outcome_unknown", 10, None), ("missing_in_ledger", None, 10)]),
        (
            ledger.request_pending(filled(4), NOON, PendingRequest(kind="cancel", requested_at=NOON)),
            ROW_OF_4,
            [("change_unconfirmed", None, None)],
        ),
    ],
    ids=["shares", "won", "leaves", "ended", "not streamed", "unknown", "change"],
)
def test_each_difference_is_named_with_both_values(
    order: Order, row: BrokerOrder, expected: list[tuple[str, int | None, int | None]]
) -> None:
    assert codes([order], [row]) == expected


def test_an_order_that_the_broker_does_not_list_is_named_with_its_number() -> None:
    assert compare([a_live_order()], [], NO_NOTICES) == [
        Difference(code=DifferenceCode.MISSING_AT_BROKER, order_id=a_live_order().id, broker_order_id="1562")
    ]


def test_a_broker_order_that_lucy_does_not_know_is_named_but_a_cancel_is_none() -> None:
    rows = [ROW_OF_4, a_row(order_number="9"), a_row(order_number="10", kind=BrokerOrderKind.CANCEL, original_order_number="77")]

    assert codes([filled(4)], rows) == [("missing_in_ledger", None, 10)]


def test_what_is_just_being_sent_is_not_missing_on_either_side() -> None:
    sending = an_order(id="1" * 24)

    assert compare([filled(4), sending], [ROW_OF_4], NO_NOTICES) == []
    assert compare([filled(4), sending], [ROW_OF_4, a_row(order_number="1563")], NO_NOTICES) == []


def test_a_replaced_order_is_compared_number_by_number() -> None:
    order = ledger.replaced(filled(4), NOON, quantity=10, limit_price=70_500, broker_order_id="1570")
    parent = msgspec.structs.replace(ROW_OF_4, leaves_quantity=0)
    child = a_row(order_number="1570", original_order_number="1562", kind=BrokerOrderKind.REPLACE, limit_price=70_500, leaves_quantity=6)

    assert compare([order], [parent, child], NO_NOTICES) == []
    assert codes([order], [parent, msgspec.structs.replace(child, leaves_quantity=5)]) == [("open_quantity_differs", 6, 5)]
    assert codes([order], [parent]) == [("missing_at_broker", None, None)]


def test_notices_that_are_in_no_ledger_are_counted() -> None:
    notices = {
        FrameState.RECEIVED: 1,
        FrameState.WAITING: 2,
        FrameState.HELD: 0,
        FrameState.UNREADABLE: 1,
        FrameState.CONTRADICTED: 4,
        FrameState.APPLIED: 9,
    }

    found = compare([], [], notices)

    assert [(entry.code.value, entry.ledger_value) for entry in found] == [
        ("notice_open", 3),
        ("notice_unreadable", 1),
        ("notice_contradicted", 4),
    ]


def test_totals_are_shares_and_won_by_side() -> None:
    sold = msgspec.structs.replace(filled(3), side=Side.SELL, origin=OrderOrigin.EXTERNAL)
    rows = [ROW_OF_4, a_row(order_number="9", side=Side.SELL, cumulative_quantity=3, filled_amount=213_000)]

    assert ledger_totals([filled(4), sold]) == broker_totals(rows)
    assert (broker_totals(rows).bought_amount, broker_totals(rows).sold_amount) == (284_000, 213_000)
    assert count_external([filled(4), sold]) == 1


def test_a_rejected_order_without_a_number_is_no_difference() -> None:
    order = ledger.rejected(an_order(), NOON, "APBK0919", "", "broker")

    assert order.status is OrderStatus.REJECTED
    assert compare([order], [], NO_NOTICES) == []
