"""Reading with a notebook: what cannot be read becomes None and a warning, never an exception for the whole page."""

from collections.abc import Callable
from typing import TypeVar

from msgspec import Struct

from worker.sites.text import NotAValue, normalise

T = TypeVar("T")

_LONGEST = 200
_MOST = 500


class PageWarning(Struct, frozen=True, kw_only=True):
    """Something odd on a page that could otherwise be read.

    Attributes:
        where: The row or block: ``no=2293``, ``themeIdx=39``, a label.
        field: The field of the row's Struct, empty where it concerns the whole row.
        text: The words on the page, or what is odd, at most 200 characters.
    """

    where: str
    field: str
    text: str


class Reading:
    """Collects the warnings of one page; bounded, as a page may hold anything."""

    def __init__(self) -> None:
        self.warnings: list[PageWarning] = []

    def warn(self, where: str, field: str, text: str) -> None:
        """Note something odd."""
        if len(self.warnings) < _MOST:
            self.warnings.append(PageWarning(where=where, field=field, text=text[:_LONGEST]))

    def value(self, parse: Callable[[str], T | None], text: str, where: str, field: str) -> T | None:
        """The value, or None and a warning with the words."""
        try:
            return parse(text)
        except NotAValue:
            self.warn(where, field, normalise(text))
            return None
