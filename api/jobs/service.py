"""Jobs as people see them: look, start, cancel, move, enable."""

from collections.abc import Mapping
from datetime import datetime

from msgspec import UNSET

from api.audit.service import AuditService
from api.auth.principal import Principal
from api.errors import Conflict, Forbidden, JobIsFixed, JobIsRunning, NotFound
from api.jobs.documents import JobDocument, JobRunDocument
from api.jobs.repository import JobRepository
from api.jobs.runs import JobRuns
from api.jobs.schedules import check_schedule, next_runs
from api.jobs.schemas import ChangeJob, Job, RunStatus, Trigger
from api.jobs.table import JOBS, JobSpec
from api.jobs.telling import JobTeller
from api.kit.clock import Clock

_TRIES = 5


class JobService:
    """All that a client can do with jobs. Traders may look, admins may change."""

    def __init__(
        self,
        repository: JobRepository,
        runs: JobRuns,
        teller: JobTeller,
        audit: AuditService,
        clock: Clock,
        specs: Mapping[str, JobSpec] = JOBS,
    ) -> None:
        self._repository = repository
        self._runs = runs
        self._teller = teller
        self._audit = audit
        self._clock = clock
        self._specs = specs

    async def list_all(self, principal: Principal) -> list[Job]:
        """Every job of the table."""
        _require_reader(principal)
        stored = await self._repository.jobs()
        return [await self._job(spec, stored.get(name)) for name, spec in self._specs.items()]

    async def get(self, principal: Principal, name: str) -> Job:
        """One job; `NotFound` where the table has none of this name."""
        _require_reader(principal)
        return await self._job(self._spec(name), (await self._repository.jobs()).get(name))

    async def change(self, principal: Principal, name: str, change: ChangeJob) -> Job:
        """Move, enable or disable a job.

        Raises:
            Forbidden: Not an admin.
            NotFound: No such job.
            JobIsFixed: Its schedule stands.
            InvalidRequest: The schedule is none.
        """
        _require_admin(principal)
        spec = self._spec(name)
        if spec.is_fixed:
            raise JobIsFixed(f"`{name}` runs when it must; it can only be started by hand.")
        schedule = check_schedule(change.schedule) if isinstance(change.schedule, str) else change.schedule
        for _ in range(_TRIES):
            now = self._clock.now()
            await self._repository.add_job(JobDocument(id=name, next_run_at=next_runs(spec.schedule, now)[0]))
            job = (await self._repository.jobs())[name]
            before = {"schedule": job.schedule or spec.schedule, "is_enabled": job.is_enabled}
            if schedule is not UNSET:
                job.schedule = None if schedule == spec.schedule else schedule
            if change.is_enabled is not UNSET:
                job.is_enabled = change.is_enabled
            after = {"schedule": job.schedule or spec.schedule, "is_enabled": job.is_enabled}
            if after != before:
                job.next_run_at = next_runs(job.schedule or spec.schedule, now)[0] if job.is_enabled else None
                if not await self._repository.replace_schedule_if_unchanged(job):
                    continue
                await self._audit.record(actor=principal.user_id, action="job.change", subject=f"job:{name}", before=before, after=after)
            return await self._job(spec, job)
        raise Conflict("The job is being changed by others. Try again in a moment.")

    async def start(self, principal: Principal, name: str) -> JobRunDocument:
        """Have a job run now: queued here, begun by a worker within a few seconds. `JobIsRunning` names the run that is live."""
        _require_admin(principal)
        run = self._runs.new_run(self._spec(name).name, Trigger.MANUAL, started_by=principal.user_id)
        for _ in range(_TRIES):
            if await self._runs.queue(run):
                return run
            if (live := await self._repository.live_run(name)) is not None:
                raise JobIsRunning(f"`{name}` is {live.status}.", run_id=live.id)
        raise Conflict("The job is being started by others. Try again in a moment.")

    async def list_runs(self, principal: Principal, job: str | None, *, limit: int, before_id: str | None) -> list[JobRunDocument]:
        """Runs, newest first, without their logs."""
        _require_reader(principal)
        if job is not None:
            self._spec(job)
        return await self._repository.list_page(job, limit=limit, before_id=before_id)

    async def get_run(self, principal: Principal, run_id: str) -> JobRunDocument:
        """One run with its log."""
        _require_reader(principal)
        run = await self._repository.find_run(run_id)
        if run is None:
            raise NotFound("There is no such run.")
        return run

    async def cancel_run(self, principal: Principal, run_id: str) -> JobRunDocument:
        """End a run: at once where it waits; its worker ends it within seconds where it runs. One that has ended stays as it is."""
        _require_admin(principal)
        run = await self.get_run(principal, run_id)
        ended = {"status": RunStatus.CANCELED.value, "is_live": False, "ended_at": self._clock.now(), "is_cancel_requested": True}
        asked = {"is_cancel_requested": True}
        after = await self._repository.change_run(run_id, {"status": RunStatus.QUEUED.value}, ended)
        after = after or await self._repository.change_run(run_id, {"status": RunStatus.RUNNING.value}, asked)
        after = after or await self._repository.change_run(run_id, {"retry_at": {"$ne": None}}, {"retry_at": None, **asked})
        if after is not None:
            await self._teller.tell(after)
        return after or await self.get_run(principal, run.id)

    async def _job(self, spec: JobSpec, document: JobDocument | None) -> Job:
        now: datetime = self._clock.now()
        document = document or JobDocument(id=spec.name, next_run_at=None)
        return Job.of(spec, document, *await self._repository.live_and_last(spec.name), now)

    def _spec(self, name: str) -> JobSpec:
        spec = self._specs.get(name)
        if spec is None:
            raise NotFound(f"There is no job `{name}`.")
        return spec


def _require_reader(principal: Principal) -> None:
    if not (principal.may_trade or principal.is_admin):
        raise Forbidden("Only admins and traders may see jobs.")


def _require_admin(principal: Principal) -> None:
    if not principal.is_admin:
        raise Forbidden("Only admins may start, stop or change jobs.")
