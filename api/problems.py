"""From errors to ``application/problem+json`` (RFC 9457): the only place that does it. Also the request id that every answer carries."""

import re
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import structlog
from litestar import Request, Response
from litestar.datastructures import MutableScopeHeaders
from litestar.enums import ScopeType
from litestar.exceptions import HTTPException, ValidationException
from litestar.middleware import ASGIMiddleware
from litestar.openapi.datastructures import ResponseSpec
from litestar.types import ASGIApp, Message, Receive, Scope, Send
from msgspec import UNSET, Struct, UnsetType
from pymongo.errors import PyMongoError
from redis.exceptions import RedisError

from api.baskets.schemas import RowProblem
from api.brokers.errors import (
    BrokerError,
    BrokerProtocolError,
    BrokerRateLimited,
    BrokerRejected,
    BrokerTokenExpired,
    BrokerUnavailable,
    BrokerUnsupported,
)
from api.domain.allocation.split import Reduction
from api.errors import LucyError, NotAuthenticated, NotOffered
from api.risk.schemas import RiskViolation
from api.system.metrics import observe_request

log = structlog.get_logger(__name__)

PROBLEM_JSON = "application/problem+json"

_CODES = {
    400: ("bad_request", "The request cannot be read"),
    401: ("not_authenticated", "Sign in first"),
    403: ("forbidden", "Not allowed"),
    404: ("not_found", "Not found"),
    405: ("method_not_allowed", "The resource does not know this method"),
    409: ("conflict", "The request contradicts the stored state"),
    413: ("content_too_large", "The request is too large"),
    415: ("unsupported_media_type", "The request is not of a media type that the route takes"),
    422: ("invalid_request", "The request is not valid"),
    429: ("too_many_requests", "Too many requests"),
    500: ("internal_error", "Internal error"),
    502: ("broker_error", "The broker did not answer as expected"),
    503: ("unavailable", "Not available right now"),
}


class FieldError(Struct, kw_only=True, frozen=True):
    """What is wrong with one field."""

    field: str
    message: str


class Problem(Struct, kw_only=True, frozen=True, omit_defaults=True):
    """What went wrong.

    ``code`` is stable. ``retryable``: the same request may succeed later. ``outcome`` says what certainly happened: ``none``: nothing was
    done; ``done``: it was done all the same; ``unknown``: nobody can tell yet. A broker's own words are in ``broker_code`` and
    ``broker_message``.
    """

    type: str
    title: str
    status: int
    detail: str
    code: str
    retryable: bool
    request_id: str
    outcome: str | UnsetType = UNSET
    order_id: str | UnsetType = UNSET
    broker_code: str | UnsetType = UNSET
    broker_message: str | UnsetType = UNSET
    errors: list[FieldError] | UnsetType = UNSET
    retry_after_seconds: float | UnsetType = UNSET
    tick_size: int | UnsetType = UNSET
    lower_limit_price: int | UnsetType = UNSET
    upper_limit_price: int | UnsetType = UNSET
    violations: list[RiskViolation] | UnsetType = UNSET
    reductions: list[Reduction] | UnsetType = UNSET
    rows: list[RowProblem] | UnsetType = UNSET
    run_id: str | UnsetType = UNSET


def problems(*statuses: int) -> dict[int, ResponseSpec]:
    """Declare problem answers of a route."""
    return {
        status: ResponseSpec(data_container=Problem, description=_CODES[status][1], media_type=PROBLEM_JSON, generate_examples=False)
        for status in statuses
    }


def answers(container: type[Struct], *statuses: int) -> dict[int, ResponseSpec]:
    """Declare further good answers of a route."""
    meanings = {200: "The stored resource", 202: "Sent, outcome not known yet", 207: "One result an entry"}
    return {status: ResponseSpec(data_container=container, description=meanings[status], generate_examples=False) for status in statuses}


def _answer(status: int, code: str, title: str, detail: str, *, is_retryable: bool, extra: Mapping[str, Any]) -> Response[Any]:
    # Litestar finds no route before any middleware runs: those answers get an id here.
    request_id = structlog.contextvars.get_contextvars().get("request_id") or uuid.uuid4().hex
    members = {name: value for name, value in extra.items() if name in Problem.__struct_fields__}
    document: dict[str, Any] = {
        "type": f"urn:lucy:problem:{code}",
        "title": title,
        "status": status,
        "detail": detail,
        "code": code,
        "retryable": is_retryable,
        "request_id": request_id,
    }
    headers = {"X-Request-Id": request_id}
    if (seconds := members.get("retry_after_seconds")) is not None:
        headers["Retry-After"] = str(max(1, round(float(seconds) + 0.499)))
    if status == NotAuthenticated.status:
        headers["WWW-Authenticate"] = "Bearer"
    return Response(document | members, status_code=status, media_type=PROBLEM_JSON, headers=headers)


def handle_lucy_error(_: Request[Any, Any, Any], error: LucyError) -> Response[Any]:
    """An error that Lucy raised on purpose."""
    if error.status >= 500:
        log.warning("request_failed", code=error.code, detail=error.detail)
    return _answer(error.status, error.code, error.title, error.detail, is_retryable=error.is_retryable, extra=error.extra)


class Words(NamedTuple):
    """What a problem document says of an error."""

    status: int
    code: str
    title: str
    detail: str
    is_retryable: bool
    extra: Mapping[str, Any]


def words_of(error: LucyError | BrokerError) -> Words:
    """An error in the words of a problem document, also where it is part of a good answer."""
    detail = str(error)
    match error:
        case LucyError():
            return Words(error.status, error.code, error.title, error.detail, error.is_retryable, error.extra)
        case BrokerRateLimited():
            extra: dict[str, Any] = {"retry_after_seconds": error.retry_after, "outcome": "none"}
            return Words(429, "broker_rate_limited", "The broker's call limit is reached", detail, True, extra)
        case BrokerRejected():
            extra = {"broker_code": error.code, "broker_message": error.message, "outcome": "none"}
            return Words(502, "broker_refused", "The broker refused", detail, False, extra)
        case BrokerUnsupported():
            return Words(NotOffered.status, NotOffered.code, NotOffered.title, detail, False, {"outcome": "none"})
        case BrokerTokenExpired():
            return Words(502, "broker_token_refused", "The broker refused the access token", detail, True, {"broker_code": error.code})
        case BrokerProtocolError():
            return Words(502, "broker_protocol_error", "The broker's answer is not as documented", detail, True, {})
        case BrokerUnavailable():
            return Words(503, "broker_unavailable", "The broker cannot be reached", detail, True, {})
        case _:
            return Words(502, "broker_error", _CODES[502][1], detail, True, {})


def handle_broker_error(_: Request[Any, Any, Any], error: BrokerError) -> Response[Any]:
    """A broker's error in an inquiry; orders map theirs themselves."""
    log.warning("broker_request_failed", broker=error.broker, problem=str(error))
    words = words_of(error)
    return _answer(words.status, words.code, words.title, words.detail, is_retryable=words.is_retryable, extra=words.extra)


def handle_validation(_: Request[Any, Any, Any], error: ValidationException) -> Response[Any]:
    """A body, query or path that does not fit its type: 422 with the field; 400 where it is no JSON at all."""
    entries = error.extra if isinstance(error.extra, list) else []
    errors = [_field_error(entry) for entry in entries if isinstance(entry, dict)]
    detail = "; ".join(f"{entry['field']}: {entry['message']}" for entry in errors) or str(error.detail)
    return _answer(422, "invalid_request", _CODES[422][1], detail, is_retryable=False, extra={"errors": errors} if errors else {})


def _field_error(entry: Mapping[str, Any]) -> dict[str, str]:
    field, message = str(entry.get("key") or entry.get("source") or _BODY), str(entry.get("message", ""))
    if message == "'data'":  # Litestar's KeyError for a body of no bytes
        return {"field": _BODY, "message": "The request has no body"}
    if field == "data":  # the whole body, as the handler names it
        field = _BODY
    if named := _NAMED_FIELD.search(message):
        field = named[1] if field == _BODY else f"{field}.{named[1]}"
    return {"field": field, "message": message}


def handle_http_exception(_: Request[Any, Any, Any], error: HTTPException) -> Response[Any]:
    """What Litestar itself refuses."""
    if error.status_code >= 500:
        log.error("request_crashed", exc_info=error)
    code, title = _CODES.get(error.status_code, _CODES[400 if error.status_code < 500 else 500])
    if error.status_code == 400:
        code, title = "malformed_json", "The body is not valid JSON"
    return _answer(error.status_code, code, title, str(error.detail), is_retryable=False, extra={})


def handle_store_error(_: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """MongoDB or Redis is away. Whether something was done is not known; a client_order_id makes the repeat safe."""
    log.error("store_unavailable", problem=f"{type(error).__name__}: {error}")
    detail = "A part of Lucy is not available; repeat the request with the same client_order_id in a moment."
    return _answer(503, "unavailable", _CODES[503][1], detail, is_retryable=True, extra={"outcome": "unknown"})


def handle_too_deep(_: Request[Any, Any, Any], error: RecursionError) -> Response[Any]:
    """JSON nested some thousand levels deep: the decoder gives up, before anything was done."""
    log.warning("request_too_deep", problem=str(error))
    return _answer(400, "malformed_json", "The body is not valid JSON", "The JSON is nested too deeply.", is_retryable=False, extra={})


def handle_any(_: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """A defect: logged with its traceback, told without."""
    log.error("request_crashed", exc_info=error)
    detail = "Something went wrong inside Lucy; the request id names it in the log."
    return _answer(500, "internal_error", _CODES[500][1], detail, is_retryable=False, extra={"outcome": "unknown"})


EXCEPTION_HANDLERS: dict[int | type[Exception], Callable[[Request[Any, Any, Any], Any], Response[Any]]] = {
    LucyError: handle_lucy_error,
    BrokerError: handle_broker_error,
    ValidationException: handle_validation,
    HTTPException: handle_http_exception,
    PyMongoError: handle_store_error,
    RedisError: handle_store_error,
    RecursionError: handle_too_deep,
    Exception: handle_any,
}

_BODY = "body"
_NAMED_FIELD = re.compile(r"^Object (?:missing required|contains unknown) field `(.+)`$")
"""How msgspec tells of a field that is not there or should not be."""

_REQUEST_ID = re.compile(r"[0-9A-Za-z_.-]{1,64}")


class RequestIdMiddleware(ASGIMiddleware):
    """Takes or makes ``X-Request-Id``, puts it on every log line and answer, and counts the answer."""

    scopes = (ScopeType.HTTP,)

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        given = next((value for name, value in scope["headers"] if name == b"x-request-id"), b"").decode("latin-1")
        request_id = given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
        client = scope.get("client")
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id, address=client[0] if client else "")

        began = time.perf_counter()

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                route = scope.get("path_template", "")
                observe_request(str(scope.get("method", "")), route, message["status"], time.perf_counter() - began)
                message.setdefault("headers", [])
                MutableScopeHeaders.from_message(message)["X-Request-Id"] = request_id
            await send(message)

        await next_app(scope, receive, send_with_id)
