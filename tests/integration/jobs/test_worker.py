"""Jobs over processes: a real worker, killed in the middle of a run; the sites' pages over a real socket."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio
from pymongo import AsyncMongoClient

from api.bootstrap import open_services
from api.local.fixture_sites.server import FixtureSites, serving
from api.local.seed import DEMO_PASSWORD, DEMO_USER
from api.settings import Settings
from tests.conftest import RunningServers, fresh_settings
from tests.stack import Child, answers, until

pytestmark = pytest.mark.asyncio(loop_scope="session")


class Office:
    """API and worker as processes, without any broker; the demo admin's client."""

    def __init__(self, settings: Settings, http: httpx.AsyncClient, worker: Child, site: FixtureSites) -> None:
        self.settings, self.http, self.worker, self.site = settings, http, worker, site

    async def start(self, job: str) -> str:
        answer = await self.http.post(f"/jobs/{job}/run")
        assert answer.status_code == 202, answer.text
        return str(answer.json()["id"])

    async def run(self, run_id: str) -> dict[str, Any]:
        found: dict[str, Any] = (await self.http.get(f"/job-runs/{run_id}")).json()
        return found

    async def runs(self, job: str) -> list[dict[str, Any]]:
        """Oldest first."""
        found: list[dict[str, Any]] = (await self.http.get("/job-runs", params={"job": job})).json()["items"]
        return found[::-1]

    async def until_run(self, run_id: str, *statuses: str) -> dict[str, Any]:
        """Wait until the run has one of the statuses."""
        seen: dict[str, Any] = {}

        async def has_status() -> bool:
            seen.update(await self.run(run_id))
            return seen["run"]["status"] in statuses

        await until(has_status, f"the run is {' or '.join(statuses)}", describe=lambda: str(seen))
        return seen

    async def until_idle(self, job: str) -> list[dict[str, Any]]:
        """Wait until the job's last run has ended and none is to come; its runs."""
        runs: list[dict[str, Any]] = []

        async def is_idle() -> bool:
            runs[:] = await self.runs(job)
            return all(run["ended_at"] is not None and run["retry_at"] is None for run in runs)

        await until(is_idle, f"{job} is idle", describe=lambda: str(runs))
        return runs

    async def stored(self) -> list[int]:
        """Numbers of the stored offerings."""
        async with AsyncMongoClient[dict[str, Any]](self.settings.mongodb_url) as client:
            return sorted([raw["_id"] async for raw in client[self.settings.database]["ipos"].find({}, {"_id": 1})])

    async def let_leases_end(self) -> None:
        """As if half a minute had gone by."""
        async with AsyncMongoClient[dict[str, Any]](self.settings.mongodb_url) as client:
            runs = client[self.settings.database]["job_runs"]
            await runs.update_many({"status": "running"}, {"$set": {"lease_until": datetime.now(UTC) - timedelta(seconds=1)}})

    def kill_worker(self) -> None:
        """SIGKILL, and a new one."""
        self.worker.kill()
        self.worker.start()


@asynccontextmanager
async def working(settings: Settings, site: FixtureSites) -> AsyncIterator[Office]:
    """API and worker, ended with the block."""
    async with open_services(settings) as services:
        await services.users.ensure_demo_user(DEMO_USER, DEMO_PASSWORD)
    api, worker = (Child(name, settings, settings.data_dir.parent / f"{name}.log") for name in ("api", "worker"))
    api.start()
    worker.start()
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{settings.api_port}/api/v1", timeout=20) as http:
            await until(lambda: answers(http, "/health/ready"), "the API is ready")
            told = await http.post("/auth/login", json={"username": DEMO_USER, "password": DEMO_PASSWORD})
            http.headers["Authorization"] = f"Bearer {told.json()['access_token']}"
            yield Office(settings, http, worker, site)
    finally:
        worker.close()
        api.close()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def office(servers: RunningServers, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Office]:
    with fresh_settings(servers, tmp_path_factory.mktemp("jobs")) as settings:
        async with serving() as site:
            addresses = {"site38_url": site.url, "judal_url": site.url, "site_delay": timedelta(milliseconds=20)}
            async with working(settings.model_copy(update=addresses), site) as office:
                yield office


async def test_a_worker_killed_in_the_middle_of_a_run_loses_and_doubles_no_row(office: Office) -> None:
    first = await office.start("scrape_ipos")

    async def is_in_the_middle() -> bool:
        return len(await office.stored()) > 10

    await until(is_in_the_middle, "some offerings are stored")
    office.kill_worker()
    in_the_middle = await office.stored()
    asked_before = len(office.site.asked)
    await office.let_leases_end()
    runs = await office.until_idle("scrape_ipos")

    expected = sorted(offer.site_no for offer in office.site.offers())
    assert 0 < len(in_the_middle) <= len(expected)
    assert await office.stored() == expected
    assert len(office.site.asked) > asked_before
    assert [(run["trigger"], run["status"], run["attempt"]) for run in runs] == [("manual", "lost", 1), ("retry", "done", 2)]
    assert runs[0]["id"] == first
    assert runs[0]["ended_at"] <= runs[1]["started_at"]
    listed = (await office.http.get("/ipos", params={"limit": 200})).json()["items"]
    assert len({each["site_no"] for each in listed}) == len(listed)


async def test_a_worker_that_is_stopped_hands_its_run_to_the_next(office: Office) -> None:
    office.site.is_answering.clear()
    first = await office.start("scrape_ipos")
    await office.until_run(first, "running")

    await asyncio.to_thread(office.worker.stop)
    lost = await office.run(first)
    office.site.is_answering.set()
    office.worker.start()
    runs = (await office.until_idle("scrape_ipos"))[-2:]

    assert (lost["run"]["status"], lost["run"]["error"]["code"]) == ("lost", "worker_stopped")
    assert [(run["status"], run["attempt"]) for run in runs] == [("lost", 1), ("done", 1)]


async def test_a_run_shows_how_far_it_is_and_what_it_found(office: Office) -> None:
    run_id = await office.start("scrape_ipos")

    seen = await office.until_run(run_id, "done")

    run = seen["run"]
    assert run["progress"]["done"] == run["progress"]["total"] > 0
    assert sum(run["counts"].get(name, 0) for name in ("new", "changed", "same")) > 0
    assert any("subscription schedule" in line["text"] for line in seen["log"])
    assert run["duration_seconds"] > 0
    events = (await office.http.get("/events/log")).json()["items"]
    told = [event["data"]["run"]["status"] for event in events if event["event"] == "job" and event["data"]["run"]["id"] == run_id]
    assert (told[0], told[1], told[-1]) == ("queued", "running", "done")


async def test_the_model_is_fitted_after_the_offerings_were_read(office: Office) -> None:
    run_id = await office.start("scrape_ipos")
    await office.until_run(run_id, "done")

    runs = await office.until_idle("fit_ipo_model")

    assert runs[-1]["trigger"] == "after"
    model = await office.http.get("/ipos/model")
    assert (model.status_code, model.json()["sample_size"] > 20) == (200, True), model.text


async def test_a_changed_page_fails_the_run_keeps_the_page_and_the_data(office: Office) -> None:
    before = await office.stored()
    office.site.state.variant = "changed_structure"
    try:
        run_id = await office.start("scrape_ipos")
        run = (await office.until_run(run_id, "failed"))["run"]
    finally:
        office.site.state.variant = "normal"
    await office.http.post(f"/job-runs/{run_id}/cancel")

    assert run["error"]["code"] == "site_structure_changed"
    assert run["error"]["details"]["expected"]
    assert run["error"]["details"]["seen"]
    page = await office.http.get(f"/raw-pages/{run['error']['details']['raw_page_id']}")
    assert (page.status_code, len(page.content) > 0) == (200, True)
    assert await office.stored() == before


async def test_a_running_run_ends_when_it_is_canceled(office: Office) -> None:
    run_id = await office.start("scrape_ipos")
    await office.until_run(run_id, "running")

    await office.http.post(f"/job-runs/{run_id}/cancel")

    assert (await office.until_run(run_id, "canceled"))["run"]["ended_at"] is not None
