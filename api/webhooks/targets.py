"""Where a webhook may point: nobody shall make Lucy call what only Lucy can reach (server-side request forgery).

Outside ``local`` only https to public addresses. The name is looked at when the webhook is made, to tell its owner early; what counts is
`checked_socket`, which sees each address right before it is connected to: what a name resolves to may change at any moment.
"""

import asyncio
import ipaddress
import socket
from typing import Any

import httpx

from api.errors import InvalidRequest

_TRANSLATED = (
    ipaddress.ip_network("64:ff9b::/96"),  # NAT64 (RFC 6052)
    ipaddress.ip_network("64:ff9b:1::/48"),  # NAT64 of a local kind (RFC 8215)
    ipaddress.ip_network("2002::/16"),  # 6to4 (RFC 3056)
    ipaddress.ip_network("2001::/32"),  # Teredo (RFC 4380)
    ipaddress.ip_network("::/96"),  # IPv4-compatible (RFC 4291 §2.5.5.1)
)
"""IPv6 networks whose addresses stand for an IPv4 address, which may be a private one."""


class TargetRefused(OSError):
    """The address is not a public one."""


def is_public(address: str) -> bool:
    """Whether an IP address is one of the public Internet."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            return is_public(str(ip.ipv4_mapped))
        if any(ip in network for network in _TRANSLATED):
            return False
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or ip.is_unspecified or ip.is_loopback or ip.is_link_local)


def checked_socket(address_info: tuple[Any, ...]) -> socket.socket:
    """A socket for this one address (family, type, protocol, name, address); `TargetRefused` for one that is not public."""
    family, kind, protocol, _, address = address_info
    if not is_public(str(address[0])):
        raise TargetRefused("the address is not a public one")
    return socket.socket(family=family, type=kind, proto=protocol)


async def require_good_url(url: str, *, is_local: bool) -> None:
    """See that a webhook may be sent there; `InvalidRequest` says why not.

    Args:
        url: As the user gave it.
        is_local: Whether this is the profile ``local``, where http and this machine are allowed.
    """
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise _refused("This is not an address.") from error
    if not url.isascii() or any(character <= " " for character in url):
        raise _refused("Write the address in ASCII, without spaces.")
    if parsed.scheme not in (("https", "http") if is_local else ("https",)):
        raise _refused("The address must begin with https://.")
    if not parsed.host or parsed.userinfo or parsed.fragment:
        raise _refused("The address needs a host, and no user, password or fragment.")
    if parsed.port is not None and not 1 <= parsed.port <= 65535:
        raise _refused("There is no such port.")
    if not is_local:
        await _require_public(parsed.host, parsed.port or 443)


async def _require_public(host: str, port: int) -> None:
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise _refused("The host cannot be found.") from error
    if not found or not all(is_public(str(address[0])) for *_, address in found):
        raise _refused("The host is not at a public address.")


def _refused(message: str) -> InvalidRequest:
    return InvalidRequest(message, errors=[{"field": "url", "message": message}])
