"""Statements, investors, opinions by firm, and the lists of a broker's own terminal, on the wire."""

from datetime import date
from typing import Annotated

from msgspec import Meta, Struct

from api.domain.enums import Broker
from api.domain.financials import FigureUnit, FinancialKind
from api.market.asking import RatioPeriod


class FinancialFigure(Struct, kw_only=True, frozen=True):
    """One line of a statement: its name in ``values``, what it is called, and its unit (``hundred_million_won``: 억원)."""

    name: str
    label_ko: str
    label_en: str
    unit: FigureUnit


class FinancialPeriod(Struct, kw_only=True, frozen=True):
    """The figures of one fiscal period; null is what the broker does not tell."""

    period: Annotated[str, Meta(description="Last month of the period, `YYYYMM`.", examples=["202609"])]
    values: dict[str, float | None]


class FinancialStatement(Struct, kw_only=True, frozen=True):
    """One kind of statement, newest period first; no periods for what has no accounts of its own (ETF).

    ``is_cumulative``: quarters are summed up from the begin of their year, as the broker tells them.
    """

    symbol: str
    kind: FinancialKind
    period: RatioPeriod
    broker: Broker
    is_cumulative: bool
    figures: list[FinancialFigure]
    items: list[FinancialPeriod]


class InvestorDay(Struct, kw_only=True, frozen=True):
    """Net buying of one day, negative for selling: shares and won; null until the broker has counted the day."""

    day: date
    close_price: int
    change: int
    individual_quantity: int | None
    foreign_quantity: int | None
    institution_quantity: int | None
    individual_amount: int | None
    foreign_amount: int | None
    institution_amount: int | None


class InvestorDayList(Struct, kw_only=True, frozen=True):
    """Net buying by individuals, foreigners and institutions, newest day first; some 30 days."""

    symbol: str
    broker: Broker
    items: list[InvestorDay]


class SecuritiesFirm(Struct, kw_only=True, frozen=True):
    """A firm whose analysts give opinions; ``code`` is the broker's."""

    code: str
    name: str
    is_foreign: bool


class SecuritiesFirmList(Struct, kw_only=True, frozen=True):
    """All firms that can be asked about."""

    broker: Broker
    items: list[SecuritiesFirm]


class FirmOpinion(Struct, kw_only=True, frozen=True):
    """One opinion, in the firm's own words. ``gap_rate``: how far the target lies above the price now, in percent of the price."""

    published_on: date
    symbol: str
    name: str
    opinion: str
    previous_opinion: str
    target_price: int | None
    price: int
    gap_rate: float | None


class FirmOpinionList(Struct, kw_only=True, frozen=True):
    """A firm's opinions, newest first."""

    firm: str
    broker: Broker
    items: list[FirmOpinion]


class SavedCondition(Struct, kw_only=True, frozen=True):
    """A search saved in the broker's own terminal (조건검색)."""

    sequence: str
    group: str
    name: str


class SavedConditionList(Struct, kw_only=True, frozen=True):
    """The saved searches of the account's customer."""

    account_id: str
    items: list[SavedCondition]


class ConditionStock(Struct, kw_only=True, frozen=True):
    """A stock that a saved search finds now; units as in `Quote`."""

    symbol: str
    name: str
    price: int
    change: int
    change_rate: float
    volume: int


class ConditionStockList(Struct, kw_only=True, frozen=True):
    """What a saved search finds now, at most 100."""

    account_id: str
    sequence: str
    items: list[ConditionStock]


class InterestGroup(Struct, kw_only=True, frozen=True):
    """A list kept in the broker's own terminal (관심그룹)."""

    code: str
    name: str


class InterestGroupList(Struct, kw_only=True, frozen=True):
    """The lists of the account's customer."""

    account_id: str
    items: list[InterestGroup]


class InterestStock(Struct, kw_only=True, frozen=True):
    """A stock on such a list."""

    symbol: str
    name: str
    memo: str


class InterestStockList(Struct, kw_only=True, frozen=True):
    """The Korean stocks of a list, in the customer's order."""

    account_id: str
    group_code: str
    items: list[InterestStock]
