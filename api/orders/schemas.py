"""Orders and fills on the wire."""

from datetime import date, datetime
from typing import Annotated, Literal, Self

from msgspec import UNSET, Meta, Struct, UnsetType

from api.domain.enums import Broker, Exchange, ExecutionType, FillSource, OrderOrigin, OrderStatus, OrderType, Side, TimeInForce
from api.domain.order import Change as ChangeValue
from api.domain.order import Fill as FillValue
from api.domain.order import Order as OrderValue
from api.domain.values import ClientOrderId, ObjectIdText, Shares, Symbol, Won
from api.risk.limits import LimitCode

Confirmed = Annotated[
    list[LimitCode],
    Meta(max_length=10, description="Codes of the risk limits that are knowingly exceeded, as `risk_confirmation_required` listed them."),
]


class PlaceOrder(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """A new order. ``limit_price`` is needed for limit-like order types and refused for the others."""

    account_id: ObjectIdText
    symbol: Symbol
    side: Side
    quantity: Shares
    order_type: OrderType = OrderType.LIMIT
    time_in_force: TimeInForce = TimeInForce.DAY
    exchange: Exchange = Exchange.KRX
    limit_price: Won | None = None
    client_order_id: ClientOrderId | None = None
    confirm: Confirmed | UnsetType = UNSET


class ReplaceOrder(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """What to change. ``quantity`` is the new total quantity, filled shares included; it can only shrink at KIS and LS."""

    quantity: Shares | None = None
    limit_price: Won | None = None
    confirm: Confirmed | UnsetType = UNSET


class Fill(Struct, kw_only=True, frozen=True):
    """One execution. ``price`` in won a share; ``executed_at`` as precise as the broker tells.

    Fills are only ever added: a trade that the exchange canceled comes as a further fill with a negative ``quantity`` and ``amount``, a
    corrected one as a negative and a positive fill. ``amends`` names the fill that such a one takes back or puts right, if that is known.
    """

    id: str
    order_id: str
    account_id: str
    symbol: str
    side: Side
    quantity: int
    price: int
    amount: int
    executed_at: datetime
    source: FillSource
    broker_order_id: str
    execution_id: str | None
    amends: str | None

    @classmethod
    def of(cls, order: OrderValue, fill: FillValue) -> Self:
        """The wire form of one of the order's fills."""
        return cls(
            id=fill.id,
            order_id=order.id,
            account_id=order.account_id,
            symbol=order.symbol,
            side=order.side,
            quantity=fill.quantity,
            price=fill.price,
            amount=fill.quantity * fill.price,
            executed_at=fill.executed_at,
            source=fill.source,
            broker_order_id=fill.broker_order_id,
            execution_id=fill.execution_id,
            amends=fill.amends,
        )


class OrderStages(Struct, kw_only=True, frozen=True):
    """When the order passed each stage: Lucy's own share of the time is all but sent → answered."""

    received_at: datetime
    stored_at: datetime | None
    sent_at: datetime | None
    answered_at: datetime | None


class Order(Struct, kw_only=True, frozen=True):
    """One order with its fills. Amounts in KRW won, quantities in shares, times with offset."""

    id: str
    client_order_id: str
    account_id: str
    broker: Broker
    symbol: str
    exchange: Exchange
    side: Side
    order_type: OrderType
    time_in_force: TimeInForce
    quantity: int
    limit_price: int | None
    status: OrderStatus
    cumulative_quantity: int
    leaves_quantity: int
    average_price: (
        Annotated[float, Meta(description="filled_amount / cumulative_quantity, 4 decimals; null while nothing is filled.")] | None
    )
    filled_amount: int
    broker_order_ids: list[str]
    broker_code: str | None
    broker_message: str | None
    reason: str | None
    is_possible_duplicate: bool
    confirmed_limits: Annotated[list[LimitCode], Meta(description="Risk limits that it exceeds because the caller confirmed them.")]
    origin: OrderOrigin
    block_order_id: str | None
    trading_day: date
    created_by: str
    created_at: datetime
    updated_at: datetime
    version: int
    stages: OrderStages
    fills: list[Fill]

    @classmethod
    def of(cls, order: OrderValue) -> Self:
        """The wire form of an order; the one place where the average price is divided out."""
        return cls(
            id=order.id,
            client_order_id=order.client_order_id,
            account_id=order.account_id,
            broker=order.broker,
            symbol=order.symbol,
            exchange=order.exchange,
            side=order.side,
            order_type=order.order_type,
            time_in_force=order.time_in_force,
            quantity=order.quantity,
            limit_price=order.limit_price,
            status=order.status,
            cumulative_quantity=order.cumulative_quantity,
            leaves_quantity=order.leaves_quantity,
            average_price=average_price(order.filled_amount, order.cumulative_quantity),
            filled_amount=order.filled_amount,
            broker_order_ids=list(order.broker_order_ids),
            broker_code=order.broker_code or None,
            broker_message=order.broker_message or None,
            reason=order.reason or None,
            is_possible_duplicate=order.is_possible_duplicate,
            confirmed_limits=[LimitCode(code) for code in order.confirmed_limits],
            origin=order.origin,
            block_order_id=order.block_order_id,
            trading_day=date.fromisoformat(order.trading_day),
            created_by=order.created_by,
            created_at=order.created_at,
            updated_at=order.updated_at,
            version=order.version,
            stages=OrderStages(
                received_at=order.stages.received_at,
                stored_at=order.stages.stored_at,
                sent_at=order.stages.sent_at,
                answered_at=order.stages.answered_at,
            ),
            fills=[Fill.of(order, fill) for fill in order.fills],
        )


class OrderPage(Struct, kw_only=True, frozen=True):
    """One page of orders, newest first."""

    items: list[Order]
    next_cursor: str | None


class FillPage(Struct, kw_only=True, frozen=True):
    """One page of fills, those of the newest orders first."""

    items: list[Fill]
    next_cursor: str | None


class OrderChange(Struct, kw_only=True, frozen=True):
    """One entry of an order's history."""

    version: int
    at: datetime
    execution_type: ExecutionType
    status: OrderStatus
    quantity: int
    limit_price: int | None
    cumulative_quantity: int
    filled_amount: int
    broker_code: str | None
    broker_message: str | None
    reason: str | None

    @classmethod
    def of(cls, change: ChangeValue) -> Self:
        """The wire form of one history entry."""
        return cls(
            version=change.version,
            at=change.at,
            execution_type=change.execution_type,
            status=change.status,
            quantity=change.quantity,
            limit_price=change.limit_price,
            cumulative_quantity=change.cumulative_quantity,
            filled_amount=change.filled_amount,
            broker_code=change.broker_code or None,
            broker_message=change.broker_message or None,
            reason=change.reason or None,
        )


class OrderHistory(Struct, kw_only=True, frozen=True):
    """All changes of one order, oldest first."""

    order_id: str
    items: list[OrderChange]


class BrokerCandidate(Struct, kw_only=True, frozen=True):
    """A broker order that an unknown order could be: of the same symbol and side, and claimed by no order of Lucy's. Price in won."""

    order_number: str
    symbol: str
    side: Side
    order_type: OrderType | None
    quantity: int
    limit_price: int | None
    cumulative_quantity: int
    leaves_quantity: int
    ordered_at: datetime
    is_alike: Annotated[bool, Meta(description="Of the same quantity and price too.")]


class OrderEvidence(Struct, kw_only=True, frozen=True):
    """What was done to find an order of unknown outcome, and what it could be.

    ``readings`` counts the successful readings of the broker's list that did not show it, from ``first_at`` to ``last_at``;
    ``statement_size`` is the length of the list at the last one.
    """

    order: Order
    readings: int
    first_at: datetime | None
    last_at: datetime | None
    statement_size: int
    candidates: list[BrokerCandidate]


class ResolveOrder(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """A person's word on an order of unknown outcome: either the broker's order number that it is, or that it was not placed."""

    adopt: Annotated[str, Meta(pattern=r"^[0-9]{1,20}\Z", description="The broker's order number, one of the candidates.")] | None = None
    declare: Literal["not_placed"] | None = None
    note: Annotated[str, Meta(max_length=500, description="Why; kept in the audit log.")] = ""
    force: Annotated[
        bool, Meta(description="Declare it although the broker has an order just like it, or cannot be asked. Needs `manage`.")
    ] = False


def average_price(filled_amount: int, cumulative_quantity: int) -> float | None:
    """Won a share, 4 decimals, for display; None while nothing is filled."""
    return round(filled_amount / cumulative_quantity, 4) if cumulative_quantity else None
