"""What the exchange's word that shares were canceled does to an order. Pure.

The word names a number of shares, and may come late, twice, or after reconciliation has read the same from the broker's list. Taken at face
value it then takes away shares a second time, and what is still open at the exchange looks done. So it is believed only where it can mean
but one thing; everything else is left to the broker's list, which tells what is open now.
"""

from datetime import datetime
from itertools import pairwise

from api.domain import ledger
from api.domain.enums import ExecutionType
from api.domain.order import Order


def on_cancel(order: Order, quantity: int, now: datetime) -> Order:
    """The order after a notice that ``quantity`` shares were canceled; the same object where the notice proves nothing.

    Not believed: more shares than are open, and as many as an earlier reduction took away, whose notice this may be.
    """
    request = order.pending_request
    if quantity > order.leaves_quantity or quantity in _reductions(order):
        return order
    if request is not None and request.kind == "replace" and quantity < order.leaves_quantity:
        target = order.quantity if request.quantity is None else request.quantity
        return ledger.replaced(order, now, quantity=target, limit_price=None, broker_order_id=None)
    if quantity == order.leaves_quantity or (request is not None and request.kind == "cancel"):
        return ledger.canceled(order, now)
    return order


def _reductions(order: Order) -> set[int]:
    """By how many shares replacements have made the order smaller so far."""
    return {
        before.quantity - after.quantity
        for before, after in pairwise(order.history)
        if after.execution_type is ExecutionType.REPLACED and after.quantity < before.quantity
    }
