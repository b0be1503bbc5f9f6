"""Request bodies of the control API; unknown fields and wrong types are errors."""

from __future__ import annotations

from typing import Annotated, Literal, TypeVar

import msgspec
from aiohttp import web
from msgspec import UNSET, Meta, Struct, UnsetType

from .faults import FaultKind, Operation
from .model import Broker, Condition, Environment, OrderType, Side, Venue
from .notices import NoticeMode

T = TypeVar("T")
Count = Annotated[int, Meta(ge=0)]
Positive = Annotated[int, Meta(gt=0)]
Probability = Annotated[float, Meta(ge=0, le=1)]


class BadRequest(Exception):
    """A request that is well formed and still cannot be done."""

    def __init__(self, message: str, status: int = 422) -> None:
        super().__init__(message)
        self.status = status


async def read(request: web.Request, kind: type[T]) -> T:
    """The body as a ``kind``; raises msgspec's errors."""
    return msgspec.json.decode(await request.read(), type=kind)


class SetMarket(Struct, forbid_unknown_fields=True):
    """A new price in won, or a trading halt."""

    price: Positive | None = None
    halted: bool | None = None


class SetLiquidity(Struct, forbid_unknown_fields=True):
    """Background liquidity of one name or all."""

    symbol: str | None = None
    level_quantity: Count | UnsetType | None = UNSET
    enabled: bool | None = None
    refill_milliseconds: Count | None = None
    refill_share: Annotated[float, Meta(gt=0, le=1)] | None = None


class SetBehavior(Struct, forbid_unknown_fields=True):
    """See :class:`~api.brokers.sandbox.exchange.Behavior`."""

    refuses_too_early: bool | None = None
    inquiry_lag_milliseconds: Count | None = None
    reject_at_exchange: Count | None = None
    arrival_milliseconds: Count | None = None


class SetSession(Struct, forbid_unknown_fields=True):
    """The session phase; ``clock`` follows real KST hours."""

    phase: Literal["regular", "pre_open", "closing_auction", "after_hours", "closed", "clock"]


class AddFault(Struct, forbid_unknown_fields=True):
    """One fault. Without count and probability it hits once; with a probability alone, until it is deleted."""

    broker: Broker
    operation: Operation
    kind: FaultKind
    count: Positive | None = None
    probability: Probability | None = None
    milliseconds: Count | None = None


class SetNotices(Struct, forbid_unknown_fields=True):
    """How fill notices travel."""

    broker: Broker
    mode: NoticeMode
    probability: Probability | None = None
    milliseconds: Count | None = None


class SetLimits(Struct, forbid_unknown_fields=True):
    """Rate limits of one broker or both."""

    broker: Broker | None = None
    enabled: bool | None = None
    factor: Annotated[float, Meta(gt=0)] | None = None
    token_interval_seconds: Annotated[float, Meta(ge=0)] | None = None


class OpenAccount(Struct, forbid_unknown_fields=True):
    """A new account; positions as symbol → shares."""

    broker: Broker
    environment: Environment
    cash: Count | None = None
    positions: dict[str, Count] | None = None
    hts_id: Annotated[str, Meta(min_length=1, max_length=20)] | None = None


class OutsideOrder(Struct, forbid_unknown_fields=True):
    """An order entered by HTS or MTS."""

    broker: Broker
    account_number: str
    action: Literal["place", "replace", "cancel"] = "place"
    symbol: str | None = None
    side: Side | None = None
    order_type: OrderType = OrderType.LIMIT
    price: Count = 0
    quantity: Positive | None = None
    condition: Condition = Condition.NONE
    venue: Venue = Venue.KRX
    original_order_number: str | int | None = None


class Bust(Struct, forbid_unknown_fields=True):
    """A trade cancelled by the exchange; ``index`` counts the order's executions from 0."""

    broker: Broker
    order_number: str | int
    index: Count
