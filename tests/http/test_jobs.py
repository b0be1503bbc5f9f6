"""Jobs over HTTP: who may look, start, stop and move. No worker runs here."""

from datetime import datetime

import pytest

from api.domain.enums import Role
from api.kit.clock import KST
from tests.http.api import Api, SignIn


async def test_traders_look_viewers_do_not_and_admins_alone_change(api: Api, sign_in: SignIn) -> None:
    trader, viewer = await sign_in(Role.TRADER, "trader"), await sign_in(Role.VIEWER, "viewer")
    for path in ("/jobs", "/jobs/scrape_ipos", "/job-runs"):
        assert (await api.client.get(path, headers=trader)).status_code == 200
        assert (await api.client.get(path, headers=viewer)).status_code == 403
    for headers in (trader, viewer):
        assert (await api.client.post("/jobs/scrape_ipos/run", headers=headers)).status_code == 403
        assert (await api.client.patch("/jobs/scrape_ipos", json={"is_enabled": False}, headers=headers)).status_code == 403
    assert (await api.client.get("/job-runs", headers=trader)).json()["items"] == []


async def test_a_job_is_told_with_its_next_times_in_korea(api: Api, admin: dict[str, str]) -> None:
    jobs = {job["name"]: job for job in (await api.client.get("/jobs", headers=admin)).json()["items"]}

    scrape = jobs["scrape_ipos"]
    assert scrape["schedule"] == scrape["default_schedule"] == "10 8,18 * * *"
    times = [datetime.fromisoformat(each).astimezone(KST) for each in scrape["next_runs"]]
    assert {(each.hour, each.minute) for each in times} == {(8, 10), (18, 10)}
    assert times == sorted(times)
    assert (scrape["live_run"], scrape["last_run"], scrape["is_enabled"]) == (None, None, True)


async def test_a_started_run_waits_for_a_worker_and_a_second_start_names_it(api: Api, admin: dict[str, str]) -> None:
    started = await api.client.post("/jobs/scrape_ipos/run", headers=admin)
    again = await api.client.post("/jobs/scrape_ipos/run", headers=admin)
    other = await api.client.post("/jobs/fit_ipo_model/run", headers=admin)

    run = started.json()
    assert (started.status_code, run["status"], run["trigger"]) == (202, "queued", "manual")
    assert (again.status_code, again.json()["code"], again.json()["run_id"]) == (409, "job_is_running", run["id"])
    assert other.status_code == 202
    assert (await api.client.get("/jobs/scrape_ipos", headers=admin)).json()["live_run"]["id"] == run["id"]
    listed = (await api.client.get("/job-runs", params={"job": "scrape_ipos"}, headers=admin)).json()["items"]
    assert [each["id"] for each in listed] == [run["id"]]
    shown = (await api.client.get(f"/job-runs/{run['id']}", headers=admin)).json()
    assert (shown["run"]["id"], shown["log"], shown["dropped_lines"]) == (run["id"], [], 0)


async def test_a_waiting_run_is_canceled_and_the_job_can_start_again(api: Api, admin: dict[str, str]) -> None:
    run = (await api.client.post("/jobs/scrape_ipos/run", headers=admin)).json()

    canceled = await api.client.post(f"/job-runs/{run['id']}/cancel", headers=admin)
    again = await api.client.post("/jobs/scrape_ipos/run", headers=admin)

    assert (canceled.status_code, canceled.json()["status"], again.status_code) == (200, "canceled", 202)


async def test_runs_are_paged_newest_first(api: Api, admin: dict[str, str]) -> None:
    ids = []
    for _ in range(5):
        run = (await api.client.post("/jobs/scrape_ipos/run", headers=admin)).json()
        await api.client.post(f"/job-runs/{run['id']}/cancel", headers=admin)
        ids.append(run["id"])

    seen, cursor = [], None
    while True:
        page = (await api.client.get("/job-runs", params={"limit": 2} | ({"cursor": cursor} if cursor else {}), headers=admin)).json()
        seen += [run["id"] for run in page["items"]]
        if (cursor := page["next_cursor"]) is None:
            break

    assert seen == ids[::-1]


async def test_a_schedule_is_changed_audited_and_put_back(api: Api, admin: dict[str, str]) -> None:
    changed = await api.client.patch("/jobs/scrape_ipos", json={"schedule": " 0  7 * * 1-5 "}, headers=admin)
    disabled = await api.client.patch("/jobs/scrape_ipos", json={"is_enabled": False}, headers=admin)
    back = await api.client.patch("/jobs/scrape_ipos", json={"schedule": None, "is_enabled": True}, headers=admin)

    assert changed.json()["schedule"] == "0 7 * * 1-5"
    assert (disabled.json()["schedule"], disabled.json()["next_runs"]) == ("0 7 * * 1-5", [])
    assert (back.json()["schedule"], len(back.json()["next_runs"])) == ("10 8,18 * * *", 3)
    entries = (await api.client.get("/audit", params={"subject": "job:scrape_ipos"}, headers=admin)).json()["items"]
    assert [(entry["before"]["schedule"], entry["after"]["schedule"]) for entry in entries][-1] == ("10 8,18 * * *", "0 7 * * 1-5")
    assert len(entries) == 3


@pytest.mark.parametrize("schedule", ["every day", "61 * * * *", "0 0 31 2 *", "* * * * * *", "@daily   "])
async def test_a_schedule_that_is_none_is_refused(api: Api, admin: dict[str, str], schedule: str) -> None:
    answer = await api.client.patch("/jobs/scrape_ipos", json={"schedule": schedule}, headers=admin)

    assert (answer.status_code, answer.json()["errors"][0]["field"]) in ((422, "schedule"), (400, "schedule"))
    assert (await api.client.get("/jobs/scrape_ipos", headers=admin)).json()["schedule"] == "10 8,18 * * *"


async def test_what_orders_depend_on_is_neither_moved_nor_disabled(api: Api, admin: dict[str, str]) -> None:
    for change in ({"is_enabled": False}, {"schedule": "0 0 1 1 *"}):
        answer = await api.client.patch("/jobs/expire_orders", json=change, headers=admin)
        assert (answer.status_code, answer.json()["code"]) == (409, "job_is_fixed")


async def test_what_is_not_there_is_not_found(api: Api, admin: dict[str, str]) -> None:
    for method, path in (
        ("GET", "/jobs/make_coffee"),
        ("PATCH", "/jobs/make_coffee"),
        ("POST", "/jobs/make_coffee/run"),
        ("GET", "/job-runs?job=make_coffee"),
        ("GET", "/job-runs/6650f1c2a4b3c2d1e0f9a8b7"),
        ("POST", "/job-runs/6650f1c2a4b3c2d1e0f9a8b7/cancel"),
        ("GET", "/raw-pages/6650f1c2a4b3c2d1e0f9a8b7"),
    ):
        answer = await api.client.request(method, path, json={} if method == "PATCH" else None, headers=admin)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), path


async def test_a_page_that_could_not_be_read_is_for_an_admin_to_save(api: Api, admin: dict[str, str]) -> None:
    body = "<html>점검중<script>alert(1)</script></html>".encode("euc-kr")
    clock = api.services.clock
    page = await api.services.raw_pages.keep("38", "http://38.example/o.htm", body, "no table", clock.now())

    listed = (await api.client.get("/raw-pages", headers=admin)).json()["items"]
    answer = await api.client.get(f"/raw-pages/{page}", headers=admin)

    assert [(each["id"], each["size"], each["has_body"], each["problem"]) for each in listed] == [(page, len(body), True, "no table")]
    assert answer.content == body
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith("attachment")
