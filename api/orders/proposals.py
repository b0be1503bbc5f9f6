"""What an order or a replacement looks like to the risk limits. Pure."""

from api.domain.order import Order
from api.market.documents import InstrumentDocument
from api.risk.limits import Proposal, unit_price


def of_new_order(order: Order, instrument: InstrumentDocument) -> Proposal:
    """A new order, at all it may cost."""
    ceiling = _ceiling(order.trading_day, instrument)
    return Proposal(
        key=order.id,
        account_id=order.account_id,
        user_id=order.created_by,
        trading_day=order.trading_day,
        side=order.side,
        quantity=order.quantity,
        limit_price=order.limit_price,
        ceiling_price=ceiling,
        reference_price=instrument.reference_price,
        added_amount=order.quantity * unit_price(order.limit_price, ceiling, instrument.reference_price),
        fingerprint=order.fingerprint,
    )


def of_replacement(
    order: Order, instrument: InstrumentDocument, user_id: str, *, key: str, quantity: int | None, limit_price: int | None
) -> Proposal:
    """The order as it would be; to the day it adds what its open shares cost more than before."""
    shares = order.quantity if quantity is None else quantity
    price = order.limit_price if limit_price is None else limit_price
    dearer = (price or 0) - (order.limit_price or 0)
    return Proposal(
        key=key,
        account_id=order.account_id,
        user_id=user_id,
        trading_day=order.trading_day,
        side=order.side,
        quantity=shares,
        limit_price=price,
        ceiling_price=_ceiling(order.trading_day, instrument),
        reference_price=instrument.reference_price,
        added_amount=max(0, dearer * (shares - order.cumulative_quantity)),
        fingerprint=order.fingerprint,
        is_replacement=True,
    )


def _ceiling(trading_day: str, instrument: InstrumentDocument) -> int | None:
    # limits of another day say nothing: 30 % above the reference price then
    return instrument.upper_limit_price if instrument.priced_day == trading_day else None
