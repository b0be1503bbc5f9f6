"""What is kept of one reading of the site. Prices and market capitalisation in won, percents as percents; null is "not on the page"."""

from collections.abc import Sequence
from datetime import date, datetime

from msgspec import Struct


class Member(Struct, frozen=True, kw_only=True):
    """A stock of a theme, and why it is there."""

    symbol: str
    reason: str | None


class ThemeRow(Struct, frozen=True, kw_only=True):
    """A theme on a day. ``neglect_*``: where the price is between low (0) and high (100); ``theme_index_3y``: in percent of the high."""

    theme_idx: int
    name: str
    description: str | None
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
    members: Sequence[Member]


class StockRow(Struct, frozen=True, kw_only=True):
    """A stock on a day. ``neglect_52w``: where its price stands between the year's low (0) and high (100)."""

    symbol: str
    name: str
    market: str | None
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
    theme_idxs: Sequence[int]


class Reading(Struct, frozen=True, kw_only=True):
    """One whole reading of the site; it counts from the moment on that this is stored. The last of a KST day stands for the day."""

    id: str
    day: date
    at: datetime
    theme_count: int
    stock_count: int


class ThemeDay(Struct, frozen=True, kw_only=True):
    """A theme's figures on one of the days on which it was read."""

    day: date
    change_pct: float | None
    change_3d_pct: float | None
    neglect_52w: int | None
    theme_index_3y: int | None
    expected_return_pct: float | None
