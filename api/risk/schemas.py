"""Trading states and risk limits on the wire."""

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

from api.domain.enums import Broker, TradingState
from api.risk.limits import CountLimit, Limit, LimitCode, PercentLimit, SecondsLimit

Reason = Annotated[str, Meta(max_length=200, description="Why; told to all whom it concerns and kept in the audit log.")]


class PutTradingState(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """The trading state to set. ``cancel_open_orders`` also cancels every open order that it concerns."""

    state: TradingState
    reason: Reason = ""
    cancel_open_orders: bool = False


class LevelTradingState(Struct, kw_only=True, frozen=True):
    """The state of one level; who set it, when and why are null where nobody ever did."""

    level: Literal["global", "broker"]
    broker: Broker | None
    state: TradingState
    reason: str | None
    set_by: str | None
    set_at: datetime | None


class TradingStateList(Struct, kw_only=True, frozen=True):
    """The state of each level above the accounts. The strictest of global, broker and account holds for an order."""

    items: list[LevelTradingState]


class Cancellations(Struct, kw_only=True, frozen=True):
    """What became of the open orders: ``requested`` cancels, of which ``refused`` were not taken; each order tells its own."""

    requested: int
    refused: int


class TradingStateChange(Struct, kw_only=True, frozen=True):
    """The level as it is now, in every process, and what became of the open orders; ``canceled`` is null where it was not asked for."""

    current: LevelTradingState
    canceled: Cancellations | None


class PutRiskLimits(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """All limits of an account or a user; what is left out or null has none. See `RiskLimits` for what each means."""

    order_value: Limit | None = None
    order_quantity: Limit | None = None
    day_value: Limit | None = None
    orders_per_second: CountLimit | None = None
    orders_per_minute: CountLimit | None = None
    price_distance: PercentLimit | None = None
    same_order: SecondsLimit | None = None


class RiskLimits(Struct, kw_only=True, frozen=True):
    """Limits that hold for each order of an account, or of a user at any account; null: none.

    ``order_value``: won of one order. ``order_quantity``: shares of one order. ``day_value``: won of all orders of a KST day, refused ones
    left out. ``orders_per_second``, ``orders_per_minute``: orders. ``price_distance``: percent between limit price and the day's reference
    price. ``same_order``: seconds within which no order of the same account, symbol, side, quantity and price may follow another. An order
    without a price counts at the day's upper limit.
    """

    order_value: Limit | None
    order_quantity: Limit | None
    day_value: Limit | None
    orders_per_second: CountLimit | None
    orders_per_minute: CountLimit | None
    price_distance: PercentLimit | None
    same_order: SecondsLimit | None
    set_by: str | None
    set_at: datetime | None


class RiskViolation(Struct, kw_only=True, frozen=True):
    """One risk limit that the order would exceed.

    ``code`` goes into ``confirm`` where ``action`` is ``confirm``. ``limit`` and ``actual`` are won, shares, orders, percent or seconds, as
    the code tells. ``scope``: whose limit it is.
    """

    code: LimitCode
    scope: Literal["account", "user"]
    action: Literal["block", "confirm"]
    limit: float
    actual: float
