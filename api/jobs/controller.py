"""Routes of jobs and their runs."""

from typing import Annotated

from litestar import Controller, get, patch, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter, QueryParameter

from api.auth.principal import Principal
from api.jobs.schemas import ChangeJob, Job, JobList, JobRun, JobRunLog, JobRunPage
from api.jobs.service import JobService
from api.kit.cursors import decode_cursor, encode_cursor
from api.problems import problems

_NAME = PathParameter(pattern=r"^[a-z_]{1,60}$", description="Name of the job.")
_RUN = PathParameter(pattern=r"^[0-9a-f]{24}$", description="Id of the run.")


class JobController(Controller):
    """What the worker does by itself, and when."""

    path = "/jobs"
    tags = ["jobs"]  # noqa: RUF012 - Litestar declares it so

    @get(operation_id="listJobs", summary="List jobs", responses=problems(401, 403))
    async def list_jobs(self, principal: NamedDependency[Principal], job_service: NamedDependency[JobService]) -> JobList:
        """Every job with its schedule, its last run and the one that is live. Each change of a run comes to admins as an event `job`."""
        return JobList(items=await job_service.list_all(principal), next_cursor=None)

    @get("/{name:str}", operation_id="getJob", summary="One job", responses=problems(401, 403, 404))
    async def get_job(
        self, name: Annotated[str, _NAME], principal: NamedDependency[Principal], job_service: NamedDependency[JobService]
    ) -> Job:
        """As in the list."""
        return await job_service.get(principal, name)

    @patch("/{name:str}", operation_id="changeJob", summary="Change a schedule (admin)", responses=problems(400, 401, 403, 404, 409, 422))
    async def change_job(
        self,
        name: Annotated[str, _NAME],
        data: JSONBody[ChangeJob],
        principal: NamedDependency[Principal],
        job_service: NamedDependency[JobService],
    ) -> Job:
        """From now on; times that pass while it is disabled are not made up for. A job that orders or fills depend on stays as it is."""
        return await job_service.change(principal, name, data)

    @post("/{name:str}/run", operation_id="runJob", summary="Run now (admin)", status_code=202, responses=problems(401, 403, 404, 409))
    async def run_job(
        self, name: Annotated[str, _NAME], principal: NamedDependency[Principal], job_service: NamedDependency[JobService]
    ) -> JobRun:
        """Queued; a worker begins within seconds, also where the job is disabled. While a run is live 409 `job_is_running` names it."""
        return JobRun.of(await job_service.start(principal, name))


class JobRunController(Controller):
    """What became of each run."""

    path = "/job-runs"
    tags = ["jobs"]  # noqa: RUF012 - Litestar declares it so

    @get(operation_id="listJobRuns", summary="List runs", responses=problems(400, 401, 403, 404, 422))
    async def list_runs(
        self,
        principal: NamedDependency[Principal],
        job_service: NamedDependency[JobService],
        job: Annotated[str | None, QueryParameter(pattern=r"^[a-z_]{1,60}$", description="Only of this job.")] = None,
        limit: Annotated[int, QueryParameter(ge=1, le=200)] = 50,
        cursor: Annotated[str | None, QueryParameter(max_length=200)] = None,
    ) -> JobRunPage:
        """Newest first; the newest 300 of each job are kept."""
        found = await job_service.list_runs(principal, job, limit=limit + 1, before_id=decode_cursor(cursor))
        next_cursor = encode_cursor(found[limit - 1].id) if len(found) > limit else None
        return JobRunPage(items=[JobRun.of(run) for run in found[:limit]], next_cursor=next_cursor)

    @get("/{run:str}", operation_id="getJobRun", summary="One run with its log", responses=problems(401, 403, 404))
    async def get_run(
        self, run: Annotated[str, _RUN], principal: NamedDependency[Principal], job_service: NamedDependency[JobService]
    ) -> JobRunLog:
        """The run as it is now."""
        return JobRunLog.of(await job_service.get_run(principal, run))

    @post("/{run:str}/cancel", operation_id="cancelJobRun", summary="End a run (admin)", status_code=200, responses=problems(401, 403, 404))
    async def cancel_run(
        self, run: Annotated[str, _RUN], principal: NamedDependency[Principal], job_service: NamedDependency[JobService]
    ) -> JobRun:
        """A waiting run ends at once, a running one within seconds; one that is to be repeated is not. What it has stored stays."""
        return JobRun.of(await job_service.cancel_run(principal, run))
