"""What clients see of jobs. Schedules are in KST, instants in UTC."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from api.jobs.documents import JobDocument, JobRunDocument
from api.jobs.schedules import next_runs
from api.jobs.table import JobSpec

_SHOWN_RUNS = 3

Schedule = Annotated[
    str,
    Meta(
        min_length=9,
        max_length=120,
        description="Minute, hour, day, month and weekday as in cron, KST.",
        examples=["10 8,18 * * 1-5"],
    ),
]


class RunStatus(StrEnum):
    """``lost``: its worker was stopped or died, and it is run again."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELED = "canceled"
    LOST = "lost"


class Trigger(StrEnum):
    """``catch_up``: no worker was there at its time; ``retry``: the run before failed or was lost; ``start``: a worker or an empty
    Lucy started; ``after``: the job that this one follows ended well."""

    SCHEDULE = "schedule"
    CATCH_UP = "catch_up"
    MANUAL = "manual"
    RETRY = "retry"
    START = "start"
    AFTER = "after"


class JobProgress(Struct, kw_only=True, frozen=True):
    """How much of ``total`` is done, in whatever the job counts; both may grow."""

    done: int
    total: int


class JobError(Struct, kw_only=True, frozen=True):
    """Why a run ended as it did. ``details`` has, for instance, what was expected of a page and what was seen."""

    code: str
    message: str
    details: dict[str, str]


class JobRun(Struct, kw_only=True, frozen=True):
    """One run of a job, without its log. ``retry_at``: when it is repeated, null if it is not."""

    id: str
    job: str
    trigger: Trigger
    started_by: str | None
    attempt: int
    status: RunStatus
    queued_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    duration_seconds: float | None
    progress: JobProgress | None
    counts: dict[str, int]
    error: JobError | None
    retry_at: datetime | None
    is_cancel_requested: bool

    @classmethod
    def of(cls, run: JobRunDocument) -> "JobRun":
        """The wire form."""
        is_ended = run.started_at is not None and run.ended_at is not None
        return cls(
            id=run.id,
            job=run.job,
            trigger=Trigger(run.trigger),
            started_by=run.started_by,
            attempt=run.attempt,
            status=RunStatus(run.status),
            queued_at=run.queued_at,
            started_at=run.started_at,
            ended_at=run.ended_at,
            duration_seconds=(run.ended_at - run.started_at).total_seconds() if is_ended and run.ended_at and run.started_at else None,
            progress=None if run.total is None else JobProgress(done=run.done, total=run.total),
            counts=dict(run.counts),
            error=None if run.error is None else JobError(**run.error),
            retry_at=run.retry_at,
            is_cancel_requested=run.is_cancel_requested,
        )


class JobRunPage(Struct, kw_only=True, frozen=True):
    """Runs, newest first."""

    items: list[JobRun]
    next_cursor: str | None


class JobLogLine(Struct, kw_only=True, frozen=True):
    """What a run said."""

    at: datetime
    text: str


class JobRunLog(Struct, kw_only=True, frozen=True):
    """A run with its log: the first and the last lines; ``dropped_lines`` stood between them."""

    run: JobRun
    log: list[JobLogLine]
    dropped_lines: int

    @classmethod
    def of(cls, run: JobRunDocument) -> "JobRunLog":
        """The wire form."""
        lines = [JobLogLine(at=line.at, text=line.text) for line in run.log]
        return cls(run=JobRun.of(run), log=lines, dropped_lines=run.dropped_lines)


class Job(Struct, kw_only=True, frozen=True):
    """One job. ``next_runs``: the next three times; ``live_run``: the one that waits or runs now; ``is_fixed``: its schedule stands."""

    name: str
    summary: str
    schedule: str
    default_schedule: str
    is_enabled: bool
    is_fixed: bool
    time_limit_seconds: float
    tries: int
    next_runs: list[datetime]
    live_run: JobRun | None
    last_run: JobRun | None

    @classmethod
    def of(cls, spec: JobSpec, document: JobDocument, live: JobRunDocument | None, last: JobRunDocument | None, now: datetime) -> "Job":
        """The wire form; ``last`` is the newest run that has ended."""
        schedule = document.schedule or spec.schedule
        return cls(
            name=spec.name,
            summary=spec.summary,
            schedule=schedule,
            default_schedule=spec.schedule,
            is_enabled=document.is_enabled,
            is_fixed=spec.is_fixed,
            time_limit_seconds=spec.time_limit.total_seconds(),
            tries=spec.tries,
            next_runs=next_runs(schedule, now, _SHOWN_RUNS) if document.is_enabled else [],
            live_run=None if live is None else JobRun.of(live),
            last_run=None if last is None else JobRun.of(last),
        )


class JobList(Struct, kw_only=True, frozen=True):
    """All jobs, in the table's order; nothing is paged, ``next_cursor`` is null."""

    items: list[Job]
    next_cursor: str | None


class ChangeJob(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """What to change; a field that is left out stays. ``schedule: null`` is the default again."""

    schedule: Schedule | UnsetType | None = UNSET
    is_enabled: bool | UnsetType = UNSET
