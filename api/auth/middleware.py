"""Who makes a request: from the ``Authorization`` header, or, for an event stream only, from a ticket.

A route that asks for a ``principal`` answers nobody without a token. `tests/http/test_access.py` goes through all routes and sees that each
does, but for the few that are meant to be open.
"""

from typing import Any

from litestar import Request
from litestar.di import NamedDependency

from api.auth.principal import READ, Principal
from api.auth.service import AuthService
from api.errors import Forbidden, NotAuthenticated

_EVENTS_PATH = "/api/v1/events"
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


async def provide_principal(request: Request[Any, Any, Any], auth_service: NamedDependency[AuthService]) -> Principal:
    """The caller; `NotAuthenticated` without a valid token, `Forbidden` for a key that may not do this."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token:
        principal = await auth_service.authenticate(token.strip())
    else:
        ticket = request.query_params.get("ticket")
        if not ticket or request.scope["path"].rstrip("/") != _EVENTS_PATH:
            raise NotAuthenticated("Send an access token or API key as 'Authorization: Bearer …'.")
        principal = await auth_service.redeem_ticket(ticket)
    if request.method not in _SAFE_METHODS and principal.scopes <= {READ}:
        raise Forbidden("This key may only read.")
    return principal
