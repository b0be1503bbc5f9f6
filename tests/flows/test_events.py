"""From a fill at the broker to listeners, over all processes."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.stack import Stack

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def frames(response: httpx.Response) -> AsyncIterator[dict[str, Any]]:
    """The SSE frames of a response: id, event, data."""
    frame: dict[str, Any] = {}
    async for line in response.aiter_lines():
        if line.startswith(("id:", "event:", "data:")):
            name, _, value = line.partition(": ")
            frame[name] = json.loads(value) if name == "data" else value
        elif not line and "data" in frame:
            yield frame
            frame = {}
        elif not line:
            frame = {}


async def listen(stack: Stack, wanted: int, last_event_id: str | None, opened: asyncio.Event) -> list[dict[str, Any]]:
    """Fill events until ``wanted`` came, or the stream ended."""
    headers = {"Last-Event-ID": last_event_id} if last_event_id else {}
    found: list[dict[str, Any]] = []
    async with stack.http.stream("GET", "/events", headers=headers, timeout=60) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        opened.set()
        async for frame in frames(response):
            found.append(frame)
            if sum(entry["event"] == "fill" for entry in found) >= wanted:
                return found
    return found


@pytest.mark.parametrize("broker", ["kis", "ls"])
async def test_a_listener_that_reconnects_during_a_burst_of_200_fills_gets_each_once_in_order(
    stack: Stack, an_order: Any, broker: str
) -> None:
    await stack.sandbox.post("/market/pause")
    requests = [an_order(broker, symbol="114800", quantity=10 + number, limit_price=None, order_type="market") for number in range(200)]
    await stack.sandbox.put("/limits", json={"enabled": False})
    orders: list[dict[str, Any]] = []
    for start in range(0, 200, 20):  # 20 at a time: LS takes 9 a second from one account, and an order waits 5 s at most
        answers = await asyncio.gather(*(stack.http.post("/orders", json=request) for request in requests[start : start + 20]))
        orders += [answer.json() for answer in answers]
    assert [order["status"] for order in orders] == ["new"] * 200

    opened = asyncio.Event()
    listening = asyncio.create_task(listen(stack, 60, None, opened))
    await opened.wait()
    await stack.sandbox.post("/market/resume")
    seen = await listening
    for wanted in (50, 200):
        have = sum(frame["event"] == "fill" for frame in seen)
        if have >= 200:
            break
        seen += await listen(stack, min(wanted, 200 - have), seen[-1]["id"], asyncio.Event())

    fills = [frame["data"]["fill"] for frame in seen if frame["event"] == "fill"]
    assert len({fill["id"] for fill in fills}) == len(fills) >= 200
    assert sum(fill["quantity"] for fill in fills) <= sum(order["quantity"] for order in orders)
    ids = [tuple(map(int, frame["id"].split("-"))) for frame in seen]
    assert ids == sorted(set(ids))
    versions: dict[str, int] = {}
    for frame in seen:
        if frame["event"] == "order":
            order = frame["data"]["order"]
            assert order["version"] > versions.get(order["id"], 0)
            versions[order["id"]] = order["version"]
    for order in orders:
        await stack.until_order(order["id"], "filled")
        await stack.assert_fills_agree(order["id"])


async def test_an_unknown_last_event_id_gives_one_resync_and_goes_on(stack: Stack, an_order: Any) -> None:
    opened = asyncio.Event()
    listening = asyncio.create_task(listen(stack, 1, "1-1", opened))
    await opened.wait()

    await stack.http.post("/orders", json=an_order("ls", quantity=2, limit_price=72_000))
    seen = await listening

    assert [frame["event"] for frame in seen].count("resync") == 1
    assert seen[0]["event"] == "resync"
    assert seen[-1]["event"] == "fill"


async def test_a_snapshot_shows_live_orders_before_what_happens(stack: Stack, an_order: Any) -> None:
    order = (await stack.http.post("/orders", json=an_order("kis", quantity=4))).json()

    async with stack.http.stream("GET", "/events", params={"snapshot": "true"}, timeout=30) as response:
        async for frame in frames(response):
            if frame["event"] == "order" and frame["data"]["order"]["id"] == order["id"]:
                break

    assert frame["data"]["execution_type"] == "order_status"
    assert frame["data"]["order"]["status"] == "new"
