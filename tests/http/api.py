"""What the tests of routes share."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import httpx
from litestar import Litestar

from api.bootstrap import Services
from api.domain.enums import Role

PASSWORD = "correct horse battery"

SignIn = Callable[[Role, str], Awaitable[dict[str, str]]]


@dataclass(frozen=True, kw_only=True)
class Api:
    """A running API: a client, and its insides for what no route does."""

    client: httpx.AsyncClient
    services: Services
    app: Litestar
