"""Offerings: read, search, calendar, what people add, the model."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
from msgspec import UNSET, Struct

from api.audit.service import AuditService
from api.auth.principal import Principal
from api.calendar.service import CalendarService
from api.errors import Conflict, Forbidden, InvalidRequest, NotFound
from api.ipos.judging import EventKind, IpoStatus, events_of
from api.ipos.model import Model, fit, usable
from api.ipos.offering import CORRECTABLE, Offering, as_text, corrected, first_seen, merged
from api.ipos.repository import OfferingRepository, Place, status_query
from api.ipos.schemas import ChangeIpo
from api.kit.clock import Clock, kst_day

_TRIES = 5
_LONGEST_SUBSCRIPTION = timedelta(days=31)


class Judged(Struct, frozen=True):
    """Offerings with what it takes to judge them today."""

    offerings: list[Offering]
    day: date
    closed: dict[date, str]
    model: Model | None


class IpoService:
    """What API and jobs do with offerings."""

    def __init__(self, repository: OfferingRepository, calendar: CalendarService, audit: AuditService, clock: Clock) -> None:
        self._ipos = repository
        self._calendar = calendar
        self._audit = audit
        self._clock = clock

    async def list_page(
        self, *, first: date | None, last: date | None, status: IpoStatus | None, query: str, limit: int, after: Place | None
    ) -> Judged:
        """Offerings whose subscription lies in the span, with this status, with these letters in name or symbol or underwriter."""
        day = kst_day(self._clock.now())
        parts: list[dict[str, Any]] = []
        if first is not None:
            parts.append({"last_subscription_day": {"$gte": first.isoformat()}})
        if last is not None:
            parts.append({"subscription_start": {"$lte": last.isoformat(), "$ne": None}})
        if status is not None:
            parts.append(status_query(status, day))
        if wanted := "".join(query.split()):
            pattern = {"$regex": r"\s*".join(map(_escaped, wanted)), "$options": "i"}
            parts.append({"$or": [{"name": pattern}, {"former_name": pattern}, {"symbol": pattern}, {"underwriters.name": pattern}]})
        return await self._judged(await self._ipos.list_page({"$and": parts} if parts else {}, limit=limit, after=after))

    async def get(self, site_no: int) -> Judged:
        """One offering; `NotFound` where none has the number."""
        return await self._judged([await self._require(site_no)])

    async def change(self, principal: Principal, site_no: int, change: ChangeIpo) -> Judged:
        """Note what people know, and put figures right.

        Raises:
            Forbidden: A viewer.
            NotFound: No such offering.
            InvalidRequest: Applicants at a broker that is no underwriter.
        """
        if not principal.may_trade:
            raise Forbidden("Your role or key may only read.")
        before, after = await self._update(site_no, lambda offering: _changed(offering, change))
        old, new = _typed(before), _typed(after)
        if old != new:
            await self._audit.record(actor=principal.user_id, action="ipo.change", subject=f"ipo:{site_no}", before=old, after=new)
        return await self._judged([after])

    async def calendar(self, first: date, last: date) -> tuple[list[tuple[Offering, date, date, EventKind]], dict[date, str]]:
        """Events in the span, by day and name; and its closed weekdays."""
        events = [
            (offering, start, end, kind)
            for offering in await self._ipos.list_between(first, last)
            for start, end, kind in events_of(offering)
            if start <= last and end >= first
        ]
        events.sort(key=lambda event: (event[1], event[0].name, event[3]))
        return events, await self._calendar.closures(first, last)

    async def read_at(self) -> datetime | None:
        """When the schedule was last read as a whole; None before the first time."""
        return await self._ipos.read_at()

    async def model(self) -> tuple[Model, int]:
        """The model in use, and how many kept offerings could be learnt from now; `NotFound` before the first fit."""
        model = await self._ipos.newest_model()
        if model is None:
            raise NotFound("No model has been fitted yet: too few offerings have every figure.")
        return model, len(usable(await self._ipos.list_all()))

    async def fit_model(self) -> tuple[Model | None, int]:
        """Fit the model anew and keep it; None where the history does not suffice. Also how many offerings have every figure."""
        history = await self._ipos.list_all()
        model = fit(history, self._clock.now())
        if model is not None:
            await self._ipos.add_model(model)
        return model, len(usable(history))

    async def store(self, site_no: int, facts: dict[str, Any], *, is_detail: bool = False) -> str:
        """Put what pages say into the store, in one write: ``new``, ``changed`` or ``same``.

        Args:
            site_no: Whose.
            facts: See `offering.merged`.
            is_detail: The offering's own page was read now.
        """
        for _ in range(_TRIES):
            at = self._clock.now()
            before = await self._ipos.find(site_no)
            after = first_seen(site_no, facts, at) if before is None else merged(before, facts, at)
            told = "new" if before is None else "same" if after is before else "changed"
            if is_detail:
                after = _seen(after, before, at)
            if after is before or await self._ipos.put(after, before):
                return told
        raise Conflict("The offering is being changed by somebody else; try again.")

    async def _update(self, site_no: int, change: Callable[[Offering], Offering]) -> tuple[Offering, Offering]:
        for _ in range(_TRIES):
            before = await self._require(site_no)
            after = change(before)
            if after == before:
                return before, before
            after = msgspec.structs.replace(after, version=before.version + 1)
            if await self._ipos.put(after, before):
                return before, after
        raise Conflict("The offering is being changed by somebody else; try again.")

    async def _require(self, site_no: int) -> Offering:
        offering = await self._ipos.find(site_no)
        if offering is None:
            raise NotFound("There is no such offering.")
        return offering

    async def _judged(self, offerings: list[Offering]) -> Judged:
        starts = [each.subscription_start for each in offerings if each.subscription_start is not None]
        closed = await self._calendar.closures(min(starts), max(starts) + _LONGEST_SUBSCRIPTION) if starts else {}
        return Judged(offerings, kst_day(self._clock.now()), closed, await self._ipos.newest_model())


def _seen(offering: Offering, before: Offering | None, at: datetime) -> Offering:
    version = offering.version if before is None or offering.version > before.version else before.version + 1
    return msgspec.structs.replace(offering, detail_seen_at=at, version=version)


def _changed(offering: Offering, change: ChangeIpo) -> Offering:
    new: dict[str, Any] = {}
    if change.highest_price is not UNSET:
        new["highest_price"] = change.highest_price
    if change.notes is not UNSET:
        new["notes"] = change.notes
    if change.applicants is not UNSET:
        names = {each.name for each in offering.underwriters}
        if strangers := sorted(change.applicants.keys() - names):
            known = ", ".join(sorted(names)) or "none known"
            raise InvalidRequest(
                f"Not among the underwriters ({known}): {', '.join(strangers)}.",
                errors=[{"field": "applicants", "message": "no underwriter of this offering"}],
            )
        together = offering.applicants | change.applicants
        new["applicants"] = {name: count for name, count in together.items() if count is not None}
    figures = {name: value for name in CORRECTABLE if (value := getattr(change, name)) is not UNSET}
    exact = {name: Decimal(str(value)) if isinstance(value, float) else value for name, value in figures.items()}
    return msgspec.structs.replace(corrected(offering, exact), **new)


def _typed(offering: Offering) -> dict[str, Any]:
    """What people typed in, for the audit log."""
    figures = {name: as_text(getattr(offering, name)) for name in CORRECTABLE if name in offering.as_told}
    return {name: getattr(offering, name) for name in ("highest_price", "applicants", "notes")} | figures


def _escaped(letter: str) -> str:
    return letter if letter.isalnum() else f"\\{letter}"
