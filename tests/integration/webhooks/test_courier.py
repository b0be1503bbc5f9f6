"""One webhook's courier on real servers, with a receiver that does not always take what comes; the clock is moved by hand."""

import asyncio
import dataclasses
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from aiohttp import web

from api.accounts.schemas import CreateAccount, Member
from api.auth.principal import Principal
from api.bootstrap import Services, new_id, open_services
from api.domain.enums import Broker, Environment, Permission, Role
from api.events.publisher import EventBody
from api.events.schemas import AlertEvent
from api.kit.clock import ManualClock
from api.kit.crypto import Cipher
from api.settings import Settings
from api.webhooks.attempts import Attempts
from api.webhooks.documents import WebhookDocument
from api.webhooks.schemas import ChangeWebhook, CreateWebhook
from api.webhooks.sender import Sender
from tests.receiver import Receiver, receiving
from tests.stack import until
from worker.webhooks.courier import Courier, Places

pytestmark = pytest.mark.asyncio

OWNER = Principal(user_id="6650f1c2a4b3c2d1e0f9a8a0", username="erp", role=Role.TRADER)
OTHER = Principal(user_id="6650f1c2a4b3c2d1e0f9a8a1", username="other", role=Role.TRADER)
DAY_SECONDS = 24 * 3600


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime(2026, 11, 23, 1, 0, tzinfo=UTC))


@pytest.fixture
async def services(settings: Settings, clock: ManualClock) -> AsyncIterator[Services]:
    """The process's services; a receiver that does not answer is given up after 1 s, not 10."""
    async with open_services(settings, clock) as found:
        sender = Sender(is_local=True, clock=clock, answer_seconds=1)
        cipher = Cipher([key.get_secret_value() for key in settings.encryption_keys])
        reading = asyncio.create_task(found.event_hub.run())
        yield dataclasses.replace(found, webhook_attempts=Attempts(sender, cipher, clock, new_id))
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        await sender.aclose()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as found:
        yield found


async def taken_over(services: Services, webhook_id: str) -> Courier:
    """A courier that has just taken the webhook over."""
    lease = await services.leases.acquire(f"webhook:{webhook_id}:{new_id()}", "this worker", 7 * DAY_SECONDS)
    webhook = await services.webhook_repository.take_over(webhook_id)
    assert lease is not None
    assert webhook is not None
    return Courier(services, webhook, lease, Places(), random.Random(1))


@asynccontextmanager
async def running(courier: Courier) -> AsyncIterator["asyncio.Task[None]"]:
    task = asyncio.create_task(courier.run())
    try:
        yield task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@asynccontextmanager
async def delivering(services: Services, webhook_id: str) -> AsyncIterator[Courier]:
    courier = await taken_over(services, webhook_id)
    async with running(courier):
        yield courier


async def a_webhook(services: Services, receiver: Receiver, **filters: Any) -> tuple[str, str]:
    """Id and secret of the owner's webhook."""
    webhook, secret = await services.webhooks.create(OWNER, CreateWebhook(url=receiver.url, **filters))
    return webhook.id, secret


async def stored(services: Services, webhook_id: str) -> WebhookDocument:
    return await services.webhooks.get(OWNER, webhook_id)


async def publish(services: Services, *codes: str, account_id: str | None = None) -> None:
    """One alert each, to the owner."""
    for code in codes:
        event = AlertEvent(type="alert", at=services.clock.now(), account_id=account_id, code=code, message="", order_id=None)
        await services.event_publisher.publish([OWNER.user_id], EventBody("alert", msgspec.json.encode(event)))


def codes_of(receiver: Receiver) -> list[str]:
    return [body["data"].get("code", body["event"]) for body in receiver.bodies()]


async def until_taken(receiver: Receiver, *codes: str) -> None:
    async def have_come() -> bool:
        return codes_of(receiver) == list(codes)

    await until(have_come, f"{codes} have come", seconds=15, describe=lambda: str(codes_of(receiver)))


async def until_waiting(services: Services, webhook_id: str, attempt: int) -> WebhookDocument:
    """Wait until this many attempts have failed and the next is planned."""

    async def is_waiting() -> bool:
        return (await stored(services, webhook_id)).attempt == attempt

    await until(is_waiting, f"{attempt} attempts have failed", seconds=15)
    return await stored(services, webhook_id)


async def until_cursor(services: Services, webhook_id: str, event_id: str) -> None:
    async def is_there() -> bool:
        return (await stored(services, webhook_id)).cursor == event_id

    await until(is_there, "the cursor is stored", seconds=15)


async def never() -> web.Response:
    await asyncio.Event().wait()
    raise AssertionError("unreachable")


async def huge() -> web.Response:
    return web.Response(body=b"x" * 5_000_000)


async def moved() -> web.Response:
    return web.Response(status=302, headers={"Location": "/hook"})


async def test_events_come_signed_in_order_from_the_making_on(services: Services, receiver: Receiver) -> None:
    await publish(services, "before")
    webhook_id, secret = await a_webhook(services, receiver)
    codes = [f"c{number}" for number in range(250)]
    await publish(services, *codes)

    async with delivering(services, webhook_id):
        await until_taken(receiver, *codes)
        await publish(services, "later")
        await until_taken(receiver, *codes, "later")
    newest = await services.event_hub.last_id(OWNER.user_id)

    assert all(entry.is_signed_by(secret) for entry in receiver.received)
    assert len(receiver.received) == 251
    assert (await stored(services, webhook_id)).cursor == newest


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (500, "answered 500"),
        (404, "answered 404"),
        (moved, "redirects are not followed"),
        (never, "no answer in time"),
    ],
)
async def test_what_is_not_taken_comes_again_before_what_follows_under_the_same_id(
    services: Services, receiver: Receiver, clock: ManualClock, answer: Any, error: str
) -> None:
    webhook_id, secret = await a_webhook(services, receiver)
    receiver.answers = [answer, answer]

    async with delivering(services, webhook_id) as courier:
        await publish(services, "first", "second")
        for attempt, seconds in ((1, 1.3), (2, 6.5)):
            failing = await until_waiting(services, webhook_id, attempt)
            assert error in (failing.last_error or "")
            clock.advance(seconds)
            courier.wake()
        await until_taken(receiver, "first", "second")
        await until_cursor(services, webhook_id, await services.event_hub.last_id(OWNER.user_id))

    assert len({entry.message_id for entry in receiver.received[:3]}) == 1
    assert len({entry.timestamp for entry in receiver.received[:3]}) == 3
    assert all(entry.is_signed_by(secret) for entry in receiver.received)
    log = await services.webhooks.list_deliveries(OWNER, webhook_id, status=None, limit=10, before_id=None)
    assert [(entry.attempt, entry.status) for entry in log] == [(1, "delivered"), (3, "delivered"), (2, "failed"), (1, "failed")]
    assert (await stored(services, webhook_id)).attempt == 0


async def test_a_receiver_that_was_not_there_gets_all_once_it_is(services: Services, clock: ManualClock) -> None:
    async with receiving() as first:
        port = first.port
        webhook_id, _ = await a_webhook(services, first)

    async with delivering(services, webhook_id) as courier:
        await publish(services, "first", "second")
        failing = await until_waiting(services, webhook_id, 1)
        async with receiving(port) as second:
            clock.advance(1.3)
            courier.wake()
            await until_taken(second, "first", "second")

    assert "Cannot connect" in (failing.last_error or "")


async def test_a_huge_answer_is_not_read_to_its_end_and_counts_by_its_status(services: Services, receiver: Receiver) -> None:
    webhook_id, _ = await a_webhook(services, receiver)
    receiver.answers = [huge]

    async with delivering(services, webhook_id):
        await publish(services, "first", "second")
        await until_taken(receiver, "first", "second")


async def test_after_a_day_without_success_it_is_disabled_with_an_alert_and_goes_on_where_it_stopped(
    services: Services, receiver: Receiver, clock: ManualClock
) -> None:
    webhook_id, _ = await a_webhook(services, receiver)
    receiver.answers = [503] * 100

    courier = await taken_over(services, webhook_id)
    async with running(courier) as task:
        await publish(services, "first")
        attempt = 0
        while not task.done():
            attempt += 1
            due = (await until_waiting(services, webhook_id, attempt)).next_attempt_at
            assert due is not None
            clock.advance((due - clock.now()).total_seconds())
            courier.wake()
            if clock.now() >= datetime(2026, 11, 24, 1, 0, tzinfo=UTC):
                await asyncio.wait([task], timeout=15)
    disabled = await stored(services, webhook_id)
    receiver.answers = []
    await services.webhooks.change(OWNER, webhook_id, ChangeWebhook(is_active=True))
    async with delivering(services, webhook_id):
        await until_taken(receiver, "first", "webhook_disabled")

    assert (disabled.is_active, disabled.disabled_reason) == (False, "failing")
    assert 10 <= attempt <= 20


async def test_a_receiver_that_is_gone_is_disabled_at_once(services: Services, receiver: Receiver) -> None:
    webhook_id, _ = await a_webhook(services, receiver)
    receiver.answers = [410]

    courier = await taken_over(services, webhook_id)
    await publish(services, "first")
    await asyncio.wait_for(courier.run(), 15)

    assert (await stored(services, webhook_id)).disabled_reason == "gone"
    assert len(receiver.received) == 1


async def test_filters_hold_and_what_nobody_wants_is_passed_over(services: Services, receiver: Receiver) -> None:
    webhook_id, _ = await a_webhook(services, receiver, events=["fill"])
    everything, _ = await a_webhook(services, receiver)
    await publish(services, "alerts", "only")

    async with delivering(services, webhook_id):
        await until_cursor(services, webhook_id, await services.event_hub.last_id(OWNER.user_id))
    assert receiver.received == []

    async with delivering(services, everything):
        await until_taken(receiver, "alerts", "only")


async def test_behind_the_kept_window_it_gets_one_resync_and_goes_on_from_there(services: Services, receiver: Receiver) -> None:
    webhook_id, secret = await a_webhook(services, receiver)
    await publish(services, "lost", "lost too", "kept")
    await services.redis.xtrim(services.event_publisher.stream_key(OWNER.user_id), maxlen=1, approximate=False)

    async with delivering(services, webhook_id):
        await until_taken(receiver, "resync")
        await publish(services, "after")
        await until_taken(receiver, "resync", "after")

    assert all(entry.is_signed_by(secret) for entry in receiver.received)
    assert len(receiver.received) == 2


async def test_who_is_no_member_any_more_gets_nothing_of_the_account_even_what_waited(
    services: Services, receiver: Receiver, clock: ManualClock
) -> None:
    account = await services.accounts.create(OTHER, _an_account())
    both = [Member(user_id=user.user_id, permission=Permission.MANAGE) for user in (OTHER, OWNER)]
    await services.database["users"].insert_many([{"_id": member.user_id, "username": member.user_id} for member in both])
    await services.accounts.put_members(OTHER, account.id, both)
    webhook_id, _ = await a_webhook(services, receiver)
    receiver.answers = [500]

    async with delivering(services, webhook_id) as courier:
        await publish(services, "waited", "waited too", account_id=account.id)
        await publish(services, "of no account")
        await until_waiting(services, webhook_id, 1)
        await services.accounts.put_members(OTHER, account.id, both[:1])
        clock.advance(1.3)
        courier.wake()
        await until_taken(receiver, "of no account")

    assert len(receiver.received) == 2


async def test_the_owners_change_ends_the_waiting_and_holds_at_once(services: Services, receiver: Receiver) -> None:
    webhook_id, _ = await a_webhook(services, receiver)
    receiver.answers = [500]

    async with receiving() as better, delivering(services, webhook_id) as courier:
        await publish(services, "first")
        await until_waiting(services, webhook_id, 1)
        courier.update(await services.webhooks.change(OWNER, webhook_id, ChangeWebhook(url=better.url)))
        await until_taken(better, "first")


async def test_a_retry_by_its_owner_that_gets_through_ends_the_waiting(services: Services, receiver: Receiver) -> None:
    webhook_id, _ = await a_webhook(services, receiver)
    receiver.answers = [500]

    async with delivering(services, webhook_id) as courier:
        await publish(services, "first", "second")
        await until_waiting(services, webhook_id, 1)
        failed = (await services.webhooks.list_deliveries(OWNER, webhook_id, status="failed", limit=1, before_id=None))[0]
        retried = await services.webhooks.retry(OWNER, webhook_id, failed.id)
        courier.update(await stored(services, webhook_id))
        await until_taken(receiver, "first", "second")

    assert (retried.kind, retried.status, retried.message_id) == ("retry", "delivered", failed.message_id)
    assert len({entry.raw for entry in receiver.received if entry.message_id == failed.message_id}) == 1


async def test_one_who_was_taken_over_moves_nothing_any_more(services: Services, receiver: Receiver) -> None:
    webhook_id, _ = await a_webhook(services, receiver)
    late = await taken_over(services, webhook_id)
    await publish(services, "first")
    release = asyncio.Event()

    async def answer_late() -> web.Response:
        await release.wait()
        return web.Response()

    receiver.answers = [answer_late, 500]
    async with running(late) as task:

        async def is_asked() -> bool:
            return len(receiver.received) == 1

        await until(is_asked, "the late one waits for its answer", seconds=15)
        async with delivering(services, webhook_id):
            await until_waiting(services, webhook_id, 1)
            release.set()

            async def has_ended() -> bool:
                await publish(services, "one more")
                return task.done()

            await until(has_ended, "the late one has seen that another has taken over", seconds=15)
            assert (await stored(services, webhook_id)).attempt == 1


async def test_a_new_secret_signs_at_once_and_the_old_one_beside_it_for_a_day(
    services: Services, receiver: Receiver, clock: ManualClock
) -> None:
    webhook_id, old = await a_webhook(services, receiver)
    async with delivering(services, webhook_id) as courier:
        new = (await services.webhooks.rotate_secret(OWNER, webhook_id)).secret
        courier.update(await stored(services, webhook_id))
        await publish(services, "both")
        await until_taken(receiver, "both")
        clock.advance(DAY_SECONDS + 1)
        await publish(services, "new alone")
        await until_taken(receiver, "both", "new alone")

    assert [(entry.is_signed_by(new), entry.is_signed_by(old)) for entry in receiver.received] == [(True, True), (True, False)]


async def test_the_log_ends_by_itself_after_a_week(services: Services, receiver: Receiver) -> None:
    webhook_id, _ = await a_webhook(services, receiver)
    await services.webhooks.test(OWNER, webhook_id)

    indexes = (await services.database["webhook_deliveries"].index_information()).values()
    stored_delivery = await services.database["webhook_deliveries"].find_one({"webhook_id": webhook_id})

    assert [index["key"] for index in indexes if index.get("expireAfterSeconds") == 7 * DAY_SECONDS] == [[("at", 1)]]
    assert stored_delivery is not None
    assert stored_delivery["at"] == services.clock.now()


async def test_outside_local_no_private_address_is_connected_to(services: Services, receiver: Receiver, clock: ManualClock) -> None:
    guarded = Sender(is_local=False, clock=clock)
    for url in (receiver.url, receiver.url.replace("127.0.0.1", "localhost"), receiver.url.replace("127.0.0.1", "2130706433")):
        outcome = await guarded.send(url, ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"], "msg_1", b"{}")
        assert outcome.error is not None, url
    await guarded.aclose()

    assert receiver.received == []


def _an_account() -> CreateAccount:
    return CreateAccount(
        name="shared",
        broker=Broker.LS,
        environment=Environment.SANDBOX,
        account_number="12345678901",
        app_key="key-of-the-account-0001",
        app_secret="secret-of-the-account-0001",
        hts_id="",
    )
