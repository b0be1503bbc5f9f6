"""What an LS answer proves."""

import json
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.brokers.errors import BrokerProtocolError
from api.brokers.ls.envelope import Verdict, judge, read_answer

PAYLOADS = Path(__file__).parent / "payloads"


@pytest.mark.parametrize(
    ("status", "code", "verdict"),
    [
        (200, "00040", Verdict.TAKEN),
        (200, "00132", Verdict.TAKEN),
        (200, "00463", Verdict.TAKEN),
        (200, "01524", Verdict.REFUSED),
        (200, "904", Verdict.REFUSED),
        (200, "80001", Verdict.REFUSED),
        (400, "01900", Verdict.REFUSED),
        (500, "IGW00121", Verdict.TOKEN_REFUSED),
        (401, "IGW00123", Verdict.TOKEN_REFUSED),
        (200, "IGW00122", Verdict.TOKEN_REFUSED),
        (500, "IGW00201", Verdict.RATE_REFUSED),
        (429, "IGW00201", Verdict.RATE_REFUSED),
        (500, "IGW40011", Verdict.REFUSED),
        (500, "IGW50004", Verdict.REFUSED),
        (200, "IGW00215", Verdict.REFUSED),
        (403, "IGW00103", Verdict.REFUSED),
        # the gateway says that something went wrong, and not that nothing was done
        (500, "IGW40014", Verdict.OPEN),
        (200, "IGW40013", Verdict.OPEN),
        (500, "IGW50008", Verdict.OPEN),
        (400, "IGW99999", Verdict.OPEN),
        # business words on a failed request
        (500, "01524", Verdict.OPEN),
        (502, "00040", Verdict.OPEN),
        (404, "00040", Verdict.OPEN),
        (302, "01524", Verdict.OPEN),
    ],
)
def test_code_and_status_prove(status: int, code: str, verdict: Verdict) -> None:
    assert judge(status, code) is verdict


@given(status=st.integers(500, 599), code=st.text(st.characters(codec="ascii", categories=["Nd", "Lu"]), min_size=1, max_size=8))
def test_server_error_is_a_refusal_only_with_a_known_gateway_code(status: int, code: str) -> None:
    known = {"IGW00121", "IGW00122", "IGW00123", "IGW00201", "IGW00103", "IGW00105", "IGW00215", "IGW40011", "IGW50004"}

    assert (judge(status, code) is Verdict.OPEN) == (code not in known)


def test_token_error_has_another_shape() -> None:
    answer = read_answer("/oauth2/token", 403, (PAYLOADS / "token_refused.json").read_bytes(), {})

    assert (answer.code, answer.message, answer.verdict) == ("IGW00103", "유효하지 않은 AppKey입니다.", Verdict.REFUSED)


@pytest.mark.parametrize(("value", "has_more"), [("Y", True), ("N", False), ("0", False), ("", False)])
def test_only_y_means_more(value: str, has_more: bool) -> None:
    assert read_answer("t0425", 200, b'{"rsp_cd":"00000"}', {"tr_cont": value, "tr_cont_key": " k "}).has_more is has_more


@pytest.mark.parametrize(
    "content", [b"", b"<html>", b"[]", b'{"rsp_cd":"00040"', b"null", b'"00040"', b"{}", b'{"rsp_cd":null}', b'{"rsp_cd":""}']
)
def test_answer_without_a_code_is_unreadable(content: bytes) -> None:
    with pytest.raises(BrokerProtocolError):
        read_answer("CSPAT00601", 200, content, {})


def test_garbled_name_does_not_hide_the_rest() -> None:
    content = '{"rsp_cd":"00040","rsp_msg":"매수"}'.encode("euc-kr")

    assert read_answer("CSPAT00601", 200, content, {}).code == "00040"


@given(st.binary(max_size=200))
def test_any_bytes_are_an_answer_or_a_protocol_error(content: bytes) -> None:
    with suppress(BrokerProtocolError):
        read_answer("CSPAT00601", 200, content, {})


@given(
    st.dictionaries(
        st.sampled_from(["rsp_cd", "rsp_msg", "CSPAT00601OutBlock2"]),
        st.none() | st.integers() | st.floats() | st.text() | st.lists(st.text()),
    )
)
def test_any_object_is_an_answer_or_a_protocol_error(content: dict[str, object]) -> None:
    with suppress(BrokerProtocolError):
        read_answer("CSPAT00601", 200, json.dumps(content).encode(), {})
