"""Issuers' names, markets and underwriters: the texts that lists and details share."""

import re

from msgspec import Struct

from worker.sites.html import Node, attribute, text_of
from worker.sites.site38.rows import Market
from worker.sites.text import is_nothing, normalise, squeeze

_FORMER = re.compile(r"(.*?)\s*\(\s*구\s*[.:\s]\s*(.+?)\s*\)?")
_WITHDRAWN = re.compile(r"\s*\(([^()]*철회[^()]*)\)")
_NUMBER = re.compile(r"[?&;]no=([0-9]{1,9})(?![0-9])")
_MARKETS: dict[str, Market] = {
    "유가": "KOSPI",
    "유가증권": "KOSPI",
    "유가증권시장": "KOSPI",
    "거래소": "KOSPI",
    "코스피": "KOSPI",
    "코스닥": "KOSDAQ",
    "코넥스": "KONEX",
}
_SEPARATORS = re.compile(r"[,、，/]")


class Name(Struct, frozen=True):
    """An issuer's name taken apart; ``note`` holds words that do not belong to it."""

    name: str
    former_name: str | None
    note: str | None

    @property
    def is_spac(self) -> bool:
        """Whether this is a special-purpose acquisition company."""
        return "스팩" in self.name


class NameCell(Struct, frozen=True):
    """The first cell of a list's row."""

    site_no: int | None
    name: Name
    market_hint: Market
    note: str | None
    color: str


def split_name(text: str) -> Name:
    """``가람로보틱스(구.가람기계)`` → name and former name; other brackets belong to the name."""
    text = normalise(text)
    note = None
    if withdrawn := _WITHDRAWN.search(text):
        note = withdrawn[1].strip()
        text = normalise(text[: withdrawn.start()] + text[withdrawn.end() :])
    former = _FORMER.fullmatch(text)
    if former and former[1]:
        return Name(former[1], former[2], note)
    return Name(text, None, note)


def market_of(text: str) -> Market | None:
    """``코스닥``, ``거래소`` or ``유가증권`` (both KOSPI), ``(유가)``; None for anything else."""
    return _MARKETS.get(squeeze(text).strip("()"))


def split_underwriters(text: str) -> tuple[str, ...]:
    """``KB증권, 미래에셋증권`` → names, each once."""
    names = (normalise(name) for name in _SEPARATORS.split(text))
    return tuple(dict.fromkeys(name for name in names if not is_nothing(name)))


def offering_number(href: str) -> int | None:
    """The ``no`` of a link to an offering; None for the links of other lists (``/html/ipo/``), which count otherwise."""
    match = _NUMBER.search(href)
    return int(match[1]) if match and "/ipo/" not in href else None


def read_name_cell(cell: Node) -> NameCell:
    """Link, name, market mark and colour of a list's first cell."""
    link = next((a for a in cell.css("a[href]") if offering_number(attribute(a, "href")) is not None), None)
    whole = text_of(cell)
    linked = text_of(link) if link is not None else whole
    name = split_name(linked)
    market: Market = "KOSDAQ"
    notes = [name.note] if name.note else []
    if beside := normalise(whole.replace(linked, "", 1)):
        if found := market_of(beside):
            market = found
        else:
            notes.append(beside)
    font = link.css_first("font[color]") if link is not None else None
    return NameCell(
        site_no=offering_number(attribute(link, "href")) if link is not None else None,
        name=name,
        market_hint=market,
        note=" / ".join(notes) or None,
        color=attribute(font, "color").upper() if font is not None else "",
    )
