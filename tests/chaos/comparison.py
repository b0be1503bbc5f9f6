"""Lucy against the market's own ledger, order by order and fill by fill; and what a listener heard against Lucy."""

from collections import Counter, defaultdict
from collections.abc import Iterable

from msgspec import Struct

from tests.chaos.desk import Desk, Json
from tests.chaos.listener import Listener
from tests.chaos.load import Request

_DEAD = ("filled", "canceled", "rejected", "expired")


class Findings(Struct):
    """What was compared and what differs."""

    orders: int
    at_broker: int
    fills: int
    shares: int
    won: int
    statuses: Counter[str]
    rounded: int
    differences: list[str]


async def compare(desk: Desk, requests: dict[str, Request], listener: Listener) -> Findings:
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
        rounded=0,
        differences=[],
    )
    _compare_orders(findings, orders, rows, executions)
    _compare_requests(findings, orders, requests)
    _compare_events(findings, orders, listener)
    return findings


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


def _compare_requests(findings: Findings, orders: Iterable[Json], requests: dict[str, Request]) -> None:
    by_name = {order["client_order_id"]: order for order in orders}
    for name, request in requests.items():
        if len(request.order_ids) > 1:
            findings.differences.append(f"request {name} was answered with {sorted(request.order_ids)}")
        stored = by_name.get(name)
        if request.order_ids and (stored is None or stored["id"] not in request.order_ids):
            findings.differences.append(f"request {name} was answered with {sorted(request.order_ids)}, which Lucy does not have")


def _compare_events(findings: Findings, orders: Iterable[Json], listener: Listener) -> None:
    for order in orders:
        heard = listener.versions.get(order["id"], [])
        if heard != list(range(1, order["version"] + 1)):
            findings.differences.append(f"order {order['id']} has {order['version']} versions; the listener heard {heard}")
        fills = listener.fills.get(order["id"], [])
        if sorted(fills) != sorted(fill["id"] for fill in order["fills"]):
            findings.differences.append(f"order {order['id']} has {len(order['fills'])} fills; the listener heard {fills}")
    if listener.resyncs:
        findings.differences.append(f"the listener was told to resync {listener.resyncs} times")
