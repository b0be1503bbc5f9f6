"""Offerings and fitted models in MongoDB. A day and an exact decimal are stored as text, so that days sort and decimals stay exact."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any, TypeVar

import msgspec
from msgspec import Struct
from pymongo import ASCENDING, DESCENDING
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import DuplicateKeyError

from api.ipos.judging import IpoStatus
from api.ipos.model import Model
from api.ipos.offering import Offering
from api.orders.repository import DURABLE

_EVENT_DAYS = ("forecast_start", "forecast_end", "subscription_start", "subscription_end", "payment_date", "refund_date", "listing_date")
_MODELS_KEPT = 50

T = TypeVar("T")


class Place(Struct, frozen=True):
    """Where a page of the list ends."""

    day: str
    site_no: int


class OfferingRepository:
    """The collections ``ipos``, by the site's number, ``ipo_models`` and ``site_reads``."""

    def __init__(self, database: AsyncDatabase[dict[str, Any]]) -> None:
        self._ipos = database["ipos"].with_options(write_concern=DURABLE)
        self._models = database["ipo_models"].with_options(write_concern=DURABLE)
        self._reads = database["site_reads"].with_options(write_concern=DURABLE)

    async def create_indexes(self) -> None:
        """The list's order; the days that a calendar asks for."""
        await self._ipos.create_index([("sort_day", DESCENDING), ("_id", DESCENDING)])
        for name in ("subscription_start", "listing_date"):
            await self._ipos.create_index([(name, ASCENDING)])

    async def find(self, site_no: int) -> Offering | None:
        """One offering."""
        raw = await self._ipos.find_one({"_id": site_no})
        return None if raw is None else _offering(raw)

    async def find_many(self, site_nos: Iterable[int]) -> dict[int, Offering]:
        """Those that are known, by number."""
        return {raw["_id"]: _offering(raw) async for raw in self._ipos.find({"_id": {"$in": list(site_nos)}})}

    async def list_page(self, query: dict[str, Any], *, limit: int, after: Place | None) -> list[Offering]:
        """Newest subscription first, those without days before all others."""
        if after is not None:
            rest = {"$or": [{"sort_day": {"$lt": after.day}}, {"sort_day": after.day, "_id": {"$lt": after.site_no}}]}
            query = {"$and": [query, rest]}
        cursor = self._ipos.find(query).sort([("sort_day", DESCENDING), ("_id", DESCENDING)]).limit(limit)
        return [_offering(raw) async for raw in cursor]

    async def list_between(self, first: date, last: date) -> list[Offering]:
        """Those of which something happens in these days, or goes on over them."""
        span = {"$gte": first.isoformat(), "$lte": last.isoformat()}
        across = [
            {start: {"$lt": first.isoformat(), "$ne": None}, end: {"$gt": last.isoformat()}}
            for start, end in (("forecast_start", "forecast_end"), ("subscription_start", "subscription_end"))
        ]
        query = {"is_withdrawn": False, "$or": [{name: span} for name in _EVENT_DAYS] + across}
        return [_offering(raw) async for raw in self._ipos.find(query).sort("_id", ASCENDING)]

    async def list_all(self) -> list[Offering]:
        """The whole history, by number: some hundreds."""
        return [_offering(raw) async for raw in self._ipos.find().sort("_id", ASCENDING)]

    async def put(self, offering: Offering, before: Offering | None) -> bool:
        """Store it in one write, if the stored one is still ``before``; False where somebody was quicker."""
        document = _document(offering)
        if before is None:
            try:
                await self._ipos.insert_one(document)
            except DuplicateKeyError:
                return False
            return True
        result = await self._ipos.replace_one({"_id": before.site_no, "version": before.version}, document)
        return result.matched_count == 1

    async def list_missing_details(self, limit: int) -> list[int]:
        """Numbers of the newest offerings whose own page was never read."""
        cursor = self._ipos.find({"detail_seen_at": None}, {"_id": 1}).sort("_id", DESCENDING).limit(limit)
        return [raw["_id"] async for raw in cursor]

    async def list_expected(self, today: date) -> list[Offering]:
        """Those whose subscription is still to come, as far as is known: a schedule must show them."""
        query = {"is_withdrawn": False, "subscription_start": {"$gt": today.isoformat()}}
        return [_offering(raw) async for raw in self._ipos.find(query)]

    async def note_read(self, at: datetime) -> None:
        """Every row of the lists was stored."""
        await self._reads.replace_one({"_id": "ipos"}, {"_id": "ipos", "at": at}, upsert=True)

    async def read_at(self) -> datetime | None:
        """When it was, the last time."""
        raw = await self._reads.find_one({"_id": "ipos"})
        return None if raw is None else raw["at"]

    async def add_model(self, model: Model) -> None:
        """Keep a fitted model; the newest is used."""
        await self._models.insert_one({"_id": model.fitted_at.isoformat(), **_plain(model)})
        old = [raw["_id"] async for raw in self._models.find({}, {"_id": 1}).sort("_id", DESCENDING).skip(_MODELS_KEPT)]
        if old:
            await self._models.delete_many({"_id": {"$in": old}})

    async def newest_model(self) -> Model | None:
        """The model in use; None before the first fit."""
        raw = await self._models.find_one(sort=[("_id", DESCENDING)])
        return None if raw is None else _convert(raw, Model)


def status_query(status: IpoStatus, day: date) -> dict[str, Any]:
    """The stored offerings for which `judging.status_on` says so."""
    today = day.isoformat()
    if status is IpoStatus.WITHDRAWN:
        return {"is_withdrawn": True}
    listed = {"listing_date": {"$lte": today, "$ne": None}}
    if status is IpoStatus.LISTED:
        return {"is_withdrawn": False, **listed}
    open_ones: dict[str, Any] = {"is_withdrawn": False, "$nor": [listed]}
    if status is IpoStatus.ANNOUNCED:
        return open_ones | {"subscription_start": None}
    if status is IpoStatus.UPCOMING:
        return open_ones | {"subscription_start": {"$gt": today}}
    began = {"subscription_start": {"$lte": today, "$ne": None}}
    last = {"$gte": ["$last_subscription_day", today]}
    return open_ones | began | {"$expr": last if status is IpoStatus.OPEN else {"$not": [last]}}


def _plain(value: Any) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(value, builtin_types=(datetime,))
    return plain


def _document(offering: Offering) -> dict[str, Any]:
    plain = _plain(offering)
    start, end = plain["subscription_start"], plain["subscription_end"]
    return {"_id": offering.site_no, **plain, "sort_day": start or "9999", "last_subscription_day": end or start or ""}


def _offering(raw: dict[str, Any]) -> Offering:
    return _convert(raw, Offering)


def _convert(raw: dict[str, Any], kind: type[T]) -> T:
    # whole numbers beyond 32 bits come as a subclass of int, which msgspec takes for no int
    return msgspec.convert(_without_int64(raw), kind)


def _without_int64(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_int64(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_without_int64(each) for each in value]
    return int(value) if isinstance(value, int) and not isinstance(value, bool) else value
