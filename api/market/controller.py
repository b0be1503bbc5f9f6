"""Routes of instruments and market data."""

import asyncio
from datetime import date
from typing import Annotated, Any

from litestar import Controller, get
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath, QueryParameter
from msgspec.structs import asdict

from api.auth.principal import Principal
from api.brokers.capabilities import Inquiry
from api.brokers.errors import BrokerProtocolError
from api.brokers.market_data import FinancialRatio as BrokerRatio
from api.brokers.market_data import RankedInstrument as BrokerRanked
from api.domain.enums import Broker, CandleInterval, RankingKind
from api.errors import InvalidRequest
from api.kit.clock import Clock, kst_day
from api.market.asking import RatioPeriod, asked_instrument, asked_span
from api.market.schemas import (
    BookLevel,
    Candle,
    CandleList,
    FinancialRatio,
    FinancialRatioList,
    Instrument,
    InstrumentPage,
    InvestmentOpinion,
    InvestmentOpinionList,
    OrderBook,
    QuoteList,
    RankedInstrument,
    Ranking,
)
from api.market.service import MarketService, to_quote, to_wire
from api.market.sources import Sources, has, provide_sources
from api.problems import problems

_MOST_QUOTES = 30
_BROKER_PROBLEMS = (401, 404, 422, 429, 502, 503)

_SPANS = {
    CandleInterval.MINUTE: (0, 7),
    CandleInterval.DAY: (180, 1_100),
    CandleInterval.WEEK: (730, 3_700),
    CandleInterval.MONTH: (3_650, 14_700),
    CandleInterval.YEAR: (14_600, 29_300),
}
"""Days before the last one: asked for where the caller names none, and at most. A bar costs the account's call limit: 100 to 120 a call."""

_OPINION_DAYS = (90, 730)


class InstrumentController(Controller):
    """Search and read instruments."""

    path = "/instruments"
    tags = ["market"]  # noqa: RUF012 - Litestar declares it so
    dependencies = {"sources": Provide(provide_sources)}  # noqa: RUF012 - Litestar declares it so

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
        return to_wire(await asked_instrument(market_service, symbol))

    @get(
        "/{symbol:str}/financial-ratios",
        operation_id="listFinancialRatios",
        summary="A company's financial ratios",
        responses=problems(400, *_BROKER_PROBLEMS),
    )
    async def list_financial_ratios(
        self,
        symbol: FromPath[str],
        market_service: NamedDependency[MarketService],
        sources: NamedDependency[Sources],
        period: Annotated[RatioPeriod, QueryParameter(description="Fiscal years or quarters.")] = RatioPeriod.YEAR,
    ) -> FinancialRatioList:
        """Growth, profitability and figures a share by fiscal period, newest first."""
        await asked_instrument(market_service, symbol)
        ratios, broker = await sources.ask(
            "financial ratios",
            has(Inquiry.FINANCIAL_RATIOS),
            lambda adapter: adapter.list_financial_ratios(symbol, is_quarterly=period is RatioPeriod.QUARTER),
        )
        return FinancialRatioList(symbol=symbol, broker=broker, items=[_ratio(ratio, broker) for ratio in ratios])

    @get(
        "/{symbol:str}/opinions",
        operation_id="listInvestmentOpinions",
        summary="Analysts' opinions",
        responses=problems(400, *_BROKER_PROBLEMS),
    )
    async def list_opinions(
        self,
        symbol: FromPath[str],
        market_service: NamedDependency[MarketService],
        sources: NamedDependency[Sources],
        clock: NamedDependency[Clock],
        from_day: Annotated[date | None, QueryParameter(name="from", description="First KST day; 90 days before `to` without it.")] = None,
        to_day: Annotated[date | None, QueryParameter(name="to", description="Last KST day; today without it.")] = None,
    ) -> InvestmentOpinionList:
        """Opinions and target prices of securities firms, newest first; at most two years at once."""
        await asked_instrument(market_service, symbol)
        first, last = asked_span(from_day, to_day, kst_day(clock.now()), *_OPINION_DAYS)
        opinions, broker = await sources.ask(
            "analysts' opinions",
            has(Inquiry.INVESTMENT_OPINIONS),
            lambda adapter: adapter.list_investment_opinions(symbol, first=first, last=last),
        )
        return InvestmentOpinionList(symbol=symbol, broker=broker, items=[InvestmentOpinion(**asdict(each)) for each in opinions])


class QuoteController(Controller):
    """Current prices."""

    path = "/quotes"
    tags = ["market"]  # noqa: RUF012 - Litestar declares it so
    dependencies = {"sources": Provide(provide_sources)}  # noqa: RUF012 - Litestar declares it so

    @get(operation_id="getQuotes", summary="Current prices", responses=problems(400, *_BROKER_PROBLEMS))
    async def get_quotes(
        self,
        symbols: Annotated[str, QueryParameter(description="Symbols, comma separated, at most 30.", max_length=400)],
        market_service: NamedDependency[MarketService],
        sources: NamedDependency[Sources],
        clock: NamedDependency[Clock],
    ) -> QuoteList:
        """Current prices from the brokers of the caller's accounts, the symbols spread over them."""
        wanted = list(dict.fromkeys(symbol.strip() for symbol in symbols.split(",") if symbol.strip()))
        if not wanted or len(wanted) > _MOST_QUOTES:
            raise InvalidRequest(f"Name 1 to {_MOST_QUOTES} symbols.", errors=[{"field": "symbols", "message": "how many"}])
        instruments = [await market_service.get(symbol) for symbol in wanted]
        found = await asyncio.gather(*(sources.quote(each.symbol, start=number) for number, each in enumerate(instruments)))
        now = clock.now()
        return QuoteList(items=[to_quote(each, quote, broker, now) for each, (quote, broker) in zip(instruments, found, strict=True)])

    @get("/{symbol:str}/book", operation_id="getOrderBook", summary="The order book", responses=problems(400, *_BROKER_PROBLEMS))
    async def get_order_book(
        self, symbol: FromPath[str], market_service: NamedDependency[MarketService], sources: NamedDependency[Sources]
    ) -> OrderBook:
        """Prices and shares on both sides now."""
        await asked_instrument(market_service, symbol)
        book, broker = await sources.ask("order books", has(Inquiry.ORDER_BOOK), lambda adapter: adapter.get_order_book(symbol))
        return OrderBook(
            symbol=symbol,
            asks=[BookLevel(price=level.price, quantity=level.quantity) for level in book.asks],
            bids=[BookLevel(price=level.price, quantity=level.quantity) for level in book.bids],
            total_ask_quantity=book.total_ask_quantity,
            total_bid_quantity=book.total_bid_quantity,
            expected_price=book.expected_price,
            expected_quantity=book.expected_quantity,
            broker=broker,
            at=book.at,
        )


class CandleController(Controller):
    """Price charts."""

    path = "/candles"
    tags = ["market"]  # noqa: RUF012 - Litestar declares it so
    dependencies = {"sources": Provide(provide_sources)}  # noqa: RUF012 - Litestar declares it so

    @get("/{symbol:str}", operation_id="listCandles", summary="Bars of a price chart", responses=problems(400, *_BROKER_PROBLEMS))
    async def list_candles(
        self,
        symbol: FromPath[str],
        market_service: NamedDependency[MarketService],
        sources: NamedDependency[Sources],
        clock: NamedDependency[Clock],
        interval: Annotated[CandleInterval, QueryParameter(description="Length of a bar.")] = CandleInterval.DAY,
        from_day: Annotated[date | None, QueryParameter(name="from", description="First KST day; some 120 bars without it.")] = None,
        to_day: Annotated[date | None, QueryParameter(name="to", description="Last KST day; today without it.")] = None,
    ) -> CandleList:
        """Bars of an instrument, oldest first.

        At most 7 days of minutes, 3 years of days, 10 of weeks, 40 of months and 80 of years at once.
        """
        await asked_instrument(market_service, symbol)
        first, last = asked_span(from_day, to_day, kst_day(clock.now()), *_SPANS[interval])
        candles, broker = await sources.ask(
            f"candles of {interval}",
            lambda capabilities: interval in capabilities.candle_intervals,
            lambda adapter: adapter.list_candles(symbol, interval, first=first, last=last),
        )
        return CandleList(symbol=symbol, interval=interval, broker=broker, items=[Candle(**asdict(candle)) for candle in candles])


class RankingController(Controller):
    """What moves today."""

    path = "/rankings"
    tags = ["market"]  # noqa: RUF012 - Litestar declares it so
    dependencies = {"sources": Provide(provide_sources)}  # noqa: RUF012 - Litestar declares it so

    @get("/{kind:str}", operation_id="getRanking", summary="A ranking of all markets", responses=problems(400, *_BROKER_PROBLEMS))
    async def get_ranking(self, kind: FromPath[RankingKind], sources: NamedDependency[Sources], clock: NamedDependency[Clock]) -> Ranking:
        """The most traded instruments, those that rose or fell most, most wanted, most bought by foreigners and institutions."""
        rows, broker = await sources.ask(
            f"a ranking by {kind}", lambda capabilities: kind in capabilities.rankings, lambda adapter: adapter.list_ranking(kind)
        )
        items = [_ranked(row) for row in rows]
        return Ranking(kind=kind, broker=broker, items=items, at=clock.now())


def _ranked(row: BrokerRanked) -> RankedInstrument:
    growth = None if row.volume_growth is None else float(row.volume_growth)
    return RankedInstrument(**asdict(row) | {"change_rate": float(row.change_rate), "volume_growth": growth})


def _ratio(ratio: BrokerRatio, broker: Broker) -> FinancialRatio:
    figures: dict[str, Any] = asdict(ratio)
    period = figures.pop("period")
    for name, text in figures.items():
        try:
            figures[name] = float(text) if text else None
        except ValueError as error:
            raise BrokerProtocolError(broker, "financial ratios", name, f"{text!r} is no number") from error
    return FinancialRatio(period=period, **figures)
