"""Themes over HTTP, read once from the invented site."""

import csv
import io
from collections.abc import AsyncIterator
from datetime import date, timedelta
from typing import Any

import pytest
import pytest_asyncio

from api.domain.enums import Role
from api.local.fixture_sites.server import State, serving
from tests.conftest import RunningServers, fresh_settings
from tests.http.api import Api
from tests.http.api import serving as serving_api
from tests.notes import Notes
from worker.jobs.scrape_themes import scrape_themes

pytestmark = pytest.mark.asyncio(loop_scope="session")


class Visitor:
    """A viewer's requests."""

    def __init__(self, api: Api, headers: dict[str, str]) -> None:
        self.api, self.headers = api, headers

    async def get(self, path: str, **params: Any) -> dict[str, Any]:
        answer = await self.api.client.get(path, params=params, headers=self.headers)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def refused(self, path: str, **params: Any) -> tuple[int, str]:
        answer = await self.api.client.get(path, params=params, headers=self.headers)
        return answer.status_code, answer.json()["code"]

    async def all(self, **params: Any) -> list[dict[str, Any]]:
        """Every stock that passes, page after page."""
        seen: list[dict[str, Any]] = []
        page = await self.get("/themes/stocks", limit=50, **params)
        while True:
            seen += page["items"]
            if page["next_cursor"] is None:
                assert len(seen) == page["total"]
                return seen
            page = await self.get("/themes/stocks", limit=50, cursor=page["next_cursor"], **params)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def visitor(servers: RunningServers, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Visitor]:
    with fresh_settings(servers, tmp_path_factory.mktemp("themes")) as settings:
        async with serving(State(day=date(2026, 11, 23))) as site:
            of_site = settings.model_copy(update={"judal_url": site.url, "site_delay": timedelta(microseconds=1)})
            async with serving_api(of_site) as api:
                found = Visitor(api, await api.add_user(Role.VIEWER, "visitor"))
                assert await found.get("/themes") == {"items": [], "next_cursor": None, "as_of": None}
                assert (await found.get("/themes/stocks"))["as_of"] is None
                await scrape_themes(api.services, Notes())
                yield found


async def test_themes_are_listed_by_their_change_and_searched(visitor: Visitor) -> None:
    listed = await visitor.get("/themes")

    changes = [theme["change_pct"] for theme in listed["items"] if theme["change_pct"] is not None]
    assert changes == sorted(changes, reverse=True)
    assert len(listed["items"]) >= 50
    assert listed["as_of"] is not None
    found = (await visitor.get("/themes", query=" 반도체 "))["items"]
    assert [theme["name"] for theme in found] == ["반도체"]
    names = [theme["name"] for theme in (await visitor.get("/themes", sort="name"))["items"]]
    assert names == sorted(names)


async def test_a_theme_has_its_stocks_with_reasons_and_its_days(visitor: Visitor) -> None:
    theme = (await visitor.get("/themes"))["items"][0]

    detail = await visitor.get(f"/themes/{theme['theme_idx']}")

    assert detail["theme"] == theme
    assert len(detail["stocks"]) == theme["stock_count"]
    assert any(stock["reason"] for stock in detail["stocks"])
    assert all(theme["theme_idx"] in [each["theme_idx"] for each in stock["themes"]] for stock in detail["stocks"])
    assert [point["change_pct"] for point in detail["history"]] == [theme["change_pct"]]
    assert await visitor.refused("/themes/999999") == (404, "not_found")


@pytest.mark.parametrize(
    ("name", "least", "most"),
    [
        ("price", 10_000, 100_000),
        ("per", 0, 15),
        ("pbr", 0.5, 2),
        ("neglect_52w", 0, 30),
        ("change_pct", -2, 1),
        ("market_cap", 1e11, 1e13),
    ],
)
async def test_a_screen_lets_through_what_fits_and_nothing_without_it(visitor: Visitor, name: str, least: float, most: float) -> None:
    everything = await visitor.all()

    passed = await visitor.all(**{f"{name}_min": least, f"{name}_max": most})

    expected = {stock["symbol"] for stock in everything if stock[name] is not None and least <= stock[name] <= most}
    assert {stock["symbol"] for stock in passed} == expected
    assert 0 < len(expected) < len(everything)


@pytest.mark.parametrize("sort", ["name", "price", "market_cap", "per", "neglect_52w", "expected_return_pct"])
@pytest.mark.parametrize("descending", [True, False])
async def test_pages_in_any_order_have_each_stock_once_and_gaps_last(visitor: Visitor, sort: str, descending: bool) -> None:
    stocks = await visitor.all(sort=sort, descending=descending)

    figures = [stock[sort] for stock in stocks]
    known = [figure for figure in figures if figure is not None]
    assert known == sorted(known, reverse=descending)
    assert figures == known + [None] * (len(figures) - len(known))
    assert len({stock["symbol"] for stock in stocks}) == len(stocks)


async def test_filters_hold_together(visitor: Visitor) -> None:
    theme = (await visitor.get("/themes"))["items"][0]["theme_idx"]

    stocks = await visitor.all(theme_idx=theme, market="KOSPI", price_min=1)

    assert stocks
    assert all(stock["market"] == "KOSPI" and theme in [each["theme_idx"] for each in stock["themes"]] for stock in stocks)
    samsung = await visitor.all(query="삼성 전자")
    assert "005930" in [stock["symbol"] for stock in samsung]
    assert [stock["symbol"] for stock in await visitor.all(query="005930")] == ["005930"]
    assert await visitor.all(query=".*") == []


async def test_what_cannot_be_asked_is_refused(visitor: Visitor) -> None:
    assert await visitor.refused("/themes/stocks", price_min=2, price_max=1) == (422, "invalid_request")
    assert await visitor.refused("/themes/stocks", cursor="AAAA") in ((422, "invalid_cursor"), (400, "invalid_cursor"))
    assert (await visitor.refused("/themes/stocks", sort="colour"))[0] in (400, 422)
    for figure in ("NaN", "inf", "1e300"):
        assert (await visitor.refused("/themes/stocks", price_min=figure))[0] in (400, 422)


async def test_the_file_has_what_the_screen_has(visitor: Visitor) -> None:
    stocks = await visitor.all(per_max=15, sort="per", descending=False)

    answer = await visitor.api.client.get(
        "/themes/stocks/csv", params={"per_max": 15, "sort": "per", "descending": False}, headers=visitor.headers
    )

    assert answer.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert [row["종목코드"] for row in rows] == [stock["symbol"] for stock in stocks]
    assert float(rows[0]["PER"]) == stocks[0]["per"]
