"""Each fault, once, at the KIS door: what the client sees, and whether the market took the order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest

from api.brokers.sandbox.server import Sandbox
from api.kit.tls import trusted
from tests.integration.sandbox.kis_client import KisClient

Ledger = Callable[..., Awaitable[list[dict[str, Any]]]]


@pytest.fixture
async def real(sandbox: Sandbox, control: httpx.AsyncClient) -> AsyncIterator[KisClient]:
    accounts = (await control.get("/accounts")).json()
    account = next(row for row in accounts if row["broker"] == "kis" and row["environment"] == "real")
    async with httpx.AsyncClient(verify=trusted(), base_url=sandbox.kis_url, timeout=10) as http:
        client = KisClient(http, account)
        await client.login()
        yield client


async def inject(control: httpx.AsyncClient, kind: str, operation: str = "place", **extra: Any) -> None:
    answer = await control.post("/faults", json={"broker": "kis", "operation": operation, "kind": kind, "count": 1, **extra})
    assert answer.status_code == 201, answer.text


@pytest.mark.parametrize(("kind", "taken"), [("cut_before_taken", 0), ("cut_after_taken", 1)])
async def test_cut_closes_the_connection_without_an_answer(
    control: httpx.AsyncClient, real: KisClient, ledger: Ledger, kind: str, taken: int
) -> None:
    await inject(control, kind)

    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        await real.place()

    assert len(await ledger()) == taken
    assert (await real.place()).json()["rt_cd"] == "0"


@pytest.mark.parametrize(("kind", "taken"), [("timeout_before_taken", 0), ("timeout_after_taken", 1)])
async def test_timeout_never_answers(control: httpx.AsyncClient, real: KisClient, ledger: Ledger, kind: str, taken: int) -> None:
    await inject(control, kind)
    real.http.timeout = httpx.Timeout(0.3)

    with pytest.raises(httpx.ReadTimeout):
        await real.place()

    assert len(await ledger()) == taken


async def test_timeout_ends_in_a_cut_after_its_time(control: httpx.AsyncClient, real: KisClient) -> None:
    await inject(control, "timeout_before_taken", milliseconds=100)

    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        await real.place()


@pytest.mark.parametrize(("kind", "taken"), [("error_500_before_taken", 0), ("error_500_after_taken", 1)])
async def test_error_500_has_no_broker_code(control: httpx.AsyncClient, real: KisClient, ledger: Ledger, kind: str, taken: int) -> None:
    await inject(control, kind)

    answer = await real.place()

    assert (answer.status_code, answer.headers["content-type"].split(";")[0]) == (500, "text/html")
    assert len(await ledger()) == taken


@pytest.mark.parametrize(("kind", "expected"), [("rate_limited", "EGW00201"), ("token_refused", "EGW00123")])
async def test_refusals_are_the_brokers_own(control: httpx.AsyncClient, real: KisClient, ledger: Ledger, kind: str, expected: str) -> None:
    await inject(control, kind)

    answer = await real.place()

    assert (answer.status_code, answer.json()["msg_cd"]) == (500, expected)
    assert await ledger() == []


async def test_malformed_answer_hides_an_order_that_was_taken(control: httpx.AsyncClient, real: KisClient, ledger: Ledger) -> None:
    await inject(control, "malformed_answer")

    answer = await real.place()

    assert answer.status_code == 200
    with pytest.raises(ValueError, match=r"Expecting|Unterminated"):
        answer.json()
    assert len(await ledger()) == 1


async def test_latency_delays_and_then_carries_out(control: httpx.AsyncClient, real: KisClient, ledger: Ledger) -> None:
    await inject(control, "latency", milliseconds=100)
    started = asyncio.get_running_loop().time()

    answer = await real.place()

    assert asyncio.get_running_loop().time() - started >= 0.1
    assert answer.json()["rt_cd"] == "0"
    assert len(await ledger()) == 1


async def test_latency_comes_on_top_of_another_fault(control: httpx.AsyncClient, real: KisClient) -> None:
    await inject(control, "rate_limited")
    await inject(control, "latency", milliseconds=50)
    await inject(control, "error_500_before_taken")

    first, second = await real.place(), await real.place()

    assert first.json()["msg_cd"] == "EGW00201"
    assert second.headers["content-type"].startswith("text/html")


async def test_fault_hits_only_its_operation(control: httpx.AsyncClient, real: KisClient) -> None:
    for operation in ("replace", "cancel", "inquire"):
        await inject(control, "error_500_before_taken", operation)

    placed = await real.place(price="70000")
    number = placed.json()["output"]["ODNO"]
    answers = [await real.change(number, "replace", ORD_UNPR="70100"), await real.change(number, "cancel"), await real.balance()]

    assert [answer.status_code for answer in answers] == [500, 500, 500]
    assert (await control.get("/faults")).json() == []


async def test_token_fault_speaks_the_oauth_shape(control: httpx.AsyncClient, real: KisClient) -> None:
    await inject(control, "rate_limited", "token")

    answer = await real.login()

    assert (answer.status_code, answer.json()["error_code"]) == (403, "EGW00133")


async def test_fault_with_a_probability_stays_until_deleted(control: httpx.AsyncClient, real: KisClient, ledger: Ledger) -> None:
    body = {"broker": "kis", "operation": "any", "kind": "error_500_before_taken", "probability": 1.0}
    await control.post("/faults", json=body)
    assert [(await real.place()).status_code for _ in range(3)] == [500, 500, 500]

    await control.delete("/faults")

    assert (await real.place()).status_code == 200
    assert len(await ledger()) == 1
