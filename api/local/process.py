"""Starting, finding and ending processes, so that none outlives Lucy and none of another's is touched."""

import asyncio
import contextlib
import ctypes
import os
import random
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from api.local.errors import INSTEAD, LocalError

PID_FILE = "pid"
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None  # loaded before any fork: loading after one may dead-lock
_POLL_SECONDS = 0.02
_CHOSEN_PORTS = range(20_000, 30_000)  # below the ephemeral ports of Linux and macOS, so no outgoing connection takes a remembered one
_KILL_WAIT_SECONDS = 5.0
_MAX_LOG_BYTES = 10_000_000


def dies_with_parent(parent: int) -> Callable[[], None]:
    """What a child runs between fork and exec: it gets SIGTERM when this process is gone, even by SIGKILL.

    Linux only; elsewhere an orphan is found and ended by the next start (`end_orphan`).
    """

    def set_death_signal() -> None:
        if _LIBC is not None:
            _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
            if os.getppid() != parent:  # the parent died before the call
                os._exit(1)

    return set_death_signal


def is_port_free(port: int, host: str = "127.0.0.1") -> bool:
    """Whether a server could listen there now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def choose_port(count: int = 1) -> int:
    """The first of ``count`` free ports in a row, likely to be free again at the next start."""
    tried = (random.choice(_CHOSEN_PORTS) for _ in range(len(_CHOSEN_PORTS)))
    found = next((first for first in tried if all(is_port_free(port) for port in range(first, first + count))), None)
    if found is None:
        raise LocalError(f"found no {count} free ports in a row from {_CHOSEN_PORTS.start} on")
    return found


def command_line(pid: int) -> str:
    """The command line of a running process; empty if there is none."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        if Path("/proc/self").exists():
            return ""
    found = subprocess.run(["ps", "-ww", "-p", str(pid), "-o", "command="], capture_output=True, text=True, check=False)
    return found.stdout.strip()


async def end_orphan(folder: Path, *, patience: float) -> bool:
    """End the server that a killed run left behind on ``folder``: SIGTERM, and SIGKILL once ``patience`` seconds have passed.

    The number in its pid file proves nothing, numbers are reused: a path in ``folder`` must stand in its command line.

    Returns:
        Whether there was one.
    """
    try:
        pid = int((folder / PID_FILE).read_text())
    except (OSError, ValueError):
        return False
    if f"{folder}/" not in command_line(pid):
        return False
    for send, seconds in ((signal.SIGTERM, patience), (signal.SIGKILL, _KILL_WAIT_SECONDS)):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, send)
        if await wait_until(lambda: not command_line(pid), seconds):
            break
    return True


async def wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    """Wait for a condition; False when it did not come true in time."""
    deadline = asyncio.get_running_loop().time() + seconds
    while not condition():
        if asyncio.get_running_loop().time() > deadline:
            return False
        await asyncio.sleep(_POLL_SECONDS)
    return True


class ServerProcess:
    """The process under an embedded server: its start, its output in a file, its pid file, its end.

    Args:
        name: For messages, and of its log file.
        folder: Of it alone; a path in it stands in the command line, by which an orphan is known.
        patience: Seconds that it may take to close its files.
    """

    def __init__(self, name: str, folder: Path, *, patience: float) -> None:
        self._name, self._folder, self._patience = name, folder, patience
        self._process: subprocess.Popen[bytes] | None = None
        self._pid_file = folder / PID_FILE
        self.output = folder / f"{name}.log"

    @property
    def pid(self) -> int:
        """Its number; 0 if it does not run."""
        return self._process.pid if self._process else 0

    async def spawn(self, arguments: list[str]) -> None:
        """Start it, in place of an orphan of a killed run.

        Raises:
            LocalError: The system refused to run it.
        """
        await end_orphan(self._folder, patience=self._patience)
        self._process = self._popen(arguments)
        self._pid_file.write_text(str(self._process.pid))

    def _popen(self, arguments: list[str]) -> subprocess.Popen[bytes]:
        if self.output.exists() and self.output.stat().st_size > _MAX_LOG_BYTES:
            self.output.replace(self.output.with_suffix(".log.1"))
        with self.output.open("ab") as output:
            self.output.chmod(0o600)
            try:
                return subprocess.Popen(
                    arguments,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    cwd=self._folder,
                    start_new_session=True,  # Ctrl-C in the terminal is for the supervisor, which ends its children in order
                    preexec_fn=dies_with_parent(os.getpid()),  # noqa: PLW1509  # it calls prctl and nothing that takes a lock
                )
            except OSError as error:
                raise LocalError(f"{self._name} cannot be started ({error.strerror}): {INSTEAD}") from error

    def is_alive(self) -> bool:
        """Whether it runs."""
        return self._process is not None and self._process.poll() is None

    def raise_if_dead(self) -> None:
        """Raise `LocalError` with the reason in one line if it has ended."""
        if self._process is None or self._process.poll() is None:
            return
        if self._process.returncode == -signal.SIGILL:
            raise LocalError(f"{self._name} needs a newer processor (MongoDB 5 and later need AVX): {INSTEAD}")
        last = _last_line(self.output)
        if "error while loading shared libraries" in last:
            raise LocalError(f"{self._name} misses a system library ({last.partition('libraries: ')[2]}): {INSTEAD}")
        raise LocalError(f"{self._name} ended at its start (code {self._process.returncode}, see {self.output}): {last[:200]}")

    async def stop(self) -> None:
        """Let it close its files and end; by force if it does not."""
        process = self._process
        if process is None:
            return
        for send, seconds in ((signal.SIGTERM, self._patience), (signal.SIGKILL, _KILL_WAIT_SECONDS)):
            if process.poll() is None:
                process.send_signal(send)
            if await wait_until(lambda: process.poll() is not None, seconds):
                break
        self._pid_file.unlink(missing_ok=True)
        self._process = None


def _last_line(path: Path) -> str:
    lines = path.read_text(errors="replace").rstrip().splitlines()
    return lines[-1] if lines else ""
