"""LS's market inquiries: prices, books, bars, rankings, the instrument list."""

from collections.abc import Mapping
from datetime import date, datetime

import msgspec
from msgspec import Struct

from api.brokers.errors import BrokerProtocolError
from api.brokers.ls import market_messages, messages, parse, parse_market
from api.brokers.ls.codes import LS, Tr
from api.brokers.ls.limits import MAX_PAGES
from api.brokers.ls.market_messages import LongBarsBlock, MinuteBarsBlock
from api.brokers.ls.rest import LsRest
from api.brokers.market_data import Candle, InstrumentRecord, OrderBook, Quote, RankedInstrument
from api.domain.enums import CandleInterval, RankingKind
from api.kit.clock import Clock, kst_day

_ALL_MARKETS = "0"
_EACH_MARKET = ("1", "2")
_PERIODS: Mapping[CandleInterval, str] = {
    CandleInterval.DAY: "2",
    CandleInterval.WEEK: "3",
    CandleInterval.MONTH: "4",
    CandleInterval.YEAR: "5",
}
_RANKINGS: Mapping[RankingKind, tuple[Tr, Struct]] = {
    RankingKind.VOLUME: (Tr.TOP_VOLUME, market_messages.TopVolumeBlock()),
    RankingKind.TURNOVER: (Tr.TOP_TURNOVER, market_messages.TopTurnoverBlock()),
    RankingKind.GAINERS: (Tr.TOP_CHANGE, market_messages.TopChangeBlock(gubun2="0")),
    RankingKind.LOSERS: (Tr.TOP_CHANGE, market_messages.TopChangeBlock(gubun2="1")),
}


class LsMarket:
    """Market inquiries with one account's key. Paper serves the real market's data."""

    def __init__(self, rest: LsRest, clock: Clock) -> None:
        self._rest = rest
        self._clock = clock

    async def quote(self, symbol: str) -> Quote:
        """Current KRX price (t1102)."""
        return parse.quote(await self._rest.inquire(Tr.PRICE, messages.PriceBlock(shcode=symbol)), symbol)

    async def order_book(self, symbol: str) -> OrderBook:
        """KRX book (t1101)."""
        answer = await self._rest.inquire(Tr.ORDER_BOOK, market_messages.BookBlock(shcode=symbol))
        return parse_market.order_book(answer, symbol, self._clock.now())

    async def candles(self, symbol: str, interval: CandleInterval, first: date, last: date) -> list[Candle]:
        """Bars, oldest first (t8410, t8412). A page of 500 bars takes more than a second."""
        last = min(last, kst_day(self._clock.now()))
        if first > last:
            return []
        begin = parse_market.first_day_of(interval, first)
        start, end = f"{begin:%Y%m%d}", f"{last:%Y%m%d}"
        if interval is CandleInterval.MINUTE:
            bars = await self._bars(Tr.MINUTE_BARS, MinuteBarsBlock(shcode=symbol, sdate=start, edate=end), interval, begin)
        else:
            question = LongBarsBlock(shcode=symbol, gubun=_PERIODS[interval], sdate=start, edate=end)
            bars = await self._bars(Tr.LONG_BARS, question, interval, begin)
        return [bars[opened_at] for opened_at in sorted(bars) if begin <= kst_day(opened_at) <= last]

    async def _bars(
        self, tr: Tr, question: LongBarsBlock | MinuteBarsBlock, interval: CandleInterval, begin: date
    ) -> dict[datetime, Candle]:
        """Every page, newest first as LS gives them, until one reaches before ``begin``."""
        bars: dict[datetime, Candle] = {}
        next_key = ""
        for number in range(MAX_PAGES):
            answer = await self._rest.inquire(tr, question, is_next_page=number > 0, next_key=next_key)
            page = parse_market.bars_page(answer, interval)
            fresh = {bar.opened_at: bar for bar in page.bars if bar.opened_at not in bars}
            bars |= fresh
            has_ended = any(kst_day(bar.opened_at) < begin for bar in page.bars)
            # no cursor although the header says "more": what comes next shows whether there is any
            if has_ended or not answer.has_more or (not fresh and not page.cts_date):
                return bars
            if not fresh:
                break
            next_key = answer.next_key
            cursor = {"cts_date": page.cts_date} | ({"cts_time": page.cts_time} if isinstance(question, MinuteBarsBlock) else {})
            question = msgspec.structs.replace(question, **cursor)
        raise BrokerProtocolError(LS, tr, "cts_date", f"the cursor does not end ({len(bars)} bars)")

    async def ranking(self, kind: RankingKind) -> list[RankedInstrument]:
        """The first page of a KRX ranking, in LS's order: 20 to 40 rows."""
        tr, question = _RANKINGS[kind]
        return parse_market.ranking(await self._rest.inquire(tr, question))

    async def instruments(self) -> list[InstrumentRecord]:
        """All stocks, ETFs and ETNs of KOSPI and KOSDAQ (t8436), with what t9945 tells besides: uncut names and NXT."""
        more: dict[str, messages.InstrumentName] = {}
        for market in _EACH_MARKET:
            more |= parse.instrument_names(await self._rest.inquire(Tr.INSTRUMENT_NAMES, messages.MarketBlock(gubun=market)))
        return parse.instruments(await self._rest.inquire(Tr.INSTRUMENTS, messages.MarketBlock(gubun=_ALL_MARKETS)), more)
