"""Routes of themes."""

from typing import Annotated

from litestar import Controller, Response, get
from litestar.di import NamedDependency, Provide
from litestar.params import PathParameter, QueryParameter

from api.auth.principal import Principal
from api.kit.csv_file import to_csv
from api.kit.cursors import decode_cursor, encode_cursor
from api.problems import problems
from api.themes.schemas import StockSort, Theme, ThemeDetail, ThemeList, ThemePoint, ThemeSort, ThemeStock, ThemeStockPage
from api.themes.service import CSV_HEADERS, Screen, ThemeService, csv_rows, reason_of

_CSV = "text/csv"

_FAR = 1e16  # more than any figure; what is no number lies outside too
_Least = Annotated[float | None, QueryParameter(ge=-_FAR, le=_FAR, description="At least.")]
_Most = Annotated[float | None, QueryParameter(ge=-_FAR, le=_FAR, description="At most.")]


async def provide_screen(
    market: Annotated[str | None, QueryParameter(pattern=r"^[A-Z]{1,20}$", description="`KOSPI` or `KOSDAQ`.")] = None,
    theme_idx: Annotated[int | None, QueryParameter(ge=0, le=999_999_999, description="Only stocks of this theme.")] = None,
    text: Annotated[str, QueryParameter(name="query", max_length=40, description="Part of a name or symbol.")] = "",
    price_min: _Least = None,
    price_max: _Most = None,
    change_pct_min: _Least = None,
    change_pct_max: _Most = None,
    change_3d_pct_min: _Least = None,
    change_3d_pct_max: _Most = None,
    market_cap_min: _Least = None,
    market_cap_max: _Most = None,
    per_min: _Least = None,
    per_max: _Most = None,
    pbr_min: _Least = None,
    pbr_max: _Most = None,
    neglect_52w_min: _Least = None,
    neglect_52w_max: _Most = None,
    expected_return_pct_min: _Least = None,
    expected_return_pct_max: _Most = None,
    volume_index_day_pct_min: _Least = None,
    volume_index_day_pct_max: _Most = None,
    volume_index_7d_pct_min: _Least = None,
    volume_index_7d_pct_max: _Most = None,
) -> Screen:
    """The filters of a request. A stock without a figure passes no bound of it."""
    bounds = {
        "price": (price_min, price_max),
        "change_pct": (change_pct_min, change_pct_max),
        "change_3d_pct": (change_3d_pct_min, change_3d_pct_max),
        "market_cap": (market_cap_min, market_cap_max),
        "per": (per_min, per_max),
        "pbr": (pbr_min, pbr_max),
        "neglect_52w": (neglect_52w_min, neglect_52w_max),
        "expected_return_pct": (expected_return_pct_min, expected_return_pct_max),
        "volume_index_day_pct": (volume_index_day_pct_min, volume_index_day_pct_max),
        "volume_index_7d_pct": (volume_index_7d_pct_min, volume_index_7d_pct_max),
    }
    return Screen(market=market, theme_idx=theme_idx, text=text, bounds=bounds)


class ThemeController(Controller):
    """Themes (테마) as 주달 has them, read by the job `scrape_themes`."""

    path = "/themes"
    tags = ["themes"]  # noqa: RUF012 - Litestar declares it so

    @get(operation_id="listThemes", summary="List themes", responses=problems(400, 401))
    async def list_themes(
        self,
        principal: NamedDependency[Principal],
        theme_service: NamedDependency[ThemeService],
        text: Annotated[str, QueryParameter(name="query", max_length=40, description="Part of a name.")] = "",
        sort: Annotated[ThemeSort, QueryParameter(description="By what; the largest first, names from the first on.")] = ThemeSort.CHANGE,
    ) -> ThemeList:
        """All themes of the newest reading that fit."""
        rows, as_of = await theme_service.list_themes(text, sort)
        return ThemeList(items=[Theme.of(row) for row in rows], next_cursor=None, as_of=as_of)

    @get("/{theme_idx:int}", operation_id="getTheme", summary="One theme", responses=problems(401, 404))
    async def get_theme(
        self,
        theme_idx: Annotated[int, PathParameter(ge=0, le=999_999_999, description="The theme's number at the site.")],
        principal: NamedDependency[Principal],
        theme_service: NamedDependency[ThemeService],
    ) -> ThemeDetail:
        """Its figures, its stocks with the reason why they are in it, and its figures of the last 90 days on which it was read."""
        theme, stocks, names, days, as_of = await theme_service.get(theme_idx)
        return ThemeDetail(
            theme=Theme.of(theme),
            stocks=[ThemeStock.of(row, names, reason_of(theme, row.symbol)) for row in stocks],
            history=[ThemePoint.of(day) for day in days],
            as_of=as_of,
        )


class ThemeStockController(Controller):
    """The screener over all stocks of all themes."""

    path = "/themes/stocks"
    tags = ["themes"]  # noqa: RUF012 - Litestar declares it so
    dependencies = {"screen": Provide(provide_screen)}  # noqa: RUF012 - Litestar declares it so

    @get(operation_id="screenThemeStocks", summary="Screen stocks", responses=problems(400, 401, 422))
    async def screen_stocks(
        self,
        principal: NamedDependency[Principal],
        theme_service: NamedDependency[ThemeService],
        screen: NamedDependency[Screen],
        sort: Annotated[StockSort, QueryParameter(description="Stocks without the figure come last.")] = StockSort.MARKET_CAP,
        descending: Annotated[bool, QueryParameter(description="The largest first.")] = True,
        limit: Annotated[int, QueryParameter(ge=1, le=500)] = 100,
        cursor: Annotated[str | None, QueryParameter(max_length=200, description="`next_cursor` of the page before.")] = None,
    ) -> ThemeStockPage:
        """Stocks of the newest reading that pass every filter. A cursor ends with its reading: 422 `invalid_cursor` after the next one."""
        found = await theme_service.screen(screen, sort, is_descending=descending, limit=limit, place=decode_cursor(cursor))
        return ThemeStockPage(
            items=[ThemeStock.of(row, found.names) for row in found.stocks],
            next_cursor=None if found.next_place is None else encode_cursor(found.next_place),
            total=found.total,
            as_of=found.as_of,
        )

    @get("/csv", operation_id="downloadThemeStocks", summary="Screened stocks as CSV", media_type=_CSV, responses=problems(400, 401, 422))
    async def download_stocks(
        self,
        principal: NamedDependency[Principal],
        theme_service: NamedDependency[ThemeService],
        screen: NamedDependency[Screen],
        sort: Annotated[StockSort, QueryParameter(description="Stocks without the figure come last.")] = StockSort.MARKET_CAP,
        descending: Annotated[bool, QueryParameter(description="The largest first.")] = True,
    ) -> Response[bytes]:
        """All stocks that pass, for a spreadsheet."""
        found = await theme_service.screen(screen, sort, is_descending=descending, limit=None, place=None)
        headers = {"Content-Disposition": 'attachment; filename="theme-stocks.csv"'}
        return Response(to_csv(CSV_HEADERS.values(), csv_rows(found)), media_type=f"{_CSV}; charset=utf-8", headers=headers)
