"""What arq runs: the job engine, and the small sweeps that come every few seconds and that nobody needs to see.

The jobs that people see, move and start are in `api.jobs.table`.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, cast

from arq import cron, func
from arq.cron import CronJob
from arq.typing import WorkerCoroutine
from arq.worker import Function

from api.jobs.table import JOBS
from worker.jobs.load_instrument_details import load_instrument_details
from worker.jobs.plan_runs import plan_runs, run_job
from worker.jobs.sweep_blocks import sweep_blocks
from worker.jobs.sweep_unpublished import sweep_unpublished


def _sweep(function: Callable[[dict[str, Any]], Awaitable[int]]) -> WorkerCoroutine:
    """arq types its jobs as taking any arguments; ours take the context alone."""
    return cast("WorkerCoroutine", function)


_LONGEST = max(spec.time_limit for spec in JOBS.values()).total_seconds() + 60
"""The runner ends each run at its own limit; arq's is behind it."""

MOST_AT_ONCE = len(JOBS) + 10
"""Every job at once, and the sweeps beside them."""

FUNCTIONS: Sequence[Function] = (func(cast("WorkerCoroutine", run_job), name="run_job", timeout=_LONGEST, max_tries=1, keep_result=0),)

CRON_JOBS: Sequence[CronJob] = (
    cron(_sweep(plan_runs), name="plan_runs", second=set(range(0, 60, 2)), timeout=30, keep_result=0),
    # A few at a time until every instrument has been asked about; afterwards it looks and goes.
    cron(
        _sweep(load_instrument_details),
        name="load_instrument_details",
        second=30,
        timeout=100,
        max_tries=1,
        run_at_startup=True,
        keep_result=0,
    ),
    cron(_sweep(sweep_unpublished), name="sweep_unpublished", second=set(range(0, 60, 2)), timeout=30, keep_result=0),
    cron(_sweep(sweep_blocks), name="sweep_blocks", second=set(range(1, 60, 5)), timeout=60, keep_result=0),
)
"""arq gives each run of these to one worker only, however many there are."""
