"""A real Redis, with keys of this test's own."""

from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from api.settings import Settings


@pytest.fixture
async def redis(settings: Settings) -> AsyncIterator[Redis]:
    client: Redis = Redis.from_url(settings.redis_url)
    yield client
    await client.aclose()


@pytest.fixture
def prefix(settings: Settings) -> str:
    return settings.redis_prefix
