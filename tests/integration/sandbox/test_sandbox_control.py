"""The control API and the life of the sandbox process."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

import api
from api.brokers.sandbox.server import PortTaken, Sandbox, start
from api.local.process import choose_port
from tests.integration.sandbox.kis_client import eventually

Ledger = Callable[..., Awaitable[list[dict[str, Any]]]]

ORDER_FIELDS = {
    "broker", "account_number", "order_number", "original_order_number", "symbol", "side", "order_type", "quantity", "price",
    "executed_quantity", "executed_amount", "state", "received_at",
}  # fmt: skip
EXECUTION_FIELDS = {"broker", "account_number", "order_number", "symbol", "side", "quantity", "price", "at"}


async def outside(control: httpx.AsyncClient, **extra: Any) -> httpx.Response:
    """An order of the first KIS account, entered outside the API."""
    accounts = (await control.get("/accounts")).json()
    body = {"broker": "kis", "account_number": accounts[0]["account_number"], "symbol": "005930", "side": "buy", "quantity": 10}
    return await control.post("/orders", json=body | {"price": 71_000} | extra)


async def filled(ledger: Ledger, count: int = 1) -> None:
    async def is_filled() -> bool:
        return len(await ledger("executions")) >= count

    await eventually(is_filled)


async def test_there_is_one_account_per_broker_and_environment(control: httpx.AsyncClient) -> None:
    accounts = (await control.get("/accounts")).json()

    assert [(row["broker"], row["environment"]) for row in accounts] == [
        ("kis", "paper"), ("kis", "real"), ("ls", "paper"), ("ls", "real"),
    ]  # fmt: skip
    assert {row["cash"] for row in accounts} == {1_000_000_000}
    assert [len(row["account_number"]) for row in accounts] == [10, 10, 11, 11]
    assert [(len(row["app_key"]), len(row["app_secret"])) for row in accounts] == [(36, 180), (36, 180), (36, 32), (36, 32)]


async def test_new_account_has_the_cash_and_positions_asked_for(control: httpx.AsyncClient) -> None:
    body = {"broker": "ls", "environment": "real", "cash": 5_000, "positions": {"035420": 7}}

    answer = await control.post("/accounts", json=body)

    assert answer.status_code == 201
    assert (answer.json()["cash"], answer.json()["positions"]) == (5_000, {"035420": 7})
    assert len((await control.get("/accounts")).json()) == 5


async def test_ledger_tells_orders_and_executions_with_the_agreed_fields(control: httpx.AsyncClient, ledger: Ledger) -> None:
    number = (await outside(control)).json()["order_number"]
    await filled(ledger)

    orders, executions = await ledger("orders"), await ledger("executions")

    assert set(orders[0]) >= ORDER_FIELDS
    assert set(executions[0]) >= EXECUTION_FIELDS
    assert (orders[0]["order_number"], orders[0]["state"], orders[0]["executed_amount"]) == (number, "filled", 710_000)
    assert await ledger(account_number="0000000000") == []


async def test_pause_and_resume_hold_and_release_fills(control: httpx.AsyncClient, ledger: Ledger) -> None:
    await control.post("/market/pause")
    await outside(control)
    health = (await control.get("/health")).json()
    assert (health["is_paused"], health["executions"]) == (True, 0)

    await control.post("/market/resume")

    await filled(ledger)


async def test_outside_order_can_be_changed_and_canceled(control: httpx.AsyncClient, ledger: Ledger) -> None:
    number = (await outside(control, price=70_000)).json()["order_number"]
    changed = await outside(control, action="replace", original_order_number=number, price=70_500)
    canceled = await outside(control, action="cancel", original_order_number=changed.json()["order_number"])

    assert (changed.status_code, canceled.status_code) == (201, 201)

    async def settled() -> bool:
        return [row["state"] for row in await ledger()] == ["replaced", "canceled", "confirmed"]

    await eventually(settled)


async def test_refused_outside_order_says_why(control: httpx.AsyncClient) -> None:
    answer = await outside(control, price=71_001)

    assert (answer.status_code, answer.json()["reason"]) == (422, "bad_tick")


async def test_busted_trade_leaves_the_order_and_stays_in_the_ledger(control: httpx.AsyncClient, ledger: Ledger) -> None:
    number = (await outside(control)).json()["order_number"]
    await filled(ledger)

    answer = await control.post("/executions/bust", json={"broker": "kis", "order_number": number, "index": 0})

    assert answer.status_code == 200
    assert (await ledger())[0]["executed_quantity"] == 0
    assert [row["is_busted"] for row in await ledger("executions")] == [True]
    again = await control.post("/executions/bust", json={"broker": "kis", "order_number": number, "index": 0})
    assert again.status_code == 422


async def test_halted_name_takes_no_orders(control: httpx.AsyncClient) -> None:
    await control.put("/market/005930", json={"halted": True})
    assert (await outside(control)).json()["reason"] == "not_tradable"

    await control.put("/market/005930", json={"halted": False})
    assert (await outside(control)).status_code == 201


async def test_closed_session_takes_no_orders(control: httpx.AsyncClient) -> None:
    await control.put("/session", json={"phase": "closed"})
    assert (await outside(control)).json()["reason"] in {"before_open", "market_closed"}

    assert (await control.put("/session", json={"phase": "clock"})).json()["follows_clock"] is True
    assert (await control.put("/session", json={"phase": "regular"})).json() == {"phase": "regular", "follows_clock": False}


async def test_reset_clears_the_market_and_keeps_the_default_accounts(control: httpx.AsyncClient, ledger: Ledger) -> None:
    before = (await control.get("/accounts")).json()
    await control.post("/accounts", json={"broker": "kis", "environment": "real"})
    await control.put("/market/005930", json={"price": 75_000})
    await outside(control, price=75_000)
    await filled(ledger)

    assert (await control.post("/reset")).status_code == 200

    assert (await control.get("/accounts")).json() == before
    assert await ledger() == []
    assert (await control.get("/market/005930")).json()["price"] == 71_000


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("PUT", "/market/005930", {"price": 71_050}, 422),
        ("PUT", "/market/005930", {"price": 1}, 422),
        ("PUT", "/market/005930", {"price": "71000"}, 422),
        ("PUT", "/market/005930", {}, 422),
        ("PUT", "/market/999999", {"price": 71_000}, 404),
        ("POST", "/faults", {"broker": "kis", "operation": "place", "kind": "explode"}, 422),
        ("POST", "/faults", {"broker": "xx", "operation": "place", "kind": "latency"}, 422),
        ("POST", "/faults", {"broker": "kis", "operation": "place", "kind": "latency", "probability": 2}, 422),
        ("POST", "/faults", {"broker": "kis", "operation": "place", "kind": "latency", "oops": 1}, 422),
        ("POST", "/notices", {"broker": "kis", "mode": "loud"}, 422),
        ("POST", "/streams/kis/explode", None, 404),
        ("POST", "/streams/xx/drop", None, 404),
        ("POST", "/accounts", {"broker": "kis"}, 422),
        ("POST", "/accounts", {"broker": "kis", "environment": "real", "positions": {"999999": 1}}, 404),
        ("PUT", "/session", {"phase": "lunch"}, 422),
        ("PUT", "/variants", {"kis_notice_layout": "99"}, 422),
        ("POST", "/executions/bust", {"broker": "kis", "order_number": "1", "index": 0}, 404),
        ("GET", "/nowhere", None, 404),
    ],
)
async def test_wrong_control_requests_are_refused_with_a_reason(
    control: httpx.AsyncClient, method: str, path: str, body: dict[str, Any] | None, status: int
) -> None:
    answer = await control.request(method, path, json=body)

    assert answer.status_code == status
    assert answer.json()["detail"]


async def test_taken_port_is_one_clear_line(sandbox: Sandbox) -> None:
    with pytest.raises(PortTaken) as caught:
        await start(port=sandbox.control_port)

    text = str(caught.value)
    assert str(sandbox.control_port) in text
    assert "LUCY_SANDBOX_PORT" in text
    assert "\n" not in text


async def test_process_serves_until_it_is_told_to_end() -> None:
    port = choose_port(count=3)
    code = f"import sys; from api.brokers.sandbox.server import run; sys.exit(run(port={port}))"
    root = Path(api.__file__).parent.parent
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE, cwd=root)
    try:
        assert process.stdout is not None
        line = await asyncio.wait_for(process.stdout.readline(), 20)
        assert str(port).encode() in line
        async with httpx.AsyncClient() as client:
            assert (await client.get(f"http://127.0.0.1:{port}/health")).json()["status"] == "ok"
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 10) == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
