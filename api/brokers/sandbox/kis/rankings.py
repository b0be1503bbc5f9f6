"""Rankings over the sample, and the prices of up to thirty names in one answer."""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web

from ..doors import Doors
from ..history import Rank, Ranked
from ..instruments import Instrument
from .fid import DONE, Fid, change_sign, find_instrument
from .wire import Row, kst_date, kst_time, missing_input, percent, reply

_ROWS = 30
_MARKETS = {"0000": None, "0001": "KOSPI", "1001": "KOSDAQ", "2001": "KOSPI"}
_VOLUME_SCREEN, _CHANGE_SCREEN = "20171", "20170"
_HALTED_FLAG, _ETF_FLAG = 5, 6  # places in FID_TRGT_EXLS_CLS_CODE


def _rate(row: Ranked) -> float:
    return row.change / row.instrument.reference_price * 100


# FID_BLNG_CLS_CODE: average volume, growth, volume turnover, amount, amount turnover. An average over one day is the day's.
_VOLUME_KEYS: dict[str, Callable[[Ranked], float]] = {
    "0": lambda row: row.tape.volume,
    "1": lambda row: row.tape.volume / row.previous.volume,
    "2": lambda row: row.tape.volume / row.instrument.listed_shares,
    "3": lambda row: row.tape.amount,
    "4": lambda row: row.tape.amount / (row.instrument.listed_shares * row.tape.last),
}
# fid_rank_sort_cls_code: up, down, up from the opening price, down from it, widest. The official sample sends 0000 for the first.
_CHANGE_KEYS: dict[str, Callable[[Ranked], float]] = {
    "0": lambda row: -_rate(row),
    "0000": lambda row: -_rate(row),
    "1": _rate,
    "2": lambda row: -(row.tape.last / row.tape.open),
    "3": lambda row: row.tape.last / row.tape.open,
    "4": lambda row: -abs(_rate(row)),
}


def volume_rank(doors: Doors, tr_id: str, request: web.Request) -> web.Response:
    """volume-rank: thirty rows."""
    query = Fid(request)
    query.require("FID_COND_MRKT_DIV_CODE", {"J", "NX", "UN", "W"})
    query.require("FID_COND_SCR_DIV_CODE", {_VOLUME_SCREEN})
    key = _VOLUME_KEYS[query.require("FID_BLNG_CLS_CODE", set(_VOLUME_KEYS))]
    rows = sorted(_chosen(doors, query, Rank.VOLUME), key=key, reverse=True)[:_ROWS]
    return reply(tr_id, {"output": [_volume_row(number, row) for number, row in enumerate(rows, 1)], **DONE})


def fluctuation(doors: Doors, tr_id: str, request: web.Request) -> web.Response:
    """fluctuation: thirty rows at most."""
    query = Fid(request)
    query.require("FID_COND_MRKT_DIV_CODE", {"J", "NX"})
    query.require("FID_COND_SCR_DIV_CODE", {_CHANGE_SCREEN})
    key = _CHANGE_KEYS[query.require("FID_RANK_SORT_CLS_CODE", set(_CHANGE_KEYS))]
    lowest, highest = _number(query.get("FID_RSFL_RATE1")), _number(query.get("FID_RSFL_RATE2"))
    rows = [
        row
        for row in _chosen(doors, query, Rank.GAINERS)
        if (lowest is None or _rate(row) >= lowest) and (highest is None or _rate(row) <= highest)
    ]
    at = doors.exchange.now()
    output = [_change_row(number, row, kst_date(at), kst_time(at)) for number, row in enumerate(sorted(rows, key=key)[:_ROWS], 1)]
    return reply(tr_id, {"output": output, **DONE})


def many_prices(doors: Doors, tr_id: str, request: web.Request) -> web.Response:
    """intstock-multprice: ``FID_COND_MRKT_DIV_CODE_1`` and ``FID_INPUT_ISCD_1`` to ``…_30``."""
    query = Fid(request)
    codes = [query.get(f"FID_INPUT_ISCD_{number}") for number in range(1, _ROWS + 1)]
    if not codes[0]:
        raise missing_input("FID_INPUT_ISCD_1")
    return reply(tr_id, {"output": [_price_row(doors, find_instrument(doors, code)) for code in codes if code], **DONE})


def _chosen(doors: Doors, query: Fid, rank: Rank) -> list[Ranked]:
    market = _MARKETS[query.require("FID_INPUT_ISCD", set(_MARKETS))]
    kind = query.get("FID_DIV_CLS_CODE")
    cheapest, dearest = _number(query.get("FID_INPUT_PRICE_1")), _number(query.get("FID_INPUT_PRICE_2"))
    least = _number(query.get("FID_VOL_CNT"))
    flags = query.get("FID_TRGT_EXLS_CLS_CODE").ljust(10, "0")

    def is_wanted(row: Ranked) -> bool:
        is_preferred = row.instrument.symbol[-1] != "0" and not row.instrument.is_etf
        return (
            not (flags[_ETF_FLAG] == "1" and row.instrument.is_etf)
            and not (flags[_HALTED_FLAG] == "1" and row.instrument.symbol in doors.exchange.halted)
            and not (kind == "1" and is_preferred)
            and not (kind == "2" and not is_preferred)
            and (not cheapest or row.tape.last >= cheapest)
            and (not dearest or row.tape.last <= dearest)
            and (not least or row.tape.volume >= least)
        )

    return [row for row in doors.history.ranking(rank, market=market) if is_wanted(row)]


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _volume_row(number: int, row: Ranked) -> Row:
    tape, instrument = row.tape, row.instrument
    turnover = percent(tape.volume, instrument.listed_shares)
    amount_turnover = percent(tape.amount, instrument.listed_shares * tape.last)
    return {
        "hts_kor_isnm": instrument.name,
        "mksc_shrn_iscd": instrument.symbol,
        "data_rank": str(number),
        "stck_prpr": str(tape.last),
        "prdy_vrss_sign": change_sign(tape.last, instrument),
        "prdy_vrss": str(row.change),
        "prdy_ctrt": f"{_rate(row):.2f}",
        "acml_vol": str(tape.volume),
        "prdy_vol": str(row.previous.volume),
        "lstn_stcn": str(instrument.listed_shares),
        "avrg_vol": str(tape.volume),
        "n_befr_clpr_vrss_prpr_rate": f"{_rate(row):.2f}",
        "vol_inrt": percent(tape.volume, row.previous.volume),
        "vol_tnrt": turnover,
        "nday_vol_tnrt": turnover,
        "avrg_tr_pbmn": str(tape.amount),
        "tr_pbmn_tnrt": amount_turnover,
        "nday_tr_pbmn_tnrt": amount_turnover,
        "acml_tr_pbmn": str(tape.amount),
    }


def _change_row(number: int, row: Ranked, today: str, hour: str) -> Row:
    tape, instrument = row.tape, row.instrument
    from_open = tape.last - tape.open
    return {
        "stck_shrn_iscd": instrument.symbol,
        "data_rank": str(number),
        "hts_kor_isnm": instrument.name,
        "stck_prpr": str(tape.last),
        "prdy_vrss": str(row.change),
        "prdy_vrss_sign": change_sign(tape.last, instrument),
        "prdy_ctrt": f"{_rate(row):.2f}",
        "acml_vol": str(tape.volume),
        "stck_hgpr": str(tape.high),
        "hgpr_hour": hour,
        "acml_hgpr_date": today,
        "stck_lwpr": str(tape.low),
        "lwpr_hour": hour,
        "acml_lwpr_date": today,
        "lwpr_vrss_prpr_rate": percent(tape.last - tape.low, tape.low),
        "dsgt_date_clpr_vrss_prpr_rate": f"{_rate(row):.2f}",
        "cnnt_ascn_dynu": "1" if row.change > 0 else "0",
        "hgpr_vrss_prpr_rate": percent(tape.last - tape.high, tape.high),
        "cnnt_down_dynu": "1" if row.change < 0 else "0",
        "oprc_vrss_prpr_sign": "2" if from_open > 0 else "5" if from_open < 0 else "3",
        "oprc_vrss_prpr": str(from_open),
        "oprc_vrss_prpr_rate": percent(from_open, tape.open),
        "prd_rsfl": str(row.change),
        "prd_rsfl_rate": f"{_rate(row):.2f}",
    }


def _price_row(doors: Doors, instrument: Instrument) -> Row:
    tape = doors.exchange.tapes[instrument.symbol]
    asks, bids = doors.exchange.books[instrument.symbol].levels()
    change = tape.last - instrument.reference_price
    return {
        "kospi_kosdaq_cls_name": instrument.market,
        "mrkt_trtm_cls_name": "",
        "hour_cls_code": "0",
        "inter_shrn_iscd": instrument.symbol,
        "inter_kor_isnm": instrument.name,
        "inter2_prpr": str(tape.last),
        "inter2_prdy_vrss": str(change),
        "prdy_vrss_sign": change_sign(tape.last, instrument),
        "prdy_ctrt": percent(change, instrument.reference_price),
        "acml_vol": str(tape.volume),
        "inter2_oprc": str(tape.open),
        "inter2_hgpr": str(tape.high),
        "inter2_lwpr": str(tape.low),
        "inter2_llam": str(instrument.lower_limit),
        "inter2_mxpr": str(instrument.upper_limit),
        "inter2_askp": str(asks[0][0] if asks else 0),
        "inter2_bidp": str(bids[0][0] if bids else 0),
        "seln_rsqn": str(asks[0][1] if asks else 0),
        "shnu_rsqn": str(bids[0][1] if bids else 0),
        "total_askp_rsqn": str(sum(quantity for _, quantity in asks)),
        "total_bidp_rsqn": str(sum(quantity for _, quantity in bids)),
        "acml_tr_pbmn": str(tape.amount),
        "inter2_prdy_clpr": str(instrument.reference_price),
        "oprc_vrss_hgpr_rate": percent(tape.high - tape.open, tape.open),
        "intr_antc_cntg_vrss": "0",
        "intr_antc_cntg_vrss_sign": "3",
        "intr_antc_cntg_prdy_ctrt": "0.00",
        "intr_antc_vol": "0",
        "inter2_sdpr": str(instrument.reference_price),
    }
