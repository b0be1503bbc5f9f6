"""Public offerings over HTTP, read once from the invented site."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio
from icalendar import Calendar

from api.domain.enums import Role
from api.kit.clock import kst_day
from api.local.fixture_sites.server import FixtureSites, State
from api.local.fixture_sites.server import serving as serving_sites
from tests.conftest import RunningServers, fresh_settings
from tests.http.api import Api, serving
from tests.notes import Notes
from worker.jobs.fit_ipo_model import fit_ipo_model
from worker.jobs.scrape_ipos import scrape_ipos

pytestmark = pytest.mark.asyncio(loop_scope="session")

STATUSES = ("announced", "upcoming", "open", "closed", "listed", "withdrawn")


class Visitor:
    """A trader's requests, and the site behind them."""

    def __init__(self, api: Api, site: FixtureSites, headers: dict[str, str], viewer: dict[str, str]) -> None:
        self.api, self.site, self.headers, self.viewer = api, site, headers, viewer

    async def get(self, path: str, **params: Any) -> dict[str, Any]:
        answer = await self.api.client.get(path, params=params, headers=self.headers)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def all(self, **params: Any) -> list[dict[str, Any]]:
        """Every offering that fits, page after page."""
        seen: list[dict[str, Any]] = []
        cursor: dict[str, str] = {}
        while True:
            page = await self.get("/ipos", limit=25, **params, **cursor)
            seen += page["items"]
            if page["next_cursor"] is None:
                return seen
            cursor = {"cursor": page["next_cursor"]}

    async def change(self, site_no: int, body: dict[str, Any], headers: dict[str, str] | None = None) -> tuple[int, dict[str, Any]]:
        answer = await self.api.client.patch(f"/ipos/{site_no}", json=body, headers=headers or self.headers)
        return answer.status_code, answer.json()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def visitor(servers: RunningServers, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Visitor]:
    with fresh_settings(servers, tmp_path_factory.mktemp("ipos")) as settings:
        async with serving_sites(State(day=kst_day(datetime.now(UTC)))) as site:
            of_site = settings.model_copy(update={"site38_url": site.url, "site_delay": timedelta(microseconds=1)})
            async with serving(of_site) as api:
                found = Visitor(api, site, await api.add_user(Role.TRADER, "trader"), await api.add_user(Role.VIEWER, "viewer"))
                assert await found.get("/ipos") == {"items": [], "next_cursor": None, "as_of": None}
                assert (await api.client.get("/ipos/model", headers=found.headers)).status_code == 404
                await scrape_ipos(api.services, Notes())
                await fit_ipo_model(api.services, Notes())
                yield found


async def test_every_offering_is_listed_once_newest_subscription_first(visitor: Visitor) -> None:
    offers = await visitor.all()

    assert sorted(offer["site_no"] for offer in offers) == sorted(offer.site_no for offer in visitor.site.offers())
    starts = [offer["subscription_start"] for offer in offers if offer["subscription_start"] is not None]
    assert starts == sorted(starts, reverse=True)
    assert (await visitor.get("/ipos"))["as_of"] is not None


async def test_each_offering_has_one_status_and_is_found_by_it(visitor: Visitor) -> None:
    everything = {offer["site_no"]: offer["status"] for offer in await visitor.all()}

    found = {status: {offer["site_no"] for offer in await visitor.all(status=status)} for status in STATUSES}

    assert {number: status for status, numbers in found.items() for number in numbers} == everything
    assert sum(map(len, found.values())) == len(everything)
    assert found["upcoming"]
    assert found["listed"]


async def test_offerings_are_found_by_name_underwriter_and_days(visitor: Visitor) -> None:
    one = (await visitor.all(status="listed"))[0]

    assert one["site_no"] in [offer["site_no"] for offer in await visitor.all(query=one["name"][:3])]
    broker = one["underwriters"][0]
    assert all(broker in offer["underwriters"] for offer in await visitor.all(query=broker))
    span = {"from": one["subscription_start"], "to": one["subscription_end"]}
    within = await visitor.all(**span)
    assert one["site_no"] in [offer["site_no"] for offer in within]
    assert all(offer["subscription_start"] <= span["to"] and offer["subscription_end"] >= span["from"] for offer in within)
    wrong = await visitor.api.client.get("/ipos", params={"from": "2026-02-01", "to": "2026-01-01"}, headers=visitor.headers)
    assert (wrong.status_code, wrong.json()["code"]) == (422, "invalid_request")


async def test_an_offering_has_what_its_own_page_says(visitor: Visitor) -> None:
    offer = next(each for each in visitor.site.offers() if len(each.shares) > 1 and each.has_broker_table)

    detail = await visitor.get(f"/ipos/{offer.site_no}")

    assert (detail["name"], detail["band_low"], detail["band_high"]) == (offer.name, *offer.band)
    assert [each["name"] for each in detail["underwriter_details"]] == detail["underwriters"]
    assert detail["source_url"].endswith(f"no={offer.site_no}")
    missing = await visitor.api.client.get("/ipos/999999", headers=visitor.headers)
    assert (missing.status_code, missing.json()["code"]) == (404, "not_found")


async def test_what_people_know_is_kept_and_the_expected_shares_follow(visitor: Visitor) -> None:
    offer = (await visitor.all(status="upcoming"))[0]
    detail = await visitor.get(f"/ipos/{offer['site_no']}")
    broker = detail["underwriter_details"][0]

    status, changed = await visitor.change(
        offer["site_no"], {"applicants": {broker["name"]: 5_000}, "notes": "균등만", "highest_price": 30_000}
    )
    await scrape_ipos(visitor.api.services, Notes())
    later = await visitor.get(f"/ipos/{offer['site_no']}")

    assert status == 200
    first = changed["underwriter_details"][0]
    assert first["applicants"] == 5_000
    assert first["equal_shares"] == pytest.approx((broker["shares_low"] or 0) / 2 / 5_000, rel=0.01)
    assert (later["notes"], later["highest_price"], later["underwriter_details"][0]["applicants"]) == ("균등만", 30_000, 5_000)


async def test_figures_of_a_past_offering_are_put_right_and_the_model_learns_from_them(visitor: Visitor) -> None:
    listed = await visitor.all(status="listed")
    offer = next(each for each in listed if not each["is_spac"] and each["institution_rate"] is not None)
    before = await visitor.get(f"/ipos/{offer['site_no']}")
    right = {"final_price": 12_340, "first_close": 23_450, "institution_rate": 987.65, "lockup_pct": 12.5, "revenue_krw_million": -70}

    status, changed = await visitor.change(offer["site_no"], right)
    await scrape_ipos(visitor.api.services, Notes())
    later = await visitor.get(f"/ipos/{offer['site_no']}")
    model, _ = await visitor.api.services.ipos.fit_model()
    _, back = await visitor.change(offer["site_no"], dict.fromkeys(right))

    assert status == 200
    assert {name: later[name] for name in right} == {name: changed[name] for name in right} == right
    assert later["corrected"] == sorted(right)
    assert model is None or offer["site_no"] in model.site_nos
    assert {name: back[name] for name in right} == {name: before[name] for name in right}
    assert back["corrected"] == []


@pytest.mark.parametrize(
    "body",
    [
        {"applicants": {"없는증권": 10}},
        {"final_price": 0},
        {"lockup_pct": 100.5},
        {"institution_rate": "1"},
        {"band_low": 1_000},
        {"highest_price": 0},
        {"highest_price": -5},
        {"notes": "x" * 2_001},
        {"name": "다른 이름"},
        {"applicants": 3},
    ],
)
async def test_what_makes_no_sense_is_refused_and_changes_nothing(visitor: Visitor, body: dict[str, Any]) -> None:
    number = (await visitor.all(status="listed"))[0]["site_no"]
    before = await visitor.get(f"/ipos/{number}")

    status, problem = await visitor.change(number, body)

    assert status in (400, 422), problem
    assert await visitor.get(f"/ipos/{number}") == before


async def test_a_viewer_reads_and_changes_nothing(visitor: Visitor) -> None:
    number = (await visitor.all(status="listed"))[0]["site_no"]

    status, problem = await visitor.change(number, {"notes": "mine"}, visitor.viewer)

    assert (status, problem["code"]) == (403, "forbidden")


async def test_the_month_has_subscriptions_listings_and_holidays(visitor: Visitor) -> None:
    offer = (await visitor.all(status="listed"))[0]

    month = await visitor.get("/ipos/calendar", month=offer["listing_date"][:7])
    christmas = await visitor.get("/ipos/calendar", month="2026-12")

    kinds = {(event["site_no"], event["kind"]): event for event in month["events"]}
    assert kinds[offer["site_no"], "listing"]["start"] == offer["listing_date"]
    assert all(event["start"] <= month["last_day"] and event["end"] >= month["first_day"] for event in month["events"])
    closed = [day["day"] for day in christmas["closed_days"]]
    assert {"2026-12-25", "2026-12-31"} <= set(closed)
    assert all(date.fromisoformat(day).weekday() < 5 for day in closed)


async def test_the_file_is_a_calendar_that_a_program_reads(visitor: Visitor) -> None:
    answer = await visitor.api.client.get("/ipos/calendar.ics", headers=visitor.headers)

    calendar = Calendar.from_ical(answer.content)
    events = calendar.walk("VEVENT")
    assert answer.headers["content-type"].startswith("text/calendar")
    assert len({str(event["UID"]) for event in events}) == len(events) > 10
    upcoming = (await visitor.all(status="upcoming"))[-1]
    assert any(upcoming["name"] in str(event["SUMMARY"]) for event in events)


async def test_the_model_shows_what_it_rests_on_and_prices_follow_from_it(visitor: Visitor) -> None:
    model = await visitor.get("/ipos/model")

    expected = [offer for offer in await visitor.all() if offer["expected_price"] is not None]
    assert model["sample_size"] >= 30
    assert model["out_of_sample_error"] > 0
    assert expected
    for offer in expected:
        price = offer["final_price"] or offer["band_high"]
        assert offer["expected_price"]["price"] == pytest.approx(price * offer["expected_price"]["multiple"], rel=0.05)
        assert not offer["is_spac"]
