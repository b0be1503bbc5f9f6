"""Tables as the two sites build them: nested, without classes to rely on, told apart by their header texts.

selectolax adds the ``tbody`` that a page leaves out, so rows are looked up by kind and never by a chain of child tags.
"""

from collections.abc import Iterator, Sequence

from msgspec import Struct
from selectolax.lexbor import LexborHTMLParser, LexborNode

from worker.sites.errors import StructureChanged
from worker.sites.text import normalise, squeeze

Node = LexborNode

_WIDEST = 60  # columns; a colspan beyond it is noise


class Row(Struct, frozen=True):
    """One data row: its cells by column, a cell with ``colspan`` standing in each column that it covers."""

    cells: Sequence[Node]


class Table(Struct, frozen=True):
    """Header texts without white space → column, and the rows after the header."""

    columns: dict[str, int]
    rows: Sequence[Row]
    width: int


def parse_html(page: str) -> Node:
    """The page's root element."""
    root = LexborHTMLParser(page.encode("utf-8", "replace").decode()).root  # a lone surrogate would be refused
    if root is None:
        raise StructureChanged("an HTML page", normalise(page))
    return root


def text_of(node: Node) -> str:
    """All text in a node, normalised."""
    return normalise(node.text())


def spaced_text_of(node: Node) -> str:
    """All text in a node, with a blank where an element (such as ``br``) stands between two pieces."""
    return normalise(node.text(separator=" "))


def key_of(node: Node) -> str:
    """A label or header: its text without any white space."""
    return squeeze(node.text())


def attribute(node: Node, name: str) -> str:
    """An attribute's text; empty where it is missing or has none."""
    return node.attributes.get(name) or ""


def own_rows(table: Node) -> Iterator[Node]:
    """The rows of a table, without those of the tables in its cells."""
    for child in table.iter():
        if child.tag == "tr":
            yield child
        elif child.tag in ("thead", "tbody", "tfoot"):
            yield from (row for row in child.iter() if row.tag == "tr")


def cells_of(row: Node) -> list[Node]:
    """The cells of a row by column."""
    cells: list[Node] = []
    for cell in row.iter():
        if cell.tag in ("td", "th"):
            span = attribute(cell, "colspan")
            width = int(span) if span.isascii() and span.isdigit() and len(span) < 4 else 1
            cells.extend([cell] * max(1, width))
            if len(cells) > _WIDEST:
                return cells[:_WIDEST]
    return cells


def find_by_summary(root: Node, summary: str) -> Node | None:
    """The table whose ``summary`` says what it is, white space aside."""
    wanted = squeeze(summary)
    return next((table for table in root.css("table[summary]") if squeeze(attribute(table, "summary")) == wanted), None)


def read_table(table: Node, required: Sequence[str | tuple[str, ...]], url: str) -> Table:
    """Map a table's columns by their header texts.

    Args:
        table: The table.
        required: Header texts without white space; a tuple holds spellings of one column, the first of them
            its name in `Table.columns`.
        url: For the error.

    Raises:
        StructureChanged: No row holds the first required header, or that row lacks another.
    """
    names = [(name,) if isinstance(name, str) else name for name in required]
    rows = [cells_of(row) for row in own_rows(table)]
    start, headers = _find_header(rows, names[0])
    columns = {}
    missing = []
    for spellings in names:
        found = next((headers[spelling] for spelling in spellings if spelling in headers), None)
        if found is None:
            missing.append(spellings[0])
        else:
            columns[spellings[0]] = found
    if missing or start < 0:
        raise StructureChanged(f"a table with the columns {', '.join(missing)}", _outline(headers, table), url)
    data = [Row(cells) for cells in rows[start + 1 :] if not _is_separator(cells)]
    return Table(headers | columns, data, len(rows[start]))


def _is_separator(cells: Sequence[Node]) -> bool:
    """Whether a row is a line between rows: one cell, and no link in it."""
    return not cells or (all(cell.mem_id == cells[0].mem_id for cell in cells) and cells[0].css_first("a[href]") is None)


def _find_header(rows: Sequence[Sequence[Node]], first: tuple[str, ...]) -> tuple[int, dict[str, int]]:
    for number, cells in enumerate(rows):
        headers: dict[str, int] = {}
        for column, cell in enumerate(cells):
            headers.setdefault(key_of(cell), column)
        if any(name in headers for name in first):
            return number, headers
    return -1, {}


def _outline(headers: dict[str, int], table: Node) -> str:
    return " | ".join(headers) if headers else text_of(table)
