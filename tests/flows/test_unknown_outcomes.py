"""Faults of the broker between sending and answering: never a second order, always the truth in the end."""

import asyncio
from typing import Any

import pytest

from tests.stack import Stack, until

pytestmark = pytest.mark.asyncio(loop_scope="session")

BROKERS = ["kis", "ls"]


async def fault(stack: Stack, broker: str, kind: str, operation: str = "place", **more: Any) -> None:
    answer = await stack.sandbox.post("/faults", json={"broker": broker, "operation": operation, "kind": kind, "count": 1} | more)
    answer.raise_for_status()


async def sent(stack: Stack, broker: str) -> list[dict[str, Any]]:
    return [order for order in await stack.ledger_orders() if order["broker"] == broker and order["kind"] == "new"]


async def test_every_fault_of_a_placing_settles_to_the_truth_with_one_order_at_most(stack: Stack, an_order: Any) -> None:
    taken = ["cut_after_taken", "error_500_after_taken", "malformed_answer"]
    not_taken = ["cut_before_taken", "error_500_before_taken"]
    orders: dict[str, tuple[str, str, str]] = {}
    quantity = 10
    for broker in BROKERS:
        for kind in [*taken, *not_taken]:
            quantity += 1
            await fault(stack, broker, kind)

            answer = await stack.http.post("/orders", json=an_order(broker, quantity=quantity))

            assert (answer.status_code, answer.json()["status"]) == (202, "unknown"), (broker, kind, answer.text)
            orders[answer.json()["id"]] = (broker, kind, str(quantity))

    for order_id, (broker, kind, number) in orders.items():
        expected = "new" if kind in taken else "rejected"
        settled = await stack.until_order(order_id, expected, seconds=40)

        assert len([order for order in await sent(stack, broker) if str(order["quantity"]) == number]) == (kind in taken), (broker, kind)
        if kind not in taken:
            assert settled["reason"] == "never_received"


@pytest.mark.parametrize("broker", BROKERS)
async def test_a_cut_connection_around_a_fill_loses_no_fill(stack: Stack, an_order: Any, broker: str) -> None:
    await fault(stack, broker, "cut_after_taken")

    answer = await stack.http.post("/orders", json=an_order(broker, quantity=7, limit_price=72_000))
    filled = await stack.until_order(answer.json()["id"], "filled")

    assert filled["cumulative_quantity"] == sum(fill["quantity"] for fill in filled["fills"]) == 7
    await stack.assert_fills_agree(filled["id"])


@pytest.mark.parametrize("broker", BROKERS)
async def test_a_refused_rate_or_token_is_sent_again_and_taken_once(stack: Stack, an_order: Any, broker: str) -> None:
    for quantity, kind in ((21, "rate_limited"), (22, "token_refused")):
        await fault(stack, broker, kind)

        answer = await stack.http.post("/orders", json=an_order(broker, quantity=quantity))

        assert (answer.status_code, answer.json()["status"]) == (201, "new")
        assert len([order for order in await sent(stack, broker) if order["quantity"] == quantity]) == 1


@pytest.mark.parametrize("broker", BROKERS)
async def test_a_cancel_whose_answer_is_cut_off_is_settled(stack: Stack, an_order: Any, broker: str) -> None:
    order = (await stack.http.post("/orders", json=an_order(broker, quantity=31))).json()
    await fault(stack, broker, "cut_after_taken", "cancel")

    answer = await stack.http.delete(f"/orders/{order['id']}")

    assert answer.status_code == 202
    await stack.until_order(order["id"], "canceled")


@pytest.mark.parametrize("broker", BROKERS)
async def test_a_cancel_that_never_arrived_leaves_the_order_live(stack: Stack, an_order: Any, broker: str) -> None:
    order = (await stack.http.post("/orders", json=an_order(broker, quantity=32))).json()
    await fault(stack, broker, "cut_before_taken", "cancel")

    answer = await stack.http.delete(f"/orders/{order['id']}")
    live = await stack.until_order(order["id"], "new")
    again = await stack.http.delete(f"/orders/{order['id']}")

    assert answer.status_code == 202
    assert live["leaves_quantity"] == 32
    assert again.status_code == 200
    await stack.until_order(order["id"], "canceled")


@pytest.mark.parametrize("broker", BROKERS)
async def test_a_replace_whose_answer_is_cut_off_is_settled(stack: Stack, an_order: Any, broker: str) -> None:
    order = (await stack.http.post("/orders", json=an_order(broker, quantity=33))).json()
    await fault(stack, broker, "cut_after_taken", "replace")

    answer = await stack.http.patch(f"/orders/{order['id']}", json={"limit_price": 59_900})
    live = await stack.until_order(order["id"], "new")

    assert answer.status_code == 202
    assert (live["limit_price"], len(live["broker_order_ids"])) == (59_900, 2)


async def test_the_same_client_order_id_fifty_times_at_once_is_one_order(stack: Stack, an_order: Any) -> None:
    for broker in BROKERS:
        request = an_order(broker, quantity=41, client_order_id=f"fifty-{broker}")

        answers = await asyncio.gather(*(stack.http.post("/orders", json=request) for _ in range(50)))

        assert sorted({answer.status_code for answer in answers}) == [200, 201]
        assert len({answer.json()["id"] for answer in answers}) == 1
        assert len([order for order in await sent(stack, broker) if order["quantity"] == 41]) == 1


@pytest.mark.parametrize("broker", BROKERS)
async def test_an_order_placed_outside_lucy_is_adopted_with_its_fills(stack: Stack, broker: str) -> None:
    account = stack.accounts[broker]
    placed = await stack.sandbox.post(
        "/orders",
        json={
            "broker": broker,
            "account_number": account["account_number"],
            "symbol": "000660",
            "side": "buy",
            "order_type": "limit",
            "quantity": 3,
            "price": 200_000,
        },
    )
    placed.raise_for_status()

    async def is_adopted() -> bool:
        items = (await stack.http.get("/orders", params={"account_id": account["id"], "symbol": "000660"})).json()["items"]
        return [(item["origin"], item["status"], item["cumulative_quantity"]) for item in items] == [("external", "filled", 3)]

    await until(is_adopted, "the outside order is there and filled", seconds=60)
