"""Orders of unknown outcome before a person. No worker runs here, so nothing settles them meanwhile."""

import asyncio
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


async def resolve(desk: Desk, order: dict[str, Any], headers: dict[str, str] | None = None, **decision: Any) -> Any:
    return await desk.api.client.post(f"/orders/{order['id']}/resolve", json=decision, headers=headers or desk.demo)


async def member(desk: Desk, name: str, permission: str) -> dict[str, str]:
    """Headers of a further member of the KIS account."""
    headers = await desk.api.add_user(Role.TRADER, name)
    user_id = (await desk.api.client.get("/auth/me", headers=headers)).json()["id"]
    path = f"/accounts/{desk.accounts['kis']['id']}"
    members = (await desk.api.client.get(path, headers=desk.demo)).json()["members"]
    answer = await desk.api.client.put(
        f"{path}/members", json={"members": [*members, {"user_id": user_id, "permission": permission}]}, headers=desk.demo
    )
    assert answer.status_code == 200, answer.text
    return headers


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


async def test_a_manager_may_declare_it_all_the_same_and_when_the_broker_shows_it_it_is_back_with_an_alert(desk: Desk, symbol: str) -> None:
    order = await unknown(desk, "cut_after_taken", symbol, quantity=15)
    trading = await member(desk, "trades.only", "trade")

    refused = await resolve(desk, order, trading, declare="not_placed", force=True)
    forced = await resolve(desk, order, declare="not_placed", force=True, note="the desk says so")
    await desk.api.services.reconciler.reconcile(order["account_id"])

    assert (refused.status_code, forced.status_code, forced.json()["status"]) == (403, 200, "rejected")
    back = (await desk.api.client.get(f"/orders/{order['id']}", headers=desk.demo)).json()
    assert (back["status"], len(back["broker_order_ids"])) == ("new", 1)

    async def is_alerted() -> bool:
        return await desk.api.services.database["alerts"].find_one({"order_id": order["id"], "code": "dismissed_order_found"}) is not None

    await until(is_alerted, "the members are told", seconds=5)


async def test_a_viewer_sees_the_evidence_and_may_not_resolve(desk: Desk, symbol: str) -> None:
    order = await unknown(desk, "cut_before_taken", symbol, quantity=16)
    viewing = await member(desk, "views.only", "view")

    seen = await desk.api.client.get(f"/orders/{order['id']}/evidence", headers=viewing)

    assert (seen.status_code, (await resolve(desk, order, viewing, declare="not_placed")).status_code) == (200, 403)


async def test_one_number_adopted_for_two_orders_at_once_is_given_to_one(desk: Desk, symbol: str) -> None:
    outside = await desk.control.post(
        "/orders",
        json={
            "broker": "kis",
            "account_number": desk.accounts["kis"]["account_number"],
            "symbol": symbol,
            "side": "buy",
            "order_type": "limit",
            "quantity": 3,
            "price": (await price(desk, symbol))["limit_price"],
        },
    )
    outside.raise_for_status()
    orders = [await unknown(desk, "cut_before_taken", symbol, quantity=quantity) for quantity in (17, 18)]
    [candidate] = (await evidence(desk, orders[0]))["candidates"]

    answers = await asyncio.gather(*(resolve(desk, order, adopt=candidate["order_number"]) for order in (*orders, *orders)))

    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]


async def test_a_person_and_the_reconciler_at_once_settle_it_once(desk: Desk, symbol: str) -> None:
    order = await unknown(desk, "cut_after_taken", symbol, quantity=19, is_eager=True)
    [candidate] = (await evidence(desk, order))["candidates"]

    answer, *_ = await asyncio.gather(
        resolve(desk, order, adopt=candidate["order_number"]),
        *(desk.api.services.reconciler.reconcile(order["account_id"]) for _ in range(2)),
    )

    assert answer.status_code in (200, 409)
    settled = (await desk.api.client.get(f"/orders/{order['id']}", headers=desk.demo)).json()
    assert settled["broker_order_ids"] == [candidate["order_number"]]
    history = (await desk.api.client.get(f"/orders/{order['id']}/history", headers=desk.demo)).json()["items"]
    assert [change["execution_type"] for change in history].count("new") == 1


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


@pytest.mark.parametrize(
    "decision", [{}, {"adopt": "1", "declare": "not_placed"}, {"adopt": "x"}, {"declare": "lost"}, {"adopt": "1", "force": True}]
)
async def test_a_decision_is_one_of_the_two(desk: Desk, symbol: str, decision: dict[str, Any]) -> None:
    order = await unknown(desk, "cut_before_taken", symbol)

    assert (await resolve(desk, order, **decision)).status_code == 422


async def test_nobody_else_sees_or_resolves_it(desk: Desk, symbol: str) -> None:
    order = await unknown(desk, "cut_before_taken", symbol)
    stranger = await desk.api.add_user(Role.TRADER, "resolves.others")

    seen = await desk.api.client.get(f"/orders/{order['id']}/evidence", headers=stranger)
    done = await desk.api.client.post(f"/orders/{order['id']}/resolve", json={"declare": "not_placed"}, headers=stranger)

    assert (seen.status_code, done.status_code) == (404, 404)
