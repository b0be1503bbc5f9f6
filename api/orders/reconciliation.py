"""What a broker's list of orders proves about Lucy's orders. Pure: values in, changed orders out.

The statement is authoritative for what it contains. What it does not contain proves nothing by itself: brokers' lists lag, so absence
counts only over several successful reads and a horizon (`orders/reconcile.py` keeps the count). Here are the rules for one order and for
matching; `orders/engine.py` applies them to a whole account.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from api.brokers.base import BrokerOrder, BrokerOrderKind
from api.domain import ledger
from api.domain.enums import OrderStatus, Side, TimeInForce
from api.domain.order import PENDING_CHANGE, TERMINAL, Order
from api.domain.trade_cancels import amounts_agree, trade_canceled, trade_corrected

SETTLING = timedelta(seconds=1.2)
"""How long missing shares are left to the stream, whose notice may be on its way, before the inquiry's word is recorded."""

FALL_PATIENCE = timedelta(seconds=3)
"""How far apart two readings must be that agree on less than an earlier reading had shown: a trade was canceled."""

LAG_PATIENCE = timedelta(seconds=30)
"""The same where no reading had shown as much as the stream told: far more likely is a list that lags behind the stream."""

REQUEST_PATIENCE = timedelta(seconds=8)
"""A cancel or replace that nobody acknowledged and of which the statement shows no trace for this long never arrived."""

ACKNOWLEDGED_PATIENCE = timedelta(seconds=30)
"""The same for one that the broker did acknowledge: the exchange dropped it without a word."""

WINDOW_BEFORE = timedelta(seconds=5)
"""How far a broker's clock may be behind Lucy's when an unknown order is matched by time."""

WINDOW_AFTER = timedelta(seconds=90)
"""How long after Lucy began to send an order the broker may have stamped it."""

Shape = tuple[str, Side, int, int]
"""Symbol, side, quantity, price (0 where there is none): what an unknown order is recognised by."""


class Match(Struct, frozen=True):
    """An unknown order and the broker order that it is."""

    order: Order
    row: BrokerOrder


def shape_of_order(order: Order) -> Shape:
    """Shape of an order as it was sent."""
    return (order.symbol, order.side, order.quantity, order.limit_price or 0)


def shape_of_row(row: BrokerOrder) -> Shape:
    """Shape of a broker order."""
    return (row.symbol, row.side, row.quantity, row.limit_price or 0)


def claim_chains(orders: Iterable[Order], rows: Sequence[BrokerOrder]) -> dict[str, list[BrokerOrder]]:
    """Which rows belong to which order id: by number, and by the number that a replace changed, along the chain."""
    owner = {number: order.id for order in orders for number in order.broker_order_ids}
    claimed: dict[str, list[BrokerOrder]] = defaultdict(list)
    # A chain is read from its root on: rows are sorted by number, and a replace's number is above the one it changed.
    for row in sorted(rows, key=lambda row: (len(row.order_number), row.order_number)):
        order_id = owner.get(row.order_number) or owner.get(row.original_order_number or "")
        if order_id is None:
            continue
        if row.kind is not BrokerOrderKind.CANCEL:
            owner[row.order_number] = order_id
        claimed[order_id].append(row)
    return claimed


def match_unknown(
    unknown: Sequence[Order], in_flight: Sequence[Order], unclaimed: Sequence[BrokerOrder]
) -> tuple[list[Match], list[BrokerOrder]]:
    """Match orders of unknown outcome to broker orders that no order of Lucy's claims.

    Identical twins are matched by count, earliest to earliest: which of two equal orders is which changes nothing. A shape that an order
    still waiting for its answer also has is left alone until that answer is there.

    Returns:
        The matches, and the rows that nothing claims and nothing in flight could be.
    """
    waiting = {shape_of_order(order) for order in in_flight}
    by_shape: dict[Shape, list[Order]] = defaultdict(list)
    for order in sorted(unknown, key=lambda order: (order.sending_began_at, order.id)):
        by_shape[shape_of_order(order)].append(order)
    matches: list[Match] = []
    left: list[BrokerOrder] = []
    for row in sorted(unclaimed, key=lambda row: (row.ordered_at, len(row.order_number), row.order_number)):
        if row.kind is not BrokerOrderKind.NEW:
            continue
        shape = shape_of_row(row)
        if shape in waiting:
            continue
        candidates = by_shape.get(shape, [])
        match = next((candidate for candidate in candidates if is_in_window(candidate, row)), None)
        if match is None:
            left.append(row)
            continue
        candidates.remove(match)
        matches.append(Match(match, row))
    return matches, left


def is_in_window(order: Order, row: BrokerOrder) -> bool:
    """Whether the broker could have stamped ``row`` for ``order``, clocks and whole seconds considered."""
    return order.sending_began_at - WINDOW_BEFORE <= row.ordered_at <= order.sending_began_at + WINDOW_AFTER


def adopt(order: Order, row: BrokerOrder, now: datetime) -> Order:
    """The unknown ``order`` is the broker order ``row``."""
    return ledger.acknowledged(order, now, row.order_number, row.branch, "", "", sent_at=order.sending_began_at)


class Note(Struct, kw_only=True, frozen=True):
    """A difference between statement and ledger under one broker number, as the readings before saw it.

    Attributes:
        since: When the first reading that saw any difference was asked for.
        agreeing_since: When the first of the successive readings was asked for that all told just these figures.
        told: Shares and won that the statement gives.
        recorded: Shares and won in the ledger.
        was_shown: Whether an earlier reading had shown what is recorded.
    """

    since: datetime
    agreeing_since: datetime
    told: tuple[int, int]
    recorded: tuple[int, int]
    was_shown: bool


class Memory(Struct, kw_only=True, frozen=True):
    """What the readings before leave to the next, by broker order number. Empty after a start, which costs patience and nothing else."""

    shown: Mapping[str, tuple[int, int]] = {}
    notes: Mapping[str, Note] = {}


class Reading(Struct, frozen=True):
    """What one settling left open: notes on the broker numbers whose totals differ from the ledger, to be looked at again soon."""

    order: Order
    notes: Mapping[str, Note]


def settle(
    order: Order,
    rows: Sequence[BrokerOrder],
    held: Mapping[str, Sequence[ledger.TradeNotice]],
    memory: Memory,
    *,
    read_at: datetime,
    now: datetime,
) -> Reading:
    """Bring an order in line with its rows of the broker's statement.

    A statement with *more* than the ledger: the shares are recorded after a moment for the stream. With *less*, or with as many shares for
    another amount: the trade was canceled or corrected by the exchange, or the list lags behind the stream, or an old copy of it answered.
    So less is believed only where two successive readings tell the same figures, nothing having come to the ledger in between, and they
    lie `FALL_PATIENCE` apart if an earlier reading had shown all that is recorded, and `LAG_PATIENCE` if none had. A list that comes to
    lag longer than that costs two entries: what was taken back is recorded again, to the won, once the list shows it.

    Args:
        order: The order.
        rows: The rows of its chain, from `claim_chains`; not empty.
        held: Trade notices held back as possible repeats, by broker order number.
        memory: What the readings before saw.
        read_at: When the statement was asked for: nothing later is in it.
        now: Time of the change.

    Returns:
        The order, changed or the same, and what still differs.

    Raises:
        Contradiction: The statement shows more than was ordered.
        IllegalTransition: It shows a status that cannot be.
    """
    chain = [row for row in rows if row.kind is not BrokerOrderKind.CANCEL]
    last_change_at = order.history[-1].at if order.history else order.created_at
    for row in chain:
        if row.kind is BrokerOrderKind.REPLACE and row.order_number not in order.broker_order_ids:
            order = ledger.replaced(order, now, quantity=order.quantity, limit_price=row.limit_price, broker_order_id=row.order_number)
    notes: dict[str, Note] = {}
    for row in chain:
        note = memory.notes.get(row.order_number)
        order = _settle_fills(order, row, held.get(row.order_number, ()), note, read_at=read_at, now=now)
        differs = _note(order, row, note, memory.shown.get(row.order_number), read_at)
        if differs is not None:
            notes[row.order_number] = differs
    is_counted = all(note.told[0] == note.recorded[0] for note in notes.values())
    if is_counted and last_change_at < read_at:  # else it changed while the statement was on its way: the next one is newer
        order = _settle_status(order, chain, read_at=read_at, now=now)
    return Reading(order, notes)


def told(row: BrokerOrder) -> tuple[int, int]:
    """Shares and won of a row."""
    return row.cumulative_quantity, row.filled_amount


def recorded_under(order: Order, broker_order_id: str) -> tuple[int, int]:
    """Shares and won in the ledger under a number."""
    return order.filled_under(broker_order_id), order.amount_under(broker_order_id)


def agrees(row: BrokerOrder, recorded: tuple[int, int]) -> bool:
    """Whether a row tells what is recorded; a row without an amount tells shares alone."""
    quantity, amount = recorded
    return row.cumulative_quantity == quantity and (row.filled_amount == 0 or amounts_agree(amount, row.filled_amount, quantity))


def _note(order: Order, row: BrokerOrder, before: Note | None, shown: tuple[int, int] | None, read_at: datetime) -> Note | None:
    recorded = recorded_under(order, row.order_number)
    if agrees(row, recorded):
        return None
    if before is not None and (before.told, before.recorded) == (told(row), recorded):
        return before
    was_shown = before is not None and before.recorded == recorded and before.was_shown
    if shown is not None:
        was_shown = was_shown or (shown[0] >= recorded[0] and (shown[0] > recorded[0] or amounts_agree(recorded[1], shown[1], shown[0])))
    return Note(
        since=read_at if before is None else before.since,
        agreeing_since=read_at,
        told=told(row),
        recorded=recorded,
        was_shown=was_shown,
    )


def _settle_fills(
    order: Order,
    row: BrokerOrder,
    held: Sequence[ledger.TradeNotice],
    note: Note | None,
    *,
    read_at: datetime,
    now: datetime,
) -> Order:
    recorded = recorded_under(order, row.order_number)
    missing = row.cumulative_quantity - recorded[0]
    if missing < 0:
        return _take_back(order, row, -missing, note, read_at=read_at, now=now)
    if missing == 0:
        return _correct(order, row, note, read_at=read_at, now=now)
    confirmed = _confirmed(order, row, held)
    if confirmed:
        order = ledger.confirm_held(order, confirmed, now)
        missing -= sum(notice.quantity for notice in confirmed)
    if missing and note is not None and now - note.since >= SETTLING:
        return ledger.fills_from_total(order, row.order_number, missing, _missing_amount(order, row, missing), read_at, now)
    return order


def _confirmed(order: Order, row: BrokerOrder, held: Sequence[ledger.TradeNotice]) -> list[ledger.TradeNotice]:
    """The held notices that the row's total has room for; none if they would make up its shares and not its amount."""
    quantity, amount = recorded_under(order, row.order_number)
    known = {fill.notice_id for fill in order.fills} | {entry.notice_id for entry in order.absorbed}
    confirmed: list[ledger.TradeNotice] = []
    for notice in sorted(held, key=lambda notice: (notice.executed_at, notice.notice_id)):
        if notice.notice_id in known:
            continue
        if quantity + notice.quantity > row.cumulative_quantity:
            break
        confirmed.append(notice)
        quantity += notice.quantity
        amount += notice.quantity * notice.price
    return confirmed if quantity < row.cumulative_quantity or agrees(row, (quantity, amount)) else []


def _take_back(order: Order, row: BrokerOrder, quantity: int, note: Note | None, *, read_at: datetime, now: datetime) -> Order:
    if not _is_certain(order, row, note, read_at):
        return order
    recorded = order.amount_under(row.order_number)
    amount = recorded - row.filled_amount
    if row.cumulative_quantity and not 0 < row.filled_amount < recorded:  # the amount is not told, or cannot be
        amount = recorded * quantity // (row.cumulative_quantity + quantity)
    return trade_canceled(order, row.order_number, quantity, amount, read_at, now)


def _correct(order: Order, row: BrokerOrder, note: Note | None, *, read_at: datetime, now: datetime) -> Order:
    recorded = recorded_under(order, row.order_number)
    if agrees(row, recorded) or not _is_certain(order, row, note, read_at):
        return order
    return trade_corrected(order, row.order_number, row.filled_amount - recorded[1], read_at, now)


def _is_certain(order: Order, row: BrokerOrder, note: Note | None, read_at: datetime) -> bool:
    """Whether the reading before told just the same, and long enough ago."""
    if note is None or (note.told, note.recorded) != (told(row), recorded_under(order, row.order_number)):
        return False
    return read_at - note.agreeing_since >= (FALL_PATIENCE if note.was_shown else LAG_PATIENCE)


def _missing_amount(order: Order, row: BrokerOrder, missing: int) -> int:
    """Won of the missing shares: what the broker's total leaves over, exact where the broker's amount is.

    LS may give only an average rounded to the won, so a small rest of a large order may come out absurd: then the average price stands in.
    """
    rest = row.filled_amount - order.amount_under(row.order_number)
    average = row.filled_amount / row.cumulative_quantity
    if missing * average / 2 <= rest <= missing * average * 2:
        return rest
    return max(missing, round(average * missing))


def _settle_status(order: Order, chain: Sequence[BrokerOrder], *, read_at: datetime, now: datetime) -> Order:
    leaves = sum(row.leaves_quantity for row in chain)
    canceled = sum(row.canceled_quantity for row in chain)
    rejected = sum(row.rejected_quantity for row in chain)
    cumulative = sum(row.cumulative_quantity for row in chain)
    if order.status in TERMINAL or cumulative != order.cumulative_quantity:
        return order
    if not set(order.broker_order_ids) <= {row.order_number for row in chain}:
        return order  # a part of the chain is not listed yet: the old number looks canceled, the new one is missing
    if leaves == 0:
        if _may_have_moved(order, read_at):
            return order
        return _settle_closed(order, canceled=canceled, rejected=rejected, now=now)
    if canceled and cumulative + leaves < order.quantity:
        order = ledger.replaced(order, now, quantity=cumulative + leaves, limit_price=None, broker_order_id=None)
    newest = max((row for row in chain if row.leaves_quantity), key=lambda row: (len(row.order_number), row.order_number))
    if newest.kind is BrokerOrderKind.REPLACE:
        order = ledger.replaced(order, now, quantity=order.quantity, limit_price=newest.limit_price, broker_order_id=newest.order_number)
    request = order.pending_request
    if order.status in PENDING_CHANGE and request is not None:
        patience = ACKNOWLEDGED_PATIENCE if request.is_acknowledged else REQUEST_PATIENCE
        if read_at - request.requested_at > patience:
            return ledger.request_refused(order, now, "", "", "no_trace_at_broker")
    return order


def _may_have_moved(order: Order, read_at: datetime) -> bool:
    """A replace of unknown outcome is under way: the shares may live on under a number that is not listed yet."""
    request = order.pending_request
    return (
        order.status is OrderStatus.PENDING_REPLACE
        and request is not None
        and request.limit_price is not None
        and read_at - request.requested_at < REQUEST_PATIENCE
    )


def _settle_closed(order: Order, *, canceled: int, rejected: int, now: datetime) -> Order:
    if rejected and not order.cumulative_quantity:
        return ledger.rejected(order, now, "", "", "exchange")
    if canceled or rejected or order.time_in_force is not TimeInForce.DAY:
        return ledger.canceled(order, now, "reconciliation")
    return order  # nothing is open and nothing says why: the list is between two states, the next reading tells
