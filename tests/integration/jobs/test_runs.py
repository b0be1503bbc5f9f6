"""The job engine on a real MongoDB: what is queued, what is never queued twice, what is repeated; time moves by hand."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pymongo import AsyncMongoClient

from api.auth.principal import Principal
from api.bootstrap import Services, new_id, open_services
from api.brokers.errors import BrokerUnavailable
from api.domain.enums import Role
from api.errors import Conflict, JobIsRunning
from api.jobs.documents import JobRunDocument
from api.jobs.repository import JobRepository
from api.jobs.runs import LEASE, JobRuns
from api.jobs.schemas import ChangeJob, Trigger
from api.jobs.service import JobService
from api.jobs.table import JobSpec
from api.jobs.telling import JobTeller
from api.kit.clock import ManualClock
from api.settings import Settings
from api.users.schemas import CreateUser
from tests.stack import until
from worker.jobs.notes import RunNotes, Work
from worker.jobs.runner import Runner

NOON = datetime(2026, 11, 23, 3, tzinfo=UTC)
HOUR = 3600.0
SPECS = {
    "hourly": JobSpec(name="hourly", summary="Each hour.", schedule="0 * * * *", time_limit=timedelta(minutes=5), tries=3),
    "first": JobSpec(name="first", summary="Rarely.", schedule="0 0 1 1 *", time_limit=timedelta(minutes=5), then="second"),
    "second": JobSpec(name="second", summary="Rarely.", schedule="0 0 1 1 *", time_limit=timedelta(minutes=5)),
}


class Engine:
    """The engine with jobs of the test's own."""

    def __init__(self, services: Services, database: Any, clock: ManualClock, admin: Principal) -> None:
        self.services, self.clock, self.admin = services, clock, admin
        self.repository = JobRepository(database)
        self.database = database
        teller = JobTeller(services.event_publisher, services.users, services.alerts, clock)
        self.runs = JobRuns(self.repository, teller, clock, new_id, SPECS)
        self.service = JobService(self.repository, self.runs, teller, services.audit, clock, SPECS)

    async def all(self, job: str = "hourly") -> list[tuple[str, str, int]]:
        """Trigger, status and attempt of every run, oldest first."""
        found = await self.repository.list_page(job, limit=100, before_id=None)
        return [(run.trigger, run.status, run.attempt) for run in reversed(found)]

    async def last(self, job: str = "hourly") -> JobRunDocument:
        run = (await self.repository.list_page(job, limit=1, before_id=None))[0]
        whole = await self.repository.find_run(run.id)
        assert whole is not None
        return whole

    async def run_next(self, work: Work, job: str = "hourly") -> JobRunDocument:
        """Plan, run what waits of the job, and give the run back as it ended."""
        waiting = [run for run in await self.runs.plan() if run.job == job]
        assert len(waiting) == 1
        await Runner(self.services, self.runs, {job: work}, SPECS).run(waiting[0].id)
        return await self.last(job)

    async def alerts(self) -> list[str]:
        await self.services.alerts.aclose()
        return [raw["message"] async for raw in self.database["alerts"].find({"code": "job_failed"})]

    async def statuses_told(self) -> list[str]:
        """What the admin heard of runs."""
        found = await self.services.redis.xrange(self.services.event_publisher.stream_key(self.admin.user_id))
        return [fields[b"e"].decode() for _, fields in found]


@pytest.fixture
async def engine(settings: Settings) -> AsyncIterator[Engine]:
    clock = ManualClock(NOON)
    async with (
        open_services(settings, clock) as services,
        AsyncMongoClient[dict[str, Any]](settings.mongodb_url, tz_aware=True) as client,
    ):
        user = await services.users.create("system", CreateUser(username="chief", password="correct horse battery", role=Role.ADMIN))
        made = Engine(services, client[settings.database], clock, Principal(user_id=user.id, username="chief", role=Role.ADMIN))
        await made.runs.plan()  # the schedules begin now
        yield made


async def well(_: Services, notes: RunNotes) -> None:
    notes.progress(3, 4)
    notes.count("new", 2)
    notes.count("new")
    notes.log("all is well")


async def badly(_: Services, notes: RunNotes) -> None:
    notes.log("it begins")
    raise BrokerUnavailable("kis", sent=False)


async def forever(_: Services, notes: RunNotes) -> None:
    await asyncio.Event().wait()


async def test_nothing_is_due_before_its_time(engine: Engine) -> None:
    engine.clock.advance(HOUR - 1)

    assert await engine.runs.plan() == []


async def test_a_run_tells_what_it_did(engine: Engine) -> None:
    engine.clock.advance(HOUR)

    run = await engine.run_next(well)

    assert (run.trigger, run.status, run.attempt, run.scheduled_for) == ("schedule", "done", 1, NOON + timedelta(hours=1))
    assert (run.done, run.total, run.counts, [line.text for line in run.log]) == (3, 4, {"new": 3}, ["all is well"])
    assert (run.error, run.retry_at, run.is_live) == (None, None, False)
    assert await engine.statuses_told() == ["job"] * 3  # queued, running, done


async def test_many_planners_queue_a_time_once(engine: Engine) -> None:
    engine.clock.advance(HOUR)

    await asyncio.gather(*(engine.runs.plan() for _ in range(10)))
    await engine.run_next(well)
    await asyncio.gather(*(engine.runs.plan() for _ in range(10)))

    assert await engine.all() == [("schedule", "done", 1)]


async def test_a_planner_that_died_before_it_moved_the_schedule_on_queues_nothing_twice(engine: Engine) -> None:
    engine.clock.advance(HOUR)
    await engine.run_next(well)
    await engine.database["jobs"].update_one({"_id": "hourly"}, {"$set": {"next_run_at": NOON + timedelta(hours=1)}})

    assert await engine.runs.plan() == []
    assert await engine.all() == [("schedule", "done", 1)]


async def test_however_many_times_were_missed_one_run_makes_up_for_them(engine: Engine) -> None:
    engine.clock.advance(9.5 * HOUR)

    await engine.run_next(well)
    waiting = await engine.runs.plan()

    assert waiting == []
    assert await engine.all() == [("catch_up", "done", 1)]
    engine.clock.advance(0.5 * HOUR)
    assert len(await engine.runs.plan()) == 1


async def test_two_workers_never_have_the_same_run(engine: Engine) -> None:
    engine.clock.advance(HOUR)
    [waiting] = await engine.runs.plan()
    count = 0

    async def once(_: Services, notes: RunNotes) -> None:
        nonlocal count
        count += 1

    await asyncio.gather(*(Runner(engine.services, engine.runs, {"hourly": once}, SPECS).run(waiting.id) for _ in range(8)))

    assert count == 1


async def test_a_time_that_comes_while_a_run_is_live_waits_for_its_end(engine: Engine) -> None:
    await engine.service.start(engine.admin, "hourly")
    engine.clock.advance(HOUR)

    assert len(await engine.runs.plan()) == 1
    await engine.run_next(well)
    await engine.run_next(well)

    assert await engine.all() == [("manual", "done", 1), ("schedule", "done", 1)]


async def test_a_second_start_names_the_run_that_is_live(engine: Engine) -> None:
    first = await engine.service.start(engine.admin, "hourly")

    with pytest.raises(JobIsRunning) as caught:
        await engine.service.start(engine.admin, "hourly")

    assert caught.value.extra["run_id"] == first.id


async def test_of_many_starts_at_once_one_begins(engine: Engine) -> None:
    outcomes = await asyncio.gather(*(engine.service.start(engine.admin, "hourly") for _ in range(12)), return_exceptions=True)

    assert sum(isinstance(outcome, JobRunDocument) for outcome in outcomes) == 1
    assert all(isinstance(outcome, JobRunDocument | Conflict) for outcome in outcomes)


async def test_a_failure_is_tried_again_after_longer_and_longer_pauses_and_then_told_once(engine: Engine) -> None:
    engine.clock.advance(HOUR)
    first = await engine.run_next(badly)
    assert first.error is not None
    assert (first.status, first.error["code"], first.retry_at) == ("failed", "broker_error", engine.clock.now() + timedelta(minutes=1))
    assert await engine.runs.plan() == []
    engine.clock.advance(60)
    second = await engine.run_next(badly)
    assert second.retry_at == engine.clock.now() + timedelta(minutes=4)
    assert await engine.alerts() == []
    engine.clock.advance(240)

    third = await engine.run_next(badly)

    assert third.retry_at is None
    assert await engine.all() == [("schedule", "failed", 1), ("retry", "failed", 2), ("retry", "failed", 3)]
    assert len(await engine.alerts()) == 1
    engine.clock.advance(600)
    assert await engine.runs.plan() == []


async def test_an_alert_comes_once_a_day_and_anew_after_the_job_worked(engine: Engine) -> None:
    async def fail_for_good() -> None:
        for _ in range(3):
            engine.clock.advance(HOUR)
            await engine.run_next(badly)

    await fail_for_good()
    engine.clock.advance(HOUR)
    await engine.run_next(badly)
    engine.clock.advance(60)
    await engine.run_next(badly)
    engine.clock.advance(240)
    await engine.run_next(badly)
    told_twice = len(await engine.alerts())
    engine.clock.advance(HOUR)
    await engine.run_next(well)

    for pause in (HOUR, 60.0, 240.0):
        engine.clock.advance(pause)
        await engine.run_next(badly)

    assert (told_twice, len(await engine.alerts())) == (1, 2)


async def test_a_run_whose_worker_died_is_lost_and_run_again_once(engine: Engine) -> None:
    engine.clock.advance(HOUR)
    [waiting] = await engine.runs.plan()
    assert await engine.runs.begin(waiting.id, "a worker that dies") is not None
    engine.clock.advance(LEASE.total_seconds())
    assert await engine.runs.plan() == []
    engine.clock.advance(1)

    await asyncio.gather(*(engine.runs.plan() for _ in range(6)))
    run = await engine.run_next(well)

    assert (run.trigger, run.status, run.attempt) == ("retry", "done", 2)
    assert await engine.all() == [("schedule", "lost", 1), ("retry", "done", 2)]


async def test_a_worker_that_slept_through_its_lease_changes_nothing_any_more(engine: Engine) -> None:
    engine.clock.advance(HOUR)
    [waiting] = await engine.runs.plan()
    run = await engine.runs.begin(waiting.id, "a worker that sleeps")
    assert run is not None
    engine.clock.advance(LEASE.total_seconds() + 1)
    await engine.run_next(well)

    assert await engine.runs.keep(run, {"done": 7}, is_news=True) is None

    assert [status for _, status, _ in await engine.all()] == ["lost", "done"]


async def test_a_worker_that_is_stopped_gives_its_run_back_at_the_same_attempt(engine: Engine) -> None:
    engine.clock.advance(HOUR)
    [waiting] = await engine.runs.plan()
    task = asyncio.create_task(Runner(engine.services, engine.runs, {"hourly": forever}, SPECS).run(waiting.id))

    async def is_running() -> bool:
        return (await engine.last()).status == "running"

    await until(is_running, "the run began")
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    run = await engine.run_next(well)

    assert (run.trigger, run.status, run.attempt) == ("retry", "done", 1)
    assert await engine.all() == [("schedule", "lost", 1), ("retry", "done", 1)]


async def test_a_worker_that_is_stopped_while_it_takes_a_run_gives_it_back(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    engine.clock.advance(HOUR)
    [waiting] = await engine.runs.plan()
    begin = engine.runs.begin
    is_taken = asyncio.Event()

    async def slow_begin(run_id: str, process_id: str) -> JobRunDocument | None:
        run = await begin(run_id, process_id)
        is_taken.set()
        await asyncio.sleep(0)
        return run

    monkeypatch.setattr(engine.runs, "begin", slow_begin)
    task = asyncio.create_task(Runner(engine.services, engine.runs, {"hourly": forever}, SPECS).run(waiting.id))
    await is_taken.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    run = await engine.last()
    assert run.error is not None
    assert (run.status, run.error["code"]) == ("lost", "worker_stopped")


async def test_a_run_that_takes_too_long_has_failed(engine: Engine) -> None:
    engine.clock.advance(HOUR)
    [waiting] = await engine.runs.plan()
    ended = False

    async def too_long(services: Services, notes: RunNotes) -> None:
        nonlocal ended
        engine.clock.advance(301)
        try:
            await asyncio.Event().wait()
        finally:
            ended = True

    await Runner(engine.services, engine.runs, {"hourly": too_long}, SPECS).run(waiting.id)

    run = await engine.last()
    assert run.error is not None
    assert (run.status, run.error["code"], ended) == ("failed", "time_limit", True)


async def test_a_running_run_is_canceled_and_not_repeated(engine: Engine) -> None:
    engine.clock.advance(HOUR)
    [waiting] = await engine.runs.plan()

    async def canceled_meanwhile(_: Services, notes: RunNotes) -> None:
        await engine.service.cancel_run(engine.admin, waiting.id)
        notes.log("asked to end")
        await asyncio.Event().wait()

    await Runner(engine.services, engine.runs, {"hourly": canceled_meanwhile}, SPECS).run(waiting.id)

    assert (await engine.last()).status == "canceled"
    assert await engine.runs.plan() == []
    assert await engine.alerts() == []


async def test_a_waiting_run_is_canceled_at_once_and_one_that_has_ended_stays(engine: Engine) -> None:
    waiting = await engine.service.start(engine.admin, "hourly")

    canceled = await engine.service.cancel_run(engine.admin, waiting.id)
    await Runner(engine.services, engine.runs, {"hourly": well}, SPECS).run(waiting.id)
    again = await engine.service.cancel_run(engine.admin, waiting.id)

    assert (canceled.status, again.status, again.started_at) == ("canceled", "canceled", None)


async def test_a_repeat_that_is_waited_for_can_be_called_off(engine: Engine) -> None:
    engine.clock.advance(HOUR)
    failed = await engine.run_next(badly)

    await engine.service.cancel_run(engine.admin, failed.id)
    engine.clock.advance(600)

    assert await engine.runs.plan() == []
    assert (await engine.last()).status == "failed"


async def test_a_repeat_is_not_needed_once_a_newer_run_was_there(engine: Engine) -> None:
    engine.clock.advance(HOUR)
    await engine.run_next(badly)
    engine.clock.advance(10)
    await engine.service.start(engine.admin, "hourly")
    await engine.run_next(well)
    engine.clock.advance(60)

    assert await engine.runs.plan() == []


async def test_a_job_that_ends_well_has_the_next_one_run(engine: Engine) -> None:
    await engine.service.start(engine.admin, "first")

    await engine.run_next(well, "first")

    assert await engine.all("second") == [("after", "queued", 1)]


async def test_a_disabled_job_rests_and_is_not_made_up_for(engine: Engine) -> None:
    await engine.service.change(engine.admin, "hourly", ChangeJob(is_enabled=False))
    engine.clock.advance(5.5 * HOUR)
    assert await engine.runs.plan() == []

    job = await engine.service.change(engine.admin, "hourly", ChangeJob(is_enabled=True))

    assert await engine.runs.plan() == []
    assert job.next_runs[0] == NOON + timedelta(hours=6)


async def test_a_moved_schedule_holds_from_now_on(engine: Engine) -> None:
    job = await engine.service.change(engine.admin, "hourly", ChangeJob(schedule="30 12 * * *"))
    engine.clock.advance(0.5 * HOUR)

    assert len(await engine.runs.plan()) == 1
    assert (job.schedule, job.default_schedule) == ("30 12 * * *", "0 * * * *")
    assert job.next_runs == [NOON + timedelta(hours=0.5, days=day) for day in range(3)]


async def test_only_the_first_and_last_lines_of_a_long_log_are_kept(engine: Engine) -> None:
    async def talks(_: Services, notes: RunNotes) -> None:
        for number in range(1_000):
            notes.log(f"line {number} " + "x" * 600)

    await engine.service.start(engine.admin, "hourly")
    run = await engine.run_next(talks)

    def numbers(lines: Sequence[Any]) -> list[int]:
        return [int(line.text.split()[1]) for line in lines]

    assert numbers(run.log) == [*range(100), *range(700, 1_000)]
    assert run.dropped_lines == 600
    assert max(len(line.text) for line in run.log) == 500


async def test_what_nobody_expected_is_told_too(engine: Engine) -> None:
    async def breaks(_: Services, notes: RunNotes) -> None:
        raise ZeroDivisionError("by nothing")

    await engine.service.start(engine.admin, "hourly")
    run = await engine.run_next(breaks)

    assert run.error == {"code": "unexpected", "message": "ZeroDivisionError: by nothing", "details": {}}


async def test_the_newest_three_hundred_runs_are_kept(engine: Engine) -> None:
    past = [engine.runs.new_run("second", Trigger.MANUAL).model_dump_doc() | {"is_live": False, "status": "done"} for _ in range(305)]
    await engine.database["job_runs"].insert_many(past)

    await engine.service.start(engine.admin, "second")
    await engine.run_next(well, "second")

    assert await engine.database["job_runs"].count_documents({"job": "second"}) == 300
