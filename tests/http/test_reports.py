"""Daily reconciliation reports over HTTP. No worker runs here: what the sandbox fills is not in Lucy until reconciliation reads it."""

from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio

from api.domain.enums import Role
from api.kit.clock import kst_day
from tests.http.api import Desk
from tests.stack import until

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(loop_scope="session", autouse=True)
async def no_fault_left(desk: Desk) -> Any:
    """Faults of a test end with it."""
    yield
    await desk.control.delete("/faults")


async def report(desk: Desk, broker: str, **params: str) -> dict[str, Any]:
    answer = await desk.api.client.get(f"/accounts/{desk.accounts[broker]['id']}/reconciliation-report", params=params, headers=desk.demo)
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


def codes(document: dict[str, Any]) -> set[str]:
    return {entry["code"] for entry in document["differences"]}


async def settle(desk: Desk, broker: str) -> None:
    """Read the broker's list until the ledger has all of it."""

    async def is_settled() -> bool:
        await desk.api.services.reconciler.reconcile(desk.accounts[broker]["id"])
        return not codes(await report(desk, broker)) - {"fill_not_streamed"}

    await until(is_settled, "the ledger has what the broker has", seconds=60)


@pytest.mark.parametrize("broker", ["kis", "ls"])
async def test_a_day_on_which_all_agrees_is_green(desk: Desk, broker: str) -> None:
    order = await desk.placed(broker)
    await desk.api.client.delete(f"/orders/{order['id']}", headers=desk.demo)
    await settle(desk, broker)

    document = await report(desk, broker)

    assert (document["result"], document["differences"], document["is_final"]) == ("green", [], False)
    assert document["ledger"] == document["broker"]
    assert document["day"] == kst_day(desk.api.services.clock.now()).isoformat()
    assert document["order_count"] >= 1


@pytest.mark.parametrize("broker", ["kis", "ls"])
async def test_a_trade_that_lucy_has_not_heard_of_is_red_with_shares_and_order(desk: Desk, broker: str) -> None:
    order = await desk.placed(broker, quantity=7, limit_price=72_000)

    document = await report(desk, broker)

    assert document["result"] == "red"
    [found] = [entry for entry in document["differences"] if entry["code"] == "quantity_differs"]
    assert found == {
        "code": "quantity_differs",
        "order_id": order["id"],
        "broker_order_id": order["broker_order_ids"][0],
        "ledger_value": 0,
        "broker_value": 7,
    }
    assert document["broker"]["cumulative_quantity"] - document["ledger"]["cumulative_quantity"] == 7

    await settle(desk, broker)  # and once the inquiry's word is in the ledger, what is left is that the stream never told

    after = await report(desk, broker)
    assert (after["result"], codes(after)) == ("red", {"fill_not_streamed"})
    assert after["ledger"] == after["broker"]


async def test_an_order_placed_outside_lucy_is_missing_until_it_is_adopted(desk: Desk) -> None:
    account = desk.accounts["kis"]
    outside = {"broker": "kis", "account_number": account["account_number"], "symbol": "000660", "side": "buy", "quantity": 3}
    price = (await desk.api.client.get("/instruments/000660", headers=desk.demo)).json()["lower_limit_price"]
    (await desk.control.post("/orders", json=outside | {"price": price})).raise_for_status()

    before = await report(desk, "kis")
    await settle(desk, "kis")

    assert [entry["broker_value"] for entry in before["differences"] if entry["code"] == "missing_in_ledger"] == [3]
    assert (await report(desk, "kis"))["external_order_count"] == 1


async def test_a_broker_that_does_not_answer_is_red_and_says_so(desk: Desk) -> None:
    fault = {"broker": "ls", "operation": "inquire", "kind": "error_500_before_taken", "count": 100}
    (await desk.control.post("/faults", json=fault)).raise_for_status()

    document = await report(desk, "ls")

    assert (document["result"], codes(document), document["broker"]) == ("red", {"broker_not_read"}, None)


async def test_the_days_end_keeps_a_report_of_each_account_and_later_days_show_it_as_it_was(desk: Desk) -> None:
    reports = desk.api.services.reports
    await settle(desk, "kis")
    today = kst_day(desk.api.services.clock.now())

    red = await reports.keep_todays()
    again = await reports.keep_todays()
    stored = await desk.api.services.database["reconciliation_reports"].find({}).to_list(None)

    assert red == again
    assert {(row["account_id"], row["day"], row["is_final"]) for row in stored} == {
        (account["id"], today.isoformat(), True) for account in desk.accounts.values()
    }
    yesterday = today - timedelta(days=1)
    for row in stored:  # as if a day had passed
        moved = row | {"_id": f"{row['account_id']}:{yesterday.isoformat()}", "day": yesterday.isoformat()}
        await desk.api.services.database["reconciliation_reports"].insert_one(moved)

    past = {"day": yesterday.isoformat()}
    kept = await report(desk, "kis", **past)
    listed = (await desk.api.client.get("/reconciliation-reports", params=past, headers=desk.demo)).json()["items"]
    now = (await desk.api.client.get("/reconciliation-reports", headers=desk.demo)).json()["items"]

    assert kept["is_final"] is True
    assert kept in listed
    assert {item["account_id"] for item in listed} == {item["account_id"] for item in now} == {row["account_id"] for row in stored}
    assert {item["is_final"] for item in now} == {False}


async def test_a_day_of_which_nothing_was_kept_is_not_found(desk: Desk) -> None:
    path = f"/accounts/{desk.accounts['kis']['id']}/reconciliation-report"

    answer = await desk.api.client.get(path, params={"day": "2020-01-02"}, headers=desk.demo)
    bad = await desk.api.client.get(path, params={"day": "yesterday"}, headers=desk.demo)

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert bad.status_code == 422


async def test_nobody_sees_the_report_of_anothers_account(desk: Desk) -> None:
    stranger = await desk.api.add_user(Role.TRADER, "stranger.reports")

    one = await desk.api.client.get(f"/accounts/{desk.accounts['kis']['id']}/reconciliation-report", headers=stranger)
    listed = await desk.api.client.get("/reconciliation-reports", headers=stranger)

    assert one.status_code == 404
    assert listed.json() == {"items": []}
