"""The brokers' call limits under load: two API processes and a worker share them, and cancels come first."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from typing import Any

import httpx
import pytest
import pytest_asyncio
from redis.asyncio import Redis

from api.local.process import choose_port
from tests.stack import Child, Stack, answers, until

pytestmark = pytest.mark.asyncio(loop_scope="session")

CANCELS = {"kis": 15, "ls": 3}
BASKET = 40


@pytest_asyncio.fixture(loop_scope="session")
async def apis(stack: Stack) -> AsyncIterator[list[httpx.AsyncClient]]:
    """Two API processes."""
    settings = stack.settings.model_copy(update={"api_port": choose_port()})
    second = Child("api", settings, stack.folder / "api-2.log")
    second.start()
    async with httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{settings.api_port}/api/v1", timeout=30, headers=dict(stack.http.headers)
    ) as client:
        try:
            await until(lambda: answers(client, "/health/ready"), "the second API is ready")
            yield [stack.http, client]
        finally:
            await asyncio.to_thread(second.close)


async def counts(stack: Stack, broker: str) -> dict[str, int]:
    found: dict[str, int] = (await stack.sandbox.get("/limits")).json()["counts"][broker]
    return found


async def until_places_are_free(stack: Stack) -> None:
    """Wait until no call of the last moments counts any more."""
    redis: Redis = Redis.from_url(stack.settings.redis_url)

    async def are_free() -> bool:
        return not await redis.keys(f"{stack.settings.redis_prefix}:calls:*:held")

    await until(are_free, "all places are free")
    await redis.aclose()


async def waited_seconds(stack: Stack, order_id: str, ledger: list[dict[str, Any]]) -> float:
    """From when Lucy had noted the request to cancel until the broker received it."""
    history = (await stack.http.get(f"/orders/{order_id}/history")).json()["items"]
    order = await stack.order(order_id)
    (asked_at,) = (change["at"] for change in history if change["execution_type"] == "pending_cancel")
    (received_at,) = (row["received_at"] for row in ledger if str(int(row["original_order_number"] or 0)) in order["broker_order_ids"])
    return (datetime.fromisoformat(received_at) - datetime.fromisoformat(asked_at)).total_seconds()


async def place(api: httpx.AsyncClient, request: dict[str, Any]) -> httpx.Response:
    return await api.post("/orders", json=request)


@pytest.mark.parametrize("broker", ["kis", "ls"])
async def test_cancels_overtake_a_basket_that_is_being_sent_and_no_limit_is_exceeded(
    stack: Stack, apis: list[httpx.AsyncClient], an_order: Callable[..., dict[str, Any]], broker: str
) -> None:
    live = []
    for number in range(CANCELS[broker]):
        answer = await place(apis[number % 2], an_order(broker, quantity=100 + number))
        assert answer.status_code == 201, answer.text
        live.append(answer.json())
    await until_places_are_free(stack)
    before = await counts(stack, broker)
    begin = datetime.now().astimezone()

    basket = [asyncio.create_task(place(apis[number % 2], an_order(broker, quantity=201 + number))) for number in range(BASKET)]
    cancels = [asyncio.create_task(apis[number % 2].delete(f"/orders/{order['id']}")) for number, order in enumerate(live)]
    canceled = await asyncio.gather(*cancels)
    placed = await asyncio.gather(*basket)

    assert {answer.status_code for answer in canceled} == {200}, [answer.text for answer in canceled]
    ledger = [row for row in await stack.ledger_orders(broker=broker) if datetime.fromisoformat(row["received_at"]) >= begin]
    last_cancel = max(row["received_at"] for row in ledger if row["kind"] == "cancel")
    overtaken = [row for row in ledger if row["kind"] == "new" and row["received_at"] > last_cancel]
    waits = [await waited_seconds(stack, order["id"], ledger) for order in live]
    # at the brokers' rates the basket takes 2 s (KIS) and 4 s (LS): cancels that wait for their turn would come last
    assert len(overtaken) >= BASKET // 4, f"{len(overtaken)} orders after the last cancel; the cancels waited {sorted(waits)} s"
    sent = Counter(row["quantity"] for row in ledger if row["kind"] == "new")
    for number, answer in enumerate(placed):
        assert answer.status_code in (201, 429), answer.text
        assert sent[201 + number] == (answer.status_code == 201), (number, answer.text)
    assert sum(answer.status_code == 201 for answer in placed) >= 36  # LS takes 9 a second, and an order waits 5 s at most
    after = await counts(stack, broker)
    assert after["refused_calls"] - before["refused_calls"] == 0
    for answer in placed:
        if answer.status_code == 201:
            await stack.until_order(answer.json()["id"], "new")


async def test_who_could_not_be_served_in_time_is_told_soon_and_nothing_piles_up(
    stack: Stack, apis: list[httpx.AsyncClient], an_order: Callable[..., dict[str, Any]]
) -> None:
    await until_places_are_free(stack)
    before = await counts(stack, "ls")
    begin = datetime.now().astimezone()
    taken_seconds: list[float] = []

    async def timed(number: int) -> httpx.Response:
        loop = asyncio.get_running_loop()
        asked_at = loop.time()
        answer = await place(apis[number % 2], an_order("ls", quantity=1, limit_price=50_000 + 100 * number))
        taken_seconds.append(loop.time() - asked_at)
        return answer

    told = await asyncio.gather(*(timed(number) for number in range(120)))

    statuses = Counter(answer.status_code for answer in told)
    assert {answer.json()["status"] for answer in told if answer.status_code == 201} == {"new"}
    assert statuses.keys() <= {201, 429}, statuses
    assert statuses[429] > 0
    assert statuses[201] >= 36
    assert max(taken_seconds) < 10
    for answer in told:
        if answer.status_code == 429:
            assert int(answer.headers["Retry-After"]) >= 1
            assert (answer.json()["retryable"], answer.json()["outcome"]) == (True, "none")
    ledger = [row for row in await stack.ledger_orders(broker="ls") if datetime.fromisoformat(row["received_at"]) >= begin]
    assert len(ledger) == statuses[201]
    assert (await counts(stack, "ls"))["refused_calls"] == before["refused_calls"]
