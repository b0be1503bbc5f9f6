"""LS's websocket frames, captured ones and those of the guide."""

import json
from contextlib import suppress
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.brokers.base import Notice, NoticeKind
from api.brokers.errors import BrokerProtocolError
from api.brokers.ls.notices import parse_notices
from api.brokers.ls.stream import handed_on
from api.domain.enums import OrderType, Side
from api.kit.clock import ManualClock

PAYLOADS = Path(__file__).parent / "payloads"
DAY = date(2026, 11, 23)


def frame_of(name: str, **changes: Any) -> str:
    """A frame with members of its body changed; a value of ``...`` removes the member."""
    frame = json.loads((PAYLOADS / f"{name}.json").read_text())
    for field, value in changes.items():
        if value is ...:
            del frame["body"][field]
        else:
            frame["body"][field] = value
    return json.dumps(frame, ensure_ascii=False)


def notice_of(name: str, **changes: Any) -> Notice:
    (notice,) = parse_notices(frame_of(name, **changes), DAY)
    return notice


def test_accepted_new_order() -> None:
    notice = notice_of("sc0")

    assert (notice.kind, notice.order_number, notice.original_order_number) == (NoticeKind.ACCEPTED, "23907", None)
    assert (notice.account_number, notice.symbol, notice.side, notice.order_type) == ("12345678901", "005930", Side.BUY, OrderType.MARKET)
    assert (notice.quantity, notice.price, notice.execution_id) == (1, None, None)
    assert notice.executed_at == datetime(2026, 11, 23, 6, 2, 27, 914_000, tzinfo=UTC)


@pytest.mark.parametrize("name", ["sc0_modify", "sc0_cancel"])
def test_receipt_of_a_change_is_no_event(name: str) -> None:
    assert parse_notices(frame_of(name), DAY) == []


def test_execution() -> None:
    notice = notice_of("sc1")

    assert (notice.kind, notice.order_number, notice.quantity, notice.price) == (NoticeKind.TRADE, "23907", 1, 83200)
    assert (notice.execution_id, notice.order_quantity, notice.leaves_quantity) == ("218935", 1, 0)
    assert notice.executed_at == datetime(2026, 11, 23, 6, 2, 27, 932_000, tzinfo=UTC)


def test_partial_execution_tells_what_is_open() -> None:
    notice = notice_of("sc1", ordqty="2", execqty="1", unercqty="1", execno="1", ordprc="60000", execprc="60000")

    assert (notice.quantity, notice.leaves_quantity, notice.execution_id) == (1, 1, "1")


def test_execution_after_a_replace_carries_the_new_number() -> None:
    notice = notice_of("sc1", ordno="30288", orgordno="30221")

    assert (notice.order_number, notice.original_order_number) == ("30288", "30221")


def test_confirmed_replace() -> None:
    notice = notice_of("sc2")

    assert (notice.kind, notice.order_number, notice.original_order_number) == (NoticeKind.REPLACED, "86383", "86382")
    assert (notice.quantity, notice.price, notice.leaves_quantity, notice.execution_id) == (1, 70000, 1, None)


@pytest.mark.parametrize("open_at_paper", ["0", "1"])
def test_confirmed_cancel_counts_by_its_own_field(open_at_paper: str) -> None:
    notice = notice_of("sc3", unercqty=open_at_paper)

    assert (notice.kind, notice.order_number, notice.original_order_number) == (NoticeKind.CANCELED, "88343", "88342")
    assert (notice.quantity, notice.symbol, notice.leaves_quantity) == (1, "000020", None)


def test_rest_of_an_ioc_order_is_canceled_under_its_own_number() -> None:
    notice = notice_of("sc3", orgordno="0", ordno="88342", canccnfqty="4")

    assert (notice.kind, notice.order_number, notice.original_order_number, notice.quantity) == (NoticeKind.CANCELED, "88342", None, 4)


@pytest.mark.parametrize(
    ("original", "price", "kind"),
    [
        ("0", "70000", NoticeKind.REJECTED),
        ("0", "0", NoticeKind.REJECTED),
        ("23900", "70000", NoticeKind.REPLACE_REJECTED),
        ("23900", "0", NoticeKind.CANCEL_REJECTED),
    ],
)
def test_rejection_by_the_exchange(original: str, price: str, kind: NoticeKind) -> None:
    notice = notice_of("sc4", orgordno=original, ordprc=price)

    assert (notice.kind, notice.quantity, notice.reject_code) == (kind, 1, "9999")


@pytest.mark.parametrize("name", ["ack"])
def test_acknowledgement_is_no_event(name: str) -> None:
    assert parse_notices((PAYLOADS / f"{name}.json").read_text(), DAY) == []


def test_market_data_is_no_event() -> None:
    assert parse_notices('{"header":{"tr_cd":"S3_","tr_key":"005930"},"body":{"price":"55550"}}', DAY) == []


@pytest.mark.parametrize(
    ("name", "changes", "field"),
    [
        ("sc1", {"execqty": "0"}, "execqty"),
        ("sc1", {"execprc": ""}, "execprc"),
        ("sc1", {"execprc": "83200.5"}, "execprc"),
        ("sc1", {"bnstp": "3"}, "bnstp"),
        ("sc1", {"ordno": "0"}, "ordno"),
        ("sc1", {"ordno": ...}, "ordno"),
        ("sc1", {"ordxctptncode": "12"}, "ordxctptncode"),
        ("sc1", {"exectime": "9999"}, "exectime"),
        ("sc1", {"exectime": ""}, "exectime"),
        ("sc1", {"shtnIsuno": "삼성전자"}, "shtnIsuno"),
        ("sc2", {"mdfycnfqty": "0"}, "mdfycnfqty"),
        ("sc3", {"canccnfqty": "0"}, "canccnfqty"),
        ("sc0", {"ordchegb": "77"}, "ordchegb"),
        ("sc0", {"ordqty": "-1"}, "ordqty"),
    ],
)
def test_frame_that_does_not_fit_is_named_not_guessed(name: str, changes: dict[str, Any], field: str) -> None:
    with pytest.raises(BrokerProtocolError) as caught:
        parse_notices(frame_of(name, **changes), DAY)

    assert (caught.value.tr, caught.value.field) == (name.upper(), field)


@pytest.mark.parametrize("frame", ["", "{}", "[]", '{"header":{"tr_cd":"SC1"},"body":null}', '{"header":{"tr_cd":"SC1"}}'])
def test_broken_frame_is_a_protocol_error(frame: str) -> None:
    with pytest.raises(BrokerProtocolError):
        parse_notices(frame, DAY)


def test_extra_fields_and_spacing_are_tolerated() -> None:
    notice = notice_of("sc1", novel="x", execqty=" 1 ", execprc="83200.00", exectime="90227932", accno="12345678901 ")

    assert (notice.quantity, notice.price, notice.account_number) == (1, 83200, "12345678901")
    assert notice.executed_at == datetime(2026, 11, 23, 0, 2, 27, 932_000, tzinfo=UTC)


@pytest.mark.parametrize("name", ["sc0", "sc1", "sc2", "sc3", "sc4"])
def test_frame_as_handed_on_keeps_its_day_and_no_password(name: str) -> None:
    clock = ManualClock(datetime(2026, 11, 20, 23, 30, tzinfo=UTC))  # the 21st in Seoul

    kept = handed_on("  " + frame_of(name), clock)

    assert json.loads(kept)["trading_day"] == "2026-11-21"
    assert "********" not in kept
    assert parse_notices(kept, DAY)[0].executed_at.astimezone(UTC).date() == date(2026, 11, 21)


@given(
    quantity=st.integers(1, 10**9),
    price=st.integers(1, 10**7),
    number=st.integers(1, 10**9),
    execution=st.integers(1, 10**9),
    is_buy=st.booleans(),
    padding=st.sampled_from(["", "0", "000"]),
)
def test_any_execution_is_read_back_exactly(quantity: int, price: int, number: int, execution: int, is_buy: bool, padding: str) -> None:
    notice = notice_of(
        "sc1",
        ordno=f"{padding}{number}",
        execno=f"{padding}{execution}",
        execqty=f"{padding}{quantity}",
        execprc=str(price),
        bnstp="2" if is_buy else "1",
    )

    assert (notice.order_number, notice.execution_id, notice.quantity, notice.price) == (str(number), str(execution), quantity, price)
    assert notice.side is (Side.BUY if is_buy else Side.SELL)


@given(st.text(max_size=80))
def test_any_text_is_read_or_a_protocol_error(text: str) -> None:
    with suppress(BrokerProtocolError):
        parse_notices(text, DAY)
