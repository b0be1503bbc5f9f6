"""Underwriters on the detail page: the cell beside 주간사, and the table of shares per broker where there are several."""

import re
from typing import Any

from worker.sites.errors import StructureChanged
from worker.sites.html import Node, Table, cells_of, key_of, own_rows, read_table, text_of
from worker.sites.reading import Reading
from worker.sites.site38.labels import Block
from worker.sites.site38.names import split_underwriters
from worker.sites.site38.rows import Role, Underwriter
from worker.sites.text import IntRange, is_nothing, parse_count_range, squeeze

_BROKER, _SHARES, _LIMIT, _OTHER = "인수회사", "주식수", "청약한도", "기타"
_ROLES: dict[str, Role] = {"대표": "lead", "공동": "joint", "인수": "underwriter"}
_TOTALS = re.compile(r"주식수\s*[:：]([^/]*)(?:/\s*청약한도\s*[:：](.*))?")


def read_underwriters(root: Node, offer_table: Node | None, schedule_table: Node, offer: Block, reading: Reading) -> dict[str, Any]:
    """``underwriters``, ``underwriter_shares`` and ``underwriter_limit`` of the detail."""
    names = split_underwriters(offer.text("주간사"))
    shares, limit = _totals(offer)
    table = _find_table(root, offer_table, schedule_table)
    if table is not None:
        rows = _rows(table, reading)
    elif len(names) == 1:
        rows = (Underwriter(name=names[0], shares=shares, limit=limit, role=None),)
    else:  # several names and no table: how they share is not known, and the cell's figures are totals
        rows = tuple(Underwriter(name=name, shares=None, limit=None, role=None) for name in names)
    return {"underwriters": rows, "underwriter_shares": shares, "underwriter_limit": limit}


def _totals(offer: Block) -> tuple[IntRange | None, IntRange | None]:
    cell = offer.cell("주간사")
    beside = cell.next if cell is not None else None
    while beside is not None and beside.tag not in ("td", "th"):
        beside = beside.next
    text = text_of(beside) if beside is not None else ""
    match = _TOTALS.search(text)
    if match is None:
        return None, None
    return (
        offer.read(parse_count_range, match[1], "주간사", "underwriter_shares"),
        offer.read(parse_count_range, match[2] or "", "주간사", "underwriter_limit"),
    )


def _find_table(root: Node, offer_table: Node | None, schedule_table: Node) -> Table | None:
    """The table between 공모정보 and 공모청약일정 with the header 인수회사; other tables of brokers stand in free text further below."""
    is_between = offer_table is None
    for table in root.css("table"):
        if offer_table is not None and table.mem_id == offer_table.mem_id:
            is_between = True
        elif table.mem_id == schedule_table.mem_id:
            return None
        elif is_between and any(key_of(cell) == _BROKER for row in own_rows(table) for cell in cells_of(row)):
            try:
                return read_table(table, (_BROKER, _SHARES, _LIMIT, _OTHER), "")
            except StructureChanged:
                return None
    return None


def _rows(table: Table, reading: Reading) -> tuple[Underwriter, ...]:
    rows = []
    for row in table.rows:
        if len(row.cells) != table.width:
            reading.warn(_BROKER, "underwriters", f"{len(row.cells)} of {table.width} cells: {text_of(row.cells[0])}")
            continue
        texts = {header: text_of(row.cells[table.columns[header]]) for header in (_BROKER, _SHARES, _LIMIT, _OTHER)}
        name = texts[_BROKER]
        if is_nothing(name):
            continue
        role = _ROLES.get(squeeze(texts[_OTHER]))
        if role is None and not is_nothing(texts[_OTHER]):
            reading.warn(name, "underwriters", texts[_OTHER])
        rows.append(
            Underwriter(
                name=name,
                shares=reading.value(parse_count_range, texts[_SHARES], name, "underwriters"),
                limit=reading.value(parse_count_range, texts[_LIMIT], name, "underwriters"),
                role=role,
            )
        )
    return tuple(rows)
