"""The port to what a broker knows of stocks besides prices, and to its customer's own lists.

Choice: an object of its own beside `BrokerAdapter`, so that a broker without any of it is one line (`NoResearch`), and neither port grows.
"""

from collections.abc import Mapping
from datetime import date
from typing import Never, Protocol

from msgspec import Struct

from api.brokers.errors import BrokerUnsupported
from api.domain.financials import FinancialKind


class FinancialPeriod(Struct, kw_only=True, frozen=True):
    """A statement of one fiscal period.

    Attributes:
        period: Last month of the period, ``YYYYMM``.
        values: The broker's text figures by the names of `api.domain.financials.FIGURES`; None where it gives none.
    """

    period: str
    values: Mapping[str, str | None]


class InvestorDay(Struct, kw_only=True, frozen=True):
    """Net buying of one stock on one day: shares and won, negative for selling; None until the broker has counted the day."""

    day: date
    close_price: int
    change: int
    individual_quantity: int | None
    foreign_quantity: int | None
    institution_quantity: int | None
    individual_amount: int | None
    foreign_amount: int | None
    institution_amount: int | None


class SecuritiesFirm(Struct, kw_only=True, frozen=True):
    """A firm whose analysts give opinions. ``code`` is what the broker is asked with."""

    code: str
    name: str
    is_foreign: bool


class FirmOpinion(Struct, kw_only=True, frozen=True):
    """One opinion of a firm, in its own words. ``target_price`` in won, None where there is none; ``price`` is the stock's now."""

    published_on: date
    symbol: str
    name: str
    opinion: str
    previous_opinion: str
    target_price: int | None
    price: int


class SavedCondition(Struct, kw_only=True, frozen=True):
    """A search that the customer has saved in the broker's own terminal (조건검색)."""

    sequence: str
    group: str
    name: str


class ConditionStock(Struct, kw_only=True, frozen=True):
    """A stock that a saved search finds now; units as in a quote, ``change_rate`` in percent, as text."""

    symbol: str
    name: str
    price: int
    change: int
    change_rate: str
    volume: int


class InterestGroup(Struct, kw_only=True, frozen=True):
    """A list of stocks that the customer keeps in the broker's own terminal (관심그룹)."""

    code: str
    name: str


class InterestStock(Struct, kw_only=True, frozen=True):
    """A stock on such a list, with the customer's memo."""

    symbol: str
    name: str
    memo: str


class ResearchPort(Protocol):
    """Every method may raise the whole `BrokerError` family; what `Capabilities` does not name is `BrokerUnsupported`."""

    async def list_financials(self, symbol: str, kind: FinancialKind, *, is_quarterly: bool) -> list[FinancialPeriod]:
        """One kind of statement by year or quarter, newest first; empty where there is none (ETF)."""
        ...

    async def list_investor_days(self, symbol: str) -> list[InvestorDay]:
        """Net buying by kinds of investors, newest day first: as many days as the broker tells (KIS 30)."""
        ...

    async def list_firms(self) -> list[SecuritiesFirm]:
        """The firms that can be asked about."""
        ...

    async def list_firm_opinions(self, firm_code: str, *, first: date, last: date) -> list[FirmOpinion]:
        """A firm's opinions of the KST days ``first`` to ``last``, newest first; empty for an unknown code."""
        ...

    async def list_conditions(self) -> list[SavedCondition]:
        """The customer's saved searches."""
        ...

    async def list_condition_stocks(self, sequence: str) -> list[ConditionStock]:
        """What a saved search finds now (KIS: at most 100)."""
        ...

    async def list_interest_groups(self) -> list[InterestGroup]:
        """The customer's lists."""
        ...

    async def list_interest_stocks(self, group_code: str) -> list[InterestStock]:
        """The Korean stocks of a list, in the customer's order."""
        ...


class NoResearch:
    """For a broker that offers none of it."""

    def __init__(self, broker: str) -> None:
        self._broker = broker

    async def list_financials(self, symbol: str, kind: FinancialKind, *, is_quarterly: bool) -> list[FinancialPeriod]:
        """Not offered."""
        self._refuse("financial statements")

    async def list_investor_days(self, symbol: str) -> list[InvestorDay]:
        """Not offered."""
        self._refuse("net buying by investors")

    async def list_firms(self) -> list[SecuritiesFirm]:
        """Not offered."""
        self._refuse("opinions by firm")

    async def list_firm_opinions(self, firm_code: str, *, first: date, last: date) -> list[FirmOpinion]:
        """Not offered."""
        self._refuse("opinions by firm")

    async def list_conditions(self) -> list[SavedCondition]:
        """Not offered."""
        self._refuse("saved conditions")

    async def list_condition_stocks(self, sequence: str) -> list[ConditionStock]:
        """Not offered."""
        self._refuse("saved conditions")

    async def list_interest_groups(self) -> list[InterestGroup]:
        """Not offered."""
        self._refuse("interest groups")

    async def list_interest_stocks(self, group_code: str) -> list[InterestStock]:
        """Not offered."""
        self._refuse("interest groups")

    def _refuse(self, what: str) -> Never:
        raise BrokerUnsupported(self._broker, what)
