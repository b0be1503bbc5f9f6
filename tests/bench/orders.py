"""Orders: what ``POST /orders`` adds to the same call made directly to the sandbox, at a steady rate; nothing lost, nothing doubled."""

import json
import secrets
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from itertools import cycle, islice

from api.brokers.kis.codes import TRADING, Tr
from tests.bench.figures import Figures, Spread, note
from tests.bench.generator import Answer
from tests.bench.helper import Json
from tests.bench.rig import Name, Rig, order_request
from tests.stack import until

_SETTLE_SECONDS = 60.0
_SUSTAINED = 300  # orders a second, the target
_NEARLY = 0.97  # the last answer comes after the last second


async def measure(rig: Rig, figures: Figures, *, seconds: int) -> None:
    """Orders that wait, at 20 (a machine at ease), 100 and 300 a second; then 100 a second that each fill."""
    await _warm_up(rig)
    for rate in (20, 100, 300):
        await rig.until_quiet()
        direct = await _direct(rig, rate, max(2, seconds // 2))
        answers, took = await _through_lucy(rig, rate, seconds, is_eager=False)
        direct += await _direct(rig, rate, max(2, seconds // 2))
        _compare(figures, rate, direct, answers)
        await _check(rig, figures, f"{rate}/s", answers)
        taken = len(numbers_of([answer[2] for answer in answers]))
        at_least = rate * _NEARLY if rate == _SUSTAINED else None
        figures.add(f"orders at {rate}/s: acknowledged a second", taken / took, "/s", at_least=at_least)
    await rig.until_quiet()
    await rig.listen(1)
    answers, _ = await _through_lucy(rig, 100, seconds, is_eager=True)
    own = Spread.of([answer[0] for answer in answers])
    figures.add("POST /orders at 100/s, each filled: p50", own.p50, "ms")
    figures.add("POST /orders at 100/s, each filled: p99", own.p99, "ms")
    await _check_fills(rig, figures, answers)
    await rig.listeners.ask(do="close")


async def _warm_up(rig: Rig) -> None:
    """One order an account: tokens, connections, caches."""
    accounts = rig.accounts["kis"] + rig.accounts["ls"]
    name = rig.names["waiting"][0]
    requests = [order_request(rig, account, name, name.patient, f"warm-{secrets.token_hex(8)}") for account in accounts]
    await rig.generator.ask(rate=50, requests=requests)
    await rig.generator.ask(rate=50, requests=_direct_requests(rig, len(rig.direct)))


async def _direct(rig: Rig, rate: int, seconds: int) -> list[Answer]:
    done = await rig.generator.ask(rate=rate, requests=_direct_requests(rig, rate * seconds))
    refused = Counter(answer[2].get("msg1", "") for answer in done["answers"] if answer[1] != 200 or answer[2].get("rt_cd") != "0")
    if refused:
        note(f"  direct calls refused: {dict(refused)}")
    answers: list[Answer] = done["answers"]
    return answers


def _direct_requests(rig: Rig, count: int) -> list[Json]:
    return [
        _direct_request(rig, account, name)
        for account, name in islice(zip(cycle(rig.direct), cycle(rig.names["waiting"]), strict=False), count)
    ]


def _direct_request(rig: Rig, account: Json, name: Name) -> Json:
    headers = {
        "content-type": "application/json; charset=utf-8",
        "authorization": f"Bearer {account['token']}",
        "appkey": account["app_key"],
        "appsecret": account["app_secret"],
        "tr_id": Tr.BUY.value,
        "custtype": "P",
    }
    body = {
        "CANO": account["account_number"][:8],
        "ACNT_PRDT_CD": account["account_number"][8:],
        "PDNO": name.symbol,
        "ORD_DVSN": "00",
        "ORD_QTY": "1",
        "ORD_UNPR": str(name.patient),
        "EXCG_ID_DVSN_CD": "KRX",
        "SLL_TYPE": "",
        "CNDT_PRIC": "",
    }
    return {"url": f"{rig.settings.kis_sandbox_url}{TRADING}/order-cash", "headers": headers, "body": json.dumps(body)}


async def _through_lucy(rig: Rig, rate: int, seconds: int, *, is_eager: bool) -> tuple[list[Answer], float]:
    run = secrets.token_hex(4)
    names = rig.names["eager" if is_eager else "waiting"]
    requests = [
        order_request(rig, account, name, name.eager if is_eager else name.patient, f"{run}-{number}")
        for number, (account, name) in enumerate(islice(zip(cycle(rig.accounts["kis"]), cycle(names), strict=False), rate * seconds))
    ]
    before = rig.cpu_seconds()
    done = await rig.generator.ask(rate=rate, requests=requests)
    after = rig.cpu_seconds()
    used = ", ".join(f"{name} {(after[name] - before[name]) * 1000 / len(requests):.2f}" for name in sorted(after))
    note(f"  {len(requests):,} orders at {rate}/s in {done['seconds']:.1f} s; generator late by {done['lag_milliseconds']:.0f} ms at most")
    note(f"  CPU ms an order: {used}")
    answers: list[Answer] = done["answers"]
    return answers, done["seconds"]


def _compare(figures: Figures, rate: int, direct: list[Answer], answers: list[Answer]) -> None:
    theirs, ours = Spread.of([answer[0] for answer in direct]), Spread.of([answer[0] for answer in answers])
    note(f"  direct  {theirs}\n  Lucy    {ours}")
    stages = [answer[2]["stages"] for answer in answers if answer[1] == 201]
    for label, start, end in (("received → stored", "received_at", "stored_at"), ("sent → answered", "sent_at", "answered_at")):
        spans = [_span(entry[start], entry[end]) for entry in stages if entry[start] and entry[end]]
        note(f"    {label}: {Spread.of(spans)}")
    is_target = rate == 100
    figures.add(f"order at {rate}/s, added over direct: p50", ours.p50 - theirs.p50, "ms", at_most=3 if is_target else None)
    figures.add(f"order at {rate}/s, added over direct: p95", ours.p95 - theirs.p95, "ms")
    figures.add(f"order at {rate}/s, added over direct: p99", ours.p99 - theirs.p99, "ms", at_most=15 if is_target else None)
    figures.add(f"order at {rate}/s, Lucy / direct: p50", ours.p50 / theirs.p50, "x")
    figures.add(f"order at {rate}/s, Lucy / direct: p99", ours.p99 / theirs.p99, "x")


async def _check(rig: Rig, figures: Figures, label: str, answers: list[Answer]) -> None:
    """Every answered order is at the broker once, and no other."""
    statuses = Counter((answer[1], answer[2].get("code") or answer[2].get("status")) for answer in answers)
    note(f"  answers: {', '.join(f'{status} {word}: {count:,}' for (status, word), count in statuses.most_common())}")
    odd = next((answer[2] for answer in answers if answer[1] != 201 and "detail" in answer[2]), None)
    if odd is not None:
        note(f"    the first that was not taken: {odd['detail']}")
    taken = numbers_of([answer[2] for answer in answers])
    rows = [row for row in await rig.ledger("orders") if row["broker"] == "kis" and row["kind"] == "new"]
    at_broker = Counter(int(row["order_number"]) for row in rows)
    between = sum(min(taken) <= number <= max(taken) for number in at_broker) if taken else 0  # nobody else orders meanwhile
    figures.add(f"orders at {label}: acknowledged", len(taken), "", at_least=len(answers))
    figures.add(f"orders at {label}: acknowledged and not at the broker", sum(number not in at_broker for number in taken), "", at_most=0)
    figures.add(f"orders at {label}: at the broker more than once", max(0, between - len(answers)), "", at_most=0)


def numbers_of(orders: Sequence[Json]) -> list[int]:
    """The broker's numbers of those that it took."""
    return [int(order["broker_order_ids"][0]) for order in orders if order.get("broker_order_ids")]


async def _check_fills(rig: Rig, figures: Figures, answers: list[Answer]) -> None:
    await _check(rig, figures, "100/s, each filled", answers)
    numbers = numbers_of([answer[2] for answer in answers])

    async def are_heard() -> bool:
        return int((await rig.listeners.ask(do="counts"))["least_fills"]) >= len(numbers)

    try:
        await until(are_heard, "every fill is heard", seconds=_SETTLE_SECONDS)
    except AssertionError as error:
        note(f"  {error}")
    heard = await rig.listeners.ask(do="fills")
    delays, missing = delays_of(heard, await rig.ledger("executions"), set(numbers))
    spread = Spread.of(delays)
    note(f"  fill → SSE while 100 orders/s go out: {spread}")
    figures.add("fill → SSE while 100 orders/s go out: p50", spread.p50, "ms", at_most=5)
    figures.add("fill → SSE while 100 orders/s go out: p99", spread.p99, "ms", at_most=25)
    figures.add("fill → SSE while 100 orders/s go out: lost or repeated", missing + heard["repeats"], "", at_most=0)


def delays_of(heard: Json, executions: list[Json], numbers: set[int], *, is_last: bool = False) -> tuple[list[float], int]:
    """Milliseconds from each execution at the market to its arrival, and how many never came. One share a fill.

    Args:
        heard: What the listeners' process knows of fills.
        executions: The sandbox's, of the accounts that Lucy knows.
        numbers: Broker order numbers of this part; one broker.
        is_last: Take the last listener's arrival in place of the first's.
    """
    arrived = {int(entry[1]): entry[4 if is_last else 3] for entry in heard["fills"].values()}
    mine = [entry for entry in executions if int(entry["order_number"]) in numbers]
    delays = [
        (arrived[int(entry["order_number"])] - datetime.fromisoformat(entry["at"]).timestamp()) * 1000
        for entry in mine
        if int(entry["order_number"]) in arrived
    ]
    return delays, len(mine) - len(delays)


def _span(start: str, end: str) -> float:
    return (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds() * 1000
