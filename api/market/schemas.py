"""Instruments and market data on the wire."""

from datetime import date, datetime
from typing import Annotated

from msgspec import Meta, Struct

from api.domain.enums import Broker, CandleInterval, RankingKind


class Instrument(Struct, kw_only=True, frozen=True):
    """A listed instrument. Prices in won, valid on ``priced_day``; ``tick_size`` at the reference price. Null is what no broker told."""

    symbol: str
    isin: str
    name: str
    english_name: Annotated[str, Meta(description="Empty until a broker has told it.")]
    market: str
    kind: Annotated[str, Meta(description="stock, etf or etn", examples=["stock"])]
    reference_price: int
    upper_limit_price: int | None
    lower_limit_price: int | None
    tick_size: int
    lot_size: int
    is_halted: bool
    is_administrative: Annotated[bool | None, Meta(description="관리종목.")]
    is_liquidation: Annotated[bool | None, Meta(description="정리매매: without price limits, about to be delisted.")]
    is_nxt_tradable: Annotated[bool | None, Meta(description="Whether it may also be traded at NXT.")]
    listed_shares: int | None
    par_value: int | None
    listed_on: date | None
    priced_day: date


class InstrumentPage(Struct, kw_only=True, frozen=True):
    """Search results, best first."""

    items: list[Instrument]
    next_cursor: str | None


class Quote(Struct, kw_only=True, frozen=True):
    """Current price, won. ``change`` is signed, against the reference price; ``change_rate`` in percent.

    ``is_live``: told by the broker's feed with each trade, and free to ask for every second; otherwise asked for now.
    """

    symbol: str
    name: str
    price: int
    change: int
    change_rate: float
    open_price: int
    high_price: int
    low_price: int
    upper_limit_price: int
    lower_limit_price: int
    reference_price: int
    volume: int
    turnover_amount: int
    tick_size: int
    broker: str
    is_live: bool
    at: datetime


class QuoteList(Struct, kw_only=True, frozen=True):
    """Quotes in the order asked for."""

    items: list[Quote]


class BookLevel(Struct, kw_only=True, frozen=True):
    """One step of an order book: won and shares."""

    price: int
    quantity: int


class OrderBook(Struct, kw_only=True, frozen=True):
    """Prices that shares are offered and wanted at, each side best first, at most 10 steps without empty ones.

    ``expected_price`` and ``expected_quantity`` are those of the coming auction, null outside one. ``at``: the broker's time of the book.
    """

    symbol: str
    asks: list[BookLevel]
    bids: list[BookLevel]
    total_ask_quantity: int
    total_bid_quantity: int
    expected_price: int | None
    expected_quantity: int | None
    broker: Broker
    at: datetime


class Candle(Struct, kw_only=True, frozen=True):
    """One bar, won and shares. ``opened_at``: begin of the minute, or 00:00 KST of the bar's first day."""

    opened_at: datetime
    open_price: int
    high_price: int
    low_price: int
    close_price: int
    volume: int
    turnover_amount: int | None


class CandleList(Struct, kw_only=True, frozen=True):
    """Bars, oldest first, adjusted for splits and rights; fewer than asked for where the broker keeps fewer."""

    symbol: str
    interval: CandleInterval
    broker: Broker
    items: list[Candle]


class RankedInstrument(Struct, kw_only=True, frozen=True):
    """One row of a ranking, units as in `Quote`; null is what this ranking does not tell.

    After hours, and in an auction that is still to come, ``price``, ``change`` and ``volume`` are those there. ``volume_growth``: volume in
    percent of the day before. ``ask_quantity``, ``bid_quantity``: all shares offered and wanted. ``net_quantity``: shares bought less sold.
    """

    rank: int
    symbol: str
    name: str
    price: int
    change: int
    change_rate: float
    volume: int
    turnover_amount: int | None
    volume_growth: float | None
    ask_quantity: int | None
    bid_quantity: int | None
    net_quantity: int | None


class Ranking(Struct, kw_only=True, frozen=True):
    """A broker's ranking of all markets, best first; about 30 rows."""

    kind: RankingKind
    broker: Broker
    items: list[RankedInstrument]
    at: datetime


class FinancialRatio(Struct, kw_only=True, frozen=True):
    """A company's ratios of one fiscal period; null is what the broker does not tell.

    Growth in percent against the same period a year before; ``roe``, ``debt_ratio`` and ``reserve_ratio`` in percent; ``eps``, ``bps`` and
    ``sps`` in won a share.
    """

    period: Annotated[str, Meta(description="Last month of the period, `YYYYMM`.", examples=["202609"])]
    revenue_growth: float | None
    operating_profit_growth: float | None
    net_profit_growth: float | None
    roe: float | None
    debt_ratio: float | None
    reserve_ratio: float | None
    eps: float | None
    bps: float | None
    sps: float | None


class FinancialRatioList(Struct, kw_only=True, frozen=True):
    """Ratios, newest period first."""

    symbol: str
    broker: Broker
    items: list[FinancialRatio]


class InvestmentOpinion(Struct, kw_only=True, frozen=True):
    """What a firm's analyst thinks of a stock, in the firm's own words; target price in won."""

    published_on: date
    firm: str
    opinion: str
    previous_opinion: str
    target_price: int | None


class InvestmentOpinionList(Struct, kw_only=True, frozen=True):
    """Opinions, newest first."""

    symbol: str
    broker: Broker
    items: list[InvestmentOpinion]
