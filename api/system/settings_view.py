"""The settings in effect, as an admin may see them: names and values, no secret among them."""

from collections.abc import Mapping
from datetime import timedelta
from enum import Enum
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from litestar import Controller, get
from litestar.di import NamedDependency
from msgspec import Struct
from pydantic import SecretStr

from api.auth.principal import Principal
from api.errors import Forbidden
from api.problems import problems
from api.settings import Settings


class Setting(Struct, kw_only=True, frozen=True):
    """One setting. ``value`` as text, null for a secret and for one that is not set; ``is_set``: by hand, not by default."""

    name: str
    value: str | None
    is_secret: bool
    is_set: bool


class SettingList(Struct, kw_only=True, frozen=True):
    """All settings by name; nothing is paged, ``next_cursor`` is null."""

    items: list[Setting]
    next_cursor: str | None


class SettingController(Controller):
    """What this process runs with."""

    path = "/settings"
    tags = ["system"]  # noqa: RUF012 - Litestar declares it so

    @get(operation_id="listSettings", summary="Settings in effect (admin)", responses=problems(401, 403))
    async def list_settings(self, principal: NamedDependency[Principal], settings: NamedDependency[Settings]) -> SettingList:
        """They come from the environment and are changed there; a secret is never told, nor a password within an address."""
        if not principal.is_admin:
            raise Forbidden("Only admins may see the settings.")
        return SettingList(items=shown(settings), next_cursor=None)


def shown(settings: Settings) -> list[Setting]:
    """Every field of the settings, secrets without their values."""
    values: Mapping[str, Any] = {name: getattr(settings, name) for name in sorted(type(settings).model_fields)}
    return [
        Setting(
            name=name,
            value=None if _is_secret(value) else _text(value),
            is_secret=_is_secret(value),
            is_set=name in settings.model_fields_set,
        )
        for name, value in values.items()
    ]


def _is_secret(value: Any) -> bool:
    return isinstance(value, SecretStr) or (isinstance(value, tuple) and any(map(_is_secret, value)))


def _text(value: Any) -> str | None:
    match value:
        case None | "" | ():
            return None
        case bool():
            return "true" if value else "false"
        case timedelta():
            return f"{value.total_seconds():g} s"
        case tuple() | list():
            return ", ".join(text for each in value if (text := _text(each)) is not None)
        case Enum():
            return str(value.value)
        case Path():
            return str(value)
        case str() if "://" in value:
            return _without_password(value)
        case _:
            return str(value)


def _without_password(address: str) -> str:
    user, at, rest = urlsplit(address).netloc.rpartition("@")
    return address.replace(f"{user}@", f"{user.partition(':')[0]}:…@", 1) if at and ":" in user and rest else address
