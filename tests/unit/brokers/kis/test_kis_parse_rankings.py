"""Rankings beyond volume and change; rows of the documented shape with invented figures."""

from collections.abc import Callable
from typing import Any

import pytest

from api.brokers.errors import BrokerProtocolError
from api.brokers.kis.envelope import Envelope
from api.brokers.kis.parse_rankings import (
    parse_expected_change,
    parse_net_buying,
    parse_overtime_fluctuation,
    parse_overtime_volume,
    parse_quote_balance,
)
from api.brokers.market_data import RankedInstrument

Row = dict[str, str]

NAME: Row = {"hts_kor_isnm": "시험전자 "}
PRICE: Row = {"stck_prpr": "71100", "prdy_vrss": "-300", "prdy_vrss_sign": "5", "prdy_ctrt": "-0.42"}
BALANCE: Row = (
    NAME | PRICE | {"mksc_shrn_iscd": "Q530036", "data_rank": "1", "acml_vol": "900", "total_askp_rsqn": "40", "total_bidp_rsqn": "70"}
)
OVERTIME: Row = NAME | {
    "ovtm_untp_prpr": "72000",
    "ovtm_untp_prdy_vrss": "900",
    "ovtm_untp_prdy_vrss_sign": "2",
    "ovtm_untp_prdy_ctrt": "1.27",
    "ovtm_untp_vol": "55",
    "ovtm_untp_seln_rsqn": "7",
    "ovtm_untp_shnu_rsqn": "",
    "stck_prpr": "71100",
}
EXPECTED: Row = (
    NAME
    | PRICE
    | {
        "stck_shrn_iscd": "005930",
        "cntg_vol": "51683",
        "antc_tr_pbmn": "3674661300",
        "total_askp_rsqn": "0",
        "total_bidp_rsqn": "67064",
    }
)
NET: Row = NAME | PRICE | {"mksc_shrn_iscd": "005930", "acml_vol": "900", "frgn_ntby_qty": "-12", "orgn_ntby_qty": "34"}


def answer(**members: Any) -> Envelope:
    return Envelope(tr="FHPST0", code="MCA00000", message="", members=members)


def test_a_balance_holds_both_sides_of_the_book_and_the_code_without_its_letter() -> None:
    (row,) = parse_quote_balance(answer(output=[BALANCE]))

    assert row == RankedInstrument(
        rank=1,
        symbol="530036",
        name="시험전자",
        price=71_100,
        change=-300,
        change_rate="-0.42",
        volume=900,
        turnover_amount=None,
        ask_quantity=40,
        bid_quantity=70,
    )


@pytest.mark.parametrize(("parse", "code"), [(parse_overtime_fluctuation, "mksc_shrn_iscd"), (parse_overtime_volume, "stck_shrn_iscd")])
def test_after_hours_tells_of_the_price_there_in_the_order_of_the_rows(
    parse: Callable[[Envelope], list[RankedInstrument]], code: str
) -> None:
    first, second = parse(answer(output1={}, output2=[OVERTIME | {code: "005930"}, OVERTIME | {code: "000660"}]))

    assert (first.rank, first.symbol, second.rank, second.symbol) == (1, "005930", 2, "000660")
    assert (first.price, first.change, first.volume, first.ask_quantity, first.bid_quantity) == (72_000, 900, 55, 7, 0)


def test_an_expected_change_tells_of_the_shares_and_the_won_that_would_be_traded() -> None:
    (row,) = parse_expected_change(answer(output=[EXPECTED]))

    assert (row.rank, row.change, row.volume, row.turnover_amount, row.bid_quantity) == (1, -300, 51_683, 3_674_661_300, 67_064)


@pytest.mark.parametrize(("is_foreign", "quantity"), [(True, -12), (False, 34)])
def test_net_buying_is_that_of_the_investors_asked_about(is_foreign: bool, quantity: int) -> None:
    (row,) = parse_net_buying(answer(output=[NET]), is_foreign=is_foreign)

    assert row.net_quantity == quantity


@pytest.mark.parametrize(
    ("parse", "row", "member"),
    [
        (parse_quote_balance, BALANCE, "output"),
        (parse_overtime_volume, OVERTIME | {"stck_shrn_iscd": "005930"}, "output2"),
        (parse_expected_change, EXPECTED, "output"),
        (lambda envelope: parse_net_buying(envelope, is_foreign=True), NET, "output"),
    ],
)
def test_a_field_that_is_missing_or_no_number_is_named(parse: Callable[[Envelope], object], row: Row, member: str) -> None:
    read = [name for name in row if name.endswith(("_vol", "_prpr", "frgn_ntby_qty", "total_askp_rsqn")) and name != "stck_prpr"]
    for name in read:
        for broken in ({key: value for key, value in row.items() if key != name}, row | {name: "many"}):
            with pytest.raises(BrokerProtocolError, match=name):
                parse(answer(**{member: [broken]}))
    assert read


def test_a_ranking_without_rows_is_empty() -> None:
    assert parse_quote_balance(answer(output=[])) == []
    assert parse_overtime_volume(answer(output1={}, output2=[])) == []
