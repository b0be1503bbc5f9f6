"""A block over several funds, accounts and brokers, from the plan to the last won."""

import asyncio
from collections import defaultdict
from typing import Any

import pytest
import pytest_asyncio

from tests.stack import Stack, until

pytestmark = pytest.mark.asyncio(loop_scope="session")

SYMBOL = "005930"
Json = dict[str, Any]


async def post(stack: Stack, path: str, body: Json) -> Json:
    answer = await stack.http.post(path, json=body, timeout=60)
    assert answer.status_code in (200, 201), answer.text
    document: Json = answer.json()
    return document


async def connect(stack: Stack, broker: str) -> Json:
    """A fresh account of the sandbox's, connected; with the sandbox's number as ``number``."""
    opened = await stack.sandbox.post("/accounts", json={"broker": broker, "environment": "real", "cash": 10_000_000_000})
    opened.raise_for_status()
    account = opened.json()
    request = {key: account[key] for key in ("account_number", "app_key", "app_secret")} | {
        "name": f"block {broker}",
        "broker": broker,
        "environment": "sandbox",
        "hts_id": account["hts_id"] if broker == "kis" else "",
    }
    return await post(stack, "/accounts", request) | {"number": account["account_number"]}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def accounts(stack: Stack) -> list[Json]:
    """Two accounts at each broker, their streams live."""
    found = [await connect(stack, broker) for broker in ("kis", "kis", "ls", "ls")]
    await stack.until_streams_live()
    return found


async def executions_by_account(stack: Stack, accounts: list[Json]) -> dict[str, tuple[int, int]]:
    """Shares and won that the market has for each of the accounts, by Lucy's id."""
    ids = {account["number"]: account["id"] for account in accounts}
    found: dict[str, tuple[int, int]] = dict.fromkeys(ids.values(), (0, 0))
    for row in await stack.ledger_executions():
        if row["account_number"] in ids and not row["is_busted"]:
            shares, won = found[ids[row["account_number"]]]
            found[ids[row["account_number"]]] = (shares + row["quantity"], won + row["quantity"] * row["price"])
    return found


async def positions_of(stack: Stack, funds: list[Json]) -> dict[tuple[str, str], Json]:
    return {
        (fund["id"], position["account_id"]): position
        for fund in funds
        for position in (await stack.http.get(f"/funds/{fund['id']}/positions")).json()["items"]
    }


async def assert_all_agree(stack: Stack, block: Json, funds: list[Json], accounts: list[Json]) -> None:
    """The market's ledger, the accounts' orders, the block's lines and the funds' positions: the same shares and won."""
    market = await executions_by_account(stack, accounts)
    by_account: dict[str, int] = defaultdict(int)
    for line in block["lines"]:
        by_account[line["account_id"]] += line["filled_quantity"]
    assert {account: shares for account, (shares, _) in market.items() if shares} == {
        key: shares for key, shares in by_account.items() if shares
    }
    assert block["filled_amount"] == sum(won for _, won in market.values()) == sum(line["filled_amount"] for line in block["lines"])
    assert block["filled_quantity"] == sum(shares for shares, _ in market.values())
    allocated = {(line["fund_id"], line["account_id"]): (line["filled_quantity"], line["filled_amount"]) for line in block["lines"]}
    positions = {key: (position["quantity"], position["bought_amount"]) for key, position in (await positions_of(stack, funds)).items()}
    assert {key: sums for key, sums in allocated.items() if sums != (0, 0)} == positions
    exact = block["filled_amount"] / block["filled_quantity"]
    assert all(abs(line["filled_amount"] - line["filled_quantity"] * exact) < 1 for line in block["lines"])


async def test_a_block_with_a_refused_and_an_unknown_part_ends_in_exact_agreement(stack: Stack, accounts: list[Json]) -> None:
    funds = [await post(stack, "/funds", {"name": f"fund {number}", "budget": 5_000_000_000}) for number in range(3)]
    lines = [
        {"fund_id": fund["id"], "account_id": account["id"], "value": str(3 + index + 2 * number)}
        for number, fund in enumerate(funds)
        for index, account in enumerate(accounts)
    ]
    plan = await post(stack, "/allocation-plans", {"name": "all", "method": "ratio", "on_rejection": "resplit", "lines": lines})
    await stack.sandbox.put("/behavior", json={"reject_at_exchange": 1})
    await stack.sandbox.post("/faults", json={"broker": "kis", "operation": "place", "kind": "cut_after_taken", "count": 1})
    request = {
        "plan_id": plan["id"],
        "symbol": SYMBOL,
        "side": "buy",
        "quantity": 10_007,
        "limit_price": 74_000,
        "client_order_id": "block",
    }

    placed = await post(stack, "/block-orders", request)

    assert sum(line["planned_quantity"] for line in placed["lines"]) <= placed["quantity"] == 10_007
    block: Json = {}

    async def is_filled() -> bool:
        block.update((await stack.http.get(f"/block-orders/{placed['id']}")).json())
        return bool(block["status"] == "filled")

    await until(is_filled, "the block is filled", seconds=120, describe=lambda: str(block)[:3000])
    assert sorted(str(part["order_status"]) for part in block["parts"] if part["order_status"] != "filled") == ["rejected"]
    assert (block["filled_quantity"], len(block["parts"]) > 4) == (10_007, True)
    await assert_all_agree(stack, block, funds, accounts)

    again = await post(stack, "/block-orders", request)
    assert (again["id"], again["parts"]) == (block["id"], block["parts"])

    async def is_told() -> bool:
        items = (await stack.http.get("/events/log", params={"after": "0", "limit": 1000})).json()["items"]
        told = [item["data"]["block_order"] for item in items if item["event"] == "block_order"]
        return any(entry["id"] == block["id"] and entry["status"] == "filled" for entry in told)

    await until(is_told, "listeners hear that the block is filled")

    await bust_one_of(stack, block)

    async def has_less() -> bool:
        block.update((await stack.http.get(f"/block-orders/{placed['id']}")).json())
        return bool(block["filled_quantity"] < 10_007)

    await until(has_less, "the canceled trade is taken back", seconds=60, describe=lambda: str(block)[:3000])
    await assert_all_agree(stack, block, funds, accounts)


async def bust_one_of(stack: Stack, block: Json) -> None:
    """The exchange takes one trade of the block back."""
    part = next(part for part in block["parts"] if part["order_status"] == "filled")
    order = (await stack.http.get(f"/orders/{part['order_id']}")).json()
    body = {"broker": order["broker"], "order_number": order["broker_order_ids"][-1], "index": 0}
    (await stack.sandbox.post("/executions/bust", json=body)).raise_for_status()


async def test_an_api_killed_while_it_sends_a_block_doubles_no_part_when_it_is_asked_again(stack: Stack, accounts: list[Json]) -> None:
    funds = [await post(stack, "/funds", {"name": f"crash {number}", "budget": 5_000_000_000}) for number in range(2)]
    lines = [{"fund_id": fund["id"], "account_id": account["id"]} for fund in funds for account in accounts]
    plan = await post(stack, "/allocation-plans", {"name": "crash", "method": "equal", "lines": lines})
    price = (await stack.http.get("/instruments/000660")).json()["lower_limit_price"]
    request = {"plan_id": plan["id"], "symbol": "000660", "side": "buy", "quantity": 403, "limit_price": price, "client_order_id": "crash"}
    await stack.sandbox.post("/faults", json={"broker": "ls", "operation": "place", "kind": "latency", "count": 2, "milliseconds": 3000})

    asking = asyncio.create_task(stack.http.post("/block-orders", json=request, timeout=30))

    async def is_under_way() -> bool:
        numbers = {account["number"] for account in accounts}
        return any(row["account_number"] in numbers and row["symbol"] == "000660" for row in await stack.ledger_orders())

    await until(is_under_way, "some parts are at the broker")
    await asyncio.to_thread(stack.api_process.kill)
    await asyncio.gather(asking, return_exceptions=True)
    stack.api_process.start()
    await stack.until_api_ready()
    block: Json = {}

    async def is_settled() -> bool:
        block.update(await post(stack, "/block-orders", request))
        return all(part["order_status"] in ("new", "rejected") for part in block["parts"])

    await until(is_settled, "every part is at its broker, or certainly is not", seconds=90, describe=lambda: str(block)[-3000:])

    numbers = {account["number"]: account["id"] for account in accounts}
    rows = [row for row in await stack.ledger_orders() if row["symbol"] == "000660" and row["account_number"] in numbers]
    live = [part for part in block["parts"] if part["order_status"] == "new"]
    assert live
    assert sorted((numbers[row["account_number"]], row["quantity"]) for row in rows) == sorted(
        (part["account_id"], part["quantity"]) for part in live
    )
    assert {part["problem"] for part in block["parts"] if part["order_status"] == "rejected"} <= {"never_received"}
    assert sum(line["planned_quantity"] for line in block["lines"]) == sum(part["quantity"] for part in live)
