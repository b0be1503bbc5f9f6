"""Watch lists on the wire. Prices and amounts in won."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Self

from msgspec import UNSET, Meta, Struct, UnsetType

from api.domain.values import Symbol, Won
from api.market.schemas import Quote
from api.watchlists.crossing import Level
from api.watchlists.documents import WatchAlertDocument, WatchlistDocument

MOST_LISTS = 50
MOST_ITEMS = 200


class WatchlistKind(StrEnum):
    """What a list is for. ``held`` follows the holdings of its owner's accounts, the others are filled by hand."""

    CUSTOM = "custom"
    HELD = "held"
    INTEREST = "interest"
    DAY_TRADE = "day_trade"


WatchlistName = Annotated[str, Meta(min_length=1, max_length=60, examples=["반도체"])]
Note = Annotated[str, Meta(max_length=500)]
Position = Annotated[int, Meta(ge=0, lt=MOST_ITEMS, description="Place in the list from 0; the end where it is past it.")]
Target = Annotated[Won, Meta(description="An alert comes when the price rises to it or above.")]
Stop = Annotated[Won, Meta(description="An alert comes when the price falls to it or below.")]


class CreateWatchlist(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """A new list. There may be one of the kind ``held``."""

    name: WatchlistName
    kind: WatchlistKind = WatchlistKind.CUSTOM


class ChangeWatchlist(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """What to change; what is left out stays."""

    name: WatchlistName | UnsetType = UNSET


class AddWatchItem(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """An instrument to add, at the end where ``position`` is left out."""

    symbol: Symbol
    note: Note = ""
    target_price: Target | None = None
    stop_price: Stop | None = None
    position: Position | None = None


class ChangeWatchItem(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """What to change; what is left out stays, null takes a price away. ``position`` not in a list of the kind ``held``."""

    note: Note | UnsetType = UNSET
    target_price: Target | UnsetType | None = UNSET
    stop_price: Stop | UnsetType | None = UNSET
    position: Position | UnsetType = UNSET


class Watchlist(Struct, kw_only=True, frozen=True):
    """A list. ``item_count``: null for ``held``, whose items are the holdings of the moment. ``version`` grows with each change."""

    id: str
    name: str
    kind: WatchlistKind
    item_count: int | None
    created_at: datetime
    updated_at: datetime
    version: int

    @classmethod
    def of(cls, document: WatchlistDocument) -> Self:
        """The wire form of a stored list."""
        kind = WatchlistKind(document.kind)
        return cls(
            id=document.id,
            name=document.name,
            kind=kind,
            item_count=None if kind is WatchlistKind.HELD else len(document.items),
            created_at=document.created_at,
            updated_at=document.updated_at,
            version=document.version,
        )


class WatchlistPage(Struct, kw_only=True, frozen=True):
    """The caller's lists, oldest first."""

    items: list[Watchlist]
    next_cursor: str | None


class Holding(Struct, kw_only=True, frozen=True):
    """What the owner's accounts hold of an instrument, added up. ``average_price``: cost a share; ``profit_rate``: percent of the cost."""

    quantity: int
    sellable_quantity: int
    average_price: float
    purchase_amount: int
    current_price: int
    evaluation_amount: int
    profit_amount: int
    profit_rate: float | None
    account_ids: list[str]


class WatchItem(Struct, kw_only=True, frozen=True):
    """An instrument of a list. ``holding`` only where the kind is ``held``, where ``added_at`` is null until something is written."""

    symbol: str
    name: str
    position: int
    note: str
    target_price: int | None
    stop_price: int | None
    added_at: datetime | None
    holding: Holding | None


class WatchProblem(Struct, kw_only=True, frozen=True):
    """Why something is missing, in the words of a `Problem`."""

    code: str
    detail: str
    retryable: bool


class HoldingsProblem(WatchProblem, kw_only=True, frozen=True):
    """An account whose holdings could not be read: what it holds is missing here, and not known to be sold."""

    account_id: str


class WatchlistDetail(Watchlist, kw_only=True, frozen=True):
    """A list with its items in their order; those of ``held`` by value, the largest first."""

    items: list[WatchItem]
    problems: list[HoldingsProblem]


class WatchQuote(Struct, kw_only=True, frozen=True):
    """The price of an item, as of ``as_of``. With a ``problem`` there is no newer one: ``quote`` is then the last known, or null."""

    symbol: str
    name: str
    quote: Quote | None
    as_of: datetime | None
    problem: WatchProblem | None


class WatchQuoteList(Struct, kw_only=True, frozen=True):
    """Prices of a list's items in their order."""

    watchlist_id: str
    items: list[WatchQuote]
    problems: list[HoldingsProblem]
    at: datetime


class WatchAlert(Struct, kw_only=True, frozen=True):
    """A price crossed a level: ``price`` was seen at ``at``, on or beyond ``level_price``. Names and note as they were then."""

    id: str
    watchlist_id: str
    watchlist_name: str
    symbol: str
    name: str
    level: Level
    level_price: int
    price: int
    note: str
    at: datetime

    @classmethod
    def of(cls, document: WatchAlertDocument) -> Self:
        """The wire form of a stored alert."""
        members = {name: getattr(document, name) for name in cls.__struct_fields__ if name != "level"}
        return cls(level=Level(document.level), **members)


class WatchAlertPage(Struct, kw_only=True, frozen=True):
    """Alerts, newest first; kept for half a year."""

    items: list[WatchAlert]
    next_cursor: str | None
