"""One sandbox process for all client libraries; each test has an account of its own there."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
import pytest_asyncio

from api.local.process import choose_port
from tests.clients.seen import PRICE, SYMBOL, Seen, Task
from tests.stack import answers
from tests.stack import until as until_async

_ROOT = Path(__file__).parent.parent.parent
_STRANGER_SECONDS = 60


class ControlledSandbox:
    """The sandbox's control API and the way to let a stranger in."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.http = httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=10)

    async def call(self, method: str, path: str, body: object = None) -> Any:
        """One call of the control API."""
        answer = await self.http.request(method, path, json=body)
        answer.raise_for_status()
        return answer.json()

    async def account(self, broker: str, environment: str) -> dict[str, Any]:
        """A new account with the default cash and holdings."""
        account: dict[str, Any] = await self.call("POST", "/accounts", {"broker": broker, "environment": environment})
        return account

    async def let_trade(self, client: str, account: dict[str, Any]) -> Seen:
        """Run a client library at the account in a process of its own; what it saw."""
        await self.call("PUT", f"/market/{SYMBOL}", {"price": PRICE})
        task = Task(client=client, account=account, kis_port=self._port + 1, ls_port=self._port + 2)
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.clients.stranger",
            cwd=_ROOT,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            async with asyncio.timeout(_STRANGER_SECONDS):
                output, errors = await process.communicate(msgspec.json.encode(task))
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        assert process.returncode == 0, f"{client}:\n{errors.decode(errors='replace')[-4000:]}"
        return msgspec.json.decode(output, type=Seen)

    async def executions(self, account: dict[str, Any]) -> list[tuple[int, int, int]]:
        """The account's executions in the ledger: order number, shares, price."""
        rows = await self.call("GET", f"/ledger/executions?broker={account['broker']}&account_number={account['account_number']}")
        return [(int(row["order_number"]), row["quantity"], row["price"]) for row in rows]

    async def state_of(self, account: dict[str, Any], order_number: int) -> str:
        """The state of one order in the ledger."""
        rows = await self.call("GET", f"/ledger/orders?broker={account['broker']}&order_number={order_number}")
        return str(rows[0]["state"])


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def sandbox_port(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[int]:
    """`lucy sandbox` on free ports; its control port."""
    port = choose_port(count=3)
    environment = os.environ | {"LUCY_MODE": "local", "LUCY_SANDBOX_PORT": str(port)}
    with (tmp_path_factory.mktemp("clients") / "sandbox.log").open("wb") as log:
        command = [sys.executable, "-m", "api.cli", "sandbox"]
        process = subprocess.Popen(command, cwd=_ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT)
        try:
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=10) as http:
                await until_async(lambda: answers(http, "/health"), "the sandbox answers")
            yield port
        finally:
            process.terminate()
            process.wait(15)


@pytest_asyncio.fixture
async def sandbox(sandbox_port: int) -> AsyncIterator[ControlledSandbox]:
    """The sandbox with a fresh market and ledger."""
    sandbox = ControlledSandbox(sandbox_port)
    async with sandbox.http:
        await sandbox.call("POST", "/reset")
        yield sandbox
