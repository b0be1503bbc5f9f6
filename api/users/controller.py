"""Routes of user management, for admins."""

from typing import Annotated

from litestar import Controller, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter, QueryParameter
from msgspec import UNSET

from api.auth.principal import Principal
from api.auth.service import AuthService
from api.errors import Forbidden
from api.kit.cursors import decode_cursor, encode_cursor
from api.problems import problems
from api.users.schemas import ChangeUser, CreateUser, User, UserPage
from api.users.service import UserService

_ID = PathParameter(pattern=r"^[0-9a-f]{24}$", description="Id of the user.")


class UserController(Controller):
    """Manage users; only admins may."""

    path = "/users"
    tags = ["users"]  # noqa: RUF012 - Litestar declares it so

    @get(operation_id="listUsers", summary="List users", responses=problems(400, 401, 403, 422))
    async def list_users(
        self,
        principal: NamedDependency[Principal],
        user_service: NamedDependency[UserService],
        limit: Annotated[int, QueryParameter(ge=1, le=500)] = 100,
        cursor: Annotated[str | None, QueryParameter(max_length=200)] = None,
    ) -> UserPage:
        """Users, oldest first."""
        _require_admin(principal)
        users = await user_service.list_page(limit=limit + 1, after_id=decode_cursor(cursor))
        next_cursor = encode_cursor(users[limit - 1].id) if len(users) > limit else None
        return UserPage(items=[User.of(user) for user in users[:limit]], next_cursor=next_cursor)

    @post(operation_id="createUser", summary="Add a user", responses=problems(400, 401, 403, 409, 422))
    async def create_user(
        self, data: JSONBody[CreateUser], principal: NamedDependency[Principal], user_service: NamedDependency[UserService]
    ) -> User:
        """Add a user with a first password."""
        _require_admin(principal)
        return User.of(await user_service.create(principal.user_id, data))

    @get("/{user_id:str}", operation_id="getUser", summary="One user", responses=problems(401, 403, 404))
    async def get_user(
        self, user_id: Annotated[str, _ID], principal: NamedDependency[Principal], user_service: NamedDependency[UserService]
    ) -> User:
        """One user."""
        _require_admin(principal)
        return User.of(await user_service.get(user_id))

    @patch("/{user_id:str}", operation_id="changeUser", summary="Change a user", responses=problems(400, 401, 403, 404, 422))
    async def change_user(
        self,
        user_id: Annotated[str, _ID],
        data: JSONBody[ChangeUser],
        principal: NamedDependency[Principal],
        user_service: NamedDependency[UserService],
        auth_service: NamedDependency[AuthService],
    ) -> User:
        """Change a user; a new password, role or deactivation ends their sessions."""
        _require_admin(principal)
        user = await user_service.change(principal.user_id, user_id, data)
        if data.password is not UNSET or data.role is not UNSET or data.is_active is False:
            await auth_service.end_sessions(user_id)
        return User.of(user)

    @delete("/{user_id:str}", operation_id="deleteUser", summary="Deactivate a user", responses=problems(401, 403, 404, 422))
    async def delete_user(
        self,
        user_id: Annotated[str, _ID],
        principal: NamedDependency[Principal],
        user_service: NamedDependency[UserService],
        auth_service: NamedDependency[AuthService],
    ) -> None:
        """Deactivate a user and end their sessions; what they did stays on record."""
        _require_admin(principal)
        await user_service.change(principal.user_id, user_id, ChangeUser(is_active=False))
        await auth_service.end_sessions(user_id)


def _require_admin(principal: Principal) -> None:
    if not principal.is_admin:
        raise Forbidden("Only admins may manage users.")
