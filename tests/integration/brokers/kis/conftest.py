"""KIS adapters at the sandbox, each like one of another process: with a token store of its own over the shared database."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
from motor.motor_asyncio import AsyncIOMotorDatabase
from redis.asyncio import Redis

from api.brokers.base import Credentials
from api.brokers.endpoints import BrokerEndpoints
from api.brokers.kis.adapter import KisAdapter
from api.brokers.sandbox.server import Sandbox
from api.brokers.tokens import TokenStore
from api.kit.call_scheduler import CallScheduler
from api.kit.clock import SystemClock
from api.kit.crypto import Cipher
from api.kit.tls import trusted


@pytest.fixture
async def kis_adapter(
    sandbox: Sandbox, database: "AsyncIOMotorDatabase[Any]", redis: Redis, cipher: Cipher, prefix: str
) -> AsyncIterator[Callable[[Credentials], KisAdapter]]:
    """Make an adapter of any environment whose addresses are the sandbox's."""
    urls = BrokerEndpoints(
        rest_url=sandbox.kis_url,
        websocket_url=sandbox.kis_url.replace("http", "ws", 1),
        master_url=f"{sandbox.kis_url}/common/master",
    )
    clock = SystemClock()
    schedulers: list[CallScheduler] = []
    async with httpx.AsyncClient(verify=trusted(), trust_env=False) as http:

        def make(credentials: Credentials) -> KisAdapter:
            tokens = TokenStore(database, redis, cipher, clock, prefix)
            schedulers.append(CallScheduler(redis, prefix, clock))
            return KisAdapter(credentials, http, urls, tokens, schedulers[-1], clock)

        yield make
        for scheduler in schedulers:
            await scheduler.aclose()
