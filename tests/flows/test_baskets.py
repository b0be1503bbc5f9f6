"""A basket whose API dies in the middle."""

import asyncio
from typing import Any

import pytest

from tests.stack import Stack, until

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_an_api_killed_while_it_sends_a_basket_places_each_row_once_when_it_is_asked_again(stack: Stack) -> None:
    price = (await stack.http.get("/instruments/000660")).json()["lower_limit_price"]
    orders = [
        {"account_id": stack.accounts[broker]["id"], "symbol": "000660", "side": "buy", "quantity": number, "limit_price": price}
        for number in range(1, 13)
        for broker in ("kis", "ls")
    ]
    request = {"client_basket_id": "crash", "orders": orders}
    await stack.sandbox.post("/faults", json={"broker": "ls", "operation": "place", "kind": "latency", "count": 3, "milliseconds": 2000})

    asking = asyncio.create_task(stack.http.post("/orders/basket", json=request, timeout=60))

    async def rows() -> list[Any]:
        return [row for row in await stack.ledger_orders() if row["symbol"] == "000660" and row["kind"] == "new"]

    async def is_under_way() -> bool:
        return len(await rows()) >= 3

    await until(is_under_way, "some rows are at their broker")
    await asyncio.to_thread(stack.api_process.kill)
    await asyncio.gather(asking, return_exceptions=True)
    stack.api_process.start()
    await stack.until_api_ready()
    items: list[Any] = []

    async def is_settled() -> bool:
        answer = await stack.http.post("/orders/basket", json=request, timeout=60)
        assert answer.status_code == 207, answer.text
        items[:] = answer.json()["items"]
        return all(item["order"] is not None and item["order"]["status"] in ("new", "rejected") for item in items)

    await until(is_settled, "every row is at its broker, or certainly is not", seconds=90, describe=lambda: str(items)[-2000:])

    live = sorted((item["order"]["broker"], item["order"]["quantity"]) for item in items if item["order"]["status"] == "new")
    assert len(items) == 24
    assert sorted((row["broker"], row["quantity"]) for row in await rows()) == live
    assert {item["order"]["reason"] for item in items if item["order"]["status"] == "rejected"} <= {"never_received"}
