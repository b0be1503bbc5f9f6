"""A trade that the exchange takes back: the ledger follows the broker's word, exactly, and tells everybody."""

from typing import Any

import pytest

from tests.stack import Stack, until

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize("broker", ["kis", "ls"])
async def test_a_canceled_trade_is_taken_back_told_and_alerted(stack: Stack, an_order: Any, broker: str) -> None:
    answer = await stack.http.post("/orders", json=an_order(broker, quantity=9, limit_price=72_000))
    filled = await stack.until_order(answer.json()["id"], "filled")
    last_id = (await stack.http.get("/events/log", params={"after": "0", "limit": 1000})).json()["last_id"]
    number = next(row["order_number"] for row in await stack.executions_of(filled))
    busted = await stack.sandbox.post("/executions/bust", json={"broker": broker, "order_number": number, "index": 0})
    busted.raise_for_status()
    standing = [row for row in await stack.executions_of(filled) if not row.get("is_busted")]

    async def is_taken_back() -> bool:
        order = await stack.order(filled["id"])
        return bool(order["version"] > filled["version"])

    await until(is_taken_back, "the trade is taken back", seconds=90)

    order = await stack.order(filled["id"])
    assert order["cumulative_quantity"] == sum(row["quantity"] for row in standing) == sum(fill["quantity"] for fill in order["fills"])
    assert order["filled_amount"] == sum(row["quantity"] * row["price"] for row in standing)
    assert order["filled_amount"] == sum(fill["quantity"] * fill["price"] for fill in order["fills"])
    assert order["fills"][: len(filled["fills"])] == filled["fills"]  # what was told stays told
    taken_back = order["fills"][len(filled["fills"]) :]
    assert [(fill["quantity"] < 0, fill["source"]) for fill in taken_back] == [(True, "reconciliation")] * len(taken_back)

    async def is_told() -> bool:
        items = (await stack.http.get("/events/log", params={"after": last_id, "limit": 1000})).json()["items"]
        told = {(item["event"], item["data"].get("code") or item["data"].get("execution_type")) for item in items}
        return {("alert", "trade_cancel"), ("order", "trade_cancel")} <= told

    await until(is_told, "listeners and members are told")
