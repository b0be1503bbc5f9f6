"""The command ``lucy``: reads arguments and settings, calls, prints one line on an error.

Exit codes: 0 done (also after Ctrl-C of something that runs until then), 1 it did not work, 2 wrong usage.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from api.errors import LucyError
from api.local.errors import LocalError
from api.settings import Settings, SettingsError, load_settings

_SHUTDOWN_SECONDS = 3  # listeners of events hold their connections for ever: they are cut off after this
_BACKLOG = 2_048

Command = Callable[[Settings, argparse.Namespace], int]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code."""
    parsed = _parser().parse_args(arguments)
    run: Command = parsed.run
    try:
        settings = load_settings()
    except SettingsError as error:
        print(f"lucy: {error}", file=sys.stderr)
        return 1
    try:
        return run(settings, parsed)
    except (LucyError, LocalError, SettingsError) as error:
        print(f"lucy: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0
    except Exception:  # the outermost loop: a traceback goes where secrets are masked
        import structlog

        from api.logs import set_up_logs

        set_up_logs(settings)
        structlog.get_logger(__name__).exception("command_failed", command=parsed.command)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="lucy", description="Lucy: an order-management system for Korean stocks.")
    commands = parser.add_subparsers(dest="command", metavar="command", required=True)

    def add(name: str, run: Command, text: str | None) -> argparse.ArgumentParser:
        # a command without text is for Lucy's own use and not listed
        command = commands.add_parser(name, help=text) if text else commands.add_parser(name)
        command.set_defaults(run=run)
        return command

    add("up", _up, "everything on this machine: databases, sandbox brokers, API, worker, SPA")
    add("api", _api, "the JSON API")
    add("worker", _worker, "the jobs and the brokers' execution streams")
    add("spa", _spa, "the built SPA as static files")
    add("sandbox", _sandbox, "a local market behind KIS's and LS's protocols")
    add("demo", _demo, "a guided run against a running Lucy")
    openapi = add("openapi", _openapi, "write the API's schema")
    openapi.add_argument("path", nargs="?", type=Path, default=Path("openapi.json"), help="default: openapi.json")
    create_user = add("create-user", _create_user, "add somebody who may sign in; the password is asked for, or read from standard input")
    create_user.add_argument("username")
    create_user.add_argument("--role", choices=["admin", "trader", "viewer"], default="trader", help="default: trader")
    add("verify-audit", _verify_audit, "walk the audit log's chain; exit code 1 where it is broken")
    add("seed", _seed, None)
    add("webhooks", _webhooks, None)
    add("sites", _sites, None)
    add("version", _version, "print the version")
    return parser


def _up(settings: Settings, _arguments: argparse.Namespace) -> int:
    from api.local.supervisor import up

    return up(settings)


def _api(settings: Settings, _arguments: argparse.Namespace) -> int:
    import uvicorn

    from api.app import create_app
    from api.local.ports import check_port
    from api.local.running import with_servers
    from api.logs import set_up_logs

    settings = with_servers(settings)
    check_port(settings.host, settings.api_port, "LUCY_API_PORT")
    app = create_app(settings)
    set_up_logs(settings)  # after the application is made: Litestar puts handlers of its own on the root logger
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.api_port,
        http="httptools",
        ws="none",
        lifespan="on",
        access_log=False,
        log_config=None,
        server_header=False,
        backlog=_BACKLOG,
        timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
    )
    server = uvicorn.Server(config)
    server.run()
    return 0 if server.started else 1


def _worker(settings: Settings, _arguments: argparse.Namespace) -> int:
    from api.local.running import with_servers
    from api.logs import set_up_logs
    from worker.main import run

    settings = with_servers(settings)
    set_up_logs(settings)
    run(settings)
    return 0


def _webhooks(settings: Settings, _arguments: argparse.Namespace) -> int:
    from api.local.running import with_servers
    from api.logs import set_up_logs
    from worker.webhooks.main import run

    settings = with_servers(settings)
    set_up_logs(settings)
    run(settings)
    return 0


def _spa(settings: Settings, _arguments: argparse.Namespace) -> int:
    from api.local.spa_server import run

    return run(settings)


def _sandbox(settings: Settings, _arguments: argparse.Namespace) -> int:
    from api.brokers.sandbox.server import run
    from api.logs import set_up_logs

    if not settings.is_local:
        raise SettingsError("the sandbox belongs to LUCY_MODE=local")
    set_up_logs(settings)
    return run(settings.sandbox_host, settings.sandbox_port, seed=settings.sandbox_seed)


def _sites(settings: Settings, _arguments: argparse.Namespace) -> int:
    from api.local.fixture_sites.server import run

    if not settings.is_local:
        raise SettingsError("invented pages belong to LUCY_MODE=local")
    return run(settings)


def _demo(settings: Settings, _arguments: argparse.Namespace) -> int:
    from api.local.demo import run

    return run(settings)


def _openapi(settings: Settings, arguments: argparse.Namespace) -> int:
    from api.app import create_app
    from api.openapi import write_schema

    path: Path = arguments.path
    write_schema(create_app(settings), path)
    print(f"wrote {path}")
    return 0


def _seed(settings: Settings, _arguments: argparse.Namespace) -> int:
    import asyncio

    from api.bootstrap import open_services
    from api.local.running import with_servers
    from api.local.seed import queue_first_runs, seed
    from api.logs import set_up_logs

    if not settings.is_local:
        raise SettingsError("demo accounts belong to LUCY_MODE=local")
    settings = with_servers(settings)
    set_up_logs(settings)

    async def run() -> None:
        async with open_services(settings) as services:
            await seed(services)
            await queue_first_runs(services)

    asyncio.run(run())
    return 0


def _verify_audit(settings: Settings, _arguments: argparse.Namespace) -> int:
    import asyncio

    from api.bootstrap import open_services
    from api.local.running import with_servers

    async def run() -> int:
        async with open_services(with_servers(settings)) as services:
            found = await services.audit.verify()
        if found.broken is not None:
            print(f"audit log BROKEN at entry {found.broken.sequence}: {found.broken.reason}", file=sys.stderr)
            return 1
        print(f"audit log whole: {found.count} entries, {found.unchained_count} older ones without a hash, newest hash {found.head.hash}")
        return 0

    return asyncio.run(run())


def _create_user(settings: Settings, arguments: argparse.Namespace) -> int:
    import asyncio
    import getpass

    import msgspec

    from api.bootstrap import open_services
    from api.local.running import with_servers
    from api.users.schemas import CreateUser

    settings = with_servers(settings)
    password = getpass.getpass("Password: ") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
    wanted = {"username": arguments.username, "password": password, "role": arguments.role}
    try:
        request = msgspec.convert(wanted, CreateUser)
    except msgspec.ValidationError as error:
        print(f"lucy: {error}", file=sys.stderr)
        return 1

    async def run() -> None:
        async with open_services(settings) as services:
            await services.users.create("cli", request)

    asyncio.run(run())
    print(f"{request.username} may sign in now")
    return 0


def _version(_settings: Settings, _arguments: argparse.Namespace) -> int:
    try:
        print(version("lucy-oms"))
    except PackageNotFoundError:  # run from a folder that was never installed
        from api import __version__

        print(__version__)
    return 0


if __name__ == "__main__":
    sys.exit(main())
