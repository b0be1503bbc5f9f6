"""Jobs and what they read, in a headless Chromium, against everything real and the invented sites."""

import csv
import io
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from api.local.fixture_sites.server import serving
from tests.browser.conftest import in_browser, with_pages
from tests.conftest import RunningServers, fresh_settings
from tests.stack import Stack, until

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stack_with_sites(servers: RunningServers, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    """The whole stack with its pages, whose worker reads the invented sites."""
    folder = tmp_path_factory.mktemp("jobs")
    with fresh_settings(servers, folder) as settings:
        async with serving() as site:
            addresses = {"site38_url": site.url, "judal_url": site.url, "site_delay": timedelta(milliseconds=40)}
            async with with_pages(settings.model_copy(update=addresses), folder) as stack:
                yield stack


@pytest.mark.parametrize("device", ["desktop", "phone"])
async def test_an_admin_runs_a_job_reads_its_log_moves_it_and_stops_it(stack_with_sites: Stack, tmp_path: Path, device: str) -> None:
    seen = await in_browser(stack_with_sites, "jobs.mjs", tmp_path, device)

    assert seen["lines"] > 2
    assert device == "phone" or seen["steps"] > 1  # only the first reading takes long enough to be watched
    runs = (await stack_with_sites.http.get("/job-runs", params={"job": "scrape_ipos"})).json()["items"]
    assert (runs[0]["is_cancel_requested"], runs[1]["status"]) == (True, "done")
    job = (await stack_with_sites.http.get("/jobs/scrape_ipos")).json()
    assert (job["schedule"], job["is_enabled"]) == ("15 9 * * 1-5", True)


@pytest.mark.parametrize("device", ["desktop", "phone"])
async def test_what_the_jobs_read_is_found_shown_and_taken_along(stack_with_sites: Stack, tmp_path: Path, device: str) -> None:
    stack = stack_with_sites
    for job in ("scrape_ipos", "scrape_themes"):
        await have_run(stack, job)
    upcoming = (await stack.http.get("/ipos", params={"status": "upcoming", "limit": 200})).json()["items"]
    offering = next(each for each in upcoming if not each["is_spac"])

    told = {"offering": {"site_no": offering["site_no"], "name": offering["name"]}, "holiday": "2026-12-25"}
    seen = await in_browser(stack, "market.mjs", tmp_path, json.dumps(told), device)

    detail = (await stack.http.get(f"/ipos/{offering['site_no']}")).json()
    assert detail["notes"] == "균등만"
    assert seen["equalShares"] == f"{detail['underwriter_details'][0]['equal_shares']:.2f}"
    assert "기독탄신일" in seen["holidayName"] or "크리스마스" in seen["holidayName"] or "성탄" in seen["holidayName"]
    assert (tmp_path / seen["calendar"]).read_bytes().startswith(b"BEGIN:VCALENDAR")
    rows = list(csv.DictReader(io.StringIO((tmp_path / seen["file"]).read_text("utf-8-sig"))))
    assert rows
    assert all(row["시장"] == "KOSPI" and 0 <= float(row["PER"]) <= 12 for row in rows)
    assert seen["total"].startswith(str(len(rows)))


async def have_run(stack: Stack, job: str) -> None:
    """Have a job run to its end."""
    started = await stack.http.post(f"/jobs/{job}/run")
    assert started.status_code in (202, 409), started.text

    async def is_done() -> bool:
        runs = (await stack.http.get("/job-runs", params={"job": job})).json()["items"]
        return bool(runs) and runs[0]["status"] == "done"

    await until(is_done, f"{job} is done")
