"""The stocks of a theme, or of one of the site's lists."""

import re
from collections.abc import Callable
from typing import TypeVar

from worker.sites.errors import StructureChanged
from worker.sites.html import Node, Row, Table, attribute, parse_html, spaced_text_of, text_of
from worker.sites.judal.head import parse_head, promised_count
from worker.sites.judal.pages import decode
from worker.sites.judal.rows import RelatedTheme, StockList, ThemeStock, UnreadStock
from worker.sites.judal.themes import find_table, theme_index
from worker.sites.judal.tooltips import tooltip_of
from worker.sites.reading import Reading
from worker.sites.text import is_nothing, normalise, parse_decimal, parse_market_cap, parse_percent, parse_whole, parse_won

T = TypeVar("T")

_NAME, _PRICE, _RELATED, _AMOUNT = "종목명", "현재가격", "관련테마", "매매금액"
_HEADERS = (
    _NAME, _PRICE, "전일비", "3일합산", "52주최고최저", "52주변동률", "52주소외지수", "3년최고최저", "3년변동률", "3년소외지수",
    "3년주가지수", "기대수익률", "PBR", "PER", "EPS", "시가총액", "당일거래량지수", "최근7일거래량지수", "버핏초이스", _RELATED,
)  # fmt: skip
_LONGEST = 200
MOST_BAD = 0.1
"""Of all rows may lack symbol or price; more is a changed page."""

_FEWEST_OF_PROMISED = 0.5  # the number may be a day old; fewer than half is a page that broke off
_IN_LINK = re.compile(r"(?:[?&;]code=|/stock/)([0-9A-Za-z]{6})(?![0-9A-Za-z])")
_IN_TEXT = re.compile(r"(?:^|\s)([A-Z가-힣]+)\s+([0-9][0-9A-Z]{5})(?!\S)")  # every symbol begins with a digit
_SPACE_BEFORE_UNIT = re.compile(r"\s+(?=%)")
_ARROWS = str.maketrans({"▲": "+", "▼": "-"})
_ARROW_SPACE = re.compile(r"(?<=[+-])\s+(?=[0-9])")
_STREAK = re.compile(r"([0-9]{1,4})\s*일\s*연속")


def parse_stock_list(
    html: bytes | str, *, promised: int | None = None, most_bad: float = MOST_BAD, fewest_bad: int = 1, url: str = ""
) -> StockList:
    """Read one page of stocks; columns are found by header text, in any order.

    Args:
        html: The page.
        promised: How many stocks the side bar says that the theme has; without it the title's number counts.
        most_bad: The part of the page's rows that may lack symbol or price. A page of few rows says little of the site: who reads many
            pages allows each of them more, and judges all rows together.
        fewest_bad: Fewer such rows than this never count.
        url: For errors.

    Raises:
        StructureChanged: No such table, a column that we read is missing, fewer than half of the rows that were promised, or too many rows
            without symbol or price.
    """
    reading = Reading()
    root = parse_html(decode(html))
    table = find_table(root, _HEADERS, url)
    stocks: dict[str, ThemeStock] = {}
    unread: list[UnreadStock] = []
    bad = 0
    for row in table.rows:
        stock = _stock(table, row, reading)
        if isinstance(stock, UnreadStock):
            unread.append(stock)
            bad += 1
        elif stock.symbol in stocks:
            reading.warn(stock.symbol, "", "stands on the page twice; the first row counts")
        else:
            bad += stock.price is None
            stocks[stock.symbol] = stock
    expected = promised if promised is not None else promised_count(root)
    if expected and len(stocks) + len(unread) < _FEWEST_OF_PROMISED * expected:
        raise StructureChanged(f"{expected} stocks", f"{len(stocks)} in: {text_of(root)}", url)
    if bad >= fewest_bad and bad > most_bad * len(table.rows):
        raise StructureChanged("rows with symbol and price", f"{bad} of {len(table.rows)} without", url)
    if expected is not None and expected != len(stocks):
        reading.warn("page", "", f"{expected} stocks promised, {len(stocks)} read")
    return StockList(head=parse_head(root, reading), stocks=list(stocks.values()), unread=unread, warnings=reading.warnings)


def _stock(table: Table, row: Row, reading: Reading) -> ThemeStock | UnreadStock:
    name_cell = row.cells[min(table.columns[_NAME], len(row.cells) - 1)]
    name, market, symbol = _identity(name_cell, reading)
    if symbol is None or not name or len(row.cells) != table.width:
        text = spaced_text_of(name_cell)
        reading.warn(text, "", f"no symbol or name, or {len(row.cells)} of {table.width} cells")
        return UnreadStock(symbol=symbol, text=text[:_LONGEST])
    cells = _Cells(table, row, symbol, reading)
    price, change = cells.two(parse_won, _PRICE, "price", may_be_one=True)
    high_52w, low_52w = cells.two(parse_won, "52주최고최저", "high_52w")
    from_high_52w, from_low_52w = cells.two(parse_percent, "52주변동률", "from_high_52w_pct")
    high_3y, low_3y = cells.two(parse_won, "3년최고최저", "high_3y")
    from_high_3y, from_low_3y = cells.two(parse_percent, "3년변동률", "from_high_3y_pct")
    amount, streak = cells.trade()
    return ThemeStock(
        name=name,
        market=market,
        symbol=symbol,
        reason=tooltip_of(name_cell),
        price=price,
        change=change,
        change_pct=cells.one(parse_percent, "전일비", "change_pct"),
        change_3d_pct=cells.one(parse_percent, "3일합산", "change_3d_pct"),
        high_52w=high_52w,
        low_52w=low_52w,
        from_high_52w_pct=from_high_52w,
        from_low_52w_pct=from_low_52w,
        neglect_52w=cells.one(parse_whole, "52주소외지수", "neglect_52w"),
        high_3y=high_3y,
        low_3y=low_3y,
        from_high_3y_pct=from_high_3y,
        from_low_3y_pct=from_low_3y,
        neglect_3y=cells.one(parse_whole, "3년소외지수", "neglect_3y"),
        price_index_3y=cells.one(parse_whole, "3년주가지수", "price_index_3y"),
        expected_return_pct=cells.one(parse_percent, "기대수익률", "expected_return_pct"),
        pbr=cells.one(parse_decimal, "PBR", "pbr"),
        per=cells.one(parse_decimal, "PER", "per"),
        eps=cells.one(parse_won, "EPS", "eps"),
        market_cap_krw_100m=cells.one(parse_market_cap, "시가총액", "market_cap_krw_100m"),
        volume_index_day_pct=cells.one(parse_percent, "당일거래량지수", "volume_index_day_pct"),
        volume_index_7d_pct=cells.one(parse_percent, "최근7일거래량지수", "volume_index_7d_pct"),
        buffett_rank=cells.one(parse_whole, "버핏초이스", "buffett_rank"),
        related_themes=_related(cells.cell(_RELATED)),
        trade_amount_krw_100m=amount,
        trade_streak_days=streak,
    )


class _Cells:
    """The cells of one row by header."""

    def __init__(self, table: Table, row: Row, symbol: str, reading: Reading) -> None:
        self._table, self._row, self._symbol, self._reading = table, row, symbol, reading

    def cell(self, header: str) -> Node:
        return self._row.cells[self._table.columns[header]]

    def one(self, parse: Callable[[str], T | None], header: str, field: str) -> T | None:
        return self._reading.value(parse, _plain(self.cell(header)), self._symbol, field)

    def two(self, parse: Callable[[str], T | None], header: str, field: str, *, may_be_one: bool = False) -> tuple[T | None, T | None]:
        """Two values on two lines, or in two elements; one alone only where it is known to be the first."""
        text = _plain(self.cell(header))
        parts = text.split(" ")
        if is_nothing(text) or all(is_nothing(part) for part in parts):
            return None, None
        if len(parts) == 1 and may_be_one:
            parts.append("")
        if len(parts) != 2:
            self._reading.warn(self._symbol, field, text)
            return None, None
        return self._reading.value(parse, parts[0], self._symbol, field), self._reading.value(parse, parts[1], self._symbol, field)

    def trade(self) -> tuple[int | None, int | None]:
        """``388억원`` and ``5일연속`` of the lists of who buys and sells."""
        if _AMOUNT not in self._table.columns:
            return None, None
        text = _plain(self.cell(_AMOUNT))
        streak = _STREAK.search(text)
        amount = normalise(_STREAK.sub("", text))
        is_negative = amount.startswith("-") and not is_nothing(amount)
        value = self._reading.value(
            parse_market_cap, amount.removeprefix("-") if is_negative else amount, self._symbol, "trade_amount_krw_100m"
        )
        return (-value if value is not None and is_negative else value), (int(streak[1]) if streak else None)


def _plain(cell: Node) -> str:
    """The cell's text with arrows as signs: ``▼ 50`` → ``-50``."""
    text = _SPACE_BEFORE_UNIT.sub("", spaced_text_of(cell)).translate(_ARROWS)
    return _ARROW_SPACE.sub("", text)


def _identity(cell: Node, reading: Reading) -> tuple[str, str | None, str | None]:
    """Name, market and symbol, wherever in the cell they stand."""
    link, in_link = None, None
    for a in cell.css("a[href]"):
        if match := _IN_LINK.search(attribute(a, "href")):
            link, in_link = a, match[1].upper()
            break
    market = in_text = None
    for node in ([link] if link is not None else []) + cell.css("span, small, div") + [cell]:
        if match := _IN_TEXT.search(spaced_text_of(node)):
            market, in_text = match[1], match[2]
            break
    if in_link and in_text and in_link != in_text:
        reading.warn(in_link, "symbol", f"the link says {in_link}, the text {in_text}; the text counts")
    bold = cell.css_first("b, strong")
    name = text_of(bold) if bold is not None else _IN_TEXT.sub("", spaced_text_of(link if link is not None else cell))
    return normalise(name), market, in_text or in_link


def _related(cell: Node) -> tuple[RelatedTheme, ...]:
    themes: dict[int, RelatedTheme] = {}
    for link in cell.css("a[href]"):
        index, name = theme_index(attribute(link, "href"), view=None), text_of(link)
        if index is not None and name:
            themes.setdefault(index, RelatedTheme(theme_idx=index, name=name))
    return tuple(themes.values())
