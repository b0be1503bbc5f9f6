"""A process that calls under a shared limit as fast as it may, for `test_call_scheduler_processes.py`.

Reads its orders as one JSON object from the standard input, begins at the next line, and writes one JSON object a call to the standard
output: who it was for, its rank, when it asked, when it was let go, when "the broker" counted it. Instants are of the machine's monotonic
clock, which all processes share.
"""

import asyncio
import json
import random
import sys
import time
from typing import Any

import msgspec
from redis.asyncio import Redis

from api.kit.call_scheduler import CallRule, CallScheduler, PastDeadline


async def call(scheduler: CallScheduler, rule: CallRule, group: dict[str, Any]) -> None:
    asked_at = time.monotonic()
    record: dict[str, Any] = {"rank": group["rank"], "asker": group["asker"], "asked_at": asked_at, "counted_at": None}
    try:
        place = await scheduler.acquire("k", rule, rank=group["rank"], asker=group["asker"], deadline_seconds=group["deadline_seconds"])
    except PastDeadline:
        print(json.dumps(record), flush=True)
        return
    record["let_go_at"] = time.monotonic()
    await asyncio.sleep(random.random() * group["way_seconds"])  # to the broker
    record["counted_at"] = time.monotonic()
    await asyncio.sleep(random.random() * group["way_seconds"])  # and back
    place.answered()
    print(json.dumps(record), flush=True)


async def run(orders: dict[str, Any]) -> None:
    redis: Redis = Redis.from_url(orders["redis_url"])
    scheduler = CallScheduler(redis, orders["prefix"])
    rule = msgspec.convert(orders["rule"], CallRule)
    print(json.dumps({"is_ready": True}), flush=True)
    sys.stdin.readline()
    async with asyncio.TaskGroup() as tasks:
        for group in orders["groups"]:
            for _ in range(group["count"]):
                tasks.create_task(call(scheduler, rule, group))
    await scheduler.aclose()
    await redis.aclose()


if __name__ == "__main__":
    asyncio.run(run(json.loads(sys.stdin.readline())))
