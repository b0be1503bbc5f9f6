"""No secret stands in clear anywhere: MongoDB, Redis, logs."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from bson import BSON
from motor.motor_asyncio import AsyncIOMotorClient
from redis.asyncio import Redis

from tests.stack import Stack

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def stored_bytes(stack: Stack) -> AsyncIterator[tuple[str, bytes]]:
    """Everything that Lucy keeps, by place."""
    client: AsyncIOMotorClient[dict[str, Any]] = AsyncIOMotorClient(stack.settings.mongodb_url)
    database = client[stack.settings.database]
    for name in await database.list_collection_names():
        async for document in database[name].find({}):
            yield f"mongodb {name}", BSON.encode(document)
    client.close()
    redis: Redis = Redis.from_url(stack.settings.redis_url)
    readers: dict[bytes, Any] = {
        b"string": redis.get,
        b"hash": redis.hgetall,
        b"stream": redis.xrange,
        b"zset": lambda key: redis.zrange(key, 0, -1),
        b"list": lambda key: redis.lrange(key, 0, -1),
        b"set": redis.smembers,
    }
    async for key in redis.scan_iter("*"):
        kind = await redis.type(key)
        if kind != b"none":  # ended since the scan saw it
            yield f"redis {key!r}", repr((key, await readers[kind](key))).encode()
    await redis.aclose()
    for path in stack.folder.glob("*.log"):
        yield f"log {path.name}", path.read_bytes()


async def test_no_secret_password_or_token_stands_in_clear(stack: Stack, an_order: Any) -> None:
    token = await stack.sign_in()
    password = "a password that nobody else has"
    created = await stack.http.post("/users", json={"username": "secretive", "password": password})
    key = (await stack.http.post("/api-keys", json={"name": "erp", "scopes": ["read"]})).json()["secret"]
    webhook = (await stack.http.post("/webhooks", json={"url": "http://127.0.0.1:9/hook"})).json()
    rotated = (await stack.http.post(f"/webhooks/{webhook['id']}/rotate-secret")).json()
    await stack.http.post("/auth/login", json={"username": "secretive", "password": "wrong " + password})
    for broker in ("kis", "ls"):
        order = (await stack.http.post("/orders", json=an_order(broker, limit_price=72_000))).json()
        await stack.until_order(order["id"], "filled")
        await stack.sandbox.post("/faults", json={"broker": broker, "operation": "place", "kind": "malformed_answer", "count": 1})
        await stack.http.post("/orders", json=an_order(broker, quantity=3))
    sandbox_accounts = (await stack.sandbox.get("/accounts")).json()
    numbers = {account["account_number"] for account in stack.accounts.values()}
    used = [account for account in sandbox_accounts if account["account_number"] in numbers]
    secrets = {
        "access token": token,
        "user's password": password,
        "demo password": "lucy-demo",
        "API key": key,
        "webhook's secret": rotated["secret"],
        "webhook's secret before": webhook["secret"],
        "signing key": stack.settings.secret_key.get_secret_value(),
        "encryption key": stack.settings.encryption_keys[0].get_secret_value(),
    } | {f"{account['broker']} {name}": account[name] for account in used for name in ("app_key", "app_secret")}

    found = {
        (place, name) async for place, content in stored_bytes(stack) for name, secret in secrets.items() if secret.encode() in content
    }

    assert created.status_code == 201
    assert len(used) == 2
    assert found == set()
