"""Child processes that take one JSON command a line and answer with one line: load and listeners run beside what is measured."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from typing import Any

from tests.stack import ROOT

Json = dict[str, Any]

_LONGEST_LINE = 256 * 1024 * 1024
_STOP_SECONDS = 10.0


class HelperFailed(Exception):
    """A helper process ended; what it said is on the terminal."""


class Helper:
    """One child process, ``python -m tests.bench.<module>``."""

    def __init__(self, module: str) -> None:
        self._module = module
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int:
        """Number of its process."""
        if self._process is None:
            raise HelperFailed(f"{self._module} does not run")
        return self._process.pid

    async def start(self) -> None:
        """Start it."""
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            f"tests.bench.{self._module}",
            cwd=ROOT,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=_LONGEST_LINE,
        )

    async def ask(self, **command: Any) -> Any:
        """Its answer to one command."""
        if self._process is None or self._process.stdin is None or self._process.stdout is None:
            raise HelperFailed(f"{self._module} does not run")
        self._process.stdin.write(json.dumps(command).encode() + b"\n")
        await self._process.stdin.drain()
        line = await self._process.stdout.readline()
        if not line:
            raise HelperFailed(f"{self._module} ended in the middle of a command")
        return json.loads(line)

    async def stop(self) -> None:
        """Let it end; by force if it does not."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.stdin is not None:
            process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), _STOP_SECONDS)
        except TimeoutError:
            process.kill()
            await process.wait()


async def serve(answer: Callable[[Json], Awaitable[Any]]) -> None:
    """The child's side: answer commands until the parent closes the line."""
    while line := await asyncio.to_thread(sys.stdin.buffer.readline):
        sys.stdout.write(json.dumps(await answer(json.loads(line))) + "\n")
        sys.stdout.flush()
