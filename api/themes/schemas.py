"""Themes on the wire. Prices and market capitalisation in won, percents as percents; null is not on the site's page."""

from datetime import date, datetime
from enum import StrEnum

from msgspec import Struct

from api.themes.rows import StockRow, ThemeDay, ThemeRow


class ThemeSort(StrEnum):
    """By what a list of themes is sorted; the largest first, but names from the first on."""

    CHANGE = "change_pct"
    CHANGE_3D = "change_3d_pct"
    EXPECTED_RETURN = "expected_return_pct"
    NEGLECT = "neglect_52w"
    USER_SCORE = "user_score"
    STOCK_COUNT = "stock_count"
    NAME = "name"


class StockSort(StrEnum):
    """By what a list of stocks is sorted; stocks without that figure come last."""

    NAME = "name"
    PRICE = "price"
    CHANGE = "change_pct"
    CHANGE_3D = "change_3d_pct"
    MARKET_CAP = "market_cap"
    PER = "per"
    PBR = "pbr"
    NEGLECT = "neglect_52w"
    EXPECTED_RETURN = "expected_return_pct"
    VOLUME_DAY = "volume_index_day_pct"
    VOLUME_7D = "volume_index_7d_pct"
    BUFFETT_RANK = "buffett_rank"


class ThemeName(Struct, kw_only=True, frozen=True):
    """A theme that a stock belongs to."""

    theme_idx: int
    name: str


class Theme(Struct, kw_only=True, frozen=True):
    """A theme on the day of the reading.

    ``theme_idx`` is its number at the site; its name may change. Neglect (소외지수) is where the price stands between the low (0) and the
    high (100) of 52 weeks or three years; ``theme_index_3y`` the price in percent of the highest of three years.
    """

    theme_idx: int
    name: str
    description: str | None
    stock_count: int
    change_pct: float | None
    change_3d_pct: float | None
    rise_52w_pct: float | None
    fall_52w_pct: float | None
    neglect_52w: int | None
    rise_3y_pct: float | None
    fall_3y_pct: float | None
    neglect_3y: int | None
    theme_index_3y: int | None
    expected_return_pct: float | None
    user_score: float | None

    @classmethod
    def of(cls, row: ThemeRow) -> "Theme":
        """The wire form."""
        fields = {name: getattr(row, name) for name in cls.__struct_fields__ if name != "stock_count"}
        return cls(**fields, stock_count=len(row.members))


class ThemeList(Struct, kw_only=True, frozen=True):
    """All themes; nothing is paged, ``next_cursor`` is null. ``as_of``: when the site was read, null: never."""

    items: list[Theme]
    next_cursor: str | None
    as_of: datetime | None


class ThemeStock(Struct, kw_only=True, frozen=True):
    """A stock on the day of the reading, with the themes it is in; ``reason``: why it is in the theme asked for."""

    symbol: str
    name: str
    market: str | None
    reason: str | None
    price: int | None
    change: int | None
    change_pct: float | None
    change_3d_pct: float | None
    high_52w: int | None
    low_52w: int | None
    from_high_52w_pct: float | None
    from_low_52w_pct: float | None
    neglect_52w: int | None
    neglect_3y: int | None
    price_index_3y: int | None
    expected_return_pct: float | None
    pbr: float | None
    per: float | None
    eps: int | None
    market_cap: int | None
    volume_index_day_pct: float | None
    volume_index_7d_pct: float | None
    buffett_rank: int | None
    themes: list[ThemeName]

    @classmethod
    def of(cls, row: StockRow, names: dict[int, str], reason: str | None = None) -> "ThemeStock":
        """The wire form."""
        fields = {name: getattr(row, name) for name in cls.__struct_fields__ if name not in ("reason", "themes")}
        themes = [ThemeName(theme_idx=each, name=names[each]) for each in row.theme_idxs if each in names]
        return cls(**fields, reason=reason, themes=themes)


class ThemeStockPage(Struct, kw_only=True, frozen=True):
    """Stocks that pass the filters. ``total``: on all pages."""

    items: list[ThemeStock]
    next_cursor: str | None
    total: int
    as_of: datetime | None


class ThemePoint(Struct, kw_only=True, frozen=True):
    """A theme's figures on a KST day."""

    day: date
    change_pct: float | None
    change_3d_pct: float | None
    neglect_52w: int | None
    theme_index_3y: int | None
    expected_return_pct: float | None

    @classmethod
    def of(cls, day: ThemeDay) -> "ThemePoint":
        """The wire form."""
        return cls(**{name: getattr(day, name) for name in cls.__struct_fields__})


class ThemeDetail(Struct, kw_only=True, frozen=True):
    """A theme, its stocks, and its figures of the last 90 days on which it was read, oldest first."""

    theme: Theme
    stocks: list[ThemeStock]
    history: list[ThemePoint]
    as_of: datetime
