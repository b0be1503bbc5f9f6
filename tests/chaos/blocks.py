"""Blocks in a chaos run: the funds and plans they are placed under, and what must hold of each when all is quiet."""

import random
from collections import Counter, defaultdict
from collections.abc import Sequence

import msgspec
from pymongo import AsyncMongoClient

from tests.chaos.desk import Desk, Json
from tests.chaos.listener import Listener

_FUNDS = 4
_BUDGET = 900_000_000_000_000
_OPEN = ("working", "unknown")


async def make_plans(desk: Desk, rng: random.Random) -> tuple[list[Json], list[Json]]:
    """Funds with shares of every name at every account, and a plan for each policy over a few accounts."""
    funds = [
        await _made(desk, "/funds", {"name": f"chaos {n}", "budget": _BUDGET, "opening_positions": _opening(desk)}) for n in range(_FUNDS)
    ]
    plans = []
    for number, policy in enumerate(("keep", "cancel", "resplit", "resplit")):
        accounts = rng.sample(desk.accounts, min(3, len(desk.accounts)))
        lines = [
            {"fund_id": fund["id"], "account_id": account["id"], "value": str(rng.randint(1, 9))}
            for fund in rng.sample(funds, 2)
            for account in accounts
        ]
        plans.append(
            await _made(desk, "/allocation-plans", {"name": str(number), "method": "ratio", "on_rejection": policy, "lines": lines})
        )
    return funds, plans


async def compare_blocks(
    desk: Desk, funds: Sequence[Json], orders: Sequence[Json], listener: Listener
) -> tuple[Counter[str], dict[str, str], list[str]]:
    """How many blocks ended how, their ids by client order id, and all that differs.

    Blocks are read from the database as they are stored: reading them by the API would bring them up to date.
    """
    found: list[str] = []
    client: AsyncMongoClient[Json] = AsyncMongoClient(desk.stack.settings.mongodb_url)
    async with client:
        blocks = [block async for block in client[desk.stack.settings.database]["block_orders"].find()]
    by_name = {(order["account_id"], order["client_order_id"]): order for order in orders}
    parts_of_blocks = set()
    positions: dict[tuple[str, str, str], list[int]] = defaultdict(lambda: [0, 0])
    for block in blocks:
        found += _of_parts(block, by_name)
        found += _of_lines(block)
        parts_of_blocks |= {(part["account_id"], part["client_order_id"]) for part in block["parts"]}
        sign = 1 if block["side"] == "buy" else -1
        for line in block["lines"]:
            held = positions[line["fund_id"], line["account_id"], block["symbol"]]
            held[0] += sign * line["filled_quantity"]
            held[1] += sign * line["filled_amount"]
        heard = listener.blocks.get(block["_id"], 0)
        if heard != block["version"]:
            found.append(f"block {block['_id']} has version {block['version']}; the listener heard {heard}")
    for key, order in by_name.items():
        if order["block_order_id"] is not None and key not in parts_of_blocks:
            found.append(f"order {order['id']} is of block {order['block_order_id']}, which does not have it")
    found += await _of_funds(desk, funds, positions)
    return Counter(block["status"] for block in blocks), {block["client_order_id"]: block["_id"] for block in blocks}, found


def _of_parts(block: Json, by_name: dict[tuple[str, str], Json]) -> list[str]:
    name, found = f"block {block['_id']} ({block['plan']['on_rejection']})", []
    for part in block["parts"]:
        order = by_name.get((part["account_id"], part["client_order_id"]))
        if order is None:
            if part["status"] != "refused":
                found.append(f"{name}: part {part['number']} is {part['status']} and has no order")
            continue
        ours = (part["order_id"], part["order_status"], part["cumulative_quantity"], part["filled_amount"])
        theirs = (order["id"], order["status"], order["cumulative_quantity"], order["filled_amount"])
        if ours != theirs or order["block_order_id"] != block["_id"]:
            found.append(f"{name}: part {part['number']} is {ours}, its order {theirs} of block {order['block_order_id']}")
        is_failed = order["status"] == "rejected"
        if is_failed and not part["is_handled"] and block["plan"]["on_rejection"] != "keep" and not block["is_canceling"]:
            found.append(f"{name}: part {part['number']} was refused and nothing followed")
    at_work = sum(part["quantity"] for part in block["parts"] if part["order_status"] not in (None, "rejected"))
    if at_work > block["quantity"]:
        found.append(f"{name}: {at_work} shares were sent of {block['quantity']}")
    is_open = any(part["order_status"] in ("new", "partially_filled") for part in block["parts"])
    if (block["status"] in _OPEN) != is_open:
        found.append(f"{name} is {block['status']} with parts {[part['order_status'] for part in block['parts']]}")
    if block["is_canceling"] and any(
        part["order_status"] in ("new", "partially_filled") and not part["is_cancel_asked"] for part in block["parts"]
    ):
        found.append(f"{name} is being canceled, and a part was not asked to be")
    return found


def _of_lines(block: Json) -> list[str]:
    name, found = f"block {block['_id']}", []
    shares = sum(part["cumulative_quantity"] for part in block["parts"])
    won = sum(part["filled_amount"] for part in block["parts"])
    sums = [(sum(line["filled_quantity"] for line in block["lines"]), sum(line["filled_amount"] for line in block["lines"]))]
    sums.append((block["filled_quantity"], block["filled_amount"]))
    if any(entry != (shares, won) for entry in sums):
        found.append(f"{name}: lines and total {sums}, parts {(shares, won)}")
    by_account: Counter[str] = Counter()
    for part in block["parts"]:
        by_account[part["account_id"]] += part["cumulative_quantity"]
    for line in block["lines"]:
        by_account[line["account_id"]] -= line["filled_quantity"]
        if shares and abs(line["filled_amount"] * shares - line["filled_quantity"] * won) >= shares:
            found.append(
                f"{name}: line {line['id']} has {line['filled_amount']} won for {line['filled_quantity']} of {shares} shares at {won}"
            )
    if any(by_account.values()):
        found.append(f"{name}: accounts differ by {dict(by_account)}")
    return found


async def _of_funds(desk: Desk, funds: Sequence[Json], positions: dict[tuple[str, str, str], list[int]]) -> list[str]:
    found = []
    for fund in funds:
        answer = await desk.stack.http.get(f"/funds/{fund['id']}/positions", timeout=120)
        answer.raise_for_status()
        for held in answer.json()["items"]:
            shares, won = positions[fund["id"], held["account_id"], held["symbol"]]
            if (held["quantity"] - held["opening_quantity"], held["bought_amount"] - held["sold_amount"]) != (shares, won):
                found.append(f"fund {fund['id']} has {held}, its blocks {shares} shares for {won} won")
    return found


def _opening(desk: Desk) -> list[Json]:
    return [
        {"account_id": account["id"], "symbol": name["symbol"], "quantity": 100_000, "amount": 100_000 * name["price"]}
        for account in desk.accounts
        for name in desk.names
    ]


async def _made(desk: Desk, path: str, body: Json) -> Json:
    answer = await desk.stack.http.post(path, content=msgspec.json.encode(body), headers={"Content-Type": "application/json"}, timeout=60)
    answer.raise_for_status()
    document: Json = answer.json()
    return document
