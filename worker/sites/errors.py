"""What can go wrong with a site.

::

    SiteError                       502 site_error
    ├── StructureChanged            502 site_structure_changed   the page is not what we know: nothing of it may be used
    │   └── UnknownOffering         502 site_unknown_offering    the site has no offering with this number
    ├── SiteUnavailable             502 site_unavailable         no usable answer after all tries
    └── PageTooLarge                502 site_page_too_large      cut off while reading
"""

from api.errors import LucyError

_SHOWN = 600


class SiteError(LucyError):
    """A site did not give what was asked; ``url`` in ``extra``."""

    status, code, title = 502, "site_error", "A site did not answer as expected"


class StructureChanged(SiteError):
    """The page is not built as we know it: the old data stand, and a person has to look.

    Attributes:
        expected: What the parser looked for.
        seen: What stood there instead, cut to a readable length.
        url: Where the page came from; empty where the caller did not say.
    """

    code, title = "site_structure_changed", "A page's structure has changed"

    def __init__(self, expected: str, seen: str, url: str = "") -> None:
        seen = seen if len(seen) <= _SHOWN else seen[:_SHOWN] + "…"
        super().__init__(f"expected {expected}; seen: {seen or 'nothing'}", expected=expected, seen=seen, url=url)
        self.expected, self.seen, self.url = expected, seen, url


class UnknownOffering(StructureChanged):
    """38 answers 200 with a page of its own for a number that it does not know."""

    code, title = "site_unknown_offering", "The site does not know this offering"


class SiteUnavailable(SiteError):
    """The site refused, failed or did not answer in time, after all tries.

    Attributes:
        http_status: The last answer's status, None where none came.
    """

    code, title, is_retryable = "site_unavailable", "A site cannot be reached", True

    def __init__(self, url: str, reason: str, http_status: int | None = None) -> None:
        super().__init__(f"{url}: {reason}", url=url, http_status=http_status)
        self.url, self.http_status = url, http_status


class PageTooLarge(SiteError):
    """The page is longer than any that the site has; it was not read to its end."""

    code, title = "site_page_too_large", "A page is too large"

    def __init__(self, url: str, limit: int) -> None:
        super().__init__(f"{url}: longer than {limit:,} bytes", url=url, limit=limit)
        self.url, self.limit = url, limit
