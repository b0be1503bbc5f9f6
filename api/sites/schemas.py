"""What clients see of kept pages."""

from datetime import datetime

from msgspec import Struct


class RawPage(Struct, kw_only=True, frozen=True):
    """A page that could not be read. ``size``: bytes as it came; ``has_body`` is false for one too large to keep."""

    id: str
    site: str
    url: str
    at: datetime
    problem: str
    size: int
    has_body: bool


class RawPageList(Struct, kw_only=True, frozen=True):
    """The newest pages of all sites, newest first; nothing is paged, ``next_cursor`` is null."""

    items: list[RawPage]
    next_cursor: str | None
