"""arq's part of the job engine: every two seconds what is due is queued, and each run that waits is handed to a worker."""

from typing import Any

from arq.connections import ArqRedis

from worker.jobs.context import services_of
from worker.jobs.runner import Runner
from worker.jobs.table import WORK

_HAND_OVER_SECONDS = 60
"""A run that still waits then is handed over again: the worker that had it may have died before it began."""


async def plan_runs(context: dict[str, Any]) -> int:
    """Queue what is due, declare lost what fell silent, hand over what waits; returns how many runs wait."""
    services = services_of(context)
    redis: ArqRedis = context["redis"]
    waiting = await services.job_runs.plan()
    for run in waiting:
        turn = int((services.clock.now() - run.queued_at).total_seconds() // _HAND_OVER_SECONDS)
        await redis.enqueue_job("run_job", run.id, _job_id=f"{run.id}:{turn}")  # arq queues the same id once
    return len(waiting)


async def run_job(context: dict[str, Any], run_id: str) -> None:
    """Run one run; nothing where another worker has taken it."""
    services = services_of(context)
    await Runner(services, services.job_runs, WORK).run(run_id)
