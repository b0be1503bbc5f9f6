"""LS's REST answers, from the examples in its documents and captured ones."""

import base64
import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from api.brokers.base import BrokerOrderKind
from api.brokers.errors import BrokerProtocolError, BrokerRejected
from api.brokers.ls import parse
from api.brokers.ls.codes import Tr
from api.brokers.ls.envelope import Answer, read_answer
from api.brokers.ls.messages import InstrumentName, OrderRow
from api.domain.enums import Exchange, OrderType, Side

PAYLOADS = Path(__file__).parent / "payloads"
DAY = date(2026, 11, 23)
ROW: dict[str, Any] = {
    "ordno": 84,
    "expcode": "005930",
    "medosu": "매수",
    "qty": 10,
    "price": 60000,
    "cheqty": 0,
    "cheprice": 0,
    "ordrem": 10,
    "cfmqty": 0,
    "status": "접수",
    "orgordno": 0,
    "ordtime": "08410730",
    "hogagb": "00",
    "exchname": "KRX",
}


def answer_of(tr: Tr, name: str, **headers: str) -> Answer:
    return read_answer(tr, 200, (PAYLOADS / f"{name}.json").read_bytes(), headers)


def answer_with(tr: Tr, name: str, block: str, **changes: Any) -> Answer:
    """A payload with members of one block changed; a value of ``...`` removes the member."""
    content = json.loads((PAYLOADS / f"{name}.json").read_text())
    target = content[block][0] if isinstance(content[block], list) else content[block]
    for field, value in changes.items():
        if value is ...:
            del target[field]
        else:
            target[field] = value
    return read_answer(tr, 200, json.dumps(content).encode(), {})


def row(**changes: Any) -> OrderRow:
    return OrderRow(**(ROW | changes))


def test_accepted_order_gives_number_time_and_words() -> None:
    taken = parse.acknowledgement(answer_of(Tr.PLACE, "place_accepted"), DAY)

    assert (taken.order_number, taken.code, taken.message) == ("23907", "00040", "매수 주문이 완료되었습니다.")
    assert taken.accepted_at == datetime(2026, 11, 23, 6, 2, 27, 914_000, tzinfo=UTC)


@pytest.mark.parametrize(("tr", "name", "number"), [(Tr.REPLACE, "replace_accepted", "22126"), (Tr.CANCEL, "cancel_accepted", "84006")])
def test_accepted_change_gives_its_own_number(tr: Tr, name: str, number: str) -> None:
    assert parse.acknowledgement(answer_of(tr, name), DAY).order_number == number


@pytest.mark.parametrize(("tr", "name", "code"), [(Tr.PLACE, "place_refused", "01524"), (Tr.REPLACE, "replace_refused", "03181")])
def test_refusal_is_a_rejection_with_and_without_blocks(tr: Tr, name: str, code: str) -> None:
    with pytest.raises(BrokerRejected) as caught:
        parse.acknowledgement(answer_of(tr, name), DAY)

    assert caught.value.code == code
    assert caught.value.message


@pytest.mark.parametrize("number", [0, "0", "", ...])
def test_success_without_a_number_is_no_acceptance(number: Any) -> None:
    answer = answer_with(Tr.PLACE, "place_accepted", "CSPAT00601OutBlock2", OrdNo=number)

    with pytest.raises(BrokerProtocolError, match="no order number"):
        parse.acknowledgement(answer, DAY)


def test_refusal_with_a_number_is_a_contradiction() -> None:
    answer = answer_with(Tr.REPLACE, "replace_refused", "CSPAT00701OutBlock2", OrdNo=7)

    with pytest.raises(BrokerProtocolError, match="refused"):
        parse.acknowledgement(answer, DAY)


@pytest.mark.parametrize("text", ["", "late", None, "256199999", ...])
def test_unreadable_time_does_not_hide_an_accepted_order(text: Any) -> None:
    answer = answer_with(Tr.PLACE, "place_accepted", "CSPAT00601OutBlock2", OrdTime=text)

    taken = parse.acknowledgement(answer, DAY)

    assert (taken.order_number, taken.accepted_at) == ("23907", None)


def test_order_list_of_the_guide_is_read() -> None:
    page = parse.orders_page(answer_of(Tr.ORDERS, "t0425"), is_first=True)
    (order,) = parse.broker_orders(page.rows, DAY)

    assert (order.order_number, order.original_order_number, order.kind) == ("84", None, BrokerOrderKind.NEW)
    assert (order.symbol, order.side, order.order_type, order.exchange) == ("005930", Side.BUY, OrderType.LIMIT, None)
    assert (order.quantity, order.limit_price, order.leaves_quantity, order.cumulative_quantity) == (2, 60000, 2, 0)
    assert order.ordered_at == datetime(2026, 11, 22, 23, 41, 7, 300_000, tzinfo=UTC)


def test_absent_blocks_are_an_empty_list() -> None:
    page = parse.orders_page(answer_of(Tr.ORDERS, "t0425_empty"), is_first=True)

    assert (list(page.rows), page.cursor) == ([], "")


def test_total_without_rows_is_no_empty_list() -> None:
    content = {"rsp_cd": "00000", "rsp_msg": "", "t0425OutBlock": {"tqty": 2, "cts_ordno": ""}}

    with pytest.raises(BrokerProtocolError, match="no rows"):
        parse.orders_page(read_answer(Tr.ORDERS, 200, json.dumps(content).encode(), {}), is_first=True)


@pytest.mark.parametrize("code", ["00136", "00133", "00040"])
def test_list_without_rows_and_without_the_word_is_no_empty_list(code: str) -> None:
    answer = read_answer(Tr.ORDERS, 200, json.dumps({"rsp_cd": code, "rsp_msg": ""}).encode(), {})

    with pytest.raises(BrokerProtocolError, match="missing"):
        parse.orders_page(answer, is_first=True)
    with pytest.raises(BrokerProtocolError, match="missing"):
        parse.holdings_page(answer)


def test_filled_amount_is_quantity_times_average_price() -> None:
    (order,) = parse.broker_orders([row(cheqty=4, cheprice=59900, ordrem=6)], DAY)

    assert (order.cumulative_quantity, order.filled_amount, order.leaves_quantity, order.canceled_quantity) == (4, 239_600, 6, 0)


def test_replaced_order_has_moved_its_rest_and_canceled_nothing() -> None:
    old, new = parse.broker_orders(
        [
            row(cheqty=4, cheprice=59900, ordrem=0, status="완료"),
            row(ordno=90, orgordno=84, medosu="매수정정", qty=6, price=61000, ordrem=6, cfmqty=6, status="정정확인"),
        ],
        DAY,
    )

    assert (old.leaves_quantity, old.canceled_quantity) == (0, 0)
    assert (new.kind, new.original_order_number, new.leaves_quantity, new.limit_price) == (BrokerOrderKind.REPLACE, "84", 6, 61000)


def test_canceled_order_shows_what_was_canceled() -> None:
    old, cancel = parse.broker_orders(
        [
            row(cheqty=4, cheprice=59900, ordrem=0, status="완료"),
            row(ordno=91, orgordno=84, medosu="매수취소", qty=6, price=0, ordrem=0, cfmqty=6, status="취소확인"),
        ],
        DAY,
    )

    assert (old.leaves_quantity, old.canceled_quantity) == (0, 6)
    assert (cancel.kind, cancel.canceled_quantity, cancel.leaves_quantity, cancel.limit_price) == (BrokerOrderKind.CANCEL, 6, 0, None)


def test_partly_canceled_and_then_replaced_order_tells_both_apart() -> None:
    old, _, new = parse.broker_orders(
        [
            row(ordrem=0, status="완료"),
            row(ordno=91, orgordno=84, medosu="매수취소", qty=3, price=0, ordrem=0, cfmqty=3, status="취소확인"),
            row(ordno=92, orgordno=84, medosu="매수정정", qty=7, price=61000, ordrem=7, cfmqty=7, status="정정확인"),
        ],
        DAY,
    )

    assert (old.canceled_quantity, new.leaves_quantity) == (3, 7)


def test_rest_of_an_ioc_order_is_canceled() -> None:
    (order,) = parse.broker_orders([row(hogagb="10", cheqty=4, cheprice=60000, ordrem=0, status="완료")], DAY)

    assert (order.order_type, order.canceled_quantity, order.rejected_quantity) == (OrderType.LIMIT, 6, 0)


def test_rejected_order_is_not_canceled() -> None:
    (order,) = parse.broker_orders([row(ordrem=0, status="거부")], DAY)

    assert (order.canceled_quantity, order.rejected_quantity) == (0, 10)


def test_rejected_replace_has_moved_nothing() -> None:
    old, new = parse.broker_orders(
        [row(ordrem=0, status="완료"), row(ordno=90, orgordno=84, medosu="매수정정", ordrem=0, price=61000, status="거부")], DAY
    )

    assert (old.canceled_quantity, new.rejected_quantity) == (10, 10)


@pytest.mark.parametrize(
    ("medosu", "status", "ordrem", "kind"),
    [
        ("매수정정", "완료", 0, BrokerOrderKind.REPLACE),
        ("매도", "정정확인", 0, BrokerOrderKind.REPLACE),
        ("매도취소", "접수", 0, BrokerOrderKind.CANCEL),
        ("매수", "취소확인", 0, BrokerOrderKind.CANCEL),
        ("매수", "접수", 3, BrokerOrderKind.REPLACE),
    ],
)
def test_row_with_an_original_is_a_replace_or_a_cancel(medosu: str, status: str, ordrem: int, kind: BrokerOrderKind) -> None:
    (order,) = parse.broker_orders([row(orgordno=80, medosu=medosu, status=status, ordrem=ordrem)], DAY)

    assert order.kind is kind


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"medosu": "현금"}, "medosu"),
        ({"orgordno": 80, "ordrem": 0, "status": "완료"}, "medosu"),
        ({"ordtime": "2541"}, "ordtime"),
        ({"ordtime": ""}, "ordtime"),
        ({"expcode": "KR7005930003"}, "expcode"),
        ({"qty": "ten"}, "qty"),
        ({"qty": -1}, "qty"),
        ({"cheqty": 5, "ordrem": 6}, "ordrem"),
        ({"ordno": 0}, "ordno"),
        ({"price": "60000.5"}, "price"),
    ],
)
def test_row_that_does_not_fit_is_named_not_guessed(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(BrokerProtocolError) as caught:
        parse.broker_orders([row(**changes)], DAY)

    assert (caught.value.tr, caught.value.field) == ("t0425", field)


def test_missing_field_is_named() -> None:
    with pytest.raises(BrokerProtocolError) as caught:
        parse.orders_page(answer_with(Tr.ORDERS, "t0425", "t0425OutBlock1", cheqty=...), is_first=True)

    assert caught.value.field == "cheqty"


def test_unknown_price_type_and_venue_stay_open() -> None:
    (order,) = parse.broker_orders([row(hogagb="99", exchname="XYZ")], DAY)

    assert (order.order_type, order.exchange) == (None, None)


def test_orders_are_listed_by_number_not_by_text() -> None:
    orders = parse.broker_orders([row(ordno=100), row(ordno=9)], DAY)

    assert [order.order_number for order in orders] == ["9", "100"]
    assert orders[0].exchange is Exchange.KRX


def test_numbers_as_text_are_read_as_well() -> None:
    (order,) = parse.broker_orders([row(ordno="0000000084", qty="10", price="60000.00", ordrem="10", orgordno=" ")], DAY)

    assert (order.order_number, order.limit_price, order.original_order_number) == ("84", 60000, None)


def test_open_quantity_of_a_number() -> None:
    rows = [row(), row(ordno=85, ordrem=3)]

    assert [parse.open_quantity(rows, number) for number in ("85", "86")] == [3, 0]


def test_holding_of_the_guide_is_read() -> None:
    page = parse.holdings_page(answer_of(Tr.HOLDINGS, "t0424"))
    (position,) = parse.positions(page.rows)

    assert (position.symbol, position.name, position.quantity, position.sellable_quantity) == ("005930", "삼성전자", 2, 2)
    assert (position.average_price, position.purchase_amount, position.current_price) == ("60000", 120_000, 75_300)
    assert (position.evaluation_amount, position.profit_amount) == (150_283, 30_270)


def test_sold_out_holding_is_left_out() -> None:
    page = parse.holdings_page(answer_with(Tr.HOLDINGS, "t0424", "t0424OutBlock1", janqty=0))

    assert parse.positions(page.rows) == []


def test_balance_adds_up_money_and_holdings() -> None:
    held = parse.positions(parse.holdings_page(answer_of(Tr.HOLDINGS, "t0424")).rows)

    balance = parse.balance(answer_of(Tr.DEPOSIT, "cspaq12200"), held)

    assert (balance.cash, balance.settled_cash, balance.orderable_cash) == (500_000_000, 500_000_000, 500_000_000)
    assert (balance.securities_amount, balance.total_amount, balance.profit_amount) == (150_283, 500_150_283, 30_270)


def test_orderable_cash_is_without_credit_where_the_newer_field_says_so() -> None:
    answer = answer_with(Tr.DEPOSIT, "cspaq12200", "CSPAQ12200OutBlock2", RcvblUablOrdAbleAmt=7)

    assert parse.balance(answer, []).orderable_cash == 7


def test_quote_of_the_guide_is_read() -> None:
    quote = parse.quote(answer_of(Tr.PRICE, "t1102"), "078020")

    assert (quote.price, quote.change, quote.change_rate, quote.turnover_amount) == (4535, 10, "0.22", 31_000_000)
    assert (quote.upper_limit_price, quote.lower_limit_price, quote.reference_price) == (5880, 3170, 4525)


@pytest.mark.parametrize(("sign", "change"), [("1", 10), ("2", 10), ("3", 0), ("4", -10), ("5", -10)])
def test_sign_of_the_change_comes_from_its_own_field(sign: str, change: int) -> None:
    assert parse.quote(answer_with(Tr.PRICE, "t1102", "t1102OutBlock", sign=sign), "078020").change == change


def test_unknown_sign_is_an_error() -> None:
    with pytest.raises(BrokerProtocolError, match="sign"):
        parse.quote(answer_with(Tr.PRICE, "t1102", "t1102OutBlock", sign="9"), "078020")


def test_quote_without_its_block_is_an_error() -> None:
    with pytest.raises(BrokerProtocolError, match="t1102OutBlock"):
        parse.quote(answer_of(Tr.PRICE, "t0425_empty"), "078020")


@pytest.mark.parametrize(("mark", "is_tradable"), [("1", True), ("0", False), ("", None), ("?", None)])
def test_nxt_is_told_by_the_other_list(mark: str, is_tradable: bool | None) -> None:
    more = {"000020": InstrumentName(hname="", shcode="000020", nxt_chk=mark)}

    (instrument,) = parse.instruments(answer_of(Tr.INSTRUMENTS, "t8436"), more)

    assert (instrument.name, instrument.is_nxt_tradable, instrument.is_halted) == ("동화약품", is_tradable, None)


def test_instrument_takes_the_uncut_name() -> None:
    more = {"000020": InstrumentName(hname="동화약품 주식회사", shcode="000020")}
    (instrument,) = parse.instruments(answer_of(Tr.INSTRUMENTS, "t8436"), more)

    assert (instrument.symbol, instrument.isin, instrument.name) == ("000020", "KR7000020008", "동화약품 주식회사")
    assert (instrument.market, instrument.kind, instrument.lot_size, instrument.reference_price) == ("KOSPI", "stock", 1, 10550)


def jwt(claims: dict[str, Any]) -> str:
    return f"e30.{base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip('=')}.c2ln"


def test_token_ends_when_its_own_claim_says() -> None:
    now = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)

    assert parse.token_expiry(jwt({"exp": 1_795_384_799}), 86_400, now) == datetime.fromtimestamp(1_795_384_799, UTC)


@pytest.mark.parametrize("token", ["opaque", "a.b.c", jwt({"sub": "token"}), "e30.!!!.x", "a.é.b"])
@pytest.mark.parametrize(
    ("now", "end"),
    [
        (datetime(2026, 11, 23, 1, 0, tzinfo=UTC), datetime(2026, 11, 23, 22, 0, tzinfo=UTC)),
        (datetime(2026, 11, 22, 21, 59, tzinfo=UTC), datetime(2026, 11, 22, 22, 0, tzinfo=UTC)),
        (datetime(2026, 11, 22, 22, 0, tzinfo=UTC), datetime(2026, 11, 23, 22, 0, tzinfo=UTC)),
    ],
)
def test_token_without_a_claim_ends_at_seven_in_seoul(token: str, now: datetime, end: datetime) -> None:
    assert parse.token_expiry(token, 86_400, now) == end


def test_shorter_lifetime_counts_where_there_is_no_claim() -> None:
    now = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)

    assert parse.token_expiry("opaque", "60", now) == datetime(2026, 11, 23, 1, 1, tzinfo=UTC)
