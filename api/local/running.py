"""``run.json``: where the running ``lucy up`` of a data folder can be reached, for commands in a second terminal and for tests."""

from typing import Any

from api.local.data_dir import DataDir
from api.local.errors import LocalError
from api.local.process import command_line
from api.settings import Settings

_FILE = "run.json"


def announce(data: DataDir, settings: Settings, pid: int, children: dict[str, int]) -> None:
    """Write it. The file holds addresses with passwords, and is readable by this user alone.

    Its fields: ``pid`` of the supervisor, ``children`` (name → pid, kept up to date), ``api_url``, ``spa_url``, ``sandbox_url``,
    ``mongodb_url``, ``redis_url``, ``database``, ``redis_prefix``.
    """
    content = {
        "pid": pid,
        "children": children,
        "api_url": settings.api_url,
        "spa_url": spa_url(settings),
        "sandbox_url": settings.sandbox_url,
        "mongodb_url": settings.mongodb_url,
        "redis_url": settings.redis_url,
        "database": settings.database,
        "redis_prefix": settings.redis_prefix,
    }
    data.write(_FILE, content)


def withdraw(data: DataDir) -> None:
    """Remove it at the end."""
    data.remove(_FILE)


def find_running(data: DataDir) -> dict[str, Any] | None:
    """Its content, if that ``lucy up`` still runs."""
    content = data.read(_FILE)
    pid = content.get("pid")
    return content if isinstance(pid, int) and command_line(pid) else None


def with_servers(settings: Settings) -> Settings:
    """The settings of a single process: in ``local``, what is missing comes from the data folder and the ``lucy up`` that runs there.

    Raises:
        LocalError: An address is missing and nothing runs.
    """
    if not settings.is_local:
        return settings
    data = DataDir(settings.data_dir)
    settings = data.with_secrets(settings)
    if settings.mongodb_url and settings.redis_url:
        return settings
    running = find_running(data)
    if running is None:
        raise LocalError(f"no `lucy up` runs from {data.path}: start one, or set MONGODB_URL and REDIS_URL")
    return settings.model_copy(
        update={
            "mongodb_url": settings.mongodb_url or running["mongodb_url"],
            "redis_url": settings.redis_url or running["redis_url"],
        }
    )


def spa_url(settings: Settings) -> str:
    """Where a browser on this machine finds the SPA."""
    return f"http://127.0.0.1:{settings.spa_port}"
