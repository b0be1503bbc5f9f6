"""What a user sees of a broker that spoils inquiries or tokens. Orders under such faults: tests/flows/test_every_fault.py."""

from collections.abc import AsyncIterator
from itertools import count
from typing import Any

import httpx
import pytest
import pytest_asyncio

from api.brokers.sandbox.faults import FaultKind
from tests.http.api import Desk

pytestmark = pytest.mark.asyncio(loop_scope="session")

BROKERS = ["kis", "ls"]
PRICES = count(50_000, 100)
"""Another price is another question: the answer of the one before is kept for a moment."""

GOOD = (200, None)
MALFORMED = (502, "broker_protocol_error")
UNAVAILABLE = (503, "broker_unavailable")

ONCE = {
    FaultKind.CUT_BEFORE_TAKEN: GOOD,
    FaultKind.CUT_AFTER_TAKEN: GOOD,
    FaultKind.TIMEOUT_BEFORE_TAKEN: GOOD,
    FaultKind.TIMEOUT_AFTER_TAKEN: GOOD,
    FaultKind.ERROR_500_BEFORE_TAKEN: GOOD,
    FaultKind.ERROR_500_AFTER_TAKEN: GOOD,
    FaultKind.RATE_LIMITED: GOOD,
    FaultKind.TOKEN_REFUSED: GOOD,
    FaultKind.MALFORMED_ANSWER: MALFORMED,  # never guessed at, and asked again by a person
    FaultKind.LATENCY: GOOD,
}
ALWAYS = {
    FaultKind.CUT_BEFORE_TAKEN: UNAVAILABLE,
    FaultKind.CUT_AFTER_TAKEN: UNAVAILABLE,
    FaultKind.TIMEOUT_BEFORE_TAKEN: UNAVAILABLE,
    FaultKind.TIMEOUT_AFTER_TAKEN: UNAVAILABLE,
    FaultKind.ERROR_500_BEFORE_TAKEN: UNAVAILABLE,
    FaultKind.ERROR_500_AFTER_TAKEN: UNAVAILABLE,
    FaultKind.RATE_LIMITED: (429, "broker_rate_limited"),
    FaultKind.TOKEN_REFUSED: (502, "broker_token_refused"),
    FaultKind.MALFORMED_ANSWER: MALFORMED,
    FaultKind.LATENCY: GOOD,
}


@pytest_asyncio.fixture(loop_scope="session", autouse=True)
async def no_fault_left(desk: Desk) -> AsyncIterator[None]:
    """Faults of a test end with it."""
    yield
    await desk.control.delete("/faults")


async def spoil(desk: Desk, broker: str, operation: str, kind: FaultKind, times: int) -> None:
    fault: dict[str, Any] = {"broker": broker, "operation": operation, "kind": kind.value, "count": times}
    if kind is FaultKind.LATENCY:
        fault["milliseconds"] = 300
    (await desk.control.post("/faults", json=fault)).raise_for_status()


async def ask(desk: Desk, broker: str) -> httpx.Response:
    return await desk.api.client.get(
        f"/accounts/{desk.accounts[broker]['id']}/buying-power",
        params={"symbol": "005930", "limit_price": next(PRICES)},
        headers=desk.demo,
        timeout=60,
    )


def seen(answer: httpx.Response) -> tuple[int, str | None]:
    return answer.status_code, answer.json().get("code")


async def test_every_fault_has_its_row() -> None:
    assert set(ONCE) == set(ALWAYS) == set(FaultKind)


@pytest.mark.parametrize("broker", BROKERS)
@pytest.mark.parametrize("kind", list(FaultKind))
async def test_an_inquiry_that_fails_once_is_asked_again_unseen(desk: Desk, broker: str, kind: FaultKind) -> None:
    await spoil(desk, broker, "inquire", kind, 1)

    assert seen(await ask(desk, broker)) == ONCE[kind]


@pytest.mark.parametrize("broker", BROKERS)
@pytest.mark.parametrize("kind", list(FaultKind))
async def test_an_inquiry_that_keeps_failing_is_told_as_what_it_is_and_may_be_asked_again(desk: Desk, broker: str, kind: FaultKind) -> None:
    await spoil(desk, broker, "inquire", kind, 1000)

    spoiled = await ask(desk, broker)
    await desk.control.delete("/faults")
    after = await ask(desk, broker)

    assert seen(spoiled) == ALWAYS[kind]
    assert spoiled.json().get("retryable", True)
    assert after.status_code == 200


@pytest.mark.parametrize("broker", BROKERS)
@pytest.mark.parametrize("kind", [FaultKind.CUT_BEFORE_TAKEN, FaultKind.ERROR_500_AFTER_TAKEN])
async def test_a_token_that_cannot_be_had_is_told_and_had_later(desk: Desk, broker: str, kind: FaultKind) -> None:
    await desk.control.put("/limits", json={"token_interval_seconds": 0})
    (await desk.control.post(f"/tokens/{broker}/expire")).raise_for_status()
    await spoil(desk, broker, "token", kind, 1000)

    spoiled = await ask(desk, broker)
    await desk.control.delete("/faults")
    after = await ask(desk, broker)

    assert seen(spoiled) == UNAVAILABLE
    assert after.status_code == 200
