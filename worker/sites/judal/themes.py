"""Themes: the side bar of every page, and the table of themes.

The site's markup changed in October 2026 and will again, so a theme is known by the ``themeIdx`` of its link, in whatever element that
stands.
"""

import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

from worker.sites.errors import StructureChanged
from worker.sites.html import Node, Row, Table, attribute, key_of, parse_html, read_table, text_of
from worker.sites.judal.pages import decode
from worker.sites.judal.rows import SideBar, ThemeFigures, ThemeLink, ThemeList
from worker.sites.judal.tooltips import tooltip_of
from worker.sites.reading import Reading
from worker.sites.text import parse_decimal, parse_percent, parse_whole

FEWEST_THEMES = 50
"""The site has had 210 to 320; fewer than this means that the page has changed."""

_COUNTED = re.compile(r"(.*\S)\s*\(([0-9]{1,6})\)")
_INDEX = re.compile(r"[0-9]{1,9}")
_PERCENTS = {
    "전일비": "change_pct",
    "3일합산": "change_3d_pct",
    "52주상승률": "rise_52w_pct",
    "52주하락률": "fall_52w_pct",
    "3년상승률": "rise_3y_pct",
    "3년하락률": "fall_3y_pct",
    "기대수익률": "expected_return_pct",
}
_INDICES = {"52주소외지수": "neglect_52w", "3년소외지수": "neglect_3y"}
_NAME, _SCORE = "테마명", "유저점수"
_DATA_HEADERS = ("종목명", _NAME)


def theme_index(href: str, *, view: str | None = "stockList") -> int | None:
    """The numeric ``themeIdx`` of a link, whose ``view`` must be the given one (None: any)."""
    try:
        query = parse_qs(urlsplit(href).query)
    except ValueError:  # an address that is none, such as http://[
        return None
    if view is not None and query.get("view") != [view]:
        return None
    index = query.get("themeIdx", [""])[0]
    return int(index) if _INDEX.fullmatch(index) else None


def parse_side_bar(html: bytes | str, *, fewest: int = FEWEST_THEMES, url: str = "") -> SideBar:
    """Read every theme that the side bar links to; both generations of markup.

    Args:
        html: Any page of the site.
        fewest: Fewer themes than this are a changed page.
        url: For errors.

    Raises:
        StructureChanged: Too few themes.
    """
    reading = Reading()
    themes: dict[int, ThemeLink] = {}
    root = parse_html(decode(html))
    for link in root.css('a[href*="themeIdx="]'):
        index = theme_index(attribute(link, "href"))
        match = _COUNTED.fullmatch(text_of(link))
        if index is None or match is None or _is_in_data(link):  # a related theme in a stock's row looks alike
            continue
        theme = ThemeLink(theme_idx=index, name=match[1], stock_count=int(match[2]))
        if themes.setdefault(index, theme) != theme:
            reading.warn(f"themeIdx={index}", "name", f"stands twice: {themes[index].name} and {theme.name}; the first counts")
    if len(themes) < fewest:
        raise StructureChanged(f"at least {fewest} themes in the side bar", f"{len(themes)} in: {text_of(root)}", url)
    return SideBar(themes=list(themes.values()), warnings=reading.warnings)


def parse_theme_list(html: bytes | str, *, url: str = "") -> ThemeList:
    """Read the table of themes.

    Raises:
        StructureChanged: No such table, a column that we read is missing, or too few themes can be read.
    """
    reading = Reading()
    root = parse_html(decode(html))
    table = find_table(root, (_NAME, *_PERCENTS, *_INDICES, _SCORE), url)
    themes: dict[int, ThemeFigures] = {}
    bad = 0
    for row in table.rows:
        theme = _figures(table, row, reading)
        if theme is None:
            bad += 1
        elif theme.theme_idx in themes:
            reading.warn(f"themeIdx={theme.theme_idx}", "", "stands on the page twice; the first row counts")
        else:
            themes[theme.theme_idx] = theme
    if not themes or bad > 0.1 * len(table.rows):
        raise StructureChanged("rows of themes with a link", f"{bad} of {len(table.rows)} rows without", url)
    return ThemeList(themes=list(themes.values()), warnings=reading.warnings)


def find_table(root: Node, headers: tuple[str, ...], url: str) -> Table:
    """The first table with the first header, read; raises `StructureChanged` where there is none or it lacks another header."""
    error = StructureChanged(f"a table with the columns {', '.join(headers)}", text_of(root), url)
    for node in root.css("table"):
        try:
            return read_table(node, headers, url)
        except StructureChanged as other:
            if any(key_of(cell) == headers[0] for cell in node.css("th, td")):
                error = other
    raise error


def _figures(table: Table, row: Row, reading: Reading) -> ThemeFigures | None:
    cell = row.cells[min(table.columns[_NAME], len(row.cells) - 1)]
    links = [link for link in cell.css("a[href]") if theme_index(attribute(link, "href"), view=None) is not None]
    if not links or len(row.cells) != table.width:
        reading.warn(text_of(cell), "", f"no link to a theme, or {len(row.cells)} of {table.width} cells")
        return None
    index = theme_index(attribute(links[0], "href"), view=None)
    bold = links[0].css_first("b, strong")
    name = text_of(bold if bold is not None else links[0])
    if index is None or not name:
        reading.warn(text_of(cell), "", "no name")
        return None
    where = f"themeIdx={index}"
    texts = {header: text_of(row.cells[table.columns[header]]) for header in (*_PERCENTS, *_INDICES, _SCORE)}
    figures: dict[str, Any] = {field: reading.value(parse_percent, texts[header], where, field) for header, field in _PERCENTS.items()}
    figures |= {field: reading.value(parse_whole, texts[header], where, field) for header, field in _INDICES.items()}
    return ThemeFigures(
        theme_idx=index,
        name=name,
        description=tooltip_of(cell),
        user_score=reading.value(parse_decimal, texts[_SCORE].removesuffix("점"), where, "user_score"),
        **figures,
    )


def _is_in_data(link: Node) -> bool:
    node = link.parent
    while node is not None:
        if node.tag == "table" and any(key_of(cell) in _DATA_HEADERS for cell in node.css("th")):
            return True
        node = node.parent
    return False
