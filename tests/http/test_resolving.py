"""Orders of unknown outcome before a person. No worker runs here, so nothing settles them meanwhile."""

from typing import Any

import pytest
import pytest_asyncio

from api.domain.enums import Role
from tests.http.api import Desk
from tests.stack import until

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def price(desk: Desk, symbol: str, *, is_eager: bool = False) -> dict[str, Any]:
    """A stock at a price at which a buy waits, or trades at once."""
    instrument = (await desk.api.client.get(f"/instruments/{symbol}", headers=desk.demo)).json()
    return {"symbol": symbol, "limit_price": instrument["upper_limit_price" if is_eager else "lower_limit_price"]}


async def unknown(desk: Desk, kind: str, symbol: str, broker: str = "kis", *, is_eager: bool = False, **changes: Any) -> dict[str, Any]:
    """An order whose answer was lost: taken by the broker or not, as the fault says."""
    await desk.set_fault(broker, kind)
    answer = await desk.place(broker, **await price(desk, symbol, is_eager=is_eager) | changes)
    assert (answer.status_code, answer.json()["status"]) == (202, "unknown"), answer.text
    document: dict[str, Any] = answer.json()
    return document


async def evidence(desk: Desk, order: dict[str, Any]) -> dict[str, Any]:
    answer = await desk.api.client.get(f"/orders/{order['id']}/evidence", headers=desk.demo)
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


async def resolve(desk: Desk, order: dict[str, Any], **decision: str) -> Any:
    return await desk.api.client.post(f"/orders/{order['id']}/resolve", json=decision, headers=desk.demo)


@pytest_asyncio.fixture(loop_scope="session")
async def symbol(desk: Desk) -> str:
    """A stock of the test's own: the desk is shared, and so are its unknown orders."""
    market = [str(row["symbol"]) for row in (await desk.control.get("/market")).json() if row["kind"] == "stock"]
    orders = (await desk.api.client.get("/orders", params={"limit": 500}, headers=desk.demo)).json()["items"]
    return next(symbol for symbol in market if symbol not in {order["symbol"] for order in orders})


@pytest.mark.parametrize("broker", ["kis", "ls"])
async def test_an_order_that_the_broker_took_is_shown_and_adopted_with_its_fills(desk: Desk, symbol: str, broker: str) -> None:
    order = await unknown(desk, "cut_after_taken", symbol, broker, is_eager=True)
    [candidate] = (await evidence(desk, order))["candidates"]
    assert (candidate["is_alike"], candidate["quantity"], candidate["cumulative_quantity"]) == (True, 10, 10)

    answer = await resolve(desk, order, adopt=candidate["order_number"], note="seen in the HTS")

    assert (answer.status_code, answer.json()["status"], answer.json()["broker_order_ids"]) == (200, "new", [candidate["order_number"]])

    async def is_filled() -> bool:
        await desk.api.services.reconciler.reconcile(order["account_id"])
        settled = (await desk.api.client.get(f"/orders/{order['id']}", headers=desk.demo)).json()
        return (settled["status"], settled["cumulative_quantity"]) == ("filled", 10)

    await until(is_filled, "reconciliation brings its fills", seconds=20)
    entries = (await desk.api.client.get("/audit", headers=desk.demo)).json()["items"]
    [entry] = [entry for entry in entries if entry["subject"] == f"order:{order['id']}"]
    assert (entry["action"], entry["after"]["adopt"]) == ("order.resolve", candidate["order_number"])


@pytest.mark.parametrize("broker", ["kis", "ls"])
async def test_an_order_that_never_arrived_is_declared_not_placed(desk: Desk, symbol: str, broker: str) -> None:
    order = await unknown(desk, "cut_before_taken", symbol, broker)
    assert (await evidence(desk, order))["candidates"] == []

    answer = await resolve(desk, order, declare="not_placed")

    assert (answer.status_code, answer.json()["status"], answer.json()["reason"]) == (200, "rejected", "declared_not_placed")


async def test_the_readings_that_were_made_in_vain_are_told(desk: Desk, symbol: str) -> None:
    order = await unknown(desk, "cut_before_taken", symbol)
    assert (await evidence(desk, order))["readings"] == 0

    for _ in range(2):
        await desk.api.services.reconciler.reconcile(order["account_id"])

    told = await evidence(desk, order)
    assert told["readings"] == 2
    assert told["first_at"] <= told["last_at"]


async def test_what_the_broker_has_just_so_cannot_be_declared_not_placed(desk: Desk, symbol: str) -> None:
    order = await unknown(desk, "cut_after_taken", symbol)

    answer = await resolve(desk, order, declare="not_placed")

    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    assert (await evidence(desk, order))["order"]["status"] == "unknown"


async def test_a_number_that_another_order_has_or_nobody_cannot_be_adopted(desk: Desk, symbol: str) -> None:
    known = await desk.placed(**await price(desk, symbol))
    order = await unknown(desk, "cut_before_taken", symbol, quantity=11)

    for number in (known["broker_order_ids"][0], "999999"):
        assert (await resolve(desk, order, adopt=number)).status_code == 409
    assert (await evidence(desk, order))["candidates"] == []


async def test_a_number_that_fits_another_waiting_order_is_left_to_lucy(desk: Desk, symbol: str) -> None:
    taken = await unknown(desk, "cut_after_taken", symbol, quantity=12)
    order = await unknown(desk, "cut_before_taken", symbol, quantity=13)
    [candidate] = (await evidence(desk, order))["candidates"]
    assert candidate["is_alike"] is False

    assert (await resolve(desk, order, adopt=candidate["order_number"])).status_code == 409
    assert (await resolve(desk, taken, adopt=candidate["order_number"])).status_code == 200


async def test_what_is_settled_cannot_be_resolved_again(desk: Desk, symbol: str) -> None:
    live = await desk.placed(**await price(desk, symbol))
    order = await unknown(desk, "cut_before_taken", symbol, quantity=14)
    assert (await resolve(desk, order, declare="not_placed")).status_code == 200

    for settled in (live, order):
        assert (await resolve(desk, settled, declare="not_placed")).status_code == 409
        assert (await desk.api.client.get(f"/orders/{settled['id']}/evidence", headers=desk.demo)).status_code == 409


@pytest.mark.parametrize("decision", [{}, {"adopt": "1", "declare": "not_placed"}, {"adopt": "x"}, {"declare": "lost"}])
async def test_a_decision_is_one_of_the_two(desk: Desk, symbol: str, decision: dict[str, str]) -> None:
    order = await unknown(desk, "cut_before_taken", symbol)

    assert (await resolve(desk, order, **decision)).status_code == 422


async def test_nobody_else_sees_or_resolves_it(desk: Desk, symbol: str) -> None:
    order = await unknown(desk, "cut_before_taken", symbol)
    stranger = await desk.api.add_user(Role.TRADER, "resolves.others")

    seen = await desk.api.client.get(f"/orders/{order['id']}/evidence", headers=stranger)
    done = await desk.api.client.post(f"/orders/{order['id']}/resolve", json={"declare": "not_placed"}, headers=stranger)

    assert (seen.status_code, done.status_code) == (404, 404)
