"""Job: read the schedule, the forecasts' results, the new listings and the offerings' own pages at 38커뮤니케이션.

All lists are read and understood before anything is stored; then each offering is stored whole, in one write, by its number. So a run that
is killed leaves each offering as it was or as it is now. The first run reads the whole history, and is the first until one has come to its
end; later ones read the newest pages. What has vanished from the pages stays.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from functools import partial
from typing import Protocol, TypeVar

from msgspec import Struct

from api.bootstrap import Services
from api.ipos.offering import Offering
from api.kit.clock import kst_day
from worker.jobs import ipo_facts
from worker.jobs.ipo_facts import Facts
from worker.jobs.notes import RunNotes
from worker.sites.addresses import site38_address
from worker.sites.errors import StructureChanged, UnknownOffering
from worker.sites.fetch import SiteClient, open_site
from worker.sites.reading import PageWarning
from worker.sites.site38.detail import parse_detail
from worker.sites.site38.forecasts import parse_forecasts
from worker.sites.site38.listings import parse_listings
from worker.sites.site38.pages import detail_path, forecasts_path, listings_path, schedule_path
from worker.sites.site38.rows import ListedRow, UnreadRow
from worker.sites.site38.schedule import parse_schedule
from worker.sites.whole import require_whole

SITE = "38"

_SCHEDULE_PAGES = 2
"""Roughly a year: enough for every run but the first, which reads all."""

_OTHER_PAGES = 1
_MOST_PAGES = 200
_MOST_DETAILS = 120
"""Of one run; the history of some 700 offerings is filled in over several."""

_MOST_BROKEN = 3
"""Offerings' pages that cannot be read before the run gives up."""

_STILL_MOVING = timedelta(days=60)
"""An offering's own page is read again until this long after its subscription, or a week after its listing."""

_AFTER_LISTING = timedelta(days=7)

RowT_co = TypeVar("RowT_co", bound=ListedRow, covariant=True)
Parsed = TypeVar("Parsed")


class _ListPage(Protocol[RowT_co]):
    @property
    def rows(self) -> Sequence[RowT_co]: ...
    @property
    def unread(self) -> Sequence[UnreadRow]: ...
    @property
    def last_page(self) -> int | None: ...
    @property
    def warnings(self) -> Sequence[PageWarning]: ...


class _ParseList(Protocol):
    def __call__(self, html: bytes, *, page: int, url: str) -> _ListPage[ListedRow]: ...


class _Lists(Struct, frozen=True):
    """Rows by offering, those of the schedule last; the numbers in the schedule, also those of rows that could not be read."""

    rows: Mapping[int, Sequence[ListedRow]]
    scheduled: frozenset[int]


async def scrape_ipos(services: Services, notes: RunNotes) -> None:
    """Read the site and store what it says.

    Raises:
        StructureChanged: A page is not the one we know; it is kept, its id in ``extra``. With a list nothing was stored, with an offering's
            own page all others were.
        SiteUnavailable, PageTooLarge: The site failed.
    """
    async with open_site(site38_address(services.settings), services.clock) as site:
        await _Run(services, site, notes).run()


class _Run:
    def __init__(self, services: Services, site: SiteClient, notes: RunNotes) -> None:
        self._ipos = services.ipos
        self._offerings = services.offerings
        self._raw_pages = services.raw_pages
        self._clock = services.clock
        self._site = site
        self._notes = notes
        self._today = kst_day(services.clock.now())

    async def run(self) -> None:
        lists = await self._read_lists(is_first=await self._offerings.read_at() is None)
        known = await self._offerings.find_many(lists.rows)
        wanted = await self._wanted_details(lists, known)
        for site_no in sorted(lists.rows.keys() - set(wanted)):
            await self._store(site_no, ipo_facts.of_rows(lists.rows[site_no], has_detail=_has_detail(known, site_no)))
        await self._mark_missing(lists)
        await self._read_details(wanted, lists, known)

    async def _read_lists(self, *, is_first: bool) -> _Lists:
        parse: _ParseList = partial(parse_schedule, seen_on=self._today)
        schedule, unread = await self._read_list("subscription schedule", schedule_path, parse, None if is_first else _SCHEDULE_PAGES)
        others = None if is_first else _OTHER_PAGES
        forecasts, _ = await self._read_list("forecast results", forecasts_path, parse_forecasts, others)
        listings, _ = await self._read_list("new listings", listings_path, parse_listings, others)
        rows: dict[int, list[ListedRow]] = {}
        for found in (listings, forecasts, schedule):
            for site_no, row in found.items():
                rows.setdefault(site_no, []).append(row)
        return _Lists(rows, frozenset(schedule) | unread)

    async def _read_list(
        self, name: str, path: Callable[[int], str], parse: _ParseList, pages: int | None
    ) -> tuple[dict[int, ListedRow], frozenset[int]]:
        """Rows by number, of the pages asked for or of all; a row that moved to the next page meanwhile counts once."""
        rows: dict[int, ListedRow] = {}
        unread: set[int] = set()
        number, last = 1, pages or _MOST_PAGES
        while number <= last:
            page = await self._site.get(path(number))
            content = await self._parsed(page.body or b"", page.url, partial(parse, page=number, url=page.url))
            for warning in content.warnings:
                self._notes.log(f"{name}, page {number}: {warning.where} {warning.field}: {warning.text}")
            unread |= {row.site_no for row in content.unread if row.site_no is not None}
            before = len(rows)
            rows = {row.site_no: row for row in content.rows} | rows
            if content.last_page is not None:
                last = min(last, max(content.last_page, number))
            self._notes.progress(number, last)
            if len(rows) == before:  # past the end the site shows its last page again, or none
                break
            number += 1
        self._notes.log(f"{name}: {len(rows)} offerings on {min(number, last)} pages")
        return rows, frozenset(unread - rows.keys())

    async def _wanted_details(self, lists: _Lists, known: Mapping[int, Offering]) -> list[int]:
        """Whose own page to read: what still moves, newest first, then the history's gaps as far as one run goes."""
        moving = []
        for site_no in sorted(lists.rows, reverse=True):
            facts = ipo_facts.of_rows(lists.rows[site_no], has_detail=False)
            offering = known.get(site_no)
            listing = facts.get("listing_date") or (offering.listing_date if offering else None)
            start = facts.get("subscription_start") or (offering.subscription_start if offering else None)
            until = listing + _AFTER_LISTING if listing else start + _STILL_MOVING if start else date.max
            if self._today <= until:
                moving.append(site_no)
        gaps = [site_no for site_no in sorted(lists.rows, reverse=True) if not _has_detail(known, site_no)]
        gaps += await self._offerings.list_missing_details(_MOST_DETAILS)
        return list(dict.fromkeys([*moving, *gaps]))[: max(_MOST_DETAILS, len(moving))]

    async def _mark_missing(self, lists: _Lists) -> None:
        for offering in await self._offerings.list_expected(self._today):
            if offering.site_no not in lists.scheduled and offering.missing_since is None:
                self._notes.log(f"{offering.name} (no={offering.site_no}) has vanished from the schedule before its subscription")
                self._notes.count("missing")
                await self._ipos.store(offering.site_no, {"missing_since": self._clock.now()})

    async def _read_details(self, wanted: Sequence[int], lists: _Lists, known: Mapping[int, Offering]) -> None:
        broken: list[StructureChanged] = []
        for done, site_no in enumerate(wanted):
            self._notes.progress(done, len(wanted))
            rows = lists.rows.get(site_no, ())
            try:
                facts = await self._detail(site_no)
            except UnknownOffering:
                self._notes.log(f"no={site_no}: the site has no page of its own for it")
                facts = {}
            except StructureChanged as error:
                broken.append(error)
                self._notes.count("unreadable")
                self._notes.log(f"no={site_no}: {error.detail}")
                if rows:
                    await self._store(site_no, ipo_facts.of_rows(rows, has_detail=_has_detail(known, site_no)))
                if len(broken) == _MOST_BROKEN:
                    for other in (each for each in wanted[done + 1 :] if each in lists.rows):
                        await self._store(other, ipo_facts.of_rows(lists.rows[other], has_detail=_has_detail(known, other)))
                    break
                continue
            if not rows and facts.get("status_note") is None:
                facts.pop("status_note", None)  # the schedule's words, which this page does not have, stand
            together = ipo_facts.together(ipo_facts.of_rows(rows, has_detail=False), facts)
            await self._store(site_no, together, is_detail=True)
        await self._offerings.note_read(self._clock.now())
        if broken:
            raise broken[0]
        self._notes.progress(len(wanted), len(wanted))

    async def _detail(self, site_no: int) -> Facts:
        page = await self._site.get(detail_path(site_no))
        content = await self._parsed(page.body or b"", page.url, partial(parse_detail, site_no=site_no, url=page.url))
        for warning in content.warnings:
            self._notes.log(f"no={site_no}: {warning.where} {warning.field}: {warning.text}")
        return ipo_facts.of_detail(content)

    async def _parsed(self, body: bytes, url: str, parse: Callable[[bytes], Parsed]) -> Parsed:
        try:
            return parse(require_whole(body, url))
        except UnknownOffering:
            raise
        except StructureChanged as error:
            error.extra["raw_page_id"] = await self._raw_pages.keep(SITE, url, body, str(error), self._clock.now())
            raise

    async def _store(self, site_no: int, facts: Facts, *, is_detail: bool = False) -> None:
        self._notes.count(await self._ipos.store(site_no, facts, is_detail=is_detail))


def _has_detail(known: Mapping[int, Offering], site_no: int) -> bool:
    offering = known.get(site_no)
    return offering is not None and offering.detail_seen_at is not None
