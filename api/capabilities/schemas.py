"""Brokers' capabilities on the wire."""

from datetime import date
from typing import Annotated

from msgspec import Meta, Struct

from api.brokers.capabilities import Inquiry
from api.domain.enums import Broker, CandleInterval, Environment, Exchange, OrderType, RankingKind, TimeInForce


class OrderKind(Struct, kw_only=True, frozen=True):
    """An order type with a time in force, and where the broker takes it. Every other combination is refused with `unsupported_order`."""

    order_type: OrderType
    time_in_force: TimeInForce
    exchanges: list[Exchange]
    has_limit_price: Annotated[bool, Meta(description="Whether the order carries a `limit_price`; without, it must carry none.")]


class CallLimit(Struct, kw_only=True, frozen=True):
    """A call limit that Lucy keeps to: the broker's own, less a margin. Calls that would break it wait, or are answered `429`."""

    tr: Annotated[str | None, Meta(description="The broker's name of the call; null: over all calls of an app key together.")]
    calls: int
    window_seconds: Annotated[float, Meta(description="At most `calls` in any window of this length.")]
    as_of: Annotated[date, Meta(description="State of the source.")]
    source: str


class BrokerCapabilities(Struct, kw_only=True, frozen=True):
    """What one broker takes and tells in one environment."""

    broker: Broker
    environment: Environment
    order_kinds: list[OrderKind]
    replaceable_order_types: Annotated[list[OrderType], Meta(description="Order types whose price may be changed.")]
    can_increase_quantity: Annotated[bool, Meta(description="Whether a change may raise the quantity of an order.")]
    inquiries: Annotated[list[Inquiry], Meta(description="What it answers besides balances, holdings, buying power and prices.")]
    candle_intervals: list[CandleInterval]
    rankings: list[RankingKind]
    has_quote_feed: Annotated[bool, Meta(description="Whether prices that are looked at are told live, while there is room for them.")]
    call_limits: list[CallLimit]


class BrokerList(Struct, kw_only=True, frozen=True):
    """Every broker in every environment that an account can be connected in."""

    items: list[BrokerCapabilities]
