"""Routes of watch lists."""

from collections.abc import Mapping
from typing import Annotated

from litestar import Controller, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter, QueryParameter
from msgspec.structs import asdict

from api.auth.principal import Principal
from api.brokers.errors import BrokerError
from api.errors import LucyError
from api.kit.clock import Clock
from api.kit.cursors import decode_cursor, encode_cursor
from api.problems import problems, words_of
from api.watchlists.quotes import Priced
from api.watchlists.schemas import (
    AddWatchItem,
    ChangeWatchItem,
    ChangeWatchlist,
    CreateWatchlist,
    HoldingsProblem,
    WatchAlert,
    WatchAlertPage,
    WatchItem,
    Watchlist,
    WatchlistDetail,
    WatchlistPage,
    WatchProblem,
    WatchQuote,
    WatchQuoteList,
)
from api.watchlists.service import WatchlistService

_ID = PathParameter(pattern=r"^[0-9a-f]{24}$", description="Id of the watch list.")
_SYMBOL = PathParameter(pattern=r"^[0-9A-Z]{6}$", description="Symbol of the item.")


class WatchlistController(Controller):
    """Lists of instruments with notes and prices to be told of; each user has their own."""

    path = "/watchlists"
    tags = ["watchlists"]  # noqa: RUF012 - Litestar declares it so

    @get(operation_id="listWatchlists", summary="List watch lists", responses=problems(401))
    async def list_watchlists(
        self, principal: NamedDependency[Principal], watchlist_service: NamedDependency[WatchlistService]
    ) -> WatchlistPage:
        """The caller's lists, without their items."""
        return WatchlistPage(items=[Watchlist.of(each) for each in await watchlist_service.list_all(principal)], next_cursor=None)

    @post(operation_id="createWatchlist", summary="Make a watch list", responses=problems(400, 401, 403, 409, 422))
    async def create_watchlist(
        self, data: JSONBody[CreateWatchlist], principal: NamedDependency[Principal], watchlist_service: NamedDependency[WatchlistService]
    ) -> Watchlist:
        """An empty list; one of the kind `held` fills itself with what the caller's accounts hold."""
        return Watchlist.of(await watchlist_service.create(principal, data))

    @get("/alerts", operation_id="listWatchAlerts", summary="Past alerts", responses=problems(400, 401, 422))
    async def list_alerts(
        self,
        principal: NamedDependency[Principal],
        watchlist_service: NamedDependency[WatchlistService],
        limit: Annotated[int, QueryParameter(ge=1, le=500)] = 100,
        cursor: Annotated[str | None, QueryParameter(max_length=200)] = None,
    ) -> WatchAlertPage:
        """Crossings of all the caller's lists, newest first; each came as an event `watch_alert` too."""
        found = await watchlist_service.list_alerts(principal, limit=limit + 1, before_id=decode_cursor(cursor))
        next_cursor = encode_cursor(found[limit - 1].id) if len(found) > limit else None
        return WatchAlertPage(items=[WatchAlert.of(alert) for alert in found[:limit]], next_cursor=next_cursor)

    @get("/{watchlist_id:str}", operation_id="getWatchlist", summary="One watch list", responses=problems(401, 404))
    async def get_watchlist(
        self,
        watchlist_id: Annotated[str, _ID],
        principal: NamedDependency[Principal],
        watchlist_service: NamedDependency[WatchlistService],
    ) -> WatchlistDetail:
        """The list with its items. Holdings are asked of the brokers now; an account that does not answer is among the `problems`."""
        detail = await watchlist_service.detail(principal, watchlist_id)
        members = asdict(Watchlist.of(detail.document))
        return WatchlistDetail(**members, items=list(detail.items), problems=_missing(detail.failures))

    @patch(
        "/{watchlist_id:str}", operation_id="changeWatchlist", summary="Change a watch list", responses=problems(400, 401, 404, 409, 422)
    )
    async def change_watchlist(
        self,
        watchlist_id: Annotated[str, _ID],
        data: JSONBody[ChangeWatchlist],
        principal: NamedDependency[Principal],
        watchlist_service: NamedDependency[WatchlistService],
    ) -> Watchlist:
        """Rename it. Of two changes at once both hold, each in what it names; so with items."""
        return Watchlist.of(await watchlist_service.change(principal, watchlist_id, data))

    @delete("/{watchlist_id:str}", operation_id="deleteWatchlist", summary="Remove a watch list", responses=problems(401, 403, 404))
    async def delete_watchlist(
        self,
        watchlist_id: Annotated[str, _ID],
        principal: NamedDependency[Principal],
        watchlist_service: NamedDependency[WatchlistService],
    ) -> None:
        """Remove it with its items; past alerts stay."""
        await watchlist_service.delete(principal, watchlist_id)

    @get(
        "/{watchlist_id:str}/quotes",
        operation_id="getWatchlistQuotes",
        summary="Prices of a watch list",
        responses=problems(401, 404),
    )
    async def get_quotes(
        self,
        watchlist_id: Annotated[str, _ID],
        principal: NamedDependency[Principal],
        watchlist_service: NamedDependency[WatchlistService],
        clock: NamedDependency[Clock],
    ) -> WatchQuoteList:
        """A price for each item, from the brokers of the caller's accounts, as of its own moment.

        What no broker told within some 8 s has a `problem` and the last known price; a long list fills up over several calls.
        """
        detail, priced = await watchlist_service.quotes(principal, watchlist_id)
        names = {item.symbol: item.name for item in detail.items}
        return WatchQuoteList(
            watchlist_id=watchlist_id,
            items=[_quote(each, names[each.symbol]) for each in priced],
            problems=_missing(detail.failures),
            at=clock.now(),
        )

    @post(
        "/{watchlist_id:str}/items",
        operation_id="addWatchItem",
        summary="Put an instrument on a watch list",
        responses=problems(400, 401, 403, 404, 409, 422),
    )
    async def add_item(
        self,
        watchlist_id: Annotated[str, _ID],
        data: JSONBody[AddWatchItem],
        principal: NamedDependency[Principal],
        watchlist_service: NamedDependency[WatchlistService],
    ) -> WatchItem:
        """Add an instrument, with a note and prices to be told of; not to a list of the kind `held`.

        An alert comes when the price, looked at every few seconds in market hours, crosses a level: from below to the target or above, from
        above to the stop or below. It comes again once the price has been back across, or after the level was changed.
        """
        return await watchlist_service.add_item(principal, watchlist_id, data)

    @patch(
        "/{watchlist_id:str}/items/{symbol:str}",
        operation_id="changeWatchItem",
        summary="Change an item of a watch list",
        responses=problems(400, 401, 403, 404, 409, 422, 429, 502, 503),
    )
    async def change_item(
        self,
        watchlist_id: Annotated[str, _ID],
        symbol: Annotated[str, _SYMBOL],
        data: JSONBody[ChangeWatchItem],
        principal: NamedDependency[Principal],
        watchlist_service: NamedDependency[WatchlistService],
    ) -> WatchItem:
        """Change note, prices or place. What is written about a holding stays with its symbol when it is sold and bought again."""
        return await watchlist_service.change_item(principal, watchlist_id, symbol, data)

    @delete(
        "/{watchlist_id:str}/items/{symbol:str}",
        operation_id="removeWatchItem",
        summary="Take an instrument off a watch list",
        responses=problems(401, 403, 404, 409),
    )
    async def remove_item(
        self,
        watchlist_id: Annotated[str, _ID],
        symbol: Annotated[str, _SYMBOL],
        principal: NamedDependency[Principal],
        watchlist_service: NamedDependency[WatchlistService],
    ) -> None:
        """Remove an item, with what was written about it."""
        await watchlist_service.remove_item(principal, watchlist_id, symbol)


def _quote(priced: Priced, name: str) -> WatchQuote:
    problem = None if priced.problem is None else _problem(priced.problem)
    as_of = None if priced.quote is None else priced.quote.at
    return WatchQuote(symbol=priced.symbol, name=name, quote=priced.quote, as_of=as_of, problem=problem)


def _missing(failures: Mapping[str, BrokerError]) -> list[HoldingsProblem]:
    return [HoldingsProblem(account_id=account_id, **asdict(_problem(error))) for account_id, error in failures.items()]


def _problem(error: BrokerError | LucyError) -> WatchProblem:
    words = words_of(error)
    return WatchProblem(code=words.code, detail=words.detail, retryable=words.is_retryable)
