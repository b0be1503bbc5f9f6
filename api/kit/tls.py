"""Whom HTTP clients trust."""

import functools
import ssl

import httpx


@functools.cache
def trusted() -> ssl.SSLContext:
    """The usual certificates, whatever the environment says; read once a process, for that takes some 50 ms each time."""
    return httpx.create_ssl_context(trust_env=False)
