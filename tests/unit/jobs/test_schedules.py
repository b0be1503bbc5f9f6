"""Cron text in KST."""

from datetime import UTC, datetime, timedelta

import pytest

from api.errors import InvalidRequest
from api.jobs.schedules import check_schedule, next_runs
from api.jobs.table import JOBS
from worker.jobs.table import WORK

MONDAY_NOON = datetime(2026, 11, 23, 3, tzinfo=UTC)


def test_every_job_of_the_table_has_its_work_and_a_schedule_that_comes() -> None:
    assert WORK.keys() == JOBS.keys()
    for spec in JOBS.values():
        assert check_schedule(spec.schedule) == spec.schedule
        assert spec.then is None or spec.then in JOBS
        assert spec.tries > 1


def test_times_are_koreas() -> None:
    tomorrow = datetime(2026, 11, 23, 22, 20, tzinfo=UTC)
    assert next_runs("20 7 * * *", MONDAY_NOON, 2) == [tomorrow, tomorrow + timedelta(days=1)]


def test_a_time_that_is_now_is_not_the_next() -> None:
    assert next_runs("0 12 * * *", MONDAY_NOON) == [datetime(2026, 11, 24, 3, tzinfo=UTC)]


def test_weekdays_have_names_too() -> None:
    assert check_schedule("  0  9 * *   mon-fri ") == "0 9 * * mon-fri"
    assert next_runs("0 9 * * mon-fri", datetime(2026, 11, 27, 3, tzinfo=UTC)) == [datetime(2026, 11, 30, tzinfo=UTC)]


@pytest.mark.parametrize(
    "text", ["", "* * * *", "* * * * * *", "@daily", "61 * * * *", "* 24 * * *", "0 0 31 2 *", "a b c d e", "*/0 * * * *", "5-1 * * * *"]
)
def test_what_is_no_schedule_is_told(text: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        check_schedule(text)

    assert caught.value.extra["errors"][0]["field"] == "schedule"


def test_a_leap_day_is_found() -> None:
    assert next_runs("0 0 29 2 *", MONDAY_NOON) == [datetime(2028, 2, 28, 15, tzinfo=UTC)]
