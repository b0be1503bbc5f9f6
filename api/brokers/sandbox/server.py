"""Runs the sandbox: the control API on a port, the KIS door on the next, the LS door on the one after."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass

from aiohttp import web

from . import control
from .doors import Doors
from .exchange import Exchange
from .kis import app as kis_app
from .ls import app as ls_app

DEFAULT_PORT = 8_100
_BACKLOG = 1_024
_SHUTDOWN_SECONDS = 1.0


class PortTaken(Exception):
    """An address that the sandbox needs is in use; the text is one line for the operator."""


@dataclass(slots=True)
class Sandbox:
    """A running sandbox. Ports are those really bound."""

    doors: Doors
    host: str
    control_port: int
    kis_port: int
    ls_port: int
    _runners: list[web.AppRunner]

    @property
    def control_url(self) -> str:
        """Base URL of the control API."""
        return f"http://{self.host}:{self.control_port}"

    @property
    def kis_url(self) -> str:
        """Base URL of KIS REST; the websocket is at the same address with ``ws``."""
        return f"http://{self.host}:{self.kis_port}"

    @property
    def ls_url(self) -> str:
        """Base URL of LS REST; the websocket is at the same address with ``ws`` and the path ``/websocket``."""
        return f"http://{self.host}:{self.ls_port}"

    async def stop(self) -> None:
        """Close all ports and connections."""
        self.doors.exchange.stop()
        for sockets in self.doors.sockets.values():
            sockets.drop()
        for runner in self._runners:
            await runner.cleanup()


async def start(host: str = "127.0.0.1", port: int = DEFAULT_PORT, *, seed: str = "lucy") -> Sandbox:
    """Start the sandbox in this event loop.

    Args:
        port: Port of the control API; KIS gets the next one, LS the one after. 0: three free ports.
        seed: Decides the default accounts' numbers and credentials.

    Raises:
        PortTaken: One of the ports is in use.
    """
    doors = Doors(Exchange(seed=seed))
    runners: list[web.AppRunner] = []
    bound: list[int] = []
    for offset, application in enumerate((control.create_app(doors), kis_app.create_app(doors), ls_app.create_app(doors))):
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=_SHUTDOWN_SECONDS)
        await runner.setup()
        runners.append(runner)
        wanted = port + offset if port else 0
        site = web.TCPSite(runner, host, wanted, backlog=_BACKLOG)
        try:
            await site.start()
        except OSError as error:
            for started in runners:
                await started.cleanup()
            raise PortTaken(f"sandbox: port {wanted} on {host} cannot be used ({_reason(error)}); set LUCY_SANDBOX_PORT") from error
        bound.append(runner.addresses[0][1])
    return Sandbox(doors, host, bound[0], bound[1], bound[2], runners)


def _reason(error: OSError) -> str:
    return os.strerror(error.errno) if error.errno is not None else str(error)


@contextlib.asynccontextmanager
async def serving(host: str = "127.0.0.1", port: int = 0, *, seed: str = "lucy") -> AsyncIterator[Sandbox]:
    """A sandbox for the length of a ``with`` block, on free ports by default."""
    sandbox = await start(host, port, seed=seed)
    try:
        yield sandbox
    finally:
        await sandbox.stop()


def run(host: str = "127.0.0.1", port: int = DEFAULT_PORT, *, seed: str = "lucy") -> int:
    """Serve until SIGINT or SIGTERM; the process's exit code (1: a port is taken, said in one line on stderr)."""
    try:
        import uvloop  # not there on Windows

        runner = asyncio.Runner(loop_factory=uvloop.new_event_loop)
    except ImportError:
        runner = asyncio.Runner()
    with runner:
        return runner.run(_serve_until_told(host, port, seed))


async def _serve_until_told(host: str, port: int, seed: str) -> int:
    try:
        sandbox = await start(host, port, seed=seed)
    except PortTaken as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"sandbox: control {sandbox.control_url}  KIS {sandbox.kis_url}  LS {sandbox.ls_url}\n")
    sys.stdout.flush()
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):  # Windows
            loop.add_signal_handler(number, told.set)
    await told.wait()
    await sandbox.stop()
    return 0
