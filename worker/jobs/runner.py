"""Running one run of a job: its notes written while it goes, its time limited, its end told, whatever that is.

The job itself is a task of its own, so that a job that is busy or stuck neither stops its sign of life nor can outlive its time.
"""

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import structlog
from pymongo.errors import PyMongoError

from api.bootstrap import Services
from api.brokers.errors import BrokerError
from api.errors import LucyError
from api.jobs.documents import JobRunDocument
from api.jobs.runs import LEASE, WORKER_STOPPED, JobRuns
from api.jobs.schemas import RunStatus
from api.jobs.table import JOBS, JobSpec
from api.kit.clock import Clock
from worker.jobs.notes import RunNotes, Work

log = structlog.get_logger(__name__)

_LOOK_SECONDS = 0.5
_SIGN_OF_LIFE_SECONDS = 2.0
"""Also how soon a run hears that it is to end."""

_FIRST_LINES, _LAST_LINES = 100, 300
_LONGEST_LINE = 500
_LONGEST_DETAIL = 2_000


class Notes(RunNotes):
    """What a run says of itself, in memory until it is written."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._done = 0
        self._total: int | None = None
        self._counts: dict[str, int] = {}
        self._first: list[dict[str, Any]] = []
        self._last: list[dict[str, Any]] = []
        self._dropped = 0
        self.has_news = False

    def progress(self, done: int, total: int) -> None:
        self._done, self._total = done, total
        self.has_news = True

    def count(self, name: str, n: int = 1) -> None:
        self._counts[name] = self._counts.get(name, 0) + n
        self.has_news = True

    def log(self, text: str) -> None:
        lines = self._first if len(self._first) < _FIRST_LINES else self._last
        lines.append({"at": self._clock.now(), "text": text[:_LONGEST_LINE]})
        if len(self._last) > _LAST_LINES:
            del self._last[0]
            self._dropped += 1
        self.has_news = True

    def taken(self) -> dict[str, Any]:
        """The fields of the run as they are now; what is said later is news again."""
        self.has_news = False
        return {
            "done": self._done,
            "total": self._total,
            "counts": dict(self._counts),
            "log": [*self._first, *self._last],
            "dropped_lines": self._dropped,
        }


class Runner:
    """Runs runs.

    Args:
        work: What each job does, by its name.
        specs: The jobs' limits.
    """

    def __init__(self, services: Services, runs: JobRuns, work: Mapping[str, Work], specs: Mapping[str, JobSpec] = JOBS) -> None:
        self._services = services
        self._runs = runs
        self._clock = services.clock
        self._work = work
        self._specs = specs

    async def run(self, run_id: str) -> None:
        """Take the run and see it to its end; nothing where another worker has it."""
        beginning = asyncio.create_task(self._runs.begin(run_id, self._services.process_id))
        notes = Notes(self._clock)
        try:
            run = await asyncio.shield(beginning)
        except asyncio.CancelledError:  # what was taken meanwhile is given back
            if (taken := await beginning) is not None:
                await self._lose(taken, notes)
            raise
        if run is None:
            return
        task = asyncio.create_task(self._work[run.job](self._services, notes), name=f"job {run.job}")
        try:
            ending = await self._see_through(run, notes, task)
        except asyncio.CancelledError:
            await _stopped(task)
            await asyncio.shield(self._lose(run, notes))
            raise
        if ending is not None:
            await self._end(run, *ending, notes)

    async def _see_through(
        self, run: JobRunDocument, notes: Notes, task: "asyncio.Task[None]"
    ) -> tuple[RunStatus, dict[str, Any] | None] | None:
        """How it ended; None where it is no longer ours to say."""
        began = kept = self._clock.monotonic()
        limit = self._specs[run.job].time_limit
        while not (await asyncio.wait({task}, timeout=_LOOK_SECONDS))[0]:
            now = self._clock.monotonic()
            if now - began > limit.total_seconds():
                await _stopped(task)
                return RunStatus.FAILED, _error("time_limit", f"It was not done within {_in_words(limit)}.")
            if not notes.has_news and now - kept < _SIGN_OF_LIFE_SECONDS:
                continue
            is_news = notes.has_news
            try:
                after = await self._runs.keep(run, notes.taken(), is_news=is_news)
            except PyMongoError as error:
                log.warning("job_run_not_kept", job=run.job, run_id=run.id, problem=str(error))
                notes.has_news |= is_news
                if now - kept < LEASE.total_seconds() / 2:
                    continue
                after = None
            kept = now
            if after is None:
                await _stopped(task)
                log.error("job_run_taken_away", job=run.job, run_id=run.id)
                return None
            if after.is_cancel_requested:
                await _stopped(task)
                return RunStatus.CANCELED, None
        return self._ending(run, task)

    def _ending(self, run: JobRunDocument, task: "asyncio.Task[None]") -> tuple[RunStatus, dict[str, Any] | None]:
        error = None if task.cancelled() else task.exception()
        if task.cancelled():
            return RunStatus.FAILED, _error("canceled_itself", "The job gave up without a word.")
        if error is None:
            return RunStatus.DONE, None
        if isinstance(error, LucyError):
            return RunStatus.FAILED, _error(error.code, str(error), **error.extra)
        if isinstance(error, BrokerError):
            return RunStatus.FAILED, _error("broker_error", str(error), broker=error.broker)
        log.error("job_broke", job=run.job, run_id=run.id, exc_info=error)
        return RunStatus.FAILED, _error("unexpected", f"{type(error).__name__}: {error}"[:_LONGEST_DETAIL])

    async def _lose(self, run: JobRunDocument, notes: Notes) -> None:
        await self._end(run, RunStatus.LOST, _error(WORKER_STOPPED, "Its worker was stopped."), notes)

    async def _end(self, run: JobRunDocument, status: RunStatus, error: dict[str, Any] | None, notes: Notes) -> None:
        log.info("job_run_ended", job=run.job, run_id=run.id, status=status, error=error and error["code"])
        try:
            await self._runs.end(run, status, error, notes.taken())
        except PyMongoError as problem:  # its lease ends, and it is declared lost
            log.error("job_run_end_not_written", job=run.job, run_id=run.id, problem=str(problem))


async def _stopped(task: "asyncio.Task[None]") -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def _error(code: str, message: str, **details: Any) -> dict[str, Any]:
    shown = {name: (value.isoformat() if isinstance(value, datetime) else str(value))[:_LONGEST_DETAIL] for name, value in details.items()}
    return {"code": code, "message": message, "details": shown}


def _in_words(limit: timedelta) -> str:
    return f"{limit.total_seconds() / 60:.0f} min" if limit >= timedelta(minutes=1) else f"{limit.total_seconds():.0f} s"
