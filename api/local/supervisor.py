"""``lucy up``: everything on one machine, in order, watched, and ended in order.

Order of the start: MongoDB, Valkey, sandbox and SPA side by side; then the API, and the demo accounts beside it; then the worker. Order of
the end: worker, API, SPA, sandbox; the databases last, so that whoever has something to write still can.

A child that dies is started again, also after ``kill -9``; so are the embedded servers, on the same ports. What Lucy holds in memory may
be lost with a process, and nothing else: that is what makes this safe.
"""

import asyncio
import os
import signal
from collections.abc import Mapping
from contextlib import AsyncExitStack
from datetime import timedelta
from time import monotonic

from api.local.child import Child
from api.local.console import Console
from api.local.data_dir import DataDir
from api.local.errors import LocalError
from api.local.ports import check_ports
from api.local.process import choose_port
from api.local.running import announce, spa_url, withdraw
from api.local.servers import Server, make_mongod, make_valkey, start_all
from api.local.spa_server import find_build
from api.settings import Settings

_READY_SECONDS = 60.0
_WATCH_SECONDS = 0.2
_RESTART_SECONDS = 2.0  # between two attempts to bring a database back
_POLL_SECONDS = 0.05
_SEED = "seed"
_FIXTURE_DELAY = timedelta(milliseconds=50)  # between requests to pages of our own


def up(settings: Settings) -> int:
    """Run everything until Ctrl-C or SIGTERM; the exit code.

    Raises:
        LocalError: Something stands in the way of the start; all that was started has been ended again.
    """
    return asyncio.run(_run(settings, Console()))


async def _run(settings: Settings, console: Console) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stop.set)
    data = DataDir(settings.data_dir)
    with data.lock():
        supervisor = Supervisor(settings, data, console)
        work = asyncio.create_task(supervisor.run())
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({work, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                console.step("stopping …")
        finally:
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                loop.add_signal_handler(number, supervisor.hurry)  # a second Ctrl-C: by force
            stopping.cancel()
            work.cancel()
            await asyncio.gather(work, stopping, return_exceptions=True)
        if not work.cancelled() and (error := work.exception()) is not None:
            raise error
        console.step("stopped; the data stays in " + str(data.path))
    return 0


class Supervisor:
    """Starts, watches and ends the processes of one copy of Lucy."""

    def __init__(self, settings: Settings, data: DataDir, console: Console) -> None:
        self._settings, self._data, self._console = settings, data, console
        self._servers: list[Server] = []
        self._children: dict[str, Child] = {}
        self._failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._tasks: set[asyncio.Task[None]] = set()
        self._environment: Mapping[str, str] = {}

    async def run(self) -> None:
        """Start everything and watch it until cancelled; ends all of it however it ends."""
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self._stop_all)
            starting = asyncio.create_task(self._start())
            stack.push_async_callback(_cancel, starting)
            await asyncio.wait({starting, self._failed}, return_when=asyncio.FIRST_COMPLETED)
            if starting.done():
                starting.result()
            await self._failed  # never set in good times: only a cancellation leaves this line

    def hurry(self) -> None:
        """Kill whatever has not ended yet."""
        for child in self._children.values():
            child.kill()

    async def _start(self) -> None:
        began = monotonic()
        settings = self._settings
        check_ports(settings)
        is_first = self._data.is_new()
        if is_first:
            self._console.step(f"first start: making secrets and databases in {self._data.path}")
        settings = self._data.with_secrets(settings)
        if not settings.mongodb_url:
            self._servers.append(await make_mongod(self._data, settings.mongodb_port))
        if not settings.redis_url:
            self._servers.append(await make_valkey(self._data, settings.redis_port))
        urls = {server.name: server.url for server in self._servers}
        settings = settings.model_copy(
            update={"mongodb_url": urls.get("mongod", settings.mongodb_url), "redis_url": urls.get("valkey", settings.redis_url)}
        )
        if settings.is_local:
            settings = _with_fixture_sites(settings)
        self._settings = settings
        self._environment = _environment(settings, self._data, has_color=self._console.has_color)
        if settings.is_local:
            self._launch("sandbox")
            self._launch("sites")
        if find_build() is not None:
            self._launch("spa")
        else:
            self._console.warn("the SPA is not built (`make up` builds it): going on without")
        await self._start_servers()
        self._launch("api")
        if not is_first:  # at the first start it would find no account, and look again only later
            self._launch("worker")
        if settings.is_local:
            await self._wait_for_http("sandbox", settings.sandbox_port, "/health")
            await self._wait_for_http("sites", settings.fixture_sites_port or 0, "/fixture")
            await self._seed()
        if is_first:
            self._launch("worker")
        await self._wait_for_http("api", settings.api_port, "/api/v1/health/ready")
        if "spa" in self._children:
            await self._wait_for_http("spa", settings.spa_port, "/config.json")
        if await self._children["worker"].wait_for_line("worker_ready", _READY_SECONDS):
            self._children["worker"].ready()
        else:
            raise LocalError(f"the worker was not ready within {_READY_SECONDS:.0f} s (its last words are above)")
        self._greet(monotonic() - began)

    async def _start_servers(self) -> None:
        if self._servers:
            self._console.step("starting " + " and ".join(f"{server.name} (port {server.port})" for server in self._servers) + " …")
            await start_all(self._servers)
        for server in self._servers:
            self._watch(server)
        self._announce()

    def _launch(self, name: str) -> None:
        child = Child(name, self._environment, self._console, self._announce)
        self._children[name] = child
        self._spawn(child.run())

    async def _seed(self) -> None:
        self._console.step("looking after the demo user, sandbox accounts and instruments …")
        child = Child(_SEED, self._environment, self._console, self._announce)
        self._children[_SEED] = child
        try:
            code = await child.run_once()
        finally:
            await child.stop()
            del self._children[_SEED]
            self._announce()
        if code != 0:
            raise LocalError(f"the demo accounts could not be made (`lucy {_SEED}` ended with code {code}; its words are above)")

    def _watch(self, server: Server) -> None:
        async def keep_alive() -> None:
            while True:
                await asyncio.sleep(_WATCH_SECONDS)
                if server.is_alive():
                    continue
                self._console.warn(f"{server.name} died: starting it again")
                try:
                    await server.start()
                    self._announce()
                except LocalError as error:
                    self._console.warn(str(error))
                    await asyncio.sleep(_RESTART_SECONDS)

        self._spawn(keep_alive())

    async def _wait_for_http(self, name: str, port: int, path: str) -> None:
        host = self._settings.sandbox_host if name in ("sandbox", "sites") else self._settings.host
        deadline = monotonic() + _READY_SECONDS
        while not await _answers(_reachable(host), port, path):
            if monotonic() > deadline:
                raise LocalError(f"{name} was not ready within {_READY_SECONDS:.0f} s (its last words are above)")
            await asyncio.sleep(_POLL_SECONDS)
        self._children[name].ready()

    def _spawn(self, work: "asyncio._CoroutineLike[None]") -> None:
        def report(task: "asyncio.Task[None]") -> None:
            self._tasks.discard(task)
            if not task.cancelled() and (error := task.exception()) is not None and not self._failed.done():
                self._failed.set_exception(error)

        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(report)

    def _announce(self) -> None:
        children = {name: child.pid for name, child in self._children.items()} | {server.name: server.pid for server in self._servers}
        announce(self._data, self._settings, os.getpid(), children)

    async def _stop_all(self) -> None:
        for group in (["worker", _SEED], ["api"], ["spa", "sandbox", "sites"]):
            await asyncio.gather(*(self._children[name].stop() for name in group if name in self._children))
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(server.stop() for server in self._servers))
        withdraw(self._data)

    def _greet(self, seconds: float) -> None:
        settings = self._settings
        lines = ["", f"Lucy is ready ({seconds:.1f} s). Ctrl-C stops everything; the data stays in {self._data.path}", ""]
        if "spa" in self._children:
            lines.append(f"  in a browser   {spa_url(settings)}")
        lines.append(f"  API            {settings.api_url}/api/v1   (schema: /api/v1/openapi.json)")
        if settings.is_local:
            lines.append(f"  sandbox        {settings.sandbox_url}   (KIS {settings.kis_sandbox_url}, LS {settings.ls_sandbox_url})")
            lines.append("  sign in        demo / lucy-demo")
            lines.append("  try            make demo   (or: .venv/bin/lucy demo) in a second terminal")
        for line in [*lines, ""]:
            self._console.step(line)


def _with_fixture_sites(settings: Settings) -> Settings:
    """A port for the invented pages of 38 and 주달, and both sites' addresses there, but for one that is set by hand."""
    port = settings.fixture_sites_port or choose_port()
    url = f"http://{_reachable(settings.sandbox_host)}:{port}"
    addresses = {name: url for name in ("site38_url", "judal_url") if name not in settings.model_fields_set}
    delay = {} if "site_delay" in settings.model_fields_set or len(addresses) < 2 else {"site_delay": _FIXTURE_DELAY}
    return settings.model_copy(update={"fixture_sites_port": port, **addresses, **delay})


def _environment(settings: Settings, data: DataDir, *, has_color: bool) -> Mapping[str, str]:
    """What the children get: this process's own variables, and what was found out or generated here."""
    return os.environ | {
        "MONGODB_URL": settings.mongodb_url,
        "REDIS_URL": settings.redis_url,
        "LUCY_SECRET_KEY": settings.secret_key.get_secret_value(),
        "LUCY_ENCRYPTION_KEYS": ",".join(key.get_secret_value() for key in settings.encryption_keys),
        "LUCY_DATA_DIR": str(data.path),
        "LUCY_FIXTURE_SITES_PORT": str(settings.fixture_sites_port or ""),
        "LUCY_SITE38_URL": settings.site38_url,
        "LUCY_JUDAL_URL": settings.judal_url,
        "LUCY_SITE_DELAY": str(settings.site_delay.total_seconds()),
        "LUCY_LOG_COLOR": "always" if has_color else "never",
        "PYTHONUNBUFFERED": "1",
    }


async def _cancel(task: "asyncio.Task[None]") -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def _reachable(host: str) -> str:
    """An address that reaches a server bound to ``host``: the wildcard ones are no destinations everywhere."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)


async def _answers(host: str, port: int, path: str) -> bool:
    """Whether a GET is answered with 200."""
    try:
        async with asyncio.timeout(2):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n".encode())
                status = await reader.readline()
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return False
    return status.split(b" ")[1:2] == [b"200"]
