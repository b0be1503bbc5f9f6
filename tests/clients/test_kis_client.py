"""Client libraries for KIS, as their authors published them, trade at the sandbox's KIS door."""

from typing import Any

import pytest

from tests.clients.conftest import ControlledSandbox
from tests.clients.seen import BOUGHT, PRICE, Seen
from tests.stack import until

# python-kis as published knows the notice of before 2025-03 and the trade of before 2026-09, and drops the wider ones with an error
_EARLIER = {"kis_notice_layout": "23-2024", "kis_trade_fields": "46"}


@pytest.mark.parametrize(
    ("client", "environment", "variants"),
    [("kis_trader", "real", {}), ("kis_trader", "paper", {}), ("python_kis", "real", _EARLIER)],
)
async def test_a_kis_client_reads_trades_and_hears_of_its_fill(
    sandbox: ControlledSandbox, client: str, environment: str, variants: dict[str, str]
) -> None:
    await sandbox.call("PUT", "/variants", variants)
    account = await sandbox.account("kis", environment)

    seen = await sandbox.let_trade(client, account)

    await assert_agrees(sandbox, account, seen)
    assert "호가단위" in seen.refused


async def assert_agrees(sandbox: ControlledSandbox, account: dict[str, Any], seen: Seen) -> None:
    """What a client saw is what happened."""
    assert (seen.price, seen.cash, seen.positions) == (PRICE, account["cash"], account["positions"])
    assert await sandbox.executions(account) == [(seen.bought, BOUGHT, PRICE)]
    assert seen.fills == [(seen.bought, BOUGHT, PRICE)]
    assert {number: shares for number, shares in seen.day.items() if shares} == {seen.bought: BOUGHT}

    async def is_canceled() -> bool:
        return await sandbox.state_of(account, seen.changed) == "canceled"

    await until(is_canceled, "the exchange has confirmed the cancel", seconds=10)
