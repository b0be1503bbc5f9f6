"""Orders that cannot be right: a problem with a stable code, nothing stored, nothing sent."""

import json
from typing import Any

import pytest
from jose import jwt

from api.domain.enums import Role
from tests.http.api import Desk

pytestmark = pytest.mark.asyncio(loop_scope="session")

JSON = {"Content-Type": "application/json"}
ANOTHER_ID = "6650f1c2a4b3c2d1e0f9a8b7"


@pytest.mark.parametrize("broker", ["kis", "ls"])
@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"symbol": "999999"}, "unknown_symbol", "symbol"),
        ({"symbol": "00593"}, "invalid_request", "symbol"),
        ({"symbol": "삼성전자"}, "invalid_request", "symbol"),
        ({"symbol": None}, "invalid_request", "symbol"),
        ({"limit_price": 60_050}, "invalid_tick", "limit_price"),
        ({"limit_price": 1_000_000}, "price_outside_limits", "limit_price"),
        ({"limit_price": 100}, "price_outside_limits", "limit_price"),
        ({"limit_price": 1}, "price_outside_limits", "limit_price"),
        ({"limit_price": 0}, "invalid_request", "limit_price"),
        ({"limit_price": -60_000}, "invalid_request", "limit_price"),
        ({"limit_price": 60_000.5}, "invalid_request", "limit_price"),
        ({"limit_price": "60000"}, "invalid_request", "limit_price"),
        ({"limit_price": 10**15}, "invalid_request", "limit_price"),
        ({"limit_price": 10**400}, "invalid_request", "limit_price"),
        ({"limit_price": None}, "invalid_limit_price", "limit_price"),
        ({"order_type": "market"}, "invalid_limit_price", "limit_price"),
        ({"quantity": 0}, "invalid_request", "quantity"),
        ({"quantity": -1}, "invalid_request", "quantity"),
        ({"quantity": 1.5}, "invalid_request", "quantity"),
        ({"quantity": "10"}, "invalid_request", "quantity"),
        ({"quantity": True}, "invalid_request", "quantity"),
        ({"quantity": None}, "invalid_request", "quantity"),
        ({"quantity": 10**10}, "invalid_request", "quantity"),
        ({"quantity": 2**64}, "invalid_request", "quantity"),
        ({"side": "short"}, "invalid_request", "side"),
        ({"side": "BUY"}, "invalid_request", "side"),
        ({"order_type": "stop"}, "invalid_request", "order_type"),
        ({"time_in_force": "gtc"}, "invalid_request", "time_in_force"),
        ({"exchange": "NYSE"}, "invalid_request", "exchange"),
        ({"account_id": "x"}, "invalid_request", "account_id"),
        ({"account_id": {"$ne": None}}, "invalid_request", "account_id"),
        ({"client_order_id": ""}, "invalid_request", "client_order_id"),
        ({"client_order_id": "two words"}, "invalid_request", "client_order_id"),
        ({"client_order_id": "주문"}, "invalid_request", "client_order_id"),
        ({"client_order_id": "x" * 65}, "invalid_request", "client_order_id"),
        ({"price": 60_000}, "invalid_request", "price"),
    ],
)
async def test_a_wrong_field_is_named_and_nothing_is_stored_or_sent(
    desk: Desk, broker: str, changes: dict[str, Any], code: str, field: str
) -> None:
    before = await desk.traces()

    answer = await desk.place(broker, **changes)

    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert answer.headers["content-type"] == "application/problem+json"
    assert await desk.traces() == before


@pytest.mark.parametrize("field", ["account_id", "symbol", "side", "quantity"])
async def test_a_missing_field_is_named(desk: Desk, field: str) -> None:
    before = await desk.traces()
    body = desk.order()
    del body[field]

    answer = await desk.api.client.post("/orders", json=body, headers=desk.demo)

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)
    assert await desk.traces() == before


@pytest.mark.parametrize(
    ("old", "new"),
    [('"quantity": 10', '"quantity": NaN'), ('"quantity": 10', '"quantity": Infinity'), ('"quantity": 10,', '"quantity": 10'), ("}", "")],
)
async def test_what_is_no_json_is_refused(desk: Desk, old: str, new: str) -> None:
    before = await desk.traces()
    body = json.dumps(desk.order()).replace(old, new)

    answer = await desk.api.client.post("/orders", content=body, headers=desk.demo | JSON)

    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_json")
    assert await desk.traces() == before


@pytest.mark.parametrize("number", ["1e1", "10.0", "1e400", "-0", "0.0"])
async def test_a_number_in_another_writing_is_taken_as_what_it_is_or_refused(desk: Desk, number: str) -> None:
    before = await desk.traces()
    body = json.dumps(desk.order()).replace('"quantity": 10', f'"quantity": {number}')

    answer = await desk.api.client.post("/orders", content=body, headers=desk.demo | JSON)

    if answer.status_code == 201:
        assert answer.json()["quantity"] == float(number) == 10
    else:
        assert answer.status_code in (400, 422)
        assert await desk.traces() == before


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "application/xml", "multipart/form-data"])
async def test_a_body_that_does_not_call_itself_json_is_refused(desk: Desk, content_type: str) -> None:
    before = await desk.traces()

    answer = await desk.api.client.post("/orders", content=json.dumps(desk.order()), headers=desk.demo | {"Content-Type": content_type})

    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")
    assert await desk.traces() == before


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "APPLICATION/JSON", "application/vnd.lucy+json"])
async def test_json_by_another_name_is_json(desk: Desk, content_type: str) -> None:
    answer = await desk.api.client.post("/orders", content=json.dumps(desk.order()), headers=desk.demo | {"Content-Type": content_type})

    assert answer.status_code == 201


@pytest.mark.parametrize(
    ("key", "code"),
    [("another", "invalid_request"), ("", "invalid_request"), ("two words", "invalid_request"), ("x" * 65, "invalid_request")],
)
async def test_an_idempotency_key_that_is_not_the_client_order_id_is_refused(desk: Desk, key: str, code: str) -> None:
    before = await desk.traces()

    answer = await desk.place(headers={"Idempotency-Key": key}, client_order_id="erp-key-1")

    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert await desk.traces() == before


@pytest.mark.parametrize("key", ["", "two words", "x" * 65])
async def test_an_idempotency_key_keeps_the_rules_of_a_client_order_id(desk: Desk, key: str) -> None:
    before = await desk.traces()

    answer = await desk.place(headers={"Idempotency-Key": key})

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert await desk.traces() == before


async def test_an_order_at_another_users_account_or_none_is_not_found(desk: Desk) -> None:
    stranger = await desk.api.add_user(Role.TRADER, "stranger")
    before = await desk.traces()

    at_anothers = await desk.place(headers=stranger)
    at_none = await desk.place(account_id=ANOTHER_ID)

    assert (at_anothers.status_code, at_anothers.json()["code"]) == (404, "not_found")
    assert {**at_anothers.json(), "request_id": ""} == {**at_none.json(), "request_id": ""}
    assert await desk.traces() == before


async def test_a_halted_instrument_is_not_tradable(desk: Desk) -> None:
    instruments = desk.api.services.database["instruments"]
    await instruments.update_one({"_id": "000660"}, {"$set": {"is_halted": True}})
    desk.api.services.market._loaded_at = float("-inf")
    before = await desk.traces()

    answer = await desk.place(symbol="000660", limit_price=None, order_type="market")

    assert (answer.status_code, answer.json()["code"]) == (422, "instrument_not_tradable")
    assert await desk.traces() == before


async def test_a_halted_account_sends_nothing_and_one_that_is_reducing_only_sells(desk: Desk) -> None:
    path = f"/accounts/{desk.accounts['ls']['id']}/kill-switch"
    before = await desk.traces()
    codes = []

    for state in ("halted", "reducing"):
        await desk.api.client.put(path, json={"state": state}, headers=desk.demo)
        codes.append((await desk.place("ls")).json()["code"])
    await desk.api.client.put(path, json={"state": "active"}, headers=desk.demo)

    assert codes == ["trading_halted", "reducing_only"]
    assert await desk.traces() == before


async def test_limits_and_tick_are_told_with_the_refusal(desk: Desk) -> None:
    instrument = (await desk.api.client.get("/instruments/005930", headers=desk.demo)).json()

    tick = (await desk.place(limit_price=60_050)).json()
    limits = (await desk.place(limit_price=1_000_000)).json()

    assert tick["tick_size"] == 100
    assert (limits["lower_limit_price"], limits["upper_limit_price"]) == (
        instrument["lower_limit_price"],
        instrument["upper_limit_price"],
    )


async def test_an_expired_token_places_nothing(desk: Desk) -> None:
    before = await desk.traces()
    settings = desk.api.services.settings
    claims = {"sub": ANOTHER_ID, "name": "demo", "role": "admin", "iss": "lucy", "aud": "lucy-api", "jti": "1", "iat": 1, "exp": 2}
    token = jwt.encode(claims, settings.secret_key.get_secret_value(), algorithm="HS256")

    answer = await desk.place(headers={"Authorization": f"Bearer {token}"})

    assert (answer.status_code, answer.json()["code"]) == (401, "token_expired")
    assert await desk.traces() == before
