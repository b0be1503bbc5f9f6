"""The shared token store: issued once, encrypted, renewed when it must be."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.fernet import Fernet
from motor.motor_asyncio import AsyncIOMotorDatabase
from redis.asyncio import Redis

from api.brokers.errors import BrokerRateLimited, BrokerRejected, BrokerUnavailable
from api.brokers.tokens import IssuedToken, TokenKey, TokenStore
from api.kit.clock import ManualClock, SystemClock
from api.kit.crypto import Cipher

KEY = TokenKey("kis:sandbox:access:0123")
MakeStore = Callable[..., TokenStore]


class Issuer:
    """A broker's token call: numbered tokens, how often it was asked, and what it answers."""

    def __init__(self, *, lives: timedelta = timedelta(hours=24), error: Exception | None = None, seconds: float = 0.05) -> None:
        self.asked = 0
        self.lives = lives
        self.error = error
        self.seconds = seconds

    async def __call__(self) -> IssuedToken:
        self.asked += 1
        number = self.asked
        await asyncio.sleep(self.seconds)
        if self.error is not None:
            raise self.error
        return IssuedToken(f"token-{number}", datetime.now(UTC) + self.lives)


@pytest.fixture
def make_store(database: "AsyncIOMotorDatabase[Any]", redis: Redis, cipher: Cipher, prefix: str) -> MakeStore:
    """A store like one of another process."""

    def make(**parts: Any) -> TokenStore:
        return TokenStore(database, redis, parts.get("cipher", cipher), parts.get("clock", SystemClock()), prefix)

    return make


async def test_many_callers_of_many_processes_get_one_token(make_store: MakeStore) -> None:
    issuer = Issuer()
    stores = [make_store() for _ in range(5)]

    tokens = await asyncio.gather(*(store.get(KEY, issuer) for store in stores * 10))

    assert (set(tokens), issuer.asked) == ({"token-1"}, 1)


async def test_a_token_outlives_its_process(make_store: MakeStore) -> None:
    await make_store().get(KEY, Issuer())
    later = Issuer()

    assert await make_store().get(KEY, later) == "token-1"
    assert later.asked == 0


async def test_a_token_about_to_expire_is_replaced_while_it_is_good(make_store: MakeStore) -> None:
    issuer = Issuer(lives=timedelta(minutes=30))
    store = make_store()
    await store.get(KEY, issuer)

    assert await store.get(KEY, issuer, valid_for_seconds=60) == "token-1"
    assert await store.get(KEY, issuer, valid_for_seconds=3600) == "token-2"


async def test_a_token_known_to_this_process_expires_by_the_clock(make_store: MakeStore) -> None:
    clock = ManualClock(datetime.now(UTC))
    issuer = Issuer(lives=timedelta(hours=1))
    store = make_store(clock=clock)
    await store.get(KEY, issuer)
    clock.advance(3590)

    assert await store.get(KEY, issuer) == "token-2"


async def test_a_refused_token_is_replaced_once_for_all(make_store: MakeStore) -> None:
    issuer = Issuer()
    stores = [make_store() for _ in range(4)]
    for store in stores:
        await store.get(KEY, issuer)

    async def refuse(store: TokenStore) -> str:
        await store.invalidate(KEY, "token-1")
        return await store.get(KEY, issuer)

    assert set(await asyncio.gather(*(refuse(store) for store in stores))) == {"token-2"}
    assert issuer.asked == 2


async def test_a_refused_token_that_is_still_read_from_the_database_is_not_taken_up_again(
    make_store: MakeStore, database: "AsyncIOMotorDatabase[Any]"
) -> None:
    issuer = Issuer()
    store = make_store()
    await store.get(KEY, issuer)
    document = await database["broker_tokens"].find_one({"_id": KEY})
    assert document is not None
    await store.invalidate(KEY, "token-1")
    await database["broker_tokens"].replace_one({"_id": KEY}, document)  # as a caller sees it whose read overlaps with the note

    assert await store.get(KEY, issuer) == "token-2"
    assert await make_store().get(KEY, issuer) == "token-2"


async def test_the_same_token_issued_again_after_a_refusal_is_taken_up(make_store: MakeStore) -> None:
    issuer = Issuer()
    first, second = make_store(), make_store()
    await first.get(KEY, issuer)
    await second.get(KEY, issuer)
    await first.invalidate(KEY, "token-1")
    await second.invalidate(KEY, "token-1")
    await asyncio.sleep(0.002)  # times are kept in whole milliseconds
    issuer.asked = 0  # KIS hands out the running token again: "token-1" once more

    assert await first.get(KEY, issuer) == "token-1"
    assert await second.get(KEY, issuer) == "token-1"
    assert issuer.asked == 1


@pytest.mark.parametrize("is_same_process", [True, False])
async def test_a_refused_token_is_tried_again_while_no_other_can_be_had(make_store: MakeStore, *, is_same_process: bool) -> None:
    issuer = Issuer()
    first = make_store()
    await first.get(KEY, issuer)
    await first.invalidate(KEY, "token-1")
    issuer.error = BrokerRateLimited("kis", 0.3)
    store = first if is_same_process else make_store()  # the process that was refused may have died

    assert await store.get(KEY, issuer) == "token-1"
    await store.invalidate(KEY, "token-1")
    assert await store.get(KEY, issuer) == "token-1"
    assert issuer.asked == 2  # all wait for the pause that the broker asked for
    await asyncio.sleep(0.35)  # Redis measures it
    await store.invalidate(KEY, "token-1")
    issuer.error = None
    assert await store.get(KEY, issuer) == "token-3"


async def test_a_refused_token_at_its_end_is_not_tried_again(make_store: MakeStore) -> None:
    issuer = Issuer(lives=timedelta(seconds=30))
    store = make_store()
    await store.get(KEY, issuer)
    await store.invalidate(KEY, "token-1")

    with pytest.raises(BrokerRateLimited):
        await store.get(KEY, Issuer(error=BrokerRateLimited("kis", 60)))


async def test_invalidating_an_old_token_leaves_the_new_one(make_store: MakeStore) -> None:
    issuer = Issuer()
    store = make_store()
    await store.get(KEY, issuer)
    await store.invalidate(KEY, "token-0")

    assert await make_store().get(KEY, issuer) == "token-1"


async def test_a_failed_issue_frees_the_way_for_the_next(make_store: MakeStore) -> None:
    store = make_store()

    with pytest.raises(BrokerRejected):
        await store.get(KEY, Issuer(error=BrokerRejected("kis", "EGW00103", "bad key")))

    assert await make_store().get(KEY, Issuer()) == "token-1"


async def test_a_refusal_to_issue_so_soon_holds_for_every_process(make_store: MakeStore) -> None:
    issuer = Issuer(error=BrokerRateLimited("kis", 60))
    with pytest.raises(BrokerRateLimited):
        await make_store().get(KEY, issuer)

    with pytest.raises(BrokerRateLimited) as caught:
        await make_store().get(KEY, issuer)

    assert issuer.asked == 1
    assert 50 < caught.value.retry_after <= 60


async def test_a_token_under_a_lost_encryption_key_is_issued_anew(make_store: MakeStore) -> None:
    await make_store().get(KEY, Issuer())
    other = make_store(cipher=Cipher([Fernet.generate_key().decode()]))

    assert await other.get(KEY, Issuer()) == "token-1"


async def test_tokens_of_different_keys_are_issued_side_by_side(make_store: MakeStore) -> None:
    store = make_store()
    issuer = Issuer(seconds=0.3)

    async with asyncio.timeout(2):
        await asyncio.gather(*(store.get(TokenKey(f"kis:sandbox:access:{number}"), issuer) for number in range(10)))

    assert issuer.asked == 10


async def test_no_redis_means_nothing_was_sent(database: "AsyncIOMotorDatabase[Any]", cipher: Cipher) -> None:
    unreachable: Redis = Redis.from_url("redis://127.0.0.1:1/0")
    issuer = Issuer()

    with pytest.raises(BrokerUnavailable) as caught:
        await TokenStore(database, unreachable, cipher, SystemClock(), "x").get(KEY, issuer)
    await unreachable.aclose()

    assert (caught.value.sent, issuer.asked) == (False, 0)


def test_a_token_does_not_show_in_a_printed_record() -> None:
    assert "secret" not in repr(IssuedToken("secret", datetime.now(UTC)))
