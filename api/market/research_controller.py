"""Routes of what brokers know of stocks besides prices: statements, investors, opinions by firm."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated

from litestar import Controller, get
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath, QueryParameter
from msgspec.structs import asdict

from api.brokers.capabilities import Inquiry
from api.brokers.research import FirmOpinion as BrokerOpinion
from api.domain.financials import FIGURES, FinancialKind
from api.kit.clock import Clock, kst_day
from api.market.asking import RatioPeriod, asked_instrument, asked_span
from api.market.research_schemas import (
    FinancialFigure,
    FinancialPeriod,
    FinancialStatement,
    FirmOpinion,
    FirmOpinionList,
    InvestorDay,
    InvestorDayList,
    SecuritiesFirm,
    SecuritiesFirmList,
)
from api.market.service import MarketService
from api.market.sources import Sources, has, provide_sources
from api.problems import problems

_BROKER_PROBLEMS = (400, 401, 404, 422, 429, 502, 503)
_OPINION_DAYS = (30, 366)
_FIRM = r"^[0-9A-Z]{1,8}$"


class ResearchController(Controller):
    """Statements and investors of one stock."""

    path = "/instruments"
    tags = ["market"]  # noqa: RUF012 - Litestar declares it so
    dependencies = {"sources": Provide(provide_sources)}  # noqa: RUF012 - Litestar declares it so

    @get(
        "/{symbol:str}/financials/{kind:str}",
        operation_id="getFinancials",
        summary="A company's financial statements",
        responses=problems(*_BROKER_PROBLEMS),
    )
    async def get_financials(
        self,
        symbol: FromPath[str],
        kind: FromPath[FinancialKind],
        market_service: NamedDependency[MarketService],
        sources: NamedDependency[Sources],
        period: Annotated[RatioPeriod, QueryParameter(description="Fiscal years or quarters.")] = RatioPeriod.YEAR,
    ) -> FinancialStatement:
        """One kind of statement or of ratios by fiscal period, newest first."""
        await asked_instrument(market_service, symbol)
        is_quarterly = period is RatioPeriod.QUARTER
        rows, broker = await sources.ask(
            "financial statements",
            has(Inquiry.FINANCIALS),
            lambda adapter: adapter.research.list_financials(symbol, kind, is_quarterly=is_quarterly),
        )
        return FinancialStatement(
            symbol=symbol,
            kind=kind,
            period=period,
            broker=broker,
            is_cumulative=is_quarterly and kind is FinancialKind.INCOME_STATEMENT,
            figures=[FinancialFigure(**asdict(figure)) for figure in FIGURES[kind]],
            items=[FinancialPeriod(period=row.period, values=_numbers(row.values)) for row in rows],
        )

    @get(
        "/{symbol:str}/investors",
        operation_id="listInvestorDays",
        summary="Net buying by kinds of investors",
        responses=problems(*_BROKER_PROBLEMS),
    )
    async def list_investors(
        self, symbol: FromPath[str], market_service: NamedDependency[MarketService], sources: NamedDependency[Sources]
    ) -> InvestorDayList:
        """What individuals, foreigners and institutions bought less what they sold, by day."""
        await asked_instrument(market_service, symbol)
        days, broker = await sources.ask(
            "net buying by investors", has(Inquiry.INVESTORS), lambda adapter: adapter.research.list_investor_days(symbol)
        )
        return InvestorDayList(symbol=symbol, broker=broker, items=[InvestorDay(**asdict(day)) for day in days])


class OpinionController(Controller):
    """Opinions by the firm that gives them."""

    path = "/investment-opinions"
    tags = ["market"]  # noqa: RUF012 - Litestar declares it so
    dependencies = {"sources": Provide(provide_sources)}  # noqa: RUF012 - Litestar declares it so

    @get(operation_id="listFirmOpinions", summary="A firm's opinions", responses=problems(*_BROKER_PROBLEMS))
    async def list_firm_opinions(
        self,
        firm: Annotated[str, QueryParameter(pattern=_FIRM, description="A `code` of `GET /investment-opinions/firms`.")],
        sources: NamedDependency[Sources],
        clock: NamedDependency[Clock],
        from_day: Annotated[date | None, QueryParameter(name="from", description="First KST day; 30 days before `to` without it.")] = None,
        to_day: Annotated[date | None, QueryParameter(name="to", description="Last KST day; today without it.")] = None,
    ) -> FirmOpinionList:
        """What a firm's analysts think of all stocks, newest first; at most a year at once. None for an unknown code."""
        first, last = asked_span(from_day, to_day, kst_day(clock.now()), *_OPINION_DAYS)
        opinions, broker = await sources.ask(
            "opinions by firm",
            has(Inquiry.FIRM_OPINIONS),
            lambda adapter: adapter.research.list_firm_opinions(firm, first=first, last=last),
        )
        return FirmOpinionList(firm=firm, broker=broker, items=[_opinion(each) for each in opinions])

    @get("/firms", operation_id="listSecuritiesFirms", summary="Firms that give opinions", responses=problems(*_BROKER_PROBLEMS))
    async def list_firms(self, sources: NamedDependency[Sources]) -> SecuritiesFirmList:
        """The firms that the broker can be asked about."""
        firms, broker = await sources.ask("opinions by firm", has(Inquiry.FIRM_OPINIONS), lambda adapter: adapter.research.list_firms())
        return SecuritiesFirmList(broker=broker, items=[SecuritiesFirm(**asdict(firm)) for firm in firms])


def _numbers(texts: Mapping[str, str | None]) -> dict[str, float | None]:
    return {name: None if text is None else float(text) for name, text in texts.items()}


def _opinion(opinion: BrokerOpinion) -> FirmOpinion:
    target, price = opinion.target_price, opinion.price
    gap = None if target is None or price <= 0 else round((target - price) / price * 100, 2)
    return FirmOpinion(**asdict(opinion), gap_rate=gap)
