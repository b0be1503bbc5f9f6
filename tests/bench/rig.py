"""What is measured: a whole Lucy in processes of its own, with enough accounts that no broker's call limit is in the way.

Limits stay on, at the brokers and in Lucy: KIS allows 20 calls a second and key, so orders go round over many accounts.
"""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx
from cryptography.fernet import Fernet
from pydantic import SecretStr

from api.domain.ticks import tick_size
from api.local.data_dir import DataDir
from api.local.process import choose_port
from api.local.servers import embedded
from api.settings import Settings
from tests.bench.figures import note
from tests.bench.helper import Helper, Json
from tests.stack import Stack, running, until

KIS_ACCOUNTS = 24
LS_ACCOUNTS = 4
_DIRECT_ACCOUNTS = 24
_CASH = 10_000_000_000_000
_GROUP = 8
_LIVE_SECONDS = 90.0
_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


_PARTS = ("waiting", "eager", "kis", "ls", "burst")


class Name(NamedTuple):
    """A stock to trade: at ``eager`` a buy fills at once, at ``patient`` it waits."""

    symbol: str
    price: int
    eager: int
    patient: int


class Rig:
    """The running copy and the processes that press on it."""

    def __init__(self, stack: Stack, server_pids: dict[str, int]) -> None:
        self.stack = stack
        self.settings = stack.settings
        self.generator = Helper("generator")
        self.listeners = Helper("listeners")
        self.token = stack.http.headers["Authorization"].removeprefix("Bearer ")
        self.user_id = ""
        self.accounts: dict[str, list[Json]] = {"kis": [], "ls": []}  # Lucy's, with the sandbox's number as "number"
        self.direct: list[Json] = []  # KIS accounts of the sandbox that Lucy does not know, each with an access token
        self.outside: Json = {}  # an account of the sandbox with shares to sell
        self.names: dict[str, list[Name]] = {}  # by part: what one part leaves waiting must not be met by another
        self._pids = server_pids

    async def prepare(self) -> None:
        """Open accounts, connect them to Lucy, wait until every stream is live, find names to trade."""
        await self.generator.start()
        await self.listeners.start()
        self._pids |= _pids_of_children(os.getpid())
        self._pids |= {"bench": os.getpid(), "load": self.generator.pid, "listeners": self.listeners.pid}
        self.user_id = (await self.stack.http.get("/auth/me")).json()["id"]
        self.names = _names((await self.stack.sandbox.get("/market")).json())
        shares = {name.symbol: 1_000_000 for names in self.names.values() for name in names}
        self.outside = await self._open("kis", positions=shares)
        for broker, count in (("kis", KIS_ACCOUNTS), ("ls", LS_ACCOUNTS)):
            for number in range(count):
                self.accounts[broker].append(await self._connect(broker, number))
        for _ in range(_DIRECT_ACCOUNTS):
            account = await self._open("kis")
            self.direct.append(account | {"token": await self._token(account)})
        await until(self._are_streams_live, "every stream is live", seconds=_LIVE_SECONDS)

    async def close(self) -> None:
        """End the helpers."""
        await self.generator.stop()
        await self.listeners.stop()

    async def _open(self, broker: str, **more: Any) -> Json:
        answer = await self.stack.sandbox.post("/accounts", json={"broker": broker, "environment": "real", "cash": _CASH} | more)
        answer.raise_for_status()
        account: Json = answer.json()
        return account

    async def _connect(self, broker: str, number: int) -> Json:
        account = await self._open(broker)
        request = {key: account[key] for key in ("account_number", "app_key", "app_secret")} | {
            "name": f"bench {broker} {number}",
            "broker": broker,
            "environment": "sandbox",
            "hts_id": account["hts_id"] if broker == "kis" else "",
        }
        answer = await self.stack.http.post("/accounts", json=request)
        answer.raise_for_status()
        connected: Json = answer.json()
        return connected | {"number": account["account_number"]}

    async def _token(self, account: Json) -> str:
        body = {"grant_type": "client_credentials", "appkey": account["app_key"], "appsecret": account["app_secret"]}
        async with httpx.AsyncClient(base_url=self.settings.kis_sandbox_url, timeout=10) as client:
            answer = await client.post("/oauth2/tokenP", json=body)
        answer.raise_for_status()
        return str(answer.json()["access_token"])

    async def _are_streams_live(self) -> bool:
        items = (await self.stack.http.get("/accounts")).json()["items"]
        return all(item["stream"]["state"] == "live" for item in items)

    async def ledger(self, what: str) -> list[Json]:
        """``orders`` or ``executions`` of the sandbox at the accounts that Lucy knows."""
        numbers = {account["number"] for accounts in self.accounts.values() for account in accounts}
        rows: list[Json] = (await self.stack.sandbox.get(f"/ledger/{what}", timeout=60)).json()
        return [row for row in rows if row["account_number"] in numbers]

    async def listen(self, count: int) -> Json:
        """Open listeners in the listeners' process; forgets what they heard so far."""
        opened: Json = await self.listeners.ask(do="open", port=self.settings.api_port, token=self.token, count=count)
        await self.listeners.ask(do="forget")
        return opened

    def cpu_seconds(self) -> dict[str, float]:
        """CPU time that each process of the copy has used so far."""
        return {name: _cpu_seconds(pid) for name, pid in self._pids.items()}

    def memory_bytes(self, name: str) -> int:
        """Resident memory of a process of the copy."""
        lines = Path(f"/proc/{self._pids[name]}/status").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS"))

    def other_seconds(self) -> float:
        """CPU seconds that this machine has spent on anything but the bench so far."""
        fields = [int(word) for word in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
        busy = (sum(fields) - fields[3] - fields[4]) / _TICKS_PER_SECOND  # all but idle and waiting for the disk
        return busy - sum(self.cpu_seconds().values())

    async def until_quiet(self) -> None:
        """Wait until the API and the worker rest, so that one part does not weigh on the next."""
        for _ in range(40):
            before = self.cpu_seconds()
            await asyncio.sleep(0.5)
            after = self.cpu_seconds()
            if sum(after[name] - before[name] for name in ("api", "worker")) < 0.1:
                return


@asynccontextmanager
async def prepared(folder: Path) -> AsyncIterator[Rig]:
    """A rig for the length of a ``with`` block; everything in it ends with it."""
    async with embedded(DataDir(folder)) as (mongod, valkey):
        settings = Settings(
            mongodb_url=mongod.url,
            redis_url=valkey.url,
            database="bench",
            redis_prefix="bench",
            data_dir=folder,
            api_port=choose_port(),
            spa_port=choose_port(),
            sandbox_port=choose_port(count=3),
            secret_key=SecretStr(os.urandom(32).hex()),
            encryption_keys=(SecretStr(Fernet.generate_key().decode()),),
        )
        async with running(settings, folder) as stack:
            rig = Rig(stack, {"mongod": mongod.pid, "valkey": valkey.pid})
            try:
                await rig.prepare()
                note(f"{KIS_ACCOUNTS} KIS and {LS_ACCOUNTS} LS accounts connected, all streams live; the brokers' call limits stay on")
                yield rig
            finally:
                await rig.close()


def order_request(rig: Rig, account: Json, name: Name, price: int, client_order_id: str) -> Json:
    """A request for one share, for the generator."""
    fields = {
        "account_id": account["id"],
        "client_order_id": client_order_id,
        "symbol": name.symbol,
        "side": "buy",
        "order_type": "limit",
        "quantity": 1,
        "limit_price": price,
    }
    headers = {"Authorization": f"Bearer {rig.token}", "Content-Type": "application/json"}
    return {
        "url": f"http://127.0.0.1:{rig.settings.api_port}/api/v1/orders",
        "headers": headers,
        "body": httpx.Request("POST", "http://x", json=fields).content.decode(),
    }


def _names(market: list[Json]) -> dict[str, list[Name]]:
    found = []
    for row in market:
        price = row["price"]
        if row["kind"] != "stock" or not 8_000 <= price <= 300_000 or row["halted"]:
            continue
        tick = tick_size(price, "stock")
        patient = int(price * 0.9)
        patient -= patient % tick_size(patient, "stock")
        found.append(Name(row["symbol"], price, price + 2 * tick, patient))
    return {part: found[number * _GROUP : (number + 1) * _GROUP] for number, part in enumerate(_PARTS)}


def _pids_of_children(parent: int) -> dict[str, int]:
    """``lucy <command>`` processes under this one, by command."""
    found = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            status, words = (entry / "stat").read_text(), (entry / "cmdline").read_text().split("\0")
        except OSError:
            continue
        if int(status.rpartition(")")[2].split()[1]) == parent and "api.cli" in words:
            found[words[words.index("api.cli") + 1]] = int(entry.name)
    return found


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_PER_SECOND
