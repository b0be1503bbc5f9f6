"""Where each kind of event may bring an order: the one table, and the one check.

A row is an execution type, its columns the statuses that it may find, its entries those that it may lead to. What is not in the table is
refused. Moves that look wrong and are not carry their reason.
"""

from collections.abc import Mapping, Set

from api.domain.enums import ExecutionType, OrderStatus

_S = OrderStatus
_E = ExecutionType

_PARTS = frozenset({_S.PARTIALLY_FILLED, _S.FILLED})


def _stays(*statuses: OrderStatus) -> dict[OrderStatus, Set[OrderStatus]]:
    return {status: frozenset({status}) for status in statuses}


def _each(statuses: Set[OrderStatus], after: OrderStatus) -> dict[OrderStatus, Set[OrderStatus]]:
    return dict.fromkeys(statuses, frozenset({after}))


_WORKING = frozenset({_S.NEW, _S.PARTIALLY_FILLED})
_PENDING_CHANGE = frozenset({_S.PENDING_CANCEL, _S.PENDING_REPLACE})
_UNSETTLED = frozenset({_S.PENDING_NEW, _S.UNKNOWN})

OUTCOMES: Mapping[ExecutionType, Mapping[OrderStatus, Set[OrderStatus]]] = {
    _E.PENDING_NEW: {
        _S.REJECTED: frozenset({_S.PENDING_NEW}),  # only an order that certainly never left (`not_sent`), asked for again by its client
    },
    _E.NEW: {
        **_each(_UNSETTLED, _S.NEW),
        _S.REJECTED: frozenset({_S.NEW}),  # only one dismissed without proof (`ledger.DISMISSED`), which the broker shows after all
        # the number, or its confirmation, comes after what happened under it
        **_stays(_S.NEW, _S.PARTIALLY_FILLED, _S.FILLED, _S.CANCELED, _S.EXPIRED, _S.PENDING_CANCEL, _S.PENDING_REPLACE),
    },
    _E.TRADE: {
        **dict.fromkeys(_UNSETTLED | _WORKING, _PARTS),  # the fill outruns the answer
        _S.PENDING_CANCEL: frozenset({_S.PENDING_CANCEL, _S.FILLED}),  # the cancel lost the race
        _S.PENDING_REPLACE: frozenset({_S.PENDING_REPLACE, _S.FILLED}),
        _S.CANCELED: frozenset({_S.CANCELED, *_PARTS}),  # a late fill: it is real money
        _S.EXPIRED: frozenset({_S.EXPIRED, *_PARTS}),
    },
    # The exchange cancels a trade: the only way back from filled. What else has ended stays ended, with less filled.
    _E.TRADE_CANCEL: {
        _S.FILLED: _WORKING,
        _S.PARTIALLY_FILLED: _WORKING,
        **_stays(_S.PENDING_CANCEL, _S.PENDING_REPLACE, _S.CANCELED, _S.EXPIRED),
    },
    # The exchange corrects the price of a trade.
    _E.TRADE_CORRECT: _stays(_S.FILLED, _S.PARTIALLY_FILLED, _S.PENDING_CANCEL, _S.PENDING_REPLACE, _S.CANCELED, _S.EXPIRED),
    _E.PENDING_CANCEL: _each(_WORKING, _S.PENDING_CANCEL),
    _E.CANCELED: _each(_UNSETTLED | _WORKING | _PENDING_CHANGE, _S.CANCELED),  # the rest of an IOC order is dropped before the answer
    _E.PENDING_REPLACE: _each(_WORKING, _S.PENDING_REPLACE),
    _E.REPLACED: {
        **dict.fromkeys(_WORKING, frozenset({_S.NEW, *_PARTS})),  # filled: an outside partial cancel took away all that was open
        _S.PENDING_REPLACE: frozenset({_S.PENDING_REPLACE, _S.NEW, *_PARTS}),  # pending still: the price is changed, the quantity not yet
        **_stays(_S.PENDING_CANCEL, _S.FILLED, _S.CANCELED, _S.EXPIRED),  # the new number is learned late
    },
    # The broker took it, the exchange then refused; also while a cancel or replace is under way.
    _E.REJECTED: _each(_UNSETTLED | _PENDING_CHANGE | {_S.NEW}, _S.REJECTED),
    _E.EXPIRED: _each(_UNSETTLED | _WORKING | _PENDING_CHANGE, _S.EXPIRED),
    _E.CANCEL_REJECTED: {_S.PENDING_CANCEL: frozenset({_S.NEW, *_PARTS})},
    _E.REPLACE_REJECTED: {_S.PENDING_REPLACE: frozenset({_S.NEW, *_PARTS})},
    _E.UNKNOWN: {_S.PENDING_NEW: frozenset({_S.UNKNOWN})},
    # Something is noted, and the order is where it was.
    _E.ORDER_STATUS: _stays(
        _S.UNKNOWN, _S.NEW, _S.PARTIALLY_FILLED, _S.FILLED, _S.PENDING_CANCEL, _S.PENDING_REPLACE, _S.CANCELED, _S.EXPIRED
    ),
}


class IllegalTransition(Exception):
    """A move that the table does not allow; nothing was applied."""

    def __init__(self, order_id: str, execution_type: ExecutionType, before: OrderStatus, after: OrderStatus) -> None:
        super().__init__(f"order {order_id}: {before} -> {after} by {execution_type} is not a legal move")
        self.order_id = order_id
        self.execution_type = execution_type
        self.before = before
        self.after = after


def require_legal(order_id: str, execution_type: ExecutionType, before: OrderStatus, after: OrderStatus) -> None:
    """Raise `IllegalTransition` unless ``execution_type`` may bring an order from ``before`` to ``after``."""
    if after not in OUTCOMES[execution_type].get(before, frozenset()):
        raise IllegalTransition(order_id, execution_type, before, after)
