"""Quotes: price and order book. Prices come from the market; figures that it has not (PER, holders …) are made up."""

from __future__ import annotations

from aiohttp import web

from ..doors import Doors
from ..instruments import Instrument
from ..model import Side
from ..session import Phase
from .fid import DONE, Fid, change_sign
from .wire import Row, kst_date, kst_time, percent, reply

_HUNDRED_MILLION = 100_000_000
_DEPTH = 10
_ZEROS = (
    "hts_frgn_ehrt", "frgn_ntby_qty", "pgtr_ntby_qty", "last_ssts_cntg_qty", "frgn_hldn_qty", "whol_loan_rmnd_rate", "vol_tnrt",
    "prdy_vrss_vol_rate", "dmrs_val", "dmsp_val", "cpfn", "rstc_wdth_prc",
)  # fmt: skip
_PERIODS = (("d250", "d250_hgpr", "d250_lwpr"), ("w52", "w52_hgpr", "w52_lwpr"), ("dryy", "stck_dryy_hgpr", "stck_dryy_lwpr"))
_PIVOTS = ("pvt_scnd_dmrs_prc", "pvt_frst_dmrs_prc", "pvt_pont_val", "pvt_frst_dmsp_prc", "pvt_scnd_dmsp_prc")


# expected-match codes: started (before the open), running at the close; else "112", ended
_AUCTION_CODES = {Phase.PRE_OPEN: "311", Phase.CLOSING_AUCTION: "121"}


def price(doors: Doors, tr_id: str, request: web.Request) -> web.Response:
    """inquire-price: about 80 fields, none of them the name."""
    instrument = Fid(request).instrument(doors)
    return reply(tr_id, {"output": _price_row(doors, instrument), **DONE})


def _price_row(doors: Doors, instrument: Instrument) -> Row:
    tape = doors.exchange.tapes[instrument.symbol]
    today = kst_date(doors.exchange.now())
    change = tape.last - instrument.reference_price
    row = {
        "iscd_stat_cls_code": "58" if instrument.symbol in doors.exchange.halted else "55",
        "marg_rate": "20.00",
        "rprs_mrkt_kor_name": "ETF" if instrument.is_etf else "KOSPI200" if instrument.market == "KOSPI" else "KOSDAQ",
        "new_hgpr_lwpr_cls_code": "",
        "bstp_kor_isnm": "기타",
        "temp_stop_yn": "Y" if instrument.symbol in doors.exchange.halted else "N",
        "oprc_rang_cont_yn": "N",
        "clpr_rang_cont_yn": "N",
        "crdt_able_yn": "Y",
        "grmn_rate_cls_code": "40",
        "elw_pblc_yn": "N",
        "stck_prpr": str(tape.last),
        "prdy_vrss": str(change),
        "prdy_vrss_sign": change_sign(tape.last, instrument),
        "prdy_ctrt": percent(change, instrument.reference_price),
        "acml_tr_pbmn": str(tape.amount),
        "acml_vol": str(tape.volume),
        "stck_oprc": str(tape.open),
        "stck_hgpr": str(tape.high),
        "stck_lwpr": str(tape.low),
        "stck_mxpr": str(instrument.upper_limit),
        "stck_llam": str(instrument.lower_limit),
        "stck_sdpr": str(instrument.reference_price),
        "wghn_avrg_stck_prc": f"{tape.amount / tape.volume:.2f}",
        "stck_fcam": "100",
        "stck_sspr": str(instrument.reference_price * 7 // 10),
        "aspr_unit": str(instrument.tick(tape.last)),
        "hts_deal_qty_unit_val": str(instrument.lot),
        "lstn_stcn": str(instrument.listed_shares),
        "hts_avls": str(instrument.listed_shares * tape.last // _HUNDRED_MILLION),
        "per": "13.10",
        "pbr": "1.30",
        "stac_month": "12",
        "eps": f"{tape.last / 13.1:.2f}",
        "bps": f"{tape.last / 1.3:.2f}",
        "ssts_yn": "Y",
        "stck_shrn_iscd": instrument.symbol,
        "fcam_cnnm": "100",
        "cpfn_cnnm": "",
        "vi_cls_code": "N",
        "ovtm_vi_cls_code": "N",
        "invt_caful_yn": "N",
        "mrkt_warn_cls_code": "00",
        "short_over_yn": "N",
        "sltr_yn": "N",
        "mang_issu_cls_code": "N",
    }
    row |= dict.fromkeys(_ZEROS, "0") | dict.fromkeys(_PIVOTS, str(tape.last))
    for period, high, low in _PERIODS:
        suffix = "ctrt" if period == "w52" else "rate"
        for name, short, value in ((high, "hgpr", instrument.upper_limit), (low, "lwpr", instrument.lower_limit)):
            row[name] = str(value)
            row[f"{period}_{short}_date"] = today
            row[f"{period}_{short}_vrss_prpr_{suffix}"] = percent(tape.last - value, value)
    return row


def asking_price(doors: Doors, tr_id: str, request: web.Request) -> web.Response:
    """inquire-asking-price-exp-ccn: ten levels a side, 0 where there is none."""
    instrument = Fid(request).instrument(doors)
    exchange = doors.exchange
    tape = exchange.tapes[instrument.symbol]
    asks, bids = exchange.books[instrument.symbol].levels(_DEPTH)
    output1: Row = {"aspr_acpt_hour": kst_time(exchange.now())}
    for side, levels in (("askp", asks), ("bidp", bids)):
        for level in range(1, _DEPTH + 1):
            at, quantity = levels[level - 1] if level <= len(levels) else (0, 0)
            output1 |= {f"{side}{level}": str(at), f"{side}_rsqn{level}": str(quantity), f"{side}_rsqn_icdc{level}": "0"}
        output1 |= {f"total_{side}_rsqn": str(sum(quantity for _, quantity in levels)), f"total_{side}_rsqn_icdc": "0"}
        output1 |= {f"ovtm_total_{side}_rsqn": "0", f"ovtm_total_{side}_icdc": "0"}
    output1 |= {"ntby_aspr_rsqn": str(int(output1["total_bidp_rsqn"]) - int(output1["total_askp_rsqn"])), "new_mkop_cls_code": "20"}
    expected = _expected(doors, instrument)
    output2: Row = {
        "antc_mkop_cls_code": _AUCTION_CODES.get(exchange.phase, "112"),
        "stck_prpr": str(tape.last),
        "stck_oprc": str(tape.open),
        "stck_hgpr": str(tape.high),
        "stck_lwpr": str(tape.low),
        "stck_sdpr": str(instrument.reference_price),
        "antc_cnpr": str(tape.last),
        "antc_cntg_vrss_sign": change_sign(tape.last, instrument),
        "antc_cntg_vrss": str(tape.last - instrument.reference_price),
        "antc_cntg_prdy_ctrt": percent(tape.last - instrument.reference_price, instrument.reference_price),
        "antc_vol": str(expected),
        "stck_shrn_iscd": instrument.symbol,
        "vi_cls_code": "N",
    }
    return reply(tr_id, {"output1": output1, "output2": output2, **DONE})


def _expected(doors: Doors, instrument: Instrument) -> int:
    """Shares that an auction would trade: those that clients ask for at the last price or better, as far as the book tells."""
    book = doors.exchange.books[instrument.symbol]
    last = doors.exchange.last_price(instrument.symbol)
    return min(book.available(Side.BUY, last), book.available(Side.SELL, last))
