"""Fills: from the sandbox's execution to the listener, one at a time and as a burst."""

import asyncio
import secrets
from datetime import datetime
from itertools import cycle, islice

from tests.bench.figures import Figures, Spread, note
from tests.bench.helper import Json
from tests.bench.orders import delays_of, numbers_of
from tests.bench.rig import Name, Rig, order_request
from tests.stack import until

_RATE = 20  # single fills a second
_PLACING_RATE = 40  # these orders only prepare: slow enough for any machine
_BURST_LISTENERS = 100
_WAIT_SECONDS = 20.0


async def measure(rig: Rig, figures: Figures, *, singles: int, burst: int) -> None:
    """Single fills at each broker, then the burst."""
    for broker in ("kis", "ls"):
        await _singles(rig, figures, broker, singles if broker == "kis" else singles // 3)
    await _burst(rig, figures, burst)


async def _singles(rig: Rig, figures: Figures, broker: str, count: int) -> None:
    """Orders that wait; a counter-order from outside meets each in turn, with nothing else going on."""
    await rig.stack.sandbox.put("/liquidity", json={"enabled": False})
    placed = await _place_waiting(rig, broker, rig.names[broker], count, rate=_PLACING_RATE if broker == "kis" else 20)
    await rig.until_quiet()
    await rig.listen(1)
    began = asyncio.get_running_loop().time()
    for number, order in enumerate(placed):
        await asyncio.sleep(max(0.0, began + number / _RATE - asyncio.get_running_loop().time()))
        counter = {
            "broker": "kis",
            "account_number": rig.outside["account_number"],
            "symbol": order["symbol"],
            "side": "sell",
            "quantity": 1,
            "price": order["limit_price"],
        }
        (await rig.stack.sandbox.post("/orders", json=counter)).raise_for_status()
    await _until_heard(rig, len(placed))
    heard = await rig.listeners.ask(do="fills")
    executions = [entry for entry in await rig.ledger("executions") if entry["broker"] == broker]
    delays, missing = delays_of(heard, executions, set(numbers_of(placed)))
    spread = Spread.of(delays)
    note(f"  {broker.upper()} fill → SSE, {_RATE}/s: {spread}")
    figures.add(f"{broker.upper()} fill → SSE: p50", spread.p50, "ms", at_most=5)
    figures.add(f"{broker.upper()} fill → SSE: p95", spread.p95, "ms")
    figures.add(f"{broker.upper()} fill → SSE: p99", spread.p99, "ms", at_most=25)
    figures.add(f"{broker.upper()} fill → SSE: lost or repeated", missing + heard["repeats"], "", at_most=0)
    await rig.listeners.ask(do="close")
    await rig.stack.sandbox.put("/liquidity", json={"enabled": True})


async def _burst(rig: Rig, figures: Figures, count: int) -> None:
    """Waiting orders in several names; the price of one name after the other falls on them within one second."""
    names = rig.names["burst"]
    placed = await _place_waiting(rig, "kis", names, count, rate=_PLACING_RATE)
    await rig.until_quiet()
    opened = await rig.listen(_BURST_LISTENERS)
    began = asyncio.get_running_loop().time()
    for number, name in enumerate(names):
        await asyncio.sleep(max(0.0, began + number / len(names) - asyncio.get_running_loop().time()))
        (await rig.stack.sandbox.put(f"/market/{name.symbol}", json={"price": name.patient})).raise_for_status()
    await _until_heard(rig, count)
    heard = await rig.listeners.ask(do="fills")
    numbers = set(numbers_of(placed))
    executions = [entry for entry in await rig.ledger("executions") if entry["broker"] == "kis" and int(entry["order_number"]) in numbers]
    delays, missing = delays_of(heard, executions, numbers, is_last=True)
    instants = [datetime.fromisoformat(entry["at"]).timestamp() for entry in executions]
    mine = [entry for entry in heard["fills"].values() if int(entry[1]) in numbers]
    incomplete = sum(entry[5] != opened["opened"] for entry in mine)
    spread = Spread.of(delays)
    note(
        f"  {len(executions):,} fills within {max(instants) - min(instants):.2f} s, {opened['opened']} listeners; to the last one: {spread}"
    )
    total = max(entry[4] for entry in mine) - min(instants)
    figures.add(f"burst of {len(executions):,} fills, {opened['opened']} listeners: first fill → last delivery", total, "s", at_most=2)
    figures.add("burst: fill → last listener, p50", spread.p50, "ms")
    figures.add("burst: fill → last listener, p99", spread.p99, "ms")
    figures.add("burst: fills lost, repeated or not with every listener", missing + heard["repeats"] + incomplete, "", at_most=0)
    figures.add("burst: listeners that had an order's fills out of order", heard["out_of_order"], "", at_most=0)
    await rig.listeners.ask(do="close")
    for name in names:
        await rig.stack.sandbox.put(f"/market/{name.symbol}", json={"price": name.price})


async def _place_waiting(rig: Rig, broker: str, names: list[Name], count: int, *, rate: int) -> list[Json]:
    run = secrets.token_hex(4)
    pairs = islice(zip(cycle(rig.accounts[broker]), cycle(names), strict=False), count)
    requests = [
        # a step above what earlier parts left waiting at the same price, so that these are the first to be met
        order_request(rig, account, name, name.patient, f"{run}-{number}")
        for number, (account, name) in enumerate(pairs)
    ]
    done = await rig.generator.ask(rate=rate, requests=requests)
    placed = [answer[2] for answer in done["answers"] if answer[1] == 201 and answer[2]["broker_order_ids"]]
    if len(placed) < count:
        note(f"  only {len(placed):,} of {count:,} orders were taken")
    return placed


async def _until_heard(rig: Rig, count: int) -> None:
    async def are_heard() -> bool:
        return int((await rig.listeners.ask(do="counts"))["least_fills"]) >= count

    try:
        await until(are_heard, "every listener has every fill", seconds=_WAIT_SECONDS)
    except AssertionError as error:
        note(f"  {error}")
