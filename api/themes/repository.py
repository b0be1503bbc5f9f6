"""Readings of the site in MongoDB.

Rows carry the id of their reading, and nobody sees them before `finish` has written the one document that names it for its day. So a
reading that is cut off leaves nothing that shows; what it left behind goes with the next one. A second reading of a day takes the place
of the first in that same write.
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any, TypeVar

import msgspec
from msgspec import Struct
from pymongo import ASCENDING, DESCENDING
from pymongo.asynchronous.database import AsyncDatabase

from api.orders.repository import DURABLE
from api.themes.rows import Reading, StockRow, ThemeDay, ThemeRow

_STOCKS_KEPT = timedelta(days=30)
"""Themes are kept for good: some 300 rows a day. Stocks, some 2,500 a day, are not."""

_NUMBERS = ("change_pct", "change_3d_pct", "neglect_52w", "theme_index_3y", "expected_return_pct")

RowT = TypeVar("RowT", bound=Struct)


class ThemeRepository:
    """The collections ``theme_readings``, by KST day, ``themes`` and ``theme_stocks``."""

    def __init__(self, database: AsyncDatabase[dict[str, Any]]) -> None:
        self._readings = database["theme_readings"].with_options(write_concern=DURABLE)
        self._themes = database["themes"].with_options(write_concern=DURABLE)
        self._stocks = database["theme_stocks"].with_options(write_concern=DURABLE)

    async def create_indexes(self) -> None:
        """Each row once a reading; a theme's days."""
        await self._themes.create_index([("reading", ASCENDING), ("theme_idx", ASCENDING)], unique=True)
        await self._themes.create_index([("theme_idx", ASCENDING), ("reading", DESCENDING)])
        await self._stocks.create_index([("reading", ASCENDING), ("symbol", ASCENDING)], unique=True)

    # -- writing

    async def drop_unfinished(self) -> None:
        """Forget rows of readings that were cut off."""
        known = await self._readings.distinct("reading")
        for rows in (self._themes, self._stocks):
            await rows.delete_many({"reading": {"$nin": known}})

    async def add_rows(self, reading_id: str, themes: Sequence[ThemeRow], stocks: Sequence[StockRow]) -> None:
        """Store rows that nobody sees yet."""
        for collection, rows in ((self._themes, themes), (self._stocks, stocks)):
            if rows:
                await collection.insert_many([{"reading": reading_id, **msgspec.to_builtins(row)} for row in rows], ordered=False)

    async def finish(self, reading: Reading) -> None:
        """From now on this reading stands for its day; raises where rows of it are missing, which only a second run at once could cause."""
        counts = [await rows.count_documents({"reading": reading.id}) for rows in (self._themes, self._stocks)]
        if counts != [reading.theme_count, reading.stock_count]:
            raise RuntimeError(f"{reading.theme_count} themes and {reading.stock_count} stocks were read, {counts} are stored")
        row = {"_id": reading.day.isoformat(), "reading": reading.id, "at": reading.at}
        row |= {"theme_count": reading.theme_count, "stock_count": reading.stock_count}
        await self._readings.replace_one({"_id": row["_id"]}, row, upsert=True)
        oldest = (reading.day - _STOCKS_KEPT).isoformat()
        past = await self._readings.distinct("reading", {"_id": {"$lt": oldest}})
        await self._stocks.delete_many({"reading": {"$in": past}})
        await self.drop_unfinished()

    # -- reading

    async def newest(self) -> Reading | None:
        """The newest reading that was finished."""
        raw = await self._readings.find_one({}, sort=[("_id", DESCENDING)])
        return None if raw is None else _reading(raw)

    async def is_there(self, reading_id: str) -> bool:
        """Whether the reading still stands for a day."""
        return await self._readings.find_one({"reading": reading_id}, {"_id": 1}) is not None

    async def themes(self, reading_id: str) -> list[ThemeRow]:
        """All themes of a reading."""
        return [_row(raw, ThemeRow) async for raw in self._themes.find({"reading": reading_id})]

    async def theme(self, reading_id: str, theme_idx: int) -> ThemeRow | None:
        """One theme."""
        raw = await self._themes.find_one({"reading": reading_id, "theme_idx": theme_idx})
        return None if raw is None else _row(raw, ThemeRow)

    async def days_of(self, theme_idx: int, count: int) -> list[ThemeDay]:
        """A theme's figures on the newest days on which it was read, oldest first."""
        found = self._readings.find({}, {"reading": 1}).sort("_id", DESCENDING).limit(count)
        day_of = {raw["reading"]: date.fromisoformat(raw["_id"]) async for raw in found}
        rows = self._themes.find({"theme_idx": theme_idx, "reading": {"$in": list(day_of)}}, dict.fromkeys(("reading", *_NUMBERS), 1))
        days = [ThemeDay(day=day_of[raw["reading"]], **{name: raw[name] for name in _NUMBERS}) async for raw in rows]
        return sorted(days, key=lambda each: each.day)

    async def stocks(
        self,
        reading_id: str,
        query: Mapping[str, Any],
        *,
        sort: str = "symbol",
        is_descending: bool = False,
        skip: int = 0,
        limit: int = 0,
    ) -> list[StockRow]:
        """Stocks of a reading that fit; those without the figure that is sorted by come last."""
        pipeline: list[dict[str, Any]] = [
            {"$match": {"reading": reading_id, **query}},
            {"$addFields": {"is_missing": {"$eq": [f"${sort}", None]}}},
            {"$sort": {"is_missing": ASCENDING, sort: DESCENDING if is_descending else ASCENDING, "symbol": ASCENDING}},
            {"$skip": skip},
        ]
        if limit:
            pipeline.append({"$limit": limit})
        return [_row(raw, StockRow) async for raw in await self._stocks.aggregate(pipeline)]

    async def count_stocks(self, reading_id: str, query: Mapping[str, Any]) -> int:
        """How many stocks of a reading fit."""
        return await self._stocks.count_documents({"reading": reading_id, **query})


def _row(raw: dict[str, Any], kind: type[RowT]) -> RowT:
    plain = {name: int(value) if isinstance(value, int) and not isinstance(value, bool) else value for name, value in raw.items()}
    return msgspec.convert(plain, kind)  # BSON's wide integers are a class of their own, which msgspec does not take


def _reading(raw: dict[str, Any]) -> Reading:
    return Reading(
        id=raw["reading"],
        day=date.fromisoformat(raw["_id"]),
        at=raw["at"],
        theme_count=raw["theme_count"],
        stock_count=raw["stock_count"],
    )
