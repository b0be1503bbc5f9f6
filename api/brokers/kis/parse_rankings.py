"""KIS's rankings beyond volume and change → Lucy's words. Pure. Where KIS numbers no rows, their order is the rank.

Source of the field lists: ``examples_llm/domestic_stock`` of the official repository (head 885dd4e), one folder a TR.
"""

from msgspec import Struct

from api.brokers.kis.envelope import Envelope
from api.brokers.kis.parse import symbol, whole
from api.brokers.kis.parse_market import filled, output_of, signed
from api.brokers.market_data import RankedInstrument


class _BalanceRow(Struct, frozen=True, kw_only=True):
    data_rank: str
    mksc_shrn_iscd: str
    hts_kor_isnm: str
    stck_prpr: str
    prdy_vrss: str
    prdy_vrss_sign: str
    prdy_ctrt: str
    acml_vol: str
    total_askp_rsqn: str
    total_bidp_rsqn: str


class _OvertimeRow(Struct, frozen=True, kw_only=True):
    """The code has another name in each of the two TRs."""

    hts_kor_isnm: str
    ovtm_untp_prpr: str
    ovtm_untp_prdy_vrss: str
    ovtm_untp_prdy_vrss_sign: str
    ovtm_untp_prdy_ctrt: str
    ovtm_untp_vol: str
    ovtm_untp_seln_rsqn: str
    ovtm_untp_shnu_rsqn: str
    mksc_shrn_iscd: str = ""
    stck_shrn_iscd: str = ""


class _ExpectedRow(Struct, frozen=True, kw_only=True):
    stck_shrn_iscd: str
    hts_kor_isnm: str
    stck_prpr: str
    prdy_vrss: str
    prdy_vrss_sign: str
    prdy_ctrt: str
    cntg_vol: str
    antc_tr_pbmn: str
    total_askp_rsqn: str
    total_bidp_rsqn: str


class _NetBuyingRow(Struct, frozen=True, kw_only=True):
    mksc_shrn_iscd: str
    hts_kor_isnm: str
    stck_prpr: str
    prdy_vrss: str
    prdy_vrss_sign: str
    prdy_ctrt: str
    acml_vol: str
    frgn_ntby_qty: str
    orgn_ntby_qty: str


def parse_quote_balance(envelope: Envelope) -> list[RankedInstrument]:
    """Read ``quote-balance``."""
    tr = envelope.tr
    return [
        RankedInstrument(
            rank=whole(tr, "data_rank", row.data_rank),
            symbol=symbol(tr, "mksc_shrn_iscd", row.mksc_shrn_iscd),
            name=row.hts_kor_isnm.strip(),
            price=whole(tr, "stck_prpr", row.stck_prpr),
            change=signed(tr, row.prdy_vrss, row.prdy_vrss_sign),
            change_rate=row.prdy_ctrt.strip(),
            volume=whole(tr, "acml_vol", row.acml_vol),
            turnover_amount=None,
            ask_quantity=whole(tr, "total_askp_rsqn", row.total_askp_rsqn),
            bid_quantity=whole(tr, "total_bidp_rsqn", row.total_bidp_rsqn),
        )
        for row in filled(tr, output_of(envelope), _BalanceRow, "mksc_shrn_iscd")
    ]


def parse_overtime_fluctuation(envelope: Envelope) -> list[RankedInstrument]:
    """Read ``overtime-fluctuation``; ``output1`` sums up the market and is not read."""
    return _overtime(envelope, "mksc_shrn_iscd")


def parse_overtime_volume(envelope: Envelope) -> list[RankedInstrument]:
    """Read ``overtime-volume``; ``output1`` sums up the market and is not read."""
    return _overtime(envelope, "stck_shrn_iscd")


def _overtime(envelope: Envelope, code: str) -> list[RankedInstrument]:
    tr = envelope.tr
    rows = filled(tr, envelope.members.get("output2", []), _OvertimeRow, code)
    return [
        RankedInstrument(
            rank=rank,
            symbol=symbol(tr, code, getattr(row, code)),
            name=row.hts_kor_isnm.strip(),
            price=whole(tr, "ovtm_untp_prpr", row.ovtm_untp_prpr),
            change=signed(tr, row.ovtm_untp_prdy_vrss, row.ovtm_untp_prdy_vrss_sign),
            change_rate=row.ovtm_untp_prdy_ctrt.strip(),
            volume=whole(tr, "ovtm_untp_vol", row.ovtm_untp_vol),
            turnover_amount=None,
            ask_quantity=whole(tr, "ovtm_untp_seln_rsqn", row.ovtm_untp_seln_rsqn, blank=0),
            bid_quantity=whole(tr, "ovtm_untp_shnu_rsqn", row.ovtm_untp_shnu_rsqn, blank=0),
        )
        for rank, row in enumerate(rows, 1)
    ]


def parse_expected_change(envelope: Envelope) -> list[RankedInstrument]:
    """Read ``exp-trans-updown``: its price, change and volume are those that the auction is expected to bring."""
    tr = envelope.tr
    return [
        RankedInstrument(
            rank=rank,
            symbol=symbol(tr, "stck_shrn_iscd", row.stck_shrn_iscd),
            name=row.hts_kor_isnm.strip(),
            price=whole(tr, "stck_prpr", row.stck_prpr),
            change=signed(tr, row.prdy_vrss, row.prdy_vrss_sign),
            change_rate=row.prdy_ctrt.strip(),
            volume=whole(tr, "cntg_vol", row.cntg_vol),
            turnover_amount=whole(tr, "antc_tr_pbmn", row.antc_tr_pbmn),
            ask_quantity=whole(tr, "total_askp_rsqn", row.total_askp_rsqn),
            bid_quantity=whole(tr, "total_bidp_rsqn", row.total_bidp_rsqn),
        )
        for rank, row in enumerate(filled(tr, output_of(envelope), _ExpectedRow, "stck_shrn_iscd"), 1)
    ]


def parse_net_buying(envelope: Envelope, *, is_foreign: bool) -> list[RankedInstrument]:
    """Read ``foreign-institution-total``: a count kept by hand four times a day, as KIS says, not the exchange's."""
    tr = envelope.tr
    rows = filled(tr, output_of(envelope), _NetBuyingRow, "mksc_shrn_iscd")
    name = "frgn_ntby_qty" if is_foreign else "orgn_ntby_qty"
    return [
        RankedInstrument(
            rank=rank,
            symbol=symbol(tr, "mksc_shrn_iscd", row.mksc_shrn_iscd),
            name=row.hts_kor_isnm.strip(),
            price=whole(tr, "stck_prpr", row.stck_prpr),
            change=signed(tr, row.prdy_vrss, row.prdy_vrss_sign),
            change_rate=row.prdy_ctrt.strip(),
            volume=whole(tr, "acml_vol", row.acml_vol),
            turnover_amount=None,
            net_quantity=whole(tr, name, getattr(row, name)),
        )
        for rank, row in enumerate(rows, 1)
    ]
