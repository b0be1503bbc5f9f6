"""The one way to make a Redis client, and a mend for its types."""

import asyncio
from collections.abc import Awaitable, Iterable
from typing import TypeVar

from redis.asyncio import ConnectionPool, Redis
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.exceptions import TimeoutError as RedisTimeoutError

T = TypeVar("T")

_ANSWER_SECONDS = 8.0
"""A server that hangs is as good as away; above the longest blocking read (`events.hub`)."""


class _Cancellable(AbstractConnection):
    """A connection whose commands can be cancelled at any moment.

    redis-py limits a write by `asyncio.wait_for`, which before Python 3.12 swallows a cancellation that comes as the write ends: the task
    goes on, and who waits for its end waits for ever (seen: an API that would not stop). It also costs a task for each command.
    """

    async def send_packed_command(self, command: bytes | str | Iterable[bytes], check_health: bool = True) -> None:
        """Send, within the time-out of the connection."""
        limit, self.socket_timeout = self.socket_timeout, None  # redis-py takes no limit of its own then
        try:
            async with asyncio.timeout(limit):
                await super().send_packed_command(command, check_health)
        except TimeoutError as error:
            raise RedisTimeoutError("Timeout writing to socket") from error
        finally:
            self.socket_timeout = limit


def open_redis(url: str) -> Redis:
    """A client that waits out a restart of the server for a moment; callers see `RedisError` after that."""
    pool = ConnectionPool.from_url(
        url,
        socket_connect_timeout=2,
        socket_timeout=_ANSWER_SECONDS,
        health_check_interval=15,
        retry=Retry(ExponentialBackoff(cap=0.5, base=0.05), 3),
    )
    pool.connection_class = type("CancellableConnection", (_Cancellable, pool.connection_class), {})
    return Redis.from_pool(pool)


def as_awaitable(call: "Awaitable[T] | T") -> "Awaitable[T]":
    """A command of an asyncio client: redis-py 5 declares some of them as if they might be finished already."""
    return call  # type: ignore[return-value]  # always awaitable on an asyncio client
