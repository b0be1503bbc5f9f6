"""Lists: 50 orders out of few and of very many."""

import random
import time
from datetime import timedelta
from typing import Any

from bson import ObjectId
from pymongo import MongoClient

from tests.bench.figures import Figures, Spread, note
from tests.bench.rig import Rig

_CHUNK = 5_000
_CALLS = 200


async def measure(rig: Rig, figures: Figures, *, orders: int) -> None:
    """``GET /orders?limit=50`` before and after the collection has grown to ``orders``."""
    await rig.until_quiet()
    client: MongoClient[dict[str, Any]] = MongoClient(rig.settings.mongodb_url, tz_aware=True)
    collection = client[rig.settings.database]["orders"]
    queries = {
        "all accounts": {"limit": "50"},
        "one account": {"limit": "50", "account_id": rig.accounts["kis"][0]["id"]},
        "filled only": {"limit": "50", "status": "filled"},
        "open only": {"limit": "50", "status": "open"},
    }
    few = collection.estimated_document_count()
    before = {name: await _time(rig, query) for name, query in queries.items()}
    began = time.monotonic()
    _grow(collection, [account["id"] for account in rig.accounts["kis"]], orders - few)
    many = collection.estimated_document_count()
    note(f"  {many - few:,} orders inserted in {time.monotonic() - began:.0f} s")
    for name, query in queries.items():
        after = await _time(rig, query)
        note(f"  50 orders, {name}: of {few:,}: {before[name]}; of {many:,}: {after}")
        figures.add(f"50 orders of {many:,}, {name}: p50", after.p50, "ms", at_most=8)
        figures.add(f"50 orders of {many:,}, {name}: p50 over that of {few:,}", after.p50 / before[name].p50, "x", at_most=1.5)
    client.close()


async def _time(rig: Rig, query: dict[str, str]) -> Spread:
    values = []
    for _ in range(_CALLS):
        began = time.perf_counter()
        answer = await rig.stack.http.get("/orders", params=query)
        values.append((time.perf_counter() - began) * 1000)
        answer.raise_for_status()
    return Spread.of(values)


def _grow(collection: Any, account_ids: list[str], count: int) -> None:
    """Old orders like the newest filled one, spread over accounts and days."""
    sample = collection.find_one({"status": "filled"}) or collection.find_one()
    chance = random.Random(1)
    for start in range(0, max(0, count), _CHUNK):
        documents = []
        for _ in range(min(_CHUNK, count - start)):
            made_at = sample["created_at"] - timedelta(seconds=chance.randrange(1, 3 * 365 * 86_400))
            order_id = f"{int(made_at.timestamp()):08x}{ObjectId()!s:.24}"[:8] + str(ObjectId())[8:]
            documents.append(
                sample
                | {
                    "_id": order_id,
                    "client_order_id": order_id,
                    "account_id": chance.choice(account_ids),
                    "broker_order_ids": [order_id[-10:]],
                    "trading_day": made_at.date().isoformat(),
                    "created_at": made_at,
                    "updated_at": made_at,
                    "is_published": True,
                    "published_version": sample["version"],
                }
            )
        collection.insert_many(documents, ordered=False)
