"""Routes of signing in, the own profile and API keys."""

from typing import Annotated, Any
from urllib.parse import urlsplit

from litestar import Controller, Request, Response, delete, get, patch, post
from litestar.datastructures import Cookie
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter

from api.auth.middleware import OPEN
from api.auth.principal import Principal
from api.auth.schemas import AccessToken, ApiKey, ApiKeyPage, ChangePassword, CreateApiKey, LogIn, Me, NewApiKey
from api.auth.service import AuthService, Session
from api.errors import Forbidden, NotAuthenticated
from api.problems import problems
from api.settings import Settings
from api.users.documents import UserDocument
from api.users.schemas import ChangeMe, ChangeUser
from api.users.service import UserService

_COOKIE = "lucy_refresh"
_COOKIE_PATH = "/api/v1/auth"


class AuthController(Controller):
    """Sign in and out."""

    path = "/auth"
    tags = ["auth"]  # noqa: RUF012 - Litestar declares it so

    @post(
        "/login",
        status_code=200,
        operation_id="logIn",
        summary="Sign in",
        security=[{}],
        opt=OPEN,
        responses=problems(400, 401, 422, 429),
    )
    async def log_in(
        self,
        request: Request[Any, Any, Any],
        data: JSONBody[LogIn],
        auth_service: NamedDependency[AuthService],
        settings: NamedDependency[Settings],
    ) -> Response[AccessToken]:
        """An access token for 15 minutes, and an httpOnly cookie that renews it."""
        return _answer(await auth_service.log_in(data, _address(request)), settings)

    @post(
        "/refresh",
        status_code=200,
        operation_id="refreshToken",
        summary="Renew the access token",
        security=[{}],
        opt=OPEN,
        responses=problems(401, 403),
    )
    async def refresh(
        self, request: Request[Any, Any, Any], auth_service: NamedDependency[AuthService], settings: NamedDependency[Settings]
    ) -> Response[AccessToken]:
        """A new access token by the cookie, which is renewed as well."""
        _check_origin(request, settings)
        token = request.cookies.get(_COOKIE)
        if not token:
            raise NotAuthenticated("There is no session; sign in.")
        return _answer(await auth_service.refresh(token), settings)

    @post("/logout", status_code=204, operation_id="logOut", summary="Sign out", security=[{}], opt=OPEN, responses=problems(403))
    async def log_out(
        self, request: Request[Any, Any, Any], auth_service: NamedDependency[AuthService], settings: NamedDependency[Settings]
    ) -> Response[None]:
        """End the session of the cookie."""
        _check_origin(request, settings)
        if token := request.cookies.get(_COOKIE):
            await auth_service.log_out(token)
        response: Response[None] = Response(None, status_code=204)
        response.set_cookie(_cookie("", 0, settings))
        return response

    @get("/me", operation_id="getMe", summary="The caller", responses=problems(401))
    async def me(self, principal: NamedDependency[Principal], user_service: NamedDependency[UserService]) -> Me:
        """Who the token belongs to."""
        return _me(principal, await user_service.get(principal.user_id))

    @patch("/me", operation_id="changeMe", summary="Change the own profile", responses=problems(400, 401, 422))
    async def change_me(
        self, data: JSONBody[ChangeMe], principal: NamedDependency[Principal], user_service: NamedDependency[UserService]
    ) -> Me:
        """Change the name shown to people."""
        return _me(principal, await user_service.change(principal.user_id, principal.user_id, ChangeUser(name=data.name)))

    @post(
        "/password", status_code=204, operation_id="changePassword", summary="Change the password", responses=problems(400, 401, 422, 429)
    )
    async def change_password(
        self,
        request: Request[Any, Any, Any],
        data: JSONBody[ChangePassword],
        principal: NamedDependency[Principal],
        auth_service: NamedDependency[AuthService],
    ) -> None:
        """Set a new password; all sessions end, this one too: sign in again."""
        await auth_service.change_password(principal, data, _address(request))


class ApiKeyController(Controller):
    """Keys for programs."""

    path = "/api-keys"
    tags = ["auth"]  # noqa: RUF012 - Litestar declares it so

    @get(operation_id="listApiKeys", summary="List API keys", responses=problems(401))
    async def list_keys(self, principal: NamedDependency[Principal], auth_service: NamedDependency[AuthService]) -> ApiKeyPage:
        """The caller's keys."""
        return ApiKeyPage(items=[ApiKey.of(key) for key in await auth_service.list_keys(principal)], next_cursor=None)

    @post(operation_id="createApiKey", summary="Make an API key", responses=problems(400, 401, 403, 422))
    async def create_key(
        self, data: JSONBody[CreateApiKey], principal: NamedDependency[Principal], auth_service: NamedDependency[AuthService]
    ) -> NewApiKey:
        """Make a key; its secret is shown this once."""
        key, secret = await auth_service.create_key(principal, data)
        return NewApiKey(id=key.id, name=key.name, hint=key.hint, scopes=list(key.scopes), created_at=key.created_at, secret=secret)

    @delete("/{key_id:str}", operation_id="deleteApiKey", summary="Revoke an API key", responses=problems(401, 403, 404))
    async def delete_key(
        self,
        key_id: Annotated[str, PathParameter(pattern=r"^[0-9a-f]{24}$", description="Id of the key.")],
        principal: NamedDependency[Principal],
        auth_service: NamedDependency[AuthService],
    ) -> None:
        """Revoke a key; another process may accept it for up to 5 s more."""
        await auth_service.delete_key(principal, key_id)


def _address(request: Request[Any, Any, Any]) -> str:
    return request.client.host if request.client else ""


def _check_origin(request: Request[Any, Any, Any], settings: Settings) -> None:
    """Routes that act by cookie answer only pages of named origins; programs send no Origin."""
    origin = request.headers.get("origin")
    # Behind a proxy that ends TLS the scheme differs, so hosts are compared: a page cannot choose either header.
    is_own = origin is not None and urlsplit(origin).netloc == request.headers.get("host", "")
    if origin is not None and origin not in settings.cors_origins and not is_own:
        raise Forbidden("This origin may not use the session.")


def _answer(session: Session, settings: Settings) -> Response[AccessToken]:
    response = Response(
        AccessToken(access_token=session.access_token, token_type="Bearer", expires_in=session.expires_in),
        status_code=200,
        headers={"Cache-Control": "no-store"},
    )
    response.set_cookie(_cookie(session.refresh_token, int(settings.refresh_token_lifetime.total_seconds()), settings))
    return response


def _cookie(value: str, max_age: int, settings: Settings) -> Cookie:
    return Cookie(
        key=_COOKIE,
        value=value,
        path=_COOKIE_PATH,
        max_age=max_age,
        httponly=True,
        secure=not settings.is_local,
        samesite="strict",
    )


def _me(principal: Principal, user: UserDocument) -> Me:
    return Me(id=user.id, username=user.username, name=user.name, role=principal.role, scopes=sorted(principal.scopes))
