"""Adapters against the sandbox: real MongoDB and Redis, a sandbox on free ports in the test's own event loop."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from uuid import uuid4

import httpx
import pytest
from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorDatabase
from redis.asyncio import Redis

from api.brokers.base import BrokerAdapter, Credentials
from api.brokers.registry import BrokerRegistry
from api.brokers.sandbox.server import Sandbox, serving
from api.domain.enums import Broker, Environment
from api.kit.clock import SystemClock
from api.kit.crypto import Cipher
from api.kit.tls import trusted
from api.settings import Settings

OpenAccount = Callable[..., Awaitable[Credentials]]
Ledger = Callable[..., Awaitable[list[dict[str, Any]]]]


@pytest.fixture
async def sandbox(settings: Settings) -> AsyncIterator[Sandbox]:
    async with serving(port=settings.sandbox_port) as running:
        yield running


@pytest.fixture
async def control(sandbox: Sandbox) -> AsyncIterator[httpx.AsyncClient]:
    """The sandbox's control API."""
    async with httpx.AsyncClient(verify=trusted(), base_url=sandbox.control_url, timeout=10) as client:
        yield client


@pytest.fixture
def prefix(settings: Settings) -> str:
    """Of this test's Redis keys."""
    return settings.redis_prefix


@pytest.fixture
async def redis(settings: Settings) -> AsyncIterator[Redis]:
    client: Redis = Redis.from_url(settings.redis_url)
    yield client
    await client.aclose()


@pytest.fixture
async def database(settings: Settings) -> AsyncIterator["AsyncIOMotorDatabase[Any]"]:
    client: AsyncIOMotorClient[Any] = AsyncIOMotorClient(settings.mongodb_url, tz_aware=True)
    yield client[settings.database]
    client.close()


@pytest.fixture
def cipher(settings: Settings) -> Cipher:
    return Cipher([key.get_secret_value() for key in settings.encryption_keys])


@pytest.fixture
async def registry(
    settings: Settings, sandbox: Sandbox, database: "AsyncIOMotorDatabase[Any]", redis: Redis, cipher: Cipher
) -> AsyncIterator[BrokerRegistry]:
    made = BrokerRegistry(settings, database, redis, cipher, SystemClock())
    yield made
    await made.aclose()


@pytest.fixture
def open_account(control: httpx.AsyncClient) -> OpenAccount:
    """Open a fresh sandbox account: ``await open_account(Broker.KIS, cash=1_000_000, positions={"005930": 10})``."""

    async def make(broker: Broker, **details: Any) -> Credentials:
        answer = await control.post("/accounts", json={"broker": broker, "environment": "real", **details})
        assert answer.status_code == 201, answer.text
        account = answer.json()
        return Credentials(
            account_id=uuid4().hex,
            broker=broker,
            environment=Environment.SANDBOX,
            account_number=account["account_number"],
            app_key=account["app_key"],
            app_secret=account["app_secret"],
            hts_id=account["hts_id"] if broker is Broker.KIS else "",
        )

    return make


@pytest.fixture
def ledger(control: httpx.AsyncClient) -> Ledger:
    """Rows of the sandbox's ledger: ``await ledger("orders", account_number=…)``."""

    async def read(kind: str = "orders", **filters: str) -> list[dict[str, Any]]:
        answer = await control.get(f"/ledger/{kind}", params=filters)
        assert answer.status_code == 200, answer.text
        rows: list[dict[str, Any]] = answer.json()
        return rows

    return read


@pytest.fixture(params=[Broker.KIS, Broker.LS], ids=["kis", "ls"])
def broker(request: pytest.FixtureRequest) -> Broker:
    chosen: Broker = request.param
    return chosen


@pytest.fixture
async def credentials(broker: Broker, open_account: OpenAccount) -> Credentials:
    """A fresh account at the broker of this run, with 100 shares of 005930."""
    return await open_account(broker, cash=100_000_000, positions={"005930": 100})


@pytest.fixture
def adapter(registry: BrokerRegistry, credentials: Credentials) -> BrokerAdapter:
    return registry.adapter(credentials)
