"""SIGKILL at bad moments: every fill exactly once, no order twice."""

import asyncio
from typing import Any

import httpx
import pytest

from tests.stack import Stack, until

pytestmark = pytest.mark.asyncio(loop_scope="session")

BROKERS = ["kis", "ls"]


@pytest.mark.parametrize("broker", BROKERS)
async def test_a_killed_worker_loses_and_doubles_no_fill(stack: Stack, an_order: Any, broker: str) -> None:
    await stack.sandbox.post("/market/pause")
    orders = [(await stack.http.post("/orders", json=an_order(broker, quantity=5 + n, limit_price=72_000))).json() for n in range(4)]
    placed = [await stack.until_order(order["id"], "new") for order in orders]
    stack.worker_process.kill()
    await stack.sandbox.post("/market/resume")

    async def is_filled_at_the_broker() -> bool:
        return all([sum(entry["quantity"] for entry in await stack.executions_of(order)) == order["quantity"] for order in placed])

    await until(is_filled_at_the_broker, "the broker has filled all")
    stack.worker_process.start()

    for order in orders:
        await stack.until_order(order["id"], "filled", seconds=45)
        await stack.assert_fills_agree(order["id"])


async def test_an_api_killed_between_storing_and_answering_sends_no_order_twice(stack: Stack, an_order: Any) -> None:
    requests = {}
    for broker in BROKERS:
        await stack.sandbox.post(
            "/faults", json={"broker": broker, "operation": "place", "kind": "latency", "milliseconds": 1500, "count": 1}
        )
        requests[broker] = an_order(broker, quantity=51, client_order_id=f"crash-{broker}")
    answers = [asyncio.create_task(stack.http.post("/orders", json=request)) for request in requests.values()]
    await asyncio.sleep(0)

    async def are_stored() -> bool:
        found = (await stack.http.get("/orders", params={"status": "pending_new"})).json()["items"]
        return len(found) == len(requests)

    await until(are_stored, "both orders are stored")
    stack.api_process.kill()
    for answer in answers:
        with pytest.raises(httpx.HTTPError):
            await answer
    stack.api_process.start()
    await stack.until_api_ready()
    replays = {broker: await stack.http.post("/orders", json=request) for broker, request in requests.items()}

    for broker, replay in replays.items():
        assert replay.status_code == 200, replay.text
        assert replay.headers["Idempotent-Replayed"] == "true"
        settled = await stack.until_order(replay.json()["id"], "new", "rejected", seconds=45)
        at_broker = [entry for entry in await stack.ledger_orders() if entry["broker"] == broker and entry["quantity"] == 51]
        assert len(at_broker) == (settled["status"] == "new"), broker


async def test_streams_that_drop_lose_no_fill(stack: Stack, an_order: Any) -> None:
    for broker in BROKERS:
        await stack.sandbox.post("/market/pause")
        order = (await stack.http.post("/orders", json=an_order(broker, quantity=9, limit_price=72_000))).json()
        await stack.sandbox.post(f"/streams/{broker}/drop")
        await stack.sandbox.post("/market/resume")

        await stack.until_order(order["id"], "filled", seconds=45)
        await stack.assert_fills_agree(order["id"])


@pytest.mark.parametrize("broker", BROKERS)
async def test_a_stream_that_turns_mute_is_noticed_and_its_fills_are_recovered(stack: Stack, an_order: Any, broker: str) -> None:
    await stack.sandbox.post("/market/pause")
    order = (await stack.http.post("/orders", json=an_order(broker, quantity=7, limit_price=72_000))).json()
    connected = (await stack.http.get(f"/accounts/{stack.accounts[broker]['id']}")).json()["stream"]["since"]
    await stack.sandbox.post(f"/streams/{broker}/mute")
    await stack.sandbox.post("/market/resume")

    await stack.until_order(order["id"], "filled", seconds=60)
    await stack.assert_fills_agree(order["id"])
    await stack.sandbox.post(f"/streams/{broker}/unmute")

    async def is_connected_anew() -> bool:
        stream = (await stack.http.get(f"/accounts/{stack.accounts[broker]['id']}")).json()["stream"]
        return bool(stream["state"] == "live" and stream["since"] > connected)

    await until(is_connected_anew, "the mute stream was given up for a new one", seconds=60)


@pytest.mark.parametrize("mode", ["duplicate", "delay", "reorder", "before_answer", "lose"])
async def test_notices_that_travel_badly_give_every_fill_once(stack: Stack, an_order: Any, mode: str) -> None:
    for broker in BROKERS:
        await stack.sandbox.post("/notices", json={"broker": broker, "mode": mode, "milliseconds": 400})
    limit = (await stack.http.get("/instruments/069500")).json()["reference_price"] + 500
    answers = await asyncio.gather(
        *(
            stack.http.post("/orders", json=an_order(broker, symbol="069500", quantity=600 + number, limit_price=limit))
            for number in range(3)
            for broker in BROKERS
        )
    )

    for answer in answers:
        assert answer.status_code == 201, answer.text
        await stack.until_order(answer.json()["id"], "filled", seconds=60)
        await stack.assert_fills_agree(answer.json()["id"])
