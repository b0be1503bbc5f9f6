"""A whole Lucy whose parts can be killed one by one, and come back as `lucy up` would bring them."""

import asyncio
import os
import signal
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from cryptography.fernet import Fernet
from pydantic import SecretStr

from api.local.data_dir import DataDir
from api.local.mongod import Mongod
from api.local.process import choose_port, wait_until
from api.local.servers import embedded
from api.local.valkey import Valkey
from api.settings import Settings
from tests.stack import Child, Stack, running, until

Json = dict[str, Any]

_CASH = 10_000_000_000_000
_SHARES = 1_000_000
_WATCH_SECONDS = 0.3

PARTS = ("api", "worker", "mongod", "valkey")


class Desk:
    """The running copy: accounts, names to trade, and the switch of each part."""

    def __init__(self, stack: Stack, mongod: Mongod, valkey: Valkey) -> None:
        self.stack = stack
        self.accounts: list[Json] = []  # Lucy's, each with the sandbox's account number as "number"
        self.names: list[Json] = []
        self.kills: Counter[str] = Counter()
        self.ended_by_itself: Counter[str] = Counter()
        self._servers: dict[str, Mongod | Valkey] = {"mongod": mongod, "valkey": valkey}
        self._children: dict[str, Child] = {"api": stack.api_process, "worker": stack.worker_process}
        self._turns = {part: asyncio.Lock() for part in PARTS}

    async def prepare(self, accounts: dict[str, int]) -> None:
        """Open accounts, connect them, wait until every stream is live."""
        market: list[Json] = (await self.stack.sandbox.get("/market")).json()
        self.names = [row for row in market if row["kind"] == "stock" and 8_000 <= row["price"] <= 300_000 and not row["halted"]][:30]
        for broker, count in accounts.items():
            for number in range(count):
                self.accounts.append(await self._connect(broker, number))
        await until(self.is_live, "every stream is live")

    async def _connect(self, broker: str, number: int) -> Json:
        wanted = {
            "broker": broker,
            "environment": "real",
            "cash": _CASH,
            "positions": {row["symbol"]: _SHARES for row in self.names},
        }
        answer = await self.stack.sandbox.post("/accounts", json=wanted)
        answer.raise_for_status()
        account = answer.json()
        request = {key: account[key] for key in ("account_number", "app_key", "app_secret")} | {
            "name": f"chaos {broker} {number}",
            "broker": broker,
            "environment": "sandbox",
            "hts_id": account["hts_id"] if broker == "kis" else "",
        }
        answer = await self.stack.http.post("/accounts", json=request)
        answer.raise_for_status()
        connected: Json = answer.json()
        return connected | {"number": account["account_number"]}

    async def is_live(self) -> bool:
        """Whether every account's stream is live."""
        items = (await self.stack.http.get("/accounts")).json()["items"]
        return all(item["stream"]["state"] == "live" for item in items)

    async def kill(self, part: str, down_seconds: float) -> None:
        """SIGKILL, and start it again after a while."""
        async with self._turns[part]:
            self.kills[part] += 1
            if part in self._children:
                await asyncio.to_thread(self._children[part].kill)
                await asyncio.sleep(down_seconds)
                self._children[part].start()
                return
            server = self._servers[part]
            os.kill(server.pid, signal.SIGKILL)
            await wait_until(lambda: not server.is_alive(), 10)
            await asyncio.sleep(down_seconds)
            await server.start()

    async def watch(self) -> None:
        """Start what has ended by itself, as the supervisor of `lucy up` does; until cancelled."""
        while True:
            await asyncio.sleep(_WATCH_SECONDS)
            for part, child in self._children.items():
                if self._turns[part].locked() or child.is_alive():
                    continue
                async with self._turns[part]:
                    self.ended_by_itself[part] += 1
                    child.start()

    async def revive(self) -> None:
        """Start what a kill that was cut short left down."""
        for part, server in self._servers.items():
            async with self._turns[part]:
                if not server.is_alive():
                    await server.start()

    async def until_all_is_up(self) -> None:
        """Wait until nothing is down and every stream is live."""
        for turn in self._turns.values():
            async with turn:
                pass
        await self.stack.until_api_ready()
        await until(self.is_live, "every stream is live again", seconds=90)


@asynccontextmanager
async def desk(folder: Path, accounts: dict[str, int]) -> AsyncIterator[Desk]:
    """A desk for the length of a ``with`` block; everything in it ends with it."""
    async with embedded(DataDir(folder)) as (mongod, valkey):
        settings = Settings(
            mongodb_url=mongod.url,
            redis_url=valkey.url,
            database="chaos",
            redis_prefix="chaos",
            data_dir=folder,
            api_port=choose_port(),
            spa_port=choose_port(),
            sandbox_port=choose_port(count=3),
            secret_key=SecretStr(os.urandom(32).hex()),
            encryption_keys=(SecretStr(Fernet.generate_key().decode()),),
        )
        async with running(settings, folder) as stack:
            made = Desk(stack, mongod, valkey)
            watching = asyncio.create_task(made.watch())
            try:
                await made.prepare(accounts)
                yield made
            finally:
                watching.cancel()
                await asyncio.gather(watching, return_exceptions=True)
