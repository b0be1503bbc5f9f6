"""What the pages of 주달 say, typed. Prices in KRW won, percents as percents; None is "not on the page", never 0.

``theme_idx`` is the identity of a theme; its name changes. ``_52w`` and ``_3y`` are figures of 52 weeks and three years. The neglect index
(소외지수) is ``round((P - low) / (high - low) * 100)``: a low one is near its low.
"""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from msgspec import Struct

from worker.sites.reading import PageWarning


class ThemeLink(Struct, frozen=True, kw_only=True):
    """A theme in the side bar. ``stock_count`` is what its page promises."""

    theme_idx: int
    name: str
    stock_count: int


class SideBar(Struct, frozen=True, kw_only=True):
    """Every theme, each once."""

    themes: Sequence[ThemeLink]
    warnings: Sequence[PageWarning]


class ThemeFigures(Struct, frozen=True, kw_only=True):
    """A row of the theme list. ``description`` is the tooltip's text, without markup."""

    theme_idx: int
    name: str
    description: str | None
    change_pct: Decimal | None
    change_3d_pct: Decimal | None
    rise_52w_pct: Decimal | None
    fall_52w_pct: Decimal | None
    neglect_52w: int | None
    rise_3y_pct: Decimal | None
    fall_3y_pct: Decimal | None
    neglect_3y: int | None
    expected_return_pct: Decimal | None
    user_score: Decimal | None


class ThemeList(Struct, frozen=True, kw_only=True):
    """The table of themes."""

    themes: Sequence[ThemeFigures]
    warnings: Sequence[PageWarning]


class RelatedTheme(Struct, frozen=True, kw_only=True):
    """A theme that a stock belongs to."""

    theme_idx: int
    name: str


class ThemeStock(Struct, frozen=True, kw_only=True):
    """A row of a stock table.

    Attributes:
        market: As on the page: ``KOSPI``, ``KOSDAQ``.
        symbol: Six characters, may hold letters.
        reason: Why the stock is in the theme (the tooltip), without markup; None where there is none.
        price, change: Won, minutes old; the change against the day before.
        from_high_52w_pct, from_low_52w_pct: At most and at least 0.
        price_index_3y: The price in percent of the highest of three years.
        market_cap_krw_100m: Hundreds of millions of won (억원).
        volume_index_day_pct: Value traded today by market cap.
        volume_index_7d_pct: Mean of 7 days against the mean of 90.
        buffett_rank: 버핏초이스; None for most stocks.
        trade_amount_krw_100m, trade_streak_days: Only in lists of who buys and sells: net amount (억원), and for how many days on end.
    """

    name: str
    market: str | None
    symbol: str
    reason: str | None
    price: int | None
    change: int | None
    change_pct: Decimal | None
    change_3d_pct: Decimal | None
    high_52w: int | None
    low_52w: int | None
    from_high_52w_pct: Decimal | None
    from_low_52w_pct: Decimal | None
    neglect_52w: int | None
    high_3y: int | None
    low_3y: int | None
    from_high_3y_pct: Decimal | None
    from_low_3y_pct: Decimal | None
    neglect_3y: int | None
    price_index_3y: int | None
    expected_return_pct: Decimal | None
    pbr: Decimal | None
    per: Decimal | None
    eps: int | None
    market_cap_krw_100m: int | None
    volume_index_day_pct: Decimal | None
    volume_index_7d_pct: Decimal | None
    buffett_rank: int | None
    related_themes: tuple[RelatedTheme, ...]
    trade_amount_krw_100m: int | None
    trade_streak_days: int | None


class ThemeHead(Struct, frozen=True, kw_only=True):
    """The figures above a theme's stocks."""

    name: str | None
    change_pct: Decimal | None
    change_3d_pct: Decimal | None
    rise_52w_pct: Decimal | None
    fall_52w_pct: Decimal | None
    expected_return_pct: Decimal | None
    neglect_index: int | None
    theme_index_3y: int | None
    base_date: date | None


class UnreadStock(Struct, frozen=True, kw_only=True):
    """A row that is there and cannot be trusted: it has no symbol, or too few cells, so that values may stand under the wrong header."""

    symbol: str | None
    text: str


class StockList(Struct, frozen=True, kw_only=True):
    """The stocks of one page. Whoever stores them does not take an ``unread`` one for gone."""

    head: ThemeHead
    stocks: Sequence[ThemeStock]
    unread: Sequence[UnreadStock]
    warnings: Sequence[PageWarning]
