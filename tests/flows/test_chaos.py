"""A short run of `make chaos` with a fixed plan: kills, faults and a moving market, and nothing lost, doubled or misheard."""

from pathlib import Path

import pytest

from tests.chaos.run import Plan, run

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_after_kills_and_faults_lucy_agrees_with_the_market_to_the_last_share(tmp_path: Path) -> None:
    plan = Plan(orders=250, rate=20, clients=32, faults=0.15, kill_every=7, accounts={"kis": 5, "ls": 3}, seed=4711)

    report = await run(plan, tmp_path)

    assert report.differences == [], report.text
    assert report.kills >= 2, report.text
