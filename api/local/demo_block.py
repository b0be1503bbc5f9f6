"""The block of ``lucy demo``: one decision for two funds, at both brokers, and who got what of it."""

from collections.abc import Mapping, Sequence
from typing import Any

import httpx
from msgspec import Struct

from api.local.demo_report import body_of, pad

Json = dict[str, Any]

FUNDS = {"Lucy demo A": 3, "Lucy demo B": 2}
"""Names, and what each gets in proportion."""

PLAN = "Lucy demo 3:2"
BUDGET = 10_000_000_000


def plan_of(fund_ids: Sequence[str], account_ids: Sequence[str]) -> Json:
    """The request that makes the plan: each fund at each account."""
    lines = [
        {"fund_id": fund_id, "account_id": account_id, "value": str(weight)}
        for fund_id, weight in zip(fund_ids, FUNDS.values(), strict=True)
        for account_id in account_ids
    ]
    return {"name": PLAN, "method": "ratio", "on_rejection": "keep", "lines": lines}


def is_plan_of(plan: Json, fund_ids: Sequence[str], account_ids: Sequence[str]) -> bool:
    """Whether an older run made this plan for the same funds and accounts."""
    wanted = plan_of(fund_ids, account_ids)
    lines = [{name: line[name] for name in ("fund_id", "account_id", "value")} for line in plan["lines"]]
    return (plan["name"], plan["method"], lines) == (PLAN, wanted["method"], wanted["lines"])


async def find_plan(api: httpx.AsyncClient, account_ids: Sequence[str]) -> tuple[dict[str, str], str]:
    """Names of the demo's funds by id, and the id of its plan; made where an older run has not. Raises `LocalError`."""
    funds = {fund["name"]: fund for fund in body_of(await api.get("/funds"))["items"]}
    for name in FUNDS:
        if name not in funds:
            funds[name] = body_of(await api.post("/funds", json={"name": name, "budget": BUDGET}))
    names = {str(funds[name]["id"]): name for name in FUNDS}
    plans = body_of(await api.get("/allocation-plans"))["items"]
    found = [plan for plan in plans if is_plan_of(plan, list(names), account_ids)]
    if not found:
        found = [body_of(await api.post("/allocation-plans", json=plan_of(list(names), account_ids)))]
    return names, str(found[0]["id"])


async def traded(api: httpx.AsyncClient, fund_id: str, symbol: str) -> tuple[int, int]:
    """Shares and won that a fund ever traded, sales as positive as purchases."""
    positions = [entry for entry in body_of(await api.get(f"/funds/{fund_id}/positions"))["items"] if entry["symbol"] == symbol]
    return (
        sum(entry["bought_quantity"] + entry["sold_quantity"] for entry in positions),
        sum(entry["bought_amount"] + entry["sold_amount"] for entry in positions),
    )


class BlockResult(Struct, kw_only=True, frozen=True):
    """The block at its end.

    Attributes:
        block: As the API tells it.
        positions: Shares and won by fund id that the funds' positions changed by.
        ledger_quantity: Shares that the market executed for its orders.
        ledger_amount: Won of them.
        is_heard: An event told of its end.
    """

    block: Json
    positions: Mapping[str, tuple[int, int]]
    ledger_quantity: int
    ledger_amount: int
    is_heard: bool

    def of_fund(self, fund_id: str) -> tuple[int, int]:
        """Shares and won of a fund's lines."""
        lines = [line for line in self.block["lines"] if line["fund_id"] == fund_id]
        return sum(line["filled_quantity"] for line in lines), sum(line["filled_amount"] for line in lines)

    @property
    def agrees(self) -> bool:
        """Whether lines, the funds' positions and the market tell the same, to the won."""
        sums = [self.of_fund(fund_id) for fund_id in self.positions]
        return (
            self.is_heard
            and self.block["status"] == "filled"
            and (sum(shares for shares, _ in sums), sum(won for _, won in sums)) == (self.ledger_quantity, self.ledger_amount)
            and all(self.positions[fund_id] == self.of_fund(fund_id) for fund_id in self.positions)
        )


def print_block(result: BlockResult, names: Mapping[str, str]) -> None:
    """Who got what; ``names`` by fund id."""
    block = result.block
    print(
        f"\nblock of {block['filled_quantity']:,} {block['symbol']} in {len(block['parts'])} orders, "
        f"average {block['average_price']} won, {result.ledger_amount:,} won at the market"
    )
    for fund_id, (shares, won) in result.positions.items():
        print(f"     {pad(names[fund_id], 14)}{shares:>8,} shares{won:>17,} won")
    print(f"     {'agree' if result.agrees else 'DIFFER'}")
