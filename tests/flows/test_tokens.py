"""Access tokens over all processes: one issue for all, none lost when the broker forgets one."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio
from pymongo import MongoClient

from api.bootstrap import open_services
from api.local.process import choose_port
from tests.notes import Notes
from tests.stack import Child, Stack, answers, until
from worker.jobs.refresh_broker_tokens import refresh_broker_tokens

pytestmark = pytest.mark.asyncio(loop_scope="session")

BROKERS = ["kis", "ls"]


async def token_requests(stack: Stack) -> dict[str, int]:
    counts = (await stack.sandbox.get("/limits")).json()["counts"]
    return {broker: counts[broker]["token_requests"] for broker in BROKERS}


def let_tokens_end(stack: Stack, broker: str, at: datetime) -> None:
    """What Lucy has stored of a broker's access tokens ends at this instant."""
    with MongoClient[dict[str, Any]](stack.settings.mongodb_url) as client:
        client[stack.settings.database]["broker_tokens"].update_many(
            {"_id": {"$regex": f"^{broker}:sandbox:access:"}}, {"$set": {"expires_at": at}}
        )


@pytest_asyncio.fixture(loop_scope="session")
async def three_apis(stack: Stack) -> AsyncIterator[list[tuple[Child, httpx.AsyncClient]]]:
    """Three API processes that are not started yet, and the worker and the API of the stack ended; those run again afterwards."""
    stack.worker_process.stop()
    stack.api_process.stop()
    found = []
    for number in range(3):
        settings = stack.settings.model_copy(update={"api_port": choose_port()})
        client = httpx.AsyncClient(base_url=f"http://127.0.0.1:{settings.api_port}/api/v1", timeout=30, headers=dict(stack.http.headers))
        found.append((Child("api", settings, stack.folder / f"api-token-{number}.log"), client))
    yield found
    for child, client in found:
        await client.aclose()
        await asyncio.to_thread(child.close)
    stack.api_process.start()
    await stack.until_api_ready()


async def test_four_processes_that_start_with_an_expired_token_have_one_issued(
    stack: Stack, three_apis: list[tuple[Child, httpx.AsyncClient]]
) -> None:
    for broker in BROKERS:
        await stack.sandbox.post(f"/tokens/{broker}/expire")
        let_tokens_end(stack, broker, datetime.now(UTC) - timedelta(minutes=1))
    before = await token_requests(stack)

    stack.worker_process.start()
    for child, _ in three_apis:
        child.start()

    async def ask(client: httpx.AsyncClient, broker: str) -> httpx.Response:
        await until(lambda: answers(client, "/health/ready"), "the API is ready")
        return await client.get(f"/accounts/{stack.accounts[broker]['id']}/balance")

    told = await asyncio.gather(*(ask(client, broker) for _, client in three_apis for broker in BROKERS))
    client = three_apis[0][1]

    async def are_live() -> bool:
        items = (await client.get("/accounts")).json()["items"]
        return all(item["stream"]["state"] == "live" for item in items)

    await until(are_live, "the worker's streams are live")

    assert [answer.status_code for answer in told] == [200] * 6, [answer.text for answer in told]
    after = await token_requests(stack)
    assert {broker: after[broker] - before[broker] for broker in BROKERS} == {"kis": 1, "ls": 1}


@pytest.mark.parametrize("broker", BROKERS)
async def test_a_token_that_the_broker_forgot_costs_one_refused_call_and_no_order(
    stack: Stack, an_order: Callable[..., dict[str, Any]], broker: str
) -> None:
    first = await stack.http.post("/orders", json=an_order(broker, quantity=50))
    assert first.status_code == 201, first.text
    log = stack.folder / "api.log"
    refused_before = refusals(log.read_text(), broker)
    before = await token_requests(stack)
    await stack.sandbox.post(f"/tokens/{broker}/expire")

    answer = await stack.http.post("/orders", json=an_order(broker, quantity=51))
    later = await asyncio.gather(*(stack.http.post("/orders", json=an_order(broker, quantity=52 + number)) for number in range(5)))

    assert [one.status_code for one in (answer, *later)] == [201] * 6, [one.text for one in (answer, *later)]
    assert refusals(log.read_text(), broker) - refused_before == 1
    assert (await token_requests(stack))[broker] - before[broker] == 1
    sent = [row["quantity"] for row in await stack.ledger_orders(broker=broker) if row["kind"] == "new"]
    assert [sent.count(quantity) for quantity in range(51, 57)] == [1] * 6


@pytest.mark.parametrize("broker", BROKERS)
async def test_orders_that_all_meet_a_forgotten_token_at_once_have_one_issued_and_are_all_placed(
    stack: Stack, an_order: Callable[..., dict[str, Any]], broker: str
) -> None:
    first = await stack.http.post("/orders", json=an_order(broker, quantity=60))
    assert first.status_code == 201, first.text
    before = await token_requests(stack)
    await stack.sandbox.post(f"/tokens/{broker}/expire")

    told = await asyncio.gather(*(stack.http.post("/orders", json=an_order(broker, quantity=61 + number)) for number in range(8)))

    assert [answer.status_code for answer in told] == [201] * 8, [answer.text for answer in told]
    assert (await token_requests(stack))[broker] - before[broker] == 1
    sent = [row["quantity"] for row in await stack.ledger_orders(broker=broker) if row["kind"] == "new"]
    assert [sent.count(quantity) for quantity in range(61, 69)] == [1] * 8


async def test_the_worker_renews_a_kis_token_before_it_ends_and_lets_others_be(stack: Stack) -> None:
    async with open_services(stack.settings) as services:
        let_tokens_end(stack, "kis", datetime.now(UTC) + timedelta(hours=2))
        before = await token_requests(stack)
        early = Notes()
        await refresh_broker_tokens(services, early)
        untouched = await token_requests(stack)
        await stack.sandbox.put("/limits", json={"token_interval_seconds": 0})  # the once-a-minute rule is another test's

    async with open_services(stack.settings) as services:
        let_tokens_end(stack, "kis", datetime.now(UTC) + timedelta(minutes=20))
        late = Notes()
        await refresh_broker_tokens(services, late)

    renewed = await token_requests(stack)
    await stack.sandbox.put("/limits", json={"token_interval_seconds": 60})
    assert early.counts == late.counts == {"fresh": 2}
    assert untouched == before
    assert renewed == {"kis": before["kis"] + 1, "ls": before["ls"]}


def refusals(log: str, broker: str) -> int:
    """Refused tokens that a process has logged."""
    if broker == "ls":
        return log.count('"ls_token_refused"')
    return sum(1 for line in log.splitlines() if '"kis_refused"' in line and "access token refused" in line)
