"""Everything on this machine, in one run, bounded in count and time, on loopback only.

``--quick`` for a short run; ``--only orders,fills`` for some parts; ``--orders 1000000`` and ``--idle 10000`` for the full sizes.
"""

import argparse
import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from tests.bench import events, fills, lists, orders, parsing
from tests.bench.figures import Figures, note
from tests.bench.rig import Rig, prepared

PARTS = ("orders", "fills", "fan-out", "lists", "idle")
_PARSING = "parsing"  # needs no servers


def main() -> int:
    """Run and print; 0 whatever the figures are."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer of everything: about a minute")
    parser.add_argument("--only", default=",".join((_PARSING, *PARTS)), help=f"some of: {','.join((_PARSING, *PARTS))}")
    parser.add_argument("--orders", type=int, default=None, help="size of the collection to list from (default 200,000; target 1,000,000)")
    parser.add_argument("--idle", type=int, default=None, help="idle listeners (default 10,000)")
    arguments = parser.parse_args()
    wanted = set(arguments.only.split(","))
    if unknown := wanted - {_PARSING, *PARTS}:
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    asyncio.run(_run(arguments.quick, wanted, arguments.orders, arguments.idle))
    return 0


async def _run(is_quick: bool, wanted: set[str], order_count: int | None, idle: int | None) -> None:
    figures = Figures()
    parts: dict[str, Callable[[Rig], Awaitable[None]]] = {
        "orders": lambda rig: orders.measure(rig, figures, seconds=4 if is_quick else 10),
        "fills": lambda rig: fills.measure(rig, figures, singles=60 if is_quick else 200, burst=300 if is_quick else 1_000),
        "fan-out": lambda rig: events.measure_fan_out(rig, figures, listeners=200 if is_quick else 1_000, seconds=5 if is_quick else 10),
        "lists": lambda rig: lists.measure(rig, figures, orders=order_count or (20_000 if is_quick else 200_000)),
        "idle": lambda rig: events.measure_idle(rig, figures, listeners=idle or (1_000 if is_quick else 10_000)),
    }
    began = time.monotonic()
    if _PARSING in wanted:
        note("parsing …")
        await asyncio.to_thread(parsing.measure, figures, is_quick=is_quick)
    if wanted != {_PARSING}:
        await _run_on_servers(parts, wanted)
    figures.print()
    note(f"\n{time.monotonic() - began:.0f} s. Targets: design.md §11, for one 2-core machine with nothing else running on it.")


async def _run_on_servers(parts: dict[str, Callable[[Rig], Awaitable[None]]], wanted: set[str]) -> None:
    with tempfile.TemporaryDirectory(prefix="lucy-bench-") as folder:
        async with prepared(Path(folder)) as rig:
            note(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; servers, load and listeners are processes of their own")
            for name in PARTS:
                if name in wanted:
                    note(f"{name} …")
                    started, others = time.monotonic(), rig.other_seconds()
                    await parts[name](rig)
                    seconds = time.monotonic() - started
                    share = (rig.other_seconds() - others) / seconds / (os.cpu_count() or 1) * 100
                    note(f"  {seconds:.0f} s; other programs took {share:.0f} % of the machine meanwhile")


if __name__ == "__main__":
    sys.exit(main())
