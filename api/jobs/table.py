"""The table of jobs: what there is, when it runs (KST), for how long at most, how often again."""

from datetime import timedelta

from msgspec import Struct


class JobSpec(Struct, kw_only=True, frozen=True):
    """One job.

    Attributes:
        summary: What it does, in a sentence.
        schedule: By default: five fields of cron, KST.
        time_limit: A run that takes longer is ended and has failed.
        tries: How often a run that failed or was lost is tried in all.
        is_fixed: Nobody may move or disable it: orders or fills depend on it.
        then: The job that is run each time this one has ended well.
        is_run_at_start: Each worker that starts has it run at once.
    """

    name: str
    summary: str
    schedule: str
    time_limit: timedelta
    tries: int = 3
    is_fixed: bool = False
    then: str | None = None
    is_run_at_start: bool = False


_MINUTE = timedelta(minutes=1)

_ALL = (
    JobSpec(
        name="load_instruments",
        summary="Load the instrument masters of every broker that has one.",
        schedule="20 7,8 * * *",  # before the first session; the second run catches a broker that was late
        time_limit=5 * _MINUTE,
        is_run_at_start=True,
    ),
    JobSpec(
        name="refresh_broker_tokens",
        summary="See that no account's access token runs out.",
        schedule="*/10 * * * *",  # LS tokens die at 07:00, KIS tokens after 24 hours; one is issued only when little time is left
        time_limit=2 * _MINUTE,
        tries=2,
        is_fixed=True,
    ),
    JobSpec(
        name="expire_orders",
        summary="End the orders of past trading days.",
        schedule="5,35 0,20 * * *",
        time_limit=5 * _MINUTE,
        is_fixed=True,
    ),
    JobSpec(
        name="keep_reconciliation_reports",
        summary="Compare every account's day with its broker's list and keep the reports.",
        schedule="45 20 * * *",  # the last session (NXT) ends at 20:00; the day's list is final then
        time_limit=5 * _MINUTE,
    ),
    JobSpec(
        name="load_trading_days",
        summary="Ask a broker which of the coming days the exchange opens.",
        schedule="40 6 * * *",  # KIS wants this asked about once a day
        time_limit=_MINUTE,
    ),
    JobSpec(
        name="scrape_ipos",
        summary="Read public offerings (공모주) at 38커뮤니케이션.",
        schedule="10 8,18 * * *",
        time_limit=30 * _MINUTE,
        then="fit_ipo_model",
    ),
    JobSpec(
        name="scrape_themes",
        summary="Read themes (테마) and their stocks at 주달.",
        schedule="0 16 * * 1-5",  # after the close; some 300 pages at one every two seconds
        time_limit=40 * _MINUTE,
    ),
    JobSpec(
        name="fit_ipo_model",
        summary="Fit the regression of expected listing prices anew.",
        schedule="50 5 * * 6",  # should the runs after each reading of the site not have come about
        time_limit=2 * _MINUTE,
    ),
)

JOBS = {spec.name: spec for spec in _ALL}
"""By name, in the order they are shown."""
