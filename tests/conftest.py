"""Real servers for all tests: one MongoDB and one Valkey a session, a database name and a key prefix of its own for each test."""

import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import pytest_asyncio
from cryptography.fernet import Fernet
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from pydantic import SecretStr
from pymongo import MongoClient

from api.local.data_dir import DataDir
from api.local.process import choose_port
from api.local.servers import embedded
from api.settings import Settings

# How fast examples come says how busy the machine is, and nothing about Lucy.
hypothesis_settings.register_profile("lucy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
hypothesis_settings.load_profile("lucy")


_HEAVY = ("browser", "chaos", "flows", "http")
"""Folders whose files keep the machine busy, or take long."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Spread each folder's files over the run, so that not all workers start a browser at once; none that takes long comes last."""
    files: dict[str, dict[Path, list[pytest.Item]]] = {}
    for item in items:
        folder = item.path.relative_to(Path(__file__).parent).parts[0]
        files.setdefault(folder, {}).setdefault(item.path, []).append(item)
    placed = [
        ((number + 0.5) / len(of_folder) * (0.75 if folder in _HEAVY else 1), tests)
        for folder, of_folder in files.items()
        for number, tests in enumerate(of_folder.values())
    ]
    items[:] = [test for _, tests in sorted(placed, key=lambda pair: pair[0]) for test in tests]


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
        site38_url="http://127.0.0.1:9",  # nobody listens there: no test reads a real site
        judal_url="http://127.0.0.1:9",
        encryption_keys=(SecretStr(Fernet.generate_key().decode()),),
    )
    with MongoClient[dict[str, object]](servers.mongodb_url) as client:
        client.drop_database(name)
