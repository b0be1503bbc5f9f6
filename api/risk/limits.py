"""Risk limits as values, and what an order is worth against them. Pure.

Which limit holds: both the account's and the user's, each by itself.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from api.domain.enums import Side

Action = Literal["block", "confirm"]
Scope = Literal["account", "user"]


class LimitCode(StrEnum):
    """Names of the limits: field names, codes of violations, and what ``confirm`` lists."""

    ORDER_VALUE = "order_value"
    ORDER_QUANTITY = "order_quantity"
    DAY_VALUE = "day_value"
    ORDERS_PER_SECOND = "orders_per_second"
    ORDERS_PER_MINUTE = "orders_per_minute"
    PRICE_DISTANCE = "price_distance"
    SAME_ORDER = "same_order"


class Limit(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """The most that passes, and what becomes of more: ``block`` refuses, ``confirm`` asks back."""

    limit: Annotated[int, Meta(gt=0, le=10**15)]
    action: Action = "block"


class PercentLimit(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """The most percent that passes, and what becomes of more."""

    limit: Annotated[float, Meta(gt=0, le=1000)]
    action: Action = "block"


class CountLimit(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """The most orders that pass, and what becomes of more."""

    limit: Annotated[int, Meta(gt=0, le=100_000)]
    action: Action = "block"


class SecondsLimit(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Seconds that must lie between two, and what becomes of less."""

    limit: Annotated[int, Meta(gt=0, le=86_400)]
    action: Action = "block"


class LimitSet(Struct, kw_only=True, frozen=True, omit_defaults=True):
    """The limits of one account or user; None: no such limit."""

    order_value: Limit | None = None
    order_quantity: Limit | None = None
    day_value: Limit | None = None
    orders_per_second: CountLimit | None = None
    orders_per_minute: CountLimit | None = None
    price_distance: PercentLimit | None = None
    same_order: SecondsLimit | None = None


class Violation(Struct, kw_only=True, frozen=True):
    """One limit that an order exceeds. ``limit`` and ``actual`` in the limit's own unit."""

    code: LimitCode
    scope: Scope
    action: Action
    limit: int | float
    actual: int | float


class Proposal(Struct, kw_only=True, frozen=True):
    """What the limits look at: an order, or what a replacement would make of one.

    Attributes:
        key: Names this claim on the limits: the order's id, or one of its own for each replacement.
        quantity: Shares.
        limit_price: Won; None for an order without a price.
        ceiling_price: The day's upper limit, won: what an order without a price counts at; None where it is not known.
        reference_price: Of the day, won; 0 where it is not known.
        added_amount: Won that it adds to the day.
        fingerprint: Twins share it.
        is_replacement: Changes an order; that is no second order of the same kind.
    """

    key: str
    account_id: str
    user_id: str
    trading_day: str
    side: Side
    quantity: int
    limit_price: int | None
    ceiling_price: int | None
    reference_price: int
    added_amount: int
    fingerprint: str
    is_replacement: bool = False


def unit_price(limit_price: int | None, ceiling_price: int | None, reference_price: int) -> int:
    """Won a share at which an order counts: its limit, else the day's upper limit, else 30 % above the reference price (the KRX rule)."""
    if limit_price is not None:
        return limit_price
    return ceiling_price if ceiling_price is not None else -(-reference_price * 13 // 10)


def amount_of(proposal: Proposal) -> int:
    """Won of the whole order."""
    return proposal.quantity * unit_price(proposal.limit_price, proposal.ceiling_price, proposal.reference_price)


def check_order(proposal: Proposal, limits: LimitSet, scope: Scope) -> list[Violation]:
    """The limits that this order exceeds by itself, whatever else was placed."""
    found = []

    def see(code: LimitCode, limit: Limit | None, actual: int) -> None:
        if limit is not None and actual > limit.limit:
            found.append(Violation(code=code, scope=scope, action=limit.action, limit=limit.limit, actual=actual))

    see(LimitCode.ORDER_VALUE, limits.order_value, amount_of(proposal))
    see(LimitCode.ORDER_QUANTITY, limits.order_quantity, proposal.quantity)
    distance = limits.price_distance
    if distance is not None and proposal.limit_price is not None and proposal.reference_price:
        away = abs(proposal.limit_price - proposal.reference_price) * 100
        if away > Decimal(str(distance.limit)) * proposal.reference_price:  # exact: 30 % of 71,000 won is 21,300 won and no float
            actual = round(away / proposal.reference_price, 4)
            found.append(Violation(code=LimitCode.PRICE_DISTANCE, scope=scope, action=distance.action, limit=distance.limit, actual=actual))
    return found


def needs_counting(limits: LimitSet) -> bool:
    """Whether any of these looks at what was placed before."""
    return not (
        limits.day_value is None and limits.orders_per_second is None and limits.orders_per_minute is None and limits.same_order is None
    )


def unconfirmed(violations: Sequence[Violation], confirmed: frozenset[str]) -> list[Violation]:
    """Those that still stand in the way."""
    return [entry for entry in violations if entry.action == "block" or entry.code not in confirmed]


def to_stored(limits: LimitSet) -> dict[str, Any]:
    """Plain values for the database."""
    document: dict[str, Any] = msgspec.to_builtins(limits)
    return document


def from_stored(document: Mapping[str, Any]) -> LimitSet:
    """The stored limits; unknown names (of a newer Lucy) raise `msgspec.ValidationError` nowhere and are left out."""
    return msgspec.convert({name: document[name] for name in LimitSet.__struct_fields__ if name in document}, LimitSet)
