"""What goes wrong: kills, faults at the brokers, notices that travel badly, streams that drop, a market that moves."""

import asyncio
import random
from collections import Counter

from api.domain.ticks import tick_size
from tests.chaos.desk import Desk, Json

_FAULTS = (
    ("cut_before_taken", 2),
    ("cut_after_taken", 4),
    ("timeout_before_taken", 1),
    ("timeout_after_taken", 1),
    ("error_500_before_taken", 2),
    ("error_500_after_taken", 3),
    ("rate_limited", 2),
    ("token_refused", 1),
    ("malformed_answer", 3),
    ("latency", 2),
)
_NOTICES = ("normal", "duplicate", "delay", "reorder", "before_answer", "lose")
_KILL_WEIGHTS = {"api": 4, "worker": 4, "mongod": 2, "valkey": 2}


class Storm:
    """Runs until cancelled; what it did stands in ``counts``."""

    def __init__(self, desk: Desk, rng: random.Random, *, share: float, kill_every: float) -> None:
        self._desk = desk
        self._rng = rng
        self._share = share
        self._kill_every = kill_every
        self.counts: Counter[str] = Counter()
        self.outside: set[tuple[str, int]] = set()
        self._hits: dict[int, tuple[str, int]] = {}

    async def run(self) -> None:
        """All of it at once."""
        await self._set_faults()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._kill_forever())
            group.create_task(self._disturb_forever())
            group.create_task(self._move_market_forever())
            group.create_task(self._order_outside_forever())

    async def calm(self) -> None:
        """No faults, notices as usual; notes how often each fault hit."""
        await self.count_faults()
        await self._desk.stack.sandbox.delete("/faults")
        for broker in ("kis", "ls"):
            await self._desk.stack.sandbox.post("/notices", json={"broker": broker, "mode": "normal"})

    async def count_faults(self) -> None:
        """Read the hits of the faults in force."""
        for fault in (await self._desk.stack.sandbox.get("/faults")).json():
            self._hits[fault["id"]] = (f"{fault['operation']} {fault['kind']}", fault["hits"])
        self.counts = Counter({name: count for name, count in self.counts.items() if not name.startswith("fault ")})
        for name, hits in self._hits.values():
            self.counts[f"fault {name}"] += hits

    async def _set_faults(self) -> None:
        """The share of calls that fails, for each broker and operation; inquiries fail half as often."""
        total = sum(weight for _, weight in _FAULTS)
        for broker in ("kis", "ls"):
            for operation, factor in (("place", 1.0), ("replace", 1.0), ("cancel", 1.0), ("inquire", 0.5)):
                for kind, weight in _FAULTS:
                    fault: Json = {"broker": broker, "operation": operation, "kind": kind}
                    fault["probability"] = self._share * factor * weight / total
                    if kind == "latency":
                        fault["milliseconds"] = self._rng.randint(100, 1500)
                    answer = await self._desk.stack.sandbox.post("/faults", json=fault)
                    answer.raise_for_status()

    async def _kill_forever(self) -> None:
        parts, weights = list(_KILL_WEIGHTS), list(_KILL_WEIGHTS.values())
        async with asyncio.TaskGroup() as group:
            while True:
                await asyncio.sleep(self._kill_every * self._rng.uniform(0.4, 1.6))
                part = self._rng.choices(parts, weights)[0]
                group.create_task(self._desk.kill(part, self._rng.choice((0.0, 0.2, 1.0, 2.5))))

    async def _disturb_forever(self) -> None:
        while True:
            await asyncio.sleep(self._rng.uniform(1, 4))
            broker = self._rng.choice(("kis", "ls"))
            if self._rng.random() < 0.25:
                await self._desk.stack.sandbox.post(f"/streams/{broker}/drop")
                self.counts["streams dropped"] += 1
                continue
            mode = self._rng.choice(_NOTICES)
            body = {"broker": broker, "mode": mode, "probability": 0.4, "milliseconds": self._rng.randint(50, 900)}
            (await self._desk.stack.sandbox.post("/notices", json=body)).raise_for_status()
            self.counts[f"notices: {mode}"] += 1

    async def _move_market_forever(self) -> None:
        while True:
            await asyncio.sleep(0.4)
            name = self._rng.choice(self._desk.names)
            price = round(name["price"] * self._rng.uniform(0.985, 1.015))
            await self._desk.stack.sandbox.put(f"/market/{name['symbol']}", json={"price": price - price % tick_size(price, "stock")})

    async def _order_outside_forever(self) -> None:
        while True:
            await asyncio.sleep(self._rng.uniform(2, 5))
            account, name = self._rng.choice(self._desk.accounts), self._rng.choice(self._desk.names)
            price = round(name["price"] * self._rng.choice((0.97, 1.01)))
            order = {
                "broker": account["broker"],
                "account_number": account["number"],
                "symbol": name["symbol"],
                "side": "buy",
                "price": price - price % tick_size(price, "stock"),
                # of sizes that no client asks for: an order from outside that is alike in everything, and placed within the same seconds
                # as one of unknown outcome, nobody can tell apart at a broker that takes no client order id
                "quantity": self._rng.randint(61, 90),
            }
            answer = await self._desk.stack.sandbox.post("/orders", json=order)
            answer.raise_for_status()
            self.counts["orders placed outside"] += 1
