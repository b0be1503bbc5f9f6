"""Market inquiries at KIS: which TR, which parameters, how pages go on. The account plays no part but for its key and its limits.

Charts page by date or by time, not by ``tr_cont``: the next request ends before the oldest row of the last answer.
"""

from collections.abc import Mapping
from datetime import date, datetime, timedelta

from api.brokers.base import CallClass
from api.brokers.errors import BrokerProtocolError
from api.brokers.kis.codes import FINANCE, QUOTATIONS, Tr
from api.brokers.kis.envelope import KIS, Envelope
from api.brokers.kis.parse import parse_quote
from api.brokers.kis.parse_market import (
    first_day_of,
    parse_financial_ratios,
    parse_instrument_detail,
    parse_long_bars,
    parse_minute_bars,
    parse_opinions,
    parse_order_book,
    parse_trading_days,
)
from api.brokers.kis.rest import KisRest
from api.brokers.market_data import (
    Candle,
    FinancialRatio,
    InstrumentDetail,
    InvestmentOpinion,
    OrderBook,
    Quote,
    TradingDay,
)
from api.domain.enums import CandleInterval
from api.kit.clock import KST, Clock, kst_day

_PERIODS = {CandleInterval.DAY: "D", CandleInterval.WEEK: "W", CandleInterval.MONTH: "M", CandleInterval.YEAR: "Y"}
_MOST_PAGES = 1000
_SATURDAY = 5
_LAST_HOUR = "200000"  # NXT and KRX's after-market end then
_KRX = {"FID_COND_MRKT_DIV_CODE": "J"}


class KisMarket:
    """Market inquiries with one account's key."""

    def __init__(self, rest: KisRest, clock: Clock) -> None:
        self._rest = rest
        self._clock = clock

    async def quote(self, symbol: str) -> Quote:
        """Current KRX price (``inquire-price``)."""
        return parse_quote(await self._ask(Tr.PRICE, "inquire-price", _KRX | {"FID_INPUT_ISCD": symbol}), symbol)

    async def order_book(self, symbol: str) -> OrderBook:
        """KRX book (``inquire-asking-price-exp-ccn``)."""
        answer = await self._ask(Tr.ORDER_BOOK, "inquire-asking-price-exp-ccn", _KRX | {"FID_INPUT_ISCD": symbol})
        return parse_order_book(answer, symbol, self._clock.now())

    async def candles(self, symbol: str, interval: CandleInterval, first: date, last: date) -> list[Candle]:
        """Bars, oldest first; see the port."""
        last = min(last, kst_day(self._clock.now()))
        if first > last:
            return []
        if interval is CandleInterval.MINUTE:
            found = await self._minutes(symbol, first, last)
        else:
            found = await self._long_bars(symbol, interval, first_day_of(interval, first), last)
        return [found[opened_at] for opened_at in sorted(found)]

    async def _long_bars(self, symbol: str, interval: CandleInterval, first: date, last: date) -> dict[datetime, Candle]:
        params = _KRX | {
            "FID_INPUT_ISCD": symbol,
            "FID_INPUT_DATE_1": _day_text(first),
            "FID_PERIOD_DIV_CODE": _PERIODS[interval],
            "FID_ORG_ADJ_PRC": "0",  # adjusted here; at inquire-daily-price 0 is the raw price
        }
        bars: dict[datetime, Candle] = {}
        for _ in range(_MOST_PAGES):
            if not _holds_a_weekday(first, last):
                return bars
            answer = await self._ask(Tr.LONG_BARS, "inquire-daily-itemchartprice", params | {"FID_INPUT_DATE_2": _day_text(last)})
            page = parse_long_bars(answer, interval)
            if not page:
                return bars
            # a bar's begin may lie before its first trading day, so the bar next to the range's edge is kept whole
            bars |= {bar.opened_at: bar for bar in page if bar.opened_at not in bars and kst_day(bar.opened_at) >= first}
            oldest = kst_day(min(bar.opened_at for bar in page))
            if oldest > last:
                raise BrokerProtocolError(KIS, Tr.LONG_BARS, "stck_bsop_date", f"bars of {oldest} for a question about {last}")
            last = oldest - timedelta(days=1)
        raise _endless(Tr.LONG_BARS)

    async def _minutes(self, symbol: str, first: date, last: date) -> dict[datetime, Candle]:
        now = self._clock.now()
        bars: dict[datetime, Candle] = {}
        for offset in range((last - first).days + 1):
            day = first + timedelta(days=offset)
            if day == kst_day(now):
                bars |= await self._minutes_of(symbol, day, Tr.MINUTES_TODAY, now.astimezone(KST).strftime("%H%M%S"))
            elif day.weekday() < _SATURDAY:
                bars |= await self._minutes_of(symbol, day, Tr.PAST_MINUTES, _LAST_HOUR)
        return bars

    async def _minutes_of(self, symbol: str, day: date, tr: Tr, hour: str) -> dict[datetime, Candle]:
        is_today = tr is Tr.MINUTES_TODAY  # a future hour would be filled with the current price
        path = "inquire-time-itemchartprice" if is_today else "inquire-time-dailychartprice"
        own = {"FID_ETC_CLS_CODE": ""} if is_today else {"FID_INPUT_DATE_1": _day_text(day), "FID_FAKE_TICK_INCU_YN": ""}
        params = _KRX | {"FID_INPUT_ISCD": symbol, "FID_PW_DATA_INCU_YN": "N"} | own
        bars: dict[datetime, Candle] = {}
        for _ in range(_MOST_PAGES):
            answer = await self._ask(tr, path, params | {"FID_INPUT_HOUR_1": hour})
            page = [bar for bar in parse_minute_bars(answer) if kst_day(bar.opened_at) == day]
            fresh = {bar.opened_at: bar for bar in page if bar.opened_at not in bars}
            if not fresh:
                return bars
            bars |= fresh
            before = min(bars).astimezone(KST) - timedelta(minutes=1)
            if before.date() != day:
                return bars
            hour = before.strftime("%H%M%S")
        raise _endless(tr)

    async def financial_ratios(self, symbol: str, *, is_quarterly: bool) -> list[FinancialRatio]:
        """Ratios by year or quarter (``financial-ratio``)."""
        params = {"FID_DIV_CLS_CODE": "1" if is_quarterly else "0", "fid_cond_mrkt_div_code": "J", "fid_input_iscd": symbol}
        return parse_financial_ratios(await self._ask(Tr.FINANCIAL_RATIO, "financial-ratio", params, base=FINANCE))

    async def opinions(self, symbol: str, first: date, last: date) -> list[InvestmentOpinion]:
        """Opinions, newest first (``invest-opinion``).

        An answer is cut at 100 rows (seen 2026-09), in the middle of a day if need be: the next one ends on the oldest day seen.
        """
        params = _KRX | {"FID_COND_SCR_DIV_CODE": "16633", "FID_INPUT_ISCD": symbol, "FID_INPUT_DATE_1": _day_text(first)}
        found: dict[InvestmentOpinion, None] = {}
        for _ in range(_MOST_PAGES):
            page = parse_opinions(await self._ask(Tr.OPINIONS, "invest-opinion", params | {"FID_INPUT_DATE_2": _day_text(last)}))
            fresh = [opinion for opinion in page if opinion not in found and opinion.published_on >= first]
            found |= dict.fromkeys(fresh)
            if not fresh:  # also the first day may have been cut
                return sorted(found, key=lambda opinion: opinion.published_on, reverse=True)
            last = min(opinion.published_on for opinion in fresh)
        raise _endless(Tr.OPINIONS)

    async def trading_days(self, first: date) -> list[TradingDay]:
        """The calendar from a day on (``chk-holiday``), one page. KIS asks for about one call a day."""
        params = {"BASS_DT": _day_text(first), "CTX_AREA_NK": "", "CTX_AREA_FK": ""}
        return parse_trading_days(await self._ask(Tr.HOLIDAYS, "chk-holiday", params))

    async def instrument_detail(self, symbol: str) -> InstrumentDetail:
        """Names and listing of one stock (``search-stock-info``)."""
        params = {"PRDT_TYPE_CD": "300", "PDNO": symbol}
        return parse_instrument_detail(await self._ask(Tr.STOCK_INFO, "search-stock-info", params), symbol)

    async def _ask(self, tr: Tr, path: str, params: Mapping[str, str], *, base: str = QUOTATIONS) -> Envelope:
        return (await self._rest.inquire(tr, f"{base}/{path}", params, call_class=CallClass.INQUIRY)).envelope


def _holds_a_weekday(first: date, last: date) -> bool:
    return any((first + timedelta(days=offset)).weekday() < _SATURDAY for offset in range(min(3, (last - first).days + 1)))


def _day_text(day: date) -> str:
    return day.strftime("%Y%m%d")


def _endless(tr: Tr) -> BrokerProtocolError:
    # a cut list must never pass for a whole one
    return BrokerProtocolError(KIS, tr.value, "output", f"the list does not end ({_MOST_PAGES} pages)")
