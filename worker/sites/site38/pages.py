"""Addresses and encoding of 38's pages."""

import re

_DECLARES_UTF8 = re.compile(rb"charset\s*=\s*[\"']?\s*utf-?8", re.IGNORECASE)
_HEAD = 4_096


def schedule_path(page: int = 1) -> str:
    """The subscription schedule, 30 rows a page, newest first."""
    return f"/html/fund/index.htm?o=k&page={page}"


def detail_path(site_no: int) -> str:
    """One offering."""
    return f"/html/fund/index.htm?o=v&no={site_no}"


def forecasts_path(page: int = 1) -> str:
    """Results of demand forecasts."""
    return f"/html/fund/index.htm?o=r1&page={page}"


def listings_path(page: int = 1) -> str:
    """New listings."""
    return f"/html/fund/index.htm?o=nw&page={page}"


def decode(page: bytes | str) -> str:
    """The page's text.

    The site declares EUC-KR; cp949 is its superset, and issuers' names use letters that only it has. What cannot be decoded becomes U+FFFD,
    which a parser warns of where it matters. A page that says UTF-8 of itself is taken at its word.
    """
    if isinstance(page, str):
        return page
    encoding = "utf-8" if _DECLARES_UTF8.search(page, 0, _HEAD) else "cp949"
    return page.decode(encoding, "replace")
