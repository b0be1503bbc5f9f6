"""The table of jobs: what runs when (KST), for how long at most, how often again."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, cast

from arq import cron, func
from arq.cron import CronJob
from arq.typing import WorkerCoroutine
from arq.worker import Function

from worker.jobs.expire_orders import expire_orders
from worker.jobs.load_instrument_details import load_instrument_details
from worker.jobs.load_instruments import load_instruments
from worker.jobs.refresh_broker_tokens import refresh_broker_tokens
from worker.jobs.sweep_unpublished import sweep_unpublished


def _job(function: Callable[[dict[str, Any]], Awaitable[int]]) -> WorkerCoroutine:
    """arq types its jobs as taking any arguments; ours take the context alone."""
    return cast("WorkerCoroutine", function)


FUNCTIONS: Sequence[Function] = (
    func(_job(load_instruments), name="load_instruments", timeout=120, max_tries=3),
    func(_job(load_instrument_details), name="load_instrument_details", timeout=100, max_tries=1),
    func(_job(refresh_broker_tokens), name="refresh_broker_tokens", timeout=120, max_tries=2),
)
"""Jobs that a person may also start by hand."""

CRON_JOBS: Sequence[CronJob] = (
    # Masters are rebuilt before the first session; the second run catches a broker that was late.
    cron(_job(load_instruments), name="load_instruments", hour={7, 8}, minute=20, second=0, timeout=120, max_tries=3, run_at_startup=True),
    # A few at a time until every instrument has been asked about; afterwards it looks and goes.
    cron(
        _job(load_instrument_details),
        name="load_instrument_details",
        second=30,
        timeout=100,
        max_tries=1,
        run_at_startup=True,
        keep_result=0,
    ),
    # LS tokens die at 07:00, KIS tokens after 24 hours: looked at often, issued only when one has little time left.
    cron(_job(refresh_broker_tokens), name="refresh_broker_tokens", minute=set(range(0, 60, 10)), second=10, timeout=120),
    cron(_job(sweep_unpublished), name="sweep_unpublished", second=set(range(0, 60, 2)), timeout=30, keep_result=0),
    cron(_job(expire_orders), name="expire_orders", hour={0, 20}, minute={5, 35}, second=0, timeout=300),
)
"""arq gives each run of a job to one worker only, however many there are."""
