"""Routes of public offerings."""

import calendar
from datetime import date, timedelta
from typing import Annotated

from litestar import Controller, Response, get, patch
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter, QueryParameter

from api.auth.principal import Principal
from api.errors import InvalidCursor, InvalidRequest
from api.ipos.ics import to_ics
from api.ipos.judging import IpoStatus
from api.ipos.model import FEWEST
from api.ipos.repository import Place
from api.ipos.schemas import ChangeIpo, ClosedDay, IpoCalendar, IpoDetail, IpoEvent, IpoModel, IpoPage, to_detail, to_ipo
from api.ipos.service import IpoService, Judged
from api.kit.clock import Clock, kst_day
from api.kit.cursors import decode_cursor, encode_cursor
from api.problems import problems
from api.settings import Settings

_NUMBER = PathParameter(ge=1, le=999_999_999, description="The offering's number at the site.")
_ICS = "text/calendar"
_ICS_PAST, _ICS_AHEAD = timedelta(days=60), timedelta(days=400)


class IpoController(Controller):
    """Public offerings (공모주) as 38커뮤니케이션 has them, read by the job `scrape_ipos`."""

    path = "/ipos"
    tags = ["ipos"]  # noqa: RUF012 - Litestar declares it so

    @get(operation_id="listIpos", summary="List public offerings", responses=problems(400, 401, 422))
    async def list_ipos(
        self,
        principal: NamedDependency[Principal],
        ipo_service: NamedDependency[IpoService],
        from_day: Annotated[date | None, QueryParameter(name="from", description="Subscription ends on this KST day or later.")] = None,
        to_day: Annotated[date | None, QueryParameter(name="to", description="Subscription begins on this KST day or earlier.")] = None,
        status: Annotated[IpoStatus | None, QueryParameter(description="Where the offering is today.")] = None,
        text: Annotated[str, QueryParameter(name="query", max_length=60, description="Part of a name, symbol or underwriter.")] = "",
        limit: Annotated[int, QueryParameter(ge=1, le=200)] = 50,
        cursor: Annotated[str | None, QueryParameter(max_length=200, description="`next_cursor` of the page before.")] = None,
    ) -> IpoPage:
        """Newest subscription first; those without days come before all others. Withdrawn ones stay, as `withdrawn`."""
        if from_day is not None and to_day is not None and from_day > to_day:
            raise InvalidRequest("`from` lies after `to`.", errors=[{"field": "from", "message": "after `to`"}])
        found = await ipo_service.list_page(first=from_day, last=to_day, status=status, query=text, limit=limit + 1, after=_place(cursor))
        shown = found.offerings[:limit]
        return IpoPage(
            items=[to_ipo(each, found.day, found.closed, found.model) for each in shown],
            next_cursor=_cursor(shown[-1].subscription_start, shown[-1].site_no) if len(found.offerings) > limit else None,
            as_of=await ipo_service.read_at(),
        )

    @get("/calendar", operation_id="getIpoCalendar", summary="What happens in a month", responses=problems(400, 401, 422))
    async def get_calendar(
        self,
        principal: NamedDependency[Principal],
        ipo_service: NamedDependency[IpoService],
        clock: NamedDependency[Clock],
        month: Annotated[
            str | None, QueryParameter(pattern=r"^20[0-9]{2}-(0[1-9]|1[0-2])$", description="KST month, `2026-11`; this one without it.")
        ] = None,
    ) -> IpoCalendar:
        """Forecasts, subscriptions, payments, refunds and listings that touch the month, and the weekdays without trading."""
        today = kst_day(clock.now())
        year, number = map(int, month.split("-")) if month else (today.year, today.month)
        first, last = date(year, number, 1), date(year, number, calendar.monthrange(year, number)[1])
        events, closed = await ipo_service.calendar(first, last)
        return IpoCalendar(
            first_day=first,
            last_day=last,
            events=[
                IpoEvent(site_no=each.site_no, name=each.name, is_spac=each.is_spac, kind=kind, start=start, end=end)
                for each, start, end, kind in events
            ],
            closed_days=[ClosedDay(day=day, name=name) for day, name in sorted(closed.items())],
        )

    @get("/calendar.ics", operation_id="getIpoCalendarFile", summary="The calendar as iCalendar", media_type=_ICS, responses=problems(401))
    async def get_calendar_file(
        self, principal: NamedDependency[Principal], ipo_service: NamedDependency[IpoService], clock: NamedDependency[Clock]
    ) -> Response[bytes]:
        """From 60 days ago on, for a calendar program; it wants the same authorization as every route."""
        now = clock.now()
        events, _ = await ipo_service.calendar(kst_day(now) - _ICS_PAST, kst_day(now) + _ICS_AHEAD)
        headers = {"Content-Disposition": 'attachment; filename="ipos.ics"'}
        return Response(to_ics(events, now), media_type=f"{_ICS}; charset=utf-8", headers=headers)

    @get("/model", operation_id="getIpoModel", summary="How expected prices come about", responses=problems(401, 404))
    async def get_model(self, principal: NamedDependency[Principal], ipo_service: NamedDependency[IpoService]) -> IpoModel:
        """The regression in use, what it rests on and how far off it is. 404 as long as too few offerings have every figure."""
        model, usable = await ipo_service.model()
        return IpoModel(
            intercept=model.intercept,
            revenue=model.revenue,
            institution_rate=model.institution_rate,
            lockup=model.lockup,
            sample_size=model.sample_size,
            r_squared=model.r_squared,
            out_of_sample_error=model.out_of_sample_error,
            baseline_error=model.baseline_error,
            fitted_at=model.fitted_at,
            fewest_needed=FEWEST,
            usable_now=usable,
        )

    @get("/{site_no:int}", operation_id="getIpo", summary="One public offering", responses=problems(401, 404, 422))
    async def get_ipo(
        self,
        site_no: Annotated[int, _NUMBER],
        principal: NamedDependency[Principal],
        ipo_service: NamedDependency[IpoService],
        settings: NamedDependency[Settings],
    ) -> IpoDetail:
        """All that is known of it, and what changed when."""
        return _detail(await ipo_service.get(site_no), settings)

    @patch(
        "/{site_no:int}",
        operation_id="changeIpo",
        summary="Note what no page tells, and put figures right",
        responses=problems(400, 401, 403, 404, 409, 422),
    )
    async def change_ipo(
        self,
        site_no: Annotated[int, _NUMBER],
        data: JSONBody[ChangeIpo],
        principal: NamedDependency[Principal],
        ipo_service: NamedDependency[IpoService],
        settings: NamedDependency[Settings],
    ) -> IpoDetail:
        """The highest price after the listing, the applicants of each underwriter, notes, and figures that the pages lack or have wrong.

        Seen by all users, and audited. A figure that was put right stays so, whatever the pages say later.
        """
        return _detail(await ipo_service.change(principal, site_no, data), settings)


def _detail(found: Judged, settings: Settings) -> IpoDetail:
    offering = found.offerings[0]
    url = f"{settings.site38_url}/html/fund/index.htm?o=v&no={offering.site_no}"
    return to_detail(offering, found.day, found.closed, found.model, url)


def _cursor(day: date | None, site_no: int) -> str:
    return encode_cursor(f"{'9999' if day is None else day.isoformat()}:{site_no}")


def _place(cursor: str | None) -> Place | None:
    key = decode_cursor(cursor)
    if key is None:
        return None
    day, _, number = key.partition(":")
    if not number.isdecimal() or not day:
        raise InvalidCursor("The cursor is not one that this API gave.")
    return Place(day, int(number))
