"""Watching prices in one worker at a time, again and again."""

import asyncio
from typing import NoReturn

import structlog
from pymongo.errors import PyMongoError
from redis.exceptions import RedisError

from api.bootstrap import Services
from api.kit.redis_lease import Lease

log = structlog.get_logger(__name__)

_LEASE = "watch"
_LEASE_SECONDS = 6.0
_RENEW_SECONDS = 1.5


class PriceWatcher:
    """Runs a round of `api.watchlists.watching` every interval, while this worker holds the lease."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._lease: Lease | None = None

    async def run(self) -> NoReturn:
        """Watch until cancelled; then give the lease back."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._hold())
                await self._watch()
        finally:
            if self._lease is not None:
                try:
                    await self._lease.release()
                except RedisError as error:
                    log.warning("lease_not_released", name=_LEASE, problem=str(error))

    async def _hold(self) -> NoReturn:
        while True:
            try:
                if self._lease is not None:
                    await self._lease.renew()
                if self._lease is None or not self._lease.is_held:
                    self._lease = await self._services.leases.acquire(_LEASE, self._services.process_id, _LEASE_SECONDS)
            except RedisError as error:
                log.warning("watch_lease_unknown", problem=str(error))
            await asyncio.sleep(_RENEW_SECONDS)

    async def _watch(self) -> NoReturn:
        while True:
            if self._lease is not None and self._lease.is_held:
                await self._round()
            await asyncio.sleep(self._services.settings.watch_interval.total_seconds())

    async def _round(self) -> None:
        # A task of its own: what goes wrong with a price is told, and ends no stream of fills in this process.
        task = asyncio.create_task(self._services.price_watch.round())
        try:
            await asyncio.wait({task})
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        error = task.exception()
        if isinstance(error, RedisError | PyMongoError):
            log.warning("watching_postponed", problem=str(error))
        elif error is not None:
            log.error("watching_failed", exc_info=error)
