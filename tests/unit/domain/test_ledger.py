"""How an order changes."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.domain import ledger
from api.domain.enums import ExecutionType, FillSource, OrderStatus
from api.domain.ledger import Contradiction, TradeVerdict
from api.domain.lifecycle import IllegalTransition
from api.domain.order import Order, PendingRequest
from tests.factories import NOON, a_live_order, a_trade, an_order

LATER = NOON + timedelta(seconds=1)


def test_an_acknowledged_order_is_new_and_has_its_number() -> None:
    order = ledger.acknowledged(an_order(), LATER, "1562", "06590", "APBK0013", "ok", NOON)

    assert (order.status, order.broker_order_ids, order.branch, order.version) == (OrderStatus.NEW, ("1562",), "06590", 2)
    assert order.history[-1].execution_type is ExecutionType.NEW


def test_a_fill_counts_quantity_and_amount() -> None:
    order, verdicts = ledger.on_trades(a_live_order(), [a_trade(quantity=3, price=70_900)], LATER)

    assert verdicts == [TradeVerdict.APPLIED]
    assert (order.status, order.cumulative_quantity, order.leaves_quantity, order.filled_amount) == (
        OrderStatus.PARTIALLY_FILLED,
        3,
        7,
        212_700,
    )


def test_the_same_notice_twice_is_one_fill() -> None:
    order, _ = ledger.on_trades(a_live_order(), [a_trade()], LATER)

    again, verdicts = ledger.on_trades(order, [a_trade()], LATER)

    assert verdicts == [TradeVerdict.KNOWN]
    assert again is order


def test_an_equal_notice_without_an_execution_id_is_held_until_the_broker_confirms() -> None:
    order, _ = ledger.on_trades(a_live_order(), [a_trade()], LATER)

    same, verdicts = ledger.on_trades(order, [a_trade(notice_id="n2:0")], LATER)
    confirmed = ledger.confirm_held(same, [a_trade(notice_id="n2:0")], LATER)

    assert verdicts == [TradeVerdict.HELD]
    assert same.cumulative_quantity == 3
    assert confirmed.cumulative_quantity == 6


def test_a_repeated_execution_id_is_known_and_an_equal_fill_with_another_is_not() -> None:
    order, _ = ledger.on_trades(a_live_order(), [a_trade(execution_id="900")], LATER)

    order, verdicts = ledger.on_trades(
        order, [a_trade(notice_id="n2:0", execution_id="900"), a_trade(notice_id="n3:0", execution_id="901")], LATER
    )

    assert verdicts == [TradeVerdict.KNOWN, TradeVerdict.APPLIED]
    assert order.cumulative_quantity == 6


def test_a_late_notice_of_shares_found_by_reconciliation_is_absorbed_once() -> None:
    order = ledger.fills_from_total(a_live_order(), "1562", 3, 213_000, NOON, LATER)

    order, first = ledger.on_trades(order, [a_trade()], LATER)
    order, second = ledger.on_trades(order, [a_trade(notice_id="n2:0", executed_at=LATER)], LATER)

    assert (first, second) == ([TradeVerdict.ABSORBED], [TradeVerdict.APPLIED])
    assert order.cumulative_quantity == 6


def test_an_amount_that_does_not_divide_is_kept_to_the_won() -> None:
    order = ledger.fills_from_total(a_live_order(), "1562", 3, 213_100, NOON, LATER)

    assert order.filled_amount == 213_100
    assert {fill.source for fill in order.fills} == {FillSource.RECONCILIATION}
    assert sorted((fill.quantity, fill.price) for fill in order.fills) == [(1, 71_034), (2, 71_033)]


def test_more_shares_than_ordered_are_refused_and_nothing_changes() -> None:
    with pytest.raises(Contradiction):
        ledger.on_trades(a_live_order(), [a_trade(quantity=11)], LATER)


def test_a_fill_that_overtakes_the_cancel_is_kept() -> None:
    pending = ledger.request_pending(a_live_order(), LATER, PendingRequest(kind="cancel", requested_at=LATER))

    partly, _ = ledger.on_trades(pending, [a_trade()], LATER)
    wholly, _ = ledger.on_trades(partly, [a_trade(notice_id="n2:0", quantity=7)], LATER)

    assert partly.status is OrderStatus.PENDING_CANCEL
    assert wholly.status is OrderStatus.FILLED
    assert wholly.pending_request is None


def test_a_late_fill_on_a_canceled_order_is_real_money() -> None:
    canceled = ledger.canceled(a_live_order(), LATER)

    partly, _ = ledger.on_trades(canceled, [a_trade()], LATER)
    wholly, _ = ledger.on_trades(partly, [a_trade(notice_id="n2:0", quantity=7)], LATER)

    assert (partly.status, partly.cumulative_quantity, partly.leaves_quantity) == (OrderStatus.CANCELED, 3, 0)
    assert wholly.status is OrderStatus.FILLED


def test_a_confirmed_price_ends_the_pending_replace_and_chains_the_number() -> None:
    pending = ledger.request_pending(a_live_order(), LATER, PendingRequest(kind="replace", requested_at=LATER, limit_price=70_500))

    order = ledger.replaced(pending, LATER, quantity=10, limit_price=70_500, broker_order_id="1570")

    assert (order.status, order.limit_price, order.broker_order_ids) == (OrderStatus.NEW, 70_500, ("1562", "1570"))
    assert order.pending_request is None


def test_a_confirmation_told_twice_changes_nothing() -> None:
    order = ledger.replaced(a_live_order(), LATER, quantity=10, limit_price=70_500, broker_order_id="1570")

    assert ledger.replaced(order, LATER, quantity=10, limit_price=70_500, broker_order_id="1570") is order
    canceled = ledger.canceled(order, LATER)
    assert ledger.canceled(canceled, LATER) is canceled


def test_a_refused_cancel_leaves_the_order_as_it_was() -> None:
    partly, _ = ledger.on_trades(a_live_order(), [a_trade()], LATER)
    pending = ledger.request_pending(partly, LATER, PendingRequest(kind="cancel", requested_at=LATER))

    order = ledger.request_refused(pending, LATER, "APBK0927", "none left", "broker")

    assert (order.status, order.broker_code) == (OrderStatus.PARTIALLY_FILLED, "APBK0927")


def test_only_an_order_that_never_left_may_be_sent_again() -> None:
    never_left = ledger.rejected(an_order(), LATER, "", "refused connection", "not_sent")

    assert ledger.revived(never_left, LATER, "other").status is OrderStatus.PENDING_NEW
    with pytest.raises(IllegalTransition):
        ledger.acknowledged(never_left, LATER, "1562", "06590", "", "", NOON)


@pytest.mark.parametrize("reason", ["never_received", "declared_not_placed"])
def test_an_order_given_up_without_proof_is_taken_up_again_when_the_broker_shows_it(reason: str) -> None:
    given_up = ledger.rejected(ledger.outcome_unknown(an_order(), NOON, "no_answer"), LATER, "", "", reason)

    order = ledger.acknowledged(given_up, LATER, "1562", "06590", "", "", NOON)

    assert (order.status, order.broker_order_ids) == (OrderStatus.NEW, ("1562",))


def test_an_order_that_the_broker_refused_is_not_taken_up_again() -> None:
    refused = ledger.rejected(an_order(), LATER, "APBK0919", "no money", "broker")

    with pytest.raises(IllegalTransition):
        ledger.acknowledged(refused, LATER, "1562", "06590", "", "", NOON)


PARTS = st.lists(st.integers(1, 9), min_size=1, max_size=8)


@given(parts=PARTS, order_of_arrival=st.randoms(use_true_random=False), repeats=st.integers(0, 3))
def test_any_order_and_repetition_of_numbered_notices_gives_one_ledger(parts: list[int], order_of_arrival: object, repeats: int) -> None:
    total = sum(parts)
    notices = [
        a_trade(notice_id=f"n{number}:0", quantity=part, price=71_000 + number, execution_id=str(number))
        for number, part in enumerate(parts)
    ]
    told = notices + [
        a_trade(notice_id=f"again{number}:0", quantity=notice.quantity, price=notice.price, execution_id=notice.execution_id)
        for number, notice in enumerate(notices[:repeats])
    ]
    order_of_arrival.shuffle(told)  # type: ignore[attr-defined]
    order: Order = a_live_order(quantity=total)

    for notice in told:
        order, _ = ledger.on_trades(order, [notice], LATER)

    assert order.status is OrderStatus.FILLED
    assert order.cumulative_quantity == total
    assert order.filled_amount == sum(notice.quantity * notice.price for notice in notices)
    assert len(order.fills) == len(parts)
