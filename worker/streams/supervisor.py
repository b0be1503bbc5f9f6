"""Which accounts this worker listens to: those whose lease it holds.

Each account's stream runs in exactly one worker. A worker that dies stops renewing, and another takes its accounts over when the lease
runs out. A listener whose lease is lost is stopped at once; that its last writes may come late does no harm, for orders change by
compare-and-set and the inbox knows each notice by its id.
"""

import asyncio
from datetime import timedelta
from typing import NoReturn

import structlog
from pymongo.errors import PyMongoError
from redis.exceptions import RedisError

from api.bootstrap import Services
from api.kit.redis_lease import Lease
from worker.streams.listener import Listener
from worker.streams.state import StreamStates

log = structlog.get_logger(__name__)

_LEASE_SECONDS = 6.0
_RENEW_SECONDS = 1.5
_UNSETTLED_AFTER = timedelta(seconds=1.5)


class _Held:
    """An account this worker listens to."""

    def __init__(self, lease: Lease, listener: Listener) -> None:
        self.lease = lease
        self.listener = listener
        self.task = asyncio.create_task(listener.run())


class StreamSupervisor:
    """Takes leases, runs a listener for each, and wakes those whose orders wait for evidence."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._held: dict[str, _Held] = {}
        self._states = StreamStates(
            services.redis, services.settings.redis_prefix, services.event_publisher, services.accounts, services.clock
        )

    async def run(self) -> NoReturn:
        """Supervise until cancelled; then stop all listeners and give the leases back."""
        try:
            while True:
                try:
                    await self._round()
                except (RedisError, PyMongoError) as error:
                    log.warning("supervision_postponed", problem=str(error))
                await self._drop_lost()
                await asyncio.sleep(_RENEW_SECONDS)
        finally:
            await asyncio.gather(*(self._stop(account_id) for account_id in list(self._held)))

    async def _round(self) -> None:
        for held in self._held.values():
            await held.lease.renew()
        active = {account.id: account for account in await self._services.accounts.list_active()}
        for account_id in set(self._held) - set(active):
            await self._stop(account_id)
        for account_id, account in active.items():
            if account_id in self._held:
                continue
            lease = await self._services.leases.acquire(f"stream:{account_id}", self._services.process_id, _LEASE_SECONDS)
            if lease is not None:
                log.info("stream_taken", account_id=account_id, fencing_token=lease.fencing_token)
                self._held[account_id] = _Held(lease, Listener(self._services, account, self._states))
        await self._states.flush()
        since = self._services.clock.now() - _UNSETTLED_AFTER
        for account_id in await self._services.orders.list_accounts_with_unsettled(since):
            if account_id in self._held:
                self._held[account_id].listener.wake()

    async def _drop_lost(self) -> None:
        for account_id, held in list(self._held.items()):
            if held.task.done():
                error = None if held.task.cancelled() else held.task.exception()
                log.error("listener_ended", account_id=account_id, exc_info=error)
                await self._stop(account_id)
            elif not held.lease.is_held:
                log.warning("stream_lease_lost", account_id=account_id)
                await self._stop(account_id)

    async def _stop(self, account_id: str) -> None:
        held = self._held.pop(account_id)
        held.task.cancel()
        await asyncio.gather(held.task, return_exceptions=True)
        try:
            await held.lease.release()
        except RedisError as error:
            log.warning("lease_not_released", account_id=account_id, problem=str(error))
