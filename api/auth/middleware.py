"""Who makes a request: from the ``Authorization`` header, or, for an event stream only, from a ticket.

`require_principal` guards all routes below the base path: what is not marked as open answers nobody without a token, whatever else is
wrong with the request. `tests/http/test_access.py` goes through all routes and sees that it is so.
"""

from typing import Any

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.di import NamedDependency
from litestar.handlers import BaseRouteHandler

from api.auth.principal import READ, Principal
from api.auth.service import AuthService
from api.errors import Forbidden, NotAuthenticated
from api.kit.asker import set_asker

OPEN = {"is_open": True}
"""``opt`` of a route that answers without a token."""

_EVENTS_PATH = "/api/v1/events"
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_SCOPE_KEY = "lucy_principal"


async def require_principal(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """A guard: asks who it is before the body is read."""
    if not handler.opt.get("is_open"):
        connection.scope[_SCOPE_KEY] = await _authenticate(connection, connection.app.state.services.auth)  # type: ignore[literal-required]


async def provide_principal(request: Request[Any, Any, Any], auth_service: NamedDependency[AuthService]) -> Principal:
    """The caller; `NotAuthenticated` without a valid token, `Forbidden` for a key that may not do this."""
    known: Principal | None = request.scope.get(_SCOPE_KEY)  # type: ignore[assignment]
    return known or await _authenticate(request, auth_service)


async def _authenticate(connection: ASGIConnection[Any, Any, Any, Any], auth_service: AuthService) -> Principal:
    scheme, _, token = connection.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token:
        principal = await auth_service.authenticate(token.strip())
    else:
        ticket = connection.query_params.get("ticket")
        if not ticket or connection.scope["path"].rstrip("/") != _EVENTS_PATH:
            raise NotAuthenticated("Send an access token or API key as 'Authorization: Bearer …'.")
        principal = await auth_service.redeem_ticket(ticket)
    if connection.scope.get("method") not in _SAFE_METHODS and principal.scopes <= {READ}:
        raise Forbidden("This key may only read.")
    set_asker(principal.user_id)
    return principal
