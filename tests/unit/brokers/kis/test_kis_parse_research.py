"""Statements, investors, firms, conditions and groups; rows of the documented shape with invented figures."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.brokers.errors import BrokerProtocolError
from api.brokers.kis.envelope import Envelope
from api.brokers.kis.parse_research import (
    _FIELDS,
    parse_condition_stocks,
    parse_conditions,
    parse_financials,
    parse_firm_opinions,
    parse_firms,
    parse_interest_groups,
    parse_interest_stocks,
    parse_investor_days,
)
from api.brokers.research import ConditionStock, InterestGroup, InterestStock, SavedCondition, SecuritiesFirm
from api.domain.financials import FIGURES, FinancialKind

Row = dict[str, str]

BALANCE: Row = {
    "stac_yymm": "202609",
    "cras": "1959366.00",
    "fxas": "2599694.00",
    "total_aset": "4559060.00",
    "flow_lblt": "757195.00",
    "fix_lblt": "",
    "total_lblt": "99.99",
    "cpfn": "8975",
    "cfp_surp": "99.99",
    "prfi_surp": "99.99",
    "total_cptl": "3636779.00",
}
INVESTOR: Row = {
    "stck_bsop_date": "20261120",
    "stck_clpr": "71100",
    "prdy_vrss": "300",
    "prdy_vrss_sign": "5",
    "prsn_ntby_qty": "-150",
    "frgn_ntby_qty": "100",
    "orgn_ntby_qty": "50",
    "prsn_ntby_tr_pbmn": "-11",
    "frgn_ntby_tr_pbmn": "7",
    "orgn_ntby_tr_pbmn": "4",
}
OPINION: Row = {
    "stck_bsop_date": "20261120",
    "stck_shrn_iscd": "005930",
    "hts_kor_isnm": "시험전자",
    "invt_opnn": "BUY",
    "rgbf_invt_opnn": "매수",
    "stck_prpr": "71100",
    "hts_goal_prc": "0",
}
FOUND: Row = {
    "code": "005930",
    "name": "시험전자",
    "daebi": "5",
    "price": "00000071100.0000",
    "change": "        300.0000",
    "chgrate": "          0.4200",
    "acml_vol": "     900000.0000",
}
LISTED: Row = {"exch_code": "KRX", "jong_code": "005930", "hts_kor_isnm": "시험전자", "memo": " 실적 "}


def answer(**members: Any) -> Envelope:
    return Envelope(tr="FHKST", code="MCA00000", message="", members=members)


@pytest.mark.parametrize("kind", FinancialKind)
def test_every_figure_of_a_statement_has_a_field_of_kis(kind: FinancialKind) -> None:
    assert list(_FIELDS[kind]) == [figure.name for figure in FIGURES[kind]]


def test_a_statement_leaves_out_blanks_and_what_kis_fills_with_99_99_but_no_figure_that_may_be_so() -> None:
    newer, older = parse_financials(answer(output=[BALANCE | {"stac_yymm": "202606"}, BALANCE, {}]), FinancialKind.BALANCE_SHEET)

    assert (newer.period, older.period) == ("202609", "202606")
    assert newer.values["total_assets"] == "4559060.00"
    assert (newer.values["capital_surplus"], newer.values["retained_earnings"], newer.values["non_current_liabilities"]) == (
        None,
        None,
        None,
    )
    assert newer.values["total_liabilities"] == "99.99"


@pytest.mark.parametrize("changes", [{"stac_yymm": "2026"}, {"stac_yymm": "2026.9"}, {"cras": "many"}, {"cras": "NaN"}])
def test_a_statement_with_an_unreadable_field_is_named(changes: Row) -> None:
    with pytest.raises(BrokerProtocolError, match=next(iter(changes))):
        parse_financials(answer(output=[BALANCE | changes]), FinancialKind.BALANCE_SHEET)


def test_a_statement_without_a_field_is_named() -> None:
    with pytest.raises(BrokerProtocolError, match="total_cptl"):
        parse_financials(
            answer(output=[{name: text for name, text in BALANCE.items() if name != "total_cptl"}]), FinancialKind.BALANCE_SHEET
        )


def test_an_investors_day_has_amounts_in_won_and_the_sign_of_its_change() -> None:
    (row,) = parse_investor_days(answer(output=[INVESTOR]))

    assert (row.day, row.change, row.close_price) == (date(2026, 11, 20), -300, 71_100)
    assert (row.individual_quantity, row.foreign_quantity, row.institution_quantity) == (-150, 100, 50)
    assert (row.individual_amount, row.foreign_amount, row.institution_amount) == (-11_000_000, 7_000_000, 4_000_000)


def test_a_day_that_is_not_counted_yet_has_no_figures_instead_of_zeros() -> None:
    blank = {name: "" for name in INVESTOR if "ntby" in name}

    (row,) = parse_investor_days(answer(output=[INVESTOR | blank]))

    assert (row.foreign_quantity, row.foreign_amount, row.individual_quantity) == (None, None, None)


def test_an_opinion_without_a_target_has_none() -> None:
    (row,) = parse_firm_opinions(answer(output=[OPINION]))

    assert (row.symbol, row.opinion, row.previous_opinion, row.target_price, row.price) == ("005930", "BUY", "매수", None, 71_100)


def test_firms_are_read_by_the_last_three_digits_without_the_line_for_all_of_them() -> None:
    firms = parse_firms("00901시험증권        0\n00777Test Securities1\n\n99999전체0\n")

    assert firms == [
        SecuritiesFirm(code="901", name="시험증권", is_foreign=False),
        SecuritiesFirm(code="777", name="Test Securities", is_foreign=True),
    ]


@pytest.mark.parametrize("line", ["시험증권0", "009010", "00901시험증권", "<html>"])
def test_a_line_that_is_no_firm_is_refused(line: str) -> None:
    with pytest.raises(BrokerProtocolError):
        parse_firms(f"{line}\n")


def test_a_condition_keeps_its_number_and_group() -> None:
    rows = [{"user_id": "x", "seq": "0", "grp_nm": "임시그룹", "condition_nm": "RSI "}]

    assert parse_conditions(answer(output2=rows)) == [SavedCondition(sequence="0", group="임시그룹", name="RSI")]


def test_a_stock_that_a_condition_finds_has_its_figures_unpadded_and_its_change_signed() -> None:
    (row,) = parse_condition_stocks(answer(output2=[FOUND]))

    assert row == ConditionStock(symbol="005930", name="시험전자", price=71_100, change=-300, change_rate="-0.42", volume=900_000)


def test_a_single_group_may_come_without_a_list() -> None:
    assert parse_interest_groups(answer(output2={"inter_grp_code": "001", "inter_grp_name": "반도체"})) == [
        InterestGroup(code="001", name="반도체")
    ]


def test_foreign_stocks_and_dividing_lines_of_a_group_are_left_out() -> None:
    rows = [LISTED, LISTED | {"exch_code": "NAS", "jong_code": "AAPL"}, LISTED | {"jong_code": ""}]

    assert parse_interest_stocks(answer(output1={}, output2=rows)) == [InterestStock(symbol="005930", name="시험전자", memo="실적")]


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=12),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["output", "stac_yymm", "stck_bsop_date", "seq", "code", "jong_code"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@pytest.mark.parametrize(
    "parse",
    [
        lambda envelope: parse_financials(envelope, FinancialKind.INCOME_STATEMENT),
        parse_investor_days,
        parse_firm_opinions,
        parse_conditions,
        parse_condition_stocks,
        parse_interest_groups,
        parse_interest_stocks,
    ],
    ids=["statement", "investors", "opinions", "conditions", "found", "groups", "listed"],
)
@given(members=st.dictionaries(st.sampled_from(["output", "output2"]), values, max_size=2))
def test_no_answer_breaks_a_reader_in_another_way(parse: Callable[[Envelope], object], members: dict[str, Any]) -> None:
    try:
        parse(answer(**members))
    except BrokerProtocolError as error:
        assert error.tr == "FHKST"
