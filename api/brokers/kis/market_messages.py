"""What KIS answers to market inquiries, in its own names. Every value is text, also numbers; answers hold more than is listed here.

Source of the field lists: the official repository ``koreainvestment/open-trading-api`` (head 885dd4e), ``examples_llm/domestic_stock``;
``mbcr_name`` of the opinions is missing there and stands in the portal's sheet.
"""

from msgspec import Struct


class BookTimes(Struct, frozen=True, kw_only=True):
    """``output1`` of ``inquire-asking-price-exp-ccn`` but for its ten steps. ``aspr_acpt_hour`` is HHMMSS, KST."""

    aspr_acpt_hour: str
    total_askp_rsqn: str
    total_bidp_rsqn: str


class ExpectedMatch(Struct, frozen=True, kw_only=True):
    """``output2`` of ``inquire-asking-price-exp-ccn``."""

    antc_mkop_cls_code: str
    antc_cnpr: str
    antc_vol: str


class LongBar(Struct, frozen=True, kw_only=True):
    """A row of ``inquire-daily-itemchartprice`` ``output2``."""

    stck_bsop_date: str
    stck_oprc: str
    stck_hgpr: str
    stck_lwpr: str
    stck_clpr: str
    acml_vol: str
    acml_tr_pbmn: str


class MinuteBar(Struct, frozen=True, kw_only=True):
    """A row of both minute charts' ``output2``; ``stck_prpr`` is the close. Its ``acml_tr_pbmn`` runs over the day and is not read."""

    stck_bsop_date: str
    stck_cntg_hour: str
    stck_oprc: str
    stck_hgpr: str
    stck_lwpr: str
    stck_prpr: str
    cntg_vol: str


class VolumeRanked(Struct, frozen=True, kw_only=True):
    """A row of ``volume-rank``."""

    data_rank: str
    mksc_shrn_iscd: str
    hts_kor_isnm: str
    stck_prpr: str
    prdy_vrss: str
    prdy_vrss_sign: str
    prdy_ctrt: str
    acml_vol: str
    acml_tr_pbmn: str
    vol_inrt: str = ""


class ChangeRanked(Struct, frozen=True, kw_only=True):
    """A row of ``fluctuation``, which knows no turnover."""

    data_rank: str
    stck_shrn_iscd: str
    hts_kor_isnm: str
    stck_prpr: str
    prdy_vrss: str
    prdy_vrss_sign: str
    prdy_ctrt: str
    acml_vol: str


class Ratio(Struct, frozen=True, kw_only=True):
    """A row of ``financial-ratio``."""

    stac_yymm: str
    grs: str
    bsop_prfi_inrt: str
    ntin_inrt: str
    roe_val: str
    eps: str
    sps: str
    bps: str
    rsrv_rate: str
    lblt_rate: str


class Opinion(Struct, frozen=True, kw_only=True):
    """A row of ``invest-opinion``. The class codes differ from firm to firm, so the words are read."""

    stck_bsop_date: str
    invt_opnn: str
    rgbf_invt_opnn: str
    hts_goal_prc: str
    mbcr_name: str = ""


class CalendarDay(Struct, frozen=True, kw_only=True):
    """A row of ``chk-holiday``. For orders ``opnd_yn`` counts, not ``bzdy_yn`` or ``tr_day_yn``."""

    bass_dt: str
    opnd_yn: str
    sttl_day_yn: str


class Sellable(Struct, frozen=True, kw_only=True):
    """``output1`` of ``inquire-psbl-sell``."""

    ord_psbl_qty: str


class StockInfo(Struct, frozen=True, kw_only=True):
    """``output`` of ``search-stock-info``. An instrument that is or was listed in both markets has both listing days."""

    std_pdno: str
    prdt_name: str
    prdt_eng_name: str
    tr_stop_yn: str
    admn_item_yn: str
    prdt_abrv_name: str = ""
    excg_dvsn_cd: str = ""
    lstg_stqt: str = ""
    papr: str = ""
    scts_mket_lstg_dt: str = ""
    kosdaq_mket_lstg_dt: str = ""
    cptt_trad_tr_psbl_yn: str = ""
    nxt_tr_stop_yn: str = ""
