"""Watching the prices that users have set, and telling each crossing once.

A round asks for the price of each symbol once, however many lists hold it, notes where it stands to each level, and tells of the levels
that it has crossed since the last look. A crossing is stored with the list in one step, side and alert together; then the alert goes to the
history and to the user's events, and is struck off the list. A process that dies anywhere between leaves the alert on the list, and the
next round tells it: the history knows its id, and so does the script that writes events, so it is told once.

Choice: only a look finds a crossing. A price that went over a level and came back within one interval is not told, as on a screen that is
read every few seconds; the high of the day would tell of it, but not of when, nor again after the first time.
"""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime

import msgspec
import structlog
from msgspec import Struct

from api.accounts.service import AccountService, BrokerAccount
from api.brokers.errors import BrokerError
from api.brokers.registry import BrokerRegistry
from api.calendar.service import CalendarService
from api.domain.enums import Environment
from api.errors import LucyError
from api.events.publisher import EventBody, EventPublisher
from api.events.schemas import WatchAlertEvent
from api.kit.clock import Clock
from api.market.service import MarketService
from api.market.sources import sources_of
from api.users.service import UserService
from api.watchlists.crossing import Level, Side, is_crossed, side_of
from api.watchlists.documents import DueAlertDocument, LevelDocument, WatchAlertDocument, WatchItemDocument, WatchlistDocument
from api.watchlists.holdings import Holdings, market_of, read_holdings
from api.watchlists.quotes import price_of
from api.watchlists.repository import WatchlistRepository
from api.watchlists.schemas import WatchAlert, WatchlistKind
from api.watchlists.service import is_watched

log = structlog.get_logger(__name__)

_AT_A_TIME = 4
_TRIES = 5

Symbols = tuple[bool, str]
"""Whether in the sandbox's market, and the symbol there."""


class Seen(Struct, frozen=True):
    """A price in won, and when it was asked for."""

    price: int
    asked_at: datetime


class PriceWatch:
    """Rounds over all lists of all users. Two at once do no harm, they only ask twice."""

    def __init__(
        self,
        *,
        watchlists: WatchlistRepository,
        accounts: AccountService,
        brokers: BrokerRegistry,
        market: MarketService,
        users: UserService,
        calendar: CalendarService,
        publisher: EventPublisher,
        clock: Clock,
        new_id: Callable[[], str],
    ) -> None:
        self._watchlists = watchlists
        self._accounts = accounts
        self._brokers = brokers
        self._market = market
        self._users = users
        self._calendar = calendar
        self._publisher = publisher
        self._clock = clock
        self._new_id = new_id

    async def round(self) -> int:
        """Tell what is due, look at every price that somebody set, tell what was crossed.

        Returns:
            How many alerts were told.
        """
        told = 0
        lists = [document async for document in self._watchlists.watched()]
        if not lists:
            return 0
        active = await self._users.active_among({document.user_id for document in lists})
        lists = [document for document in lists if document.user_id in active]
        markets = {user_id: await market_of(user_id, self._accounts) for user_id in {document.user_id for document in lists}}
        seen = await self._look(lists, markets)
        holdings = _HoldingsOfRound(self._accounts, self._brokers)
        for document in lists:
            accounts = markets[document.user_id]
            prices = {symbol: price for (is_sandbox, symbol), price in seen.items() if accounts and is_sandbox is _is_sandbox(accounts[0])}
            told += await self._note(document, prices, holdings)
        return told

    # -- looking

    async def _look(self, lists: list[WatchlistDocument], markets: Mapping[str, list[BrokerAccount]]) -> dict[Symbols, Seen]:
        is_open = {True: True, False: any(session.is_open for session in (await self._calendar.sessions()).items)}
        wanted: dict[Symbols, dict[str, BrokerAccount]] = {}
        for document in lists:
            accounts = markets[document.user_id]
            if not accounts or not is_open[_is_sandbox(accounts[0])]:
                continue
            for item in document.items:
                if item.levels:
                    by_id = wanted.setdefault((_is_sandbox(accounts[0]), item.symbol), {})
                    by_id.update({account.id: account for account in accounts})
        room = asyncio.Semaphore(_AT_A_TIME)
        found = await asyncio.gather(
            *(self._ask(symbol, list(accounts.values()), number, room) for number, ((_, symbol), accounts) in enumerate(wanted.items()))
        )
        return {key: seen for key, seen in zip(wanted, found, strict=True) if seen is not None}

    async def _ask(self, symbol: str, accounts: list[BrokerAccount], number: int, room: asyncio.Semaphore) -> Seen | None:
        async with room:
            asked_at = self._clock.now()
            try:
                sources = await sources_of(accounts, self._accounts, self._brokers)
                return Seen(await price_of(sources, symbol, start=number), asked_at)
            except (BrokerError, LucyError) as error:  # the next round asks again
                log.info("price_not_seen", symbol=symbol, problem=str(error))
                return None

    # -- noting

    async def _note(self, document: WatchlistDocument | None, prices: Mapping[str, Seen], holdings: "_HoldingsOfRound") -> int:
        for _ in range(_TRIES):
            if document is None:
                return 0
            has_moved = False
            for item in document.items:
                if (seen := prices.get(item.symbol)) is not None:
                    has_moved |= await self._move(document, item, seen, holdings)
            if not has_moved:
                return await self._tell(document) if document.due_alerts else 0
            if await self._watchlists.replace_if_unchanged(document):
                document.revision += 1
                return await self._tell(document) if document.due_alerts else 0
            document = await self._watchlists.find(document.id)
        return 0

    async def _move(self, document: WatchlistDocument, item: WatchItemDocument, seen: Seen, holdings: "_HoldingsOfRound") -> bool:
        has_moved = False
        for stored in item.levels:
            if seen.asked_at <= stored.since:
                continue
            before, now = Side(stored.side), side_of(Level(stored.level), stored.price, seen.price)
            if before is now:
                continue
            if is_crossed(before, now):
                is_meant = document.kind != WatchlistKind.HELD or await holdings.is_held(document.user_id, item.symbol)
                if is_meant is None:
                    continue  # the accounts cannot be read now: the level stays as it is until they can
                if is_meant:
                    document.due_alerts.append(self._due(item, stored, seen))
                    document.is_watched = True
            stored.side, stored.since = now.value, seen.asked_at
            has_moved = True
        return has_moved

    def _due(self, item: WatchItemDocument, stored: LevelDocument, seen: Seen) -> DueAlertDocument:
        return DueAlertDocument(
            id=self._new_id(),
            symbol=item.symbol,
            level=stored.level,
            level_price=stored.price,
            price=seen.price,
            note=item.note,
            at=seen.asked_at,
        )

    # -- telling

    async def _tell(self, document: WatchlistDocument) -> int:
        told = {due.id for due in document.due_alerts}
        for due in document.due_alerts:
            instrument = await self._market.find(due.symbol)
            alert = WatchAlertDocument(
                user_id=document.user_id,
                watchlist_id=document.id,
                watchlist_name=document.name,
                name=due.symbol if instrument is None else instrument.name,
                **due.model_dump(),
            )
            await self._watchlists.keep_alert(alert)
            event = WatchAlertEvent(type="watch_alert", at=alert.at, alert=WatchAlert.of(alert))
            body = EventBody("watch_alert", msgspec.json.encode(event))
            await self._publisher.publish_versions(alert.id, [alert.user_id], [(1, [body])])  # a repeat is dropped, as an order's is
            log.info("watch_alert", watchlist_id=document.id, symbol=due.symbol, level=due.level)
        current: WatchlistDocument | None = document
        for _ in range(_TRIES):  # else the next round tells them again, to nobody
            if current is None:
                break
            current.due_alerts = [due for due in current.due_alerts if due.id not in told]
            current.is_watched = is_watched(current)
            if await self._watchlists.replace_if_unchanged(current):
                break
            current = await self._watchlists.find(document.id)
        return len(told)


class _HoldingsOfRound:
    """Holdings of users, read at most once a round, and only where a crossing asks for them."""

    def __init__(self, accounts: AccountService, brokers: BrokerRegistry) -> None:
        self._accounts = accounts
        self._brokers = brokers
        self._known: dict[str, Holdings] = {}

    async def is_held(self, user_id: str, symbol: str) -> bool | None:
        """Whether the user holds it; None where that cannot be told."""
        if user_id not in self._known:
            self._known[user_id] = await read_holdings(user_id, self._accounts, self._brokers)
        holdings = self._known[user_id]
        return True if symbol in holdings.items else None if holdings.failures else False


def _is_sandbox(account: BrokerAccount) -> bool:
    return account.environment is Environment.SANDBOX
