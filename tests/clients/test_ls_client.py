"""Client libraries for LS, as their authors published them, trade at the sandbox's LS door."""

import pytest

from tests.clients.conftest import ControlledSandbox
from tests.clients.test_kis_client import assert_agrees


@pytest.mark.parametrize(("client", "environment"), [("finestock", "real"), ("ebest", "real"), ("ebest", "paper")])
async def test_an_ls_client_reads_trades_and_hears_of_its_fill(sandbox: ControlledSandbox, client: str, environment: str) -> None:
    account = await sandbox.account("ls", environment)

    seen = await sandbox.let_trade(client, account)

    await assert_agrees(sandbox, account, seen)
    assert "주문가격" in seen.refused
