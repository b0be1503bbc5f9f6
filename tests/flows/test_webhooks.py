"""From a fill at the broker to a receiver of webhooks, over all processes."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.receiver import Received, Receiver, receiving
from tests.stack import Stack, is_running, until

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(loop_scope="session")
async def receiver() -> AsyncIterator[Receiver]:
    """A receiver on a free port."""
    async with receiving() as found:
        yield found


@pytest_asyncio.fixture(loop_scope="session")
async def webhook(stack: Stack, receiver: Receiver) -> AsyncIterator[dict[str, Any]]:
    """A webhook of the demo user that the worker has taken up, removed after the test."""
    made = await stack.http.post("/webhooks", json={"url": receiver.url, "name": "flow"})
    assert made.status_code == 201, made.text
    yield made.json()
    await stack.http.delete(f"/webhooks/{made.json()['id']}")


def versions_of(receiver: Receiver, order_id: str) -> list[int]:
    """The order's versions as they came, each message once."""
    return [
        body["data"]["order"]["version"]
        for body in receiver.bodies()
        if body["event"] == "order" and body["data"]["order"]["id"] == order_id
    ]


async def until_all_versions(stack: Stack, receiver: Receiver, order_ids: list[str]) -> None:
    """Wait until every version of each order has come."""

    async def have_come() -> bool:
        orders = await asyncio.gather(*(stack.order(order_id) for order_id in order_ids))
        return all(versions_of(receiver, order["id"]) == list(range(1, order["version"] + 1)) for order in orders)

    await until(
        have_come, "every version has come", seconds=45, describe=lambda: str([versions_of(receiver, found) for found in order_ids])
    )


@pytest.mark.parametrize("broker", ["kis", "ls"])
async def test_a_receiver_gets_an_order_and_its_fill_as_the_event_log_has_them(
    stack: Stack, an_order: Any, receiver: Receiver, webhook: dict[str, Any], broker: str
) -> None:
    order = (await stack.http.post("/orders", json=an_order(broker, quantity=3, limit_price=72_000))).json()
    await stack.until_order(order["id"], "filled")
    await until_all_versions(stack, receiver, [order["id"]])

    log = (await stack.http.get("/events/log", params={"after": webhook["last_event_id"]})).json()["items"]
    assert receiver.bodies() == log[: len(receiver.bodies())]
    assert any(body["event"] == "fill" and body["data"]["fill"]["order_id"] == order["id"] for body in receiver.bodies())
    assert all(entry.is_signed_by(webhook["secret"]) for entry in receiver.received)
    assert len({entry.message_id for entry in receiver.received}) == len(receiver.received)


@pytest.mark.parametrize("with_children", [True, False])
async def test_a_worker_killed_in_a_burst_of_100_events_loses_none_and_repeats_only_under_the_same_id(
    stack: Stack, an_order: Any, receiver: Receiver, webhook: dict[str, Any], with_children: bool
) -> None:
    killed = asyncio.Event()

    def kill_in_the_middle(_: Received) -> None:
        if len(receiver.received) == 60:
            killed.set()

    receiver.on_request = kill_in_the_middle
    await stack.sandbox.post("/market/pause")
    await stack.sandbox.put("/limits", json={"enabled": False})
    answers = await asyncio.gather(
        *(stack.http.post("/orders", json=an_order("kis", quantity=1 + n, limit_price=72_000)) for n in range(30))
    )
    ids = [answer.json()["id"] for answer in answers]
    await stack.sandbox.post("/market/resume")
    await asyncio.wait_for(killed.wait(), 30)

    (stack.worker_process.kill if with_children else stack.worker_process.kill_alone)()
    stack.worker_process.start()

    for order_id in ids:
        await stack.until_order(order_id, "filled", seconds=60)
    await until_all_versions(stack, receiver, ids)
    assert len(receiver.bodies()) >= 100
    by_id: dict[str, set[bytes]] = {}
    for entry in receiver.received:
        assert entry.is_signed_by(webhook["secret"])
        by_id.setdefault(entry.message_id, set()).add(entry.raw)
    assert all(len(bodies) == 1 for bodies in by_id.values())
    assert len({body["id"] for body in receiver.bodies()}) == len(receiver.bodies())


async def test_a_delivering_process_that_is_killed_comes_back_and_one_whose_worker_is_killed_ends(
    stack: Stack, an_order: Any, receiver: Receiver, webhook: dict[str, Any]
) -> None:
    async def has_begun() -> bool:
        return len(stack.worker_process.children()) == 1

    await until(has_begun, "the delivering process runs")
    (first,) = stack.worker_process.children()

    os.kill(first, signal.SIGKILL)
    order = (await stack.http.post("/orders", json=an_order("kis", quantity=4, limit_price=72_000))).json()
    await stack.until_order(order["id"], "filled")
    await until_all_versions(stack, receiver, [order["id"]])
    (second,) = stack.worker_process.children()
    stack.worker_process.kill_alone()

    async def has_ended() -> bool:
        return not is_running(second)

    await until(has_ended, "the delivering process has ended with its worker")
    stack.worker_process.start()
    await stack.until_streams_live()
    assert second != first


async def test_a_dead_receiver_delays_no_other(stack: Stack, an_order: Any, receiver: Receiver, webhook: dict[str, Any]) -> None:
    dead = (await stack.http.post("/webhooks", json={"url": "http://127.0.0.1:9/hook"})).json()
    order = (await stack.http.post("/orders", json=an_order("kis", quantity=2, limit_price=72_000))).json()
    await stack.until_order(order["id"], "filled")

    await until_all_versions(stack, receiver, [order["id"]])

    async def is_retrying() -> bool:
        return bool((await stack.http.get(f"/webhooks/{dead['id']}")).json()["status"] == "retrying")

    await until(is_retrying, "the dead one is tried again and again")
    assert (await stack.http.get(f"/webhooks/{webhook['id']}")).json()["status"] == "active"
    await stack.http.delete(f"/webhooks/{dead['id']}")
