"""Which status may follow which: the one table, and the one check.

Moves that look wrong and are not carry their reason. A status may follow itself (a second partial fill, a replaced price).
"""

from collections.abc import Mapping, Set

from api.domain.enums import OrderStatus

_S = OrderStatus

LEGAL: Mapping[OrderStatus, Set[OrderStatus]] = {
    _S.PENDING_NEW: frozenset(
        {
            _S.NEW,
            _S.REJECTED,
            _S.UNKNOWN,
            _S.PARTIALLY_FILLED,  # the fill outruns the answer
            _S.FILLED,
            _S.CANCELED,  # the rest of an IOC or FOK order is dropped before the answer comes
            _S.EXPIRED,
        }
    ),
    _S.UNKNOWN: frozenset(set(_S) - {_S.PENDING_NEW}),  # evidence may show anything
    _S.NEW: frozenset(
        {
            _S.NEW,
            _S.PARTIALLY_FILLED,
            _S.FILLED,
            _S.CANCELED,
            _S.EXPIRED,
            _S.PENDING_CANCEL,
            _S.PENDING_REPLACE,
            _S.REJECTED,  # the broker took it, the exchange then refused
        }
    ),
    _S.PARTIALLY_FILLED: frozenset(
        {
            _S.PARTIALLY_FILLED,
            _S.FILLED,
            _S.CANCELED,
            _S.EXPIRED,
            _S.PENDING_CANCEL,
            _S.PENDING_REPLACE,
            _S.NEW,  # its only trade was canceled by the exchange
        }
    ),
    _S.PENDING_CANCEL: frozenset(
        {
            _S.PENDING_CANCEL,
            _S.CANCELED,
            _S.FILLED,  # the cancel lost the race
            _S.NEW,  # the cancel was refused
            _S.PARTIALLY_FILLED,
            _S.EXPIRED,
            _S.REJECTED,
        }
    ),
    _S.PENDING_REPLACE: frozenset(
        {
            _S.PENDING_REPLACE,
            _S.NEW,
            _S.PARTIALLY_FILLED,
            _S.FILLED,
            _S.CANCELED,
            _S.EXPIRED,
            _S.REJECTED,
        }
    ),
    _S.FILLED: frozenset(
        {
            _S.FILLED,
            _S.PARTIALLY_FILLED,  # a trade was canceled by the exchange
            _S.NEW,
        }
    ),
    _S.CANCELED: frozenset(
        {
            _S.CANCELED,  # a late fill of a part: still canceled, with more filled
            _S.PARTIALLY_FILLED,  # a late fill: the cancel lost the race; it is real money
            _S.FILLED,
        }
    ),
    _S.EXPIRED: frozenset({_S.EXPIRED, _S.PARTIALLY_FILLED, _S.FILLED}),  # a late fill
    _S.REJECTED: frozenset({_S.PENDING_NEW}),  # only an order that certainly never left (`not_sent`), asked for again by its client
}


class IllegalTransition(Exception):
    """A move that the table does not allow; nothing was applied."""

    def __init__(self, order_id: str, before: OrderStatus, after: OrderStatus) -> None:
        super().__init__(f"order {order_id}: {before} -> {after} is not a legal move")
        self.order_id = order_id
        self.before = before
        self.after = after


def require_legal(order_id: str, before: OrderStatus, after: OrderStatus) -> None:
    """Raise `IllegalTransition` unless ``after`` may follow ``before``."""
    if after not in LEGAL[before]:
        raise IllegalTransition(order_id, before, after)
