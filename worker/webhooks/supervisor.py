"""Which webhooks this worker delivers: those whose lease it holds.

As with the execution streams (`worker.streams.supervisor`): one worker each, and another takes over when a lease runs out. The lease keeps
two from posting at once; that a late one cannot move the cursor back is the fence's doing, which stands in MongoDB beside it.
"""

import asyncio
import random
from typing import NoReturn

import structlog
from pymongo.errors import PyMongoError
from redis.exceptions import RedisError

from api.bootstrap import Services
from api.kit.redis_lease import Lease
from api.webhooks.documents import WebhookDocument
from worker.webhooks.courier import Courier, Places

log = structlog.get_logger(__name__)

_LEASE_SECONDS = 6.0
_RENEW_SECONDS = 1.5


class _Held:
    """A webhook this worker delivers."""

    def __init__(self, lease: Lease, courier: Courier) -> None:
        self.lease = lease
        self.courier = courier
        self.task = asyncio.create_task(courier.run())


class WebhookSupervisor:
    """Takes leases, runs a courier for each, and tells it of its owner's changes."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._places = Places()
        self._rng = random.Random()
        self._held: dict[str, _Held] = {}

    async def run(self) -> NoReturn:
        """Supervise until cancelled; then stop all couriers and give the leases back."""
        try:
            while True:
                try:
                    await self._round()
                except (RedisError, PyMongoError) as error:
                    log.warning("webhook_supervision_postponed", problem=str(error))
                await self._drop_ended()
                await asyncio.sleep(_RENEW_SECONDS)
        finally:
            await asyncio.gather(*(self._stop(webhook_id) for webhook_id in list(self._held)))

    async def _round(self) -> None:
        await asyncio.gather(*(held.lease.renew() for held in self._held.values()))
        wanted = {webhook.id: webhook for webhook in await self._list_wanted()}
        for webhook_id in set(self._held) - set(wanted):
            await self._stop(webhook_id)
        for webhook_id, webhook in wanted.items():
            if webhook_id in self._held:
                self._held[webhook_id].courier.update(webhook)
            else:
                await self._take(webhook_id)

    async def _list_wanted(self) -> list[WebhookDocument]:
        """Active webhooks of users who may still sign in."""
        webhooks = await self._services.webhook_repository.list_active()
        owners = await self._services.users.active_among({webhook.user_id for webhook in webhooks})
        return [webhook for webhook in webhooks if webhook.user_id in owners]

    async def _take(self, webhook_id: str) -> None:
        lease = await self._services.leases.acquire(f"webhook:{webhook_id}", self._services.process_id, _LEASE_SECONDS)
        if lease is None:
            return
        webhook = await self._services.webhook_repository.take_over(webhook_id)
        if webhook is None:
            await lease.release()
            return
        log.info("webhook_taken", webhook_id=webhook_id, fence=webhook.fence)
        self._held[webhook_id] = _Held(lease, Courier(self._services, webhook, lease, self._places, self._rng))

    async def _drop_ended(self) -> None:
        for webhook_id, held in list(self._held.items()):
            if held.task.done():
                error = None if held.task.cancelled() else held.task.exception()
                if error is not None:
                    log.error("webhook_courier_ended", webhook_id=webhook_id, exc_info=error)
                await self._stop(webhook_id)
            elif not held.lease.is_held:
                log.warning("webhook_lease_lost", webhook_id=webhook_id)
                await self._stop(webhook_id)

    async def _stop(self, webhook_id: str) -> None:
        held = self._held.pop(webhook_id)
        held.task.cancel()
        await asyncio.gather(held.task, return_exceptions=True)
        try:
            await held.lease.release()
        except RedisError as error:
            log.warning("webhook_lease_not_released", webhook_id=webhook_id, problem=str(error))
