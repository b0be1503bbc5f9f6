"""Block orders on the wire. Shares, and amounts in won."""

from datetime import date, datetime
from typing import Annotated, Literal, Self

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from api.blocks.block import Block as BlockValue
from api.blocks.block import BlockStatus, PartStatus
from api.domain.allocation.fills import average_price
from api.domain.allocation.methods import Method
from api.domain.allocation.split import ReductionReason
from api.domain.enums import Exchange, OrderStatus, OrderType, Side, TimeInForce
from api.domain.values import ClientOrderId, ObjectIdText, Shares, Symbol, Won
from api.orders.schemas import Confirmed

AmountToSpend = Annotated[int, Meta(gt=0, le=10**15, description="Won to spend at most, the fee included.", examples=[100_000_000])]


class PlaceBlock(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """A new block. ``quantity`` or ``amount`` under a plan that divides; neither under one whose lines tell the quantity."""

    plan_id: ObjectIdText
    symbol: Symbol
    side: Side
    quantity: Shares | None = None
    amount: AmountToSpend | None = None
    order_type: OrderType = OrderType.LIMIT
    time_in_force: TimeInForce = TimeInForce.DAY
    exchange: Exchange = Exchange.KRX
    limit_price: Won | None = None
    client_order_id: ClientOrderId | None = None
    confirm: Confirmed | UnsetType = UNSET


class ReplaceBlock(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """A new price for all that is open of the block."""

    limit_price: Won


class BlockReduction(Struct, kw_only=True, frozen=True):
    """A line that gets fewer shares than its method gives it, and the narrowest bound that is the reason."""

    line_id: str
    reason: ReductionReason
    wanted: int
    given: int


class PreviewLine(Struct, kw_only=True, frozen=True):
    """What a line would get. ``ideal``: what the method gives it exactly, as a fraction."""

    line_id: str
    fund_id: str
    account_id: str
    ideal: str
    quantity: int
    amount: int
    fee: int


class PreviewPart(Struct, kw_only=True, frozen=True):
    """The broker order of one account."""

    account_id: str
    quantity: int
    amount: int


class BlockPreview(Struct, kw_only=True, frozen=True):
    """What a block would do; nothing is stored or sent. Amounts at ``price`` for the lines, at ``cash_price`` for ``cash_needed``.

    ``is_rejected``: something does not fit, and the plan wants all or nothing. ``digest``: over inputs and outcome; a block placed while
    nothing has changed has the same.
    """

    price: int
    cash_price: int
    wanted: int
    quantity: int
    amount: int
    fee: int
    cash_needed: int
    is_rejected: bool
    lines: list[PreviewLine]
    parts: list[PreviewPart]
    reductions: list[BlockReduction]
    digest: str


class BlockLine(Struct, kw_only=True, frozen=True):
    """A fund at an account. All lines of a block have one average price: ``filled_amount`` is its part of all won, to the won."""

    id: str
    fund_id: str
    account_id: str
    ideal: str
    planned_quantity: int
    filled_quantity: int
    filled_amount: int
    open_quantity: int


class BlockPart(Struct, kw_only=True, frozen=True):
    """One broker order of the block. ``refused`` certainly never left; ``order_status`` is null until the order is stored."""

    number: int
    account_id: str
    quantity: int
    client_order_id: str
    status: PartStatus
    order_id: str | None
    order_status: OrderStatus | None
    cumulative_quantity: int
    filled_amount: int
    problem: str | None
    message: str | None


class BlockOrder(Struct, kw_only=True, frozen=True):
    """A block order, derived from its parts. ``average_price``: won with 4 decimals, half up; the same for every line."""

    id: str
    client_order_id: str
    plan_id: str
    plan_name: str
    method: Method
    on_shortfall: Literal["reduce", "reject"]
    on_rejection: Literal["keep", "cancel", "resplit"]
    symbol: str
    exchange: Exchange
    side: Side
    order_type: OrderType
    time_in_force: TimeInForce
    limit_price: int | None
    wanted: int
    quantity: int
    status: BlockStatus
    filled_quantity: int
    filled_amount: int
    average_price: str | None
    lines: list[BlockLine]
    parts: list[BlockPart]
    reductions: list[BlockReduction]
    digest: str
    trading_day: date
    created_by: str
    created_at: datetime
    updated_at: datetime
    version: int

    @classmethod
    def of(cls, block: BlockValue) -> Self:
        """The wire form of a block."""
        return cls(
            id=block.id,
            client_order_id=block.client_order_id,
            plan_id=block.plan["id"],
            plan_name=block.plan["name"],
            method=Method(block.plan["method"]),
            on_shortfall=block.plan["on_shortfall"],
            on_rejection=block.plan["on_rejection"],
            symbol=block.symbol,
            exchange=block.exchange,
            side=block.side,
            order_type=block.order_type,
            time_in_force=block.time_in_force,
            limit_price=block.limit_price,
            wanted=block.wanted,
            quantity=block.quantity,
            status=block.status,
            filled_quantity=block.filled_quantity,
            filled_amount=block.filled_amount,
            average_price=average_price(block.filled_amount, block.filled_quantity),
            lines=[
                BlockLine(
                    id=line.id,
                    fund_id=line.fund_id,
                    account_id=line.account_id,
                    ideal=line.ideal,
                    planned_quantity=line.planned_quantity,
                    filled_quantity=line.filled_quantity,
                    filled_amount=line.filled_amount,
                    open_quantity=line.open_quantity,
                )
                for line in block.lines
            ],
            parts=[
                BlockPart(
                    number=part.number,
                    account_id=part.account_id,
                    quantity=part.quantity,
                    client_order_id=part.client_order_id,
                    status=part.status,
                    order_id=part.order_id,
                    order_status=part.order_status,
                    cumulative_quantity=part.cumulative_quantity,
                    filled_amount=part.filled_amount,
                    problem=part.problem,
                    message=part.message,
                )
                for part in block.parts
            ],
            reductions=[BlockReduction(**msgspec.structs.asdict(reduction)) for reduction in block.reductions],
            digest=block.digest,
            trading_day=date.fromisoformat(block.trading_day),
            created_by=block.created_by,
            created_at=block.created_at,
            updated_at=block.updated_at,
            version=block.version,
        )


class BlockPage(Struct, kw_only=True, frozen=True):
    """Blocks, newest first."""

    items: list[BlockOrder]
    next_cursor: str | None


class BlockOrderEvent(Struct, kw_only=True, frozen=True):
    """A block changed; tell repeats by ``block_order.version``. It may skip versions: each holds all of the block."""

    type: Literal["block_order"]
    at: datetime
    block_order: BlockOrder
