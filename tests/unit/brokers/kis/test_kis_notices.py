"""Execution notices of KIS, with the frames as the documents show them."""

from contextlib import suppress
from datetime import UTC, date, datetime
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.brokers.base import Notice, NoticeKind
from api.brokers.errors import BrokerProtocolError
from api.brokers.kis.messages import CipherParts, Control
from api.brokers.kis.notices import parse_frame
from api.brokers.kis.stream import FrameCipher
from api.domain.enums import OrderType, Side

PAYLOADS = Path(__file__).parent / "payloads"
TODAY = date(2026, 11, 23)


def frame(name: str) -> str:
    return (PAYLOADS / f"notice_{name}.txt").read_text(encoding="utf-8").strip("\n")


def changed(name: str, **fields: str) -> str:
    """A documented frame with some of its fields replaced: ``f12="1"``."""
    head, _, payload = frame(name).rpartition("|")
    record = payload.split("^")
    for field, value in fields.items():
        record[int(field[1:])] = value
    return f"{head}|{'^'.join(record)}"


def test_a_partial_fill_is_read_whole() -> None:
    assert parse_frame(frame("partial_fill"), TODAY) == [
        Notice(
            kind=NoticeKind.TRADE,
            account_number="1234567801",
            order_number="1562",
            original_order_number=None,
            symbol="005930",
            side=Side.BUY,
            quantity=3,
            price=71_000,
            order_quantity=10,
            leaves_quantity=None,
            execution_id=None,
            executed_at=datetime(2026, 11, 23, 0, 27, 2, tzinfo=UTC),
            order_type=None,
        )
    ]


@pytest.mark.parametrize(
    ("name", "kind", "number", "original", "quantity", "price"),
    [
        ("accepted", NoticeKind.ACCEPTED, "1562", None, 10, 71_000),
        ("last_fill", NoticeKind.TRADE, "1562", None, 7, 71_000),
        ("cancel_confirmed", NoticeKind.CANCELED, "1570", "1562", 5, None),
        ("rejected", NoticeKind.REJECTED, "1580", None, 1, 23_650),
    ],
)
def test_each_documented_frame_says_what_it_is(
    name: str, kind: NoticeKind, number: str, original: str | None, quantity: int, price: int | None
) -> None:
    (notice,) = parse_frame(frame(name), TODAY)

    assert (notice.kind, notice.order_number, notice.original_order_number) == (kind, number, original)
    assert (notice.quantity, notice.price) == (quantity, price)


def test_only_an_acceptance_tells_the_order_type() -> None:
    (accepted,) = parse_frame(changed("accepted", f6="44"), TODAY)
    (fill,) = parse_frame(frame("partial_fill"), TODAY)

    assert (accepted.order_type, fill.order_type) == (OrderType.AFTER_MARKET_BEST_LIMIT, None)


@pytest.mark.parametrize(
    ("change", "kind"), [("0", NoticeKind.REJECTED), ("1", NoticeKind.REPLACE_REJECTED), ("2", NoticeKind.CANCEL_REJECTED)]
)
def test_a_refusal_says_what_was_refused(change: str, kind: NoticeKind) -> None:
    (notice,) = parse_frame(changed("rejected", f3="0000001500", f5=change), TODAY)

    assert notice.kind is kind


def test_a_confirmed_change_is_a_replace_under_its_new_number() -> None:
    (notice,) = parse_frame(changed("cancel_confirmed", f5="1", f10="000070500"), TODAY)

    assert (notice.kind, notice.order_number, notice.original_order_number) == (NoticeKind.REPLACED, "1570", "1562")
    assert notice.price == 70_500


@pytest.mark.parametrize("change", ["1", "2"])
def test_a_change_or_cancel_that_was_merely_received_is_no_event(change: str) -> None:
    assert parse_frame(changed("cancel_confirmed", f5=change, f14="1"), TODAY) == []


@pytest.mark.parametrize("change", ["0", "1"])
def test_a_dropped_remainder_cancels_the_order_itself(change: str) -> None:
    (notice,) = parse_frame(changed("cancel_confirmed", f5=change, f14="3"), TODAY)

    assert (notice.kind, notice.order_number, notice.original_order_number) == (NoticeKind.CANCELED, "1570", None)


def test_the_day_in_front_of_a_stored_frame_wins_over_today() -> None:
    (notice,) = parse_frame("20261120|" + frame("partial_fill"), TODAY)

    assert notice.executed_at == datetime(2026, 11, 20, 0, 27, 2, tzinfo=UTC)


def test_every_known_tail_is_read_alike() -> None:
    head = frame("partial_fill").split("^")[:18]
    tails = [
        ["1Y", "10", "", "삼성전자", "000071000"],
        ["삼성전자", "10", "", "삼성전자", "000071000"],
        ["", "1", "Y", "", "10", "", "삼성전자", "000071000"],
        ["", "1", "Y", "", "10", "", "삼성전자", "000071000", "new", "fields"],
    ]

    readings = [parse_frame("^".join(head + tail), TODAY) for tail in tails]

    assert all(reading == readings[0] for reading in readings)


def test_one_frame_may_hold_several_records() -> None:
    fill, last = (frame(name).rpartition("|")[2] for name in ("partial_fill", "last_fill"))

    notices = parse_frame(f"0|H0STCNI0|002|{fill}^{last}", TODAY)

    assert [notice.quantity for notice in notices] == [3, 7]


def test_frames_of_other_trs_hold_no_notices() -> None:
    assert parse_frame("0|H0STCNT0|001|005930^120651^67050", TODAY) == []


@pytest.mark.parametrize(
    "broken",
    [
        "",
        "0|H0STCNI0|001",
        "1|H0STCNI0|001|Esi/bbGp",
        "0|H0STCNI0|002|" + "^".join("x" * 23),
        "0|H0STCNI0|000|" + "^".join("x" * 23),
        "0|H0STCNI0|one|" + "^".join("x" * 23),
        "0|H0STCNI0|001|" + "^".join("x" * 17),
        changed("partial_fill", f2=""),
        changed("partial_fill", f4="03"),
        changed("partial_fill", f9="three"),
        changed("partial_fill", f10="000000000"),
        changed("partial_fill", f11="246060"),
        changed("partial_fill", f12="N"),
        changed("partial_fill", f13="3"),
        changed("accepted", f14="9"),
        changed("rejected", f5="7"),
    ],
)
def test_a_frame_that_cannot_be_read_is_a_protocol_error(broken: str) -> None:
    with pytest.raises(BrokerProtocolError):
        parse_frame(broken, TODAY)


def test_the_documented_cipher_text_is_the_documented_partial_fill() -> None:
    control = msgspec.json.decode((PAYLOADS / "subscribed.json").read_bytes(), type=Control)
    assert control.body is not None and control.body.output is not None
    _, tr, count, payload = (PAYLOADS / "notice_encrypted.txt").read_text().strip().split("|", 3)

    clear = FrameCipher(control.body.output).decrypt(payload)

    assert f"0|{tr}|{count}|{clear}" == frame("partial_fill")


@pytest.mark.parametrize("payload", ["", "not base64!", "AAAA", "A" * 64])
def test_a_payload_that_the_key_does_not_open_is_refused(payload: str) -> None:
    with pytest.raises(ValueError):
        FrameCipher(CipherParts(iv="0" * 16, key="k" * 32)).decrypt(payload)


@given(st.text(alphabet="0123456789|^HSTCNI ", max_size=200))
def test_no_text_breaks_the_reader_in_another_way(text: str) -> None:
    with suppress(BrokerProtocolError):
        parse_frame(text, TODAY)


@given(quantity=st.integers(1, 999_999_999), price=st.integers(1, 99_999_999), number=st.integers(1, 10**10 - 1))
def test_the_figures_of_any_fill_come_through(quantity: int, price: int, number: int) -> None:
    (notice,) = parse_frame(changed("partial_fill", f2=f"{number:010d}", f9=f"{quantity:010d}", f10=f"{price:09d}"), TODAY)

    assert (notice.quantity, notice.price, notice.order_number) == (quantity, price, str(number))
