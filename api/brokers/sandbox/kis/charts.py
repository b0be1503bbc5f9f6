"""Charts: bars of days to years, minutes of today and of past days, the last trades, the last thirty bars."""

from __future__ import annotations

from datetime import date, time, timedelta
from itertools import accumulate

from aiohttp import web

from ..doors import Doors
from ..history import Bar, Period
from ..instruments import Instrument
from ..session import KST
from .fid import DONE, Fid, change_sign, sign_of
from .wire import Row, percent, reply

_PERIODS = {"D": Period.DAY, "W": Period.WEEK, "M": Period.MONTH, "Y": Period.YEAR}
_BEFORE = {Period.DAY: 15, Period.WEEK: 21, Period.MONTH: 62, Period.YEAR: 731}  # days back that surely hold the bar before
_LONG_ROWS, _RECENT_ROWS, _TODAY_ROWS, _PAST_ROWS = 100, 30, 30, 120
_DAYS_BACK = 14  # how far "include the past" looks for the day before
_HUNDRED_MILLION = 100_000_000
_ADJUSTMENTS = {"0", "1", "0000000000", "0000000001"}  # pykis sends ten digits


def long_chart(doors: Doors, tr_id: str, request: web.Request) -> web.Response:
    """inquire-daily-itemchartprice: at most 100 bars, newest first, the newest of those asked for."""
    query = Fid(request)
    instrument = query.instrument(doors)
    period = _PERIODS[query.require("FID_PERIOD_DIV_CODE", set(_PERIODS))]
    query.require("FID_ORG_ADJ_PRC", _ADJUSTMENTS)
    first, last = query.day("FID_INPUT_DATE_1"), query.day("FID_INPUT_DATE_2")
    rows = [
        {
            "stck_bsop_date": _day(bar.day),
            "stck_clpr": str(bar.close),
            "stck_oprc": str(bar.open),
            "stck_hgpr": str(bar.high),
            "stck_lwpr": str(bar.low),
            "acml_vol": str(bar.volume),
            "acml_tr_pbmn": str(bar.amount),
            "flng_cls_code": "00",
            "prtt_rate": "0.00",
            "mod_yn": "N",
            "prdy_vrss_sign": sign_of(bar.close - before),
            "prdy_vrss": str(bar.close - before),
            "revl_issu_reas": "",
        }
        for bar, before in _with_close_before(doors, instrument, period, first, last)[-_LONG_ROWS:][::-1]
    ]
    return reply(tr_id, {"output1": _summary(doors, instrument), "output2": rows, **DONE})


def recent_chart(doors: Doors, tr_id: str, request: web.Request) -> web.Response:
    """inquire-daily-price: the last thirty days, weeks or months, newest first."""
    query = Fid(request)
    instrument = query.instrument(doors)
    period = _PERIODS[query.require("FID_PERIOD_DIV_CODE", {"D", "W", "M"})]
    query.require("FID_ORG_ADJ_PRC", _ADJUSTMENTS)
    today = doors.history.today
    bars = _with_close_before(doors, instrument, period, today - timedelta(days=_BEFORE[period] * _RECENT_ROWS), today)
    rows: list[Row] = []
    for (bar, before), (older, _) in zip(bars[:0:-1], bars[-2::-1], strict=True):
        rows.append(
            {
                "stck_bsop_date": _day(bar.day),
                "stck_oprc": str(bar.open),
                "stck_hgpr": str(bar.high),
                "stck_lwpr": str(bar.low),
                "stck_clpr": str(bar.close),
                "acml_vol": str(bar.volume),
                "prdy_vrss_vol_rate": percent(bar.volume - older.volume, older.volume),
                "prdy_vrss": str(bar.close - before),
                "prdy_vrss_sign": sign_of(bar.close - before),
                "prdy_ctrt": percent(bar.close - before, before),
                "hts_frgn_ehrt": "0.00",
                "frgn_ntby_qty": "0",
                "flng_cls_code": "00",
                "acml_prtt_rate": "0.00",
            }
        )
    return reply(tr_id, {"output": rows[:_RECENT_ROWS], **DONE})


def minutes_today(doors: Doors, tr_id: str, request: web.Request) -> web.Response:
    """inquire-time-itemchartprice: thirty minutes up to an hour, newest first; a future hour is filled with the current price."""
    query = Fid(request)
    instrument = query.instrument(doors)
    query.require("FID_ETC_CLS_CODE")
    hour = query.hour("FID_INPUT_HOUR_1")
    includes_past = query.require("FID_PW_DATA_INCU_YN", {"Y", "N", ""}) == "Y"
    today = doors.history.today
    rows = _minute_rows(doors, instrument, today, hour)
    rows = [*_future_rows(doors, instrument, hour), *rows]
    if includes_past:
        rows += _earlier_rows(doors, instrument, today, _TODAY_ROWS - len(rows))
    return reply(tr_id, {"output1": _minute_summary(doors, instrument), "output2": rows[:_TODAY_ROWS], **DONE})


def past_minutes(doors: Doors, tr_id: str, request: web.Request) -> web.Response:
    """inquire-time-dailychartprice: 120 minutes of a day up to an hour, newest first."""
    query = Fid(request)
    instrument = query.instrument(doors)
    day, hour = query.day("FID_INPUT_DATE_1"), query.hour("FID_INPUT_HOUR_1")
    includes_past = query.require("FID_PW_DATA_INCU_YN", {"Y", "N", ""}) == "Y"
    rows = _minute_rows(doors, instrument, day, hour)
    if includes_past:
        rows += _earlier_rows(doors, instrument, day, _PAST_ROWS - len(rows))
    return reply(tr_id, {"output1": _minute_summary(doors, instrument), "output2": rows[:_PAST_ROWS], **DONE})


def last_trades(doors: Doors, tr_id: str, request: web.Request) -> web.Response:
    """inquire-ccnl: the last thirty trades, newest first; the opening print where there was none."""
    instrument = Fid(request).instrument(doors)
    tape = doors.exchange.tapes[instrument.symbol]
    trades = [(at.time(), price, quantity) for at, price, quantity in doors.history.last_trades(instrument.symbol)]
    rows = [
        {
            "stck_cntg_hour": at.strftime("%H%M%S"),
            "stck_prpr": str(price),
            "prdy_vrss": str(price - instrument.reference_price),
            "prdy_vrss_sign": change_sign(price, instrument),
            "cntg_vol": str(quantity),
            "tday_rltv": "100.00",
            "prdy_ctrt": percent(price - instrument.reference_price, instrument.reference_price),
        }
        for at, price, quantity in trades[:_RECENT_ROWS] or [(time(9, 0), tape.open, tape.volume)]
    ]
    return reply(tr_id, {"output": rows, **DONE})


def _with_close_before(doors: Doors, instrument: Instrument, period: Period, first: date, last: date) -> list[tuple[Bar, int]]:
    bars = doors.history.bars(instrument.symbol, period, first - timedelta(days=_BEFORE[period]), last)
    closes = [bars[0].open if bars else 0, *(bar.close for bar in bars)]
    known = doors.history.bars(instrument.symbol, period, first, last)
    return list(zip(bars, closes[:-1], strict=True))[len(bars) - len(known) :]


def _minute_rows(doors: Doors, instrument: Instrument, day: date, hour: time) -> list[Row]:
    bars = doors.history.minutes(instrument.symbol, day)
    amounts = accumulate(bar.amount for bar in bars)
    rows = [_minute_row(bar, amount) for bar, amount in zip(bars, amounts, strict=True) if bar.minute is not None and bar.minute <= hour]
    return rows[::-1]


def _minute_row(bar: Bar, amount: int) -> Row:
    minute = bar.minute or time(0, 0)
    return {
        "stck_bsop_date": _day(bar.day),
        "stck_cntg_hour": minute.strftime("%H%M%S"),
        "stck_prpr": str(bar.close),
        "stck_oprc": str(bar.open),
        "stck_hgpr": str(bar.high),
        "stck_lwpr": str(bar.low),
        "cntg_vol": str(bar.volume),
        "acml_tr_pbmn": str(amount),
    }


def _future_rows(doors: Doors, instrument: Instrument, hour: time) -> list[Row]:
    now = doors.exchange.now().astimezone(KST)
    begin, end = now.hour * 60 + now.minute + 1, hour.hour * 60 + hour.minute
    tape, today = doors.exchange.tapes[instrument.symbol], doors.history.today
    minutes = [time(*divmod(minute, 60)) for minute in range(max(begin, end - _TODAY_ROWS + 1), end + 1)]
    return [_minute_row(Bar(today, at, tape.last, tape.last, tape.last, tape.last, 0, 0), tape.amount) for at in reversed(minutes)]


def _earlier_rows(doors: Doors, instrument: Instrument, day: date, wanted: int) -> list[Row]:
    if wanted <= 0:
        return []
    for back in range(1, _DAYS_BACK):
        if rows := _minute_rows(doors, instrument, day - timedelta(days=back), time(23, 59)):
            return rows[:wanted]
    return []


def _minute_summary(doors: Doors, instrument: Instrument) -> Row:
    tape = doors.exchange.tapes[instrument.symbol]
    change = tape.last - instrument.reference_price
    return {
        "prdy_vrss": str(change),
        "prdy_vrss_sign": change_sign(tape.last, instrument),
        "prdy_ctrt": percent(change, instrument.reference_price),
        "stck_prdy_clpr": str(instrument.reference_price),
        "acml_vol": str(tape.volume),
        "acml_tr_pbmn": str(tape.amount),
        "hts_kor_isnm": instrument.name,
        "stck_prpr": str(tape.last),
    }


def _summary(doors: Doors, instrument: Instrument) -> Row:
    tape = doors.exchange.tapes[instrument.symbol]
    asks, bids = doors.exchange.books[instrument.symbol].levels(1)
    previous = doors.history.previous(instrument.symbol)
    return _minute_summary(doors, instrument) | {
        "stck_shrn_iscd": instrument.symbol,
        "prdy_vol": str(previous.volume),
        "stck_mxpr": str(instrument.upper_limit),
        "stck_llam": str(instrument.lower_limit),
        "stck_oprc": str(tape.open),
        "stck_hgpr": str(tape.high),
        "stck_lwpr": str(tape.low),
        "stck_prdy_oprc": str(previous.open),
        "stck_prdy_hgpr": str(previous.high),
        "stck_prdy_lwpr": str(previous.low),
        "askp": str(asks[0][0] if asks else 0),
        "bidp": str(bids[0][0] if bids else 0),
        "prdy_vrss_vol": str(tape.volume - previous.volume),
        "vol_tnrt": percent(tape.volume, instrument.listed_shares),
        "stck_fcam": "100",
        "lstn_stcn": str(instrument.listed_shares),
        "cpfn": str(instrument.listed_shares * 100 // _HUNDRED_MILLION),
        "hts_avls": str(instrument.listed_shares * tape.last // _HUNDRED_MILLION),
        "per": "13.10",
        "eps": f"{tape.last / 13.1:.2f}",
        "pbr": "1.30",
        "itewhol_loan_rmnd_ratem": "0.00",
    }


def _day(day: date) -> str:
    return day.strftime("%Y%m%d")
