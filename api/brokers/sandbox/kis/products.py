"""What KIS tells of an instrument beyond its price: product data, ratios, opinions; and the calendar. Figures without a source in the
market are made up from the symbol, the same ones each time; the firm that gives opinions does not exist."""

from __future__ import annotations

import hashlib
from datetime import date, timedelta

from aiohttp import web

from ..calendar import is_open_day, open_days
from ..doors import Doors
from ..history import FIRST_DAY
from ..instruments import Instrument
from .fid import DONE, Fid, find_instrument
from .query import DONE_TEXT
from .wire import Row, missing_input, percent, reply

FIRM = "샌드박스증권"
"""Gives all opinions of the sandbox."""
_OPINIONS = (("매수", "2"), ("BUY", "2"), ("중립", "3"), ("매도", "4"))
_OPINION_ROWS = 100
_OPINION_SHARE = 0.1  # of the days
_BEFORE_DAYS = 365  # in which the opinion before surely lies
_CALENDAR_ROWS = 24
_YEARS, _QUARTERS = 5, 8
_PAR_VALUE = 100
_BLANK_STOCK_FIELDS = (
    "scts_mket_lstg_abol_dt", "kosdaq_mket_lstg_abol_dt", "frbd_mket_lstg_dt", "frbd_mket_lstg_abol_dt", "reits_kind_cd", "oilf_fund_yn",
    "idx_bztp_lcls_cd", "idx_bztp_mcls_cd", "idx_bztp_scls_cd", "idx_bztp_lcls_cd_name", "idx_bztp_mcls_cd_name", "idx_bztp_scls_cd_name",
    "mfnd_opng_dt", "mfnd_end_dt", "dpsi_erlm_cncl_dt", "etf_txtn_type_cd", "lstg_abol_dt", "nwst_odst_dvsn_cd", "thco_sbst_pric_chng_dt",
    "std_idst_clsf_cd", "std_idst_clsf_cd_name", "ocr_no", "crfd_item_yn", "issu_istt_cd", "etf_etn_ivst_heed_item_yn",
    "stln_int_rt_dvsn_cd", "lstg_rqsr_issu_istt_cd", "lstg_rqsr_item_cd", "trst_istt_issu_istt_cd",
)  # fmt: skip


def product_info(doors: Doors, tr_id: str, request: web.Request) -> web.Response:
    """search-info."""
    instrument = _product(doors, request)
    output = _names(instrument) | {
        "std_pdno": instrument.isin,
        "shtn_pdno": instrument.symbol,
        "prdt_sale_stat_cd": "",
        "prdt_risk_grad_cd": "",
        "prdt_clsf_cd": "101210" if instrument.is_etf else "101101",
        "prdt_clsf_name": "ETF" if instrument.is_etf else "주식",
        "sale_strt_dt": "",
        "sale_end_dt": "",
        "wrap_asst_type_cd": "06",
        "ivst_prdt_type_cd": "0601",
        "ivst_prdt_type_cd_name": "주식",
        "frst_erlm_dt": "",
    }
    return reply(tr_id, {"output": output, **DONE})


def stock_info(doors: Doors, tr_id: str, request: web.Request) -> web.Response:
    """search-stock-info: all fields of the official sample, blank where the sandbox has nothing to say."""
    instrument = _product(doors, request)
    is_kospi = instrument.market == "KOSPI"
    halted = "Y" if instrument.symbol in doors.exchange.halted else "N"
    capital = str(instrument.listed_shares * _PAR_VALUE)
    substitute = str(instrument.reference_price * 7 // 10)
    listed = FIRST_DAY.strftime("%Y%m%d")
    output = dict.fromkeys(_BLANK_STOCK_FIELDS, "") | _names(instrument)
    output |= {
        "mket_id_cd": "STK" if is_kospi else "KSQ",
        "scty_grp_id_cd": "EF" if instrument.is_etf else "ST",
        "excg_dvsn_cd": "02" if is_kospi else "03",
        "setl_mmdd": "1231",
        "lstg_stqt": str(instrument.listed_shares),
        "lstg_cptl_amt": "0",
        "cpta": capital,
        "papr": str(_PAR_VALUE),
        "issu_pric": "0",
        "kospi200_item_yn": "Y" if is_kospi and not instrument.is_etf else "N",
        "scts_mket_lstg_dt": listed if is_kospi else "",
        "kosdaq_mket_lstg_dt": "" if is_kospi else listed,
        "etf_dvsn_cd": "1" if instrument.is_etf else "0",
        "stck_kind_cd": "000" if instrument.is_etf else "101",
        "etf_cu_qty": "0",
        "std_pdno": instrument.isin,
        "dpsi_aptm_erlm_yn": "N",
        "etf_type_cd": "",
        "sbst_pric": substitute,
        "thco_sbst_pric": substitute,
        "tr_stop_yn": halted,
        "admn_item_yn": "N",
        "thdt_clpr": str(doors.exchange.last_price(instrument.symbol)),
        "bfdy_clpr": str(instrument.reference_price),
        "clpr_chng_dt": doors.history.today.strftime("%Y%m%d"),
        "elec_scty_yn": "Y",
        "etf_chas_erng_rt_dbnb": "0.000000",
        "frnr_psnl_lmt_rt": "0.00000000",
        "cptt_trad_tr_psbl_yn": "Y" if is_at_nxt(instrument) else "N",
        "nxt_tr_stop_yn": halted,
    }
    return reply(tr_id, {"output": output, **DONE})


def is_at_nxt(instrument: Instrument) -> bool:
    """Whether NXT trades it too: stocks, not ETFs."""
    return not instrument.is_etf


def calendar(doors: Doors, tr_id: str, request: web.Request) -> web.Response:
    """chk-holiday: 24 days from a day on. One page: clients go on with the day after the last, and one that followed ``tr_cont`` through a
    calendar without an end would never stop."""
    first = Fid(request).day("BASS_DT")
    rows: list[Row] = []
    for day in (first + timedelta(days=offset) for offset in range(_CALENDAR_ROWS)):
        is_open = "Y" if is_open_day(day) else "N"
        rows.append(
            {
                "bass_dt": day.strftime("%Y%m%d"),
                "wday_dvsn_cd": f"{(day.isoweekday() % 7) + 1:02d}",
                "bzdy_yn": is_open,
                "tr_day_yn": is_open,
                "opnd_yn": is_open,
                "sttl_day_yn": is_open,
            }
        )
    body = {"ctx_area_nk": "".ljust(20), "ctx_area_fk": "".ljust(20), "output": rows, "rt_cd": "0", "msg_cd": "KIOK0510", "msg1": DONE_TEXT}
    return reply(tr_id, body, tr_cont="D")


def financial_ratios(doors: Doors, tr_id: str, request: web.Request) -> web.Response:
    """financial-ratio: years or quarters, newest first; none for an ETF."""
    query = Fid(request)
    instrument = query.instrument(doors)
    is_quarterly = query.require("FID_DIV_CLS_CODE", {"0", "1"}) == "1"
    months = periods_of(doors, instrument, is_quarterly=is_quarterly)
    return reply(tr_id, {"output": [_ratio_row(instrument, month) for month in months], **DONE})


def opinions(doors: Doors, tr_id: str, request: web.Request) -> web.Response:
    """invest-opinion: newest first, a hundred rows at most."""
    query = Fid(request)
    instrument = query.instrument(doors)
    query.require("FID_COND_SCR_DIV_CODE", {"16633"})
    first, last = query.day("FID_INPUT_DATE_1"), query.day("FID_INPUT_DATE_2")
    rows = opinion_rows(doors, instrument, first, last)
    return reply(tr_id, {"output": rows[:_OPINION_ROWS], **DONE})


def periods_of(doors: Doors, instrument: Instrument, *, is_quarterly: bool) -> list[str]:
    """Fiscal periods with a report, newest first, ``YYYYMM``; none for an ETF."""
    if instrument.is_etf:
        return []
    return _quarters(doors.history.today) if is_quarterly else _years(doors.history.today)


def opinion_rows(doors: Doors, instrument: Instrument, first: date, last: date) -> list[Row]:
    """The opinions of a span of days, newest first; none for an ETF."""
    first, last = max(FIRST_DAY, first), min(last, doors.history.today)
    looked_at = () if instrument.is_etf else open_days(first - timedelta(days=_BEFORE_DAYS), last)
    days = [day for day in looked_at if made_up(instrument, day.isoformat()) < _OPINION_SHARE]
    pairs = zip(days, [None, *days], strict=False)
    return [_opinion_row(doors, instrument, day, before) for day, before in pairs if first <= day][::-1]


def _opinion_row(doors: Doors, instrument: Instrument, day: date, before: date | None) -> Row:
    close = doors.history.close_before(instrument.symbol, day)
    goal = close * (90 + int(made_up(instrument, f"goal{day}") * 60)) // 100 // 1000 * 1000
    (words, code), (old_words, old_code) = _opinion(instrument, day), _opinion(instrument, before or day)
    now = doors.exchange.tapes[instrument.symbol].last
    return {
        "stck_bsop_date": day.strftime("%Y%m%d"),
        "invt_opnn": words,
        "invt_opnn_cls_code": code,
        "rgbf_invt_opnn": old_words,
        "rgbf_invt_opnn_cls_code": old_code,
        "mbcr_name": FIRM,
        "hts_goal_prc": str(goal),
        "stck_prdy_clpr": str(close),
        "stck_nday_esdg": str(close - goal),
        "nday_dprt": percent(close - goal, goal),
        "stft_esdg": str(now - goal),
        "dprt": percent(now - goal, goal),
    }


def _opinion(instrument: Instrument, day: date) -> tuple[str, str]:
    return _OPINIONS[int(made_up(instrument, f"opinion{day}") * len(_OPINIONS))]


def _ratio_row(instrument: Instrument, month: str) -> Row:
    def figure(name: str, lowest: float, highest: float) -> str:
        return f"{lowest + made_up(instrument, name + month) * (highest - lowest):.2f}"

    price = instrument.reference_price
    return {
        "stac_yymm": month,
        "grs": figure("grs", -20, 40),
        "bsop_prfi_inrt": figure("bsop", -50, 80),
        "ntin_inrt": figure("ntin", -60, 90),
        "roe_val": figure("roe", 1, 20),
        "eps": figure("eps", price / 20, price / 8),
        "sps": figure("sps", price / 2, price * 2),
        "bps": figure("bps", price / 2, price),
        "rsrv_rate": figure("rsrv", 500, 30_000),
        "lblt_rate": figure("lblt", 10, 150),
    }


def _years(today: date) -> list[str]:
    return [f"{today.year - back}12" for back in range(1, _YEARS + 1)]


def _quarters(today: date) -> list[str]:
    # the newest one that ended at least a month and a half ago, when reports are due
    index = (today - timedelta(days=45)).year * 4 + ((today - timedelta(days=45)).month - 1) // 3 - 1
    return [f"{number // 4}{number % 4 * 3 + 3:02d}" for number in range(index, index - _QUARTERS, -1)]


def made_up(instrument: Instrument, what: str) -> float:
    """A figure between 0 and 1 for a name, the same one each time."""
    return int.from_bytes(hashlib.blake2b(f"{instrument.symbol}{what}".encode(), digest_size=4).digest()) / 2**32


def _product(doors: Doors, request: web.Request) -> Instrument:
    query = Fid(request)
    if not query.get("PDNO"):
        raise missing_input("PDNO")
    query.require("PRDT_TYPE_CD")
    return find_instrument(doors, query.get("PDNO"))


def _names(instrument: Instrument) -> Row:
    return {
        "pdno": instrument.symbol.rjust(12, "0"),
        "prdt_type_cd": "300",
        "prdt_name": instrument.name,
        "prdt_name120": instrument.name,
        "prdt_abrv_name": instrument.name,
        "prdt_eng_name": instrument.english_name,
        "prdt_eng_name120": instrument.english_name,
        "prdt_eng_abrv_name": instrument.english_name,
    }
