"""Whether a page came to its end. A half page parses well, and says that half of the rows are gone."""

import re

from worker.sites.errors import StructureChanged

_END = re.compile(rb"</html\b", re.IGNORECASE)
_OPENED, _CLOSED = re.compile(rb"<table\b", re.IGNORECASE), re.compile(rb"</table\b", re.IGNORECASE)
_SHOWN = 120


def require_whole(page: bytes, url: str) -> bytes:
    """The page, if it has its end, or at least every table its own; both sites' pages are tables within tables.

    Raises:
        StructureChanged: It breaks off.
    """
    if _END.search(page) or len(_OPENED.findall(page)) <= len(_CLOSED.findall(page)):
        return page
    tail = page[-_SHOWN:].decode("utf-8", "replace")
    raise StructureChanged("a whole page, up to </html>", f"{len(page):,} bytes that break off: …{tail}", url)
