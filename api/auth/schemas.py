"""Signing in, on the wire."""

from datetime import datetime
from typing import Annotated, Literal, Self

from msgspec import Meta, Struct

from api.auth.documents import ApiKeyDocument
from api.domain.enums import Role
from api.users.schemas import Password


class LogIn(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """User name and password."""

    username: Annotated[str, Meta(min_length=1, max_length=100, examples=["demo"])]
    password: Annotated[str, Meta(min_length=1, max_length=200, examples=["lucy-demo"])]


class AccessToken(Struct, kw_only=True, frozen=True):
    """Send it as ``Authorization: Bearer <access_token>``; ``expires_in`` in seconds."""

    access_token: str
    token_type: Literal["Bearer"]
    expires_in: int


class Me(Struct, kw_only=True, frozen=True):
    """The caller."""

    id: str
    username: str
    name: str
    role: Role
    scopes: list[str]


class ChangePassword(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """The old and the new password."""

    current_password: Annotated[str, Meta(min_length=1, max_length=200)]
    new_password: Password


Scope = Literal["read", "trade", "admin"]


class CreateApiKey(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """A key to make. It can do what its scopes and the user's role both allow."""

    name: Annotated[str, Meta(min_length=1, max_length=60, examples=["AssetERP"])]
    scopes: Annotated[list[Scope], Meta(min_length=1, max_length=3, examples=[["read", "trade"]])]


class ApiKey(Struct, kw_only=True, frozen=True):
    """A key, without its secret. ``hint`` is its end."""

    id: str
    name: str
    hint: str
    scopes: list[str]
    created_at: datetime

    @classmethod
    def of(cls, document: ApiKeyDocument) -> Self:
        """The wire form of a stored key."""
        return cls(id=document.id, name=document.name, hint=document.hint, scopes=list(document.scopes), created_at=document.created_at)


class NewApiKey(Struct, kw_only=True, frozen=True):
    """A new key with its secret, which is shown this once."""

    id: str
    name: str
    hint: str
    scopes: list[str]
    created_at: datetime
    secret: str


class ApiKeyPage(Struct, kw_only=True, frozen=True):
    """The caller's keys, oldest first."""

    items: list[ApiKey]
    next_cursor: str | None
