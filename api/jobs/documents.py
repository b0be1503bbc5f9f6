"""Stored schedules and runs. Times in UTC."""

from datetime import datetime
from typing import Any

from odmantic import EmbeddedModel, Field, Model
from odmantic.config import ODMConfigDict


class JobDocument(Model):
    """When a job runs.

    Attributes:
        id: The job's name.
        schedule: What a person set; None: as in the table of jobs.
        next_run_at: The next run that is due, or was due and not begun; None while disabled.
        alerted_at: When admins were last told that it fails; None since it ended well.
        revision: Grows with each change of the schedule.
    """

    model_config = ODMConfigDict(collection="jobs")

    id: str = Field(primary_field=True)
    schedule: str | None = None
    is_enabled: bool = True
    next_run_at: datetime | None
    alerted_at: datetime | None = None
    revision: int = 1


class LogLineDocument(EmbeddedModel):
    """What a run said, and when."""

    at: datetime
    text: str


class JobRunDocument(Model):
    """One run.

    Attributes:
        trigger: `api.jobs.schemas.Trigger`.
        started_by: The user who asked for it; None: nobody.
        scheduled_for: The time of the schedule that it was queued for; a job has one run at most for each.
        retry_of: The run that it repeats; a run is repeated once at most.
        attempt: 1 and up.
        status: `api.jobs.schemas.RunStatus`.
        is_live: Queued or running; a job has one such run at most.
        done, total: Progress, in whatever the job counts; ``total`` None: it says nothing of it.
        counts: Figures of the job's own.
        log: Its first and its last lines.
        dropped_lines: Those between them.
        error: ``code``, ``message`` and ``details`` of what ended it.
        retry_at: When it is to be repeated.
        owner: Process id of the worker that runs it.
        lease_until: If its worker says nothing until then, the run is lost.
        is_cancel_requested: Its worker is to end it.
    """

    model_config = ODMConfigDict(collection="job_runs")

    id: str = Field(primary_field=True)
    job: str
    trigger: str
    started_by: str | None = None
    scheduled_for: datetime | None = None
    retry_of: str | None = None
    attempt: int = 1
    status: str
    is_live: bool
    queued_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None
    done: int = 0
    total: int | None = None
    counts: dict[str, int] = Field(default_factory=dict)
    log: list[LogLineDocument] = Field(default_factory=list)
    dropped_lines: int = 0
    error: dict[str, Any] | None = None
    retry_at: datetime | None = None
    owner: str | None = None
    lease_until: datetime | None = None
    is_cancel_requested: bool = False
