"""One account's execution stream, from the open socket to the ledger, and the reconciliation beside it.

Three loops in one task group: the reader takes frames off the socket and does nothing else, so that heartbeats are answered in time
whatever the database does; the applier stores and applies all that has come since it last looked, as one batch; the reconciler asks the
broker's own list at the start, every 20 seconds and when something waits for evidence.
"""

import asyncio
import math
import random
from collections.abc import AsyncIterator, Callable, Sequence
from typing import NoReturn

import structlog
from pymongo.errors import PyMongoError
from redis.exceptions import RedisError

from api.accounts.service import BrokerAccount
from api.bootstrap import Services
from api.brokers.base import BrokerAdapter
from api.brokers.errors import BrokerError, BrokerRejected
from api.domain.enums import StreamState
from api.orders.inbox import Frame
from api.orders.repository import TooMuchContention
from worker.streams.quotes import QuoteFollower
from worker.streams.state import StreamStates

log = structlog.get_logger(__name__)

_QUEUE_SIZE = 20_000
_LARGEST_BATCH = 500
_RETRY_DELAYS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0)
"""Seconds after which a notice without an order is tried again: the REST answer that brings the order's number is milliseconds behind."""

_UNHURRIED_DELAYS = (0.1, 0.4, 1.5)
"""The same for notices of acceptance, which that answer tells too."""

_BACKOFF = (0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 40.0, 60.0)
"""Seconds between connection attempts; KIS blocks keys that connect in a tight loop (kis.md §9.6)."""

_STEADY_SECONDS = 30.0
"""A stream that lived this long starts again at the shortest back-off."""

_ROUND_SECONDS = 20.0
"""Reconciliation at least this often: what a socket that looks healthy did not tell is found within 30 s (design §11)."""

_SETTLE_SECONDS = 1.3
"""Pause before looking again while something is open; a little over `reconciliation.SETTLING`."""

_SETTLE_LONGEST = 5.0
_REFUSED_PAUSE = 5.0
"""Pause after a broker that could not be asked."""

_RECONNECT_PAUSE = 30.0
"""A stream that missed fills is reconnected at most this often."""


class Listener:
    """Listens for one account until cancelled."""

    def __init__(
        self, services: Services, account: BrokerAccount, states: StreamStates, *, jitter: Callable[[], float] = random.random
    ) -> None:
        self._services = services
        self._account = account
        self._states = states
        self._jitter = jitter
        self._frames: asyncio.Queue[str] = asyncio.Queue(_QUEUE_SIZE)
        self._wake = asyncio.Event()
        self._reconnect = asyncio.Event()
        self._retries: set[asyncio.Task[None]] = set()

    def wake(self) -> None:
        """Reconcile now: something waits for evidence."""
        self._wake.set()

    async def run(self) -> None:
        """Listen, apply and reconcile until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._read_forever())
                group.create_task(self._apply_forever())
                group.create_task(self._reconcile_forever())
        finally:
            for task in self._retries:
                task.cancel()
            await self._states.report(self._account.id, StreamState.STOPPED)

    async def _adapter(self) -> BrokerAdapter:
        return self._services.brokers.adapter(await self._services.accounts.credentials(self._account))

    async def _read_forever(self) -> NoReturn:
        clock = self._services.clock
        failures = 0
        await self._states.report(self._account.id, StreamState.CONNECTING)
        while True:
            started = clock.monotonic()
            try:
                await self._read_until_broken()
            except BrokerError as error:
                problem = str(error)
            except (PyMongoError, RedisError, OSError) as error:
                problem = f"{type(error).__name__}: {error}"
            else:
                problem = "reconnecting: the stream had missed fills"
            if clock.monotonic() - started > _STEADY_SECONDS:
                failures = 0
            pause = _BACKOFF[min(failures, len(_BACKOFF) - 1)] * (1 + 0.3 * self._jitter())
            failures += 1
            log.warning("stream_broken", account_id=self._account.id, problem=problem, retry_in=round(pause, 2))
            await self._states.report(self._account.id, StreamState.RECONNECTING, detail=problem)
            self._wake.set()  # what the broken line lost, the inquiry knows
            await asyncio.sleep(pause)

    async def _read_until_broken(self) -> None:
        stream = await (await self._adapter()).open_execution_stream()
        self._reconnect.clear()
        try:
            await self._states.report(self._account.id, StreamState.LIVE)
            log.info("stream_live", account_id=self._account.id, broker=self._account.broker)
            self._wake.set()  # subscribed first, inquired then: no gap
            frames = asyncio.create_task(self._pump(stream.frames()))
            stop = asyncio.create_task(self._reconnect.wait())
            tasks = [frames, stop]
            if stream.quotes is not None:
                tasks.append(asyncio.create_task(QuoteFollower(self._services, self._account.id, stream.quotes).run()))
            try:
                await asyncio.wait({frames, stop}, return_when=asyncio.FIRST_COMPLETED)
                if frames.done():
                    frames.result()
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
        finally:
            await stream.aclose()

    async def _pump(self, frames: AsyncIterator[str]) -> None:
        async for frame in frames:
            await self._frames.put(frame)
            self._states.note_frame(self._account.id)

    async def _apply_forever(self) -> NoReturn:
        batch: list[str] = []
        while True:
            if not batch:
                batch = [await self._frames.get()]
            while len(batch) < _LARGEST_BATCH and not self._frames.empty():
                batch.append(self._frames.get_nowait())
            try:
                applied = await self._services.executions.receive(self._account, await self._adapter(), batch)
            except (PyMongoError, TooMuchContention) as error:
                # Stored or not, the frames stay in hand: storing them twice is harmless, a notice that was applied is known or held.
                log.warning("frames_not_applied", account_id=self._account.id, problem=str(error), count=len(batch))
                await asyncio.sleep(0.5)
                self._wake.set()
                continue
            batch = []
            self._retry_soon(applied.waiting, _RETRY_DELAYS)
            self._retry_soon(applied.accepting, _UNHURRIED_DELAYS)
            if applied.has_held:
                self._wake.set()

    def _retry_soon(self, frames: list[Frame], delays: Sequence[float]) -> None:
        if not frames:
            return
        task = asyncio.create_task(self._retry(frames, delays))
        self._retries.add(task)
        task.add_done_callback(self._retries.discard)

    async def _retry(self, frames: list[Frame], delays: Sequence[float]) -> None:
        for delay in delays:
            await asyncio.sleep(delay)
            try:
                applied = await self._services.executions.apply(self._account, await self._adapter(), frames)
            except (PyMongoError, TooMuchContention) as error:
                log.warning("waiting_frames_not_applied", account_id=self._account.id, problem=str(error))
                break
            if applied.has_held:
                self._wake.set()
            frames = applied.waiting + applied.accepting
            if not frames:
                return
        self._wake.set()  # nothing of ours claims them: the broker's list tells what they belong to

    async def _reconcile_forever(self) -> NoReturn:
        clock = self._services.clock
        last_reconnect = -math.inf
        pause = _SETTLE_SECONDS
        while True:
            self._wake.clear()
            delay: float | None = None
            try:
                done = await self._services.reconciler.reconcile(self._account.id)
            except BrokerError as error:
                log.warning("reconciliation_postponed", account_id=self._account.id, problem=str(error))
                delay = _REFUSED_PAUSE if isinstance(error, BrokerRejected) else _SETTLE_SECONDS * 2
            except (PyMongoError, RedisError, TooMuchContention) as error:
                log.warning("reconciliation_postponed", account_id=self._account.id, problem=str(error))
                delay = _SETTLE_SECONDS
            else:
                if done.changed:
                    log.info("reconciled", account_id=self._account.id, changed=done.changed, missed_shares=done.missed_fills)
                if done.missed_fills and clock.monotonic() - last_reconnect > _RECONNECT_PAUSE:
                    last_reconnect = -math.inf
                    self._reconnect.set()  # a socket that looks healthy and missed something is no evidence
                pause = _SETTLE_SECONDS if done.changed or not done.is_open else min(pause * 1.3, _SETTLE_LONGEST)
                delay = pause if done.is_open else None
            await self._pause(delay)

    async def _pause(self, delay: float | None) -> None:
        """Wait ``delay`` seconds; without one, until woken or the round is due. A wake never cuts the pause under 0.3 s."""
        if delay is not None:
            await asyncio.sleep(delay)
            return
        await asyncio.sleep(0.3)
        try:
            async with asyncio.timeout(_ROUND_SECONDS):
                await self._wake.wait()
        except TimeoutError:
            pass
