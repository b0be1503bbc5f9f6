"""From a price in the market to an alert at a listener, over all processes."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.flows.test_events import frames
from tests.stack import Stack, until

pytestmark = pytest.mark.asyncio(loop_scope="session")

SYMBOL = "035720"


@pytest_asyncio.fixture(loop_scope="session")
async def price(stack: Stack) -> AsyncIterator[int]:
    """The symbol's price, in won, in a market that stands still; set back after the test."""
    row = (await stack.sandbox.get(f"/market/{SYMBOL}")).json()
    await stack.sandbox.post("/market/pause")
    yield row["price"]
    await stack.sandbox.put(f"/market/{SYMBOL}", json={"price": row["price"]})
    await stack.sandbox.post("/market/resume")


async def set_price(stack: Stack, price: int) -> None:
    (await stack.sandbox.put(f"/market/{SYMBOL}", json={"price": price})).raise_for_status()


async def watch(stack: Stack, **levels: int) -> dict[str, Any]:
    """A list with one item."""
    made = (await stack.http.post("/watchlists", json={"name": "flow"})).json()
    (await stack.http.post(f"/watchlists/{made['id']}/items", json={"symbol": SYMBOL} | levels)).raise_for_status()
    document: dict[str, Any] = made
    return document


async def alerts_of(stack: Stack, watchlist: dict[str, Any]) -> list[tuple[str, int]]:
    """The history of one list, oldest first."""
    items = (await stack.http.get("/watchlists/alerts")).json()["items"]
    return [(item["level"], item["price"]) for item in reversed(items) if item["watchlist_id"] == watchlist["id"]]


async def events_of(stack: Stack, watchlist: dict[str, Any]) -> list[str]:
    """Ids of the alerts of one list, as often as they are in the user's events."""
    after, found = "0-0", []
    while True:
        page = (await stack.http.get("/events/log", params={"after": after})).json()
        found += [each["data"]["alert"] for each in page["items"] if each["event"] == "watch_alert"]
        if not page["items"]:
            return [alert["id"] for alert in found if alert["watchlist_id"] == watchlist["id"]]
        after = page["last_id"]


async def until_alerts(stack: Stack, watchlist: dict[str, Any], count: int) -> None:
    async def are_there() -> bool:
        return len(await alerts_of(stack, watchlist)) >= count

    await until(are_there, f"{count} alerts", seconds=60)


async def next_alert(stack: Stack, opened: asyncio.Event) -> dict[str, Any]:
    """The next event of a watch list, as a listener gets it."""
    async with stack.http.stream("GET", "/events", timeout=60) as response:
        opened.set()
        async for frame in frames(response):
            if frame["event"] == "watch_alert":
                return frame
    raise AssertionError("the stream ended")


async def test_a_listener_hears_of_a_crossing_and_the_history_has_it_too(stack: Stack, price: int) -> None:
    watchlist = await watch(stack, target_price=price + 500)
    opened = asyncio.Event()
    listening = asyncio.create_task(next_alert(stack, opened))
    await opened.wait()

    await set_price(stack, price + 500)
    frame = await asyncio.wait_for(listening, 60)

    history = (await stack.http.get("/watchlists/alerts")).json()["items"]
    assert (frame["data"]["type"], frame["data"]["alert"]) == ("watch_alert", history[0])
    assert history[0]["watchlist_id"] == watchlist["id"]
    assert (history[0]["level"], history[0]["level_price"], history[0]["price"]) == ("target", price + 500, price + 500)


async def test_a_worker_killed_around_a_crossing_neither_repeats_nor_loses_it(stack: Stack, price: int) -> None:
    watchlist = await watch(stack, stop_price=price - 500)
    marker = await watch(stack, target_price=price + 1_000)

    await set_price(stack, price - 500)
    await until_alerts(stack, watchlist, 1)
    await asyncio.to_thread(stack.worker_process.kill)
    await set_price(stack, price)  # back, and nobody looks
    await set_price(stack, price + 1_000)
    stack.worker_process.start()
    await until_alerts(stack, marker, 1)
    await set_price(stack, price - 1_000)
    await until_alerts(stack, watchlist, 2)

    assert await alerts_of(stack, watchlist) == [("stop", price - 500), ("stop", price - 1_000)]
    assert await alerts_of(stack, marker) == [("target", price + 1_000)]
    assert len(await events_of(stack, watchlist)) == len(set(await events_of(stack, watchlist))) == 2
    await stack.until_streams_live()
