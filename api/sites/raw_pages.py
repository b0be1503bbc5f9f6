"""Pages that could not be read, kept as they came for a person to look at."""

import gzip
from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec
from pymongo import DESCENDING
from pymongo.asynchronous.database import AsyncDatabase

from api.sites.schemas import RawPage

_KEPT = 20
_LARGEST = 12 * 1024 * 1024  # compressed; a document of MongoDB holds 16 MiB


class RawPages:
    """The collection ``raw_pages``: the newest 20 of each site."""

    def __init__(self, database: AsyncDatabase[dict[str, Any]], new_id: Callable[[], str]) -> None:
        self._pages = database["raw_pages"]
        self._new_id = new_id

    async def create_indexes(self) -> None:
        """A site's pages, newest first."""
        await self._pages.create_index([("site", 1), ("_id", DESCENDING)])

    async def keep(self, site: str, url: str, body: bytes, problem: str, at: datetime) -> str:
        """Keep a page and return its id; older ones beyond the newest 20 of the site go."""
        page_id = self._new_id()
        packed = gzip.compress(body)
        document = {"_id": page_id, "site": site, "url": url, "at": at, "problem": problem, "size": len(body)}
        await self._pages.insert_one(document | {"body": packed if len(packed) <= _LARGEST else None})
        old = [raw["_id"] async for raw in self._pages.find({"site": site}, {"_id": 1}).sort("_id", DESCENDING).skip(_KEPT)]
        if old:
            await self._pages.delete_many({"_id": {"$in": old}})
        return page_id

    async def list_all(self) -> list[RawPage]:
        """All that are kept, newest first."""
        fields = {"site": 1, "url": 1, "at": 1, "problem": 1, "size": 1, "has_body": {"$ne": ["$body", None]}}
        found = self._pages.find({}, fields).sort("_id", DESCENDING)
        return [msgspec.convert({**raw, "id": raw["_id"]}, RawPage) async for raw in found]

    async def body(self, page_id: str) -> bytes | None:
        """The page as it came; None where it is not kept."""
        raw = await self._pages.find_one({"_id": page_id})
        return None if raw is None or raw["body"] is None else gzip.decompress(raw["body"])
