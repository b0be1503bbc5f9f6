"""Trading days as the brokers tell of them, kept so that a broker is asked once a day, and the sessions of a day."""

from datetime import date, datetime, timedelta
from typing import Any

from motor.motor_asyncio import AsyncIOMotorDatabase
from pymongo import ReplaceOne

from api.brokers.capabilities import Inquiry
from api.calendar.closures import closures
from api.calendar.documents import TradingDayDocument
from api.calendar.schemas import SessionList, SessionOfDay, TradingDay, TradingDayList
from api.domain.enums import Broker
from api.domain.sessions import Session, is_weekend, sessions_on
from api.kit.clock import KST, Clock, kst_day
from api.market.sources import Sources, has

_FEWEST_DAYS = 7
"""Fewer known days in a row than this are no answer: the broker is asked, which tells of about 24."""

_MOST_DAYS = 60


class CalendarService:
    """Reads and keeps trading days."""

    def __init__(self, database: "AsyncIOMotorDatabase[dict[str, Any]]", clock: Clock) -> None:
        self._collection = database[TradingDayDocument.__collection__]
        self._clock = clock

    async def trading_days(self, sources: Sources, first: date) -> TradingDayList:
        """The days from ``first`` on; a broker is asked only for what it was not asked today (KIS wants it about once a day)."""
        today = kst_day(self._clock.now())
        known = await self._known(sources, first, today)
        if len(known) < _FEWEST_DAYS:
            days, broker = await sources.ask("trading days", has(Inquiry.TRADING_DAYS), lambda adapter: adapter.list_trading_days(first))
            rows = [
                {
                    "_id": _key(sources, each.day),
                    "day": each.day.isoformat(),
                    "is_open": each.is_open,
                    "is_settlement_day": each.is_settlement_day,
                    "broker": broker.value,
                    "asked_on": today.isoformat(),
                }
                for each in days
                if each.day >= first
            ]
            if rows:
                await self._collection.bulk_write([ReplaceOne({"_id": row["_id"]}, row, upsert=True) for row in rows], ordered=False)
            known = [TradingDayDocument.model_validate_doc(row) for row in rows]
            return _to_wire(known, broker, today)
        return _to_wire(known, Broker(known[0].broker), today)

    async def sessions(self) -> SessionList:
        """Today's sessions, KST."""
        now = self._clock.now()
        day = kst_day(now)
        is_trading_day = await self.is_trading_day(day)
        return SessionList(
            day=day,
            is_trading_day=is_trading_day,
            items=[_session(session, day, now, is_closed=not is_trading_day) for session in sessions_on(day)],
            at=now,
        )

    async def _known(self, sources: Sources, first: date, today: date) -> list[TradingDayDocument]:
        keys = [_key(sources, first + timedelta(days=number)) for number in range(_MOST_DAYS)]
        found = {raw["_id"]: raw async for raw in self._collection.find({"_id": {"$in": keys}, "asked_on": today.isoformat()})}
        known = []
        for key in keys:
            if key not in found:
                break
            known.append(TradingDayDocument.model_validate_doc(found[key]))
        return known

    async def is_trading_day(self, day: date) -> bool:
        """Whether the exchange opens on a KST day: as a broker said, else by the rules of its holidays."""
        return not is_weekend(day) and not await self.closures(day, day)

    async def closures(self, first: date, last: date) -> dict[date, str]:
        """The exchange's closed weekdays, the last day included, with their Korean names."""
        query = {"_id": {"$gte": f"exchange:{first.isoformat()}", "$lte": f"exchange:{last.isoformat()}"}}
        told = {date.fromisoformat(raw["day"]): bool(raw["is_open"]) async for raw in self._collection.find(query)}
        return closures(first, last, told)


def _key(sources: Sources, day: date) -> str:
    return f"{'sandbox' if sources.is_sandbox else 'exchange'}:{day.isoformat()}"


def _to_wire(days: list[TradingDayDocument], broker: Broker, asked_on: date) -> TradingDayList:
    return TradingDayList(
        items=[
            TradingDay(day=date.fromisoformat(each.day), is_open=each.is_open, is_settlement_day=each.is_settlement_day) for each in days
        ],
        broker=broker,
        asked_on=asked_on,
    )


def _session(session: Session, day: date, now: datetime, *, is_closed: bool) -> SessionOfDay:
    opens, closes = (datetime.combine(day, each, KST) for each in (session.opens, session.closes))
    return SessionOfDay(
        exchange=session.exchange,
        phase=session.phase,
        opens_at=opens,
        closes_at=closes,
        is_open=not is_closed and opens <= now < closes,
    )
