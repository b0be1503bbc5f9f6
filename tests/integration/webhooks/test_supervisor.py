"""Who delivers a webhook, among several workers, and whose are delivered."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import msgspec
import pytest

from api.auth.principal import Principal
from api.bootstrap import Services, open_services
from api.domain.enums import Role
from api.events.publisher import EventBody
from api.events.schemas import AlertEvent
from api.settings import Settings
from api.users.schemas import ChangeUser, CreateUser
from api.webhooks.schemas import CreateWebhook
from tests.receiver import Receiver, receiving
from tests.stack import until
from worker.webhooks.supervisor import WebhookSupervisor


@asynccontextmanager
async def a_worker(settings: Settings) -> AsyncIterator[Services]:
    """What a worker process runs for webhooks."""
    async with open_services(settings) as services:
        tasks = [asyncio.create_task(services.event_hub.run()), asyncio.create_task(WebhookSupervisor(services).run())]
        try:
            yield services
        finally:
            for task in tasks:
                task.cancel()
            for task in tasks:
                with suppress(asyncio.CancelledError):
                    await task


@pytest.fixture
async def services(settings: Settings) -> AsyncIterator[Services]:
    """A process that delivers nothing."""
    async with open_services(settings) as found:
        yield found


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as found:
        yield found


@pytest.fixture
async def owner(services: Services) -> Principal:
    user = await services.users.create("system", CreateUser(username="erp", password="correct horse battery", role=Role.TRADER))
    return Principal(user_id=user.id, username=user.username, role=Role.TRADER)


async def publish(services: Services, owner: Principal, code: str) -> None:
    event = AlertEvent(type="alert", at=services.clock.now(), account_id=None, code=code, message="", order_id=None)
    await services.event_publisher.publish([owner.user_id], EventBody("alert", msgspec.json.encode(event)))


async def until_taken(receiver: Receiver, *codes: str) -> None:
    async def have_come() -> bool:
        return [body["data"]["code"] for body in receiver.bodies()] == list(codes)

    await until(have_come, f"{codes} have come", seconds=15)


async def test_of_two_workers_one_delivers_and_the_other_takes_over_when_it_leaves(
    settings: Settings, services: Services, owner: Principal, receiver: Receiver
) -> None:
    await services.webhooks.create(owner, CreateWebhook(url=receiver.url))

    async with a_worker(settings):
        async with a_worker(settings):
            for number in range(20):
                await publish(services, owner, f"both {number}")
            await until_taken(receiver, *(f"both {number}" for number in range(20)))
        await publish(services, owner, "one")
        await until_taken(receiver, *(f"both {number}" for number in range(20)), "one")

    assert len(receiver.received) == 21


async def test_a_deactivated_users_webhooks_stop_and_go_on_when_the_user_is_back(
    settings: Settings, services: Services, owner: Principal, receiver: Receiver
) -> None:
    webhook, _ = await services.webhooks.create(owner, CreateWebhook(url=receiver.url))
    lease = f"webhook:{webhook.id}"

    async with a_worker(settings):
        await publish(services, owner, "active")
        await until_taken(receiver, "active")
        await services.users.change("system", owner.user_id, ChangeUser(is_active=False))

        async def is_given_back() -> bool:
            return await services.leases.find_holder(lease) is None

        await until(is_given_back, "nobody delivers it any more", seconds=15)
        await publish(services, owner, "away")
        before = len(receiver.received)
        await services.users.change("system", owner.user_id, ChangeUser(is_active=True))
        await until_taken(receiver, "active", "away")

    assert before == 1


async def test_a_webhook_made_or_removed_while_workers_run_is_taken_up_or_dropped(
    settings: Settings, services: Services, owner: Principal, receiver: Receiver
) -> None:
    async with a_worker(settings):
        webhook, _ = await services.webhooks.create(owner, CreateWebhook(url=receiver.url))
        await publish(services, owner, "first")
        await until_taken(receiver, "first")
        await services.webhooks.delete(owner, webhook.id)

        async def is_given_back() -> bool:
            return await services.leases.find_holder(f"webhook:{webhook.id}") is None

        await until(is_given_back, "nobody delivers it any more", seconds=15)

    assert len(receiver.received) == 1
