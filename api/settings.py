"""The one typed `Settings` object.

It is read once, by the entry point, from the environment and ``.env.{LUCY_MODE}`` (the environment wins), and handed down; nothing else
reads ``os.environ``. An empty variable counts as not set. Built directly, as tests do, it reads neither.

Choice: outside ``local`` a missing secret or address stops the start by name. In ``local`` both may be missing: `api.local` generates the
secrets once, runs MongoDB and Valkey itself, and hands the results to the processes that it starts.
"""

import os
import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from cryptography.fernet import Fernet
from pydantic import BeforeValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

LOCAL = "local"
_MODE_PATTERN = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")
_MIN_SECRET_LENGTH = 32  # HS256 wants a key no shorter than its 256-bit hash (RFC 7518 §3.2)
_PREFIX = "LUCY_"
_UNPREFIXED = {"mongodb_url": "MONGODB_URL", "redis_url": "REDIS_URL"}
_HIDDEN = {"secret_key", "encryption_keys", "mongodb_url", "redis_url"}  # the value may hold a secret: errors do not repeat it


class SettingsError(Exception):
    """A setting is missing or wrong; the message is one line that names it."""


def _split(value: object) -> object:
    """``"a, b"`` as ``("a", "b")``; anything but text is left to the type."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


def _without_slash(value: object) -> object:
    return value.rstrip("/") if isinstance(value, str) else value


def _seconds(value: object) -> object:
    """A bare number is seconds; pydantic itself reads ISO 8601 (``PT15M``) and ``HH:MM:SS``."""
    return float(value) if isinstance(value, str) and re.fullmatch(r"\d+(\.\d+)?", value) else value


Port = Annotated[int, Field(ge=1, le=65535)]
Url = Annotated[str, BeforeValidator(_without_slash), Field(pattern=r"^(https?|wss?)://[^\s/]+")]
Origin = Annotated[str, Field(pattern=r"^https?://[^\s/*]+$")]  # named ones only: "*" would let any page act for a signed-in user
Origins = Annotated[tuple[Origin, ...], NoDecode, BeforeValidator(_split)]
Secrets = Annotated[tuple[SecretStr, ...], NoDecode, BeforeValidator(_split)]
Duration = Annotated[timedelta, BeforeValidator(_seconds), Field(gt=timedelta(0))]


def _default_api_url(data: dict[str, Any]) -> str:
    return f"http://127.0.0.1:{data['api_port']}"


def _default_cors_origins(data: dict[str, Any]) -> tuple[str, ...]:
    if data["mode"] != LOCAL:
        return ()
    return (f"http://127.0.0.1:{data['spa_port']}", f"http://localhost:{data['spa_port']}")


def _default_log_format(data: dict[str, Any]) -> str:
    return "console" if data["mode"] == LOCAL else "json"


class Settings(BaseSettings):
    """All that can be set from outside. The variable is ``LUCY_`` and the field's name, but for ``MONGODB_URL`` and ``REDIS_URL``.

    Attributes:
        mongodb_url: Address of a replica set (orders need majority writes). Empty only in ``local``: an embedded server.
        redis_url: Address of Redis 7 or Valkey. Empty only in ``local``: an embedded server.
        database: Name of the MongoDB database.
        redis_prefix: Put before every key in Redis, so that several copies share one server.
        data_dir: Data of the embedded servers and the secrets of ``local``.
        host: What the API, the SPA server and the sandbox bind to.
        api_url: Where browsers and ``lucy demo`` reach the API.
        mongodb_port, redis_port: Of the embedded servers; None: a free one, chosen once.
        sandbox_port: Control API of the sandbox; its KIS is on the next port, its LS on the one after.
        sandbox_seed: The credentials of the sandbox's default accounts derive from it.
        site38_url, judal_url: Where offerings and themes are read.
        site_user_agent: What Lucy calls itself there.
        fixture_sites_port: Of the pages that `lucy up` serves in their place in ``local``; None: a free one.
        secret_key: Signs access tokens (HS256).
        encryption_keys: Fernet keys for brokers' secrets, newest first: put a new one in front to rotate.
        watch_interval: How often the worker looks at the prices that users have set in watch lists.
        live_trading: Without it no order reaches a ``real`` account.
        cors_origins: Where browsers may call the API from.
    """

    model_config = SettingsConfigDict(
        env_prefix=_PREFIX, env_ignore_empty=True, frozen=True, extra="ignore", populate_by_name=True, env_file_encoding="utf-8"
    )

    mode: str = Field(default=LOCAL, pattern=f"^{_MODE_PATTERN.pattern}$")

    mongodb_url: str = Field(default="", validation_alias="MONGODB_URL", repr=False, pattern=r"^(mongodb(\+srv)?://.+)?$")
    redis_url: str = Field(default="", validation_alias="REDIS_URL", repr=False, pattern=r"^((rediss?|unix)://.+)?$")
    database: str = Field(default="lucy", pattern=r"^[A-Za-z0-9_-]{1,63}$")
    redis_prefix: str = Field(default="lucy", pattern=r"^[A-Za-z0-9_:-]{1,64}$")
    data_dir: Path = Path(".lucy")

    host: str = Field(default="127.0.0.1", min_length=1)
    api_port: Port = 8000
    spa_port: Port = 8080
    sandbox_host: str = Field(default="127.0.0.1", min_length=1)
    sandbox_port: Annotated[int, Field(ge=1, le=65533)] = 8100
    sandbox_seed: str = Field(default="lucy", min_length=1)
    mongodb_port: Port | None = None
    redis_port: Port | None = None
    api_url: Url = Field(default_factory=_default_api_url)
    cors_origins: Origins = Field(default_factory=_default_cors_origins)

    secret_key: SecretStr = SecretStr("")
    encryption_keys: Secrets = ()
    access_token_lifetime: Duration = timedelta(minutes=15)
    refresh_token_lifetime: Duration = timedelta(days=14)

    watch_interval: Duration = timedelta(seconds=5)  # a symbol costs one inquiry each time

    live_trading: bool = False
    # The brokers' documented addresses; the KIS websocket has no TLS. Sources: KIS Developers and LS Open API guides, 2026.
    kis_real_url: Url = "https://openapi.koreainvestment.com:9443"
    kis_real_ws_url: Url = "ws://ops.koreainvestment.com:21000"
    kis_paper_url: Url = "https://openapivts.koreainvestment.com:29443"
    kis_paper_ws_url: Url = "ws://ops.koreainvestment.com:31000"
    kis_master_url: Url = "https://new.real.download.dws.co.kr/common/master"
    ls_url: Url = "https://openapi.ls-sec.co.kr:8080"
    ls_real_ws_url: Url = "wss://openapi.ls-sec.co.kr:9443"
    ls_paper_ws_url: Url = "wss://openapi.ls-sec.co.kr:29443"

    # Web sites that are read once or twice a day. `lucy up` in local points both at pages of its own, unless they are set.
    site38_url: Url = "https://www.38.co.kr"
    judal_url: Url = "https://www.judal.co.kr"
    site_user_agent: str = Field(default="Mozilla/5.0 (compatible; LucyOMS/0.1; one request at a time)", pattern=r"^[\x20-\x7e]{1,200}$")
    site_delay: Duration = timedelta(seconds=2)  # between two requests; readers of these sites wait 1 to 5 s
    fixture_sites_port: Port | None = None

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["console", "json"] = Field(default_factory=_default_log_format)  # type: ignore[arg-type]  # a factory of text
    log_color: Literal["auto", "always", "never"] = "auto"

    @model_validator(mode="after")
    def _check_secrets(self) -> Self:
        if self.secret_key.get_secret_value() and len(self.secret_key.get_secret_value()) < _MIN_SECRET_LENGTH:
            raise ValueError(f"LUCY_SECRET_KEY is shorter than {_MIN_SECRET_LENGTH} characters")
        for key in self.encryption_keys:
            try:
                Fernet(key.get_secret_value())
            except ValueError:
                raise ValueError("LUCY_ENCRYPTION_KEYS: each key is 32 bytes as urlsafe base64 (44 characters)") from None
        return self

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], init_settings: PydanticBaseSettingsSource, *_: Any, **__: Any
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only the arguments; `load_settings` adds the environment."""
        return (init_settings,)

    @property
    def is_local(self) -> bool:
        """Whether this is the profile for one machine, with demo user and sandbox accounts."""
        return self.mode == LOCAL

    @property
    def sandbox_url(self) -> str:
        """Control API of the sandbox."""
        return f"http://{self.sandbox_host}:{self.sandbox_port}"

    @property
    def kis_sandbox_url(self) -> str:
        """REST of the sandbox's KIS."""
        return f"http://{self.sandbox_host}:{self.sandbox_port + 1}"

    @property
    def kis_sandbox_ws_url(self) -> str:
        """Websocket of the sandbox's KIS: the same port as its REST."""
        return f"ws://{self.sandbox_host}:{self.sandbox_port + 1}"

    @property
    def ls_sandbox_url(self) -> str:
        """REST of the sandbox's LS."""
        return f"http://{self.sandbox_host}:{self.sandbox_port + 2}"

    @property
    def ls_sandbox_ws_url(self) -> str:
        """Websocket of the sandbox's LS: the same port as its REST."""
        return f"ws://{self.sandbox_host}:{self.sandbox_port + 2}"

    @property
    def secret_values(self) -> tuple[str, ...]:
        """Every secret that these settings hold, for the logs to mask."""
        passwords = (re.search(r"://[^/@\s]*:([^/@\s]+)@", url) for url in (self.mongodb_url, self.redis_url))
        found = [self.secret_key.get_secret_value(), *(key.get_secret_value() for key in self.encryption_keys)]
        return tuple(secret for secret in [*found, *(match[1] for match in passwords if match)] if secret)


class _EnvironmentSettings(Settings):
    """`Settings` that also reads the environment and the profile's file."""

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], init_settings: PydanticBaseSettingsSource, *sources: Any, **named: Any
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        env_settings, dotenv_settings = (*sources, *named.values())[:2]
        return (init_settings, env_settings, dotenv_settings)


def load_settings(folder: Path = Path()) -> Settings:
    """Read the environment and ``.env.{LUCY_MODE}`` in ``folder``.

    Raises:
        SettingsError: One line that names the first setting that is wrong, or, outside ``local``, missing.
    """
    mode = os.environ.get("LUCY_MODE") or LOCAL
    if not _MODE_PATTERN.fullmatch(mode):  # it becomes part of a file's name
        raise SettingsError(f"LUCY_MODE={mode!r}: a profile's name is lower-case letters, digits, - and _")
    try:
        settings = _EnvironmentSettings(mode=mode, _env_file=folder / f".env.{mode}")  # type: ignore[call-arg]  # pydantic-settings' own
    except ValidationError as error:
        raise SettingsError(_one_line(error)) from None  # the cause repeats the values, secrets included
    except UnicodeDecodeError as error:
        raise SettingsError(f".env.{mode} is not UTF-8 text") from error
    if not settings.is_local:
        _require_explicit(settings)
    return settings


def variable(field: str) -> str:
    """The environment variable of a field of `Settings`."""
    return _UNPREFIXED.get(field, _PREFIX + field.upper())


def _require_explicit(settings: Settings) -> None:
    given: Mapping[str, object] = {
        "secret_key": settings.secret_key.get_secret_value(),
        "encryption_keys": settings.encryption_keys,
        "mongodb_url": settings.mongodb_url,
        "redis_url": settings.redis_url,
    }
    missing = [variable(name) for name, value in given.items() if not value]
    if missing:
        raise SettingsError(f"{', '.join(missing)} must be set when LUCY_MODE={settings.mode} (see .env.sample)")


def _one_line(error: ValidationError) -> str:
    first = next((entry for entry in error.errors() if entry["type"] != "default_factory_not_called"), error.errors()[0])
    message = first["msg"].removeprefix("Value error, ")
    if not first["loc"]:
        return message
    place = str(first["loc"][0])
    field = next((name for name, alias in _UNPREFIXED.items() if alias == place), place)
    if field.endswith("_port"):
        message = "a port is a whole number from 1 to 65535" + (
            " (1 to 65533: it takes the two after it as well)" if field == "sandbox_port" else ""
        )
    shown = "" if field in _HIDDEN else f", not {str(first['input'])[:80]!r}"
    return f"{variable(field)}: {message[:1].lower()}{message[1:]}{shown}"
