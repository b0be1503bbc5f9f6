"""What a broker's list proves."""

from datetime import timedelta

import pytest

from api.brokers.base import BrokerOrder, BrokerOrderKind
from api.domain import ledger
from api.domain.enums import FillSource, OrderStatus, Side
from api.domain.ledger import TradeNotice
from api.domain.order import Order, PendingRequest
from api.orders.reconciliation import Memory, adopt, claim_chains, match_unknown, settle
from tests.factories import NOON, a_live_order, a_row, a_trade, an_order

SOON = NOON + timedelta(seconds=2)
PATIENT = NOON + timedelta(seconds=60)


def settled(order: Order, *rows: BrokerOrder, held: dict[str, list[TradeNotice]] | None = None, since: bool = True) -> Order:
    """The order after two readings of the same rows, or after one."""
    early = NOON + timedelta(milliseconds=500)
    first = settle(order, rows, held or {}, Memory(), read_at=early, now=early)
    return settle(first.order, rows, held or {}, Memory(notes=first.notes), read_at=SOON, now=SOON).order if since else first.order


def test_missing_shares_are_recorded_once_the_stream_had_its_time() -> None:
    row = a_row(cumulative_quantity=4, filled_amount=284_000, leaves_quantity=6)

    first = settled(a_live_order(), row, since=False)
    then = settled(first, row)
    again = settled(then, row)

    assert first.cumulative_quantity == 0
    assert (then.cumulative_quantity, then.filled_amount, then.status) == (4, 284_000, OrderStatus.PARTIALLY_FILLED)
    assert then.fills[0].source is FillSource.RECONCILIATION
    assert again is then


def test_a_held_notice_that_the_total_confirms_is_a_fill_of_its_own() -> None:
    order, _ = ledger.on_trades(a_live_order(), [a_trade()], NOON)
    twin = a_trade(notice_id="n2:0")

    confirmed = settled(order, a_row(cumulative_quantity=6, filled_amount=426_000, leaves_quantity=4), held={"1562": [twin]}, since=False)
    denied = settled(order, a_row(cumulative_quantity=3, filled_amount=213_000, leaves_quantity=7), held={"1562": [twin]})

    assert [fill.notice_id for fill in confirmed.fills] == ["n1:0", "n2:0"]
    assert denied.cumulative_quantity == 3


def test_a_canceled_row_ends_the_order() -> None:
    order = settled(a_live_order(), a_row(leaves_quantity=0, canceled_quantity=10))

    assert (order.status, order.leaves_quantity) == (OrderStatus.CANCELED, 0)


def test_a_row_refused_by_the_exchange_rejects_the_order() -> None:
    assert settled(a_live_order(), a_row(leaves_quantity=0, rejected_quantity=10)).status is OrderStatus.REJECTED


def test_a_cancel_without_a_trace_goes_back_to_live() -> None:
    asked = ledger.request_pending(a_live_order(), NOON, PendingRequest(kind="cancel", requested_at=NOON))

    early = settle(asked, [a_row()], {}, Memory(), read_at=SOON, now=SOON).order
    late = settle(asked, [a_row()], {}, Memory(), read_at=PATIENT, now=PATIENT).order

    assert early is asked
    assert (late.status, late.reason) == (OrderStatus.NEW, "no_trace_at_broker")


def test_a_replacement_nobody_told_of_joins_the_chain() -> None:
    child = a_row(order_number="1570", original_order_number="1562", kind=BrokerOrderKind.REPLACE, limit_price=70_500)
    parent = a_row(leaves_quantity=0)
    order = a_live_order()

    chains = claim_chains([order], [child, parent])
    after = settled(order, *chains[order.id])

    assert (after.broker_order_ids, after.limit_price, after.status) == (("1562", "1570"), 70_500, OrderStatus.NEW)


def test_an_unknown_order_is_found_by_its_shape() -> None:
    unknown = ledger.outcome_unknown(an_order(), NOON, "no_answer")

    matches, left = match_unknown([unknown], [], [a_row(), a_row(order_number="1563", side=Side.SELL)])
    found = adopt(matches[0].order, matches[0].row, SOON)

    assert (found.status, found.broker_order_ids) == (OrderStatus.NEW, ("1562",))
    assert [row.order_number for row in left] == ["1563"]


@pytest.mark.parametrize(("minutes", "is_found"), [(9, False), (10, True), (11, True), (13, False)])
def test_an_order_that_was_sent_again_later_is_looked_for_where_it_was_sent_again(minutes: int, is_found: bool) -> None:
    again_at = NOON + timedelta(minutes=10)
    never_left = ledger.rejected(an_order(), NOON, "", "", "not_sent")
    unknown = ledger.outcome_unknown(ledger.revived(never_left, again_at, "other"), again_at, "no_answer")

    matches, left = match_unknown([unknown], [], [a_row(ordered_at=NOON + timedelta(minutes=minutes))])

    assert (len(matches), len(left)) == ((1, 0) if is_found else (0, 1))


def test_twins_are_matched_by_count_and_never_twice() -> None:
    twins = [ledger.outcome_unknown(an_order(id=f"{number:024x}"), NOON, "no_answer") for number in range(3)]

    matches, left = match_unknown(twins, [], [a_row(order_number="11"), a_row(order_number="12")])

    assert [(match.order.id[-1], match.row.order_number) for match in matches] == [("0", "11"), ("1", "12")]
    assert left == []


def test_a_row_that_an_order_in_flight_could_be_is_left_alone() -> None:
    unknown = ledger.outcome_unknown(an_order(id="1" * 24), NOON, "no_answer")

    assert match_unknown([unknown], [an_order()], [a_row()]) == ([], [])


def test_a_row_far_from_the_order_in_time_is_not_it() -> None:
    unknown = ledger.outcome_unknown(an_order(), NOON, "no_answer")

    matches, left = match_unknown([unknown], [], [a_row(ordered_at=NOON - timedelta(minutes=5))])

    assert matches == []
    assert len(left) == 1
