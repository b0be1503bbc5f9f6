"""Cron text, five fields, in KST."""

from datetime import UTC, datetime
from itertools import islice

from cronsim import CronSim, CronSimError

from api.errors import InvalidRequest
from api.kit.clock import KST

_FIELDS = 5


def check_schedule(text: str) -> str:
    """The text with single spaces; `InvalidRequest` says what is wrong with it."""
    fields = text.split()
    schedule = " ".join(fields)
    problem = f"{len(fields)} fields, not minute, hour, day, month and weekday" if len(fields) != _FIELDS else None
    if problem is None:
        try:
            next(CronSim(schedule, datetime(2026, 1, 1, tzinfo=KST)))
        except CronSimError as error:
            problem = str(error)
        except StopIteration:
            problem = "never comes"
    if problem is not None:
        raise InvalidRequest(f"The schedule is not valid: {problem}.", errors=[{"field": "schedule", "message": problem}])
    return schedule


def next_runs(schedule: str, after: datetime, count: int = 1) -> list[datetime]:
    """The next times after an aware instant, in UTC."""
    return [each.astimezone(UTC) for each in islice(CronSim(schedule, after.astimezone(KST)), count)]
