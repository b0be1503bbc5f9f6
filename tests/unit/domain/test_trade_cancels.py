"""Trades that the exchange takes back or corrects."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.domain import ledger
from api.domain.enums import ExecutionType, FillSource, OrderStatus
from api.domain.ledger import Contradiction, TradeVerdict
from api.domain.order import Order, PendingRequest
from api.domain.trade_cancels import amounts_agree, trade_canceled, trade_corrected
from tests.factories import NOON, a_live_order, a_trade

LATER = NOON + timedelta(minutes=1)


def filled_with(*parts: tuple[int, int], quantity: int = 10) -> Order:
    """An order with these (shares, price) executed under 1562."""
    notices = [
        a_trade(notice_id=f"n{number}:0", quantity=part, price=price, execution_id=str(number))
        for number, (part, price) in enumerate(parts)
    ]
    order, _ = ledger.on_trades(a_live_order(quantity=quantity), notices, NOON)
    return order


def entries(order: Order) -> list[tuple[int, int, str | None]]:
    return [(fill.quantity, fill.price, fill.amends and fill.amends.rpartition("-")[2]) for fill in order.fills]


def test_a_canceled_trade_is_a_negative_entry_that_names_the_fill_and_leaves_it_as_it_is() -> None:
    order = filled_with((6, 71_000), (4, 70_900))

    after = trade_canceled(order, "1562", 4, 283_600, LATER, LATER)

    assert after.fills[:2] == order.fills
    assert entries(after)[2:] == [(-4, 70_900, "2")]
    assert (after.cumulative_quantity, after.filled_amount) == (6, 426_000)
    assert (after.status, after.leaves_quantity) == (OrderStatus.PARTIALLY_FILLED, 4)
    assert after.history[-1].execution_type is ExecutionType.TRADE_CANCEL
    assert (after.fills[-1].source, after.fills[-1].version, after.fills[-1].executed_at) == (
        FillSource.RECONCILIATION,
        after.version,
        LATER,
    )


def test_the_only_trade_canceled_leaves_a_new_order() -> None:
    after = trade_canceled(filled_with((10, 71_000)), "1562", 10, 710_000, LATER, LATER)

    assert (after.status, after.cumulative_quantity, after.filled_amount) == (OrderStatus.NEW, 0, 0)


def test_of_equal_quantities_the_one_with_the_amount_is_taken_back() -> None:
    after = trade_canceled(filled_with((5, 71_000), (5, 70_500)), "1562", 5, 355_000, LATER, LATER)

    assert entries(after)[-1] == (-5, 71_000, "1")


def test_two_trades_canceled_at_once_are_both_named() -> None:
    after = trade_canceled(filled_with((2, 71_000), (3, 70_900), (5, 70_800)), "1562", 7, 142_000 + 354_000, LATER, LATER)

    assert sorted(entries(after)[3:]) == [(-5, 70_800, "3"), (-2, 71_000, "1")]


def test_where_no_trade_fits_the_shares_and_the_won_are_taken_back_all_the_same() -> None:
    after = trade_canceled(filled_with((10, 71_000)), "1562", 3, 213_001, LATER, LATER)

    assert entries(after)[1:] == [(-2, 71_000, None), (-1, 71_001, None)]
    assert (after.cumulative_quantity, after.filled_amount) == (7, 496_999)


def test_an_amount_known_by_averages_alone_finds_its_trade() -> None:
    after = trade_canceled(filled_with((6, 71_000), (4, 70_900)), "1562", 4, 283_603, LATER, LATER)

    assert entries(after)[2:] == [(-4, 70_900, "2")]


def test_a_trade_is_taken_back_once() -> None:
    once = trade_canceled(filled_with((5, 71_000), (5, 71_000)), "1562", 5, 355_000, LATER, LATER)
    twice = trade_canceled(once, "1562", 5, 355_000, LATER, LATER)

    assert {fill.amends for fill in twice.fills if fill.quantity < 0} == {fill.id for fill in twice.fills[:2]}
    with pytest.raises(Contradiction):
        trade_canceled(twice, "1562", 5, 355_000, LATER, LATER)


@pytest.mark.parametrize("status", [OrderStatus.CANCELED, OrderStatus.EXPIRED])
def test_an_order_that_had_ended_with_a_part_stays_ended(status: OrderStatus) -> None:
    order = filled_with((4, 71_000))
    ended = ledger.canceled(order, NOON) if status is OrderStatus.CANCELED else ledger.expired(order, NOON)

    after = trade_canceled(ended, "1562", 4, 284_000, LATER, LATER)

    assert (after.status, after.cumulative_quantity) == (status, 0)


def test_a_cancel_under_way_stays_under_way() -> None:
    pending = ledger.request_pending(filled_with((4, 71_000)), NOON, PendingRequest(kind="cancel", requested_at=NOON))

    after = trade_canceled(pending, "1562", 4, 284_000, LATER, LATER)

    assert (after.status, after.pending_request) == (OrderStatus.PENDING_CANCEL, pending.pending_request)


def test_a_corrected_price_is_a_negative_and_a_positive_entry() -> None:
    after = trade_corrected(filled_with((6, 71_000), (4, 70_900)), "1562", -400, LATER, LATER)

    assert entries(after)[2:] == [(-4, 70_900, "2"), (4, 70_800, "2")]
    assert (after.status, after.cumulative_quantity, after.filled_amount) == (OrderStatus.FILLED, 10, 709_200)
    assert after.history[-1].execution_type is ExecutionType.TRADE_CORRECT


def test_the_notice_of_a_canceled_trade_that_comes_late_or_again_is_not_a_fill() -> None:
    found = ledger.fills_from_total(a_live_order(), "1562", 3, 213_000, NOON, NOON)
    canceled = trade_canceled(found, "1562", 3, 213_000, LATER, LATER)
    told = trade_canceled(filled_with((3, 71_000)), "1562", 3, 213_000, LATER, LATER)

    _, late = ledger.on_trades(canceled, [a_trade()], LATER)
    _, again = ledger.on_trades(told, [a_trade(notice_id="again:0", execution_id="0")], LATER)

    assert (late, again) == ([TradeVerdict.ABSORBED], [TradeVerdict.KNOWN])


def test_a_corrected_fill_absorbs_no_other_notice() -> None:
    corrected = trade_corrected(filled_with((4, 71_000)), "1562", -400, LATER, LATER)

    _, verdicts = ledger.on_trades(corrected, [a_trade(notice_id="next:0", quantity=4, execution_id="9")], LATER)

    assert verdicts == [TradeVerdict.APPLIED]


PARTS = st.lists(st.tuples(st.integers(1, 9), st.integers(1_000, 1_050)), min_size=1, max_size=6)


@given(parts=PARTS, data=st.data())
def test_whatever_is_taken_back_the_totals_are_exact_to_the_won(parts: list[tuple[int, int]], data: st.DataObject) -> None:
    order = filled_with(*parts, quantity=sum(quantity for quantity, _ in parts))
    quantity = data.draw(st.integers(1, order.cumulative_quantity))
    amount = order.filled_amount if quantity == order.cumulative_quantity else quantity * data.draw(st.integers(1_000, 1_050))
    amount = min(amount, order.filled_amount)

    after = trade_canceled(order, "1562", quantity, amount, LATER, LATER)

    assert after.cumulative_quantity == order.cumulative_quantity - quantity
    assert after.cumulative_quantity == sum(fill.quantity for fill in after.fills)
    assert after.filled_amount == sum(fill.quantity * fill.price for fill in after.fills)
    assert amounts_agree(after.filled_amount, order.filled_amount - amount, order.cumulative_quantity)
