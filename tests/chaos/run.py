"""One run from a plan to a report."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import httpx
from msgspec import Struct

from tests.chaos.blocks import make_plans
from tests.chaos.comparison import Findings, compare
from tests.chaos.desk import Desk, Json, desk
from tests.chaos.listener import Listener
from tests.chaos.load import Load
from tests.chaos.receiver import WebhookRecord, recording
from tests.chaos.storm import Storm

_SETTLE_SECONDS = 60.0
_SHOWN = 40


class Plan(Struct, kw_only=True, frozen=True):
    """What a run does; ``faults`` is the share of order calls that a broker spoils, ``kill_every`` in seconds."""

    orders: int
    rate: float
    clients: int
    faults: float
    kill_every: float
    accounts: dict[str, int]
    seed: int


class Report(Struct, frozen=True):
    """What came of it."""

    text: str
    differences: list[str]
    kills: int


async def run(plan: Plan, folder: Path) -> Report:
    """Load and storm, then calm, then the count."""
    print(f"seed {plan.seed}: {plan.orders:,} orders over {plan.accounts}, a kill every {plan.kill_every:g} s …", flush=True)
    async with desk(folder, plan.accounts) as made, recording(made, random.Random(f"receiver {plan.seed}")) as receiver:
        funds, plans = await make_plans(made, random.Random(f"plans {plan.seed}"))
        load = Load(made, plans, random.Random(f"load {plan.seed}"), orders=plan.orders, rate=plan.rate, clients=plan.clients)
        storm = Storm(made, random.Random(f"storm {plan.seed}"), share=plan.faults, kill_every=plan.kill_every)
        listener = Listener(made)
        hearing = asyncio.create_task(listener.run())
        raging = asyncio.create_task(storm.run())
        began = time.monotonic()
        try:
            loading = asyncio.create_task(load.run())
            done, _ = await asyncio.wait({loading, raging}, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()  # a storm that ends, ended by a fault of its own
            loaded = time.monotonic() - began
            raging.cancel()
            await asyncio.gather(raging, return_exceptions=True)
            await storm.calm()
            await _bring_back(made)
            findings, settled = await _settle(made, funds, load, listener, receiver)
        finally:
            for task in (raging, hearing, loading):
                task.cancel()
            await asyncio.gather(raging, hearing, loading, return_exceptions=True)
    differences = findings.differences + [f"internal error: {crash}" for crash in load.crashes[:5]]
    return Report(
        _text(plan, made, load, storm, listener, receiver, findings, loaded, settled, differences), differences, made.kills.total()
    )


async def _bring_back(made: Desk) -> None:
    """A kill that the calm cut short leaves its part down: see that all run."""
    await made.revive()
    await made.until_all_is_up()


async def _settle(made: Desk, funds: Sequence[Json], load: Load, listener: Listener, receiver: WebhookRecord) -> tuple[Findings, float]:
    """Compare until nothing differs, or time is up."""
    began = time.monotonic()
    while True:
        try:
            findings = await compare(made, funds, load, listener, receiver)
        except httpx.HTTPError:
            await asyncio.sleep(0.5)
            continue
        settled = time.monotonic() - began
        if not findings.differences or settled > _SETTLE_SECONDS:
            return findings, settled
        await asyncio.sleep(1.0)


def _text(
    plan: Plan,
    made: Desk,
    load: Load,
    storm: Storm,
    listener: Listener,
    receiver: WebhookRecord,
    findings: Findings,
    loaded: float,
    settled: float,
    differences: list[str],
) -> str:
    faults = Counter({name: count for name, count in storm.counts.items() if name.startswith("fault ")})
    sent = sum(count for name, count in load.counts.items() if name.startswith(("place", "cancel", "replace")))
    lines = [
        f"orders asked for        {len(load.requests):>9,}  (requests sent {sent:,}, {loaded:.0f} s)",
        f"orders at the brokers   {findings.at_broker:>9,}  (placed outside Lucy {storm.counts['orders placed outside']:,})",
        f"orders in Lucy          {findings.orders:>9,}  {dict(findings.statuses.most_common())}",
        f"blocks                  {findings.blocks.total():>9,}  {dict(findings.blocks.most_common())}",
        f"executions              {findings.fills:>9,}  {findings.shares:,} shares, {findings.won:,} won",
        f"events heard            {listener.events:>9,}  over {listener.connections} connections",
        f"taken by webhook        {receiver.counts['taken']:>9,}  {dict(receiver.counts)}",
        f"kills                   {made.kills.total():>9,}  {dict(made.kills)}, ended by itself {dict(made.ended_by_itself)}",
        f"faults                  {faults.total():>9,}  {dict(Counter(name.split()[1] for name in faults.elements()))}",
        f"other disturbances      {storm.counts.total() - faults.total():>9,}",
        f"settled after           {settled:>9.1f}  s",
        f"differences             {len(differences):>9,}  seed {plan.seed}",
    ]
    lines += [f"  {name}: {count:,}" for name, count in sorted(load.counts.items())]
    return "\n".join(lines + [f"- {difference}" for difference in differences[:_SHOWN]])
