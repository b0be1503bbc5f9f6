"""What a broker checks before it takes a request: each function returns the reason of a refusal, or None."""

from __future__ import annotations

from datetime import datetime

from .instruments import Instrument
from .model import Condition, Order, OrderKind, OrderType, RejectReason, Venue
from .session import Phase, is_before_open
from .ticks import is_on_tick

_MAX_QUANTITY = 9_999_999_999  # ten digits in both protocols
_AUCTION_TYPES = {OrderType.LIMIT, OrderType.MARKET, OrderType.CONDITIONAL_LIMIT}
_NXT_TYPES = set(OrderType) - {OrderType.CONDITIONAL_LIMIT, OrderType.OFF_HOURS}


def check_session(phase: Phase, order_type: OrderType, condition: Condition, now: datetime) -> RejectReason | None:
    """Whether this kind of order is taken in this phase. Off-hours orders are taken in ``regular`` too: that is the sandbox's
    phase at every hour, and a client that names them should be able to try them."""
    match phase:
        case Phase.CLOSED:
            return RejectReason.BEFORE_OPEN if is_before_open(now) else RejectReason.MARKET_CLOSED
        case Phase.PRE_OPEN | Phase.CLOSING_AUCTION:
            allowed = order_type in _AUCTION_TYPES | {OrderType.OFF_HOURS} and condition is Condition.NONE
            return None if allowed else RejectReason.ORDER_TYPE_NOT_ALLOWED
        case Phase.AFTER_HOURS:
            return RejectReason.ORDER_TYPE_NOT_ALLOWED if order_type is OrderType.MARKET else None
        case Phase.REGULAR:
            return None


def check_venue(venue: Venue, order_type: OrderType, condition: Condition) -> RejectReason | None:
    """NXT takes no plain market order, no conditional limit, no off-hours order."""
    if venue is not Venue.NXT:
        return None
    if order_type is OrderType.MARKET and condition is Condition.NONE:
        return RejectReason.ORDER_TYPE_NOT_ALLOWED
    return None if order_type in _NXT_TYPES else RejectReason.ORDER_TYPE_NOT_ALLOWED


def check_quantity(quantity: int, lot: int) -> RejectReason | None:
    """Whole lots, above 0."""
    return None if 0 < quantity <= _MAX_QUANTITY and quantity % lot == 0 else RejectReason.BAD_QUANTITY


def check_price(instrument: Instrument, order_type: OrderType, price: int) -> RejectReason | None:
    """A named price must stand on a tick within the day's limits. What a client sends with an unpriced order is ignored."""
    if not order_type.has_price:
        return None
    if price <= 0:
        return RejectReason.BAD_PRICE
    if not instrument.lower_limit <= price <= instrument.upper_limit:
        return RejectReason.OUTSIDE_LIMITS
    return None if is_on_tick(price, is_etf=instrument.is_etf) else RejectReason.BAD_TICK


def check_original(
    original: Order | None, account_number: str, symbol: str | None, quantity: int | None, *, refuses_too_early: bool
) -> RejectReason | None:
    """Whether the order that a change or cancel names can still be changed."""
    if original is None or original.account.number != account_number or original.kind is OrderKind.CANCEL:
        return RejectReason.UNKNOWN_ORDER
    if symbol is not None and original.instrument.symbol != symbol:
        return RejectReason.UNKNOWN_ORDER
    if original.leaves == 0:
        return RejectReason.NOTHING_LEFT
    if refuses_too_early and not original.at_exchange:
        return RejectReason.TOO_EARLY
    if quantity is not None and quantity > original.leaves:
        return RejectReason.QUANTITY_EXCEEDS_OPEN
    return None
