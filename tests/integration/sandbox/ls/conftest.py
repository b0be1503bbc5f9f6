"""LS clients of the sandbox, logged in, one for each environment."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from api.brokers.sandbox.server import Sandbox
from api.kit.tls import trusted
from tests.integration.sandbox.ls.ls_client import LsClient


async def _client_for(http: httpx.AsyncClient, control: httpx.AsyncClient, environment: str) -> LsClient:
    accounts = (await control.get("/accounts")).json()
    client = LsClient(http, next(row for row in accounts if (row["broker"], row["environment"]) == ("ls", environment)))
    assert (await client.login()).status_code == 200
    return client


@pytest.fixture
async def http(sandbox: Sandbox) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(verify=trusted(), base_url=sandbox.ls_url, timeout=10) as client:
        yield client


@pytest.fixture
async def real(http: httpx.AsyncClient, control: httpx.AsyncClient) -> LsClient:
    return await _client_for(http, control, "real")


@pytest.fixture
async def paper(http: httpx.AsyncClient, control: httpx.AsyncClient) -> LsClient:
    return await _client_for(http, control, "paper")


@pytest.fixture
async def unlimited(control: httpx.AsyncClient) -> None:
    """No rate limits."""
    assert (await control.put("/limits", json={"broker": "ls", "enabled": False})).status_code == 200
