"""The SPA in a headless Chromium, against everything real: pages, API, worker, sandbox brokers."""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from tests.conftest import RunningServers, fresh_settings
from tests.stack import ROOT, Child, Stack, answers, running, until

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stack_with_pages(servers: RunningServers, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    """The whole stack, and the built pages on their own server."""
    folder = tmp_path_factory.mktemp("browser")
    with fresh_settings(servers, folder) as settings:
        async with running(settings, folder) as stack:
            pages = Child("spa", settings, folder / "spa.log")
            pages.start()
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{settings.spa_port}") as client:
                await until(lambda: answers(client, "/config.json"), "the pages are served")
            yield stack
            await asyncio.to_thread(pages.close)


@pytest.mark.parametrize(("device", "symbol"), [("desktop", "005930"), ("phone", "000660")])
async def test_a_trader_signs_in_buys_and_sees_the_fill_without_reloading(
    stack_with_pages: Stack, tmp_path: Path, device: str, symbol: str
) -> None:
    stack = stack_with_pages
    arguments = [f"http://127.0.0.1:{stack.settings.spa_port}", "demo", "lucy-demo", str(tmp_path), symbol, "3", device]

    process = await asyncio.create_subprocess_exec(
        "node",
        "e2e/buy.mjs",
        *arguments,
        cwd=ROOT / "spa",
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=os.environ,
    )
    output, _ = await asyncio.wait_for(process.communicate(), 120)

    seen: dict[str, Any] = json.loads(output.decode().strip().splitlines()[-1])
    assert process.returncode == 0, json.dumps(seen)
    assert seen["is_same_document"]
    order = await stack.order(seen["order_id"])
    assert (order["status"], order["cumulative_quantity"]) == ("filled", 3)
    await stack.assert_fills_agree(seen["order_id"])
