"""The LS front door: tokens, what the gateway refuses, rate limits, injected faults."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import httpx
import pytest

from tests.integration.sandbox.ls.ls_client import LsClient

Ledger = Callable[..., Awaitable[list[dict[str, Any]]]]
KST = timezone(timedelta(hours=9))


def claims_of(token: str) -> dict[str, Any]:
    payload = token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return claims


async def test_a_token_is_a_jwt_that_ends_at_seven_in_the_morning_kst(real: LsClient) -> None:
    answer = await real.login()

    body = answer.json()
    assert (body["scope"], body["token_type"], body["expires_in"]) == ("oob", "Bearer", 86400)
    header = json.loads(base64.urlsafe_b64decode(body["access_token"].split(".")[0] + "=="))
    assert header == {"typ": "JWT", "alg": "HS512"}
    claims = claims_of(body["access_token"])
    end = datetime.fromtimestamp(claims["exp"], KST)
    assert (end.hour, end.minute, end.second) == (6, 59, 59)
    assert timedelta(0) < end - datetime.now(UTC) <= timedelta(days=1)
    assert claims["jti"] == real.account["app_key"]


async def test_a_token_can_be_asked_for_with_query_parameters(real: LsClient) -> None:
    query = {"grant_type": "client_credentials", "scope": "oob", **real.credentials}

    answer = await real.http.post("/oauth2/token", params=query)

    assert answer.status_code == 200
    assert answer.json()["access_token"]


@pytest.mark.parametrize(("field", "code"), [("appkey", "IGW00103"), ("appsecretkey", "IGW00105")])
async def test_a_wrong_key_gets_403_in_the_shape_of_the_token_endpoint(real: LsClient, field: str, code: str) -> None:
    answer = await real.login(**{field: "wrong"})

    assert answer.status_code == 403
    assert answer.json()["error_code"] == code
    assert answer.json()["error_description"]


async def test_scope_oob_is_demanded(real: LsClient) -> None:
    answer = await real.login(scope="")

    assert answer.status_code == 400


async def test_a_new_token_ends_the_earlier_one(real: LsClient) -> None:
    earlier = real.token
    await real.login()

    assert (await real.today()).status_code == 200
    real.token = earlier
    answer = await real.today()

    assert (answer.status_code, answer.json()["rsp_cd"]) == (500, "IGW00121")


async def test_an_expired_token_is_answered_500_with_its_own_code(real: LsClient, control: httpx.AsyncClient) -> None:
    await control.post("/tokens/ls/expire")

    answer = await real.today()

    assert (answer.status_code, answer.json()["rsp_cd"]) == (500, "IGW00123")


async def test_a_revoked_token_is_dead(real: LsClient) -> None:
    form = {**real.credentials, "token_type_hint": "access_token", "token": real.token}
    answer = await real.http.post("/oauth2/revoke", data=form)

    assert answer.json() == {"code": 200, "message": "접근토큰 폐기에 성공하였습니다."}
    assert (await real.today()).json()["rsp_cd"] == "IGW00121"


async def test_a_reset_keeps_the_default_accounts_tokens(real: LsClient, control: httpx.AsyncClient) -> None:
    await real.placed()
    await control.post("/reset")

    answer = await real.today()

    assert answer.status_code == 200
    assert "t0425OutBlock1" not in answer.json()


async def test_an_order_above_ten_a_second_is_refused_as_http_500_and_not_taken(real: LsClient, ledger: Ledger) -> None:
    answers = await asyncio.gather(*[real.place(quantity=1) for _ in range(40)])

    refused = [answer for answer in answers if answer.status_code == 500]
    assert refused
    assert all(answer.json()["rsp_cd"] == "IGW00201" for answer in refused)
    assert len(answers) - len(refused) >= 10
    assert len(await ledger("orders", broker="ls")) == len(answers) - len(refused)


async def test_limits_count_per_transaction(real: LsClient) -> None:
    lists = await asyncio.gather(*[real.today() for _ in range(10)])
    balance = await real.tr("t0424", dict.fromkeys(("prcgb", "chegb", "dangb", "charge", "cts_expcode"), ""))

    assert {answer.status_code for answer in lists} == {200, 500}
    assert balance.status_code == 200


@pytest.mark.parametrize(
    "change", [{"quantity": "1"}, {"price": "71000"}, {"side": 2}, {"quantity": True}, {"quantity": None}, {"quantity": 1.5}]
)
async def test_a_wrong_json_type_is_refused_by_the_gateway(real: LsClient, ledger: Ledger, change: dict[str, Any]) -> None:
    answer = await real.place(**change)

    assert (answer.status_code, answer.json()["rsp_cd"]) == (500, "IGW40011")
    assert await ledger() == []


async def test_a_missing_block_and_an_unknown_transaction_are_refused(real: LsClient) -> None:
    unwrapped = await real.http.post("/stock/order", headers=real.headers("CSPAT00601"), json={"IsuNo": "A005930", "OrdQty": 1})
    unreadable = await real.http.post("/stock/order", headers=real.headers("CSPAT00601"), content=b"{")
    unknown = await real.tr("t9999", {})

    assert (unwrapped.status_code, unwrapped.json()["rsp_cd"]) == (500, "IGW50004")
    assert unreadable.status_code == 500
    assert (unknown.status_code, unknown.json()["rsp_cd"]) == (500, "IGW00215")


async def test_header_names_keep_the_spelling_that_clients_look_for(real: LsClient) -> None:
    answer = await real.today()

    names = [name for name, _ in answer.headers.raw]
    assert {b"Content-Type", b"tr_cd", b"tr_cont", b"tr_cont_key"} <= set(names)


@pytest.mark.parametrize(("kind", "code"), [("rate_limited", "IGW00201"), ("token_refused", "IGW00121")])
async def test_injected_refusals_look_like_the_real_ones(
    real: LsClient, control: httpx.AsyncClient, ledger: Ledger, kind: str, code: str
) -> None:
    await control.post("/faults", json={"broker": "ls", "operation": "place", "kind": kind, "count": 1})

    refused, taken = await real.place(), await real.place()

    assert (refused.status_code, refused.json()["rsp_cd"]) == (500, code)
    assert taken.json()["rsp_cd"] == "00040"
    assert len(await ledger()) == 1


@pytest.mark.parametrize(("kind", "orders"), [("cut_before_taken", 0), ("cut_after_taken", 1)])
async def test_a_cut_connection_says_nothing_about_the_order(
    real: LsClient, control: httpx.AsyncClient, ledger: Ledger, kind: str, orders: int
) -> None:
    await control.post("/faults", json={"broker": "ls", "operation": "place", "kind": kind, "count": 1})

    with pytest.raises(httpx.TransportError):
        await real.place()

    assert len(await ledger()) == orders


@pytest.mark.parametrize(("kind", "status", "orders"), [("error_500_before_taken", 500, 0), ("malformed_answer", 200, 1)])
async def test_broken_answers_carry_no_code_of_the_broker(
    real: LsClient, control: httpx.AsyncClient, ledger: Ledger, kind: str, status: int, orders: int
) -> None:
    await control.post("/faults", json={"broker": "ls", "operation": "place", "kind": kind, "count": 1})

    answer = await real.place()

    assert answer.status_code == status
    with pytest.raises(ValueError, match=r"."):
        answer.json()
    assert len(await ledger()) == orders


async def test_a_token_fault_hits_only_the_token_endpoint(real: LsClient, control: httpx.AsyncClient) -> None:
    await control.post("/faults", json={"broker": "ls", "operation": "token", "kind": "token_refused", "count": 1})

    assert (await real.place()).status_code == 200
    assert (await real.login()).status_code == 403
    assert (await real.login()).status_code == 200
