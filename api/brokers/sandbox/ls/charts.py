"""Charts: t8410 (days to years), t8412 (minutes), t8411 (ticks). Rows go oldest first, pages newest first.

The cursor names the newest row of the next, older page; both the body's cursor and the header ``tr_cont: Y`` are needed. Minutes are
labelled with their end, longer bars with their first trading day (which day LS takes there is not known). Compression is not offered,
whatever ``comp_yn`` says; prices are the same with and without adjustment. What LS answers to an unknown code is not known: as if it had
no data.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime, time, timedelta
from itertools import groupby

from ..doors import Doors
from ..history import FIRST_DAY, Bar, Period, opened_at
from ..instruments import Instrument
from ..session import KST
from .codes import QUOTED, WRONG_VALUE, Answer
from .figures import change_sign, find_instrument, static_vi_limits
from .gateway import Blocks, Call, Refused, Reply, Tr
from .wire import TEMPLATES, Block

_PERIODS = {"2": Period.DAY, "3": Period.WEEK, "4": Period.MONTH, "5": Period.YEAR}
_DAYS_OF = {Period.DAY: 2, Period.WEEK: 9, Period.MONTH: 40, Period.YEAR: 400}  # calendar days that surely hold a bar, holidays apart
_HOLIDAYS = 30
_MOST_ROWS = 500
_MINUTES_A_DAY = 1_440
_LATEST = "99999999"
_MILLION = 1_000_000
_NOTHING = Answer("00000", "해당자료가 없습니다.")

_Label = tuple[str, str]
_Rows = Sequence[tuple[_Label, Block]]
"""Label (date, time; no time for days and longer) and row, oldest first."""


class ChartDesk:
    """Reads the sandbox's history as LS's chart TRs show it."""

    def __init__(self, doors: Doors) -> None:
        self._exchange = doors.exchange
        self._history = doors.history

    def trs(self) -> list[Tr]:
        """The chart TRs of ``/stock/chart``."""
        span = {"sdate": "s", "edate": "s", "cts_date": "s", "comp_yn": "s"}
        intraday = span | {"ncnt": "n", "nday": "s", "stime": "s", "etime": "s", "cts_time": "s"}
        common = {"shcode": "s", "qrycnt": "n"}
        return [
            Tr("t8410", common | span | {"gubun": "s", "sujung": "s"}, self.long_bars),
            Tr("t8412", common | intraday, self.minutes),
            Tr("t8411", common | intraday, self.ticks),
        ]

    def long_bars(self, call: Call) -> Reply:
        """t8410."""
        period = _PERIODS.get(call.text("gubun"))
        if period is None:
            raise Refused(WRONG_VALUE)

        def rows(instrument: Instrument, first: date, last: date, wanted: int) -> _Rows:
            enough = last - timedelta(days=_DAYS_OF[period] * (wanted + 1) + _HOLIDAYS)
            bars = self._history.bars(instrument.symbol, period, max(first, enough), last)
            return [((f"{bar.day:%Y%m%d}", ""), self._bar("t8410", instrument, bar)) for bar in bars]

        return self._reply(call, "t8410", rows)

    def minutes(self, call: Call) -> Reply:
        """t8412: bars of ``ncnt`` minutes."""
        length = max(1, call.number("ncnt"))

        def rows(instrument: Instrument, first: date, last: date, wanted: int) -> _Rows:
            wanted += _MINUTES_A_DAY // length  # of the first day read, some may lie behind the cursor
            found: list[tuple[_Label, Block]] = []
            day, days = last, 0
            while day >= first and len(found) <= wanted and days < (_day_count(call) or days + 1):
                bars = _joined(self._history.minutes(instrument.symbol, day), length)
                found[:0] = [(_end_label(bar, length), self._bar("t8412", instrument, bar)) for bar in bars]
                days += bool(bars)
                day -= timedelta(days=1)
            return [(label, row | {"date": label[0], "time": label[1]}) for label, row in found]

        return self._reply(call, "t8412", rows)

    def ticks(self, call: Call) -> Reply:
        """t8411: the last hundred trades of today, in groups of ``ncnt``."""

        def rows(instrument: Instrument, first: date, last: date, wanted: int) -> _Rows:
            trades = self._history.last_trades(instrument.symbol)[::-1]
            if not first <= self._history.today <= last:
                return []
            size = max(1, call.number("ncnt"))
            return [_tick_row(trades[start : start + size]) for start in range(0, len(trades), size)]

        return self._reply(call, "t8411", rows)

    def _reply(self, call: Call, code: str, read: Callable[[Instrument, date, date, int], _Rows]) -> Reply:
        instrument = find_instrument(self._exchange, call.text("shcode"))
        if instrument is None:
            return Reply(_NOTHING, continuation="")
        wanted = call.number("qrycnt")
        wanted = min(wanted, _MOST_ROWS) if wanted > 0 else _MOST_ROWS
        today = self._history.today
        last = _day(call.text("edate"), today)
        cursor: _Label | None = None
        if call.is_continued and call.text("cts_date"):
            cursor = (call.text("cts_date"), call.text("cts_time") if "cts_time" in call.fields else "")
            last = _day(cursor[0], today)
        rows = read(instrument, _day(call.text("sdate"), FIRST_DAY), min(last, today + timedelta(days=1)), wanted)
        if cursor is not None:
            rows = [(label, row) for label, row in rows if label <= cursor]
        if not rows:
            return Reply(_NOTHING, continuation="")
        page, older = rows[-wanted:], rows[:-wanted]
        cts_date, cts_time = older[-1][0] if older else ("", "")
        head = self._head(code, instrument) | {"cts_date": cts_date, "rec_count": len(page)}
        if "cts_time" in head:
            head["cts_time"] = cts_time
        blocks: Blocks = {f"{code}OutBlock": head, f"{code}OutBlock1": [row for _, row in page]}
        return Reply(QUOTED, blocks, "Y" if older else "N", f"{cts_date}{cts_time}"[:18])

    def _head(self, code: str, instrument: Instrument) -> Block:
        tape, before = self._exchange.tapes[instrument.symbol], self._history.previous(instrument.symbol)
        template = TEMPLATES[f"{code}OutBlock"]
        values = {
            "shcode": instrument.symbol,
            "jisiga": before.open,
            "jihigh": before.high,
            "jilow": before.low,
            "jiclose": before.close,
            "jivolume": before.volume,
            "disiga": tape.open,
            "dihigh": tape.high,
            "dilow": tape.low,
            "diclose": tape.last,
            "highend": instrument.upper_limit,
            "lowend": instrument.lower_limit,
            "s_time": "090000",
            "e_time": "153000",
            "dshmin": "10",
            **static_vi_limits(instrument, tape.open),
        }
        return template | {name: value for name, value in values.items() if name in template}

    def _bar(self, code: str, instrument: Instrument, bar: Bar) -> Block:
        return TEMPLATES[f"{code}OutBlock1"] | {
            "date": f"{bar.day:%Y%m%d}",
            "open": bar.open,
            "high": bar.high,
            "low": bar.low,
            "close": bar.close,
            "jdiff_vol": bar.volume,
            "value": bar.amount // _MILLION,
            "sign": change_sign(bar.close - self._history.close_before(instrument.symbol, bar.day)),
        }


def _day(text: str, otherwise: date) -> date:
    """YYYYMMDD; blank and ``99999999`` are the default."""
    if text in {"", _LATEST}:
        return otherwise
    try:
        return datetime.strptime(text, "%Y%m%d").replace(tzinfo=KST).date()
    except ValueError as error:
        raise Refused(WRONG_VALUE) from error


def _day_count(call: Call) -> int:
    text = call.text("nday")
    return int(text) if text.isdecimal() else 0


def _joined(bars: Sequence[Bar], length: int) -> list[Bar]:
    if length == 1:
        return list(bars)
    joined = []
    for slot, group in groupby(bars, key=lambda bar: _minute_of_day(bar) // length):
        parts = list(group)
        joined.append(
            Bar(
                parts[0].day,
                time(*divmod(slot * length, 60)),
                parts[0].open,
                max(part.high for part in parts),
                min(part.low for part in parts),
                parts[-1].close,
                sum(part.volume for part in parts),
                sum(part.amount for part in parts),
            )
        )
    return joined


def _minute_of_day(bar: Bar) -> int:
    return bar.minute.hour * 60 + bar.minute.minute if bar.minute is not None else 0


def _end_label(bar: Bar, length: int) -> _Label:
    end = opened_at(bar) + timedelta(minutes=length)
    return f"{end:%Y%m%d}", f"{end:%H%M%S}"


def _tick_row(trades: Sequence[tuple[datetime, int, int]]) -> tuple[_Label, Block]:
    at, close, _ = trades[-1]
    prices = [price for _, price, _ in trades]
    label = (f"{at:%Y%m%d}", f"{at:%H%M%S}{at.microsecond // 100:04d}")
    row = TEMPLATES["t8411OutBlock1"] | {
        "date": label[0],
        "time": label[1],
        "open": prices[0],
        "high": max(prices),
        "low": min(prices),
        "close": close,
        "jdiff_vol": sum(quantity for _, _, quantity in trades),
    }
    return label, row
