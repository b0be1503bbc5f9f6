"""Fetching pages politely: one request at a time per site, a pause between two, conditional where the site allows, honest about who asks.

Pages come back whole and undecoded, so that a page whose structure has changed can be kept as it was. A request is repeated after
time-outs, 429 and 5xx, with growing pauses; redirects are followed on the same host only.
"""

import asyncio
import random
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from urllib.parse import urljoin

import httpx
import structlog
from msgspec import Struct

from api.kit.clock import Clock
from worker.sites.errors import PageTooLarge, SiteUnavailable

log = structlog.get_logger(__name__)

_TRIES = 3
_LONGEST_PAUSE = timedelta(seconds=60)
_CONNECT_SECONDS = 10.0
_READ_SECONDS = 30.0
_WHOLE_SECONDS = 90.0  # a page that drips in is given up, however steady the drops
_REDIRECTS = 3
_REDIRECTED = frozenset({301, 302, 303, 307, 308})
_REPEATABLE = frozenset({408, 425, 429})
LARGEST_PAGE = 8 * 1024 * 1024
"""Bytes after decompression; the largest page seen is a theme's stock list with a few hundred kilobytes."""


class SiteAddress(Struct, frozen=True, kw_only=True):
    """Where a site is and how it wants to be asked.

    Attributes:
        name: For logs.
        base_url: Without a slash at the end.
        user_agent: What Lucy calls itself.
        delay: Pause between the end of one request and the start of the next, and the first pause before a repetition.
        has_old_tls: Whether its HTTPS offers parameters that OpenSSL 3 refuses by default.
    """

    name: str
    base_url: str
    user_agent: str
    delay: timedelta
    has_old_tls: bool = False


class Page(Struct, frozen=True, kw_only=True):
    """An answer. ``body`` is None where the page has not changed since ``etag`` or ``last_modified`` (304)."""

    url: str
    body: bytes | None
    etag: str
    last_modified: str
    fetched_at: datetime

    @property
    def is_unchanged(self) -> bool:
        """Whether the site said 304."""
        return self.body is None


class SiteClient:
    """Fetches the pages of one site; build it with `open_site`."""

    def __init__(
        self,
        address: SiteAddress,
        http: httpx.AsyncClient,
        clock: Clock,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        largest_page: int = LARGEST_PAGE,
    ) -> None:
        self._address, self._http, self._clock, self._sleep, self._largest = address, http, clock, sleep, largest_page
        self._one_at_a_time = asyncio.Lock()
        self._free_at = 0.0

    async def get(self, path: str, *, etag: str = "", last_modified: str = "") -> Page:
        """Fetch one page.

        Args:
            path: Path and query.
            etag: Of the page kept from an earlier fetch; with it, an unchanged page has no body.
            last_modified: Likewise.

        Raises:
            SiteUnavailable: No page after all tries, or the site refused.
            PageTooLarge: Longer than the limit.
        """
        headers = {"If-None-Match": etag, "If-Modified-Since": last_modified}
        headers = {name: value for name, value in headers.items() if value}
        url = self._address.base_url + path
        async with self._one_at_a_time:
            for attempt in range(1, _TRIES + 1):
                await self._wait()
                try:
                    async with asyncio.timeout(_WHOLE_SECONDS):
                        return await self._follow(url, headers)
                except _Failed as failure:
                    if attempt == _TRIES or not failure.is_repeatable:
                        raise SiteUnavailable(url, failure.reason, failure.http_status) from failure
                    reason, asked = failure.reason, failure.retry_after
                except (httpx.RequestError, TimeoutError) as error:
                    reason, asked = type(error).__name__, 0.0
                    if attempt == _TRIES:
                        raise SiteUnavailable(url, reason) from error
                finally:
                    self._free_at = self._clock.monotonic() + self._address.delay.total_seconds()
                pause = self._pause(attempt, asked)
                log.warning("site_request_failed", site=self._address.name, url=url, reason=reason, attempt=attempt, pause_seconds=pause)
                await self._sleep(pause)
        raise AssertionError("the last attempt either returns or raises")

    async def _wait(self) -> None:
        if (seconds := self._free_at - self._clock.monotonic()) > 0:
            await self._sleep(seconds)

    def _pause(self, attempt: int, asked: float) -> float:
        """The delay, doubled with each attempt, half of it at random; or what the site asks for, up to a minute."""
        longest: float = self._address.delay.total_seconds() * 2**attempt
        return min(max(longest * random.uniform(0.5, 1.0), asked), _LONGEST_PAUSE.total_seconds())

    async def _follow(self, url: str, headers: dict[str, str]) -> Page:
        for _ in range(_REDIRECTS + 1):
            async with self._http.stream("GET", url, headers=headers) as response:
                if response.status_code in _REDIRECTED:
                    url = self._same_host(url, response.headers.get("location", ""))
                    continue
                if response.status_code == httpx.codes.NOT_MODIFIED and headers:
                    return self._page(url, None, response)
                if response.status_code != httpx.codes.OK:
                    raise _Failed(response.status_code, response.headers.get("retry-after", ""))
                return self._page(url, await self._read(response, url), response)
        raise _Failed(None, "", reason="too many redirects")

    def _same_host(self, url: str, location: str) -> str:
        try:
            target = urljoin(url, location)
            if location and httpx.URL(target).host == httpx.URL(self._address.base_url).host:
                return target
        except (ValueError, httpx.InvalidURL):
            pass
        raise _Failed(None, "", reason=f"redirected to {location[:200]}")

    async def _read(self, response: httpx.Response, url: str) -> bytes:
        body = bytearray()
        async for part in response.aiter_bytes():
            body += part
            if len(body) > self._largest:
                raise PageTooLarge(url, self._largest)
        return bytes(body)

    def _page(self, url: str, body: bytes | None, response: httpx.Response) -> Page:
        return Page(
            url=url,
            body=body,
            etag=response.headers.get("etag", ""),
            last_modified=response.headers.get("last-modified", ""),
            fetched_at=self._clock.now(),
        )


class _Failed(Exception):
    """An answer that is no page."""

    def __init__(self, http_status: int | None, retry_after: str, *, reason: str = "") -> None:
        super().__init__(reason or f"answered {http_status}")
        self.http_status = http_status
        self.reason = str(self)
        self.is_repeatable = http_status is not None and (http_status >= 500 or http_status in _REPEATABLE)
        self.retry_after = float(retry_after) if retry_after.isascii() and retry_after.isdigit() and len(retry_after) < 7 else 0.0


@asynccontextmanager
async def open_site(
    address: SiteAddress,
    clock: Clock,
    *,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    largest_page: int = LARGEST_PAGE,
) -> AsyncIterator[SiteClient]:
    """A client with a connection of its own for the length of a ``with`` block."""
    headers = {"User-Agent": address.user_agent, "Accept": "text/html", "Accept-Language": "ko"}
    timeout = httpx.Timeout(_READ_SECONDS, connect=_CONNECT_SECONDS)
    limits = httpx.Limits(max_connections=1)
    async with httpx.AsyncClient(
        headers=headers, timeout=timeout, limits=limits, verify=tls_context(has_old_tls=address.has_old_tls), trust_env=False
    ) as http:
        yield SiteClient(address, http, clock, sleep=sleep, largest_page=largest_page)


def tls_context(*, has_old_tls: bool) -> ssl.SSLContext:
    """Certificates are checked in any case; for a host with old parameters OpenSSL's security level is lowered, for that host only.

    38 offers a Diffie-Hellman key that OpenSSL 3 refuses at its default level (``DH_KEY_TOO_SMALL``).
    """
    context = ssl.create_default_context()
    if has_old_tls:
        context.set_ciphers("DEFAULT@SECLEVEL=1")
    return context
