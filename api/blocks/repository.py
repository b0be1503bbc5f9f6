"""Blocks in MongoDB: one document each, changed by compare-and-set on ``version``."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct
from pymongo import ASCENDING, DESCENDING
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import DuplicateKeyError, OperationFailure

from api.blocks.block import OPEN, Block, needs_care
from api.domain.enums import Side
from api.orders.repository import DURABLE, TooMuchContention

_MAX_RETRIES = 50


class LineSum(Struct, kw_only=True, frozen=True):
    """What a fund has from one line of one block: shares and won."""

    block_id: str
    account_id: str
    symbol: str
    side: Side
    quantity: int
    amount: int
    open_quantity: int
    reserved_amount: int
    is_open: bool


class BlockRepository:
    """The collection ``block_orders``."""

    def __init__(self, database: AsyncDatabase[dict[str, Any]]) -> None:
        self._blocks = database["block_orders"].with_options(write_concern=DURABLE)
        self._counts = database["fund_block_counts"]

    async def create_indexes(self) -> None:
        """The unique index that no block is doubled by, and the ways of looking."""
        await self._blocks.create_index([("created_by", ASCENDING), ("client_order_id", ASCENDING)], unique=True)
        await self._blocks.create_index([("lines.fund_id", ASCENDING), ("_id", DESCENDING)])
        await self._blocks.create_index([("parts.account_id", ASCENDING), ("_id", DESCENDING)])
        for name, value in (("needs_care", True), ("is_published", False)):
            await self._blocks.create_index([(name, ASCENDING), ("updated_at", ASCENDING)], partialFilterExpression={name: value})

    async def counts_of_funds(self, fund_ids: Sequence[str]) -> dict[str, int]:
        """How many blocks each fund has had: read before a split is computed, and asked for again as it is stored."""
        found = {document["_id"]: document["count"] async for document in self._counts.find({"_id": {"$in": list(fund_ids)}})}
        return {fund_id: found.get(fund_id, 0) for fund_id in fund_ids}

    async def insert_once(self, block: Block, counts: Mapping[str, int]) -> tuple[Block | None, bool]:
        """Store a new block durably, if no other block of its funds was stored since ``counts`` were read.

        Both in one transaction: so two blocks at once cannot spend the same money of a fund.

        Returns:
            The stored block and whether it is this one; an older one where its client order id is taken; None where a fund had another.
        """
        try:
            async with self._blocks.database.client.start_session() as session, await session.start_transaction(write_concern=DURABLE):
                if not await self._count_on(counts, session):
                    await session.abort_transaction()
                    return None, False
                await self._blocks.insert_one(_to_document(block), session=session)
        except DuplicateKeyError:
            return await self.find_by_client_order_id(block.created_by, block.client_order_id), False
        except OperationFailure as error:
            if error.has_error_label("TransientTransactionError"):  # another block of the same fund is being stored
                return None, False
            raise
        return block, True

    async def find(self, block_id: str) -> Block | None:
        """The block; None where there is none."""
        document = await self._blocks.find_one({"_id": block_id})
        return None if document is None else _to_block(document)

    async def find_by_client_order_id(self, user_id: str, client_order_id: str) -> Block | None:
        """The block that this user named so."""
        document = await self._blocks.find_one({"created_by": user_id, "client_order_id": client_order_id})
        return None if document is None else _to_block(document)

    async def get(self, block_id: str) -> Block:
        """The block; `KeyError` where there is none."""
        block = await self.find(block_id)
        if block is None:
            raise KeyError(block_id)
        return block

    async def replace_if_unchanged(self, before: Block, after: Block) -> bool:
        """Write ``after`` if the stored version is still ``before.version``; False when another process was faster."""
        done = await self._blocks.replace_one({"_id": before.id, "version": before.version}, _to_document(after))
        return done.modified_count > 0

    async def change(self, block: Block, rule: Callable[[Block], Block]) -> Block:
        """Apply ``rule`` to the block as it is now and store the outcome; the same object back means nothing to change."""
        for _ in range(_MAX_RETRIES):
            after = rule(block)
            if after is block:
                return block
            if await self.replace_if_unchanged(block, after):
                return after
            block = await self.get(block.id)
        raise TooMuchContention(block.id)

    async def change_counted(self, block_id: str, rule: Callable[[Block], Block], counts: Mapping[str, int]) -> tuple[Block, bool]:
        """Apply ``rule`` if no other block of its funds was stored or divided anew since ``counts`` were read, as `insert_once`.

        Returns:
            The block as it is then, and whether it was changed: not where the rule gave the same object back, or somebody came first.
        """
        try:
            async with self._blocks.database.client.start_session() as session, await session.start_transaction(write_concern=DURABLE):
                document = await self._blocks.find_one({"_id": block_id}, session=session)
                block = _to_block(document or {})
                after = rule(block)
                if after is block or not await self._count_on(counts, session):
                    await session.abort_transaction()
                    return block, False
                await self._blocks.replace_one({"_id": block.id, "version": block.version}, _to_document(after), session=session)
        except (OperationFailure, DuplicateKeyError) as error:
            if isinstance(error, DuplicateKeyError) or error.has_error_label("TransientTransactionError"):
                return await self.get(block_id), False
            raise
        return after, True

    async def _count_on(self, counts: Mapping[str, int], session: AsyncClientSession) -> bool:
        for fund_id, count in counts.items():
            key = {"_id": fund_id, "count": count} if count else {"_id": fund_id, "count": {"$exists": False}}
            done = await self._counts.update_one(key, {"$set": {"count": count + 1}}, upsert=not count, session=session)
            if not done.matched_count and done.upserted_id is None:
                return False
        return True

    async def mark_published(self, block: Block) -> None:
        """Note that the event of this version is out."""
        done = {"$set": {"published_version": block.version, "is_published": True}}
        await self._blocks.update_one({"_id": block.id, "version": block.version}, done)

    async def list_page(self, query: Mapping[str, Any], *, limit: int, before_id: str | None) -> list[Block]:
        """Newest first."""
        full = dict(query) | ({} if before_id is None else {"_id": {"$lt": before_id}})
        return [_to_block(document) async for document in self._blocks.find(full).sort("_id", DESCENDING).limit(limit)]

    async def list_unfinished(self, changed_before: datetime, limit: int = 200) -> list[Block]:
        """Blocks that something is left to do with, or whose newest version nobody was told, and that rested since."""
        late = {"updated_at": {"$lt": changed_before}}
        query = {"$or": [{"needs_care": True} | late, {"is_published": False} | late]}
        return [_to_block(document) async for document in self._blocks.find(query).limit(limit)]

    async def sums_of_fund(self, fund_id: str) -> list[LineSum]:
        """Every line of the fund in any block."""
        pipeline: Sequence[Mapping[str, Any]] = [
            {"$match": {"lines.fund_id": fund_id}},
            {"$unwind": "$lines"},
            {"$match": {"lines.fund_id": fund_id}},
            {"$project": {"symbol": 1, "side": 1, "status": 1, "line": "$lines"}},
        ]
        return [
            LineSum(
                block_id=row["_id"],
                account_id=row["line"]["account_id"],
                symbol=row["symbol"],
                side=Side(row["side"]),
                quantity=row["line"]["filled_quantity"],
                amount=row["line"]["filled_amount"],
                open_quantity=row["line"]["open_quantity"],
                reserved_amount=row["line"]["reserved_amount"],
                is_open=row["status"] in {status.value for status in OPEN},
            )
            async for row in await self._blocks.aggregate(pipeline)
        ]


def _to_document(block: Block) -> dict[str, Any]:
    document: dict[str, Any] = msgspec.to_builtins(block, builtin_types=(datetime,))
    document["_id"] = document.pop("id")
    return document | {"needs_care": needs_care(block), "is_published": block.published_version >= block.version}


def _to_block(document: dict[str, Any]) -> Block:
    document["id"] = document.pop("_id")
    return msgspec.convert(document, Block)
