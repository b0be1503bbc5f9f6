"""Pages that were cut, torn or scribbled on: a parser gives typed rows or `StructureChanged`, and never a value that no good page has."""

import re
from collections.abc import Callable
from datetime import date
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from api.local.fixture_sites.server import FixtureSites, State
from tests.unit.sites.samples import sample
from worker.sites.errors import StructureChanged
from worker.sites.judal.stocks import parse_stock_list
from worker.sites.judal.themes import parse_side_bar, parse_theme_list
from worker.sites.site38.detail import parse_detail
from worker.sites.site38.forecasts import parse_forecasts
from worker.sites.site38.listings import parse_listings
from worker.sites.site38.schedule import parse_schedule

SITES = FixtureSites(State(day=date(2026, 11, 23)))
Parse = Callable[[Any], Any]

PAGES: dict[str, tuple[Parse, str]] = {
    "schedule": (lambda page: parse_schedule(page, seen_on=date(2030, 11, 4)), sample("schedule")),
    "detail": (lambda page: parse_detail(page, site_no=9102), sample("detail")),
    "forecasts": (parse_forecasts, sample("forecasts_and_listings")),
    "listings": (parse_listings, sample("forecasts_and_listings")),
    "stocks": (lambda page: parse_stock_list(page, promised=2), sample("judal")),
    "side bar": (lambda page: parse_side_bar(page, fewest=1), sample("judal")),
    "themes": (parse_theme_list, SITES.page_judal("themeList", "", None, 1)[-6_000:]),
}
NOISE = st.sampled_from(
    ["<td>", "</td>", "<tr>", "</table>", "<table>", "<table summary='공모정보'>", "<b>", '"', "'", "<!--", "<script>", "\x00", "\ufffd",
     "<td colspan=99999>", "<td colspan=-1>", "<a href='?no=1'>", "<a href='http://[?themeIdx=3&view=stockList'>(3)</a>", "~", "%",
     "9" * 5_000, "철회", "\ud800", "&#0;", "<th>종목명</th>"]
)  # fmt: skip


def read(parse: Parse, page: str | bytes) -> Any:
    """What the parser says; None for `StructureChanged`, whose words fit on a screen."""
    try:
        result = parse(page)
    except StructureChanged as changed:
        assert len(str(changed)) < 2_000
        return None
    msgspec.json.encode(result)  # every field is of a type that can be stored
    return result


@pytest.mark.parametrize("name", PAGES)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_a_page_that_was_cut_anywhere_is_read_or_refused(name: str, data: st.DataObject) -> None:
    parse, page = PAGES[name]
    start, end = sorted(data.draw(st.tuples(st.integers(0, len(page)), st.integers(0, len(page)))))

    read(parse, page[:start])
    read(parse, page[:start] + page[end:])


@pytest.mark.parametrize("name", PAGES)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(places=st.lists(st.tuples(st.floats(0, 1), NOISE), min_size=1, max_size=8))
@example(places=[(0.5, "9" * 5_000)])
@example(places=[(0.9, "\ud800")])
def test_a_page_with_noise_in_it_is_read_or_refused(name: str, places: list[tuple[float, str]]) -> None:
    parse, page = PAGES[name]
    for place, noise in places:
        at = int(place * len(page))
        page = page[:at] + noise + page[at:]

    read(parse, page)


@pytest.mark.parametrize("name", PAGES)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(chosen=st.sets(st.integers(0, 120), max_size=10))
def test_a_page_that_lost_cells_is_read_or_refused(name: str, chosen: set[int]) -> None:
    parse, page = PAGES[name]
    cells = list(re.finditer(r"<t[dh][ >].*?</t[dh]>", page, re.DOTALL))
    for number in sorted({number % len(cells) for number in chosen}, reverse=True):
        page = page[: cells[number].start()] + page[cells[number].end() :]

    read(parse, page)


@pytest.mark.parametrize("name", PAGES)
@settings(max_examples=60, deadline=None)
@given(page=st.binary(max_size=300) | st.text(max_size=300))
def test_anything_at_all_is_read_or_refused(name: str, page: str | bytes) -> None:
    read(PAGES[name][0], page)


@pytest.mark.parametrize("name", PAGES)
def test_very_deep_nesting_is_read_or_refused(name: str) -> None:
    parse, page = PAGES[name]

    read(parse, "<div>" * 20_000 + page)
    read(parse, page.replace("<td", "<b><td" + "<i>" * 200, 3))


@settings(max_examples=200, deadline=None)
@given(rows=st.dictionaries(st.integers(0, 29), st.tuples(st.integers(0, 6), st.sampled_from(["", "<td></td>"])), min_size=1, max_size=6))
def test_a_lost_or_added_cell_never_puts_a_value_under_another_header(rows: dict[int, tuple[int, str]]) -> None:
    page = SITES.page38("k", 1, 0)
    whole = {row.site_no: row for row in parse_schedule(page).rows}
    for number, (cell, extra) in rows.items():
        row = re.findall(r"<tr bgcolor='#F.*?</tr>", page, re.DOTALL)[number]
        cells = re.findall(r"<td.*?</td>", row, re.DOTALL)
        chosen = cells[cell % len(cells)]
        page = page.replace(row, row.replace(chosen, extra and chosen + extra, 1))

    try:
        found = parse_schedule(page)
    except StructureChanged:
        return

    assert all(row == whole[row.site_no] for row in found.rows)
    assert len(found.rows) + len(found.unread) == len(whole)
