"""Stored baskets."""

from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct
from pymongo import ASCENDING, DESCENDING
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import DuplicateKeyError

from api.orders.repository import DURABLE
from api.orders.schemas import PlaceOrder


class StoredRow(Struct, kw_only=True, frozen=True):
    """A row: the request of its order, as JSON."""

    row: int
    account_id: str
    client_order_id: str
    request: str

    @property
    def order(self) -> PlaceOrder:
        """The request of its order, without its client order id."""
        return msgspec.json.decode(self.request, type=PlaceOrder)


class StoredBasket(Struct, kw_only=True, frozen=True):
    """A basket as it is stored before its first order leaves; ``digest`` over its rows."""

    id: str
    client_basket_id: str
    digest: str
    rows: tuple[StoredRow, ...]
    created_by: str
    created_at: datetime


class BasketHead(Struct, kw_only=True, frozen=True):
    """A stored basket without its rows, of which it tells the number."""

    id: str
    client_basket_id: str
    rows: int
    created_at: datetime


class BasketRepository:
    """The collection ``baskets``."""

    def __init__(self, database: AsyncDatabase[dict[str, Any]]) -> None:
        self._baskets = database["baskets"].with_options(write_concern=DURABLE)

    async def create_indexes(self) -> None:
        """The unique index that no basket is doubled by."""
        await self._baskets.create_index([("created_by", ASCENDING), ("client_basket_id", ASCENDING)], unique=True)
        await self._baskets.create_index([("created_by", ASCENDING), ("_id", DESCENDING)])

    async def insert_once(self, basket: StoredBasket) -> StoredBasket:
        """Store it durably; the older one where its client basket id is taken."""
        document: dict[str, Any] = msgspec.to_builtins(basket, builtin_types=(datetime,))
        document["_id"] = document.pop("id")
        try:
            await self._baskets.insert_one(document)
        except DuplicateKeyError:
            stored = await self.find_by_client_basket_id(basket.created_by, basket.client_basket_id)
            if stored is None:
                raise
            return stored
        return basket

    async def find_by_client_basket_id(self, user_id: str, client_basket_id: str) -> StoredBasket | None:
        """The basket that this user named so."""
        return _to_basket(await self._baskets.find_one({"created_by": user_id, "client_basket_id": client_basket_id}))

    async def find(self, user_id: str, basket_id: str) -> StoredBasket | None:
        """A basket of this user."""
        return _to_basket(await self._baskets.find_one({"_id": basket_id, "created_by": user_id}))

    async def list_page(self, user_id: str, *, limit: int, before_id: str | None) -> list[BasketHead]:
        """This user's baskets, newest first."""
        query: dict[str, Any] = {"created_by": user_id} | ({} if before_id is None else {"_id": {"$lt": before_id}})
        wanted = {"client_basket_id": 1, "created_at": 1, "rows": {"$size": "$rows"}}
        cursor = self._baskets.find(query, wanted).sort("_id", DESCENDING).limit(limit)
        return [msgspec.convert(document | {"id": document["_id"]}, BasketHead) async for document in cursor]


def _to_basket(document: dict[str, Any] | None) -> StoredBasket | None:
    if document is None:
        return None
    document["id"] = document.pop("_id")
    return msgspec.convert(document, StoredBasket)
