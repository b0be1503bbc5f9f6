"""The ports of ``lucy up``, looked at before anything is started."""

import os
import socket

from api.local.errors import LocalError
from api.settings import Settings


def check_ports(settings: Settings) -> None:
    """See that each port can be used.

    Raises:
        LocalError: One cannot, or two settings name the same; the line names port and setting.
    """
    wanted = [
        (settings.host, settings.api_port, "LUCY_API_PORT"),
        (settings.host, settings.spa_port, "LUCY_SPA_PORT"),
    ]
    if settings.is_local:
        wanted += [(settings.sandbox_host, settings.sandbox_port + offset, "LUCY_SANDBOX_PORT") for offset in range(3)]
        if settings.fixture_sites_port is not None:
            wanted.append((settings.sandbox_host, settings.fixture_sites_port, "LUCY_FIXTURE_SITES_PORT"))
    seen: dict[int, str] = {}
    for host, port, setting in wanted:
        if port in seen:
            raise LocalError(f"port {port} is wanted by both {seen[port]} and {setting}: change one of them")
        seen[port] = setting
        check_port(host, port, setting)


def check_port(host: str, port: int, setting: str) -> None:
    """See that one port can be used; raises `LocalError` with a line that names port and setting."""
    try:
        address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        with socket.socket(address[0], socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address[4])
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)
        what = f"port {port} is in use" if "in use" in reason else f"port {port} on {host} cannot be used ({reason})"
        after = " (the sandbox takes three ports in a row)" if setting == "LUCY_SANDBOX_PORT" else ""
        raise LocalError(f"{what}: set {setting} to a free one{after}") from error
