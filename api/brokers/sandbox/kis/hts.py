"""What a customer keeps in the HTS: saved conditions and interest groups. Every customer has the same ones; another's HTS id has none."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from aiohttp import web

from ..doors import Doors
from ..history import Period, Rank, Ranked
from ..model import Account
from .fid import DONE, Fid, change_sign
from .wire import Row, kst_date, kst_time, reply

_GROUP = "샌드박스"
_HUNDRED_MILLION = 100_000_000
_MOST = 100
_Wanted = Callable[[Ranked], bool]
# by seq; the last one finds nothing, which KIS tells by a refusal
_CONDITIONS: tuple[tuple[str, _Wanted], ...] = (
    ("시가총액 10조 이상", lambda row: row.instrument.listed_shares * row.tape.last >= 100_000 * _HUNDRED_MILLION),
    ("KOSDAQ 종목", lambda row: row.instrument.market == "KOSDAQ"),
    ("찾는 종목 없음", lambda _: False),
)
_GROUPS = {"001": ("관심종목01", ("005930", "000660", "035420")), "002": ("관심종목02", ())}
_NOTHING_FOUND = {"rt_cd": "1", "msg_cd": "MCA05918", "msg1": "종목코드 오류입니다."}


def conditions(doors: Doors, account: Account, tr_id: str, request: web.Request) -> web.Response:
    """psearch-title."""
    user = Fid(request).require("USER_ID")
    rows = [
        {"user_id": user, "seq": str(number), "grp_nm": _GROUP, "condition_nm": name}
        for number, (name, _) in enumerate(_CONDITIONS)
        if user == account.hts_id
    ]
    return reply(tr_id, {"output2": rows, **DONE})


def condition_stocks(doors: Doors, account: Account, tr_id: str, request: web.Request) -> web.Response:
    """psearch-result: figures are padded and have four decimals."""
    query = Fid(request)
    user, sequence = query.require("USER_ID"), query.require("SEQ")
    known = {str(number): wanted for number, (_, wanted) in enumerate(_CONDITIONS)}
    if user != account.hts_id or sequence not in known:
        return reply(tr_id, _NOTHING_FOUND)
    rows = [_stock_row(doors, row) for row in doors.history.ranking(Rank.AMOUNT) if known[sequence](row)]
    return reply(tr_id, {"output2": rows[:_MOST], **DONE} if rows else _NOTHING_FOUND)


def interest_groups(doors: Doors, account: Account, tr_id: str, request: web.Request) -> web.Response:
    """intstock-grouplist."""
    query = Fid(request)
    query.require("TYPE", {"1"})
    query.require("FID_ETC_CLS_CODE", {"00"})
    at = doors.exchange.now()
    rows = [
        {
            "date": kst_date(at),
            "trnm_hour": kst_time(at),
            "data_rank": f"{number:010d}",
            "inter_grp_code": code,
            "inter_grp_name": name,
            "ask_cnt": str(len(symbols)),
        }
        for number, (code, (name, symbols)) in enumerate(_GROUPS.items(), 1)
        if query.require("USER_ID") == account.hts_id
    ]
    return reply(tr_id, {"output2": rows, **DONE})


def interest_stocks(doors: Doors, account: Account, tr_id: str, request: web.Request) -> web.Response:
    """intstock-stocklist-by-group; a group that does not exist is empty."""
    query = Fid(request)
    query.require("TYPE", {"1"})
    query.require("FID_ETC_CLS_CODE", {"4"})
    code = query.require("INTER_GRP_CODE")
    name, symbols = _GROUPS.get(code, ("", ())) if query.require("USER_ID") == account.hts_id else ("", ())
    instruments = [doors.exchange.instruments[symbol] for symbol in symbols if symbol in doors.exchange.instruments]
    rows = [
        {
            "fid_mrkt_cls_code": "J",
            "data_rank": f"{number:010d}",
            "exch_code": "KRX",
            "jong_code": instrument.symbol,
            "color_code": "-1",
            "memo": "",
            "hts_kor_isnm": instrument.name,
            "fxdt_ntby_qty": "0",
            "cntg_unpr": "0.000000",
            "cntg_cls_code": "0",
        }
        for number, instrument in enumerate(instruments, 1)
    ]
    return reply(tr_id, {"output1": {"data_rank": code.zfill(10), "inter_grp_name": name}, "output2": rows, **DONE})


def _stock_row(doors: Doors, row: Ranked) -> Row:
    instrument, tape = row.instrument, row.tape
    rate = row.change / instrument.reference_price * 100
    today = doors.history.today
    year = doors.history.bars(instrument.symbol, Period.DAY, today - timedelta(weeks=52), today)
    return {
        "code": instrument.symbol,
        "name": instrument.name,
        "daebi": change_sign(tape.last, instrument),
        "price": f"{tape.last:016.4f}",
        "chgrate": _padded(abs(rate)),
        "acml_vol": _padded(tape.volume),
        "trade_amt": _padded(tape.amount),
        "change": _padded(abs(row.change)),
        "cttr": _padded(100),
        "open": _padded(tape.open),
        "high": _padded(tape.high),
        "low": _padded(tape.low),
        "high52": _padded(max(bar.high for bar in year)),
        "low52": _padded(min(bar.low for bar in year)),
        "expprice": f"{0:016.4f}",
        "expchange": _padded(0),
        "expchggrate": _padded(-100),
        "expcvol": _padded(0),
        "chgrate2": _padded(tape.volume / row.previous.volume * 100),
        "expdaebi": "5",
        "recprice": _padded(instrument.reference_price),
        "uplmtprice": _padded(instrument.upper_limit),
        "dnlmtprice": _padded(instrument.lower_limit),
        "stotprice": _padded(instrument.listed_shares * tape.last / _HUNDRED_MILLION),
    }


def _padded(value: float) -> str:
    return f"{value:16.4f}"
