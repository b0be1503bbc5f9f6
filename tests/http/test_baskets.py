"""Baskets over HTTP."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio

from api.domain.enums import Role
from tests.http.api import Desk

pytestmark = pytest.mark.asyncio(loop_scope="session")

HEADER = "account_id,symbol,side,quantity,limit_price\n"


@pytest_asyncio.fixture(loop_scope="session", autouse=True)
async def no_fault_left(desk: Desk) -> AsyncIterator[None]:
    """Faults of a test end with it."""
    yield
    await desk.control.delete("/faults")


def row(desk: Desk, broker: str = "kis", **changes: Any) -> dict[str, Any]:
    return {
        "account_id": desk.accounts[broker]["id"],
        "symbol": "005930",
        "side": "buy",
        "quantity": 3,
        "limit_price": 60_000,
    } | changes


async def post(desk: Desk, orders: list[dict[str, Any]], *, dry_run: bool = False, **more: Any) -> httpx.Response:
    params = {"dry_run": "true"} if dry_run else {}
    return await desk.api.client.post("/orders/basket", json={"orders": orders} | more, params=params, headers=desk.demo, timeout=60)


async def post_csv(desk: Desk, text: str, **params: Any) -> httpx.Response:
    headers = desk.demo | {"Content-Type": "text/csv"}
    return await desk.api.client.post("/orders/basket", content=text.encode(), params=params, headers=headers, timeout=60)


async def test_a_basket_sends_each_row_once_and_tells_each_outcome(desk: Desk) -> None:
    _, before = await desk.traces()
    orders = [row(desk, broker, quantity=number) for number in (1, 2, 3) for broker in ("kis", "ls")]

    answer = await post(desk, orders, client_basket_id="basket-1")
    again = await post(desk, orders, client_basket_id="basket-1")

    assert answer.status_code == again.status_code == 207, answer.text
    items = answer.json()["items"]
    assert [(item["row"], item["status_code"], item["order"]["status"]) for item in items] == [(n, 201, "new") for n in range(1, 7)]
    assert [(item["order"]["quantity"], item["order"]["broker"]) for item in items] == [
        (number, broker) for number in (1, 2, 3) for broker in ("kis", "ls")
    ]
    assert [item["status_code"] for item in again.json()["items"]] == [200] * 6
    assert (await desk.traces())[1] - before == 6
    basket = (await desk.api.client.get(f"/orders/baskets/{answer.json()['id']}", headers=desk.demo)).json()
    assert [entry["order"]["id"] for entry in basket["items"]] == [item["order"]["id"] for item in items]
    assert (await desk.api.client.get("/orders/baskets", headers=desk.demo)).json()["items"][0]["rows"] == 6
    entries = (await desk.api.client.get("/audit", params={"action": "basket.place"}, headers=desk.demo)).json()["items"]
    assert [entry["after"]["rows"] for entry in entries if entry["subject"] == f"basket:{answer.json()['id']}"] == [6]


async def test_one_wrong_row_keeps_all_from_leaving_and_every_fault_is_told(desk: Desk) -> None:
    traces = await desk.traces()
    stranger_account = "0" * 24
    orders = [
        row(desk),
        row(desk, quantity=-1, side="hold"),
        row(desk, limit_price=60_001),
        row(desk, symbol="000000"),
        row(desk, account_id=stranger_account),
        row(desk, order_type="market"),
        row(desk, account_id=None),
        row(desk, account_id=None, account="nobody's"),
    ]

    answer = await post(desk, orders, client_basket_id="wrong")

    problem = answer.json()
    assert (answer.status_code, problem["code"], problem["outcome"]) == (422, "invalid_basket", "none")
    assert [(entry["row"], entry["field"], entry["code"]) for entry in problem["rows"]] == [
        (2, "side", "invalid_request"),
        (2, "quantity", "invalid_request"),
        (3, "limit_price", "invalid_tick"),
        (4, "symbol", "unknown_symbol"),
        (5, None, "not_found"),
        (6, "limit_price", "invalid_limit_price"),
        (7, "account", "missing"),
        (8, "account", "not_found"),
    ]
    assert await desk.traces() == traces
    assert (await post(desk, [row(desk)], client_basket_id="wrong")).status_code == 207  # the name is still free


async def test_rows_that_are_alike_are_refused_unless_both_are_meant(desk: Desk) -> None:
    refused = await post(desk, [row(desk), row(desk, "ls"), row(desk)])
    meant = await post(desk, [row(desk), row(desk)], allow_duplicates=True)

    assert [(entry["row"], entry["code"]) for entry in refused.json()["rows"]] == [(3, "duplicate_row")]
    assert [item["status_code"] for item in meant.json()["items"]] == [201, 201]
    assert len({item["order"]["id"] for item in meant.json()["items"]}) == 2


async def test_a_dry_run_tells_rows_and_amounts_and_leaves_no_trace(desk: Desk) -> None:
    traces = await desk.traces()

    orders = [row(desk), row(desk, "ls", side="sell", quantity=7), row(desk, "ls", order_type="market", limit_price=None)]
    good = await post(desk, orders, dry_run=True, client_basket_id="dry")
    bad = await post(desk, [row(desk, limit_price=1)], dry_run=True)

    checked = good.json()
    assert (good.status_code, checked["rows"], checked["buy_amount"], checked["sell_amount"]) == (200, 3, 180_000, 420_000)
    kinds = {"exchange": "KRX", "order_type": "limit", "time_in_force": "day"}
    assert checked["items"] == [{"row": number, "request": kinds | order} for number, order in enumerate(orders, 1)]
    assert (bad.status_code, bad.json()["code"]) == (422, "invalid_basket")
    assert await desk.traces() == traces
    assert (await desk.api.client.get("/orders/baskets", headers=desk.demo)).json()["items"][0]["client_basket_id"] != "dry"


async def test_another_basket_under_the_same_name_is_refused(desk: Desk) -> None:
    await post(desk, [row(desk)], client_basket_id="named")

    other = await post(desk, [row(desk, quantity=4)], client_basket_id="named")
    by_key = await desk.api.client.post(
        "/orders/basket", json={"orders": [row(desk)], "client_basket_id": "a"}, headers=desk.demo | {"Idempotency-Key": "b"}
    )

    assert (other.status_code, other.json()["code"]) == (409, "client_order_id_reused")
    assert "order_id" not in other.json()
    assert (by_key.status_code, by_key.json()["code"]) == (422, "invalid_request")


async def test_baskets_of_one_name_at_once_place_each_row_once(desk: Desk) -> None:
    _, before = await desk.traces()
    orders = [row(desk, quantity=number) for number in range(1, 6)]

    answers = await asyncio.gather(*(post(desk, orders, client_basket_id="at-once") for _ in range(4)))

    assert {answer.status_code for answer in answers} == {207}
    assert len({item["order"]["id"] for answer in answers for item in answer.json()["items"]}) == 5
    assert (await desk.traces())[1] - before == 5


async def test_rows_may_name_their_orders_themselves(desk: Desk) -> None:
    orders = [row(desk, client_order_id="own-1"), row(desk, quantity=4, client_order_id="own-2")]

    first = await post(desk, orders)
    again = await post(desk, orders)
    doubled = await post(desk, [row(desk, client_order_id="own-3"), row(desk, quantity=4, client_order_id="own-3")])

    assert [item["client_order_id"] for item in first.json()["items"]] == ["own-1", "own-2"]
    assert [item["status_code"] for item in again.json()["items"]] == [200, 200]
    assert [(entry["row"], entry["field"]) for entry in doubled.json()["rows"]] == [(2, "client_order_id")]


async def test_what_never_left_is_sent_by_the_same_basket_again_and_nothing_else(desk: Desk) -> None:
    await desk.set_fault("ls", "rate_limited", 1000)
    orders = [row(desk, quantity=11), row(desk, "ls", quantity=12)]
    first = await post(desk, orders, client_basket_id="again")
    await desk.control.delete("/faults")
    _, before = await desk.traces()

    again = await post(desk, orders, client_basket_id="again")

    assert [(item["status_code"], item["code"]) for item in first.json()["items"]] == [(201, None), (429, "too_many_requests")]
    assert [item["status_code"] for item in again.json()["items"]] == [200, 201]
    assert (await desk.traces())[1] - before == 1


async def test_a_repeat_goes_on_even_where_the_market_would_now_refuse_a_row(desk: Desk) -> None:
    orders = [row(desk, quantity=21)]
    first = await post(desk, orders, client_basket_id="moved")
    await desk.api.client.put("/trading-states/global", json={"state": "halted"}, headers=desk.demo)

    again = await post(desk, orders, client_basket_id="moved")
    new = await post(desk, orders, client_basket_id="moved-new")
    await desk.api.client.put("/trading-states/global", json={"state": "active"}, headers=desk.demo)

    assert [(item["status_code"], item["order"]["id"]) for item in again.json()["items"]] == [
        (200, first.json()["items"][0]["order"]["id"])
    ]
    assert [(entry["row"], entry["code"]) for entry in new.json()["rows"]] == [(1, "trading_halted")]


async def test_while_halted_no_row_of_a_basket_leaves_not_even_by_a_repeat(desk: Desk) -> None:
    await desk.set_fault("ls", "rate_limited", 1000)
    orders = [row(desk, "ls", quantity=31)]
    first = await post(desk, orders, client_basket_id="halted")
    await desk.control.delete("/faults")
    await desk.api.client.put("/trading-states/global", json={"state": "halted"}, headers=desk.demo)
    _, before = await desk.traces()

    again = await post(desk, orders, client_basket_id="halted")
    csv = await post_csv(desk, HEADER + f"{desk.accounts['kis']['id']},005930,buy,1,60000\n")
    await desk.api.client.put("/trading-states/global", json={"state": "active"}, headers=desk.demo)

    assert [item["status_code"] for item in first.json()["items"]] == [429]
    assert [(item["status_code"], item["code"]) for item in again.json()["items"]] == [(403, "trading_halted")]
    assert (csv.status_code, csv.json()["rows"][0]["code"]) == (422, "trading_halted")
    assert (await desk.traces())[1] == before


async def test_a_csv_is_a_basket_by_account_name_with_the_files_own_line_numbers(desk: Desk) -> None:
    account = desk.accounts["kis"]
    text = f'계좌,종목코드,매매구분,수량,주문유형,가격\n\n{account["name"]},005930,매수,"1,001",지정가,"60,000"\n'

    sent = await post_csv(desk, text, client_basket_id="csv")
    again = await post_csv(desk, text, client_basket_id="csv")
    wrong = await post_csv(desk, text + f"{account['name']},5930,매수,1,지정가,60000\n{account['name']},005930,매수,1,지정가,60001\n")

    assert sent.status_code == 207, sent.text
    [item] = sent.json()["items"]
    assert (sent.status_code, item["row"], item["order"]["quantity"], item["order"]["limit_price"]) == (207, 3, 1_001, 60_000), sent.text
    assert again.json()["items"][0]["status_code"] == 200
    assert [(entry["row"], entry["code"]) for entry in wrong.json()["rows"]] == [(4, "symbol_too_short"), (5, "invalid_tick")]


async def test_the_template_can_be_fetched_and_sends_nothing_as_it_is(desk: Desk) -> None:
    template = await desk.api.client.get("/orders/basket/template", headers=desk.demo)

    answer = await post_csv(desk, template.text)

    assert (template.status_code, template.headers["content-type"].split(";")[0]) == (200, "text/csv")
    assert (answer.status_code, answer.json()["rows"][0]["code"]) == (422, "empty")


async def test_a_limit_that_asks_back_is_confirmed_for_the_whole_basket(desk: Desk) -> None:
    path = f"/accounts/{desk.accounts['kis']['id']}/risk-limits"
    await desk.api.client.put(path, json={"order_quantity": {"limit": 5, "action": "confirm"}}, headers=desk.demo)
    orders = [row(desk, quantity=4), row(desk, quantity=6)]

    asked = await post(desk, orders, client_basket_id="confirm")
    confirmed = await post(desk, orders, client_basket_id="confirm", confirm=["order_quantity"])
    await desk.api.client.put(path, json={}, headers=desk.demo)

    assert [(item["status_code"], item["code"]) for item in asked.json()["items"]] == [(201, None), (409, "risk_confirmation_required")]
    assert [[violation["code"] for violation in item["violations"]] for item in asked.json()["items"]] == [[], ["order_quantity"]]
    assert [item["status_code"] for item in confirmed.json()["items"]] == [200, 201]


async def test_a_basket_is_finished_without_its_file_and_only_what_never_left_is_sent(desk: Desk) -> None:
    await desk.set_fault("ls", "rate_limited", 1000)
    orders = [row(desk, quantity=41), row(desk, "ls", quantity=42)]
    basket = (await post(desk, orders)).json()
    await desk.control.delete("/faults")
    _, before = await desk.traces()
    path = f"/orders/baskets/{basket['id']}"
    shown = (await desk.api.client.get(path, headers=desk.demo)).json()

    answers = [await desk.api.client.post(f"{path}/resume", json={}, headers=desk.demo) for _ in range(2)]

    assert [(entry["row"], entry["request"]["quantity"], entry["order"]["status"]) for entry in shown["items"]] == [
        (1, 41, "new"),
        (2, 42, "rejected"),
    ]
    assert [[item["status_code"] for item in answer.json()["items"]] for answer in answers] == [[200, 201], [200, 200]]
    assert {item["row"]: item["order"]["quantity"] for item in answers[1].json()["items"]} == {1: 41, 2: 42}
    assert (await desk.traces())[1] - before == 1


async def test_anothers_basket_is_not_there_and_a_viewer_sends_none(desk: Desk) -> None:
    basket = (await post(desk, [row(desk)])).json()
    stranger = await desk.api.add_user(Role.TRADER, "stranger.basket")
    viewer = await desk.api.add_user(Role.VIEWER, "viewer.basket")

    seen = await desk.api.client.get(f"/orders/baskets/{basket['id']}", headers=stranger)
    by_stranger = await desk.api.client.post("/orders/basket", json={"orders": [row(desk)]}, headers=stranger)
    by_name = await desk.api.client.post(
        "/orders/basket", json={"orders": [row(desk, account_id=None, account=desk.accounts["kis"]["name"])]}, headers=stranger
    )
    by_viewer = await desk.api.client.post("/orders/basket", json={"orders": [row(desk)]}, headers=viewer)

    resumed = [await desk.api.client.post(f"/orders/baskets/{basket['id']}/resume", json={}, headers=who) for who in (stranger, viewer)]

    assert (seen.status_code, by_viewer.status_code) == (404, 403)
    assert [answer.status_code for answer in resumed] == [404, 403]
    assert {answer.json()["rows"][0]["code"] for answer in (by_stranger, by_name)} == {"not_found"}


@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [("text/plain", b"x", 415), ("application/json", b"{", 400), ("application/json", b'{"orders": []}', 422)],
)
async def test_what_is_no_basket_is_refused_in_words(desk: Desk, content_type: str, body: bytes, status: int) -> None:
    answer = await desk.api.client.post("/orders/basket", content=body, headers=desk.demo | {"Content-Type": content_type})

    assert answer.status_code == status
    assert answer.json()["detail"]
