"""Routes of instruments and quotes."""

from typing import Annotated

from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter

from api.accounts.service import AccountService
from api.auth.principal import Principal
from api.brokers.registry import BrokerRegistry
from api.domain.enums import Permission
from api.errors import InvalidRequest, NotFound
from api.market.schemas import Instrument, InstrumentPage, QuoteList
from api.market.service import MarketService, to_wire
from api.problems import problems

_MOST_QUOTES = 30


class InstrumentController(Controller):
    """Search and read instruments."""

    path = "/instruments"
    tags = ["market"]  # noqa: RUF012 - Litestar declares it so

    @get(operation_id="searchInstruments", summary="Search instruments", responses=problems(400, 401, 422))
    async def search(
        self,
        market_service: NamedDependency[MarketService],
        principal: NamedDependency[Principal],
        text: Annotated[
            str, QueryParameter(name="query", max_length=40, description="Code, Korean or English name, or initial consonants (ㅅㅅㅈㅈ).")
        ] = "",
        limit: Annotated[int, QueryParameter(ge=1, le=100)] = 20,
    ) -> InstrumentPage:
        """Instruments that fit, best first."""
        return InstrumentPage(items=await market_service.search(text, limit), next_cursor=None)

    @get("/{symbol:str}", operation_id="getInstrument", summary="One instrument", responses=problems(401, 404))
    async def get_instrument(
        self, symbol: FromPath[str], market_service: NamedDependency[MarketService], principal: NamedDependency[Principal]
    ) -> Instrument:
        """One instrument with today's limits."""
        instrument = await market_service.find(symbol)
        if instrument is None:
            raise NotFound(f"No instrument has the symbol {symbol}.")
        return to_wire(instrument)


class QuoteController(Controller):
    """Current prices."""

    path = "/quotes"
    tags = ["market"]  # noqa: RUF012 - Litestar declares it so

    @get(operation_id="getQuotes", summary="Current prices", responses=problems(400, 401, 404, 422, 429, 502, 503))
    async def get_quotes(
        self,
        symbols: Annotated[str, QueryParameter(description="Symbols, comma separated, at most 30.", max_length=400)],
        market_service: NamedDependency[MarketService],
        account_service: NamedDependency[AccountService],
        broker_registry: NamedDependency[BrokerRegistry],
        principal: NamedDependency[Principal],
    ) -> QuoteList:
        """Current prices from the brokers of the caller's accounts."""
        wanted = list(dict.fromkeys(symbol.strip() for symbol in symbols.split(",") if symbol.strip()))
        if not wanted or len(wanted) > _MOST_QUOTES:
            raise InvalidRequest(f"Name 1 to {_MOST_QUOTES} symbols.", errors=[{"field": "symbols", "message": "how many"}])
        account_ids = await account_service.visible_account_ids(principal, Permission.VIEW)
        if not account_ids:
            raise NotFound("Connect a broker account first: quotes come from it.")
        adapters = [
            broker_registry.adapter(await account_service.credentials(await account_service.get(account_id))) for account_id in account_ids
        ]
        return QuoteList(items=await market_service.quotes(wanted, adapters))
