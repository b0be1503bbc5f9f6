"""Themes: the newest reading, searched, sorted and screened."""

from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct

from api.errors import InvalidCursor, InvalidRequest, NotFound
from api.themes.repository import ThemeRepository
from api.themes.rows import Reading, StockRow, ThemeDay, ThemeRow
from api.themes.schemas import StockSort, ThemeSort

_HISTORY_DAYS = 90


class Screen(Struct, kw_only=True, frozen=True):
    """What stocks must be like. ``bounds``: by figure, the least and the most; a stock without the figure does not pass."""

    market: str | None = None
    theme_idx: int | None = None
    text: str = ""
    bounds: dict[str, tuple[float | None, float | None]] = {}


class Screened(Struct, kw_only=True, frozen=True):
    """Stocks that pass, the themes' names, how many there are in all; where the next page begins."""

    stocks: list[StockRow]
    names: dict[int, str]
    total: int
    as_of: datetime | None
    next_place: str | None


class ThemeService:
    """What clients may ask of themes."""

    def __init__(self, repository: ThemeRepository) -> None:
        self._themes = repository

    async def list_themes(self, text: str, sort: ThemeSort) -> tuple[list[ThemeRow], datetime | None]:
        """Themes whose name holds the text, and when they were read."""
        newest = await self._themes.newest()
        if newest is None:
            return [], None
        wanted = _folded(text)
        rows = [row for row in await self._themes.themes(newest.id) if wanted in _folded(row.name)]
        return _sorted(rows, sort), newest.at

    async def get(self, theme_idx: int) -> tuple[ThemeRow, list[StockRow], dict[int, str], list[ThemeDay], datetime]:
        """A theme with its stocks, all themes' names, its days, and when it was read; `NotFound` where the newest reading lacks it."""
        newest = await self._themes.newest()
        theme = None if newest is None else await self._themes.theme(newest.id, theme_idx)
        if newest is None or theme is None:
            raise NotFound("There is no such theme.")
        rows = {row.symbol: row for row in await self._themes.stocks(newest.id, {"theme_idxs": theme_idx})}
        stocks = [rows[member.symbol] for member in theme.members if member.symbol in rows]
        days = await self._themes.days_of(theme_idx, _HISTORY_DAYS)
        return theme, stocks, await self._names(newest), days, newest.at

    async def screen(self, screen: Screen, sort: StockSort, *, is_descending: bool, limit: int | None, place: str | None) -> Screened:
        """Stocks that pass.

        Args:
            screen: The filters.
            sort: By what.
            is_descending: The largest first.
            limit: Of one page; None: all.
            place: `Screened.next_place` of the page before.

        Raises:
            InvalidRequest: A least that is more than the most.
            InvalidCursor: The page's reading was replaced meanwhile.
        """
        newest = await self._themes.newest()
        if newest is None:
            return Screened(stocks=[], names={}, total=0, as_of=None, next_place=None)
        skip = 0
        if place is not None:
            reading_id, _, number = place.partition(":")
            if not number.isdecimal() or reading_id != newest.id:
                raise InvalidCursor("The site was read anew since. Begin at the first page.")
            skip = int(number)
        query = _query(screen)
        stocks = await self._themes.stocks(
            newest.id, query, sort=sort.value, is_descending=is_descending, skip=skip, limit=0 if limit is None else limit + 1
        )
        has_more = limit is not None and len(stocks) > limit
        return Screened(
            stocks=stocks[:limit],
            names=await self._names(newest),
            total=await self._themes.count_stocks(newest.id, query),
            as_of=newest.at,
            next_place=f"{newest.id}:{skip + (limit or 0)}" if has_more else None,
        )

    async def _names(self, reading: Reading) -> dict[int, str]:
        return {row.theme_idx: row.name for row in await self._themes.themes(reading.id)}


def _query(screen: Screen) -> dict[str, Any]:
    query: dict[str, Any] = {}
    for name, (least, most) in screen.bounds.items():
        if least is not None and most is not None and least > most:
            field = f"{name}_min"
            raise InvalidRequest(f"`{field}` is more than `{name}_max`.", errors=[{"field": field, "message": "more than the most"}])
        bounds = {key: value for key, value in (("$gte", least), ("$lte", most)) if value is not None}
        if bounds:
            query[name] = bounds
    if screen.market is not None:
        query["market"] = screen.market
    if screen.theme_idx is not None:
        query["theme_idxs"] = screen.theme_idx
    if wanted := "".join(screen.text.split()):
        pattern = {"$regex": r"\s*".join(map(_escaped, wanted)), "$options": "i"}
        query["$or"] = [{"name": pattern}, {"symbol": pattern}]
    return query


def _escaped(letter: str) -> str:
    return letter if letter.isalnum() else f"\\{letter}"


def _folded(text: str) -> str:
    return "".join(text.split()).casefold()


def _sorted(rows: list[ThemeRow], sort: ThemeSort) -> list[ThemeRow]:
    rows = sorted(rows, key=lambda row: (row.name, row.theme_idx))
    if sort is ThemeSort.NAME:
        return rows
    figures = [(len(row.members) if sort is ThemeSort.STOCK_COUNT else getattr(row, sort.value), row) for row in rows]
    known = sorted((pair for pair in figures if pair[0] is not None), key=lambda pair: pair[0], reverse=True)
    return [row for _, row in known] + [row for figure, row in figures if figure is None]


def reason_of(theme: ThemeRow, symbol: str) -> str | None:
    """Why a stock is in the theme."""
    return next((member.reason for member in theme.members if member.symbol == symbol), None)


def csv_rows(screened: Screened) -> list[list[str | int | float | None]]:
    """The stocks as rows of `CSV_HEADERS`."""
    return [
        [
            *(msgspec.structs.asdict(row)[name] for name in CSV_HEADERS if name != "themes"),
            ", ".join(screened.names[each] for each in row.theme_idxs if each in screened.names),
        ]
        for row in screened.stocks
    ]


CSV_HEADERS = {
    "symbol": "종목코드",
    "name": "종목명",
    "market": "시장",
    "price": "현재가",
    "change": "전일대비",
    "change_pct": "등락률(%)",
    "change_3d_pct": "3일합산(%)",
    "market_cap": "시가총액(원)",
    "per": "PER",
    "pbr": "PBR",
    "eps": "EPS",
    "high_52w": "52주 최고",
    "low_52w": "52주 최저",
    "neglect_52w": "52주 위치",
    "expected_return_pct": "기대수익률(%)",
    "volume_index_day_pct": "당일 거래량지수(%)",
    "volume_index_7d_pct": "7일 거래량지수(%)",
    "themes": "테마",
}
"""Field and what a reader of the file calls it."""
