"""Orders in MongoDB: one document each, changed only by compare-and-set on ``version``.

Durable writes of a process that come at the same time share one command (`api.kit.batches`), and with it one flush of the journal.
"""

from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
import structlog
from bson import ObjectId
from msgspec import Struct
from pymongo import ASCENDING, DESCENDING, ReturnDocument, UpdateOne, WriteConcern
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import BulkWriteError, DuplicateKeyError, PyMongoError

from api.domain.enums import OrderStatus
from api.domain.ledger import DISMISSED
from api.domain.order import TERMINAL, Order
from api.kit.batches import Batches, Deferred

log = structlog.get_logger(__name__)

DURABLE = WriteConcern(w="majority", j=True)
"""On a majority's disk before the call returns: what an order and a fill need."""

_IN_FLIGHT = [OrderStatus.PENDING_NEW.value, OrderStatus.UNKNOWN.value]
_LIVE = [status.value for status in OrderStatus if status not in TERMINAL]
_APPENDED = ("fills", "absorbed", "history")
_MAX_RETRIES = 50
_DUPLICATE_KEY = 11000
_MARK_SECONDS = 0.1
"""How long marks of published versions are gathered: an order that is taken and filled at once is marked once."""


_CLAIM_LIFETIME = timedelta(seconds=30)
"""Between claiming a number and storing it lie milliseconds, and seconds at worst."""


class Check(Struct, kw_only=True, frozen=True):
    """How often an unknown order was looked for in vain.

    Attributes:
        readings: Successful readings of the broker's list that did not show it.
        first_at, last_at: When, aware UTC; None before the first.
        statement_size: Orders on the list at the last reading.
    """

    readings: int = 0
    first_at: datetime | None = None
    last_at: datetime | None = None
    statement_size: int = 0


class TooMuchContention(Exception):
    """An order changed under us again and again; another try later will do."""


class OrderRepository:
    """The collection ``orders``."""

    def __init__(self, database: AsyncDatabase[dict[str, Any]]) -> None:
        self._orders: AsyncCollection[dict[str, Any]] = database["orders"].with_options(write_concern=DURABLE)
        self._quick: AsyncCollection[dict[str, Any]] = database["orders"]  # not journaled
        self._claims = database["broker_order_claims"].with_options(write_concern=DURABLE)
        self._inserts = Batches(self._insert_all)
        self._updates = Batches(self._update_all)
        self._twins = Batches(self._find_twins)
        self._by_number = Batches(self._find_by_number, most=50)
        self._marks = Deferred(self._write_marks, delay_seconds=_MARK_SECONDS)

    async def aclose(self) -> None:
        """Write the marks that are left."""
        await self._marks.aclose()

    async def create_indexes(self) -> None:
        """The unique index that no order is doubled by, and one for each way of looking."""
        await self._orders.create_index([("account_id", ASCENDING), ("client_order_id", ASCENDING)], unique=True)
        await self._orders.create_index([("account_id", ASCENDING), ("broker_order_ids", ASCENDING), ("trading_day", ASCENDING)])
        await self._orders.create_index([("account_id", ASCENDING), ("_id", DESCENDING)])
        await self._orders.create_index([("account_id", ASCENDING), ("status", ASCENDING), ("_id", DESCENDING)])
        await self._orders.create_index([("account_id", ASCENDING), ("symbol", ASCENDING), ("_id", DESCENDING)])
        await self._orders.create_index([("account_id", ASCENDING), ("trading_day", ASCENDING)])
        await self._orders.create_index(
            [("fingerprint", ASCENDING)],
            name="twins_in_flight",
            partialFilterExpression={"status": {"$in": _IN_FLIGHT}},
        )
        await self._orders.create_index([("status", ASCENDING), ("updated_at", ASCENDING)])
        await self._orders.create_index([("block_order_id", ASCENDING)], partialFilterExpression={"block_order_id": {"$type": "string"}})
        await self._orders.create_index(
            [("is_published", ASCENDING), ("updated_at", ASCENDING)], partialFilterExpression={"is_published": False}
        )

    async def insert_once(self, order: Order) -> tuple[Order, bool]:
        """Store a new order durably; the stored one and False where its client order id is taken."""
        if await self._inserts.submit(_to_document(order)):
            return order, True
        stored = await self.find_by_client_order_id(order.account_id, order.client_order_id)
        if stored is None:
            raise PyMongoError(f"a key of order {order.id} is taken, but not its client order id")
        return stored, False

    async def _insert_all(self, documents: Sequence[dict[str, Any]]) -> list[bool]:
        """Whether each was stored; False where its key is taken."""
        try:
            await self._orders.insert_many(documents, ordered=False)
        except BulkWriteError as error:
            failures = error.details["writeErrors"]
            if error.details["writeConcernErrors"] or any(failure["code"] != _DUPLICATE_KEY for failure in failures):
                raise
            taken = {failure["index"] for failure in failures}
            return [index not in taken for index in range(len(documents))]
        return [True] * len(documents)

    async def replace_if_unchanged(self, before: Order, after: Order) -> bool:
        """Write ``after`` if the stored version is still ``before.version``; False when another process was faster."""
        return await self._updates.submit((before, after))

    async def _update_all(self, changes: Sequence[tuple[Order, Order]]) -> list[bool]:
        """Whether each was written. The server tells only how many were: where that is not all, the marks that they leave tell which."""
        marks = [ObjectId() for _ in changes]
        updates = [
            UpdateOne({"_id": before.id, "version": before.version}, _difference(before, after, mark))
            for (before, after), mark in zip(changes, marks, strict=True)
        ]
        done = await self._orders.bulk_write(updates, ordered=False)
        if done.modified_count in (0, len(changes)):
            return [done.modified_count > 0] * len(changes)
        ids = [before.id for before, _ in changes]
        found: set[ObjectId] = set()
        async for document in self._orders.find({"_id": {"$in": ids}}, {"history.mark": 1, "mark": 1}):
            found |= {entry["mark"] for entry in (*document["history"], document) if "mark" in entry}
        return [mark in found for mark in marks]

    async def change(self, order: Order, rule: Callable[[Order], Order]) -> Order:
        """Apply ``rule`` to the order as it is now and store the outcome; again from the stored state when somebody was faster.

        Args:
            order: What is known of it; may be stale.
            rule: Pure; the same object back means nothing to change. What it raises passes through, with nothing stored.
        """
        for _ in range(_MAX_RETRIES):
            after = rule(order)
            if after is order or await self.replace_if_unchanged(order, after):
                return after
            order = await self.get(order.id)
        raise TooMuchContention(order.id)

    async def get(self, order_id: str) -> Order:
        """The order; `KeyError` where there is none."""
        document = await self._orders.find_one({"_id": order_id})
        if document is None:
            raise KeyError(order_id)
        return _to_order(document)

    async def find_visible(self, order_id: str, account_ids: Sequence[str]) -> Order | None:
        """The order if it belongs to one of these accounts."""
        document = await self._orders.find_one({"_id": order_id, "account_id": {"$in": list(account_ids)}})
        return None if document is None else _to_order(document)

    async def find_by_client_order_id(self, account_id: str, client_order_id: str) -> Order | None:
        """The order that the client named so."""
        document = await self._orders.find_one({"account_id": account_id, "client_order_id": client_order_id})
        return None if document is None else _to_order(document)

    async def list_by_client_order_ids(self, account_id: str, client_order_ids: Sequence[str]) -> list[Order]:
        """The orders of one account that the client named so."""
        query = {"account_id": account_id, "client_order_id": {"$in": list(client_order_ids)}}
        return [_to_order(document) async for document in self._orders.find(query)]

    async def find_by_broker_order_ids(self, account_id: str, trading_day: str, numbers: Sequence[str]) -> list[Order]:
        """The day's orders that claim any of these broker numbers."""
        return await self._by_number.submit((account_id, trading_day, frozenset(numbers)))

    async def _find_by_number(self, wanted: Sequence[tuple[str, str, frozenset[str]]]) -> list[list[Order]]:
        clauses = [
            {"account_id": account_id, "broker_order_ids": {"$in": list(numbers)}, "trading_day": trading_day}
            for account_id, trading_day, numbers in wanted
        ]
        found = [_to_order(document) async for document in self._orders.find(clauses[0] if len(clauses) == 1 else {"$or": clauses})]
        return [
            [
                order
                for order in found
                if order.account_id == account_id and order.trading_day == trading_day and numbers & set(order.broker_order_ids)
            ]
            for account_id, trading_day, numbers in wanted
        ]

    async def has_twin_in_flight(self, order: Order) -> bool:
        """Whether another order of the same fingerprint is in flight or unknown."""
        return bool(await self._twins.submit(order.fingerprint) - {order.id})

    async def _find_twins(self, fingerprints: Sequence[str]) -> list[set[str]]:
        query = {"fingerprint": {"$in": list(set(fingerprints))}, "status": {"$in": _IN_FLIGHT}}
        found: dict[str, set[str]] = defaultdict(set)
        async for document in self._orders.find(query, projection={"fingerprint": 1}):
            found[document["fingerprint"]].add(document["_id"])
        return [found[fingerprint] for fingerprint in fingerprints]

    async def list_page(self, query: Mapping[str, Any], *, limit: int, before_id: str | None) -> list[Order]:
        """Newest first, by id; one more than ``limit`` where there are more."""
        full = dict(query)
        if before_id is not None:
            full["_id"] = {"$lt": before_id}
        cursor = self._orders.find(full).sort("_id", DESCENDING).limit(limit + 1)
        return [_to_order(document) async for document in cursor]

    async def list_live(self, account_ids: Sequence[str]) -> list[Order]:
        """All orders of these accounts with something open or unsettled, oldest first."""
        cursor = self._orders.find({"account_id": {"$in": list(account_ids)}, "status": {"$in": _LIVE}}).sort("_id", ASCENDING)
        return [_to_order(document) async for document in cursor]

    async def list_live_for_fund(self, fund_id: str) -> list[Order]:
        """All orders with shares for this fund and something open or unsettled, oldest first."""
        cursor = self._orders.find({"fund_ids": fund_id, "status": {"$in": _LIVE}}).sort("_id", ASCENDING)
        return [_to_order(document) async for document in cursor]

    async def list_of_day(self, account_id: str, trading_day: str) -> list[Order]:
        """All orders of one account and KST day."""
        cursor = self._orders.find({"account_id": account_id, "trading_day": trading_day})
        return [_to_order(document) async for document in cursor]

    async def list_of_block(self, block_order_id: str) -> list[Order]:
        """All orders of a block."""
        return [_to_order(document) async for document in self._orders.find({"block_order_id": block_order_id})]

    async def list_unsettled(self, account_id: str, trading_day: str, changed_since: datetime, numbers: Sequence[str]) -> list[Order]:
        """What reconciliation must look at of an account's day: live orders, those that were given up for want of evidence, those that
        changed since, and those that claim any of the broker numbers."""
        of_day = {"account_id": account_id, "trading_day": trading_day}
        ended = [status.value for status in TERMINAL]
        clauses: list[dict[str, Any]] = [  # each has an index of its own
            of_day | {"status": {"$in": _LIVE}},
            of_day | {"status": {"$in": ended}, "updated_at": {"$gte": changed_since}},
            of_day | {"status": OrderStatus.REJECTED.value, "reason": {"$in": sorted(DISMISSED)}},
        ]
        if numbers:
            clauses.append(of_day | {"broker_order_ids": {"$in": list(numbers)}})
        return [_to_order(document) async for document in self._orders.find({"$or": clauses})]

    async def claim_number(self, order: Order, number: str, at: datetime) -> bool:
        """Reserve a broker's order number for an order of unknown outcome, so that no two are taken to be it at once.

        A claim whose order has not come to have the number within `_CLAIM_LIFETIME` (a crash lay between) may be taken over.

        Returns:
            False where another order has the number, or is just being given it.
        """
        owners = await self.find_by_broker_order_ids(order.account_id, order.trading_day, [number])
        if any(owner.id != order.id for owner in owners):
            return False
        key = {"_id": f"{order.account_id}:{order.trading_day}:{number}"}
        free = {"$or": [{"order_id": order.id}, {"at": {"$lt": at - _CLAIM_LIFETIME}}]}
        try:
            await self._claims.update_one(key | free, {"$set": {"order_id": order.id, "at": at}}, upsert=True)
        except DuplicateKeyError:
            return False
        return True

    async def list_accounts_with_unsettled(self, since: datetime) -> list[str]:
        """Accounts with an order whose state waits for evidence and last changed before ``since``."""
        waiting = [
            OrderStatus.UNKNOWN.value,
            OrderStatus.PENDING_NEW.value,
            OrderStatus.PENDING_CANCEL.value,
            OrderStatus.PENDING_REPLACE.value,
        ]
        found = await self._orders.distinct("account_id", {"status": {"$in": waiting}, "updated_at": {"$lt": since}})
        return [str(account_id) for account_id in found]

    async def list_unpublished(self, older_than: datetime, limit: int) -> AsyncIterator[Order]:
        """Orders with a version that was not marked as published, changed before ``older_than``."""
        cursor = self._orders.find({"is_published": False, "updated_at": {"$lt": older_than}}).sort("updated_at", ASCENDING).limit(limit)
        async for document in cursor:
            yield _to_order(document)

    def mark_published(self, order_id: str, version: int) -> None:
        """Note in a moment that all events up to ``version`` are out. Not journaled: a lost mark only makes the sweep publish again."""
        self._marks.put(order_id, max(version, self._marks.waiting(order_id) or 0))

    async def _write_marks(self, marks: dict[str, int]) -> None:
        updates = [
            UpdateOne(
                {"_id": order_id, "published_version": {"$lt": version}},
                [{"$set": {"published_version": version, "is_published": {"$eq": ["$version", version]}}}],
            )
            for order_id, version in marks.items()
        ]
        try:
            await self._quick.bulk_write(updates, ordered=False)
        except PyMongoError as error:
            log.warning("publish_marks_postponed", count=len(marks), problem=str(error))

    async def note_absence(self, order_id: str, at: datetime, statement_size: int) -> tuple[int, datetime]:
        """Count one successful reading that did not show an unknown order; no new version, for nothing is known of the order itself.

        Returns:
            How many such readings there were, and when the first was.
        """
        document = await self._orders.find_one_and_update(
            {"_id": order_id},
            {
                "$inc": {"check.readings": 1},
                "$set": {"check.last_at": at, "check.statement_size": statement_size},
                "$min": {"check.first_at": at},
            },
            projection={"check": 1},
            return_document=ReturnDocument.AFTER,
        )
        check = (document or {}).get("check", {})
        return int(check.get("readings", 0)), check.get("first_at", at)

    async def find_check(self, order_id: str) -> Check:
        """How often the order was looked for in vain."""
        document = await self._orders.find_one({"_id": order_id}, projection={"check": 1})
        return msgspec.convert((document or {}).get("check", {}), Check)

    async def list_expirable(self, before_day: str, limit: int) -> list[Order]:
        """Live orders of KST days before ``before_day``."""
        cursor = self._orders.find({"status": {"$in": _LIVE}, "trading_day": {"$lt": before_day}}).limit(limit)
        return [_to_order(document) async for document in cursor]


def _to_document(order: Order) -> dict[str, Any]:
    document: dict[str, Any] = _plain(order)
    document["_id"] = document.pop("id")
    document["is_published"] = order.published_version == order.version
    return document


def _to_order(document: dict[str, Any]) -> Order:
    document["id"] = document.pop("_id")
    return msgspec.convert(document, Order)


def _plain(value: Any) -> Any:
    return msgspec.to_builtins(value, builtin_types=(datetime,))


def _difference(before: Order, after: Order, mark: ObjectId) -> dict[str, Any]:
    """The smallest update that turns ``before`` into ``after``: lists only grow, all else is set where it differs.

    ``mark`` stays with what was written: on the last entry of the history, or on the order where no entry was added.
    """
    changed: dict[str, Any] = {"is_published": False}
    pushed: dict[str, Any] = {}
    for field in Order.__struct_fields__:
        old, new = getattr(before, field), getattr(after, field)
        if field in ("id", "published_version") or old is new or old == new:
            continue
        if field in _APPENDED:
            pushed[field] = {"$each": _plain(new[len(old) :])}
        else:
            changed[field] = _plain(new)
    if "history" in pushed:
        pushed["history"]["$each"][-1]["mark"] = mark
    else:
        changed["mark"] = mark
    return {"$set": changed} | ({"$push": pushed} if pushed else {})
