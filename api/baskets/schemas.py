"""Baskets on the wire."""

from datetime import datetime
from typing import Annotated, Self

from msgspec import UNSET, Meta, Struct, UnsetType

from api.domain.enums import Exchange, OrderType, Side, TimeInForce
from api.domain.values import ClientOrderId
from api.orders.schemas import Confirmed, Order, PlaceOrder
from api.risk.schemas import RiskViolation

MOST_ROWS = 500

ClientBasketId = Annotated[
    ClientOrderId, Meta(description="The client's own id of the basket, unique per user: a repeat never places an order twice.")
]


class BasketOrder(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """One order of a basket: the members of `PlaceOrder`, judged row by row, so that all that is wrong is told at once.

    ``account`` may stand for ``account_id``: the name or number of an account that the caller may trade, if it is the only one so called.
    ``client_order_id`` is derived from the basket and the row where it is left out.
    """

    symbol: str
    side: str
    quantity: int
    account_id: str | None = None
    account: str | None = None
    order_type: str = "limit"
    time_in_force: str = "day"
    exchange: str = "KRX"
    limit_price: int | None = None
    client_order_id: str | None = None


class PlaceBasket(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Up to 500 orders. Two that are alike in everything are taken for a mistake unless ``allow_duplicates`` is true."""

    orders: Annotated[list[BasketOrder], Meta(min_length=1, max_length=MOST_ROWS)]
    client_basket_id: ClientBasketId | None = None
    allow_duplicates: bool = False
    confirm: Confirmed | UnsetType = UNSET


class RowProblem(Struct, kw_only=True, frozen=True):
    """What is wrong with one row. ``row``: the line of the file, or the place in ``orders``, from 1; ``field`` is null for a whole row."""

    row: int
    field: str | None
    code: str
    message: str


class ResumeBasket(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """What is knowingly exceeded, as in `placeBasket`."""

    confirm: Confirmed | UnsetType = UNSET


class RowRequest(Struct, kw_only=True, frozen=True):
    """What a row asks for, with the account found and all that it leaves out filled in. Shares; ``limit_price`` in won."""

    account_id: str
    symbol: str
    exchange: Exchange
    side: Side
    order_type: OrderType
    time_in_force: TimeInForce
    quantity: int
    limit_price: int | None

    @classmethod
    def of(cls, request: PlaceOrder) -> Self:
        """The wire form of a row's order."""
        return cls(**{name: getattr(request, name) for name in cls.__struct_fields__})


class BasketRow(Struct, kw_only=True, frozen=True):
    """What became of one row. ``status_code`` is what the single order would have been answered; ``order`` is null where none is stored.

    ``violations`` are the risk limits that it was held back for; their codes in ``confirm`` let it pass after `risk_confirmation_required`.
    """

    row: int
    client_order_id: str
    status_code: int
    order: Order | None
    code: str | None
    detail: str | None
    violations: list[RiskViolation]


class BasketResults(Struct, kw_only=True, frozen=True):
    """One result a row."""

    id: str
    client_basket_id: str
    items: list[BasketRow]


class CheckedRow(Struct, kw_only=True, frozen=True):
    """A row that would be sent."""

    row: int
    request: RowRequest


class BasketCheck(Struct, kw_only=True, frozen=True):
    """A basket that would be sent. Amounts in won, at the limit prices; orders without one are left out of them."""

    rows: int
    buy_amount: int
    sell_amount: int
    items: list[CheckedRow]


class PlacedRow(Struct, kw_only=True, frozen=True):
    """A row of a stored basket and its order as it is now; null where none was stored."""

    row: int
    client_order_id: str
    request: RowRequest
    order: Order | None


class Basket(Struct, kw_only=True, frozen=True):
    """A stored basket."""

    id: str
    client_basket_id: str
    items: list[PlacedRow]
    created_at: datetime


class BasketSummary(Struct, kw_only=True, frozen=True):
    """A stored basket without its orders."""

    id: str
    client_basket_id: str
    rows: int
    created_at: datetime


class BasketPage(Struct, kw_only=True, frozen=True):
    """The caller's baskets, newest first."""

    items: list[BasketSummary]
    next_cursor: str | None
