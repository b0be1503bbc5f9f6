"""What a broker tells of instruments and prices, in Lucy's words. Prices and amounts in won, quantities in shares."""

from datetime import date, datetime

from msgspec import Struct


class Quote(Struct, kw_only=True, frozen=True):
    """Price of an instrument, won. ``change`` is signed against the reference price; ``change_rate`` in percent, as text.

    ``is_live``: told by the broker's feed as it happens, not asked for.
    """

    symbol: str
    price: int
    change: int
    change_rate: str
    open_price: int
    high_price: int
    low_price: int
    upper_limit_price: int
    lower_limit_price: int
    reference_price: int
    volume: int
    turnover_amount: int
    is_live: bool = False


class LastTrade(Struct, kw_only=True, frozen=True):
    """The newest trade of an instrument and its day so far, as a feed tells it; units as in `Quote`."""

    symbol: str
    price: int
    change: int
    change_rate: str
    open_price: int
    high_price: int
    low_price: int
    volume: int
    turnover_amount: int


class BookLevel(Struct, frozen=True):
    """One step of an order book: won and shares."""

    price: int
    quantity: int


class OrderBook(Struct, kw_only=True, frozen=True):
    """The best prices of both sides, best first, without empty steps (KIS and LS: at most 10 each).

    Attributes:
        total_ask_quantity: Shares of all steps, as the broker sums them.
        total_bid_quantity: The same on the buying side.
        expected_price: Of the coming auction, won; None outside one.
        expected_quantity: Shares that the auction would trade; None outside one.
        at: Broker's time of the book, aware UTC.
    """

    symbol: str
    asks: tuple[BookLevel, ...]
    bids: tuple[BookLevel, ...]
    total_ask_quantity: int
    total_bid_quantity: int
    expected_price: int | None
    expected_quantity: int | None
    at: datetime


class Candle(Struct, kw_only=True, frozen=True):
    """One bar. ``opened_at`` is its begin, aware UTC: of the minute, or 00:00 KST of its first day."""

    opened_at: datetime
    open_price: int
    high_price: int
    low_price: int
    close_price: int
    volume: int
    turnover_amount: int | None


class RankedInstrument(Struct, kw_only=True, frozen=True):
    """One row of a ranking, see `Quote` for the units; what a ranking does not tell is None.

    Attributes:
        price: After hours and expected: the price there, and so are ``change``, ``change_rate`` and ``volume``.
        volume_growth: Volume of today in percent of the day before, as text.
        ask_quantity: All shares offered in the order book.
        bid_quantity: All shares wanted in it.
        net_quantity: Shares that the foreigners or institutions bought less those they sold.
    """

    rank: int
    symbol: str
    name: str
    price: int
    change: int
    change_rate: str
    volume: int
    turnover_amount: int | None
    volume_growth: str | None = None
    ask_quantity: int | None = None
    bid_quantity: int | None = None
    net_quantity: int | None = None


class FinancialRatio(Struct, kw_only=True, frozen=True):
    """A company's ratios of one fiscal period, as the broker's text figures; empty where it gives none.

    Attributes:
        period: Last month of the period, ``YYYYMM``.
        revenue_growth, operating_profit_growth, net_profit_growth: Percent, against the same period a year before.
        roe, debt_ratio, reserve_ratio: Percent.
        eps, bps, sps: Won a share.
    """

    period: str
    revenue_growth: str
    operating_profit_growth: str
    net_profit_growth: str
    roe: str
    debt_ratio: str
    reserve_ratio: str
    eps: str
    bps: str
    sps: str


class InvestmentOpinion(Struct, kw_only=True, frozen=True):
    """What a firm's analyst thinks of a stock, in the firm's own words. ``target_price`` in won, None where there is none."""

    published_on: date
    firm: str
    opinion: str
    previous_opinion: str
    target_price: int | None


class TradingDay(Struct, kw_only=True, frozen=True):
    """What the broker says of a KST date: whether the exchange opens, and whether trades settle."""

    day: date
    is_open: bool
    is_settlement_day: bool


class InstrumentRecord(Struct, kw_only=True, frozen=True):
    """One listed instrument as the broker's master has it. Prices in won; ``lot_size`` in shares; None where the master does not tell.

    Attributes:
        kind: ``stock``, ``etf`` or ``etn``.
        is_administrative: 관리종목.
        is_liquidation: 정리매매.
        is_nxt_tradable: Whether it may also be traded at NXT.
    """

    symbol: str
    isin: str
    name: str
    english_name: str
    market: str
    kind: str
    reference_price: int
    upper_limit_price: int | None
    lower_limit_price: int | None
    lot_size: int
    is_halted: bool | None
    is_administrative: bool | None = None
    is_liquidation: bool | None = None
    is_nxt_tradable: bool | None = None


class InstrumentDetail(Struct, kw_only=True, frozen=True):
    """What a broker tells of one instrument beyond its master: names, and what was listed when. ``par_value`` in won."""

    symbol: str
    isin: str
    name: str
    english_name: str
    listed_shares: int | None
    par_value: int | None
    listed_on: date | None
    is_halted: bool
    is_administrative: bool
    is_nxt_tradable: bool | None
