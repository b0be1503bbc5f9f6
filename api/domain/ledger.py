"""How an order changes: pure functions from an order and a piece of evidence to the changed order.

Every function takes the order and gives back a new one with the next ``version``, or the same object where there is nothing to change.
All of them end in `apply`, which keeps the invariants: legal transitions only, quantities never above the order's, amounts equal to the
sum of the fills.

A fill is recorded once. A notice is known by its inbox id and, where the broker numbers its executions (LS), by the execution's number.
KIS numbers nothing: two equal notices may be two executions of one second or one notice told twice. `on_trade` therefore holds the second
of two equal notices back (`Held`), and the broker's own cumulative quantity decides (`reconciliation.py`).
"""

from datetime import datetime
from enum import StrEnum

import msgspec
from msgspec import Struct

from api.domain.enums import ExecutionType, FillSource, OrderStatus
from api.domain.lifecycle import IllegalTransition, require_legal
from api.domain.order import PENDING_CHANGE, TERMINAL, Absorbed, Change, Fill, Order, PendingRequest

_S = OrderStatus

NEVER_RECEIVED = "never_received"
"""Reason of an order that the broker's list did not show over the account's horizon, or by the day's end."""

DECLARED_NOT_PLACED = "declared_not_placed"
"""Reason of an order that a person declared not placed."""

DISMISSED = frozenset({NEVER_RECEIVED, DECLARED_NOT_PLACED})
"""Rejected for want of evidence: should the broker show such an order after all, it is taken up again."""


class Contradiction(Exception):
    """Evidence that cannot be true together with the ledger; nothing was applied. It is alerted, never swallowed."""

    def __init__(self, order_id: str, problem: str) -> None:
        super().__init__(f"order {order_id}: {problem}")
        self.order_id = order_id
        self.problem = problem


class TradeVerdict(StrEnum):
    """What became of a trade notice."""

    APPLIED = "applied"
    KNOWN = "known"
    ABSORBED = "absorbed"
    HELD = "held"


class TradeNotice(Struct, kw_only=True, frozen=True):
    """An execution as a stream told it; fields as in `brokers.base.Notice`."""

    notice_id: str
    broker_order_id: str
    quantity: int
    price: int
    executed_at: datetime
    execution_id: str | None


def is_dismissed(order: Order) -> bool:
    """Whether the order was rejected for want of evidence alone."""
    return order.status is _S.REJECTED and order.reason in DISMISSED and not order.broker_order_ids


def live_status(order: Order) -> OrderStatus:
    """The status of a live order with nothing pending, by what is filled."""
    if order.cumulative_quantity >= order.quantity:
        return _S.FILLED
    return _S.PARTIALLY_FILLED if order.cumulative_quantity else _S.NEW


def apply(
    order: Order,
    now: datetime,
    execution_type: ExecutionType,
    status: OrderStatus,
    *,
    fills: tuple[Fill, ...] = (),
    absorbed: tuple[Absorbed, ...] = (),
    quantity: int | None = None,
    limit_price: int | None = None,
    broker_order_id: str | None = None,
    branch: str | None = None,
    broker_code: str = "",
    broker_message: str = "",
    reason: str = "",
    pending_request: PendingRequest | None = None,
    sent_at: datetime | None = None,
    answered_at: datetime | None = None,
) -> Order:
    """Make the next version of ``order``.

    Args:
        order: The order as it is.
        now: Time of the change, aware UTC.
        execution_type: What happened.
        status: Where the order is after it.
        fills: New fills, already numbered for the next version.
        absorbed: Late notices that reconciliation had covered.
        quantity: New total quantity, where it changed.
        limit_price: New price in won, where it changed.
        broker_order_id: A number to add to the chain, where it is not in it yet.
        branch: What the broker wants back with its number.
        broker_code: The broker's code, verbatim.
        broker_message: The broker's words, verbatim.
        reason: Lucy's word for why.
        pending_request: What is under way afterwards; None clears it.
        sent_at: Stage stamp.
        answered_at: Stage stamp.

    Raises:
        IllegalTransition: The table does not allow the move.
        Contradiction: More would be filled than was ordered, or less than nothing.
    """
    require_legal(order.id, execution_type, order.status, status)
    total = order.quantity if quantity is None else quantity
    cumulative = order.cumulative_quantity + sum(fill.quantity for fill in fills)
    if cumulative > total:
        raise Contradiction(order.id, f"{cumulative} shares filled of {total} ordered")
    amount = order.filled_amount + sum(fill.quantity * fill.price for fill in fills)
    if cumulative < 0 or amount < 0:
        raise Contradiction(order.id, f"{cumulative} shares filled for {amount} won")
    price = order.limit_price if limit_price is None else limit_price
    version = order.version + 1
    chain = order.broker_order_ids
    if broker_order_id is not None and broker_order_id not in chain:
        chain = (*chain, broker_order_id)
    stages = order.stages
    if sent_at is not None or answered_at is not None:
        stages = msgspec.structs.replace(stages, sent_at=sent_at or stages.sent_at, answered_at=answered_at or stages.answered_at)
    change = Change(
        version=version,
        at=now,
        execution_type=execution_type,
        status=status,
        quantity=total,
        limit_price=price,
        cumulative_quantity=cumulative,
        filled_amount=amount,
        broker_code=broker_code,
        broker_message=broker_message,
        reason=reason,
    )
    is_explained = bool(broker_code or broker_message or reason)
    return msgspec.structs.replace(
        order,
        version=version,
        updated_at=now,
        status=status,
        quantity=total,
        limit_price=price,
        cumulative_quantity=cumulative,
        filled_amount=amount,
        broker_order_ids=chain,
        branch=order.branch if branch is None else branch,
        broker_code=broker_code if is_explained else order.broker_code,
        broker_message=broker_message if is_explained else order.broker_message,
        reason=reason if is_explained else order.reason,
        pending_request=pending_request,
        unknown_since=(order.unknown_since or now) if status is _S.UNKNOWN else None,
        stages=stages,
        fills=(*order.fills, *fills),
        absorbed=(*order.absorbed, *absorbed),
        history=(*order.history, change),
    )


def acknowledged(order: Order, now: datetime, broker_order_id: str, branch: str, code: str, message: str, sent_at: datetime) -> Order:
    """The broker's answer to a new order: it took it, under this number. A fill or a cancel may have come before it.

    The proof may come after the order was given up: one that was `DISMISSED` is taken up again, any other rejected order is not.
    """
    if order.status is _S.REJECTED and not is_dismissed(order):
        raise IllegalTransition(order.id, ExecutionType.NEW, order.status, _S.NEW)
    status = _S.NEW if order.status in (_S.PENDING_NEW, _S.UNKNOWN, _S.REJECTED) else order.status
    if status is order.status and broker_order_id in order.broker_order_ids:
        return order
    return apply(
        order,
        now,
        ExecutionType.NEW,
        status,
        broker_order_id=broker_order_id,
        branch=branch,
        broker_code=code,
        broker_message=message,
        pending_request=order.pending_request,
        sent_at=sent_at,
        answered_at=now,
    )


def rejected(order: Order, now: datetime, code: str, message: str, reason: str) -> Order:
    """The order certainly is not at the exchange: refused, never received, or never sent."""
    if order.status is _S.REJECTED:
        return order
    return apply(order, now, ExecutionType.REJECTED, _S.REJECTED, broker_code=code, broker_message=message, reason=reason, answered_at=now)


def outcome_unknown(order: Order, now: datetime, reason: str) -> Order:
    """A new order was sent, or may have been, and no answer tells what became of it."""
    if order.status is not _S.PENDING_NEW:
        return order
    return apply(order, now, ExecutionType.UNKNOWN, _S.UNKNOWN, reason=reason)


def revived(order: Order, now: datetime, sender: str) -> Order:
    """An order that certainly never left is asked for again by its client."""
    again = apply(order, now, ExecutionType.PENDING_NEW, _S.PENDING_NEW, reason="sent_again")
    return msgspec.structs.replace(again, sender=sender)


def request_pending(order: Order, now: datetime, request: PendingRequest) -> Order:
    """Note a cancel or replace before it is sent."""
    is_cancel = request.kind == "cancel"
    return apply(
        order,
        now,
        ExecutionType.PENDING_CANCEL if is_cancel else ExecutionType.PENDING_REPLACE,
        _S.PENDING_CANCEL if is_cancel else _S.PENDING_REPLACE,
        pending_request=request,
    )


def request_acknowledged(order: Order, now: datetime, broker_order_id: str | None, branch: str | None, code: str, message: str) -> Order:
    """The broker took a cancel or replace; the exchange is yet to confirm. A replace brings its new number."""
    if order.pending_request is None and (broker_order_id is None or broker_order_id in order.broker_order_ids):
        return order
    pending = order.pending_request and msgspec.structs.replace(order.pending_request, is_acknowledged=True)
    return apply(
        order,
        now,
        ExecutionType.ORDER_STATUS,
        order.status,
        broker_order_id=broker_order_id,
        branch=branch,
        broker_code=code,
        broker_message=message,
        pending_request=pending,
    )


def request_refused(order: Order, now: datetime, code: str, message: str, reason: str) -> Order:
    """A cancel or replace was refused, or evidence shows that it never arrived: the order goes on as it was."""
    if order.status not in PENDING_CHANGE:
        return order
    execution_type = ExecutionType.CANCEL_REJECTED if order.status is _S.PENDING_CANCEL else ExecutionType.REPLACE_REJECTED
    return apply(order, now, execution_type, live_status(order), broker_code=code, broker_message=message, reason=reason)


def canceled(order: Order, now: datetime, reason: str = "") -> Order:
    """All that was open is canceled."""
    if order.status in TERMINAL:
        return order
    return apply(order, now, ExecutionType.CANCELED, _S.CANCELED, reason=reason)


def replaced(order: Order, now: datetime, *, quantity: int, limit_price: int | None, broker_order_id: str | None) -> Order:
    """The exchange confirmed another quantity or price. A pending replace ends once both are what it asked for."""
    chain_grows = broker_order_id is not None and broker_order_id not in order.broker_order_ids
    if quantity == order.quantity and limit_price in (None, order.limit_price) and not chain_grows and order.pending_request is None:
        return order
    price = order.limit_price if limit_price is None else limit_price
    pending = order.pending_request
    if (
        pending is not None
        and order.status is _S.PENDING_REPLACE
        and pending.quantity in (None, quantity)
        and pending.limit_price in (None, price)
    ):
        pending = None
    after = msgspec.structs.replace(order, quantity=quantity)
    status = order.status if pending is not None or order.status in TERMINAL else live_status(after)
    if (
        status is order.status
        and pending == order.pending_request
        and quantity == order.quantity
        and price == order.limit_price
        and not chain_grows
    ):
        return order
    return apply(
        order,
        now,
        ExecutionType.REPLACED,
        status,
        quantity=quantity,
        limit_price=limit_price,
        broker_order_id=broker_order_id,
        pending_request=pending,
    )


def expired(order: Order, now: datetime, reason: str = "day_end") -> Order:
    """The trading day of an open order is over."""
    if order.status in TERMINAL:
        return order
    return apply(order, now, ExecutionType.EXPIRED, _S.EXPIRED, reason=reason)


def status_after_fills(order: Order, cumulative: int) -> OrderStatus:
    """Where fills bring an order. A pending change stays pending until confirmed; a canceled or expired order with a late part stays so."""
    if cumulative >= order.quantity:
        return _S.FILLED
    if order.status in PENDING_CHANGE or order.status in (_S.CANCELED, _S.EXPIRED):
        return order.status
    return _S.PARTIALLY_FILLED


def on_trades(order: Order, notices: list[TradeNotice], now: datetime) -> tuple[Order, list[TradeVerdict]]:
    """Record the executions of several notices as one version, in the order given.

    Returns:
        The changed order, and what became of each notice.

    Raises:
        Contradiction: More shares than ordered; nothing of it is applied.
    """
    version = order.version + 1
    fills: list[Fill] = []
    absorbed: list[Absorbed] = []
    verdicts: list[TradeVerdict] = []
    for notice in notices:
        verdict = _verdict(order, fills, absorbed, notice)
        verdicts.append(verdict)
        if verdict is TradeVerdict.APPLIED:
            fills.append(_stream_fill(order, notice, len(order.fills) + len(fills) + 1, version))
        elif verdict is TradeVerdict.ABSORBED:
            absorbed.append(Absorbed(notice_id=notice.notice_id, broker_order_id=notice.broker_order_id, quantity=notice.quantity))
    if not fills and not absorbed:
        return order, verdicts
    return _with_fills(order, now, tuple(fills), tuple(absorbed)), verdicts


def confirm_held(order: Order, notices: list[TradeNotice], now: datetime) -> Order:
    """Record held notices that the broker's cumulative quantity has shown to be executions of their own."""
    version = order.version + 1
    fills = tuple(_stream_fill(order, notice, len(order.fills) + number, version) for number, notice in enumerate(notices, start=1))
    return _with_fills(order, now, fills, ())


def fills_from_total(order: Order, broker_order_id: str, quantity: int, amount: int, executed_at: datetime, now: datetime) -> Order:
    """Record shares that the broker's inquiry shows and no notice told of.

    The missing ``amount`` may not divide evenly by ``quantity``: then two fills one won apart carry it exactly.

    Args:
        order: The order.
        broker_order_id: The number of the chain that lacks them.
        quantity: Missing shares, above 0.
        amount: Missing won, at least one won a share.
        executed_at: When the broker was asked; the true time is not known.
        now: Time of the change.
    """
    price, odd = divmod(amount, quantity)
    if price <= 0:
        raise Contradiction(order.id, f"{quantity} shares filled for {amount} won")
    parts = [(quantity - odd, price), (odd, price + 1)]
    fills = [
        Fill(
            id=f"{order.id}-{len(order.fills) + number}",
            quantity=part,
            price=part_price,
            executed_at=executed_at,
            source=FillSource.RECONCILIATION,
            broker_order_id=broker_order_id,
            execution_id=None,
            notice_id=None,
            version=order.version + 1,
        )
        for number, (part, part_price) in enumerate([(part, at) for part, at in parts if part], start=1)
    ]
    return _with_fills(order, now, tuple(fills), ())


def _stream_fill(order: Order, notice: TradeNotice, number: int, version: int) -> Fill:
    return Fill(
        id=f"{order.id}-{number}",
        quantity=notice.quantity,
        price=notice.price,
        executed_at=notice.executed_at,
        source=FillSource.STREAM,
        broker_order_id=notice.broker_order_id,
        execution_id=notice.execution_id,
        notice_id=notice.notice_id,
        version=version,
    )


def _with_fills(order: Order, now: datetime, fills: tuple[Fill, ...], absorbed: tuple[Absorbed, ...]) -> Order:
    cumulative = order.cumulative_quantity + sum(fill.quantity for fill in fills)
    status = status_after_fills(order, cumulative) if fills else order.status
    return apply(
        order,
        now,
        ExecutionType.TRADE if fills else ExecutionType.ORDER_STATUS,
        status,
        fills=fills,
        absorbed=absorbed,
        pending_request=None if status is _S.FILLED else order.pending_request,
    )


def _verdict(order: Order, fills: list[Fill], absorbed: list[Absorbed], notice: TradeNotice) -> TradeVerdict:
    known = (*order.fills, *fills)
    if any(fill.notice_id == notice.notice_id for fill in known) or any(
        entry.notice_id == notice.notice_id for entry in (*order.absorbed, *absorbed)
    ):
        return TradeVerdict.KNOWN
    if notice.execution_id is not None:
        if any(fill.execution_id == notice.execution_id and fill.broker_order_id == notice.broker_order_id for fill in known):
            return TradeVerdict.KNOWN
    elif any(_is_twin(fill, notice) for fill in known):
        return TradeVerdict.HELD
    if uncovered_quantity(order, tuple(absorbed), notice.broker_order_id) >= notice.quantity:
        return TradeVerdict.ABSORBED
    return TradeVerdict.APPLIED


def uncovered_quantity(order: Order, absorbed: tuple[Absorbed, ...], broker_order_id: str) -> int:
    """Shares recorded by reconciliation under this number that no late notice has claimed yet."""
    by_inquiry = sum(
        fill.quantity
        for fill in order.fills
        if fill.source is FillSource.RECONCILIATION
        and fill.broker_order_id == broker_order_id
        and fill.quantity > 0
        and fill.amends is None  # a corrected fill has had its notice
    )
    claimed = sum(entry.quantity for entry in (*order.absorbed, *absorbed) if entry.broker_order_id == broker_order_id)
    return by_inquiry - claimed


def _is_twin(fill: Fill, notice: TradeNotice) -> bool:
    return (
        fill.source is FillSource.STREAM
        and fill.execution_id is None
        and fill.broker_order_id == notice.broker_order_id
        and fill.quantity == notice.quantity
        and fill.price == notice.price
        and fill.executed_at == notice.executed_at
    )
