"""Fetching over real sockets: politeness, repeating, conditional requests, limits."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta

import httpx
import pytest
from aiohttp import web

from api.kit.clock import ManualClock
from api.local.fixture_sites.server import FixtureSites, State, serving
from api.settings import Settings
from worker.sites.addresses import judal_address, site38_address
from worker.sites.errors import PageTooLarge, SiteUnavailable
from worker.sites.fetch import SiteAddress, SiteClient, open_site, tls_context
from worker.sites.judal.pages import home_path, theme_path
from worker.sites.judal.stocks import parse_stock_list
from worker.sites.judal.themes import parse_side_bar
from worker.sites.site38.detail import parse_detail
from worker.sites.site38.pages import detail_path, forecasts_path, listings_path, schedule_path
from worker.sites.site38.schedule import parse_schedule

DELAY = 2.0
AGENT = "LucyTest/1.0"
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Pauses:
    """Sleeps by moving the clock, and remembers for how long."""

    def __init__(self) -> None:
        self.clock = ManualClock(datetime(2026, 11, 23, tzinfo=UTC))
        self.seconds: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.seconds.append(seconds)
        self.clock.advance(seconds)
        await asyncio.sleep(0)


@pytest.fixture
def pauses() -> Pauses:
    return Pauses()


@pytest.fixture
async def sites() -> AsyncIterator[FixtureSites]:
    async with serving(State(day=date(2026, 11, 23))) as served:
        yield served


@asynccontextmanager
async def client_of(url: str, pauses: Pauses, *, largest_page: int = 1_000_000) -> AsyncIterator[SiteClient]:
    address = SiteAddress(name="test", base_url=url, user_agent=AGENT, delay=timedelta(seconds=DELAY))
    async with open_site(address, pauses.clock, sleep=pauses.sleep, largest_page=largest_page) as client:
        yield client


@asynccontextmanager
async def answering(handler: Handler) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_get("/{path:.*}", handler)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def test_pages_of_both_sites_come_whole_and_are_read(sites: FixtureSites, pauses: Pauses) -> None:
    async with client_of(sites.url, pauses) as client:
        schedule = parse_schedule((await client.get(schedule_path())).body or b"")
        detail = parse_detail((await client.get(detail_path(schedule.rows[20].site_no))).body or b"", site_no=schedule.rows[20].site_no)
        themes = parse_side_bar((await client.get(home_path())).body or b"").themes
        stocks = parse_stock_list((await client.get(theme_path(themes[0].theme_idx))).body or b"", promised=themes[0].stock_count)
        for path in (forecasts_path(), listings_path()):
            assert (await client.get(path)).body

    assert len(schedule.rows) == 30
    assert detail.name == schedule.rows[20].name
    assert len(stocks.stocks) == themes[0].stock_count
    assert {asked.user_agent for asked in sites.asked} == {AGENT}


async def test_an_unchanged_page_has_no_body(sites: FixtureSites, pauses: Pauses) -> None:
    async with client_of(sites.url, pauses) as client:
        first = await client.get(schedule_path())
        again = await client.get(schedule_path(), etag=first.etag)
        sites.state.variant = "moved_dates"
        changed = await client.get(schedule_path(), etag=first.etag)

    assert (first.is_unchanged, again.is_unchanged, changed.is_unchanged) == (False, True, False)
    assert again.etag == first.etag
    assert changed.etag != first.etag


async def test_a_kept_date_is_sent_back(pauses: Pauses) -> None:
    async def handler(request: web.Request) -> web.Response:
        if request.headers.get("If-Modified-Since") == "Mon, 23 Nov 2026 00:00:00 GMT":
            return web.Response(status=304)
        return web.Response(text="page", headers={"Last-Modified": "Mon, 23 Nov 2026 00:00:00 GMT"})

    async with answering(handler) as url, client_of(url, pauses) as client:
        first = await client.get("/")
        again = await client.get("/", last_modified=first.last_modified)

    assert (first.body, again.body) == (b"page", None)


async def test_requests_made_at_once_go_out_one_by_one_with_a_pause_between(pauses: Pauses) -> None:
    running = most = 0

    async def handler(_: web.Request) -> web.Response:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1
        return web.Response(text="page")

    async with answering(handler) as url, client_of(url, pauses) as client:
        await asyncio.gather(*(client.get(f"/{number}") for number in range(4)))

    assert most == 1
    assert pauses.seconds == [DELAY] * 3


@pytest.mark.parametrize("status", [500, 502, 503, 429])
async def test_a_failing_site_is_asked_three_times_with_growing_pauses(pauses: Pauses, status: int) -> None:
    asked = 0

    async def handler(_: web.Request) -> web.Response:
        nonlocal asked
        asked += 1
        return web.Response(status=status)

    async with answering(handler) as url, client_of(url, pauses) as client:
        with pytest.raises(SiteUnavailable) as caught:
            await client.get("/page")

    assert asked == 3
    assert caught.value.http_status == status
    assert caught.value.url == f"{url}/page"
    assert DELAY <= pauses.seconds[0] <= 2 * DELAY <= pauses.seconds[1] <= 4 * DELAY


async def test_a_site_that_comes_back_is_read(sites: FixtureSites) -> None:
    pauses = Pauses()
    sites.state.variant = "unavailable"

    async def back(seconds: float) -> None:
        sites.state.variant = "normal"
        pauses.clock.advance(seconds)

    address = SiteAddress(name="test", base_url=sites.url, user_agent=AGENT, delay=timedelta(seconds=DELAY))
    async with open_site(address, pauses.clock, sleep=back) as client:
        page = await client.get(schedule_path())

    assert [asked.status for asked in sites.asked] == [503, 200]
    assert len(parse_schedule(page.body or b"").rows) == 30


async def test_a_pause_that_the_site_asks_for_is_kept_up_to_a_minute(pauses: Pauses) -> None:
    answers = [web.Response(status=429, headers={"Retry-After": text}) for text in ("30", "86400")]
    answers.append(web.Response(text="page"))

    async def handler(_: web.Request) -> web.Response:
        return answers.pop(0)

    async with answering(handler) as url, client_of(url, pauses) as client:
        await client.get("/")

    assert pauses.seconds == [30, 60]


@pytest.mark.parametrize("status", [403, 404, 304, 204])
async def test_a_refusal_is_not_asked_again(pauses: Pauses, status: int) -> None:
    async def handler(_: web.Request) -> web.Response:
        return web.Response(status=status)

    async with answering(handler) as url, client_of(url, pauses) as client:
        with pytest.raises(SiteUnavailable) as caught:
            await client.get("/")

    assert (caught.value.http_status, pauses.seconds) == (status, [])


async def test_a_connection_that_is_cut_is_made_again(pauses: Pauses) -> None:
    asked = 0

    async def handler(request: web.Request) -> web.StreamResponse:
        nonlocal asked
        asked += 1
        if asked == 1:
            response = web.StreamResponse(headers={"Content-Length": "100"})
            await response.prepare(request)
            await response.write(b"half a page")
            assert request.transport is not None
            request.transport.close()
            return response
        return web.Response(text="whole")

    async with answering(handler) as url, client_of(url, pauses) as client:
        page = await client.get("/")

    assert (page.body, asked) == (b"whole", 2), "a half page is no page"


async def test_nobody_listening_is_unavailable(pauses: Pauses) -> None:
    async with client_of("http://127.0.0.1:9", pauses) as client:
        with pytest.raises(SiteUnavailable) as caught:
            await client.get("/")

    assert (caught.value.http_status, len(pauses.seconds)) == (None, 2)


async def test_a_huge_page_is_cut_off_and_not_asked_again(sites: FixtureSites, pauses: Pauses) -> None:
    sites.state.variant = "huge"

    async with client_of(sites.url, pauses) as client:
        with pytest.raises(PageTooLarge) as caught:
            await client.get(schedule_path())
        sites.state.variant = "normal"
        page = await client.get(schedule_path())

    assert caught.value.limit == 1_000_000
    assert page.body


async def test_a_small_body_that_unpacks_to_a_huge_page_is_cut_off(pauses: Pauses) -> None:
    async def handler(_: web.Request) -> web.Response:
        response = web.Response(body=b"\0" * 20_000_000)
        response.enable_compression(web.ContentCoding.gzip)
        return response

    async with answering(handler) as url, client_of(url, pauses) as client:
        with pytest.raises(PageTooLarge):
            await client.get("/")


async def test_redirects_are_followed_on_the_same_host_only(pauses: Pauses) -> None:
    async def handler(request: web.Request) -> web.Response:
        targets = {"/a": "/b", "/c": "http://localhost:1/", "/d": "/d", "/e": "http://[", "/f": ""}
        if (target := targets.get(request.path)) is not None:
            return web.Response(status=302, headers={"Location": target})
        return web.Response(text="page")

    async with answering(handler) as url, client_of(url, pauses) as client:
        followed = await client.get("/a")
        for path in ("/c", "/d", "/e", "/f"):
            with pytest.raises(SiteUnavailable):
                await client.get(path)

    assert (followed.url, followed.body) == (f"{url}/b", b"page")


def test_old_tls_is_let_in_for_the_one_host_that_has_it_and_certificates_are_checked_everywhere() -> None:
    old, usual = tls_context(has_old_tls=True), tls_context(has_old_tls=False)

    assert old.verify_mode == usual.verify_mode == ssl.CERT_REQUIRED
    assert old.check_hostname
    assert (old.security_level, usual.security_level) == (1, ssl.create_default_context().security_level)
    assert site38_address(Settings()).has_old_tls
    assert not judal_address(Settings()).has_old_tls


async def test_the_state_of_the_invented_pages_can_be_changed_from_outside(sites: FixtureSites) -> None:
    async with asyncio.timeout(10):
        async with httpx.AsyncClient(base_url=sites.url) as http:
            changed = await http.put("/fixture", json={"variant": "empty", "day": "2027-01-04", "markup": "old"})
            refused = await http.put("/fixture", json={"variant": "nonsense"})
            told = await http.get("/fixture")

    assert (changed.status_code, refused.status_code) == (200, 422)
    assert told.json()["state"] == {"variant": "empty", "day": "2027-01-04", "markup": "old", "seed": "lucy"}
