"""Quotes: price, order book, product information. Prices come from the market; figures that it has not (PER, holders …) are made up."""

from __future__ import annotations

from aiohttp import web

from ..doors import Doors
from ..instruments import Instrument
from .wire import GatewayError, Row, kst_date, kst_time, missing_input, percent, reply

_HUNDRED_MILLION = 100_000_000
_DEPTH = 10
_DIVISIONS = {"J", "NX", "UN"}
_UNKNOWN_SYMBOL = GatewayError("OPSQ2001", "ERROR : INVALID INPUT_ISCD", status=200)
_DONE = {"rt_cd": "0", "msg_cd": "MCA00000", "msg1": "정상처리 되었습니다."}
_ZEROS = (
    "hts_frgn_ehrt", "frgn_ntby_qty", "pgtr_ntby_qty", "last_ssts_cntg_qty", "frgn_hldn_qty", "whol_loan_rmnd_rate", "vol_tnrt",
    "prdy_vrss_vol_rate", "dmrs_val", "dmsp_val", "cpfn", "rstc_wdth_prc",
)  # fmt: skip
_PERIODS = (("d250", "d250_hgpr", "d250_lwpr"), ("w52", "w52_hgpr", "w52_lwpr"), ("dryy", "stck_dryy_hgpr", "stck_dryy_lwpr"))
_PIVOTS = ("pvt_scnd_dmrs_prc", "pvt_frst_dmrs_prc", "pvt_pont_val", "pvt_frst_dmsp_prc", "pvt_scnd_dmsp_prc")


def change_sign(price: int, instrument: Instrument) -> str:
    """prdy_vrss_sign: 1 상한 2 상승 3 보합 4 하한 5 하락."""
    if price == instrument.reference_price:
        return "3"
    if price > instrument.reference_price:
        return "1" if price == instrument.upper_limit else "2"
    return "4" if price == instrument.lower_limit else "5"


def _instrument(doors: Doors, request: web.Request) -> Instrument:
    query = {name.upper(): value.strip() for name, value in request.query.items()}
    for name in ("FID_COND_MRKT_DIV_CODE", "FID_INPUT_ISCD"):
        if name not in query:
            raise missing_input(name)
    if query["FID_COND_MRKT_DIV_CODE"] not in _DIVISIONS:
        raise missing_input("FID_COND_MRKT_DIV_CODE")
    instrument = doors.exchange.instruments.get(query["FID_INPUT_ISCD"])
    if instrument is None:
        raise _UNKNOWN_SYMBOL
    return instrument


def price(doors: Doors, tr_id: str, request: web.Request) -> web.Response:
    """inquire-price: about 80 fields, none of them the name."""
    instrument = _instrument(doors, request)
    return reply(tr_id, {"output": _price_row(doors, instrument), **_DONE})


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
    instrument = _instrument(doors, request)
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
    output2: Row = {
        "antc_mkop_cls_code": "112",
        "stck_prpr": str(tape.last),
        "stck_oprc": str(tape.open),
        "stck_hgpr": str(tape.high),
        "stck_lwpr": str(tape.low),
        "stck_sdpr": str(instrument.reference_price),
        "antc_cnpr": str(tape.last),
        "antc_cntg_vrss_sign": change_sign(tape.last, instrument),
        "antc_cntg_vrss": str(tape.last - instrument.reference_price),
        "antc_cntg_prdy_ctrt": percent(tape.last - instrument.reference_price, instrument.reference_price),
        "antc_vol": "0",
        "stck_shrn_iscd": instrument.symbol,
        "vi_cls_code": "N",
    }
    return reply(tr_id, {"output1": output1, "output2": output2, **_DONE})


def _product(doors: Doors, request: web.Request) -> Instrument:
    query = {name.upper(): value.strip() for name, value in request.query.items()}
    if "PDNO" not in query:
        raise missing_input("PDNO")
    instrument = doors.exchange.instruments.get(query["PDNO"])
    if instrument is None:
        raise _UNKNOWN_SYMBOL
    return instrument


def product_info(doors: Doors, tr_id: str, request: web.Request) -> web.Response:
    """search-info."""
    instrument = _product(doors, request)
    output = {
        "pdno": instrument.symbol.rjust(12, "0"),
        "prdt_type_cd": "300",
        "prdt_name": instrument.name,
        "prdt_name120": instrument.name,
        "prdt_abrv_name": instrument.name,
        "prdt_eng_name": instrument.english_name,
        "prdt_eng_name120": instrument.english_name,
        "prdt_eng_abrv_name": instrument.english_name,
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
    return reply(tr_id, {"output": output, **_DONE})


def stock_info(doors: Doors, tr_id: str, request: web.Request) -> web.Response:
    """search-stock-info (selected fields)."""
    instrument = _product(doors, request)
    halted = "Y" if instrument.symbol in doors.exchange.halted else "N"
    output = {
        "pdno": instrument.symbol.rjust(12, "0"),
        "prdt_type_cd": "300",
        "prdt_name": instrument.name,
        "prdt_abrv_name": instrument.name,
        "prdt_eng_name": instrument.english_name,
        "std_pdno": instrument.isin,
        "mket_id_cd": "STK" if instrument.market == "KOSPI" else "KSQ",
        "scty_grp_id_cd": "EF" if instrument.is_etf else "ST",
        "excg_dvsn_cd": "02" if instrument.market == "KOSPI" else "03",
        "lstg_stqt": str(instrument.listed_shares),
        "papr": "100",
        "scts_mket_lstg_dt": "",
        "kosdaq_mket_lstg_dt": "",
        "lstg_abol_dt": "",
        "kospi200_item_yn": "N",
        "tr_stop_yn": halted,
        "admn_item_yn": "N",
        "thdt_clpr": str(doors.exchange.last_price(instrument.symbol)),
        "bfdy_clpr": str(instrument.reference_price),
        "cptt_trad_tr_psbl_yn": "N" if instrument.is_etf else "Y",
        "nxt_tr_stop_yn": halted,
    }
    return reply(tr_id, {"output": output, **_DONE})
