"""The job that reads 주달's pages, against the invented site over a real socket, into a real MongoDB."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from api.bootstrap import Services, open_services
from api.kit.clock import ManualClock
from api.local.fixture_sites.server import FixtureSites, State, serving
from api.settings import Settings
from api.themes.rows import StockRow, ThemeRow
from tests.notes import Notes
from worker.jobs.scrape_themes import scrape_themes
from worker.sites.errors import SiteUnavailable, StructureChanged

DAY = date(2026, 11, 23)
NOON = datetime(2026, 11, 23, 3, tzinfo=UTC)


class Place:
    """Services with a clock of their own, and the site that they read."""

    def __init__(self, services: Services, site: FixtureSites, clock: ManualClock) -> None:
        self.services, self.site, self.clock = services, site, clock

    async def scrape(self) -> Notes:
        notes = Notes()
        await scrape_themes(self.services, notes)
        return notes

    async def shown(self) -> tuple[dict[int, ThemeRow], dict[str, StockRow]]:
        """What the newest reading has."""
        repository = self.services.theme_repository
        newest = await repository.newest()
        assert newest is not None
        themes = {row.theme_idx: row for row in await repository.themes(newest.id)}
        return themes, {row.symbol: row for row in await repository.stocks(newest.id, {})}

    async def kept(self, collection: str) -> Sequence[dict[str, Any]]:
        return [raw async for raw in self.services.database[collection].find({})]


@pytest.fixture(params=["new", "old"])
async def place(request: pytest.FixtureRequest, settings: Settings) -> AsyncIterator[Place]:
    clock = ManualClock(NOON)
    async with serving(State(day=DAY, markup=request.param)) as site:
        of_site = settings.model_copy(update={"judal_url": site.url, "site_delay": timedelta(microseconds=1)})
        async with open_services(of_site, clock) as services:
            yield Place(services, site, clock)


async def test_every_theme_stock_and_membership_is_found(place: Place) -> None:
    notes = await place.scrape()

    themes, stocks = await place.shown()
    expected = {theme.index: theme for theme in place.site.themes()}
    assert {index: theme.name for index, theme in themes.items()} == {index: theme.name for index, theme in expected.items()}
    for index, theme in expected.items():
        assert [member.symbol for member in themes[index].members] == [stock.symbol for stock in theme.stocks]
    assert set(stocks) == {stock.symbol for theme in expected.values() for stock in theme.stocks}
    for symbol, stock in stocks.items():
        assert set(stock.theme_idxs) == {index for index, theme in expected.items() if symbol in {each.symbol for each in theme.stocks}}
        assert stock.price is not None
        assert stock.market_cap is not None
        assert stock.market_cap >= 100_000_000
    assert notes.counts["themes"] == len(expected)
    assert notes.steps[-1] == (len(expected), len(expected))


async def test_a_second_reading_of_the_day_takes_the_place_of_the_first(place: Place) -> None:
    await place.scrape()
    before = await place.shown()
    place.clock.advance(3600)
    place.site.state.variant = "moved_dates"

    await place.scrape()

    themes, stocks = await place.shown()
    assert len(await place.kept("theme_readings")) == 1
    assert len(await place.kept("themes")) == len(themes)
    assert len(await place.kept("theme_stocks")) == len(stocks)
    assert (themes, stocks) != before


async def test_each_day_is_kept_and_a_themes_days_can_be_drawn(place: Place) -> None:
    await place.scrape()
    index = next(iter((await place.shown())[0]))
    for _ in range(2):
        place.clock.advance(86_400)
        await place.scrape()

    days = await place.services.theme_repository.days_of(index, 90)

    assert [each.day for each in days] == [DAY + timedelta(days=number) for number in range(3)]
    assert all(each.change_pct is not None for each in days)


async def test_stocks_are_kept_for_a_month_and_themes_for_good(place: Place) -> None:
    await place.scrape()
    place.clock.advance(31 * 86_400)
    await place.scrape()

    themes, stocks = await place.shown()
    assert len(await place.kept("theme_stocks")) == len(stocks)
    assert len(await place.kept("themes")) == 2 * len(themes)


@pytest.mark.parametrize("variant", ["empty", "changed_structure", "cut_off", "unavailable"])
async def test_a_page_that_cannot_be_read_leaves_all_as_it_was(place: Place, variant: Any) -> None:
    await place.scrape()
    before = await place.shown()
    place.clock.advance(86_400)
    place.site.state.variant = variant

    with pytest.raises((StructureChanged, SiteUnavailable)) as caught:
        await place.scrape()

    assert await place.shown() == before
    assert len(await place.kept("theme_readings")) == 1
    if isinstance(caught.value, StructureChanged):
        page = await place.services.raw_pages.body(caught.value.extra["raw_page_id"])
        assert page


async def test_what_a_reading_that_was_cut_off_left_shows_nowhere_and_goes_with_the_next(place: Place) -> None:
    await place.scrape()
    before = await place.shown()
    themes, stocks = before
    await place.services.theme_repository.add_rows("cut off", list(themes.values())[:5], list(stocks.values())[:7])

    assert await place.shown() == before
    await place.scrape()

    assert not [raw for name in ("themes", "theme_stocks") for raw in await place.kept(name) if raw["reading"] == "cut off"]


async def test_a_stock_whose_row_cannot_be_read_stays_in_its_themes_as_it_was(place: Place) -> None:
    await place.scrape()
    themes, stocks = await place.shown()
    place.site.state.variant = "missing_cells"
    place.clock.advance(86_400)

    notes = await place.scrape()

    assert notes.counts["unreadable"] > 0
    later_themes, later_stocks = await place.shown()
    assert later_stocks.keys() == stocks.keys()
    for index, theme in themes.items():
        assert {member.symbol for member in later_themes[index].members} == {member.symbol for member in theme.members}


async def test_what_is_not_on_the_page_is_null(place: Place) -> None:
    await place.scrape()

    _, stocks = await place.shown()
    assert any(stock.per is None for stock in stocks.values())
    assert all(stock.per is None for stock in stocks.values() if stock.eps is not None and stock.eps < 0)
    assert all(stock.per != 0 for stock in stocks.values())
