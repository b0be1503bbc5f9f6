"""Trades that the exchange takes back or corrects: entries that amend earlier fills. Pure.

Choice: a fill is never changed or removed, for it has been told to listeners and booked by them. A canceled trade is a further entry with a
negative quantity, a corrected one a negative entry and a new one: whoever adds up the fills has the order's totals at every version.
"""

from collections.abc import Sequence
from datetime import datetime
from itertools import combinations

from api.domain.enums import ExecutionType, FillSource, OrderStatus
from api.domain.ledger import Contradiction, apply
from api.domain.order import PENDING_CHANGE, TERMINAL, Fill, Order

_MOST_FOR_PAIRS = 200
"""Pairs of fills are tried up to so many; past it the entry names none."""


def amounts_agree(recorded: int, told: int, quantity: int) -> bool:
    """Whether two amounts in won are the same, as well as a statement tells it: LS may give an average rounded to the won."""
    return abs(recorded - told) <= quantity // 2 + 1


def trade_canceled(order: Order, broker_order_id: str, quantity: int, amount: int, at: datetime, now: datetime) -> Order:
    """Take back shares that the broker's statement no longer has.

    Args:
        order: The order.
        broker_order_id: The number of the chain that has them.
        quantity: Shares that are gone, above 0.
        amount: Won that are gone; exact, or as near as the broker tells.
        at: When the broker was asked; the true time is not known.
        now: Time of the change.

    Returns:
        The order with less filled: live again if it was filled, ended still if it had ended otherwise.

    Raises:
        Contradiction: The number never had as much.
    """
    if not 0 < quantity <= order.filled_under(broker_order_id):
        raise Contradiction(order.id, f"{quantity} shares canceled of {order.filled_under(broker_order_id)} under {broker_order_id}")
    gone = _find(order, broker_order_id, quantity, amount)
    parts: list[tuple[int, int, str | None]] = [(-fill.quantity, fill.price, fill.id) for fill in gone]
    if not parts:
        parts = [(-part, price, None) for part, price in _split(order, quantity, amount)]
    cumulative = order.cumulative_quantity - quantity
    return _amended(order, broker_order_id, parts, at, now, ExecutionType.TRADE_CANCEL, _status_with(order, cumulative))


def trade_corrected(order: Order, broker_order_id: str, difference: int, at: datetime, now: datetime) -> Order:
    """Bring the amount filled under a number in line with the broker's, the shares being the same.

    Args:
        order: The order.
        broker_order_id: The number of the chain.
        difference: Won to be added; below 0 to be taken away.
        at: When the broker was asked.
        now: Time of the change.

    Raises:
        Contradiction: No fill under the number can carry it.
    """
    standing = [fill for fill in _standing(order, broker_order_id) if fill.quantity * fill.price + difference >= fill.quantity]
    if not standing:
        raise Contradiction(order.id, f"no trade under {broker_order_id} can have been {difference:+} won")
    # One trade at one other price, if that can be; the newest of them.
    fill = max(standing, key=lambda fill: (difference % fill.quantity == 0, fill.version, fill.id))
    corrected = _split(order, fill.quantity, fill.quantity * fill.price + difference)
    parts = [(-fill.quantity, fill.price, fill.id), *((part, price, fill.id) for part, price in corrected)]
    return _amended(order, broker_order_id, parts, at, now, ExecutionType.TRADE_CORRECT, order.status)


def _amended(
    order: Order,
    broker_order_id: str,
    parts: Sequence[tuple[int, int, str | None]],
    at: datetime,
    now: datetime,
    execution_type: ExecutionType,
    status: OrderStatus,
) -> Order:
    fills = tuple(
        Fill(
            id=f"{order.id}-{len(order.fills) + number}",
            quantity=quantity,
            price=price,
            executed_at=at,
            source=FillSource.RECONCILIATION,
            broker_order_id=broker_order_id,
            execution_id=None,
            notice_id=None,
            version=order.version + 1,
            amends=amends,
        )
        for number, (quantity, price, amends) in enumerate(parts, start=1)
    )
    return apply(order, now, execution_type, status, fills=fills, pending_request=order.pending_request)


def _status_with(order: Order, cumulative: int) -> OrderStatus:
    if order.status in PENDING_CHANGE or (order.status in TERMINAL and order.status is not OrderStatus.FILLED):
        return order.status
    return OrderStatus.PARTIALLY_FILLED if cumulative else OrderStatus.NEW


def _standing(order: Order, broker_order_id: str) -> list[Fill]:
    """The fills under a number that no later entry has taken back, oldest first."""
    taken_back = {fill.amends for fill in order.fills if fill.quantity < 0}
    return [fill for fill in order.fills if fill.broker_order_id == broker_order_id and fill.quantity > 0 and fill.id not in taken_back]


def _find(order: Order, broker_order_id: str, quantity: int, amount: int) -> Sequence[Fill]:
    """The fills that were canceled: one, two or all of those of the number that come to just as much; none where nothing fits."""
    standing = _standing(order, broker_order_id)[::-1]
    groups: list[Sequence[Fill]] = [(fill,) for fill in standing]
    if len(standing) <= _MOST_FOR_PAIRS:
        groups += combinations(standing, 2)
    groups.append(standing)
    fitting = [group for group in groups if sum(fill.quantity for fill in group) == quantity]
    amounts = [sum(fill.quantity * fill.price for fill in group) for group in fitting]
    exact = next((group for group, known in zip(fitting, amounts, strict=True) if known == amount), None)
    if exact is not None:
        return exact
    # told by averages before and after: each half a won a share off at worst
    recorded = order.filled_under(broker_order_id)
    return next((group for group, known in zip(fitting, amounts, strict=True) if amounts_agree(known, amount, recorded)), ())


def _split(order: Order, quantity: int, amount: int) -> list[tuple[int, int]]:
    """Shares and prices that come to the amount exactly: at one price, or at two that are one won apart."""
    price, odd = divmod(amount, quantity)
    if price <= 0:
        raise Contradiction(order.id, f"{quantity} shares for {amount} won")
    return [(part, at) for part, at in ((quantity - odd, price), (odd, price + 1)) if part]
