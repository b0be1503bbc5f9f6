"""Label and value cells of the detail page.

Inside a table with a known ``summary``, a cell without an inner table whose text, all white space removed, is a known label, is a label;
its value is the next cell of the row; the first hit wins. Value cells are followed by cells too, so only the fixed list of labels counts.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from worker.sites.html import Node, key_of, spaced_text_of, text_of
from worker.sites.reading import Reading
from worker.sites.text import NotAValue, is_nothing, normalise, squeeze

T = TypeVar("T")

_COLON = re.compile("[:：]")


class Block:
    """The labelled cells of one table.

    Args:
        table: The table, or None where the page has none: every value is nothing then.
        labels: The labels to look for, without white space.
        reading: Collects warnings.
        words: Collects words that stand in place of values.
    """

    def __init__(self, table: Node | None, labels: Iterable[str], reading: Reading, words: list[str]) -> None:
        self._reading, self._words = reading, words
        self.leaves = [cell for cell in table.css("td, th") if cell.css_first("table") is None] if table is not None else []
        self._values = _values(self.leaves, frozenset(labels))

    def has(self, label: str) -> bool:
        """Whether the label stands in the table."""
        return label in self._values

    def cell(self, label: str) -> Node | None:
        """The value's cell."""
        return self._values.get(label)

    def text(self, label: str) -> str:
        """The value's text; empty without label or value."""
        cell = self._values.get(label)
        return text_of(cell) if cell is not None else ""

    def spaced_text(self, label: str) -> str:
        """The value's text with a blank for each line break."""
        cell = self._values.get(label)
        return spaced_text_of(cell) if cell is not None else ""

    def words(self, label: str) -> str | None:
        """A value that is a text; None for blank and ``-``."""
        text = self.text(label)
        return None if is_nothing(text) else text

    def value(self, parse: Callable[[str], T | None], label: str, field: str) -> T | None:
        """A value; its words go to the notes, with a warning."""
        return self.read(parse, self.text(label), label, field)

    def read(self, parse: Callable[[str], T | None], text: str, label: str, field: str) -> T | None:
        """A value from a text of this block."""
        try:
            return parse(text)
        except NotAValue:
            self._words.append(normalise(text))
            self._reading.warn(label, field, normalise(text))
            return None


def split_label(text: str) -> tuple[str, str]:
    """``주당액면가 : 500 원`` → label without white space, and value; an empty label where there is no colon."""
    label, colon, value = normalise(text).partition(_first_colon(text))
    return (squeeze(label), value.strip()) if colon else ("", normalise(text))


def _first_colon(text: str) -> str:
    match = _COLON.search(text)
    return match[0] if match else ":"


def _values(leaves: Iterable[Node], labels: frozenset[str]) -> Mapping[str, Node]:
    values: dict[str, Node] = {}
    for cell in leaves:
        label = key_of(cell)
        if label not in labels or label in values:
            continue
        following = cell.next
        while following is not None and following.tag not in ("td", "th"):
            following = following.next
        if following is not None:
            values[label] = following
    return values
