"""`make chaos`: orders, kills and faults at random; then Lucy must agree with the market to the last share.

It prints the seed: the same seed makes the same plan, though not the same timing. Exit 0 only without any difference.
"""

import argparse
import asyncio
import secrets
import shutil
import sys
import tempfile
from pathlib import Path

from tests.chaos.run import Plan, run


def main() -> int:
    """Run, print, and say whether anything differs."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--orders", type=int, default=5_000, help="orders to place (default 5,000)")
    parser.add_argument("--rate", type=float, default=40.0, help="requests a second aimed at (default 40)")
    parser.add_argument("--clients", type=int, default=48, help="clients that order side by side (default 48)")
    parser.add_argument("--faults", type=float, default=0.15, help="share of order calls that a broker spoils (default 0.15)")
    parser.add_argument("--kill-every", type=float, default=10.0, help="seconds between kills, on average (default 10)")
    parser.add_argument("--kis", type=int, default=10, help="KIS accounts (default 10)")
    parser.add_argument("--ls", type=int, default=4, help="LS accounts (default 4)")
    parser.add_argument("--seed", type=int, default=None, help="of the plan (default: a new one)")
    parser.add_argument("--keep", type=Path, default=None, help="folder for logs and data, kept after the run")
    given = parser.parse_args()
    seed = given.seed if given.seed is not None else secrets.randbelow(1_000_000)
    plan = Plan(
        orders=given.orders,
        rate=given.rate,
        clients=given.clients,
        faults=given.faults,
        kill_every=given.kill_every,
        accounts={"kis": given.kis, "ls": given.ls},
        seed=seed,
    )
    folder = given.keep or Path(tempfile.mkdtemp(prefix="lucy-chaos-"))
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        parser.error(f"{folder} is not empty: a run begins with nothing")
    report = asyncio.run(run(plan, folder))
    print(report.text)
    if report.differences:
        print(f"Logs and data: {folder}")
    elif given.keep is None:
        shutil.rmtree(folder, ignore_errors=True)
    return 1 if report.differences else 0


if __name__ == "__main__":
    sys.exit(main())
