"""What the worker does with runs: queue what is due, begin, keep up, end, repeat.

The planner (`plan`) may run in several workers, and be cut off anywhere: the indexes of `JobRepository` make each of its steps one that can
be done again. A run belongs to the worker that began it, for as long as it renews its lease; a worker that dies leaves a run whose lease
ends, and the planner declares it lost and has it run again. What jobs store must therefore stand to be stored twice.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import structlog

from api.jobs.documents import JobDocument, JobRunDocument
from api.jobs.repository import JobRepository
from api.jobs.schedules import next_runs
from api.jobs.schemas import RunStatus, Trigger
from api.jobs.table import JOBS, JobSpec
from api.jobs.telling import JobTeller
from api.kit.clock import Clock

log = structlog.get_logger(__name__)

LEASE = timedelta(seconds=30)
"""How long a run is its worker's without a sign of life."""

WORKER_STOPPED = "worker_stopped"

_IN_TIME = timedelta(seconds=90)
"""A run that is queued later than this after its time is one caught up."""

_FIRST_PAUSE = timedelta(minutes=1)
"""Before the second try; four times as long before each further one."""

_ALERT_AGAIN = timedelta(hours=20)
"""A job that goes on failing is told of once a day."""


class JobRuns:
    """Runs, as the worker sees them."""

    def __init__(
        self,
        repository: JobRepository,
        teller: JobTeller,
        clock: Clock,
        new_id: Callable[[], str],
        specs: Mapping[str, JobSpec] = JOBS,
    ) -> None:
        self._repository = repository
        self._teller = teller
        self._clock = clock
        self._new_id = new_id
        self._specs = specs
        self._is_ready = False

    def new_run(self, job: str, trigger: Trigger, **fields: Any) -> JobRunDocument:
        """A run to be queued now."""
        return JobRunDocument(
            id=self._new_id(),
            job=job,
            trigger=trigger.value,
            status=RunStatus.QUEUED.value,
            is_live=True,
            queued_at=self._clock.now(),
            **fields,
        )

    async def queue(self, run: JobRunDocument) -> bool:
        """Store a run and tell of it; False where the job has a live one."""
        if not await self._repository.insert_run(run):
            return False
        await self._teller.tell(run)
        return True

    async def queue_at_start(self) -> None:
        """Have those jobs run that run whenever a worker starts."""
        for spec in self._specs.values():
            if spec.is_run_at_start:
                await self.queue(self.new_run(spec.name, Trigger.START))

    async def has_run(self, job: str) -> bool:
        """Whether the job was ever queued."""
        return bool(await self._repository.list_page(job, limit=1, before_id=None))

    # -- the planner

    async def plan(self) -> list[JobRunDocument]:
        """Queue what is due, declare lost what has gone silent; returns all runs that wait for a worker."""
        now = self._clock.now()
        if not self._is_ready:
            for spec in self._specs.values():
                await self._repository.add_job(JobDocument(id=spec.name, next_run_at=next_runs(spec.schedule, now)[0]))
            self._is_ready = True
        jobs = await self._repository.jobs()
        for run in await self._repository.runs_silent_since(now):
            await self._declare_lost(run, now)
        for name, spec in self._specs.items():
            if (job := jobs.get(name)) is not None and job.is_enabled and job.next_run_at is not None and job.next_run_at <= now:
                await self._queue_due(spec, job, job.next_run_at, now)
        for run in await self._repository.runs_to_repeat(now):
            await self._repeat(run, jobs.get(run.job))
        return [run for run in await self._repository.queued_runs() if run.job in self._specs]

    async def _queue_due(self, spec: JobSpec, job: JobDocument, due: datetime, now: datetime) -> None:
        """However many times were missed, one run makes up for them."""
        trigger = Trigger.SCHEDULE if now - due <= _IN_TIME else Trigger.CATCH_UP
        is_queued = await self.queue(self.new_run(spec.name, trigger, scheduled_for=due))
        if is_queued or await self._repository.has_run_for(spec.name, due):
            job.next_run_at = next_runs(job.schedule or spec.schedule, now)[0]
            await self._repository.replace_schedule_if_unchanged(job)
        # else another run is live: this one's turn comes after it

    async def _declare_lost(self, run: JobRunDocument, now: datetime) -> None:
        if run.is_cancel_requested:
            fields = self._ended(RunStatus.CANCELED, None)
        else:
            error = {"code": "worker_lost", "message": "Its worker fell silent.", "details": {}}
            fields = self._ended(RunStatus.LOST, error) | {"retry_at": self._retry_at(run, pause=timedelta())}
        where = {"status": RunStatus.RUNNING.value, "lease_until": run.lease_until}
        if (ended := await self._repository.change_run(run.id, where, fields)) is not None:
            log.warning("job_run_lost", job=run.job, run_id=run.id, silent_since=str(run.lease_until), now=str(now))
            await self._tell_end(ended)

    async def _repeat(self, run: JobRunDocument, job: JobDocument | None) -> None:
        is_wanted = run.job in self._specs and job is not None and job.is_enabled
        if is_wanted and not await self._repository.has_newer(run):
            was_stopped = run.error is not None and run.error["code"] == WORKER_STOPPED
            attempt = run.attempt + (0 if was_stopped else 1)
            again = self.new_run(run.job, Trigger.RETRY, retry_of=run.id, attempt=attempt, started_by=run.started_by)
            if not await self.queue(again) and not await self._repository.is_repeated(run.id):
                return  # another run is live; once that has ended, it is the newer one
        await self._repository.change_run(run.id, {}, {"retry_at": None})

    def _retry_at(self, run: JobRunDocument, pause: timedelta | None = None) -> datetime | None:
        if run.attempt >= self._specs[run.job].tries:
            return None
        return self._clock.now() + (_FIRST_PAUSE * 4 ** (run.attempt - 1) if pause is None else pause)

    # -- one run

    async def begin(self, run_id: str, owner: str) -> JobRunDocument | None:
        """Take a run that waits; None where it is no longer there to take."""
        now = self._clock.now()
        fields = {"status": RunStatus.RUNNING.value, "started_at": now, "owner": owner, "lease_until": now + LEASE}
        run = await self._repository.change_run(run_id, {"status": RunStatus.QUEUED.value}, fields)
        if run is not None:
            await self._teller.tell(run)
        return run

    async def keep(self, run: JobRunDocument, notes: Mapping[str, Any], *, is_news: bool) -> JobRunDocument | None:
        """Renew the lease and write what the run says of itself; None where the run is no longer this worker's."""
        fields = {**notes, "lease_until": self._clock.now() + LEASE}
        after = await self._repository.change_run(run.id, _owned(run), fields)
        if after is not None and is_news:
            await self._teller.tell(after)
        return after

    async def end(self, run: JobRunDocument, status: RunStatus, error: dict[str, Any] | None, notes: Mapping[str, Any]) -> None:
        """Write how it ended; a run that failed is repeated after a pause, one whose worker was stopped at once."""
        fields: dict[str, Any] = {**notes, **self._ended(status, error)}
        if status is RunStatus.FAILED:
            fields["retry_at"] = self._retry_at(run)
        elif status is RunStatus.LOST:
            fields["retry_at"] = self._clock.now()
        ended = await self._repository.change_run(run.id, _owned(run), fields)
        if ended is not None:
            await self._tell_end(ended)
            await self._repository.drop_old_runs(run.job)

    async def _tell_end(self, run: JobRunDocument) -> None:
        await self._teller.tell(run)
        if run.status == RunStatus.DONE.value:
            await self._repository.note_success(run.job)
            if (then := self._specs[run.job].then) is not None:
                await self.queue(self.new_run(then, Trigger.AFTER))
        elif run.status != RunStatus.CANCELED.value and run.retry_at is None:
            now = self._clock.now()
            if await self._repository.note_alert(run.job, now, now - _ALERT_AGAIN):
                await self._teller.alert(run)

    def _ended(self, status: RunStatus, error: dict[str, Any] | None) -> dict[str, Any]:
        return {"status": status.value, "is_live": False, "ended_at": self._clock.now(), "error": error}


def _owned(run: JobRunDocument) -> dict[str, Any]:
    return {"status": RunStatus.RUNNING.value, "owner": run.owner}
