"""What the three lists share: the table, the rows' identity, words in place of values, and when a page is no longer the one we know."""

import re
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from msgspec import Struct

from worker.sites.errors import StructureChanged
from worker.sites.html import Node, Row, attribute, find_by_summary, key_of, parse_html, read_table, text_of
from worker.sites.reading import Reading
from worker.sites.site38.names import NameCell, read_name_cell
from worker.sites.site38.pages import decode
from worker.sites.site38.rows import ListedRow, UnreadRow
from worker.sites.text import NotAValue, normalise

T = TypeVar("T")
R = TypeVar("R", bound=ListedRow)

_MOST_EMPTY = 0.2  # of the rows; more have no value only when the page has changed
_LAST_PAGE = re.compile(r"[?&;]page=([0-9]{1,6})(?![0-9])")
_LONGEST_NOTE = 200
_REPLACED = "\ufffd"


class RowReader:
    """One row's cells by header; words in place of values are kept as the row's note."""

    def __init__(self, columns: dict[str, int], row: Row, name: NameCell, reading: Reading) -> None:
        self._columns, self._row, self._reading = columns, row, reading
        self.name = name
        self.words: list[str] = []
        self.has_missing_cells = False

    @property
    def where(self) -> str:
        """The row in a warning."""
        return f"no={self.name.site_no}"

    def text(self, header: str) -> str:
        """A cell's text; empty where the row ends before it."""
        column = self._columns[header]
        if column >= len(self._row.cells):
            self.has_missing_cells = True
            return ""
        return text_of(self._row.cells[column])

    def value(self, parse: Callable[[str], T | None], header: str, field: str) -> T | None:
        """A cell's value; its words go to the note, with a warning if they look like a value."""
        text = self.text(header)
        try:
            return parse(text)
        except NotAValue:
            self.words.append(text)
            if any(character.isdigit() for character in text):
                self._reading.warn(self.where, field, text)
            return None

    def common(self) -> dict[str, Any]:
        """The fields of `ListedRow`."""
        notes = ([self.name.note] if self.name.note else []) + self.words
        note = " / ".join(dict.fromkeys(notes))
        return {
            "site_no": self.name.site_no,
            "name": self.name.name.name,
            "former_name": self.name.name.former_name,
            "is_spac": self.name.name.is_spac,
            "market_hint": self.name.market_hint,
            "status_note": note[:_LONGEST_NOTE] or None,
            "is_withdrawn": "철회" in note,
        }


class ListContent(Struct, Generic[R], frozen=True):
    """A list page, read."""

    rows: Sequence[R]
    unread: Sequence[UnreadRow]
    last_page: int | None


def read_list(
    html: bytes | str,
    *,
    summary: str,
    headers: Sequence[str | tuple[str, ...]],
    build: Callable[[RowReader], R],
    has_values: Callable[[R], bool],
    page: int,
    url: str,
    reading: Reading,
) -> ListContent[R]:
    """Read one list page.

    Args:
        html: The page; bytes are decoded as the site's encoding.
        summary: The table's ``summary``.
        headers: Columns that ``build`` reads, the name's first.
        build: A row's Struct from its cells.
        has_values: Whether a row has a price, a band or a date.
        page: Number of the page; the first must have rows.
        url: For errors.
        reading: Collects warnings.

    Raises:
        StructureChanged: No such table, another header, no row on page 1, or more than a fifth of the rows without any value.
    """
    root = parse_html(decode(html))
    node = find_by_summary(root, summary)
    if node is None:
        raise StructureChanged(f'a table with summary "{summary}"', _summaries(root), url)
    table = read_table(node, headers, url)
    names = [header if isinstance(header, str) else header[0] for header in headers]
    first = names[0]
    last = max(names, key=lambda name: table.columns[name])
    rows: dict[int, R] = {}
    unread: list[UnreadRow] = []
    empty = 0
    for row in table.rows:
        column = table.columns[first]
        reader = RowReader(table.columns, row, read_name_cell(row.cells[min(column, len(row.cells) - 1)]), reading)
        built = build(reader)
        problem = _problem(reader, row, table.width, last)
        if problem:
            unread.append(UnreadRow(site_no=reader.name.site_no, name=built.name, reason=problem))
            reading.warn(reader.where, "", problem)
            empty += 1
        elif built.site_no in rows:
            reading.warn(reader.where, "", "stands on the page twice; the first row counts")
        else:
            empty += not has_values(built)
            if _REPLACED in f"{built.name}{built.former_name}":
                reading.warn(reader.where, "name", f"letters that cannot be decoded: {built.name} {built.former_name or ''}")
            rows[built.site_no] = built
    if page == 1 and not rows:
        raise StructureChanged(f'rows in the table "{summary}"', text_of(node), url)
    if empty > _MOST_EMPTY * (len(rows) + len(unread)):
        seen = f"{empty} of {len(rows) + len(unread)} without; the first: {text_of(table.rows[0].cells[0].parent or node)}"
        raise StructureChanged("rows with a price, a band or dates", seen, url)
    return ListContent(list(rows.values()), [row for row in unread if row.site_no not in rows], _last_page(root))


def _problem(reader: RowReader, row: Row, width: int, last: str) -> str:
    if reader.name.site_no is None:
        return "no link to an offering"
    if not reader.name.name.name:
        return "no name"
    # A cell too few or too many moves what follows it under the wrong header. Only a last column that we do not read may be missing: every
    # value before it is whole then, and the last of them is there.
    if len(row.cells) > width or (len(row.cells) < width and (reader.has_missing_cells or reader.words or not reader.text(last))):
        return f"{len(row.cells)} of {width} cells"
    return ""


def _last_page(root: Node) -> int | None:
    for link in root.css('a[href*="page="]'):
        if key_of(link) == "[마지막]" and (match := _LAST_PAGE.search(attribute(link, "href"))):
            return int(match[1])
    return None


def _summaries(root: Node) -> str:
    found = [normalise(attribute(table, "summary")) for table in root.css("table[summary]")]
    return ", ".join(found) if found else text_of(root)
