"""The one way to make a Redis client, and a mend for its types."""

from collections.abc import Awaitable
from typing import TypeVar

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff

T = TypeVar("T")

_ANSWER_SECONDS = 8.0
"""A server that hangs is as good as away; above the longest blocking read (`events.hub`)."""


def open_redis(url: str) -> Redis:
    """A client that waits out a restart of the server for a moment; callers see `RedisError` after that."""
    client: Redis = Redis.from_url(
        url,
        socket_connect_timeout=2,
        socket_timeout=_ANSWER_SECONDS,
        health_check_interval=15,
        retry=Retry(ExponentialBackoff(cap=0.5, base=0.05), 3),
    )
    return client


def as_awaitable(call: "Awaitable[T] | T") -> "Awaitable[T]":
    """A command of an asyncio client: redis-py 5 declares some of them as if they might be finished already."""
    return call  # type: ignore[return-value]  # always awaitable on an asyncio client
