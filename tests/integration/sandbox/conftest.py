"""A sandbox on free ports, in the test's own event loop, and plain clients for it: no adapter of Lucy takes part."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest

from api.brokers.sandbox.server import Sandbox, serving
from api.kit.tls import trusted


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with serving() as running:
        yield running


@pytest.fixture
async def control(sandbox: Sandbox) -> AsyncIterator[httpx.AsyncClient]:
    """The control API."""
    async with httpx.AsyncClient(verify=trusted(), base_url=sandbox.control_url, timeout=10) as client:
        yield client


@pytest.fixture
def ledger(control: httpx.AsyncClient) -> Callable[..., Awaitable[list[dict[str, Any]]]]:
    """Rows of the sandbox's ledger: ``await ledger("orders", broker="kis")``."""

    async def read(kind: str = "orders", **filters: str) -> list[dict[str, Any]]:
        answer = await control.get(f"/ledger/{kind}", params=filters)
        assert answer.status_code == 200, answer.text
        rows: list[dict[str, Any]] = answer.json()
        return rows

    return read
