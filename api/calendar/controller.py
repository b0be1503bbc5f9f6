"""Routes of trading days and sessions."""

from datetime import date, timedelta
from typing import Annotated

from litestar import Controller, get
from litestar.di import NamedDependency, Provide
from litestar.params import QueryParameter

from api.auth.principal import Principal
from api.calendar.schemas import SessionList, TradingDayList
from api.calendar.service import CalendarService
from api.errors import InvalidRequest
from api.kit.clock import Clock, kst_day
from api.market.sources import Sources, provide_sources
from api.problems import problems

_FARTHEST = timedelta(days=400)


class HolidayController(Controller):
    """Which days the exchange opens on."""

    path = "/holidays"
    tags = ["market"]  # noqa: RUF012 - Litestar declares it so
    dependencies = {"sources": Provide(provide_sources)}  # noqa: RUF012 - Litestar declares it so

    @get(operation_id="listHolidays", summary="Trading days and holidays", responses=problems(400, 401, 404, 422, 429, 502, 503))
    async def list_holidays(
        self,
        calendar_service: NamedDependency[CalendarService],
        sources: NamedDependency[Sources],
        clock: NamedDependency[Clock],
        from_day: Annotated[
            date | None, QueryParameter(name="from", description="First KST day, at most 400 days from today; today without it.")
        ] = None,
    ) -> TradingDayList:
        """Each day from `from` on, some three weeks of them, with whether the exchange opens; kept for the day, as brokers want it."""
        today = kst_day(clock.now())
        first = from_day or today
        if abs(first - today) > _FARTHEST:
            raise InvalidRequest("`from` lies too far from today.", errors=[{"field": "from", "message": "at most 400 days from today"}])
        return await calendar_service.trading_days(sources, first)


class SessionController(Controller):
    """When the venues take orders."""

    path = "/sessions"
    tags = ["market"]  # noqa: RUF012 - Litestar declares it so

    @get(operation_id="listSessions", summary="Today's sessions", responses=problems(401))
    async def list_sessions(self, principal: NamedDependency[Principal], calendar_service: NamedDependency[CalendarService]) -> SessionList:
        """From when to when KRX and NXT take orders today; the sandbox keeps its own session instead."""
        return await calendar_service.sessions()
