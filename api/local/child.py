"""One process of Lucy's under ``lucy up``: started, its lines shown, started again when it dies, ended."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable, Mapping

from api.local.console import Console
from api.local.errors import LocalError
from api.local.process import dies_with_parent

_BACKOFF_SECONDS = (0.2, 10.0)  # the first wait, doubled up to the second
_STABLE_SECONDS = 20.0  # a run as long as this starts the waits anew
_STOP_SECONDS = 8.0
_CHUNK = 65_536


class Child:
    """``lucy <command>`` as a child process.

    Args:
        name: The command, and the name before its lines.
        environment: All variables it gets.
        console: Where its lines go.
        on_start: Told after each start, with ``pid`` up to date.
    """

    def __init__(self, name: str, environment: Mapping[str, str], console: Console, on_start: Callable[[], None]) -> None:
        self.name = name
        self.pid = 0
        self._environment, self._console, self._on_start = environment, console, on_start
        self._process: asyncio.subprocess.Process | None = None
        self._stopping = asyncio.Event()
        self._lines_seen: list[str] = []
        self._is_ready = False

    async def run(self) -> None:
        """Keep it running until `stop`; returns then. Raises `LocalError` if it ends before it was ever ready."""
        wait, longest = _BACKOFF_SECONDS
        loop = asyncio.get_running_loop()
        while not self._stopping.is_set():
            started = loop.time()
            code = await self.run_once()
            if self._stopping.is_set():
                return
            if not self._is_ready and code >= 0:  # not killed: a wrong setting, a taken port; it would fail again
                raise LocalError(f"{self.name} ended with code {code} before it was ready (its last words are above)")
            if loop.time() - started > _STABLE_SECONDS:
                wait = _BACKOFF_SECONDS[0]
            self._console.warn(f"{self.name} (process {self.pid}) {_ending(code)}: starting it again in {wait:.1f} s")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), wait)
            wait = min(2 * wait, longest)

    async def run_once(self) -> int:
        """Start it and wait for its end; the exit code, negative for a signal."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "api.cli",
            self.name,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=dict(self._environment),
            start_new_session=True,  # Ctrl-C in the terminal is for the supervisor, which ends its children in order
            preexec_fn=dies_with_parent(os.getpid()),  # it calls prctl and nothing that takes a lock
        )
        self._process, self.pid = process, process.pid
        self._on_start()
        if self._stopping.is_set():  # told to stop while it was being started
            process.terminate()
        if process.stdout is not None:
            await self._show(process.stdout)
        code = await process.wait()
        self._process = None
        return code

    def is_alive(self) -> bool:
        """Whether its process runs."""
        return self._process is not None

    def ready(self) -> None:
        """Say that it has been seen working: from now on an end is an accident, and repaired."""
        self._is_ready = True

    async def wait_for_line(self, text: str, seconds: float) -> bool:
        """Wait until it has written a line with ``text``; False when it did not in time."""
        deadline = asyncio.get_running_loop().time() + seconds
        while not any(text in line for line in self._lines_seen):
            if asyncio.get_running_loop().time() > deadline:
                return False
            await asyncio.sleep(0.03)
        return True

    async def stop(self) -> None:
        """SIGTERM, and SIGKILL if that does not end it."""
        self._stopping.set()
        for send, seconds in ((signal.SIGTERM, _STOP_SECONDS), (signal.SIGKILL, _STOP_SECONDS)):
            process = self._process
            if process is None:
                return
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(send)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), seconds)
                return
            self._console.warn(f"{self.name} does not end: using force")

    def kill(self) -> None:
        """SIGKILL, now."""
        self._stopping.set()
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()

    async def _show(self, stream: asyncio.StreamReader) -> None:
        rest = b""
        while chunk := await stream.read(_CHUNK):
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                self._line(line)
        if rest:
            self._line(rest)

    def _line(self, raw: bytes) -> None:
        text = raw.decode(errors="replace").rstrip()
        if not self._is_ready:
            self._lines_seen.append(text)
        self._console.line(self.name, text)


def _ending(code: int) -> str:
    return f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"
