"""Checks before an order is stored: all that can be known without the broker. Pure."""

from datetime import datetime

from api.brokers.capabilities import Capabilities
from api.domain.enums import PRICED_ORDER_TYPES, Environment, OrderType
from api.domain.order import PENDING_CHANGE, WORKING, Order
from api.domain.sessions import takes_orders
from api.domain.ticks import is_on_tick, tick_size
from api.errors import (
    InvalidLimitPrice,
    InvalidQuantity,
    InvalidRequest,
    InvalidTick,
    LiveTradingOff,
    MarketClosed,
    OrderBusy,
    OrderNotOpen,
    PriceOutsideLimits,
    UnsupportedOrder,
)
from api.kit.clock import kst_day
from api.market.documents import InstrumentDocument
from api.orders.schemas import PlaceOrder, ReplaceOrder


def check_new_order(
    request: PlaceOrder,
    instrument: InstrumentDocument,
    capabilities: Capabilities,
    environment: Environment,
    now: datetime,
    *,
    is_live_trading_on: bool,
) -> None:
    """Refuse an order that cannot be right.

    Raises:
        LiveTradingOff: A real-money account without the switch.
        InvalidRequest: Its leaves say what is wrong.
    """
    check_live_trading(environment, is_live_trading_on=is_live_trading_on)
    if (request.order_type, request.time_in_force, request.exchange) not in capabilities.order_kinds:
        raise UnsupportedOrder(
            f"This broker does not take a {request.order_type} order with time in force {request.time_in_force} at {request.exchange}."
        )
    if request.quantity % instrument.lot_size:
        raise InvalidQuantity(f"{request.symbol} trades in lots of {instrument.lot_size}.", errors=[_at("quantity", "not a whole lot")])
    if request.order_type in PRICED_ORDER_TYPES:
        if request.limit_price is None:
            raise InvalidLimitPrice(f"A {request.order_type} order needs a limit_price.", errors=[_at("limit_price", "missing")])
        check_price(request.limit_price, instrument, now)
    elif request.limit_price is not None:
        raise InvalidLimitPrice(f"A {request.order_type} order takes no limit_price.", errors=[_at("limit_price", "not taken")])
    # The sandbox keeps its own session (PUT /session) and refuses by itself; KRX time says nothing about it.
    if environment is not Environment.SANDBOX and not takes_orders(request.exchange, now):
        raise MarketClosed(f"{request.exchange} takes no orders now.")


def check_live_trading(environment: Environment, *, is_live_trading_on: bool) -> None:
    """Refuse anything that moves real money while the switch is off; cancels do not come here."""
    if environment is Environment.REAL and not is_live_trading_on:
        raise LiveTradingOff("Set LUCY_LIVE_TRADING=1 to send orders to real-money accounts.")


def check_price(price: int, instrument: InstrumentDocument, now: datetime) -> None:
    """Refuse a price off the tick table or outside the day's limits.

    The limits count only on the day that they were loaded for: with older ones, or none, the broker decides.
    """
    if not is_on_tick(price, instrument.kind):
        tick = tick_size(price, instrument.kind)
        below = price - price % tick
        raise InvalidTick(
            f"{price:,} won is not a multiple of the tick of {tick:,} won; {below:,} and {below + tick:,} are.",
            errors=[_at("limit_price", f"not a multiple of {tick}")],
            tick_size=tick,
        )
    lower, upper = instrument.lower_limit_price, instrument.upper_limit_price
    if lower is None or upper is None or instrument.priced_day != kst_day(now).isoformat():
        return
    if not lower <= price <= upper:
        raise PriceOutsideLimits(
            f"{price:,} won is outside today's limits of {instrument.symbol}: {lower:,} to {upper:,} won.",
            errors=[_at("limit_price", "outside the day's limits")],
            lower_limit_price=lower,
            upper_limit_price=upper,
        )


def check_open(order: Order) -> None:
    """Refuse to change an order that is not known to be open, or has a request under way."""
    if order.is_terminal:
        raise OrderNotOpen(f"The order is {order.status}.", order_id=order.id)
    if order.status in PENDING_CHANGE:
        raise OrderBusy(f"The order is {order.status}: its last request is not confirmed yet.", order_id=order.id)
    if order.status not in WORKING or not order.broker_order_ids:
        raise OrderBusy(f"The order is {order.status}: the broker's number is not known yet.", order_id=order.id)


def check_replacement(
    order: Order, request: ReplaceOrder, instrument: InstrumentDocument, capabilities: Capabilities, now: datetime
) -> None:
    """Refuse a replacement that changes nothing, or what this broker cannot change."""
    if request.quantity in (None, order.quantity) and request.limit_price in (None, order.limit_price):
        raise InvalidRequest("The request changes neither quantity nor limit_price.", order_id=order.id)
    if request.quantity is not None:
        if request.quantity > order.quantity and not capabilities.can_increase_quantity:
            raise InvalidQuantity("This broker cannot raise an order's quantity: place another order.", order_id=order.id)
        if request.quantity <= order.cumulative_quantity:
            raise InvalidQuantity(
                f"{order.cumulative_quantity} shares are filled: cancel the order instead.",
                order_id=order.id,
                errors=[_at("quantity", "too small")],
            )
        if request.quantity % instrument.lot_size:
            raise InvalidQuantity(f"{order.symbol} trades in lots of {instrument.lot_size}.", order_id=order.id)
    if request.limit_price not in (None, order.limit_price):
        if order.order_type not in capabilities.replaceable_order_types or order.order_type is OrderType.MARKET:
            raise UnsupportedOrder(f"The price of a {order.order_type} order cannot be changed.", order_id=order.id)
        check_price(request.limit_price, instrument, now)


def _at(field: str, message: str) -> dict[str, str]:
    return {"field": field, "message": message}
