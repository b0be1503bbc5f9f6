"""Reconciliation of a whole account: the ledger's state and the broker's statement → the changes to make. Pure.

`conclude` asks nothing and writes nothing: the same facts give the same conclusions, whatever order rows and notices come in, and facts
that are in line give none. Who writes (`orders/reconcile.py`) does so by compare-and-set, and asks `settle_one` again where an order had
changed meanwhile. So two workers that conclude at once make each change once.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from api.brokers.base import BrokerOrder, BrokerOrderKind
from api.domain.enums import OrderStatus
from api.domain.ledger import Contradiction, TradeNotice, is_dismissed
from api.domain.lifecycle import IllegalTransition
from api.domain.order import Order
from api.orders.reconciliation import Memory, Note, adopt, claim_chains, match_unknown, settle, told

ENOUGH_READINGS = 3
"""Successful readings that must agree before an absent order is taken as never received."""

EXTERNAL_GRACE = timedelta(seconds=10)
"""How long a broker order that nothing claims is left alone: its answer or its order may be on its way."""


class Facts(Struct, kw_only=True, frozen=True):
    """All that a conclusion rests on.

    Attributes:
        orders: The account's orders of the day: all of them, or all but those whose rows are ``settled``.
        rows: The broker's whole statement of the day.
        held: Trade notices held back as possible repeats, by broker order number.
        memory: What the readings before saw.
        settled: Rows, by number, that an ended order of Lucy's was found in line with: while a row stays just so, nothing is to be done.
        read_at: When the statement was asked for, before the orders were read.
        now: Time of the changes.
    """

    orders: Sequence[Order]
    rows: Sequence[BrokerOrder]
    held: Mapping[str, Sequence[TradeNotice]]
    memory: Memory
    settled: Mapping[str, BrokerOrder] = {}
    read_at: datetime
    now: datetime


class Step(Struct, kw_only=True, frozen=True):
    """One order that changes. ``adopted``: the row that it was found to be, where its number was not known."""

    before: Order
    after: Order
    rows: Sequence[BrokerOrder]
    adopted: BrokerOrder | None


class Conclusions(Struct, kw_only=True, frozen=True):
    """What follows from the facts.

    Attributes:
        steps: Orders that change.
        strangers: Broker orders that were placed outside Lucy and become orders of their own.
        absent: Orders of unknown outcome that the statement does not show.
        problems: Orders that the statement contradicts, and how.
        memory: For the next reading.
        settled: For the next reading, see `Facts`.
    """

    steps: Sequence[Step]
    strangers: Sequence[BrokerOrder]
    absent: Sequence[Order]
    problems: Sequence[tuple[Order, str]]
    memory: Memory
    settled: Mapping[str, BrokerOrder]


class Settled(Struct, frozen=True):
    """One order after its rows, what still differs, and what cannot be."""

    order: Order
    notes: Mapping[str, Note]
    problem: str = ""


def conclude(facts: Facts) -> Conclusions:
    """What the broker's statement proves of the account's orders."""
    claimed = claim_chains(facts.orders, facts.rows)
    unclaimed = _unclaimed(facts, claimed)
    unknown = [order for order in facts.orders if order.status is OrderStatus.UNKNOWN and not order.broker_order_ids]
    in_flight = [order for order in facts.orders if order.status is OrderStatus.PENDING_NEW]
    found, left = match_unknown(unknown, in_flight, unclaimed)
    # What was given up for want of evidence may still turn up; those that wait come first.
    late, left = match_unknown([order for order in facts.orders if is_dismissed(order)], in_flight, left)
    adopted = {match.order.id: match.row for match in (*found, *late)}

    steps: list[Step] = []
    problems: list[tuple[Order, str]] = []
    notes: dict[str, Note] = {}
    settled = {row.order_number: row for row in facts.rows if facts.settled.get(row.order_number) == row}
    for order in sorted(facts.orders, key=lambda order: order.id):
        row = adopted.get(order.id)
        rows = [*claimed.get(order.id, ()), *([row] if row else [])]
        if not rows:
            continue
        after = settle_one(order, row, rows, facts)
        notes |= after.notes
        if after.problem:
            problems.append((order, after.problem))
        if after.order is not order:
            steps.append(Step(before=order, after=after.order, rows=rows, adopted=row))
        for claim in rows:
            if order.is_terminal and after.order is order and not after.notes and not after.problem:
                settled[claim.order_number] = claim
            else:
                settled.pop(claim.order_number, None)
    return Conclusions(
        steps=steps,
        strangers=_strangers(left, [*in_flight, *unknown], facts.read_at),
        absent=[order for order in unknown if order.id not in adopted],
        problems=problems,
        memory=Memory(shown={row.order_number: told(row) for row in facts.rows}, notes=notes),
        settled=settled,
    )


def settle_one(order: Order, adopted: BrokerOrder | None, rows: Sequence[BrokerOrder], facts: Facts) -> Settled:
    """One order in line with its rows, as far as the facts allow.

    Args:
        order: As it is now; may have changed since ``facts`` were gathered.
        adopted: The row that an order without a number was found to be.
        rows: Its chain, from `claim_chains`.
        facts: The rest.
    """
    if adopted is not None:
        if order.broker_order_ids or not (order.status is OrderStatus.UNKNOWN or is_dismissed(order)):
            return Settled(order, {})  # somebody was faster
        order = adopt(order, adopted, facts.now)
    try:
        reading = settle(order, rows, facts.held, facts.memory, read_at=facts.read_at, now=facts.now)
    except (Contradiction, IllegalTransition) as error:
        return Settled(order, {}, str(error))
    return Settled(reading.order, reading.notes)


def is_never_received(order: Order, readings: int, read_at: datetime, horizon: timedelta) -> bool:
    """Whether an unknown order that ``readings`` successful readings did not show is to be given up.

    Args:
        order: The order.
        readings: How many did not show it, this one included.
        read_at: When the last one was asked for.
        horizon: How long the account waits.
    """
    if order.status is not OrderStatus.UNKNOWN or order.broker_order_ids or order.unknown_since is None:
        return False
    return readings >= ENOUGH_READINGS and read_at - order.unknown_since >= horizon


def _unclaimed(facts: Facts, claimed: Mapping[str, Sequence[BrokerOrder]]) -> list[BrokerOrder]:
    taken = {row.order_number for rows in claimed.values() for row in rows}
    return [row for row in facts.rows if row.order_number not in taken and facts.settled.get(row.order_number) != row]


def _strangers(left: Sequence[BrokerOrder], waiting: Sequence[Order], read_at: datetime) -> list[BrokerOrder]:
    """Broker orders that nothing of ours could be meant by."""
    could_be = {(order.symbol, order.side) for order in waiting}
    return [
        row
        for row in left
        if row.kind is BrokerOrderKind.NEW and (row.symbol, row.side) not in could_be and read_at - row.ordered_at >= EXTERNAL_GRACE
    ]
