"""What an answer of KIS as a whole means for the request that it answers."""

from pathlib import Path

import pytest

from api.brokers.errors import (
    BrokerProtocolError,
    BrokerRateLimited,
    BrokerRejected,
    BrokerTokenExpired,
    BrokerUnavailable,
)
from api.brokers.kis.codes import GATEWAY_REFUSED, OUTCOME_OPEN, RATE_REFUSED, TOKEN_REFUSED
from api.brokers.kis.envelope import read_envelope, read_oauth

PAYLOADS = Path(__file__).parent / "payloads"
TR = "TTTC0012U"


def payload(name: str) -> bytes:
    return (PAYLOADS / name).read_bytes()


def refusal(code: str, rt_cd: str = "1") -> bytes:
    return f'{{"rt_cd":"{rt_cd}","msg_cd":"{code}","msg1":"말씀   "}}'.encode()


@pytest.mark.parametrize("name", ["order_taken_real.json", "order_taken_paper.json", "daily_orders.json", "balance.json", "price.json"])
def test_rt_cd_0_is_success_whatever_the_message_code(name: str) -> None:
    envelope = read_envelope(TR, 200, payload(name))

    assert envelope.message == envelope.message.strip()
    assert envelope.members["rt_cd"] == "0"


@pytest.mark.parametrize(
    ("name", "code", "message"),
    [
        ("order_rejected_real.json", "APBK0952", "주문가능금액을 초과 했습니다"),
        ("order_rejected_paper.json", "40270000", "모의투자 상/하한가 오류"),
        ("nothing_to_cancel_real.json", "APBK0927", "정정취소 가능수량이 없습니다."),
        ("nothing_to_cancel_paper.json", "40330000", "모의투자 정정/취소할 수량이 없습니다."),
    ],
)
def test_a_rejection_comes_with_http_200_and_keeps_the_brokers_words(name: str, code: str, message: str) -> None:
    with pytest.raises(BrokerRejected) as caught:
        read_envelope(TR, 200, payload(name))

    assert (caught.value.code, caught.value.message) == (code, message)


@pytest.mark.parametrize("status", [200, 401, 500])
@pytest.mark.parametrize("code", sorted(TOKEN_REFUSED))
def test_a_token_refusal_is_one_at_every_status(status: int, code: str) -> None:
    with pytest.raises(BrokerTokenExpired):
        read_envelope(TR, status, refusal(code))


@pytest.mark.parametrize("status", [200, 500])
@pytest.mark.parametrize("code", sorted(RATE_REFUSED))
def test_a_rate_refusal_is_one_at_every_status(status: int, code: str) -> None:
    with pytest.raises(BrokerRateLimited):
        read_envelope(TR, status, refusal(code))


@pytest.mark.parametrize("status", [200, 403, 500])
@pytest.mark.parametrize("code", sorted(GATEWAY_REFUSED))
def test_a_gateway_refusal_proves_that_nothing_was_done(status: int, code: str) -> None:
    with pytest.raises(BrokerRejected):
        read_envelope(TR, status, refusal(code))


@pytest.mark.parametrize("status", [200, 500])
@pytest.mark.parametrize("code", sorted(OUTCOME_OPEN))
def test_a_time_out_or_server_error_of_the_gateway_leaves_the_outcome_open(status: int, code: str) -> None:
    with pytest.raises(BrokerUnavailable) as caught:
        read_envelope(TR, status, refusal(code))

    assert caught.value.sent


@pytest.mark.parametrize("content", [b"", b"Internal Server Error", refusal("APBK9999"), b"[1]", b'{"rt_cd":"0","msg_cd":"X","msg1":""}'])
def test_a_500_without_a_known_refusal_leaves_the_outcome_open(content: bytes) -> None:
    with pytest.raises(BrokerUnavailable) as caught:
        read_envelope(TR, 500, content)

    assert caught.value.sent


@pytest.mark.parametrize("content", [b"", b'{"rt_cd":"0","outp', b"<html>", b"[]", b"{}", b'{"rt_cd":"1"}', b"\xff\xfe"])
def test_a_200_that_cannot_be_read_is_a_protocol_error(content: bytes) -> None:
    with pytest.raises(BrokerProtocolError):
        read_envelope(TR, 200, content)


def test_the_token_call_refuses_in_its_own_shape() -> None:
    with pytest.raises(BrokerRateLimited) as caught:
        read_oauth("tokenP", 403, payload("token_too_soon.json"))

    assert caught.value.retry_after == 60


def test_a_bad_key_at_the_token_call_is_a_rejection() -> None:
    with pytest.raises(BrokerRejected) as caught:
        read_oauth("tokenP", 403, '{"error_description":"유효하지 않은 AppKey입니다.","error_code":"EGW00103"}'.encode())

    assert caught.value.code == "EGW00103"
