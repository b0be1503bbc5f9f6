"""KIS's answers → Lucy's words, with the answers as the documents show them."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.brokers.base import Balance, BrokerOrder, BrokerOrderKind, BuyingPower, Position
from api.brokers.errors import BrokerProtocolError
from api.brokers.kis.envelope import Envelope, read_envelope
from api.brokers.kis.parse import (
    order_number,
    parse_acknowledgement,
    parse_balance,
    parse_buying_power,
    parse_daily_orders,
    parse_ordered_total,
    parse_positions,
    parse_quote,
    parse_token,
    whole,
)
from api.domain.enums import Exchange, OrderType, Side

PAYLOADS = Path(__file__).parent / "payloads"
TODAY = date(2026, 11, 23)


def answer(name: str) -> Envelope:
    return read_envelope("TR", 200, (PAYLOADS / name).read_bytes())


def daily(**changes: str | None) -> Envelope:
    """The documented day's list with fields of its row changed; None takes a field away."""
    members: dict[str, Any] = msgspec.json.decode((PAYLOADS / "daily_orders.json").read_bytes())
    row = members["output1"][0] | {name: value for name, value in changes.items() if value is not None}
    members["output1"] = [{name: value for name, value in row.items() if name not in changes or changes[name] is not None}]
    return Envelope(tr="TTTC0081R", code="KIOK0460", message="", members=members)


def test_the_order_number_of_an_acknowledgement_loses_its_padding() -> None:
    taken = parse_acknowledgement(answer("order_taken_real.json"), TODAY)

    assert (taken.order_number, taken.branch, taken.code) == ("117057", "06590", "APBK0013")
    assert taken.accepted_at == datetime(2026, 11, 23, 3, 10, 52, tzinfo=UTC)
    assert taken.message == "주문 전송 완료 되었습니다."


def test_an_acknowledgement_is_read_in_lower_case_too() -> None:
    members = {"output": {"krx_fwdg_ord_orgno": "00950", "odno": "1562", "ord_tmd": "092701", "sor_odno": ""}}

    taken = parse_acknowledgement(Envelope(tr="TR", code="40600000", message="", members=members), TODAY)

    assert taken.order_number == "1562"


@pytest.mark.parametrize("output", [None, {}, {"ODNO": ""}, {"ODNO": "0000000000"}, [], "text"])
def test_an_acknowledgement_without_an_order_number_is_a_protocol_error(output: object) -> None:
    with pytest.raises(BrokerProtocolError):
        parse_acknowledgement(Envelope(tr="TR", code="", message="", members={"output": output}), TODAY)


def test_a_row_of_the_days_orders_is_read_whole() -> None:
    orders = parse_daily_orders(answer("daily_orders.json"))

    assert orders == [
        BrokerOrder(
            order_number="117057",
            original_order_number=None,
            kind=BrokerOrderKind.NEW,
            symbol="005930",
            side=Side.BUY,
            order_type=OrderType.LIMIT,
            exchange=Exchange.KRX,
            quantity=10,
            limit_price=71_000,
            cumulative_quantity=4,
            filled_amount=284_000,
            leaves_quantity=6,
            canceled_quantity=0,
            rejected_quantity=0,
            ordered_at=datetime(2026, 11, 23, 3, 10, 52, tzinfo=UTC),
            branch="06590",
            order_type_code="00",
        )
    ]
    assert parse_ordered_total(answer("daily_orders.json")) == 10


@pytest.mark.parametrize(
    ("name", "filled", "open_", "kind"),
    [
        ("매수취소*", "0", "0", BrokerOrderKind.CANCEL),
        ("매수정정*", "0", "6", BrokerOrderKind.REPLACE),
        ("매도정정", "0", "0", BrokerOrderKind.REPLACE),
        ("현금매수", "0", "6", BrokerOrderKind.REPLACE),
        ("", "4", "0", BrokerOrderKind.REPLACE),
        ("", "0", "0", BrokerOrderKind.CANCEL),
    ],
)
def test_a_row_with_an_original_number_is_a_change_or_a_cancel(name: str, filled: str, open_: str, kind: BrokerOrderKind) -> None:
    row = daily(orgn_odno="0000117057", odno="0000117102", sll_buy_dvsn_cd_name=name, tot_ccld_qty=filled, rmn_qty=open_)

    (order,) = parse_daily_orders(row)

    assert (order.kind, order.original_order_number) == (kind, "117057")


@pytest.mark.parametrize("original", ["", "0000000000", "          "])
def test_a_row_without_an_original_number_is_a_new_order_whatever_its_name(original: str) -> None:
    (order,) = parse_daily_orders(daily(orgn_odno=original, sll_buy_dvsn_cd_name="매수취소"))

    assert (order.kind, order.original_order_number) == (BrokerOrderKind.NEW, None)


def test_blank_prices_and_amounts_of_an_unfilled_market_order_are_nothing() -> None:
    (order,) = parse_daily_orders(daily(ord_unpr="0", tot_ccld_qty="0", tot_ccld_amt="", avg_prvs="", rjct_qty="", ord_dvsn_cd="01"))

    assert (order.limit_price, order.filled_amount, order.order_type) == (None, 0, OrderType.MARKET)


def test_the_misspelled_name_of_the_canceled_quantity_is_read() -> None:
    (order,) = parse_daily_orders(daily(cncl_cfrm_qty=None, cnc_cfrm_qty="3"))

    assert order.canceled_quantity == 3


def test_an_order_type_that_is_not_known_is_left_open() -> None:
    (order,) = parse_daily_orders(daily(ord_dvsn_cd="62", excg_id_dvsn_cd=""))

    assert (order.order_type, order.exchange) == (None, None)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("odno", None),
        ("odno", ""),
        ("ord_qty", None),
        ("ord_qty", ""),
        ("ord_qty", "ten"),
        ("tot_ccld_qty", ""),
        ("tot_ccld_amt", ""),
        ("rmn_qty", "NaN"),
        ("cncl_cfrm_qty", None),
        ("sll_buy_dvsn_cd", "03"),
        ("sll_buy_dvsn_cd", ""),
        ("pdno", "5930"),
        ("ord_dt", "2026-11-23"),
        ("ord_tmd", "250000"),
    ],
)
def test_a_field_that_cannot_be_read_is_named(field: str, value: str | None) -> None:
    with pytest.raises(BrokerProtocolError) as caught:
        parse_daily_orders(daily(**{field: value}))

    assert caught.value.field == field


def test_a_list_that_is_missing_is_no_empty_list() -> None:
    with pytest.raises(BrokerProtocolError):
        parse_daily_orders(Envelope(tr="TR", code="KIOK0460", message="", members={}))


def test_nothing_found_is_an_empty_list() -> None:
    empty = Envelope(tr="TR", code="70070000", message="조회할 내역(자료)이 없습니다", members={})

    assert (parse_daily_orders(empty), parse_positions(empty)) == ([], [])


def test_the_balance_adds_settled_cash_and_securities() -> None:
    balance = parse_balance(answer("balance.json"), BuyingPower(orderable_cash=9_000_000, orderable_quantity=0))

    assert balance == Balance(
        cash=10_000_000,
        settled_cash=9_715_960,
        orderable_cash=9_000_000,
        securities_amount=995_400,
        total_amount=10_711_360,
        purchase_amount=984_000,
        profit_amount=11_400,
    )


def test_a_holding_keeps_the_decimals_of_its_average_price() -> None:
    assert parse_positions(answer("balance.json")) == [
        Position(
            symbol="005930",
            name="삼성전자",
            quantity=14,
            sellable_quantity=14,
            average_price="70285.7143",
            purchase_amount=984_000,
            current_price=71_100,
            evaluation_amount=995_400,
            profit_amount=11_400,
        )
    ]


def test_a_holding_of_no_shares_is_left_out() -> None:
    members = msgspec.json.decode((PAYLOADS / "balance.json").read_bytes())
    members["output1"][0]["hldg_qty"] = "0"

    assert parse_positions(Envelope(tr="TR", code="", message="", members=members)) == []


def test_the_balance_may_be_an_object_instead_of_a_list_and_not_an_empty_list() -> None:
    members = msgspec.json.decode((PAYLOADS / "balance.json").read_bytes())
    nothing = BuyingPower(orderable_cash=0, orderable_quantity=0)

    as_object = Envelope(tr="TR", code="", message="", members=members | {"output2": members["output2"][0]})
    as_nothing = Envelope(tr="TR", code="", message="", members=members | {"output2": []})

    assert parse_balance(as_object, nothing).cash == 10_000_000
    with pytest.raises(BrokerProtocolError):
        parse_balance(as_nothing, nothing)


def test_buying_power_is_the_figure_without_borrowing() -> None:
    members = {"output": {"nrcvb_buy_amt": "1000", "nrcvb_buy_qty": "", "max_buy_amt": "9999", "max_buy_qty": "9"}}

    assert parse_buying_power(Envelope(tr="TR", code="", message="", members=members)) == BuyingPower(
        orderable_cash=1000, orderable_quantity=0
    )


def test_a_quotes_change_is_signed_as_it_comes() -> None:
    members = msgspec.json.decode((PAYLOADS / "price.json").read_bytes())
    members["output"] |= {"prdy_vrss": "-300", "prdy_vrss_sign": "5"}

    quote = parse_quote(Envelope(tr="TR", code="", message="", members=members), "005930")

    assert (quote.price, quote.change, quote.upper_limit_price, quote.lower_limit_price) == (71_100, -300, 92_000, 49_600)


def test_a_tokens_end_is_told_in_kst() -> None:
    members = msgspec.json.decode((PAYLOADS / "token.json").read_bytes())

    _, until = parse_token("tokenP", members, datetime(2026, 11, 23, tzinfo=UTC))

    assert until == datetime(2026, 11, 23, 23, 31, 7, tzinfo=UTC)


@given(st.integers(min_value=1, max_value=10**10 - 1), st.integers(min_value=0, max_value=5))
def test_an_order_number_is_the_same_however_it_is_padded(number: int, spaces: int) -> None:
    assert order_number("TR", "odno", " " * spaces + str(number).zfill(10) + " " * spaces) == str(number)


@given(st.integers(min_value=-(10**15), max_value=10**15))
def test_a_whole_number_survives_decimals_and_spaces(number: int) -> None:
    assert whole("TR", "field", f" {number}.0000 ") == number
