"""One webhook's courier: reads its user's stream, posts what is wanted, one event after the other, and remembers how far it is.

The next event goes only when this one is dealt with: that keeps the order, and makes a receiver that takes nothing delay nobody else, for
each webhook has a courier of its own. Attempts at receivers that failed last time have places of their own, so that however many of them
hang, a healthy one finds a place at once.
"""

import asyncio
import random

import msgspec
import structlog
from pymongo.errors import PyMongoError
from redis.exceptions import RedisError

from api.bootstrap import Services
from api.events.hub import Bell
from api.events.publisher import EventBody
from api.events.schemas import AlertEvent, ResyncEvent
from api.kit.redis_lease import Lease
from api.webhooks.backoff import next_attempt
from api.webhooks.documents import WebhookDocument
from api.webhooks.messages import Message, account_of, wants
from api.webhooks.schemas import WebhookDelivery
from worker.webhooks.progress import Progress

log = structlog.get_logger(__name__)

_PAGE = 200
_GONE = 410
_WAIT_SECONDS = 0.3
"""MongoDB or Redis is away: asked again after this."""


class Places:
    """How many attempts go at once in this process."""

    def __init__(self, healthy: int = 64, failing: int = 32) -> None:
        self.healthy = asyncio.Semaphore(healthy)
        self.failing = asyncio.Semaphore(failing)


class _Over(Exception):
    """This courier has nothing more to deliver: the webhook is disabled, or another worker's."""


class Courier:
    """Delivers one webhook while the lease is held.

    Args:
        services: The process's.
        webhook: As `WebhookRepository.take_over` gave it, with this courier's fence.
        lease: Of this webhook.
        places: Shared by all couriers of the process.
        rng: Spreads the next attempts.
    """

    def __init__(self, services: Services, webhook: WebhookDocument, lease: Lease, places: Places, rng: random.Random) -> None:
        self._services = services
        self._webhook = webhook
        self._lease = lease
        self._places = places
        self._rng = rng
        self._clock = services.clock
        self._hub = services.event_hub
        self._repository = services.webhook_repository
        self._progress = Progress(services.webhook_repository, webhook.id, webhook.fence)
        self._position = webhook.cursor
        self._changed = asyncio.Event()
        self._bell = Bell()

    def update(self, webhook: WebhookDocument) -> None:
        """Go on by what its owner changed: waiting for the next attempt ends."""
        if webhook.version > self._webhook.version:
            self._webhook = webhook.model_copy(update={"fence": self._webhook.fence})
            self.wake()

    def wake(self) -> None:
        """Look at the clock again."""
        self._changed.set()

    async def run(self) -> None:
        """Deliver until cancelled, or until the webhook is disabled or another's."""
        try:
            while True:
                try:
                    await self._hub.subscribe(self._webhook.user_id, self._bell)
                    while True:
                        await self._round()
                except (RedisError, PyMongoError) as error:
                    log.warning("webhook_waits", webhook_id=self._webhook.id, problem=str(error))
                    await asyncio.sleep(_WAIT_SECONDS)
        except _Over:
            return
        finally:
            self._hub.unsubscribe(self._webhook.user_id, self._bell)
            await self._progress.aclose()

    async def _round(self) -> None:
        self._bell.hush()
        user_id = self._webhook.user_id
        if not await self._hub.can_resume(user_id, self._position):
            await self._resync()
            return
        entries = await self._hub.past(user_id, self._position, _PAGE)
        for entry in entries:
            await self._deal_with(Message.of(self._webhook.id, *entry), entry[0])
        if not entries:
            await self._bell.rung()

    async def _resync(self) -> None:
        """What came after the cursor is not kept any more: say so once, and go on with what comes."""
        newest = await self._hub.last_id(self._webhook.user_id)
        data = msgspec.json.encode(ResyncEvent(type="resync", at=self._clock.now()))
        # Named after the cursor, so that a crash repeats it under the same webhook-id.
        named = Message.of(self._webhook.id, f"resync-{self._position}", "resync", data)
        await self._deal_with(msgspec.structs.replace(named, event_id=newest), newest)

    async def _deal_with(self, message: Message, cursor: str) -> None:
        delivery = await self._delivered(message)
        self._position = cursor
        self._progress.note(cursor, delivery)
        if self._webhook.attempt:
            self._webhook = self._webhook.model_copy(update={"attempt": 0, "failing_since": None, "next_attempt_at": None})

    async def _delivered(self, message: Message) -> WebhookDelivery | None:
        """The attempt that got through; None where the event is not wanted, or not for this user any more."""
        while True:
            await self._until_due()
            failed_before = self._webhook.attempt
            async with self._places.failing if failed_before else self._places.healthy:
                if self._progress.is_superseded or not self._lease.is_held:
                    raise _Over
                if not await self._is_for_them(message):
                    return None
                delivery = await self._services.webhook_attempts.make(self._webhook, message, kind="event", attempt=failed_before + 1)
            if delivery.status == "delivered":
                return delivery
            await self._note_failure(delivery)

    async def _is_for_them(self, message: Message) -> bool:
        account_id = account_of(message.data)
        if not wants(self._webhook, message.event, account_id):
            return False
        # It stands in the user's stream, so they were a member then: are they still?
        return account_id is None or self._webhook.user_id in await self._services.accounts.member_ids(account_id)

    async def _until_due(self) -> None:
        while (due := self._webhook.next_attempt_at) is not None and (seconds := (due - self._clock.now()).total_seconds()) > 0:
            self._changed.clear()
            try:
                async with asyncio.timeout(seconds):
                    await self._changed.wait()
            except TimeoutError:
                continue

    async def _note_failure(self, delivery: WebhookDelivery) -> None:
        now = self._clock.now()
        since = self._webhook.failing_since or now
        attempt = self._webhook.attempt + 1
        due = next_attempt(attempt, failing_since=since, now=now, rng=self._rng)
        error = delivery.error or ""
        # Remembered here first: a MongoDB that is away makes no attempts faster.
        self._webhook = self._webhook.model_copy(update={"attempt": attempt, "failing_since": since, "next_attempt_at": due or now})
        webhook = self._webhook
        is_gone = delivery.status_code == _GONE
        await self._repository.log([msgspec.structs.replace(delivery, next_attempt_at=None if is_gone else due)])
        await self._progress.flush()
        if due is not None and not is_gone:
            if await self._repository.note_failure(webhook, attempt=attempt, failing_since=since, next_attempt_at=due, error=error):
                return
            raise _Over  # changed by its owner, or another worker's: the supervisor takes it up again as it is now
        await self._tell_disabled(webhook, error)  # first: a crash in between tells twice, not never
        if await self._repository.disable(webhook, "gone" if is_gone else "failing", error):
            log.warning("webhook_disabled", webhook_id=webhook.id, problem=error)
        raise _Over

    async def _tell_disabled(self, webhook: WebhookDocument, error: str) -> None:
        message = f"The webhook {webhook.name or webhook.url} is switched off: {error}."
        event = AlertEvent(type="alert", at=self._clock.now(), account_id=None, code="webhook_disabled", message=message, order_id=None)
        await self._services.event_publisher.publish([webhook.user_id], EventBody("alert", msgspec.json.encode(event)))
