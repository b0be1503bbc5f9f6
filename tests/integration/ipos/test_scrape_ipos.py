"""The job that reads 38's pages, against the invented site over a real socket, into a real MongoDB."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, date, datetime, timedelta

import msgspec
import pytest

from api.bootstrap import Services, open_services
from api.ipos.offering import Offering
from api.kit.clock import ManualClock
from api.local.fixture_sites.server import FixtureSites, State, serving
from api.settings import Settings
from tests.notes import Notes
from worker.jobs.fit_ipo_model import fit_ipo_model
from worker.jobs.scrape_ipos import scrape_ipos
from worker.sites.errors import SiteUnavailable, StructureChanged

DAY = date(2026, 11, 23)
NOON = datetime(2026, 11, 23, 3, tzinfo=UTC)


class Place:
    """Services with a clock of their own, and the site that they read."""

    def __init__(self, services: Services, site: FixtureSites, clock: ManualClock) -> None:
        self.services, self.site, self.clock = services, site, clock

    async def scrape(self) -> Notes:
        notes = Notes()
        await scrape_ipos(self.services, notes)
        return notes

    async def stored(self) -> dict[int, Offering]:
        return {each.site_no: each for each in await self.services.offerings.list_all()}

    def paths(self) -> Sequence[str]:
        return [asked.path for asked in self.site.asked]


@pytest.fixture
async def place(settings: Settings) -> AsyncIterator[Place]:
    clock = ManualClock(NOON)
    async with serving(State(day=DAY)) as site:
        of_site = settings.model_copy(update={"site38_url": site.url, "site_delay": timedelta(0)})
        async with open_services(of_site, clock) as services:
            yield Place(services, site, clock)


async def test_the_first_run_reads_all_lists_and_the_details_and_a_second_changes_nothing(place: Place) -> None:
    first = await place.scrape()

    stored = await place.stored()
    assert set(stored) == {offer.site_no for offer in place.site.offers()}
    assert first.counts["new"] == len(stored)
    assert all(each.detail_seen_at is not None for each in stored.values())
    assert all(each.changes == () for each in stored.values())
    place.site.asked.clear()

    second = await place.scrape()

    assert (second.counts["new"], second.counts["changed"]) == (0, 0), second.lines
    assert sum("o=k" in path for path in place.paths()) == 2
    assert 0 < sum("o=v" in path for path in place.paths()) < len(stored)
    after = await place.stored()
    assert {number: each.changes for number, each in after.items()} == dict.fromkeys(stored, ())


async def test_what_moved_is_kept_with_what_it_was(place: Place) -> None:
    await place.scrape()
    before = await place.stored()
    place.site.state.variant = "moved_dates"
    place.clock.advance(86_400)

    notes = await place.scrape()

    after = await place.stored()
    moved = [number for number in before if before[number].subscription_start != after[number].subscription_start]
    assert moved
    assert notes.counts["changed"] >= len(moved)
    for number in moved:
        told = {change.field: change for change in after[number].changes}["subscription_start"]
        assert (told.before, told.after) == (str(before[number].subscription_start), str(after[number].subscription_start))
        assert after[number].first_seen_at == before[number].first_seen_at == NOON


async def test_an_offering_that_vanishes_before_its_subscription_is_flagged_and_comes_back(place: Place) -> None:
    await place.scrape()
    coming = max(
        (each for each in (await place.stored()).values() if each.subscription_start), key=lambda each: str(each.subscription_start)
    )
    await place.services.ipos.store(999_999, {"name": "사라진회사", "subscription_start": coming.subscription_start})

    await place.scrape()
    flagged = await place.services.offerings.find(999_999)
    await place.services.ipos.store(999_999, {"missing_since": None})
    back = await place.services.offerings.find(999_999)

    assert flagged is not None and flagged.missing_since is not None
    assert back is not None and back.missing_since is None
    assert (await place.services.offerings.find(coming.site_no)).missing_since is None  # type: ignore[union-attr]


@pytest.mark.parametrize("variant", ["empty", "changed_structure", "cut_off"])
async def test_a_list_that_is_not_the_one_we_know_stores_nothing_and_is_kept_for_a_look(place: Place, variant: str) -> None:
    await place.scrape()
    before = await place.stored()
    place.site.state.variant = variant  # type: ignore[assignment]
    place.clock.advance(86_400)

    with pytest.raises(StructureChanged) as failure:
        await place.scrape()

    assert await place.stored() == before
    assert failure.value.expected
    kept = await place.services.raw_pages.body(failure.value.extra["raw_page_id"])
    assert kept is not None and b"<html" in kept.lower()


async def test_a_site_that_is_away_leaves_all_as_it_was(place: Place) -> None:
    await place.scrape()
    before = await place.stored()
    place.site.state.variant = "unavailable"

    with pytest.raises(SiteUnavailable):
        await place.scrape()

    assert await place.stored() == before


async def test_what_people_typed_in_outlives_the_next_run(place: Place) -> None:
    await place.scrape()
    number = next(iter(await place.stored()))
    offering = await place.services.offerings.find(number)
    assert offering is not None
    typed = msgspec.structs.replace(offering, highest_price=41_000, notes="직접 확인", version=offering.version + 1)
    assert await place.services.offerings.put(typed, offering)
    place.site.state.variant = "moved_dates"
    place.clock.advance(86_400)

    await place.scrape()

    after = await place.services.offerings.find(number)
    assert after is not None and (after.highest_price, after.notes) == (41_000, "직접 확인")


async def test_the_model_is_fitted_over_what_was_read(place: Place) -> None:
    await place.scrape()
    notes = Notes()

    await fit_ipo_model(place.services, notes)

    model, usable = await place.services.ipos.model()
    assert model.sample_size == usable == notes.counts["usable"] >= 12
    found = await place.services.ipos.list_page(first=None, last=None, status=None, query="", limit=200, after=None)
    guessed = [each for each in found.offerings if found.model and found.model.multiple(each) is not None]
    assert guessed and not any(each.is_spac for each in guessed)
