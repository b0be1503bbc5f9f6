"""Placing, changing, cancelling and reading orders; a client_order_id never places twice."""

import asyncio
from typing import Any

import pytest

from api.domain.enums import Role
from tests.http.api import Desk

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize("broker", ["kis", "ls"])
async def test_an_order_that_the_broker_took_is_new_and_tells_its_number_and_times(desk: Desk, broker: str) -> None:
    answer = await desk.place(broker, client_order_id=f"good-{broker}")

    order = answer.json()
    assert (answer.status_code, order["status"], order["client_order_id"]) == (201, "new", f"good-{broker}")
    assert (order["leaves_quantity"], order["cumulative_quantity"], order["average_price"]) == (10, 0, None)
    assert await desk.at_broker(order) == ["new"]
    assert list(order["stages"].values()) == sorted(order["stages"].values())
    assert "broker;dur=" in answer.headers["server-timing"]


@pytest.mark.parametrize("broker", ["kis", "ls"])
async def test_an_order_that_the_broker_refuses_is_rejected_in_the_brokers_words(desk: Desk, broker: str) -> None:
    answer = await desk.place(broker, quantity=9_000_000)

    order = answer.json()
    assert (answer.status_code, order["status"], order["broker_order_ids"]) == (201, "rejected", [])
    assert order["broker_code"]
    assert order["broker_message"]


async def test_the_same_order_again_is_the_stored_one(desk: Desk) -> None:
    first = await desk.place(client_order_id="again-1")
    before = await desk.traces()

    second = await desk.place(client_order_id="again-1")

    assert (first.status_code, second.status_code) == (201, 200)
    assert "idempotent-replayed" not in first.headers
    assert second.headers["idempotent-replayed"] == "true"
    assert second.json()["id"] == first.json()["id"]
    assert await desk.traces() == before


async def test_header_and_member_are_one_and_the_same_id(desk: Desk) -> None:
    first = await desk.place(headers={"Idempotency-Key": "header-1"})
    before = await desk.traces()

    by_member = await desk.place(client_order_id="header-1")
    by_both = await desk.place(headers={"Idempotency-Key": "header-1"}, client_order_id="header-1")

    assert first.json()["client_order_id"] == "header-1"
    assert [answer.json()["id"] for answer in (by_member, by_both)] == [first.json()["id"]] * 2
    assert await desk.traces() == before


@pytest.mark.parametrize(
    "changes",
    [{"quantity": 11}, {"limit_price": 60_100}, {"side": "sell"}, {"symbol": "000660"}, {"order_type": "market", "limit_price": None}],
)
async def test_the_same_id_with_another_body_is_a_conflict(desk: Desk, changes: dict[str, Any]) -> None:
    first = await desk.place(client_order_id="conflict-1")
    before = await desk.traces()

    answer = await desk.place(client_order_id="conflict-1", **changes)

    assert (answer.status_code, answer.json()["code"]) == (409, "client_order_id_reused")
    assert answer.json()["order_id"] == first.json()["id"]
    assert await desk.traces() == before


async def test_the_same_id_at_another_account_is_another_order(desk: Desk) -> None:
    answers = [await desk.place(broker, client_order_id="both-accounts") for broker in ("kis", "ls")]

    assert [answer.status_code for answer in answers] == [201, 201]


@pytest.mark.parametrize("broker", ["kis", "ls"])
async def test_one_order_sent_50_times_at_once_goes_out_once(desk: Desk, broker: str) -> None:
    stored, at_broker = await desk.traces()

    answers = await asyncio.gather(*(desk.place(broker, client_order_id=f"fifty-{broker}") for _ in range(50)))

    assert {answer.status_code for answer in answers} == {200, 201}
    assert [answer.status_code for answer in answers].count(201) == 1
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert await desk.traces() == (stored + 1, at_broker + 1)


async def test_a_repeat_is_answered_even_where_the_order_would_be_refused_now(desk: Desk) -> None:
    path = f"/accounts/{desk.accounts['kis']['id']}/kill-switch"
    first = await desk.place(client_order_id="before-the-halt")
    await desk.api.client.put(path, json={"state": "halted"}, headers=desk.demo)

    answer = await desk.place(client_order_id="before-the-halt")
    await desk.api.client.put(path, json={"state": "active"}, headers=desk.demo)

    assert (answer.status_code, answer.json()["id"]) == (200, first.json()["id"])


async def test_an_order_whose_answer_was_cut_is_unknown_and_a_repeat_sends_nothing(desk: Desk) -> None:
    await desk.set_fault("kis", "cut_after_taken")
    stored, at_broker = await desk.traces()

    first = await desk.place(client_order_id="cut-1", quantity=7)
    second = await desk.place(client_order_id="cut-1", quantity=7)

    assert (first.status_code, first.json()["status"]) == (202, "unknown")
    assert (second.status_code, second.json()["id"]) == (200, first.json()["id"])
    assert await desk.traces() == (stored + 1, at_broker + 1)


async def test_an_order_that_certainly_was_not_sent_may_be_sent_under_the_same_id(desk: Desk) -> None:
    await desk.set_fault("ls", "rate_limited", count=100)
    stored, at_broker = await desk.traces()

    first = await desk.place("ls", client_order_id="limited-1")
    await desk.control.delete("/faults")
    second = await desk.place("ls", client_order_id="limited-1")

    assert (first.status_code, first.json()["outcome"], first.json()["retryable"]) == (429, "none", True)
    assert int(first.headers["retry-after"]) >= 1
    assert (second.status_code, second.json()["status"]) == (201, "new")
    assert await desk.traces() == (stored + 1, at_broker + 1)


@pytest.mark.parametrize("broker", ["kis", "ls"])
async def test_a_cancel_is_sent_once_and_waits_for_the_exchange(desk: Desk, broker: str) -> None:
    order = await desk.placed(broker)

    first = await desk.api.client.delete(f"/orders/{order['id']}", headers=desk.demo)
    second = await desk.api.client.delete(f"/orders/{order['id']}", headers=desk.demo)

    assert [(answer.status_code, answer.json()["status"]) for answer in (first, second)] == [(200, "pending_cancel")] * 2
    assert await desk.at_broker(order) == ["new", "cancel"]


@pytest.mark.parametrize("broker", ["kis", "ls"])
async def test_a_changed_price_is_sent_and_waits_for_the_exchange(desk: Desk, broker: str) -> None:
    order = await desk.placed(broker)

    answer = await desk.api.client.patch(f"/orders/{order['id']}", json={"limit_price": 60_100}, headers=desk.demo)

    assert (answer.status_code, answer.json()["status"]) == (200, "pending_replace")
    assert await desk.at_broker(order) == ["new", "replace"]
    assert len(answer.json()["broker_order_ids"]) == 2


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "invalid_request"),
        ({"limit_price": 60_000}, "invalid_request"),
        ({"limit_price": 60_050}, "invalid_tick"),
        ({"limit_price": 1_000_000}, "price_outside_limits"),
        ({"limit_price": "60100"}, "invalid_request"),
        ({"quantity": 11}, "invalid_quantity"),
        ({"quantity": 0}, "invalid_request"),
        ({"symbol": "000660"}, "invalid_request"),
        ({"side": "sell"}, "invalid_request"),
    ],
)
async def test_a_change_that_cannot_be_right_sends_nothing(desk: Desk, body: dict[str, Any], code: str) -> None:
    order = await desk.placed()
    before = await desk.traces()

    answer = await desk.api.client.patch(f"/orders/{order['id']}", json=body, headers=desk.demo)

    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert await desk.traces() == before
    assert (await desk.api.client.get(f"/orders/{order['id']}", headers=desk.demo)).json()["version"] == order["version"]


async def test_a_rejected_order_is_not_open_to_change_or_cancel(desk: Desk) -> None:
    order = (await desk.place(quantity=9_000_000)).json()

    answers = [
        await desk.api.client.delete(f"/orders/{order['id']}", headers=desk.demo),
        await desk.api.client.patch(f"/orders/{order['id']}", json={"limit_price": 60_100}, headers=desk.demo),
    ]

    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(409, "order_not_open")] * 2


async def test_cancel_all_tells_a_result_for_each_order(desk: Desk) -> None:
    orders = [await desk.placed("ls") for _ in range(3)]

    answer = await desk.api.client.post("/orders/cancel-all", json={"account_id": desk.accounts["ls"]["id"]}, headers=desk.demo)

    assert answer.status_code == 207
    results = {item["order_id"]: item for item in answer.json()["items"]}
    assert {order["id"] for order in orders} <= results.keys()
    assert {results[order["id"]]["order"]["status"] for order in orders} == {"pending_cancel"}
    assert {item["order"]["account_id"] for item in results.values() if item["order"]} == {desk.accounts["ls"]["id"]}


async def test_cancel_all_of_a_user_without_accounts_cancels_nothing(desk: Desk) -> None:
    stranger = await desk.api.add_user(Role.TRADER, "cancels.all")
    order = await desk.placed()

    answer = await desk.api.client.post("/orders/cancel-all", json={}, headers=stranger)

    assert (answer.status_code, answer.json()) == (207, {"items": []})
    assert (await desk.api.client.get(f"/orders/{order['id']}", headers=desk.demo)).json()["status"] == "new"


async def test_orders_are_listed_page_by_page_newest_first(desk: Desk) -> None:
    placed = [(await desk.placed("ls", symbol="000270", limit_price=100_000))["id"] for _ in range(5)]
    found: list[str] = []
    cursor = None

    while True:
        query = {"symbol": "000270", "limit": "2"} | ({"cursor": cursor} if cursor else {})
        page = (await desk.api.client.get("/orders", params=query, headers=desk.demo)).json()
        found += [order["id"] for order in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break

    assert found == placed[::-1]


async def test_a_list_is_filtered_by_account_status_and_day(desk: Desk) -> None:
    order = await desk.placed("kis")
    day = order["trading_day"]
    asked = {
        "its account": {"account_id": order["account_id"]},
        "other account": {"account_id": desk.accounts["ls"]["id"]},
        "open": {"status": "open"},
        "new": {"status": "new,filled"},
        "filled": {"status": "filled"},
        "today": {"from": day, "to": day},
        "past": {"to": "2020-01-01"},
    }

    found = {}
    for name, query in asked.items():
        page = (await desk.api.client.get("/orders", params=query | {"limit": "1"}, headers=desk.demo)).json()
        found[name] = [entry["id"] for entry in page["items"]] == [order["id"]]

    wanted = {"its account": True, "other account": False, "open": True, "new": True, "filled": False, "today": True, "past": False}
    assert found == wanted


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=501",
        "limit=-1",
        "limit=1.5",
        "status=done",
        "from=yesterday",
        "from=2026-02-30",
        "cursor=x",
        "limit=99999999999999999999",
    ],
)
async def test_a_query_that_cannot_be_is_refused(desk: Desk, query: str) -> None:
    answer = await desk.api.client.get(f"/orders?{query}", headers=desk.demo)

    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_list_shows_nobody_elses_orders(desk: Desk) -> None:
    order = await desk.placed()
    stranger = await desk.api.add_user(Role.ADMIN, "curious.admin")

    everything = [await desk.api.client.get(path, headers=stranger) for path in ("/orders", "/fills", "/accounts", "/events/log")]
    by_account = [
        await desk.api.client.get(path, params={"account_id": order["account_id"]}, headers=stranger) for path in ("/orders", "/fills")
    ]

    assert [answer.json()["items"] for answer in everything] == [[], [], [], []]
    assert [answer.status_code for answer in by_account] == [404, 404]


async def test_an_orders_history_tells_each_step(desk: Desk) -> None:
    order = await desk.placed()
    await desk.api.client.delete(f"/orders/{order['id']}", headers=desk.demo)

    history = (await desk.api.client.get(f"/orders/{order['id']}/history", headers=desk.demo)).json()

    assert [entry["execution_type"] for entry in history["items"]] == ["pending_new", "new", "pending_cancel", "order_status"]
    assert [entry["version"] for entry in history["items"]] == sorted(entry["version"] for entry in history["items"])


@pytest.mark.parametrize("order_id", ["6650f1c2a4b3c2d1e0f9a8b7", "x", "0" * 24, "%00", "..%2Faccounts"])
async def test_an_unknown_order_is_not_found(desk: Desk, order_id: str) -> None:
    answer = await desk.api.client.get(f"/orders/{order_id}", headers=desk.demo)

    assert (answer.status_code, answer.json()["code"]) in ((404, "not_found"), (422, "invalid_request"))
