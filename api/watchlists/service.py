"""Watch lists as their owner reads and changes them. Watching their prices is the worker's part (`watching`).

Two changes at once both hold, each in the fields that it names: a change is done again on what the other left (`repository`).
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence

import structlog
from msgspec import UNSET, Struct, UnsetType
from pymongo.errors import DuplicateKeyError

from api.accounts.service import AccountService
from api.auth.principal import Principal
from api.brokers.errors import BrokerError
from api.brokers.registry import BrokerRegistry
from api.errors import Conflict, LucyError, NotFound
from api.kit.clock import Clock
from api.market.live import LiveQuotes
from api.market.service import MarketService
from api.market.sources import Sources, sources_of
from api.watchlists.crossing import Level, Side, side_of
from api.watchlists.documents import LevelDocument, WatchAlertDocument, WatchItemDocument, WatchlistDocument
from api.watchlists.holdings import Holdings, market_of, read_holdings
from api.watchlists.quotes import Priced, QuoteBoard, price_of
from api.watchlists.repository import WatchlistRepository
from api.watchlists.schemas import (
    MOST_ITEMS,
    MOST_LISTS,
    AddWatchItem,
    ChangeWatchItem,
    ChangeWatchlist,
    CreateWatchlist,
    Holding,
    WatchItem,
    WatchlistKind,
)

log = structlog.get_logger(__name__)

_TRIES = 20
_PRICE_SECONDS = 3.0


class Detail(Struct, kw_only=True, frozen=True):
    """A list, its items in order, and the accounts (by id) whose holdings are missing among them."""

    document: WatchlistDocument
    items: Sequence[WatchItem]
    failures: Mapping[str, BrokerError]


class WatchlistService:
    """A user's lists: nobody else sees them."""

    def __init__(
        self,
        *,
        watchlists: WatchlistRepository,
        accounts: AccountService,
        brokers: BrokerRegistry,
        live: LiveQuotes,
        market: MarketService,
        board: QuoteBoard,
        clock: Clock,
        new_id: Callable[[], str],
    ) -> None:
        self._watchlists = watchlists
        self._accounts = accounts
        self._brokers = brokers
        self._live = live
        self._market = market
        self._board = board
        self._clock = clock
        self._new_id = new_id

    # -- lists

    async def get(self, principal: Principal, watchlist_id: str) -> WatchlistDocument:
        """The caller's list; `NotFound` for any other."""
        document = await self._watchlists.find_of(principal.user_id, watchlist_id)
        if document is None:
            raise NotFound("There is no such watch list.")
        return document

    async def list_all(self, principal: Principal) -> list[WatchlistDocument]:
        """The caller's lists, oldest first."""
        return await self._watchlists.list_of(principal.user_id)

    async def create(self, principal: Principal, request: CreateWatchlist) -> WatchlistDocument:
        """Make an empty list; `Conflict` where there are enough, or one of holdings already."""
        full = Conflict(f"There may be {MOST_LISTS} watch lists at most.")
        if await self._watchlists.count_of(principal.user_id) >= MOST_LISTS:
            raise full
        now = self._clock.now()
        document = WatchlistDocument(
            id=self._new_id(),
            user_id=principal.user_id,
            name=request.name,
            kind=request.kind.value,
            items=[],
            due_alerts=[],
            is_watched=False,
            created_at=now,
            updated_at=now,
            version=1,
            revision=1,
        )
        try:
            await self._watchlists.insert(document)
        except DuplicateKeyError as error:
            raise Conflict("There is a list of holdings already.") from error
        if await self._watchlists.count_of(principal.user_id) > MOST_LISTS:  # others were made meanwhile
            await self._watchlists.delete(principal.user_id, document.id)
            raise full
        return document

    async def change(self, principal: Principal, watchlist_id: str, request: ChangeWatchlist) -> WatchlistDocument:
        """Change the list itself."""

        def rename(document: WatchlistDocument) -> None:
            if request.name is not UNSET:
                document.name = request.name

        return await self._write(principal, watchlist_id, rename)

    async def delete(self, principal: Principal, watchlist_id: str) -> None:
        """Remove the list and its items; alerts that came of it stay in the history."""
        if not await self._watchlists.delete(principal.user_id, watchlist_id):
            raise NotFound("There is no such watch list.")

    async def list_alerts(self, principal: Principal, *, limit: int, before_id: str | None) -> list[WatchAlertDocument]:
        """The caller's alerts, newest first."""
        return await self._watchlists.list_alerts(principal.user_id, limit=limit, before_id=before_id)

    # -- items

    async def detail(self, principal: Principal, watchlist_id: str) -> Detail:
        """The list with its items; those of a list of holdings are read from the brokers now."""
        return await self._detail(await self.get(principal, watchlist_id))

    async def add_item(self, principal: Principal, watchlist_id: str, request: AddWatchItem) -> WatchItem:
        """Put an instrument on a list.

        Raises:
            UnknownSymbol: There is no such instrument.
            Conflict: It is on the list already, the list is full, or follows holdings.
        """
        _require_by_hand(await self.get(principal, watchlist_id))
        instrument = await self._market.get(request.symbol)
        has_level = request.target_price is not None or request.stop_price is not None
        levels = await self._levels(principal, request.symbol) if has_level else _Levels(None, self._clock)
        item = WatchItemDocument(
            symbol=request.symbol,
            note=request.note,
            levels=[*levels.at(Level.TARGET, request.target_price), *levels.at(Level.STOP, request.stop_price)],
            added_at=self._clock.now(),
        )

        def add(document: WatchlistDocument) -> None:
            if _index_of(document, request.symbol) is not None:
                raise Conflict(f"{request.symbol} is on the list already.")
            if len(document.items) >= MOST_ITEMS:
                raise Conflict(f"There may be {MOST_ITEMS} instruments on a list at most.")
            document.items.insert(len(document.items) if request.position is None else request.position, item)

        document = await self._write(principal, watchlist_id, add)
        return _wire(item, instrument.name, _index_of(document, request.symbol) or 0)

    async def change_item(self, principal: Principal, watchlist_id: str, symbol: str, request: ChangeWatchItem) -> WatchItem:
        """Change what is written about an item, or its place.

        A price that is set anew is armed from the side that the market is on now; one that is named as it was stays as it was.

        Raises:
            NotFound: It is not on the list.
            Conflict: A place in a list of holdings.
            BrokerError: It may be held at an account that cannot be read.
        """
        detail = await self.detail(principal, watchlist_id)
        is_held = detail.document.kind == WatchlistKind.HELD
        before = next((item for item in detail.items if item.symbol == symbol), None)
        if before is None:
            raise next(iter(detail.failures.values()), NotFound(f"{symbol} is not on the list."))
        if is_held and request.position is not UNSET:
            raise Conflict("A list of holdings is in the order of their value.")
        levels = _Levels(None, self._clock)
        if _is_new(request.target_price, before.target_price) or _is_new(request.stop_price, before.stop_price):
            levels = await self._levels(principal, symbol)

        def edit(document: WatchlistDocument) -> None:
            index = _index_of(document, symbol)
            if index is None and not is_held:
                raise NotFound(f"{symbol} is not on the list.")
            item = WatchItemDocument(symbol=symbol, added_at=self._clock.now()) if index is None else document.items.pop(index)
            if request.note is not UNSET:
                item.note = request.note
            item.levels = [
                *levels.instead_of(item, Level.TARGET, request.target_price),
                *levels.instead_of(item, Level.STOP, request.stop_price),
            ]
            if is_held and not (item.note or item.levels):
                return
            if len(document.items) >= MOST_ITEMS:
                raise Conflict(f"There may be {MOST_ITEMS} instruments with notes or prices at most.")
            place = len(document.items) if index is None else index
            document.items.insert(place if request.position is UNSET else request.position, item)

        document = await self._write(principal, watchlist_id, edit)
        index = _index_of(document, symbol)
        item = WatchItemDocument(symbol=symbol, added_at=self._clock.now()) if index is None else document.items[index]
        if is_held:
            return _wire(None if index is None else item, before.name, before.position, symbol=symbol, holding=before.holding)
        return _wire(item, before.name, index or 0)

    async def remove_item(self, principal: Principal, watchlist_id: str, symbol: str) -> None:
        """Take an instrument off a list; `Conflict` for a list of holdings."""

        def remove(document: WatchlistDocument) -> None:
            _require_by_hand(document)
            index = _index_of(document, symbol)
            if index is None:
                raise NotFound(f"{symbol} is not on the list.")
            document.items.pop(index)

        await self._write(principal, watchlist_id, remove)

    async def quotes(self, principal: Principal, watchlist_id: str) -> tuple[Detail, list[Priced]]:
        """Prices of all items, from the brokers of the caller's accounts; `NotFound` where they have none."""
        detail = await self.detail(principal, watchlist_id)
        sources = await self._sources(principal)
        if sources is None:
            raise NotFound("Connect a broker account first: market data comes from it.")
        return detail, await self._board.ask(sources, [item.symbol for item in detail.items])

    # -- inside

    async def _write(self, principal: Principal, watchlist_id: str, change: Callable[[WatchlistDocument], None]) -> WatchlistDocument:
        for _ in range(_TRIES):
            document = await self.get(principal, watchlist_id)
            change(document)
            document.is_watched = is_watched(document)
            document.updated_at = self._clock.now()
            document.version += 1
            if await self._watchlists.replace_if_unchanged(document):
                return document
        raise Conflict("The list is being changed by others all the time: try again.")

    async def _detail(self, document: WatchlistDocument) -> Detail:
        if document.kind == WatchlistKind.HELD:
            holdings = await read_holdings(document.user_id, self._accounts, self._brokers)
            return Detail(document=document, items=await self._held(document, holdings), failures=holdings.failures)
        items = [_wire(item, await self._name(item.symbol), place) for place, item in enumerate(document.items)]
        return Detail(document=document, items=items, failures={})

    async def _held(self, document: WatchlistDocument, holdings: Holdings) -> list[WatchItem]:
        written = {item.symbol: item for item in document.items}
        return [
            _wire(written.get(symbol), await self._name(symbol, holdings.names[symbol]), place, symbol=symbol, holding=holding)
            for place, (symbol, holding) in enumerate(holdings.items.items())
        ]

    async def _name(self, symbol: str, otherwise: str = "") -> str:
        instrument = await self._market.find(symbol)
        return otherwise or symbol if instrument is None else instrument.name

    async def _sources(self, principal: Principal) -> Sources | None:
        accounts = await market_of(principal.user_id, self._accounts)
        return await sources_of(accounts, self._accounts, self._brokers, live=self._live) if accounts else None

    async def _levels(self, principal: Principal, symbol: str) -> "_Levels":
        """Levels set from where the price is now; where no broker tells it, the worker's first look decides."""
        price = None
        try:
            async with asyncio.timeout(_PRICE_SECONDS):
                sources = await self._sources(principal)
                price = None if sources is None else await price_of(sources, symbol)
        except (BrokerError, LucyError, TimeoutError) as error:
            log.info("level_set_without_price", symbol=symbol, problem=str(error))
        return _Levels(price, self._clock)


class _Levels:
    """Makes levels that begin on the side where the price is."""

    def __init__(self, price: int | None, clock: Clock) -> None:
        self._price = price
        self._since = clock.now()

    def at(self, level: Level, price: int | None) -> list[LevelDocument]:
        if price is None:
            return []
        side = Side.UNSEEN if self._price is None else side_of(level, price, self._price)
        return [LevelDocument(level=level.value, price=price, side=side.value, since=self._since)]

    def instead_of(self, item: WatchItemDocument, level: Level, price: int | UnsetType | None) -> list[LevelDocument]:
        if price is UNSET or price == item.level_price(level):
            return [stored for stored in item.levels if stored.level == level]
        return self.at(level, price)


def is_watched(document: WatchlistDocument) -> bool:
    """Whether the worker has anything to do with the list."""
    return bool(document.due_alerts) or any(item.levels for item in document.items)


def _require_by_hand(document: WatchlistDocument) -> None:
    if document.kind == WatchlistKind.HELD:
        raise Conflict("This list follows the holdings of your accounts: only notes and prices can be changed.")


def _is_new(wanted: int | UnsetType | None, stored: int | None) -> bool:
    return wanted is not UNSET and wanted is not None and wanted != stored


def _index_of(document: WatchlistDocument, symbol: str) -> int | None:
    return next((index for index, item in enumerate(document.items) if item.symbol == symbol), None)


def _wire(item: WatchItemDocument | None, name: str, position: int, *, symbol: str = "", holding: Holding | None = None) -> WatchItem:
    return WatchItem(
        symbol=symbol if item is None else item.symbol,
        name=name,
        position=position,
        note="" if item is None else item.note,
        target_price=None if item is None else item.level_price(Level.TARGET),
        stop_price=None if item is None else item.level_price(Level.STOP),
        added_at=None if item is None else item.added_at,
        holding=holding,
    )
