"""What KIS answers of statements, investors, firms, conditions and groups → Lucy's words. Pure.

Source of the field lists: ``examples_llm/domestic_stock`` of the official repository (head 885dd4e), one folder a TR. From the portal's
sheets: amounts of statements are in 억원 (its sample shows Samsung's assets so), those of investors in millions of won; some fields of
statements are filled with 99.99 and stand for nothing; ``payout_rate`` is to be ignored, so it is not read.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from msgspec import Struct

from api.brokers.errors import BrokerProtocolError
from api.brokers.kis.envelope import KIS, Envelope
from api.brokers.kis.parse import day, rows_of, symbol, whole
from api.brokers.kis.parse_market import FALLING, filled, output_of, signed
from api.brokers.research import (
    ConditionStock,
    FinancialPeriod,
    FirmOpinion,
    InterestGroup,
    InterestStock,
    InvestorDay,
    SavedCondition,
    SecuritiesFirm,
)
from api.domain.financials import FinancialKind

_MILLION = 1_000_000
_MONTH_DIGITS = 6
_FIRM_DIGITS = 5
_ALL_FIRMS = "99999"
_KRX = "KRX"
_NOTHING = Decimal("99.99")
_NEVER_GIVEN = frozenset({"cfp_surp", "prfi_surp", "depr_cost", "sell_mang", "bsop_non_ernn", "bsop_non_expn"})

_FIELDS: Mapping[FinancialKind, Mapping[str, str]] = {
    FinancialKind.BALANCE_SHEET: {
        "current_assets": "cras",
        "non_current_assets": "fxas",
        "total_assets": "total_aset",
        "current_liabilities": "flow_lblt",
        "non_current_liabilities": "fix_lblt",
        "total_liabilities": "total_lblt",
        "capital_stock": "cpfn",
        "capital_surplus": "cfp_surp",
        "retained_earnings": "prfi_surp",
        "total_equity": "total_cptl",
    },
    FinancialKind.INCOME_STATEMENT: {
        "revenue": "sale_account",
        "cost_of_sales": "sale_cost",
        "gross_profit": "sale_totl_prfi",
        "depreciation": "depr_cost",
        "selling_and_administration": "sell_mang",
        "operating_profit": "bsop_prti",
        "non_operating_income": "bsop_non_ernn",
        "non_operating_expense": "bsop_non_expn",
        "ordinary_profit": "op_prfi",
        "extraordinary_gain": "spec_prfi",
        "extraordinary_loss": "spec_loss",
        "net_profit": "thtr_ntin",
    },
    FinancialKind.FINANCIAL_RATIO: {
        "revenue_growth": "grs",
        "operating_profit_growth": "bsop_prfi_inrt",
        "net_profit_growth": "ntin_inrt",
        "roe": "roe_val",
        "eps": "eps",
        "sps": "sps",
        "bps": "bps",
        "reserve_ratio": "rsrv_rate",
        "debt_ratio": "lblt_rate",
    },
    FinancialKind.PROFIT_RATIO: {
        "return_on_capital": "cptl_ntin_rate",
        "return_on_equity": "self_cptl_ntin_inrt",
        "net_margin": "sale_ntin_rate",
        "gross_margin": "sale_totl_rate",
    },
    FinancialKind.OTHER_RATIO: {"eva": "eva", "ebitda": "ebitda", "ev_to_ebitda": "ev_ebitda"},
    FinancialKind.STABILITY_RATIO: {
        "debt_ratio": "lblt_rate",
        "borrowing_dependence": "bram_depn",
        "current_ratio": "crnt_rate",
        "quick_ratio": "quck_rate",
    },
    FinancialKind.GROWTH_RATIO: {
        "revenue_growth": "grs",
        "operating_profit_growth": "bsop_prfi_inrt",
        "equity_growth": "equt_inrt",
        "total_assets_growth": "totl_aset_inrt",
    },
}


class _InvestorRow(Struct, frozen=True, kw_only=True):
    stck_bsop_date: str
    stck_clpr: str
    prdy_vrss: str
    prdy_vrss_sign: str
    prsn_ntby_qty: str
    frgn_ntby_qty: str
    orgn_ntby_qty: str
    prsn_ntby_tr_pbmn: str
    frgn_ntby_tr_pbmn: str
    orgn_ntby_tr_pbmn: str


class _FirmOpinionRow(Struct, frozen=True, kw_only=True):
    stck_bsop_date: str
    stck_shrn_iscd: str
    hts_kor_isnm: str
    invt_opnn: str
    rgbf_invt_opnn: str
    stck_prpr: str
    hts_goal_prc: str


class _ConditionRow(Struct, frozen=True, kw_only=True):
    seq: str
    grp_nm: str
    condition_nm: str


class _ConditionStockRow(Struct, frozen=True, kw_only=True):
    code: str
    name: str
    daebi: str
    price: str
    change: str
    chgrate: str
    acml_vol: str


class _GroupRow(Struct, frozen=True, kw_only=True):
    inter_grp_code: str
    inter_grp_name: str


class _GroupStockRow(Struct, frozen=True, kw_only=True):
    exch_code: str
    jong_code: str
    hts_kor_isnm: str
    memo: str = ""


def parse_financials(envelope: Envelope, kind: FinancialKind) -> list[FinancialPeriod]:
    """Read a TR of ``finance``, newest period first."""
    tr = envelope.tr
    periods = []
    for source in rows_of(tr, "output", output_of(envelope)):
        row = {str(name).lower(): value for name, value in source.items()}
        if not any(str(value).strip() for value in row.values()):  # padding
            continue
        month = _text(tr, row, "stac_yymm")
        if len(month) != _MONTH_DIGITS or not month.isdecimal():
            raise BrokerProtocolError(KIS, tr, "stac_yymm", f"not a month: {month!r}")
        periods.append(FinancialPeriod(period=month, values={name: _figure(tr, row, field) for name, field in _FIELDS[kind].items()}))
    return sorted(periods, key=lambda each: each.period, reverse=True)


def _figure(tr: str, row: Mapping[str, Any], field: str) -> str | None:
    text = _text(tr, row, field)
    if not text:
        return None
    try:
        number = Decimal(text)
    except InvalidOperation as error:
        raise BrokerProtocolError(KIS, tr, field, f"not a number: {text!r}") from error
    if not number.is_finite():
        raise BrokerProtocolError(KIS, tr, field, f"not a number: {text!r}")
    return None if field in _NEVER_GIVEN and number == _NOTHING else text


def _text(tr: str, row: Mapping[str, Any], field: str) -> str:
    if field not in row:
        raise BrokerProtocolError(KIS, tr, field, "missing")
    value = row[field]
    return "" if value is None else str(value).strip()


def parse_investor_days(envelope: Envelope) -> list[InvestorDay]:
    """Read ``inquire-investor``: a day that KIS has not counted yet has blanks."""
    tr = envelope.tr

    def told(name: str, text: str, unit: int = 1) -> int | None:
        return whole(tr, name, text) * unit if text.strip() else None

    return [
        InvestorDay(
            day=day(tr, "stck_bsop_date", row.stck_bsop_date),
            close_price=whole(tr, "stck_clpr", row.stck_clpr),
            change=signed(tr, row.prdy_vrss, row.prdy_vrss_sign),
            individual_quantity=told("prsn_ntby_qty", row.prsn_ntby_qty),
            foreign_quantity=told("frgn_ntby_qty", row.frgn_ntby_qty),
            institution_quantity=told("orgn_ntby_qty", row.orgn_ntby_qty),
            individual_amount=told("prsn_ntby_tr_pbmn", row.prsn_ntby_tr_pbmn, _MILLION),
            foreign_amount=told("frgn_ntby_tr_pbmn", row.frgn_ntby_tr_pbmn, _MILLION),
            institution_amount=told("orgn_ntby_tr_pbmn", row.orgn_ntby_tr_pbmn, _MILLION),
        )
        for row in filled(tr, output_of(envelope), _InvestorRow, "stck_bsop_date")
    ]


def parse_firm_opinions(envelope: Envelope) -> list[FirmOpinion]:
    """Read one answer of ``invest-opbysec``."""
    tr = envelope.tr
    return [
        FirmOpinion(
            published_on=day(tr, "stck_bsop_date", row.stck_bsop_date),
            symbol=symbol(tr, "stck_shrn_iscd", row.stck_shrn_iscd),
            name=row.hts_kor_isnm.strip(),
            opinion=row.invt_opnn.strip(),
            previous_opinion=row.rgbf_invt_opnn.strip(),
            target_price=whole(tr, "hts_goal_prc", row.hts_goal_prc, blank=0) or None,
            price=whole(tr, "stck_prpr", row.stck_prpr),
        )
        for row in filled(tr, output_of(envelope), _FirmOpinionRow, "stck_bsop_date")
    ]


def parse_firms(text: str) -> list[SecuritiesFirm]:
    """Read ``memcode.mst``: five digits, the name, and 0 for a Korean or 1 for a foreign firm (KIS's ``stocks_info/member_code.py``).

    The last three digits are the code that is asked with, see `api.brokers.kis.research`. 99999 stands for all firms.
    """
    firms = []
    for line in text.splitlines():
        if not line.strip():
            continue
        number, name, mark = line[:_FIRM_DIGITS], line[_FIRM_DIGITS:-1].strip(), line[-1]
        if not number.isdecimal() or not name or mark not in "01":
            raise BrokerProtocolError(KIS, "memcode.mst", "line", f"not a firm: {line!r}")
        if number != _ALL_FIRMS:
            firms.append(SecuritiesFirm(code=number[-3:], name=name, is_foreign=mark == "1"))
    return firms


def parse_conditions(envelope: Envelope) -> list[SavedCondition]:
    """Read ``psearch-title``."""
    return [
        SavedCondition(sequence=row.seq.strip(), group=row.grp_nm.strip(), name=row.condition_nm.strip())
        for row in filled(envelope.tr, _output2(envelope), _ConditionRow, "seq")
    ]


def parse_condition_stocks(envelope: Envelope) -> list[ConditionStock]:
    """Read ``psearch-result``: figures are padded and have decimals, the sign of a change stands in ``daebi``."""
    tr = envelope.tr
    return [
        ConditionStock(
            symbol=symbol(tr, "code", row.code),
            name=row.name.strip(),
            price=whole(tr, "price", row.price),
            change=signed(tr, row.change, row.daebi),
            change_rate=_rate(tr, row.chgrate, row.daebi),
            volume=whole(tr, "acml_vol", row.acml_vol),
        )
        for row in filled(tr, _output2(envelope), _ConditionStockRow, "code")
    ]


def _rate(tr: str, text: str, sign: str) -> str:
    try:
        rate = Decimal(text.strip())
    except InvalidOperation as error:
        raise BrokerProtocolError(KIS, tr, "chgrate", f"not a number: {text!r}") from error
    if not rate.is_finite():
        raise BrokerProtocolError(KIS, tr, "chgrate", f"not a number: {text!r}")
    return f"{-abs(rate) if sign.strip() in FALLING else rate:.2f}"


def parse_interest_groups(envelope: Envelope) -> list[InterestGroup]:
    """Read ``intstock-grouplist``."""
    return [
        InterestGroup(code=row.inter_grp_code.strip(), name=row.inter_grp_name.strip())
        for row in filled(envelope.tr, _output2(envelope), _GroupRow, "inter_grp_code")
    ]


def parse_interest_stocks(envelope: Envelope) -> list[InterestStock]:
    """Read ``intstock-stocklist-by-group``: what is not traded at KRX (foreign stocks, futures) is left out, and so are dividing lines."""
    tr = envelope.tr
    return [
        InterestStock(symbol=symbol(tr, "jong_code", row.jong_code), name=row.hts_kor_isnm.strip(), memo=row.memo.strip())
        for row in filled(tr, _output2(envelope), _GroupStockRow, "jong_code")
        if row.exch_code.strip() == _KRX
    ]


def _output2(envelope: Envelope) -> Sequence[object]:
    output = envelope.members.get("output2")
    if isinstance(output, dict):
        return [output]
    if not isinstance(output, list):
        raise BrokerProtocolError(KIS, envelope.tr, "output2", "not a list")
    return output
