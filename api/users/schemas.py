"""Users on the wire."""

from datetime import datetime
from typing import Annotated, Self

from msgspec import UNSET, Meta, Struct, UnsetType

from api.domain.enums import Role
from api.users.documents import UserDocument

Username = Annotated[
    str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.@-]{1,63}$(?!\n)", description="Log-in name; capitals do not matter.", examples=["trader1"])
]
Password = Annotated[str, Meta(min_length=8, max_length=200, description="At least 8 characters.", examples=["correct horse battery"])]
PersonName = Annotated[str, Meta(min_length=1, max_length=80, description="Name shown to people.", examples=["홍길동"])]


class User(Struct, kw_only=True, frozen=True):
    """A user, without the password."""

    id: str
    username: str
    name: str
    role: Role
    is_active: bool
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, document: UserDocument) -> Self:
        """The wire form of a stored user."""
        return cls(
            id=document.id,
            username=document.username,
            name=document.name,
            role=Role(document.role),
            is_active=document.is_active,
            created_at=document.created_at,
            updated_at=document.updated_at,
        )


class UserPage(Struct, kw_only=True, frozen=True):
    """Users, oldest first."""

    items: list[User]
    next_cursor: str | None


class CreateUser(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """A new user."""

    username: Username
    password: Password
    role: Role = Role.TRADER
    name: PersonName | None = None


class ChangeUser(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """What to change; what is left out stays. A new password, role or ``is_active: false`` ends the user's sessions."""

    name: PersonName | UnsetType = UNSET
    role: Role | UnsetType = UNSET
    password: Password | UnsetType = UNSET
    is_active: bool | UnsetType = UNSET


class ChangeMe(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """What a user may change of their own profile."""

    name: PersonName | UnsetType = UNSET
