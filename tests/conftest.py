"""Real servers for all tests: one MongoDB and one Valkey a session, a database name and a key prefix of its own for each test."""

import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import pytest_asyncio
from cryptography.fernet import Fernet
from pydantic import SecretStr
from pymongo import MongoClient

from api.local.data_dir import DataDir
from api.local.process import choose_port
from api.local.servers import embedded
from api.settings import Settings


class RunningServers:
    """Addresses of the session's servers."""

    def __init__(self, mongodb_url: str, redis_url: str) -> None:
        self.mongodb_url = mongodb_url
        self.redis_url = redis_url


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def servers(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningServers]:
    """A real mongod (replica set, journaled) and a real Valkey on free ports, ended with the session."""
    async with embedded(DataDir(tmp_path_factory.mktemp("servers"))) as (mongod, valkey):
        yield RunningServers(mongod.url, valkey.url)


@pytest.fixture
def mongodb_url(servers: RunningServers) -> str:
    """Address of the session's MongoDB; take a database name of your own."""
    return servers.mongodb_url


@pytest.fixture
def redis_url(servers: RunningServers) -> str:
    """Address of the session's Valkey; take a key prefix of your own."""
    return servers.redis_url


@pytest.fixture
def settings(servers: RunningServers, tmp_path: Path) -> Iterator[Settings]:
    """Settings on the real servers, with a database, a key prefix, secrets and ports that no other test has."""
    with fresh_settings(servers, tmp_path) as made:
        yield made


@contextmanager
def fresh_settings(servers: RunningServers, folder: Path) -> Iterator[Settings]:
    """Settings of their own on the session's servers; the database is dropped at the end."""
    name = f"t{secrets.token_hex(6)}"
    yield Settings(
        mongodb_url=servers.mongodb_url,
        redis_url=servers.redis_url,
        database=name,
        redis_prefix=name,
        data_dir=folder / "lucy",
        api_port=choose_port(),
        spa_port=choose_port(),
        sandbox_port=choose_port(count=3),
        secret_key=SecretStr(secrets.token_urlsafe(48)),
        encryption_keys=(SecretStr(Fernet.generate_key().decode()),),
    )
    with MongoClient[dict[str, object]](servers.mongodb_url) as client:
        client.drop_database(name)
