"""The whole stack with its pages, once a module, and a browser that runs a script on them."""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from api.settings import Settings
from tests.conftest import RunningServers, fresh_settings
from tests.stack import ROOT, Child, Stack, answers, running, until


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stack_with_pages(servers: RunningServers, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    """The whole stack, and the built pages on their own server."""
    folder = tmp_path_factory.mktemp("browser")
    with fresh_settings(servers, folder) as settings:
        async with with_pages(settings, folder) as stack:
            yield stack


@asynccontextmanager
async def with_pages(settings: Settings, folder: Path) -> AsyncIterator[Stack]:
    """The whole stack, and the built pages on their own server, for the length of a ``with`` block."""
    async with running(settings, folder) as stack:
        pages = Child("spa", settings, folder / "spa.log")
        pages.start()
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{settings.spa_port}") as client:
            await until(lambda: answers(client, "/config.json"), "the pages are served")
        yield stack
        await asyncio.to_thread(pages.close)


async def in_browser(stack: Stack, script: str, folder: Path, *arguments: str) -> dict[str, Any]:
    """Run a script of ``spa/e2e`` as the demo user; fails with all that it saw unless it ends well."""
    process = await asyncio.create_subprocess_exec(
        "node",
        f"e2e/{script}",
        f"http://127.0.0.1:{stack.settings.spa_port}",
        "demo",
        "lucy-demo",
        str(folder),
        *arguments,
        cwd=ROOT / "spa",
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=os.environ,
    )
    output, _ = await asyncio.wait_for(process.communicate(), 300)
    seen: dict[str, Any] = json.loads(output.decode().strip().splitlines()[-1])
    assert process.returncode == 0, json.dumps(seen, ensure_ascii=False)
    return seen
