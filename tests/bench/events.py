"""Events: many listeners to a steady flow, and many that only wait.

The flow is published straight to Redis, as the worker does it, so that fan-out alone is measured. All listeners are one user's: each event
is written once to Redis and handed out by the hub to everyone.
"""

import asyncio
import json
import resource
import time
from math import nan

from redis.asyncio import Redis

from api.events.publisher import EventBody, EventPublisher
from tests.bench.figures import Figures, note
from tests.bench.rig import Rig
from tests.stack import until

_RATE = 30
_WAIT_SECONDS = 30.0
_SPARE_FILES = 500


async def measure_fan_out(rig: Rig, figures: Figures, *, listeners: int, seconds: int) -> None:
    """``listeners`` hear 30 events a second."""
    await rig.until_quiet()
    opened = await rig.listen(listeners)
    note(f"  {opened['opened']:,} listeners opened in {opened['seconds']:.1f} s {opened['failures'] or ''}")
    sample = (await rig.stack.http.get("/orders", params={"limit": 1})).json()["items"][0]
    redis: Redis = Redis.from_url(rig.settings.redis_url)
    publisher = EventPublisher(redis, rig.settings.redis_prefix)
    count = _RATE * seconds
    loop = asyncio.get_running_loop()
    before, began = rig.cpu_seconds(), loop.time()
    for number in range(count):
        await asyncio.sleep(max(0.0, began + number / _RATE - loop.time()))
        body = {"sent": time.time(), "type": "order", "at": sample["updated_at"], "execution_type": "new", "order": sample}
        await publisher.publish([rig.user_id], EventBody("order", json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()))
    sent_in = loop.time() - began
    await redis.aclose()

    async def are_heard() -> bool:
        return int((await rig.listeners.ask(do="counts"))["least"]) >= count

    try:
        await until(are_heard, "every listener has every event", seconds=_WAIT_SECONDS)
    except AssertionError as error:
        note(f"  {error}")
    used = (rig.cpu_seconds()["api"] - before["api"]) / (loop.time() - began)
    delays, counts = await rig.listeners.ask(do="delays"), await rig.listeners.ask(do="counts")
    note(f"  {count} events in {sent_in:.1f} s; API used {used * 100:.0f} % of a core, {counts['lost']} listeners were cut off")
    what = f"fan-out {opened['opened']:,} listeners x {_RATE}/s"
    figures.add(f"{what}: p50", delays["p50"] or nan, "ms", at_most=20)
    figures.add(f"{what}: p95", delays["p95"] or nan, "ms")
    figures.add(f"{what}: p99", delays["p99"] or nan, "ms", at_most=80)
    figures.add(f"{what}: events lost", opened["opened"] * count - delays["count"], "", at_most=0)
    await rig.listeners.ask(do="close")


async def measure_idle(rig: Rig, figures: Figures, *, listeners: int) -> None:
    """``listeners`` that hear nothing, as far as the limit on open files allows."""
    allowed = resource.getrlimit(resource.RLIMIT_NOFILE)[0] - _SPARE_FILES
    if allowed < listeners:
        note(f"  the limit on open files allows {allowed:,} idle listeners, not {listeners:,} (ulimit -n)")
        listeners = allowed
    await rig.until_quiet()
    before = rig.memory_bytes("api")
    opened = await rig.listen(listeners)
    await rig.until_quiet()
    grown = rig.memory_bytes("api") - before
    used = rig.cpu_seconds()["api"]
    await asyncio.sleep(2)
    used = (rig.cpu_seconds()["api"] - used) / 2
    counts = await rig.listeners.ask(do="counts")
    note(f"  {opened['opened']:,} idle listeners opened in {opened['seconds']:.1f} s, {counts['lost']} cut off {opened['failures'] or ''}")
    note(f"  API while they wait: {used * 100:.0f} % of a core")
    figures.add("idle listeners on one API process", opened["opened"] - counts["lost"], "", at_least=10_000)
    figures.add("memory of the API for each", grown / max(1, opened["opened"]) / 1024, "KB", at_most=30)
    await rig.listeners.ask(do="close")
