"""No secret reaches a log, whichever way it comes."""

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog
from pydantic import SecretStr

from api.logs import MASK, forget_in_logs, set_up_logs
from api.settings import Settings

SECRET_KEY = "k3y-" * 12
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"


@pytest.fixture
def output() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    before = list(root.handlers), root.level
    stream = io.StringIO()
    set_up_logs(Settings(log_format="json", log_level="debug", secret_key=SecretStr(SECRET_KEY)), stream)
    yield stream
    root.handlers[:], root.level = before
    structlog.reset_defaults()


def lines(output: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in output.getvalue().splitlines()]


@pytest.mark.parametrize(
    "name",
    [
        *("app_key", "appkey", "app_secret", "appsecret", "appsecretkey", "secretkey", "secret", "password", "token", "access_token"),
        *("approval_key", "Authorization", "Set-Cookie", "cookie", "refresh_token", "hts_id"),
    ],
)
def test_a_field_is_masked_by_its_name_at_any_depth(output: io.StringIO, name: str) -> None:
    structlog.get_logger("test").info("event", **{name: "open-sesame"}, nested=[{"headers": {name: "open-sesame"}}])

    assert "open-sesame" not in output.getvalue()
    assert MASK in output.getvalue()


def test_an_account_number_keeps_its_last_four_digits(output: io.StringIO) -> None:
    structlog.get_logger("test").info("event", account_number="1234567801", body={"CANO": "12345678"})

    (line,) = lines(output)
    assert (line["account_number"], line["body"]) == ("***7801", {"CANO": "***5678"})


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer open-sesame-1234",
        f"token {JWT}",
        f"{JWT} at the start",
        '{"access_token": "open-sesame-1234", "expires_in": 86400}',
        "appkey=open-sesame-1234&appsecretkey=open-sesame-1234",
        "redis://:open-sesame-1234@cache:6379/0",
        "mongodb://lucy:open-sesame-1234@db/?replicaSet=lucy",
        "lucy_open-sesame-1234-5678",
        f"signed with {SECRET_KEY}",
    ],
)
def test_a_text_is_searched_for_secrets(output: io.StringIO, text: str) -> None:
    structlog.get_logger("test").info("event", detail=text)
    logging.getLogger("uvicorn.error").warning("said: %s", text)

    assert not any(secret in output.getvalue() for secret in ("open-sesame", JWT, SECRET_KEY))
    assert len(lines(output)) == 2


def test_a_traceback_is_searched_too(output: io.StringIO) -> None:
    try:
        raise ValueError(f"refused: Bearer {JWT}")
    except ValueError:
        structlog.get_logger("test").exception("failed")

    (line,) = lines(output)
    assert JWT not in output.getvalue()
    assert "ValueError: refused" in str(line["exception"])


def test_a_secret_learned_later_is_masked(output: io.StringIO) -> None:
    forget_in_logs("PSa1b2c3d4e5f6")

    structlog.get_logger("test").info("event", detail="key PSa1b2c3d4e5f6 refused")

    assert lines(output)[0]["detail"] == "key *** refused"


def test_harmless_fields_stay_as_they_are(output: io.StringIO) -> None:
    structlog.get_logger("test").info(
        "order_sent", order_id="65f0", quantity=10, limit_price=71_000, symbol="005930", is_new=True, note=None
    )

    (line,) = lines(output)
    assert {name: line[name] for name in ("event", "order_id", "quantity", "limit_price", "symbol", "is_new", "note")} == {
        "event": "order_sent",
        "order_id": "65f0",
        "quantity": 10,
        "limit_price": 71_000,
        "symbol": "005930",
        "is_new": True,
        "note": None,
    }
    assert (line["level"], line["logger"]) == ("info", "test")


def test_the_request_id_is_on_every_line(output: io.StringIO) -> None:
    with structlog.contextvars.bound_contextvars(request_id="r-1"):
        structlog.get_logger("test").info("one")
        logging.getLogger("arq.worker").warning("two")

    assert [line["request_id"] for line in lines(output)] == ["r-1", "r-1"]


def test_httpx_does_not_tell_addresses(output: io.StringIO) -> None:
    logging.getLogger("httpx").info("HTTP Request: GET https://openapi.example/?secret=1")

    assert output.getvalue() == ""
