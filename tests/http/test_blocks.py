"""Funds, plans and block orders over HTTP. No worker runs here: what the sandbox fills reaches Lucy when a test reconciles."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx
import msgspec
import pytest
import pytest_asyncio

from api.auth.principal import Principal
from api.blocks.block import Block, BlockPart, Claim
from api.domain.enums import Role
from tests.http.api import Desk
from tests.stack import until

pytestmark = pytest.mark.asyncio(loop_scope="session")

SYMBOL = "005930"


@pytest_asyncio.fixture(loop_scope="session", autouse=True)
async def no_fault_left(desk: Desk) -> AsyncIterator[None]:
    """Faults of a test end with it."""
    yield
    await desk.control.delete("/faults")


async def ask(desk: Desk, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None, **params: Any) -> httpx.Response:
    return await desk.api.client.request(method, path, json=body, params=params, headers=headers or desk.demo, timeout=60)


async def made(desk: Desk, path: str, body: Any) -> dict[str, Any]:
    answer = await ask(desk, "POST", path, body)
    assert answer.status_code == 201, answer.text
    document: dict[str, Any] = answer.json()
    return document


async def a_fund(desk: Desk, name: str, **changes: Any) -> dict[str, Any]:
    return await made(desk, "/funds", {"name": name, "budget": 10_000_000_000} | changes)


def line(fund: dict[str, Any], account: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {"fund_id": fund["id"], "account_id": account["id"]} | changes


async def a_plan(desk: Desk, lines: list[dict[str, Any]], **changes: Any) -> dict[str, Any]:
    return await made(desk, "/allocation-plans", {"name": "plan", "method": "equal", "lines": lines} | changes)


async def two_funds(desk: Desk, **changes: Any) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Two funds, each at both accounts, in equal parts."""
    funds = [await a_fund(desk, f"fund {number}") for number in range(2)]
    lines = [line(fund, desk.accounts[broker]) for fund in funds for broker in ("kis", "ls")]
    return funds, await a_plan(desk, lines, **changes)


def block_of(plan: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A buy of 101 shares far below the market: it stays open."""
    return {"plan_id": plan["id"], "symbol": SYMBOL, "side": "buy", "quantity": 101, "limit_price": 60_000} | changes


async def rows_of(desk: Desk, block: dict[str, Any]) -> list[dict[str, Any]]:
    """The brokers' rows of the block's orders."""
    orders = [(await ask(desk, "GET", f"/orders/{part['order_id']}")).json() for part in block["parts"] if part["order_id"]]
    numbers = {(order["broker"], number) for order in orders for number in order["broker_order_ids"]}
    rows = (await desk.control.get("/ledger/orders")).json()
    return [row for row in rows if (row["broker"], str(int(row["order_number"]))) in numbers]


async def test_a_preview_shows_the_split_and_stores_and_sends_nothing(desk: Desk) -> None:
    _, plan = await two_funds(desk, fee_rate="0.00015")
    traces = await desk.traces()

    answer = await ask(desk, "POST", "/block-orders/preview", block_of(plan))

    preview = answer.json()
    assert answer.status_code == 200, answer.text
    assert sum(entry["quantity"] for entry in preview["lines"]) == preview["quantity"] == preview["wanted"] == 101
    assert Counter(entry["quantity"] for entry in preview["lines"]) in (Counter({25: 3, 26: 1}),)
    assert {entry["ideal"] for entry in preview["lines"]} == {"101/4"}
    assert preview["amount"] == 101 * 60_000
    assert preview["cash_needed"] >= preview["amount"] + 908
    assert preview["reductions"] == []
    assert await desk.traces() == traces
    assert (await ask(desk, "GET", "/block-orders")).json()["items"] == []


async def test_a_block_sends_one_order_an_account_and_a_repeat_sends_nothing(desk: Desk) -> None:
    funds, plan = await two_funds(desk)

    first = await ask(desk, "POST", "/block-orders", block_of(plan, client_order_id="block-1"))
    again = await ask(desk, "POST", "/block-orders", block_of(plan, client_order_id="block-1"))
    other = await ask(desk, "POST", "/block-orders", block_of(plan, client_order_id="block-1", quantity=102))

    assert (first.status_code, again.status_code, again.headers["Idempotent-Replayed"]) == (201, 200, "true"), first.text
    assert (other.status_code, other.json()["code"]) == (409, "client_order_id_reused")
    block = first.json()
    assert (block["status"], sorted(part["quantity"] for part in block["parts"])) in (("working", [50, 51]),)
    assert {part["order_status"] for part in block["parts"]} == {"new"}
    assert again.json()["parts"] == block["parts"]
    assert sorted(row["quantity"] for row in await rows_of(desk, block)) == [50, 51]
    for fund in funds:
        money = (await ask(desk, "GET", f"/funds/{fund['id']}")).json()
        planned = sum(entry["planned_quantity"] for entry in block["lines"] if entry["fund_id"] == fund["id"])
        assert (money["used_amount"], money["reserved_amount"]) == (0, planned * 60_000)
    orders = [(await ask(desk, "GET", f"/orders/{part['order_id']}")).json() for part in block["parts"]]
    assert {order["block_order_id"] for order in orders} == {block["id"]}


async def test_canceling_a_block_cancels_each_part_and_gives_the_money_back(desk: Desk) -> None:
    funds, plan = await two_funds(desk)
    block = (await ask(desk, "POST", "/block-orders", block_of(plan))).json()

    answer = await ask(desk, "POST", f"/block-orders/{block['id']}/cancel")

    assert answer.status_code == 200
    assert {part["order_status"] for part in answer.json()["parts"]} <= {"pending_cancel", "canceled"}
    assert [row["kind"] for row in await rows_of(desk, block)] == ["new", "new"]
    for _ in range(3):
        for account in desk.accounts.values():
            await desk.api.services.reconciler.reconcile(account["id"])
        await asyncio.sleep(0.5)
    after = (await ask(desk, "GET", f"/block-orders/{block['id']}")).json()
    assert after["status"] == "canceled"
    assert (await ask(desk, "GET", f"/funds/{funds[0]['id']}")).json()["reserved_amount"] == 0


async def test_a_new_price_goes_to_every_open_part(desk: Desk) -> None:
    _, plan = await two_funds(desk)
    block = (await ask(desk, "POST", "/block-orders", block_of(plan))).json()

    answer = await ask(desk, "PATCH", f"/block-orders/{block['id']}", {"limit_price": 60_100})

    assert (answer.status_code, answer.json()["limit_price"]) == (200, 60_100), answer.text
    orders = [(await ask(desk, "GET", f"/orders/{part['order_id']}")).json() for part in block["parts"]]
    assert {order["status"] for order in orders} <= {"pending_replace", "new"}


async def test_a_part_whose_new_price_is_not_confirmed_yet_is_canceled_once_it_is(desk: Desk) -> None:
    _, plan = await two_funds(desk)
    block = (await ask(desk, "POST", "/block-orders", block_of(plan))).json()
    await ask(desk, "PATCH", f"/block-orders/{block['id']}", {"limit_price": 60_100})

    asked = (await ask(desk, "POST", f"/block-orders/{block['id']}/cancel")).json()

    assert {part["order_status"] for part in asked["parts"]} == {"pending_replace"}  # of which no broker can cancel anything yet

    async def is_canceled() -> bool:
        for account in desk.accounts.values():
            await desk.api.services.reconciler.reconcile(account["id"])
        await desk.api.services.block_worker.sweep()
        return bool((await ask(desk, "GET", f"/block-orders/{block['id']}")).json()["status"] == "canceled")

    await until(is_canceled, "both parts are canceled")


async def test_a_block_is_not_told_as_it_was_after_it_was_told_as_it_is(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    _, plan = await two_funds(desk)
    block = (await ask(desk, "POST", "/block-orders", block_of(plan))).json()
    worker = desk.api.services.block_worker
    audience = worker._audience
    held, is_newer_told = asyncio.Event(), asyncio.Event()

    async def slow_audience(told: Block) -> set[str]:
        if told.id == block["id"] and not held.is_set():
            held.set()
            await is_newer_told.wait()
        return await audience(told)

    monkeypatch.setattr(worker, "_audience", slow_audience)
    late = asyncio.create_task(ask(desk, "PATCH", f"/block-orders/{block['id']}", {"limit_price": 60_100}))
    await asyncio.wait_for(held.wait(), 30)
    newest = (await ask(desk, "POST", f"/block-orders/{block['id']}/cancel")).json()
    is_newer_told.set()
    assert (await late).status_code == 200

    log = (await ask(desk, "GET", "/events/log", limit=500)).json()["items"]
    versions = [
        entry["data"]["block_order"]["version"]
        for entry in log
        if entry["event"] == "block_order" and entry["data"]["block_order"]["id"] == block["id"]
    ]
    assert versions == sorted(set(versions))
    assert versions[-1] >= newest["version"]


@pytest.mark.parametrize(("policy", "left"), [("keep", "new"), ("cancel", "pending_cancel"), ("resplit", "new")])
async def test_what_becomes_of_the_rest_when_a_part_is_refused(desk: Desk, policy: str, left: str) -> None:
    _, plan = await two_funds(desk, on_rejection=policy)
    await desk.set_fault("ls", "rate_limited", 1000)  # certainly never left

    block = (await ask(desk, "POST", "/block-orders", block_of(plan))).json()
    by_broker = {account["id"]: broker for broker, account in desk.accounts.items()}

    async def is_seen_to() -> bool:  # by the request, or by who follows the orders: whoever was first
        nonlocal block
        block = (await ask(desk, "GET", f"/block-orders/{block['id']}")).json()
        kis = [part["order_status"] for part in block["parts"] if by_broker[part["account_id"]] == "kis"]
        return set(kis) <= {left, "canceled"} and len(kis) == (2 if policy == "resplit" else 1)

    await until(is_seen_to, "the policy was carried out", describe=lambda: str(block))
    kis = [part for part in block["parts"] if by_broker[part["account_id"]] == "kis"]
    ls = [part for part in block["parts"] if by_broker[part["account_id"]] == "ls"]
    assert {part["order_status"] for part in ls} == {"rejected"}
    assert sum(part["quantity"] for part in kis) == (101 if policy == "resplit" else kis[0]["quantity"])
    planned = sum(entry["planned_quantity"] for entry in block["lines"])
    assert planned == sum(part["quantity"] for part in kis)


@pytest.mark.parametrize("policy", ["keep", "cancel", "resplit"])
async def test_a_repeat_sends_what_never_left_once_and_only_if_the_rest_is_kept(desk: Desk, policy: str) -> None:
    _, plan = await two_funds(desk, on_rejection=policy)
    request = block_of(plan, client_order_id=f"never-left-{policy}")
    await desk.set_fault("ls", "rate_limited", 1000)
    if policy != "resplit":
        await desk.set_fault("kis", "rate_limited", 1000)
    first = (await ask(desk, "POST", "/block-orders", request)).json()

    async def is_sent() -> bool:  # who follows the orders may still be sending what it divided anew
        block = (await ask(desk, "GET", f"/block-orders/{first['id']}")).json()
        return not any(part["order_status"] in (None, "pending_new") and part["status"] != "refused" for part in block["parts"])

    await until(is_sent, "every part was sent or refused")
    await desk.control.delete("/faults")
    _, before = await desk.traces()

    again = await asyncio.gather(*(ask(desk, "POST", "/block-orders", request) for _ in range(4)))
    await ask(desk, "POST", "/block-orders", request)

    block = (await ask(desk, "GET", f"/block-orders/{first['id']}")).json()
    assert {answer.status_code for answer in again} == {200}
    live = [part for part in block["parts"] if part["order_status"] == "new"]
    assert len(live) == (2 if policy != "cancel" else 0)
    assert (await desk.traces())[1] - before == (2 if policy == "keep" else 0)
    assert sum(part["quantity"] for part in live) == (0 if policy == "cancel" else 101)


async def a_block_cut_off(desk: Desk, plan: dict[str, Any], name: str, sender: str, accounts: set[str]) -> Block:
    """A block as it is stored when its sender dies before it has stored the orders of the parts at these accounts."""
    request = block_of(plan, client_order_id=name)
    whole = (await ask(desk, "POST", "/block-orders", request)).json()
    block = await desk.api.services.block_repository.get(whole["id"])
    claim = Claim(id=name, process_id=sender)
    gone = [part.order_id for part in block.parts if part.account_id in accounts]
    await desk.api.services.database["orders"].delete_many({"_id": {"$in": gone}})
    parts = tuple(
        BlockPart(
            number=part.number,
            account_id=part.account_id,
            quantity=part.quantity,
            shares=part.shares,
            client_order_id=part.client_order_id,
            claim=claim,
        )
        if part.account_id in accounts
        else part
        for part in block.parts
    )
    long_ago = datetime(2026, 1, 1, tzinfo=UTC)
    cut_off = msgspec.structs.replace(block, parts=parts, version=block.version + 1, updated_at=long_ago)
    assert await desk.api.services.block_repository.replace_if_unchanged(block, cut_off)
    return cut_off


@pytest.mark.parametrize(("policy", "parts"), [("keep", 2), ("cancel", 2), ("resplit", 3)])
async def test_the_sweep_gives_up_what_a_dead_process_was_to_send_and_nothing_of_it_leaves_late(
    desk: Desk, policy: str, parts: int
) -> None:
    _, plan = await two_funds(desk, on_rejection=policy)
    cut_off = await a_block_cut_off(desk, plan, f"dead-{policy}", "dead", {desk.accounts["ls"]["id"]})
    worker = desk.api.services.block_worker

    await worker.sweep()
    block = (await ask(desk, "GET", f"/block-orders/{cut_off.id}")).json()
    _, before = await desk.traces()
    principal = Principal(user_id=cut_off.created_by, username="demo", role=Role.TRADER)
    [late] = [part for part in cut_off.parts if part.account_id == desk.accounts["ls"]["id"]]
    await worker.work(principal, cut_off, late.claim)  # it was only asleep, and goes on where it was

    assert len(block["parts"]) == parts
    assert [part["status"] for part in block["parts"] if part["number"] == late.number] == ["refused"]
    assert (await desk.traces())[1] == before
    after = (await ask(desk, "GET", f"/block-orders/{cut_off.id}")).json()
    assert [part["problem"] for part in after["parts"] if part["number"] == late.number] == ["not_sent"]
    live = sum(part["quantity"] for part in after["parts"] if part["order_status"] == "new")
    assert live == {"keep": 101 - late.quantity, "cancel": 0, "resplit": 101}[policy]


async def test_a_part_that_is_being_sent_while_its_block_is_canceled_does_not_leave(desk: Desk) -> None:
    _, plan = await two_funds(desk)
    services = desk.api.services
    both = {account["id"] for account in desk.accounts.values()}
    cut_off = await a_block_cut_off(desk, plan, "canceled", services.block_worker.new_claim().process_id, both)
    await ask(desk, "POST", f"/block-orders/{cut_off.id}/cancel")
    _, before = await desk.traces()

    principal = Principal(user_id=cut_off.created_by, username="demo", role=Role.TRADER)
    block = await services.block_worker.work(principal, cut_off, cut_off.parts[0].claim)

    assert (await desk.traces())[1] == before
    assert (block.status.value, [part.problem for part in block.parts]) == ("canceled", ["not_sent", "not_sent"])


async def test_an_unknown_part_is_held_back_from_the_re_split(desk: Desk) -> None:
    _, plan = await two_funds(desk, on_rejection="resplit")
    await desk.set_fault("kis", "cut_after_taken")
    await desk.set_fault("ls", "rate_limited", 1000)

    block = (await ask(desk, "POST", "/block-orders", block_of(plan))).json()

    assert (block["status"], len(block["parts"])) == ("unknown", 2)
    assert sorted(str(part["order_status"]) for part in block["parts"]) == ["rejected", "unknown"]


async def test_of_blocks_at_once_no_fund_spends_more_than_its_budget(desk: Desk) -> None:
    fund = await a_fund(desk, "small", budget=60_000 * 25)
    plan = await a_plan(desk, [line(fund, desk.accounts["kis"])])

    answers = await asyncio.gather(*(ask(desk, "POST", "/block-orders", block_of(plan, quantity=10)) for _ in range(6)))

    placed = [answer.json() for answer in answers if answer.status_code == 201]
    assert sum(block["quantity"] for block in placed) == 25
    assert {answer.json()["code"] for answer in answers if answer.status_code != 201} == {"block_does_not_fit"}
    assert (await ask(desk, "GET", f"/funds/{fund['id']}")).json()["available_amount"] == 0


async def test_what_does_not_fit_a_plan_of_all_or_nothing_is_refused_with_reasons(desk: Desk) -> None:
    fund = await a_fund(desk, "poor", budget=60_000 * 5)
    plan = await a_plan(desk, [line(fund, desk.accounts["kis"])], on_shortfall="reject")
    traces = await desk.traces()

    answer = await ask(desk, "POST", "/block-orders", block_of(plan, quantity=10))

    assert (answer.status_code, answer.json()["code"]) == (422, "block_does_not_fit")
    [reduction] = answer.json()["reductions"]
    assert (reduction["reason"], reduction["wanted"], reduction["given"]) == ("fund_cash", 10, 5)
    assert await desk.traces() == traces


@pytest.mark.parametrize(
    "changes",
    [{"quantity": None}, {"amount": 1_000_000}, {"limit_price": 60_050}, {"symbol": "999999"}, {"quantity": 0}, {"limit_price": None}],
    ids=["no quantity", "quantity and amount", "off the tick", "no such symbol", "nothing", "no price"],
)
async def test_a_block_that_could_not_be_placed_is_refused_whole(desk: Desk, changes: dict[str, Any]) -> None:
    _, plan = await two_funds(desk)
    traces = await desk.traces()

    answer = await ask(desk, "POST", "/block-orders", block_of(plan, **changes))

    assert answer.status_code == 422, answer.text
    assert await desk.traces() == traces


@pytest.mark.parametrize(
    ("method", "value"),
    [("ratio", "0"), ("ratio", "-1"), ("fixed_quantity", "1.5"), ("target_weight", "0"), ("amount", "0")],
)
async def test_a_plan_whose_values_its_method_cannot_use_is_refused(desk: Desk, method: str, value: str) -> None:
    fund = await a_fund(desk, "any")

    body = {"name": "bad", "method": method, "lines": [line(fund, desk.accounts["kis"], value=value)]}
    answer = await ask(desk, "POST", "/allocation-plans", body)

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "lines[0].value")


async def test_while_halted_no_part_of_a_block_leaves(desk: Desk) -> None:
    _, plan = await two_funds(desk)
    traces = await desk.traces()
    await ask(desk, "PUT", "/trading-states/global", {"state": "halted"})

    answer = await ask(desk, "POST", "/block-orders", block_of(plan))
    await ask(desk, "PUT", "/trading-states/global", {"state": "active"})

    assert (answer.status_code, answer.json()["code"]) == (403, "trading_halted")
    assert await desk.traces() == traces


async def test_while_a_fund_is_halted_nothing_with_its_shares_leaves_but_a_cancel(desk: Desk) -> None:
    funds, plan = await two_funds(desk)
    others = await a_plan(desk, [line(funds[1], desk.accounts["kis"])])
    open_block = await made(desk, "/block-orders", block_of(plan))
    await desk.set_fault("kis", "rate_limited", 100)
    half_sent = await made(desk, "/block-orders", block_of(plan, client_order_id="half", limit_price=60_100))
    await desk.control.delete("/faults")
    before = await desk.control.get("/ledger/orders")
    halted = await ask(desk, "PUT", f"/funds/{funds[0]['id']}/kill-switch", {"state": "halted", "reason": "redemption"})

    placed = await ask(desk, "POST", "/block-orders", block_of(plan))
    repriced = await ask(desk, "PATCH", f"/block-orders/{open_block['id']}", {"limit_price": 60_200})
    of_a_part = await ask(desk, "PATCH", f"/orders/{open_block['parts'][0]['order_id']}", {"limit_price": 60_200})
    again = await ask(desk, "POST", "/block-orders", block_of(plan, client_order_id="half", limit_price=60_100))
    after = await desk.control.get("/ledger/orders")
    of_the_other = await ask(desk, "POST", "/block-orders", block_of(others))
    canceled = await ask(desk, "POST", f"/block-orders/{open_block['id']}/cancel")
    reduced = await ask(desk, "PUT", f"/funds/{funds[0]['id']}/kill-switch", {"state": "reducing", "cancel_open_orders": True})
    buy = await ask(desk, "POST", "/block-orders", block_of(plan))
    rest = (await ask(desk, "GET", f"/block-orders/{half_sent['id']}")).json()
    await ask(desk, "PUT", f"/funds/{funds[0]['id']}/kill-switch", {"state": "active"})
    sent = await ask(desk, "POST", "/block-orders", block_of(plan))

    assert (halted.status_code, halted.json()["trading_state"]) == (200, "halted")
    assert {(answer.status_code, answer.json()["code"]) for answer in (placed, repriced, of_a_part)} == {(403, "trading_halted")}
    assert [part["problem"] for part in again.json()["parts"] if part["order_status"] != "new"] == ["not_sent"]
    assert after.json() == before.json()
    assert (of_the_other.status_code, of_the_other.json()["status"]) == (201, "working")
    assert {part["order_status"] for part in canceled.json()["parts"]} <= {"pending_cancel", "canceled"}
    assert (reduced.json()["trading_state"], buy.json()["code"]) == ("reducing", "reducing_only")
    assert {part["order_status"] for part in rest["parts"]} <= {"pending_cancel", "canceled", "rejected"}
    assert sent.status_code == 201


async def test_opening_positions_count_and_can_be_sold_by_the_fund_alone(desk: Desk) -> None:
    opening = [{"account_id": desk.accounts["kis"]["id"], "symbol": SYMBOL, "quantity": 30, "amount": 2_000_000}]
    owner, other = await a_fund(desk, "owner", opening_positions=opening), await a_fund(desk, "other")
    lines = [line(owner, desk.accounts["kis"]), line(other, desk.accounts["kis"])]
    plan = await a_plan(desk, lines, method="sell_all")

    block = (await ask(desk, "POST", "/block-orders", block_of(plan, side="sell", quantity=None, limit_price=90_000))).json()

    assert [(part["quantity"], part["order_status"]) for part in block["parts"]] == [(30, "new")]
    [position] = (await ask(desk, "GET", f"/funds/{owner['id']}/positions")).json()["items"]
    assert (position["quantity"], position["sellable_quantity"], position["opening_amount"]) == (30, 0, 2_000_000)
    assert (await ask(desk, "GET", f"/funds/{other['id']}/positions")).json()["items"] == []


async def test_reports_come_as_json_csv_and_xlsx(desk: Desk) -> None:
    funds, plan = await two_funds(desk)
    block = (await ask(desk, "POST", "/block-orders", block_of(plan))).json()
    path = f"/block-orders/{block['id']}/allocation-report"

    report = (await ask(desk, "GET", path)).json()
    csv = await ask(desk, "GET", f"{path}/csv")
    xlsx = await ask(desk, "GET", f"{path}/xlsx")
    of_day = (await ask(desk, "GET", "/allocation-reports", day=block["trading_day"])).json()

    assert [row["planned_quantity"] for row in report["rows"]] == [entry["planned_quantity"] for entry in block["lines"]]
    assert {row["fund_name"] for row in report["rows"]} == {fund["name"] for fund in funds}
    assert csv.content.startswith(b"\xef\xbb\xbf")
    assert (csv.content.decode("utf-8-sig").split(",")[0], csv.text.count("\r\n")) == ("거래일", 5)
    assert xlsx.content.startswith(b"PK")
    assert "xlsx" in xlsx.headers["Content-Disposition"]
    assert {row["block_order_id"] for row in of_day["rows"]} >= {block["id"]}


async def test_strangers_see_no_fund_plan_or_block_and_no_one_sees_a_part_of_a_plan(desk: Desk) -> None:
    funds, plan = await two_funds(desk)
    block = (await ask(desk, "POST", "/block-orders", block_of(plan))).json()
    stranger = await desk.api.add_user(Role.TRADER, "stranger.blocks")
    partner = await desk.api.add_user(Role.TRADER, "partner.blocks")
    me = (await ask(desk, "GET", "/auth/me", headers=partner)).json()["id"]
    mine = (await ask(desk, "GET", "/auth/me")).json()["id"]
    members = [{"user_id": mine, "permission": "manage"}, {"user_id": me, "permission": "trade"}]
    assert (await ask(desk, "PUT", f"/funds/{funds[0]['id']}/members", {"members": members})).status_code == 200
    fund = f"/funds/{funds[1]['id']}"
    paths = [fund, f"{fund}/positions", f"/allocation-plans/{plan['id']}", f"/block-orders/{block['id']}"]

    seen = {(path, (await ask(desk, "GET", path, headers=headers)).status_code) for headers in (stranger, partner) for path in paths}
    lists = [(await ask(desk, "GET", path, headers=stranger)).json()["items"] for path in ("/funds", "/allocation-plans", "/block-orders")]
    placed = await ask(desk, "POST", "/block-orders", block_of(plan), headers=partner)

    assert seen == {(path, 404) for path in paths}
    assert lists == [[], [], []]
    assert placed.status_code == 404
    assert (await ask(desk, "GET", f"/funds/{funds[0]['id']}", headers=partner)).status_code == 200
