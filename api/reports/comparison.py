"""Lucy's orders of a day against the broker's list of that day, difference by difference. Pure.

It looks with other eyes than reconciliation: that one draws conclusions and waits where a list may lag, this one only says what is not the
same right now.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum

from msgspec import Struct

from api.brokers.base import BrokerOrder, BrokerOrderKind
from api.domain.enums import ExecutionType, OrderOrigin, OrderStatus, Side
from api.domain.ledger import uncovered_quantity
from api.domain.order import PENDING_CHANGE, Order
from api.orders.inbox import OPEN_STATES, FrameState
from api.orders.reconciliation import agrees, claim_chains, recorded_under, shape_of_order, shape_of_row


class DifferenceCode(StrEnum):
    """What does not agree."""

    BROKER_NOT_READ = "broker_not_read"
    OUTCOME_UNKNOWN = "outcome_unknown"
    CHANGE_UNCONFIRMED = "change_unconfirmed"
    MISSING_AT_BROKER = "missing_at_broker"
    MISSING_IN_LEDGER = "missing_in_ledger"
    QUANTITY_DIFFERS = "quantity_differs"
    AMOUNT_DIFFERS = "amount_differs"
    OPEN_QUANTITY_DIFFERS = "open_quantity_differs"
    FILL_NOT_STREAMED = "fill_not_streamed"
    NOTICE_OPEN = "notice_open"
    NOTICE_UNREADABLE = "notice_unreadable"
    NOTICE_CONTRADICTED = "notice_contradicted"


class Difference(Struct, kw_only=True, frozen=True):
    """One thing that does not agree. The two values are shares, won or a number of notices, as ``code`` says; None where there is none."""

    code: DifferenceCode
    order_id: str | None = None
    broker_order_id: str | None = None
    ledger_value: int | None = None
    broker_value: int | None = None


class Totals(Struct, kw_only=True, frozen=True):
    """Sums of a day. Amounts in won, before fees and tax."""

    cumulative_quantity: int
    bought_amount: int
    sold_amount: int


def compare(orders: Sequence[Order], rows: Sequence[BrokerOrder], notices: Mapping[FrameState, int]) -> list[Difference]:
    """All differences, by order id, then what belongs to no order, then notices.

    Args:
        orders: All of the account's orders of the day, read after ``rows``. Those that are just being sent are left out, and so are rows
            that could be theirs.
        rows: The broker's whole list of the day.
        notices: Execution notices of the day by how far they have come.
    """
    claimed = claim_chains(orders, rows)
    found = [entry for order in sorted(orders, key=lambda order: order.id) for entry in _of_order(order, claimed.get(order.id, ()))]
    known = {row.order_number for chain in claimed.values() for row in chain}
    in_flight = {shape_of_order(order) for order in orders if order.status is OrderStatus.PENDING_NEW}
    found += [
        Difference(code=DifferenceCode.MISSING_IN_LEDGER, broker_order_id=row.order_number, broker_value=row.quantity)
        for row in rows
        if row.order_number not in known and row.kind is not BrokerOrderKind.CANCEL and shape_of_row(row) not in in_flight
    ]
    waiting = sum(notices.get(state, 0) for state in OPEN_STATES)
    for code, count in (
        (DifferenceCode.NOTICE_OPEN, waiting),
        (DifferenceCode.NOTICE_UNREADABLE, notices.get(FrameState.UNREADABLE, 0)),
        (DifferenceCode.NOTICE_CONTRADICTED, notices.get(FrameState.CONTRADICTED, 0)),
    ):
        if count:
            found.append(Difference(code=code, ledger_value=count))
    return found


def ledger_totals(orders: Sequence[Order]) -> Totals:
    """What Lucy has of the day."""
    return _totals([(order.side, order.cumulative_quantity, order.filled_amount) for order in orders])


def broker_totals(rows: Sequence[BrokerOrder]) -> Totals:
    """What the broker has of the day."""
    return _totals([(row.side, row.cumulative_quantity, row.filled_amount) for row in rows if row.kind is not BrokerOrderKind.CANCEL])


def count_external(orders: Sequence[Order]) -> int:
    """Orders that were placed outside Lucy."""
    return sum(order.origin is OrderOrigin.EXTERNAL for order in orders)


def count_trade_cancels(orders: Sequence[Order]) -> int:
    """Changes by which the exchange took back or corrected trades."""
    amending = (ExecutionType.TRADE_CANCEL, ExecutionType.TRADE_CORRECT)
    return sum(change.execution_type in amending for order in orders for change in order.history)


def _of_order(order: Order, rows: Sequence[BrokerOrder]) -> list[Difference]:
    if order.status is OrderStatus.PENDING_NEW:
        return []
    if order.status is OrderStatus.UNKNOWN and not order.broker_order_ids:
        return [Difference(code=DifferenceCode.OUTCOME_UNKNOWN, order_id=order.id, ledger_value=order.quantity)]
    found = []
    chain = {row.order_number: row for row in rows if row.kind is not BrokerOrderKind.CANCEL}
    if order.status in PENDING_CHANGE:
        found.append(Difference(code=DifferenceCode.CHANGE_UNCONFIRMED, order_id=order.id, broker_order_id=order.broker_order_ids[-1]))
    for number in dict.fromkeys((*order.broker_order_ids, *chain)):
        row = chain.get(number)
        if row is None:
            found.append(Difference(code=DifferenceCode.MISSING_AT_BROKER, order_id=order.id, broker_order_id=number))
        else:
            found += _of_number(order, row)
    leaves = sum(row.leaves_quantity for row in chain.values())
    expected = 0 if order.is_terminal else order.leaves_quantity
    if order.status not in PENDING_CHANGE and len(chain) == len(order.broker_order_ids) and leaves != expected:
        found.append(
            Difference(
                code=DifferenceCode.OPEN_QUANTITY_DIFFERS,
                order_id=order.id,
                broker_order_id=order.broker_order_ids[-1] if order.broker_order_ids else None,
                ledger_value=expected,
                broker_value=leaves,
            )
        )
    return found


def _of_number(order: Order, row: BrokerOrder) -> list[Difference]:
    recorded = recorded_under(order, row.order_number)
    if row.cumulative_quantity != recorded[0]:
        code, ours, theirs = DifferenceCode.QUANTITY_DIFFERS, recorded[0], row.cumulative_quantity
    elif not agrees(row, recorded):
        code, ours, theirs = DifferenceCode.AMOUNT_DIFFERS, recorded[1], row.filled_amount
    elif (unseen := uncovered_quantity(order, (), row.order_number)) > 0:
        code, ours, theirs = DifferenceCode.FILL_NOT_STREAMED, recorded[0] - unseen, row.cumulative_quantity
    else:
        return []
    return [Difference(code=code, order_id=order.id, broker_order_id=row.order_number, ledger_value=ours, broker_value=theirs)]


def _totals(parts: Sequence[tuple[Side, int, int]]) -> Totals:
    return Totals(
        cumulative_quantity=sum(quantity for _, quantity, _ in parts),
        bought_amount=sum(amount for side, _, amount in parts if side is Side.BUY),
        sold_amount=sum(amount for side, _, amount in parts if side is Side.SELL),
    )
