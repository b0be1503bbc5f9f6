"""Every fault of a broker's call, and what the user sees: the answer at once, and the order once it has settled.

The rows are checked against the sandbox's own list of faults, so a new kind without a row fails here.
"""

import asyncio
from dataclasses import dataclass
from typing import Any

import pytest

from api.brokers.sandbox.faults import FaultKind
from tests.stack import Stack

pytestmark = pytest.mark.asyncio(loop_scope="session")

BROKERS = ["kis", "ls"]


@dataclass(frozen=True)
class Seen:
    """What the user sees: status code and order status of the answer, the order status once settled, and whether the broker did it."""

    answer: tuple[int, str]
    settled: str
    is_done: bool


NOT_PLACED = Seen((202, "unknown"), "rejected", False)
PLACED = Seen((202, "unknown"), "new", True)
ON_TIME = Seen((201, "new"), "new", True)

PLACING = {
    FaultKind.CUT_BEFORE_TAKEN: NOT_PLACED,
    FaultKind.TIMEOUT_BEFORE_TAKEN: NOT_PLACED,
    FaultKind.ERROR_500_BEFORE_TAKEN: NOT_PLACED,
    FaultKind.CUT_AFTER_TAKEN: PLACED,
    FaultKind.TIMEOUT_AFTER_TAKEN: PLACED,
    FaultKind.ERROR_500_AFTER_TAKEN: PLACED,
    FaultKind.MALFORMED_ANSWER: PLACED,
    FaultKind.RATE_LIMITED: ON_TIME,  # a refusal proves that nothing was taken: the adapter sends it again
    FaultKind.TOKEN_REFUSED: ON_TIME,
    FaultKind.LATENCY: ON_TIME,
}

STILL_LIVE = Seen((202, "pending_cancel"), "new", False)
CANCELED_LATE = Seen((202, "pending_cancel"), "canceled", True)
CANCELED = Seen((200, "pending_cancel"), "canceled", True)

CANCELING = {
    FaultKind.CUT_BEFORE_TAKEN: STILL_LIVE,
    FaultKind.TIMEOUT_BEFORE_TAKEN: STILL_LIVE,
    FaultKind.ERROR_500_BEFORE_TAKEN: STILL_LIVE,
    FaultKind.CUT_AFTER_TAKEN: CANCELED_LATE,
    FaultKind.TIMEOUT_AFTER_TAKEN: CANCELED_LATE,
    FaultKind.ERROR_500_AFTER_TAKEN: CANCELED_LATE,
    FaultKind.MALFORMED_ANSWER: CANCELED_LATE,
    FaultKind.RATE_LIMITED: CANCELED,
    FaultKind.TOKEN_REFUSED: CANCELED,
    FaultKind.LATENCY: CANCELED,
}

OLD_PRICE = Seen((202, "pending_replace"), "new", False)
NEW_PRICE_LATE = Seen((202, "pending_replace"), "new", True)
NEW_PRICE = Seen((200, "pending_replace"), "new", True)

REPLACING = {
    FaultKind.CUT_BEFORE_TAKEN: OLD_PRICE,
    FaultKind.TIMEOUT_BEFORE_TAKEN: OLD_PRICE,
    FaultKind.ERROR_500_BEFORE_TAKEN: OLD_PRICE,
    FaultKind.CUT_AFTER_TAKEN: NEW_PRICE_LATE,
    FaultKind.TIMEOUT_AFTER_TAKEN: NEW_PRICE_LATE,
    FaultKind.ERROR_500_AFTER_TAKEN: NEW_PRICE_LATE,
    FaultKind.MALFORMED_ANSWER: NEW_PRICE_LATE,
    FaultKind.RATE_LIMITED: NEW_PRICE,
    FaultKind.TOKEN_REFUSED: NEW_PRICE,
    FaultKind.LATENCY: NEW_PRICE,
}


async def test_every_fault_has_its_row() -> None:
    for rows in (PLACING, CANCELING, REPLACING):
        assert set(rows) == set(FaultKind)


async def set_fault(stack: Stack, broker: str, operation: str, kind: FaultKind) -> None:
    fault = {"broker": broker, "operation": operation, "kind": kind.value, "count": 1} | (
        {"milliseconds": 700} if kind is FaultKind.LATENCY else {}
    )
    (await stack.sandbox.post("/faults", json=fault)).raise_for_status()


async def rows_of(stack: Stack, order: dict[str, Any], broker: str) -> list[str]:
    """What the broker has of an order: the kind of itself and of each change."""
    numbers = {str(int(number)) for number in order["broker_order_ids"]}
    return [
        row["kind"]
        for row in await stack.ledger_orders(broker=broker)
        if {str(int(row["order_number"])), str(int(row["original_order_number"] or 0))} & numbers
    ]


async def test_a_fault_of_a_placing(stack: Stack, an_order: Any) -> None:
    async def place_all(broker: str) -> dict[FaultKind, tuple[int, str, str]]:
        found = {}
        for quantity, kind in enumerate(PLACING, start=101):  # a quantity of its own tells each at the broker
            await set_fault(stack, broker, "place", kind)
            answer = await stack.http.post("/orders", json=an_order(broker, quantity=quantity))
            found[kind] = (answer.status_code, answer.json()["status"], answer.json()["id"])
        return found

    answers = dict(zip(BROKERS, await asyncio.gather(*map(place_all, BROKERS)), strict=True))

    for broker in BROKERS:
        for quantity, (kind, seen) in enumerate(PLACING.items(), start=101):
            status_code, status, order_id = answers[broker][kind]
            assert (status_code, status) == seen.answer, (broker, kind)
            settled = await stack.until_order(order_id, seen.settled, seconds=60)
            at_broker = [row for row in await stack.ledger_orders(broker=broker) if row["quantity"] == quantity and row["kind"] == "new"]
            assert (len(at_broker), settled["reason"] == "never_received") == (seen.is_done, not seen.is_done), (broker, kind)


async def test_a_fault_of_a_cancel(stack: Stack, an_order: Any) -> None:
    async def cancel_all(broker: str) -> dict[FaultKind, tuple[int, str, str]]:
        found = {}
        for kind in CANCELING:
            order = (await stack.http.post("/orders", json=an_order(broker, quantity=7))).json()
            await set_fault(stack, broker, "cancel", kind)
            answer = await stack.http.delete(f"/orders/{order['id']}")
            found[kind] = (answer.status_code, answer.json()["status"], order["id"])
        return found

    answers = dict(zip(BROKERS, await asyncio.gather(*map(cancel_all, BROKERS)), strict=True))

    for broker in BROKERS:
        for kind, seen in CANCELING.items():
            status_code, status, order_id = answers[broker][kind]
            assert (status_code, status) in (seen.answer, (seen.answer[0], seen.settled)), (broker, kind)  # the exchange may be faster
            settled = await stack.until_order(order_id, seen.settled, seconds=60)
            assert await rows_of(stack, settled, broker) == ["new", "cancel"][: 1 + seen.is_done], (broker, kind)


async def test_a_fault_of_a_new_price(stack: Stack, an_order: Any) -> None:
    async def replace_all(broker: str) -> dict[FaultKind, tuple[int, str, str]]:
        found = {}
        for kind in REPLACING:
            order = (await stack.http.post("/orders", json=an_order(broker, quantity=8))).json()
            await set_fault(stack, broker, "replace", kind)
            answer = await stack.http.patch(f"/orders/{order['id']}", json={"limit_price": 59_900})
            found[kind] = (answer.status_code, answer.json()["status"], order["id"])
        return found

    answers = dict(zip(BROKERS, await asyncio.gather(*map(replace_all, BROKERS)), strict=True))

    for broker in BROKERS:
        for kind, seen in REPLACING.items():
            status_code, status, order_id = answers[broker][kind]
            assert (status_code, status) in (seen.answer, (seen.answer[0], seen.settled)), (broker, kind)
            settled = await stack.until_order(order_id, seen.settled, seconds=60)
            assert (settled["limit_price"], len(settled["broker_order_ids"])) == ((59_900, 2) if seen.is_done else (60_000, 1)), (
                broker,
                kind,
            )
            assert await rows_of(stack, settled, broker) == ["new", "replace"][: 1 + seen.is_done], (broker, kind)
