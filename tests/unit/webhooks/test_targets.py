"""Where a webhook may point. No name is looked up here: addresses stand for themselves."""

import socket

import pytest

from api.errors import InvalidRequest
from api.webhooks.targets import TargetRefused, checked_socket, is_public, require_good_url

PRIVATE = [
    "127.0.0.1",
    "127.8.9.1",
    "0.0.0.0",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "169.254.169.254",
    "192.0.2.1",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b:1::7f00:1",
    "2002:7f00:1::1",
    "2001:0:7f00:1::1",
    "2001:db8::1",
    "fc00::1",
    "fe80::1",
    "fe80::1%eth0",
    "ff02::1",
    "no address",
]


@pytest.mark.parametrize("address", PRIVATE)
def test_no_address_of_a_private_or_special_network_is_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "211.115.96.10", "2606:4700::1111", "::ffff:8.8.8.8"])
def test_an_address_of_the_internet_is_public(address: str) -> None:
    assert is_public(address)


def test_a_socket_is_made_for_a_public_address_alone() -> None:
    rest = (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "")

    checked_socket((*rest, ("8.8.8.8", 443))).close()
    with pytest.raises(TargetRefused):
        checked_socket((*rest, ("127.0.0.1", 443)))


@pytest.mark.parametrize(
    "url",
    [
        "http://8.8.8.8/hook",
        "https://127.0.0.1/hook",
        "https://[::1]/hook",
        "https://2130706433/hook",
        "https://0x7f.1/hook",
        "https://127.1/hook",
        "https://localhost/hook",
        "https://10.0.0.1:8443/hook",
        "https://user:password@8.8.8.8/",
        "https://8.8.8.8/#part",
        "https://",
        "https:///hook",
        "https://8.8.8.8/a b",
        "https://8.8.8.8/\r\nHost: x",
        "https://8.8.8.8:99999/",
        "ftp://8.8.8.8/",
        "file:///etc/passwd",
        "hook",
    ],
)
async def test_outside_local_such_an_address_is_refused_and_the_field_is_named(url: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        await require_good_url(url, is_local=False)

    assert refused.value.extra["errors"][0]["field"] == "url"


async def test_outside_local_https_to_a_public_address_is_good() -> None:
    await require_good_url("https://8.8.8.8:8443/hook?tenant=1", is_local=False)


async def test_in_local_this_machine_is_good_and_another_scheme_is_not() -> None:
    await require_good_url("http://127.0.0.1:9000/hook", is_local=True)

    with pytest.raises(InvalidRequest):
        await require_good_url("ftp://127.0.0.1/hook", is_local=True)
