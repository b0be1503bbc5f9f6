"""The block as it is stored, and what follows from its orders. Pure.

A block keeps what was decided, and a picture of what became of it. The picture is always computed from the orders as a whole, never added
to: so it cannot count a fill twice, and a canceled trade is undone by itself.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from fractions import Fraction
from typing import Any

import msgspec
from msgspec import Struct

from api.domain.allocation.fills import allocate_shares, allocate_won
from api.domain.allocation.methods import cost
from api.domain.allocation.split import Reduction, tie_key
from api.domain.enums import Exchange, OrderStatus, OrderType, Side, TimeInForce
from api.domain.order import TERMINAL, Order

NOT_SENT = "not_sent"
"""Reason of an order that certainly never left."""


class BlockStatus(StrEnum):
    """``working``: parts are open; ``unknown``: of one the outcome is not known; the others are final."""

    WORKING = "working"
    UNKNOWN = "unknown"
    FILLED = "filled"
    PARTIALLY_FILLED = "partially_filled"
    CANCELED = "canceled"
    REJECTED = "rejected"


OPEN = frozenset({BlockStatus.WORKING, BlockStatus.UNKNOWN})


class PartStatus(StrEnum):
    """``sending``: somebody is about to store its order; ``refused``: certainly never left; ``sent``: its order's status tells."""

    SENDING = "sending"
    REFUSED = "refused"
    SENT = "sent"


class Claim(Struct, kw_only=True, frozen=True):
    """Who may send a part: one sending of one process. What another claimed is not sent."""

    id: str
    process_id: str


class BlockLine(Struct, kw_only=True, frozen=True):
    """A fund at an account. ``ideal`` as an exact fraction; shares and won."""

    id: str
    fund_id: str
    account_id: str
    ideal: str
    planned_quantity: int
    filled_quantity: int = 0
    filled_amount: int = 0
    open_quantity: int = 0
    reserved_amount: int = 0


class BlockPart(Struct, kw_only=True, frozen=True):
    """One broker order of the block, for the lines of one account.

    Attributes:
        number: From 1; a re-split adds further ones.
        shares: By line id; they sum to ``quantity``.
        client_order_id: Derived from the block's id and the number.
        claim: Who sends it, or did.
        order_status: None until the order is stored.
        problem: Code of the refusal, where nothing was stored.
        is_handled: Its rejection has been acted on; it is never sent again.
        is_cancel_asked: Its order was asked to be canceled with the block.
    """

    number: int
    account_id: str
    quantity: int
    shares: dict[str, int]
    client_order_id: str
    claim: Claim
    status: PartStatus = PartStatus.SENDING
    order_id: str | None = None
    order_status: OrderStatus | None = None
    cumulative_quantity: int = 0
    filled_amount: int = 0
    problem: str | None = None
    message: str | None = None
    is_handled: bool = False
    is_cancel_asked: bool = False

    @property
    def is_live(self) -> bool:
        """Whether there is an order that may be canceled or changed."""
        return self.order_status is not None and self.order_status not in TERMINAL

    @property
    def is_failed(self) -> bool:
        """Whether no further share of it will be filled because it was refused."""
        return self.status is PartStatus.REFUSED or self.order_status is OrderStatus.REJECTED


class Block(Struct, kw_only=True, frozen=True):
    """One block order.

    Attributes:
        plan: The plan as it was: id, name, method, on_shortfall, on_rejection, fee_rate.
        inputs: Task, lines and capacities that the split was computed from, as JSON; with the outcome they make ``digest``.
        cash_price: Won a share that reserved money is reckoned by.
        quantity: Shares that were placed, of ``wanted``.
        is_canceling: Its cancel was asked for: nothing of it is sent any more.
        published_version: Trails ``version`` until the event is out.
    """

    id: str
    client_order_id: str
    plan: dict[str, Any]
    symbol: str
    exchange: Exchange
    side: Side
    order_type: OrderType
    time_in_force: TimeInForce
    limit_price: int | None
    cash_price: int
    wanted: int
    quantity: int
    lines: tuple[BlockLine, ...]
    parts: tuple[BlockPart, ...]
    reductions: tuple[Reduction, ...]
    inputs: str
    digest: str
    confirm: tuple[str, ...]
    request_digest: str
    status: BlockStatus
    trading_day: str
    created_by: str
    created_at: datetime
    updated_at: datetime
    filled_quantity: int = 0
    filled_amount: int = 0
    is_canceling: bool = False
    version: int = 1
    published_version: int = 0

    @property
    def is_open(self) -> bool:
        """Whether more can come."""
        return self.status in OPEN

    @property
    def keeps_rest(self) -> bool:
        """Whether nothing follows from a refused part: so what never left may be sent by a repeat of the request."""
        return str(self.plan["on_rejection"]) == "keep"


def with_orders(block: Block, orders: Mapping[tuple[str, str], Order], now: datetime) -> Block:
    """The block as its orders make it; the same object where nothing changed.

    Args:
        block: As stored.
        orders: By account id and client order id.
        now: Aware UTC.
    """
    parts = tuple(_part(part, orders.get((part.account_id, part.client_order_id))) for part in block.parts)
    keys = {line.id: tie_key(block.id, line.id) for line in block.lines}
    filled = dict.fromkeys(keys, 0)
    still_open = dict.fromkeys(keys, 0)
    for part in parts:
        line_ids = list(part.shares)
        shares = allocate_shares(list(part.shares.values()), [keys[line_id] for line_id in line_ids], part.cumulative_quantity)
        for line_id, quantity in zip(line_ids, shares, strict=True):
            filled[line_id] += quantity
            if _is_open(part):
                still_open[line_id] += part.shares[line_id] - quantity
    amount = sum(part.filled_amount for part in parts)
    won = allocate_won(amount, [filled[line.id] for line in block.lines], [keys[line.id] for line in block.lines])
    fee_rate = Fraction(str(block.plan["fee_rate"]))
    lines = tuple(
        msgspec.structs.replace(
            line,
            planned_quantity=sum(part.shares.get(line.id, 0) for part in parts if not part.is_failed),
            filled_quantity=filled[line.id],
            filled_amount=line_won,
            open_quantity=still_open[line.id],
            reserved_amount=cost(still_open[line.id], block.cash_price, fee_rate) if block.side is Side.BUY else 0,
        )
        for line, line_won in zip(block.lines, won, strict=True)
    )
    after = msgspec.structs.replace(
        block, parts=parts, lines=lines, status=_status(block, parts), filled_quantity=sum(filled.values()), filled_amount=amount
    )
    if after == block:
        return block
    return msgspec.structs.replace(after, updated_at=now, version=block.version + 1)


def open_failures(block: Block) -> list[BlockPart]:
    """Parts that were refused and from which something follows that nobody has seen to yet."""
    if block.keeps_rest or block.is_canceling:
        return []
    return [part for part in block.parts if part.is_failed and not part.is_handled]


def claimed(block: Block, claim: Claim) -> list[BlockPart]:
    """Parts that the holder of the claim is to send."""
    return [part for part in block.parts if part.claim == claim and part.status is PartStatus.SENDING]


def reclaimed(block: Block, claim: Claim) -> Block:
    """What certainly never left is to be sent by a new claimant; only where nothing else follows from it."""
    if block.is_canceling or not block.keeps_rest:
        return block
    parts = tuple(
        msgspec.structs.replace(part, claim=claim, status=PartStatus.SENDING, problem=None, message=None) if _never_left(part) else part
        for part in block.parts
    )
    return block if parts == block.parts else msgspec.structs.replace(block, parts=parts, version=block.version + 1)


def may_leave(block: Block, number: int, claim: Claim) -> bool:
    """Whether a part may still leave, asked after its order was stored and before it is sent."""
    [part] = [part for part in block.parts if part.number == number]
    return not block.is_canceling and not part.is_handled and part.claim == claim and part.status is not PartStatus.REFUSED


def given_up(block: Block, dead: Collection[str]) -> Block:
    """Parts whose sender died before it stored an order are refused; should it live after all, `may_leave` keeps them here."""
    parts = tuple(
        msgspec.structs.replace(part, status=PartStatus.REFUSED, problem=NOT_SENT, message="Lucy was stopped before it was sent.")
        if part.status is PartStatus.SENDING and part.claim.process_id in dead
        else part
        for part in block.parts
    )
    return block if parts == block.parts else msgspec.structs.replace(block, parts=parts, version=block.version + 1)


def needs_care(block: Block) -> bool:
    """Whether something is left to do should the process that does it die: to send, to act on a refusal, or to cancel."""
    return (
        any(part.status is PartStatus.SENDING for part in block.parts)
        or bool(open_failures(block))
        or (block.is_canceling and any(part.is_live and not part.is_cancel_asked for part in block.parts))
    )


def client_order_id_of(block_id: str, number: int) -> str:
    """Derived, so that a part is never sent twice."""
    return f"block:{block_id}:{number}"


def _never_left(part: BlockPart) -> bool:
    return part.status is PartStatus.REFUSED or (part.order_status is OrderStatus.REJECTED and part.problem == NOT_SENT)


def _part(part: BlockPart, order: Order | None) -> BlockPart:
    if order is None:
        return part
    return msgspec.structs.replace(
        part,
        status=PartStatus.SENT,
        order_id=order.id,
        order_status=order.status,
        cumulative_quantity=order.cumulative_quantity,
        filled_amount=order.filled_amount,
        problem=order.reason or order.broker_code if order.status is OrderStatus.REJECTED else None,
        message=order.broker_message if order.status is OrderStatus.REJECTED else None,
    )


def _is_open(part: BlockPart) -> bool:
    return part.is_live or part.status is PartStatus.SENDING


def _status(block: Block, parts: Sequence[BlockPart]) -> BlockStatus:
    if any(part.order_status is OrderStatus.UNKNOWN for part in parts):
        return BlockStatus.UNKNOWN
    if any(_is_open(part) for part in parts):
        return BlockStatus.WORKING
    filled = sum(part.cumulative_quantity for part in parts)
    if filled:
        return BlockStatus.FILLED if filled >= block.quantity else BlockStatus.PARTIALLY_FILLED
    has_ended = any(part.order_status in (OrderStatus.CANCELED, OrderStatus.EXPIRED) for part in parts)
    return BlockStatus.CANCELED if has_ended or block.is_canceling else BlockStatus.REJECTED
