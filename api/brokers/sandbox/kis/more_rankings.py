"""Rankings by order-book balance, after hours, by expected execution and by who buys.

The balances are the books'. The sandbox has neither a 시간외 단일가 session nor kinds of investors: those figures are made up from the
symbol and the day, the same ones each time. Outside an auction the expected price is the last one.
"""

from __future__ import annotations

from aiohttp import web

from ..doors import Doors
from ..history import Rank
from ..instruments import Instrument
from .fid import DONE, Fid, change_sign, sign_of
from .products import made_up
from .wire import Row, percent, reply

_ROWS = 30
_MARKETS = {"0000": None, "0001": "KOSPI", "1001": "KOSDAQ", "2001": "KOSPI", "4001": "KOSPI"}
_OVERTIME_LIMIT = 0.1  # of the close
_MILLION = 1_000_000


def quote_balance(doors: Doors, tr_id: str, request: web.Request) -> web.Response:
    """quote-balance: fid_rank_sort_cls_code 0 net wanted, 1 net offered, 2 and 3 their shares."""
    query = Fid(request)
    query.require("FID_COND_MRKT_DIV_CODE", {"J", "NX"})
    query.require("FID_COND_SCR_DIV_CODE", {"20172"})
    by = query.require("FID_RANK_SORT_CLS_CODE", {"0", "1", "2", "3"})
    rows = []
    for instrument in _chosen(doors, query):
        asked, wanted = _balance(doors, instrument)
        net, share = (wanted - asked, wanted / ((asked + wanted) or 1))
        key = (net, -net, share, -share)[int(by)]
        rows.append((key, instrument, asked, wanted))
    rows.sort(key=lambda row: -row[0])
    output = [
        {
            "mksc_shrn_iscd": instrument.symbol,
            "data_rank": str(number),
            "hts_kor_isnm": instrument.name,
            **_price(doors, instrument),
            "acml_vol": str(doors.exchange.tapes[instrument.symbol].volume),
            "total_askp_rsqn": str(asked),
            "total_bidp_rsqn": str(wanted),
            "total_ntsl_bidp_rsqn": str(wanted - asked),
            "shnu_rsqn_rate": percent(wanted, asked + wanted),
            "seln_rsqn_rate": percent(asked, asked + wanted),
        }
        for number, (_, instrument, asked, wanted) in enumerate(rows[:_ROWS], 1)
    ]
    return reply(tr_id, {"output": output, **DONE})


def overtime_fluctuation(doors: Doors, tr_id: str, request: web.Request) -> web.Response:
    """overtime-fluctuation: FID_DIV_CLS_CODE 1 upper limit, 2 up, 3 unchanged, 4 lower limit, 5 down."""
    query = Fid(request)
    query.require("FID_COND_MRKT_DIV_CODE", {"J"})
    query.require("FID_COND_SCR_DIV_CODE", {"20234"})
    by = query.require("FID_DIV_CLS_CODE", {"1", "2", "3", "4", "5"})
    found = [(instrument, _overtime_row(doors, instrument)) for instrument in _chosen(doors, query)]
    counts = {sign: sum(row["ovtm_untp_prdy_vrss_sign"] == sign for _, row in found) for sign in "12345"}
    wanted = {"1": "1", "2": "12", "3": "3", "4": "4", "5": "45"}[by]
    rows = [(instrument, row) for instrument, row in found if row["ovtm_untp_prdy_vrss_sign"] in wanted]
    rows.sort(key=lambda each: float(each[1]["ovtm_untp_prdy_ctrt"]), reverse=by in "12")
    output1 = {
        "ovtm_untp_uplm_issu_cnt": str(counts["1"]),
        "ovtm_untp_ascn_issu_cnt": str(counts["2"]),
        "ovtm_untp_stnr_issu_cnt": str(counts["3"]),
        "ovtm_untp_lslm_issu_cnt": str(counts["4"]),
        "ovtm_untp_down_issu_cnt": str(counts["5"]),
        "ovtm_untp_acml_vol": str(sum(int(row["ovtm_untp_vol"]) for _, row in found)),
        "ovtm_untp_acml_tr_pbmn": str(sum(_amount(row) for _, row in found)),
        **_overtime_sums(found),
    }
    output2 = [{"mksc_shrn_iscd": instrument.symbol, **row} for instrument, row in rows[:_ROWS]]
    return reply(tr_id, {"output1": output1, "output2": output2, **DONE})


def overtime_volume(doors: Doors, tr_id: str, request: web.Request) -> web.Response:
    """overtime-volume: FID_RANK_SORT_CLS_CODE 0 wanted, 1 offered, 2 volume."""
    query = Fid(request)
    query.require("FID_COND_MRKT_DIV_CODE", {"J"})
    query.require("FID_COND_SCR_DIV_CODE", {"20235"})
    by = query.require("FID_RANK_SORT_CLS_CODE", {"0", "1", "2"})
    key = ("ovtm_untp_shnu_rsqn", "ovtm_untp_seln_rsqn", "ovtm_untp_vol")[int(by)]
    found = [(instrument, _overtime_row(doors, instrument)) for instrument in _chosen(doors, query)]
    rows = sorted(found, key=lambda each: -int(each[1][key]))
    left_out = {"ovtm_untp_askp1", "ovtm_untp_bidp1"}
    output2 = [
        {"stck_shrn_iscd": instrument.symbol, **{name: value for name, value in row.items() if name not in left_out}}
        for instrument, row in rows[:_ROWS]
    ]
    return reply(tr_id, {"output1": _overtime_sums(found), "output2": output2, **DONE})


def expected_change(doors: Doors, tr_id: str, request: web.Request) -> web.Response:
    """exp-trans-updown: fid_rank_sort_cls_code 0 rate up, 1 won up, 2 unchanged, 3 rate down, 4 won down, 5 shares, 6 amount."""
    query = Fid(request)
    query.require("FID_COND_MRKT_DIV_CODE", {"J"})
    query.require("FID_COND_SCR_DIV_CODE", {"20182"})
    query.require("FID_MKOP_CLS_CODE", {"0", "1"})
    by = query.require("FID_RANK_SORT_CLS_CODE", set("0123456"))
    rows = [_expected_row(doors, instrument) for instrument in _chosen(doors, query)]
    keys = ("prdy_ctrt", "prdy_vrss", "prdy_ctrt", "prdy_ctrt", "prdy_vrss", "cntg_vol", "antc_tr_pbmn")
    if by == "2":
        rows = [row for row in rows if row["prdy_vrss_sign"] == "3"]
    rows.sort(key=lambda row: float(row[keys[int(by)]]), reverse=by not in "34")
    return reply(tr_id, {"output": rows[:_ROWS], **DONE})


def net_buying(doors: Doors, tr_id: str, request: web.Request) -> web.Response:
    """foreign-institution-total: FID_ETC_CLS_CODE 1 foreigners, 2 institutions; by shares or amounts, bought or sold most."""
    query = Fid(request)
    query.require("FID_COND_MRKT_DIV_CODE", {"V"})
    query.require("FID_COND_SCR_DIV_CODE", {"16449"})
    by_amount = query.require("FID_DIV_CLS_CODE", {"0", "1"}) == "1"
    is_selling = query.require("FID_RANK_SORT_CLS_CODE", {"0", "1"}) == "1"
    who = query.require("FID_ETC_CLS_CODE", {"0", "1", "2", "3"})
    name = {"0": "ntby", "1": "frgn_ntby", "2": "orgn_ntby", "3": "etc_corp_ntby"}[who]
    key = f"{name}_tr_pbmn" if by_amount and who != "0" else "etc_corp_ntby_vol" if who == "3" else f"{name}_qty"
    rows = sorted((_net_row(doors, one) for one in _chosen(doors, query)), key=lambda row: int(row[key]), reverse=not is_selling)
    return reply(tr_id, {"output": rows[:_ROWS], **DONE})


def net_quantity(doors: Doors, instrument: Instrument, who: str, day: str, volume: int) -> int:
    """Shares that a kind of investor bought less those it sold on a day: made up, at most a fifth of the day's volume."""
    return int((made_up(instrument, f"{who}{day}") - 0.5) * 0.4 * volume)


def _net_row(doors: Doors, instrument: Instrument) -> Row:
    tape = doors.exchange.tapes[instrument.symbol]
    day = doors.history.today.isoformat()
    foreign, fund, corporate = (net_quantity(doors, instrument, who, day, tape.volume) for who in ("frgn", "orgn", "etc_corp"))
    parts = {name: "0" for name in ("bank_ntby", "insu_ntby", "mrbn_ntby", "fund_ntby")}
    return {
        "hts_kor_isnm": instrument.name,
        "mksc_shrn_iscd": instrument.symbol,
        "ntby_qty": str(foreign + fund),
        **_price(doors, instrument),
        "acml_vol": str(tape.volume),
        "frgn_ntby_qty": str(foreign),
        "orgn_ntby_qty": str(fund),
        "ivtr_ntby_qty": str(fund),
        **{f"{name}_qty": value for name, value in parts.items()},
        "etc_orgt_ntby_vol": "0",
        "etc_corp_ntby_vol": str(corporate),
        "frgn_ntby_tr_pbmn": str(foreign * tape.last // _MILLION),
        "orgn_ntby_tr_pbmn": str(fund * tape.last // _MILLION),
        "ivtr_ntby_tr_pbmn": str(fund * tape.last // _MILLION),
        **{f"{name}_tr_pbmn": value for name, value in parts.items()},
        "etc_orgt_ntby_tr_pbmn": "0",
        "etc_corp_ntby_tr_pbmn": str(corporate * tape.last // _MILLION),
    }


def _expected_row(doors: Doors, instrument: Instrument) -> Row:
    asks, bids = doors.exchange.books[instrument.symbol].levels()
    asked, wanted = _balance(doors, instrument)
    last = doors.exchange.tapes[instrument.symbol].last
    matched = min(asked, wanted)
    return {
        "stck_shrn_iscd": instrument.symbol,
        "hts_kor_isnm": instrument.name,
        **_price(doors, instrument),
        "stck_sdpr": str(instrument.reference_price),
        "seln_rsqn": str(asks[0][1] if asks else 0),
        "askp": str(asks[0][0] if asks else 0),
        "bidp": str(bids[0][0] if bids else 0),
        "shnu_rsqn": str(bids[0][1] if bids else 0),
        "cntg_vol": str(matched),
        "antc_tr_pbmn": str(matched * last),
        "total_askp_rsqn": str(asked),
        "total_bidp_rsqn": str(wanted),
    }


def _overtime_row(doors: Doors, instrument: Instrument) -> Row:
    tape = doors.exchange.tapes[instrument.symbol]
    asks, bids = doors.exchange.books[instrument.symbol].levels()
    day = doors.history.today.isoformat()
    wish = tape.last * (1 + (made_up(instrument, f"overtime{day}") - 0.5) * 2 * _OVERTIME_LIMIT)
    tick = instrument.tick(tape.last)
    price = max(tick, int(wish) // tick * tick)
    volume = int(tape.volume * made_up(instrument, f"overtime volume{day}") / 50)
    change = price - tape.last
    return {
        "hts_kor_isnm": instrument.name,
        "ovtm_untp_prpr": str(price),
        "ovtm_untp_prdy_vrss": str(change),
        "ovtm_untp_prdy_vrss_sign": sign_of(change),
        "ovtm_untp_prdy_ctrt": percent(change, tape.last),
        "ovtm_untp_askp1": str(price + tick),
        "ovtm_untp_seln_rsqn": str(int(volume * made_up(instrument, f"overtime asks{day}"))),
        "ovtm_untp_bidp1": str(price),
        "ovtm_untp_shnu_rsqn": str(int(volume * made_up(instrument, f"overtime bids{day}"))),
        "ovtm_untp_vol": str(volume),
        "ovtm_vrss_acml_vol_rlim": percent(volume, tape.volume),
        "stck_prpr": str(tape.last),
        "acml_vol": str(tape.volume),
        "bidp": str(bids[0][0] if bids else 0),
        "askp": str(asks[0][0] if asks else 0),
    }


def _overtime_sums(found: list[tuple[Instrument, Row]]) -> Row:
    sums: Row = {}
    for field, market in (("exch", "KOSPI"), ("kosdaq", "KOSDAQ")):
        rows = [row for instrument, row in found if instrument.market == market]
        sums[f"ovtm_untp_{field}_vol"] = str(sum(int(row["ovtm_untp_vol"]) for row in rows))
        sums[f"ovtm_untp_{field}_tr_pbmn"] = str(sum(_amount(row) for row in rows))
    return sums


def _amount(row: Row) -> int:
    return int(row["ovtm_untp_vol"]) * int(row["ovtm_untp_prpr"])


def _price(doors: Doors, instrument: Instrument) -> Row:
    last = doors.exchange.tapes[instrument.symbol].last
    change = last - instrument.reference_price
    return {
        "stck_prpr": str(last),
        "prdy_vrss": str(change),
        "prdy_vrss_sign": change_sign(last, instrument),
        "prdy_ctrt": percent(change, instrument.reference_price),
    }


def _balance(doors: Doors, instrument: Instrument) -> tuple[int, int]:
    asks, bids = doors.exchange.books[instrument.symbol].levels()
    return sum(quantity for _, quantity in asks), sum(quantity for _, quantity in bids)


def _chosen(doors: Doors, query: Fid) -> list[Instrument]:
    market = _MARKETS[query.require("FID_INPUT_ISCD", set(_MARKETS))]
    return [row.instrument for row in doors.history.ranking(Rank.VOLUME, market=market)]
