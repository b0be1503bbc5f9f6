"""From publisher to listener over a real Valkey, two processes' worth of each, and connections that break."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from redis.asyncio import Redis

from api.events.hub import EventHub, parse_id
from api.events.publisher import EventBody, EventPublisher
from api.kit.redis_client import open_redis
from api.settings import Settings


@pytest.fixture
async def redis(settings: Settings) -> AsyncIterator[Redis]:
    client = open_redis(settings.redis_url)
    yield client
    await client.aclose()


@pytest.fixture
def publisher(redis: Redis, settings: Settings) -> EventPublisher:
    return EventPublisher(redis, settings.redis_prefix)


@asynccontextmanager
async def running_hub(settings: Settings, name: str) -> AsyncIterator[EventHub]:
    """A hub with a connection of its own, as in a process of its own."""
    redis = open_redis(settings.redis_url)
    hub = EventHub(redis, settings.redis_prefix, name)
    task = asyncio.create_task(hub.run())
    try:
        yield hub
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await redis.aclose()


async def hear(hub: EventHub, user_id: str, count: int, ready: asyncio.Event) -> list[str]:
    """The data of the next ``count`` events."""
    listener = await hub.subscribe(user_id)
    after = parse_id(await hub.last_id(user_id)) or (0, 0)
    ready.set()
    heard: list[str] = []
    try:
        async for chunk in listener.frames(after):
            heard += [line.removeprefix("data: ") for line in chunk.decode().split("\n") if line.startswith("data: ")]
            if len(heard) >= count:
                break
    finally:
        hub.unsubscribe(user_id, listener)
    return heard


async def listening(hub: EventHub, user_id: str, count: int) -> "asyncio.Task[list[str]]":
    """A listener that hears everything from now on."""
    ready = asyncio.Event()
    task = asyncio.create_task(hear(hub, user_id, count, ready))
    await ready.wait()
    return task


async def test_every_member_hears_each_event_once_in_order_in_every_process(settings: Settings, publisher: EventPublisher) -> None:
    async with running_hub(settings, "one") as one, running_hub(settings, "two") as two:
        tasks = [await listening(hub, user, 500) for hub in (one, two) for user in ("ann", "bob") for _ in range(3)]

        for number in range(500):
            await publisher.publish(["ann", "bob"], EventBody("alert", str(number).encode()))

        wanted = [str(number) for number in range(500)]
        assert [await asyncio.wait_for(task, 20) == wanted for task in tasks] == [True] * 12
        assert (one.listener_count, two.listener_count) == (0, 0)


async def test_connections_to_redis_that_break_lose_and_repeat_nothing(settings: Settings, redis: Redis, publisher: EventPublisher) -> None:
    async with running_hub(settings, "one") as hub:
        task = await listening(hub, "ann", 300)

        for number in range(300):
            await publisher.publish(["ann"], EventBody("alert", str(number).encode()))
            if number % 60 == 30:
                await redis.client_kill_filter(_type="normal", skipme=True)

        assert await asyncio.wait_for(task, 30) == [str(number) for number in range(300)]


async def test_versions_of_an_order_go_out_once_and_in_order_whoever_publishes(settings: Settings, publisher: EventPublisher) -> None:
    other_redis = open_redis(settings.redis_url)
    other = EventPublisher(other_redis, settings.redis_prefix)
    changes = [(version, [EventBody("fill", b"%d" % version), EventBody("order", b"%d" % version)]) for version in range(1, 41)]

    async with running_hub(settings, "one") as hub:
        task = await listening(hub, "ann", 80)
        counts = await asyncio.gather(
            *(by.publish_versions("order-1", ["ann"], changes[:last]) for last in range(1, 41) for by in (publisher, other))
        )
        heard = await asyncio.wait_for(task, 20)
    await other_redis.aclose()

    assert heard == [str(version) for version in range(1, 41) for _ in range(2)]
    assert sum(counts) == 80


async def test_an_older_version_that_comes_late_is_not_published(publisher: EventPublisher, settings: Settings, redis: Redis) -> None:
    first = await publisher.publish_versions("order-1", ["ann"], [(2, [EventBody("order", b"2")])])

    late = await publisher.publish_versions("order-1", ["ann"], [(1, [EventBody("order", b"1")])])

    assert (first, late) == (1, 0)
    assert await redis.xlen(publisher.stream_key("ann")) == 1


async def test_a_cut_stream_can_be_resumed_from_what_it_keeps_and_no_earlier(settings: Settings, redis: Redis) -> None:
    publisher = EventPublisher(redis, settings.redis_prefix, kept=100)
    hub = EventHub(redis, settings.redis_prefix, "one")
    await publisher.publish(["ann"], EventBody("alert", b"0"))
    first = await hub.last_id("ann")
    whole = await hub.can_resume("ann", "0")

    for number in range(1, 1000):
        await publisher.publish(["ann"], EventBody("alert", b"%d" % number))

    kept = await redis.xrange(publisher.stream_key("ann"), count=1)
    assert whole
    assert not await hub.can_resume("ann", "0")
    assert not await hub.can_resume("ann", first)
    assert await hub.can_resume("ann", kept[0][0].decode())
    assert await hub.can_resume("ann", await hub.last_id("ann"))
    assert await hub.can_resume("nobody", "0")
    assert not await hub.can_resume("nobody", first)


async def test_a_user_who_listens_again_at_once_misses_nothing(settings: Settings, publisher: EventPublisher) -> None:
    async with running_hub(settings, "one") as hub:
        for number in range(50):
            task = await listening(hub, "ann", 1)
            await publisher.publish(["ann"], EventBody("alert", str(number).encode()))

            assert await asyncio.wait_for(task, 10) == [str(number)]
