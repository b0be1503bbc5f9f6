"""Lucy against the market's own ledger, order by order and fill by fill; and what a listener and a webhook's receiver heard."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from tests.chaos.blocks import compare_blocks
from tests.chaos.desk import Desk, Json
from tests.chaos.listener import Listener
from tests.chaos.load import Load, Request
from tests.chaos.receiver import WebhookRecord

_DEAD = ("filled", "canceled", "rejected", "expired")


class Findings(Struct):
    """What was compared and what differs."""

    orders: int
    at_broker: int
    fills: int
    shares: int
    won: int
    statuses: Counter[str]
    blocks: Counter[str]
    differences: list[str]


async def compare(desk: Desk, funds: Sequence[Json], load: Load, listener: Listener, receiver: WebhookRecord) -> Findings:
    """Read everything and compare."""
    rows, executions = [await _ledger(desk, what) for what in ("orders", "executions")]
    orders = [order for account in desk.accounts for order in await _orders_of(desk, account["id"])]
    findings = Findings(
        orders=len(orders),
        at_broker=sum(row["kind"] == "new" for row in rows),
        fills=len(executions),
        shares=sum(row["quantity"] for row in executions),
        won=sum(row["quantity"] * row["price"] for row in executions),
        statuses=Counter(order["status"] for order in orders),
        blocks=Counter(),
        differences=[],
    )
    _compare_orders(findings, orders, rows, executions)
    _compare_requests(findings, {order["client_order_id"]: order["id"] for order in orders}, load.requests)
    findings.blocks, names, differences = await compare_blocks(desk, funds, orders, listener)
    findings.differences += differences
    _compare_requests(findings, names, load.blocks)
    _compare_events(findings, orders, listener, "the listener heard")
    _compare_events(findings, orders, receiver, "the webhook's receiver took")
    findings.differences.extend(receiver.faults)
    if not findings.differences:
        findings.differences += await _own_checks(desk)
    return findings


async def _own_checks(desk: Desk) -> list[str]:
    """What Lucy's own checks say: the reconciliation reports and the chain of the audit log. A fill that no stream told of is no fault."""
    reports = await desk.stack.http.get("/reconciliation-reports", timeout=120)
    reports.raise_for_status()
    chain = await desk.stack.http.get("/audit/verify", timeout=120)
    chain.raise_for_status()
    found = [
        f"the report of account {report['account_id']} says {difference}"
        for report in reports.json()["items"]
        for difference in report["differences"]
        if difference["code"] != "fill_not_streamed"
    ]
    return found if chain.json()["is_whole"] else [*found, f"the audit log's chain is broken: {chain.json()}"]


async def _ledger(desk: Desk, what: str) -> list[Json]:
    numbers = {account["number"] for account in desk.accounts}
    rows: list[Json] = (await desk.stack.sandbox.get(f"/ledger/{what}", timeout=60)).json()
    return [row for row in rows if row["account_number"] in numbers]


async def _orders_of(desk: Desk, account_id: str) -> list[Json]:
    found: list[Json] = []
    cursor: dict[str, str] = {}
    while True:
        answer = await desk.stack.http.get("/orders", params={"account_id": account_id, "limit": "200"} | cursor)
        answer.raise_for_status()
        page = answer.json()
        found += page["items"]
        if page["next_cursor"] is None:
            return found
        cursor = {"cursor": page["next_cursor"]}


def _key(row: Json) -> tuple[str, int]:
    return row["broker"], int(row["order_number"])


def _compare_orders(findings: Findings, orders: Iterable[Json], rows: Iterable[Json], executions: Iterable[Json]) -> None:
    tell = findings.differences.append
    at_broker = {_key(row): row for row in rows}
    traded: dict[tuple[str, int], list[Json]] = defaultdict(list)
    for execution in executions:
        if not execution["is_busted"]:
            traded[_key(execution)].append(execution)
    claims: dict[tuple[str, int], list[str]] = defaultdict(list)
    for order in orders:
        keys = [(order["broker"], int(number)) for number in order["broker_order_ids"]]
        for key in keys:
            claims[key].append(order["id"])
        chain = [at_broker[key] for key in keys if key in at_broker]
        if len(chain) < len(keys):
            tell(f"order {order['id']} claims {keys}, of which the broker has {len(chain)}")
        if sum(row["kind"] == "new" for row in chain) > 1:
            tell(f"order {order['id']} is at the broker twice: {keys}")
        if chain and (order["origin"] == "external") != chain[0]["is_external"]:
            tell(f"order {order['id']} is {order['origin']}, but was placed {'outside' if chain[0]['is_external'] else 'by Lucy'}")
        _compare_one(findings, order, chain, [execution for key in keys for execution in traded[key]])
    for key, row in at_broker.items():
        if row["kind"] == "cancel":
            continue
        if key not in claims:
            tell(f"{row['kind']} order {key} of {row['symbol']} ({row['state']}) is at the broker and not in Lucy")
        elif len(claims[key]) > 1:
            tell(f"order {key} is claimed by {claims[key]}")


def _compare_one(findings: Findings, order: Json, chain: list[Json], executions: list[Json]) -> None:
    tell = findings.differences.append
    shares = sum(execution["quantity"] for execution in executions)
    won = sum(execution["quantity"] * execution["price"] for execution in executions)
    kept = (sum(fill["quantity"] for fill in order["fills"]), sum(fill["amount"] for fill in order["fills"]))
    if kept != (order["cumulative_quantity"], order["filled_amount"]):
        tell(f"order {order['id']}: fills {kept} against totals {order['cumulative_quantity']}, {order['filled_amount']}")
    if order["cumulative_quantity"] != shares:
        tell(f"order {order['id']} ({order['broker']}): {order['cumulative_quantity']} shares, at the broker {shares}")
    elif order["filled_amount"] != won:
        tell(f"order {order['id']} ({order['broker']}): {order['filled_amount']} won, at the broker {won}")
    if all(fill["source"] == "stream" for fill in order["fills"]):
        ours = Counter((fill["quantity"], fill["price"]) for fill in order["fills"])
        theirs = Counter((execution["quantity"], execution["price"]) for execution in executions)
        if ours != theirs and order["filled_amount"] == won:
            tell(f"order {order['id']}: fills {dict(ours)}, at the broker {dict(theirs)}")
    open_shares = sum(row["leaves_quantity"] for row in chain if row["kind"] != "cancel")
    if order["status"] in _DEAD:
        if open_shares:
            tell(f"order {order['id']} is {order['status']}, but {open_shares} shares are open at the broker")
    elif order["status"] not in ("new", "partially_filled"):
        tell(f"order {order['id']} is still {order['status']}")
    elif order["leaves_quantity"] != open_shares:
        tell(f"order {order['id']} is {order['status']}: {order['leaves_quantity']} open, at the broker {open_shares}")


def _compare_requests(findings: Findings, ids: Mapping[str, str], requests: dict[str, Request]) -> None:
    """What clients were answered against what is stored: ``ids`` by client order id."""
    for name, request in requests.items():
        if len(request.order_ids) > 1:
            findings.differences.append(f"request {name} was answered with {sorted(request.order_ids)}")
        if request.order_ids and ids.get(name) not in request.order_ids:
            findings.differences.append(f"request {name} was answered with {sorted(request.order_ids)}, which Lucy does not have")


def _compare_events(findings: Findings, orders: Iterable[Json], heard_by: Listener | WebhookRecord, what: str) -> None:
    for order in orders:
        heard = heard_by.versions.get(order["id"], [])
        if heard != list(range(1, order["version"] + 1)):
            findings.differences.append(f"order {order['id']} has {order['version']} versions; {what} {heard}")
        fills = heard_by.fills.get(order["id"], [])
        if sorted(fills) != sorted(fill["id"] for fill in order["fills"]):
            findings.differences.append(f"order {order['id']} has {len(order['fills'])} fills; {what} {fills}")
    if heard_by.resyncs:
        findings.differences.append(f"{what} {heard_by.resyncs} times that it must resync")
