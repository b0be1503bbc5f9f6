"""Funds, plans, blocks and allocation reports in a headless Chromium, against everything real."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from tests.browser.conftest import in_browser
from tests.stack import Stack

pytestmark = pytest.mark.asyncio(loop_scope="session")

SYMBOL = "005930"


async def post(stack: Stack, path: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = await stack.http.post(path, json=body)
    assert answer.status_code in (200, 201), answer.text
    document: dict[str, Any] = answer.json()
    return document


async def block_of_unknown_outcome(stack: Stack, mark: str) -> str:
    """A block of which the broker never answered for one part, and nothing settles it by itself meanwhile."""
    account_id = stack.accounts["kis"]["id"]
    settings = {"settings": {"never_received_after_seconds": 3600}}
    (await stack.http.patch(f"/accounts/{account_id}", json=settings)).raise_for_status()
    fund = await post(stack, "/funds", {"name": f"unknown {mark}", "budget": 100_000_000})
    lines = [{"fund_id": fund["id"], "account_id": account_id}]
    plan = await post(stack, "/allocation-plans", {"name": f"one {mark}", "method": "equal", "lines": lines})
    price = (await stack.http.get("/instruments/000660")).json()["lower_limit_price"]
    await stack.sandbox.post("/faults", json={"broker": "kis", "operation": "place", "kind": "cut_before_taken", "count": 1})
    request = {"plan_id": plan["id"], "symbol": "000660", "side": "buy", "quantity": 3, "limit_price": price}
    block = await post(stack, "/block-orders", request)
    assert block["status"] == "unknown", block
    return str(block["id"])


@pytest.mark.parametrize("device", ["desktop", "phone"])
async def test_a_manager_divides_a_block_loses_its_answer_and_still_places_it_once(
    stack_with_pages: Stack, tmp_path: Path, device: str
) -> None:
    stack = stack_with_pages
    instrument = (await stack.http.get(f"/instruments/{SYMBOL}")).json()
    told = {
        "kis": stack.accounts["kis"]["id"],
        "ls": stack.accounts["ls"]["id"],
        "symbol": SYMBOL,
        "lower": instrument["lower_limit_price"],
        "upper": instrument["upper_limit_price"],
        "unknown": await block_of_unknown_outcome(stack, device),
        "mark": device,
    }

    seen = await in_browser(stack, "blocks.mjs", tmp_path, json.dumps(told), device)

    assert (seen["opening"], seen["changed_budget"], seen["weights"]) == ("25", "500,000,000원", "102.5")
    assert sum(seen["shares"]) == 101
    assert seen["missed"] == "filled" or seen["while_away"] == "0"
    assert seen["repriced"] != f"{told['lower']:,}원"
    block = (await stack.http.get(f"/block-orders/{seen['block_id']}")).json()
    assert (block["status"], block["filled_quantity"]) == ("filled", 101)
    assert seen["filled"] == [[line["filled_quantity"], line["filled_amount"]] for line in block["lines"]]
    assert seen["average"].replace(",", "") == f"{float(block['average_price']):.4f}".rstrip("0").rstrip(".")
    blocks = (await stack.http.get("/block-orders", params={"fund_id": seen["funds"][0]})).json()["items"]
    assert {each["id"] for each in blocks} == {seen["block_id"], seen["canceled_id"]}
    placed = [order for part in block["parts"] for order in [await stack.order(part["order_id"])]]
    assert sum(order["cumulative_quantity"] for order in placed) == 101
    fund = (await stack.http.get(f"/funds/{seen['funds'][0]}")).json()
    assert seen["used"] == f"{fund['used_amount']:,}원"
    assert (fund["trading_state"], fund["name"] in seen["banner"]) == ("halted", True)

    rows = list(csv.DictReader(io.StringIO((tmp_path / "report.csv").read_bytes().decode("utf-8-sig"))))
    of_block = [int(row["체결금액"]) for row in rows if row["블록주문"] == block["id"]]
    assert of_block == [line["filled_amount"] for line in block["lines"]]
    assert (tmp_path / "report.xlsx").read_bytes().startswith(b"PK")
    assert all(name.startswith("allocation-") and name.endswith(kind) for kind, name in seen["files"].items())
