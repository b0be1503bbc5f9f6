"""Structured logs: one event a line, with its fields, the request id, and never a secret.

Everything goes through one chain, also what uvicorn, arq and other libraries log. Two nets keep secrets out: fields are masked by name, and
every text is searched for what looks like a token or is one of the secrets that this process knows (`forget_in_logs`). The second net also
sees tracebacks and messages that were put together elsewhere.
"""

import logging
import re
import sys
from collections.abc import Mapping
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from api.settings import Settings

MASK = "***"

# compared in lower case and without _ and -, so that app_key, appKey and APP-KEY are one
_SECRET_NAMES = frozenset(
    {"appkey", "appsecret", "appsecretkey", "secretkey", "secret", "clientsecret", "password", "passwd", "pwd", "token", "accesstoken"}
    | {"refreshtoken", "apikey", "ticket", "approvalkey", "authorization", "proxyauthorization", "cookie", "setcookie"}
    | {"encryptionkey", "encryptionkeys", "htsid", "iv", "aeskey", "hashkey"}
)
_ACCOUNT_NAMES = frozenset({"accountnumber", "accountno", "cano", "acntno", "accno", "ordacntno"})
_SHOWN_DIGITS = 4
_MIN_KNOWN_LENGTH = 8  # a shorter text would hit innocent words

_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}"), rf"\1 {MASK}"),
    (re.compile(r"\beyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]{5,}(\.[A-Za-z0-9_-]*)?"), MASK),  # a JSON web token
    (re.compile(r"\blucy_[A-Za-z0-9_-]{16,}"), MASK),  # an API key of Lucy's
    (re.compile(r"(?i)\b([a-z][a-z0-9+.-]*://[^/\s:@]*):[^/\s@]+@"), rf"\1:{MASK}@"),  # a password in an address
    (
        re.compile(
            r"""(?ix)(["']?\b(?:app_?key|app_?secret(?:_?key)?|secret_?key|password|passwd|access_?token|refresh_?token|approval_?key|token|ticket)
            ["']?\s*[:=]\s*["']?)(?!\*\*\*)[^"'\s,&;})\]]{4,}"""
        ),
        rf"\1{MASK}",
    ),
)

_known_secrets: set[str] = set()
# httpx and websockets name addresses at INFO and headers at DEBUG; arq tells of every start and end of a job, some every two seconds
_QUIET = dict.fromkeys(("httpx", "httpcore", "websockets", "pymongo", "arq"), logging.WARNING)
_NEVER_DEBUG = ("asyncio", "aiohttp.access", "uvicorn.access", "hpack")


def forget_in_logs(*secrets: str) -> None:
    """Mask these values wherever they appear in a log from now on."""
    _known_secrets.update(secret for secret in secrets if len(secret) >= _MIN_KNOWN_LENGTH)


def set_up_logs(settings: Settings, stream: TextIO | None = None) -> None:
    """Route all logs of this process to ``stream`` (standard output), in the format and at the level of the settings."""
    stream = stream or sys.stdout
    forget_in_logs(*settings.secret_values)
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,  # a traceback becomes text, which `redact` sees
        redact,
    ]
    renderer: Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if settings.log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=_has_color(settings, stream), exception_formatter=structlog.dev.plain_traceback)
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer], foreign_pre_chain=shared
        )
    )
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "arq", "arq.worker", "arq.jobs"):
        library = logging.getLogger(name)
        library.handlers.clear()
        library.propagate = True
    for name, floor in _QUIET.items():
        logging.getLogger(name).setLevel(max(level, floor))
    for name in _NEVER_DEBUG:
        logging.getLogger(name).setLevel(max(level, logging.INFO))
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,
    )


def redact(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Mask secrets in every field, at any depth."""
    return {name: value if name.startswith("_") else _clean(name, value) for name, value in event.items()}


def _clean(name: str, value: Any) -> Any:
    plain = name.lower().replace("_", "").replace("-", "")
    if plain in _SECRET_NAMES and value not in (None, ""):
        return MASK
    if plain in _ACCOUNT_NAMES and value not in (None, ""):
        return _last_digits(str(value))
    match value:
        case str():
            return _scrub(value)
        case bytes():
            return _scrub(value.decode(errors="replace"))
        case Mapping():
            return {key: _clean(str(key), item) for key, item in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_clean("", item) for item in value]
        case None | bool() | int() | float():
            return value
        case _:
            return _scrub(str(value))


def _last_digits(number: str) -> str:
    return MASK + number[-_SHOWN_DIGITS:] if len(number) > _SHOWN_DIGITS else MASK


def _scrub(text: str) -> str:
    for secret in _known_secrets:
        if secret in text:
            text = text.replace(secret, MASK)
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text


def _has_color(settings: Settings, stream: TextIO) -> bool:
    return stream.isatty() if settings.log_color == "auto" else settings.log_color == "always"
