"""LS's answers to market inquiries in Lucy's words. Pure."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta

from msgspec import Struct

from api.brokers.ls.codes import Tr
from api.brokers.ls.envelope import Answer
from api.brokers.ls.fields import count, decimal, decode, instant, plain_text, problem, signed_change, symbol
from api.brokers.ls.market_messages import BarRow, BarsCursor, BookTotals, RankRow
from api.brokers.ls.messages import Number
from api.brokers.ls.parse import MILLION, block, rows_of
from api.brokers.market_data import BookLevel, Candle, OrderBook, RankedInstrument
from api.domain.enums import CandleInterval
from api.kit.clock import KST, kst_day

_STEPS = 10
_AUCTION = "3"
_CLOCK_SLACK = timedelta(minutes=1)
_CUT_CHARACTER = "？\ufffd"  # what is left of a character cut in two, as an official example has it
_MINUTE = timedelta(minutes=1)


def first_day_of(interval: CandleInterval, within: date) -> date:
    """The first calendar day of the bar that holds a day: itself, the Monday, the first of the month or of the year."""
    match interval:
        case CandleInterval.WEEK:
            return within - timedelta(days=within.weekday())
        case CandleInterval.MONTH:
            return within.replace(day=1)
        case CandleInterval.YEAR:
            return within.replace(month=1, day=1)
        case _:
            return within


def order_book(answer: Answer, code: str, now: datetime) -> OrderBook:
    """Read t1101.

    LS tells the time of day only: one that is still to come is yesterday's. The codes of ``ho_status`` are seen in examples alone: 1 in the
    continuous session, 3 in the pre-open auction (``donsigubun`` of the book feed). Outside 3 an expected price may be the last auction's.
    """
    tr = Tr.ORDER_BOOK
    raw = block(answer, tr.out_block())
    totals = decode(tr, raw, BookTotals)
    steps = {name: value for name, value in decode(tr, raw, dict[str, object]).items() if isinstance(value, int | float | str)}
    at = instant(tr, "hotime", totals.hotime, kst_day(now), digits=8)
    price = count(tr, "yeprice", totals.yeprice)
    is_auction = totals.ho_status.strip() == _AUCTION and price > 0
    return OrderBook(
        symbol=code,
        asks=_levels(steps, "offer"),
        bids=_levels(steps, "bid"),
        total_ask_quantity=count(tr, "offer", totals.offer),
        total_bid_quantity=count(tr, "bid", totals.bid),
        expected_price=price if is_auction else None,
        expected_quantity=count(tr, "yevolume", totals.yevolume) if is_auction else None,
        at=at if at <= now + _CLOCK_SLACK else at - timedelta(days=1),
    )


def _levels(steps: Mapping[str, Number], side: str) -> tuple[BookLevel, ...]:
    """The steps that have a price; outside the continuous session LS shows three and zeros behind them."""
    levels = []
    for step in range(1, _STEPS + 1):
        price, quantity = (_step(steps, f"{side}{kind}{step}") for kind in ("ho", "rem"))
        if price > 0:
            levels.append(BookLevel(price, quantity))
    return tuple(levels)


def _step(steps: Mapping[str, Number], name: str) -> int:
    if name not in steps:
        raise problem(Tr.ORDER_BOOK, name, "missing")
    return count(Tr.ORDER_BOOK, name, steps[name])


class BarsPage(Struct, frozen=True):
    """A page of a chart; the cursor is blank where the body names no older page."""

    bars: Sequence[Candle]
    cts_date: str
    cts_time: str


def bars_page(answer: Answer, interval: CandleInterval) -> BarsPage:
    """Read a page of t8410 or t8412, oldest bar first; LS leaves both blocks out where there are none.

    Minutes are labelled with their end (seen at the sister TR t8452). Whether LS dates a longer bar by its first or its last trading day
    is unsure, so its calendar begin is taken.
    """
    tr = Tr(answer.tr)
    raw = answer.blocks.get(tr.out_block())
    cursor = BarsCursor() if raw is None else decode(tr, raw, BarsCursor)
    rows = rows_of(answer, tr.out_block(1), BarRow)
    return BarsPage([_bar(tr, row, interval) for row in rows], cursor.cts_date.strip(), cursor.cts_time.strip())


def _bar(tr: Tr, row: BarRow, interval: CandleInterval) -> Candle:
    day = _day(tr, row.date)
    if interval is CandleInterval.MINUTE:
        opened_at = instant(tr, "time", row.time, day, digits=6) - _MINUTE
    else:
        opened_at = datetime.combine(first_day_of(interval, day), time(0, 0), KST).astimezone(UTC)
    return Candle(
        opened_at=opened_at,
        open_price=count(tr, "open", row.open),
        high_price=count(tr, "high", row.high),
        low_price=count(tr, "low", row.low),
        close_price=count(tr, "close", row.close),
        volume=count(tr, "jdiff_vol", row.jdiff_vol),
        turnover_amount=count(tr, "value", row.value) * MILLION,
    )


def _day(tr: Tr, text: str) -> date:
    try:
        return datetime.strptime(text.strip(), "%Y%m%d").replace(tzinfo=KST).date()
    except ValueError as error:
        raise problem(tr, "date", f"{text!r} is no day") from error


def ranking(answer: Answer) -> list[RankedInstrument]:
    """Read t1452, t1463 or t1441, in LS's order."""
    tr = Tr(answer.tr)
    return [
        RankedInstrument(
            rank=rank,
            symbol=symbol(tr, "shcode", row.shcode),
            name=row.hname.strip().rstrip(_CUT_CHARACTER),
            price=count(tr, "price", row.price),
            change=signed_change(tr, row.sign, row.change),
            change_rate=plain_text(decimal(tr, "diff", row.diff)),
            volume=count(tr, "volume", row.volume),
            turnover_amount=None if row.value is None else count(tr, "value", row.value) * MILLION,
        )
        for rank, row in enumerate(rows_of(answer, tr.out_block(1), RankRow), 1)
    ]
