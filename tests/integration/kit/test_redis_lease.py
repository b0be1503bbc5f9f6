"""Leases with fencing, with a real Redis."""

import asyncio

from redis.asyncio import Redis

from api.kit.redis_lease import LeaseHolder, LeaseStore


async def test_one_of_many_gets_it(redis: Redis, prefix: str) -> None:
    stores = [LeaseStore(redis, prefix) for _ in range(20)]

    leases = await asyncio.gather(*(store.acquire("stream", f"w{number}", 10) for number, store in enumerate(stores)))

    (lease,) = [lease for lease in leases if lease is not None]
    assert lease.is_held
    assert await stores[0].find_holder("stream") == LeaseHolder(lease.owner, lease.fencing_token)


async def test_the_same_owner_gets_no_second_lease(redis: Redis, prefix: str) -> None:
    store = LeaseStore(redis, prefix)

    assert await store.acquire("stream", "w", 10) is not None
    assert await store.acquire("stream", "w", 10) is None


async def test_fencing_tokens_grow(redis: Redis, prefix: str) -> None:
    store = LeaseStore(redis, prefix)
    tokens = []

    for _ in range(3):
        lease = await store.acquire("stream", "w", 10)
        assert lease is not None
        tokens.append(lease.fencing_token)
        await lease.release()

    assert tokens == sorted(set(tokens))


async def test_a_lease_that_is_not_renewed_moves_on_and_the_old_holder_learns_it(redis: Redis, prefix: str) -> None:
    store = LeaseStore(redis, prefix)
    dead = await store.acquire("stream", "dead", 0.2)
    assert dead is not None

    async with asyncio.timeout(3):
        while (heir := await store.acquire("stream", "heir", 10)) is None:  # noqa: ASYNC110 - the condition is in Redis
            await asyncio.sleep(0.02)

    assert heir.fencing_token > dead.fencing_token
    assert not dead.is_held
    assert not await dead.renew()
    assert not await dead.release()
    assert await store.find_holder("stream") == LeaseHolder("heir", heir.fencing_token)


async def test_renewing_keeps_it(redis: Redis, prefix: str) -> None:
    store = LeaseStore(redis, prefix)
    lease = await store.acquire("stream", "w", 0.4)
    assert lease is not None

    for _ in range(6):
        await asyncio.sleep(0.1)
        assert await lease.renew()

    assert lease.is_held
    assert await store.acquire("stream", "other", 1) is None


async def test_a_released_lease_is_free_at_once(redis: Redis, prefix: str) -> None:
    store = LeaseStore(redis, prefix)
    lease = await store.acquire("stream", "w:1", 10)
    assert lease is not None

    assert await lease.release()

    assert not lease.is_held
    assert await store.find_holder("stream") is None
    assert await store.acquire("stream", "other", 10) is not None


async def test_names_are_apart(redis: Redis, prefix: str) -> None:
    store = LeaseStore(redis, prefix)

    assert await store.acquire("one", "w", 10) is not None
    assert await store.acquire("two", "w", 10) is not None
