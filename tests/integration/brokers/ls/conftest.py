"""An LS account and its adapter; sandbox, database and Redis come from the folder above."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from motor.motor_asyncio import AsyncIOMotorDatabase
from redis.asyncio import Redis

from api.brokers.base import Credentials
from api.brokers.ls.adapter import LsAdapter
from api.brokers.registry import BrokerRegistry
from api.brokers.sandbox.model import Broker as SandboxBroker
from api.brokers.sandbox.model import Environment as SandboxEnvironment
from api.brokers.sandbox.server import Sandbox
from api.domain.enums import Broker, Environment
from api.kit.clock import SystemClock
from api.kit.crypto import Cipher
from api.settings import Settings

MakeRegistry = Callable[[int], BrokerRegistry]


@pytest.fixture
async def make_registry(database: "AsyncIOMotorDatabase[Any]", redis: Redis, cipher: Cipher, prefix: str) -> AsyncIterator[MakeRegistry]:
    """Registries as several processes would have them: one database and Redis, nothing else in common."""
    made: list[BrokerRegistry] = []

    def make(ls_port: int) -> BrokerRegistry:
        settings = Settings(sandbox_port=ls_port - 2, redis_prefix=prefix)
        made.append(BrokerRegistry(settings, database, redis, cipher, SystemClock()))
        return made[-1]

    yield make
    for registry in made:
        await registry.aclose()


def _credentials_of(sandbox: Sandbox, environment: SandboxEnvironment) -> Credentials:
    account = next(
        account for account in sandbox.doors.exchange.accounts if account.broker is SandboxBroker.LS and account.environment is environment
    )
    return Credentials(
        account_id=f"account-{environment}",
        broker=Broker.LS,
        environment=Environment.SANDBOX,
        account_number=account.number,
        app_key=account.app_key,
        app_secret=account.app_secret,
    )


@pytest.fixture
def credentials(sandbox: Sandbox) -> Credentials:
    """Of the sandbox's LS account of the real kind."""
    return _credentials_of(sandbox, SandboxEnvironment.REAL)


@pytest.fixture
def paper_credentials(sandbox: Sandbox) -> Credentials:
    """Of the paper kind: other codes, the same meaning."""
    return _credentials_of(sandbox, SandboxEnvironment.PAPER)


@pytest.fixture
def adapter(make_registry: MakeRegistry, sandbox: Sandbox, credentials: Credentials) -> LsAdapter:
    made = make_registry(sandbox.ls_port).adapter(credentials)
    assert isinstance(made, LsAdapter)
    return made
