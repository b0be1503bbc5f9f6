"""What an HTTP answer of KIS says as a whole: done, refused, or nothing certain.

HTTP statuses tell little at KIS: 500 carries ordinary refusals, 200 carries rejections. So the body is read first, whatever the status.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from api.brokers.errors import (
    BrokerError,
    BrokerProtocolError,
    BrokerRateLimited,
    BrokerRejected,
    BrokerTokenExpired,
    BrokerUnavailable,
)
from api.brokers.kis.codes import (
    GATEWAY_REFUSED,
    OUTCOME_OPEN,
    RATE_REFUSED,
    REFUSAL_PAUSE_SECONDS,
    TOKEN_PAUSE_SECONDS,
    TOKEN_REFUSED,
)

KIS: Final = "kis"
_HTTP_SERVER_ERROR = 500
_HTTP_REQUEST_TIMEOUT = 408


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """A successful answer. ``members`` are the top-level members of the body, names in lower case."""

    tr: str
    code: str
    message: str
    members: Mapping[str, Any]


def read_envelope(tr: str, status: int, content: bytes) -> Envelope:
    """Read an answer to a ``/uapi`` call.

    Args:
        tr: TR id of the call, for error messages.
        status: HTTP status.
        content: The body.

    Raises:
        BrokerRejected: KIS says no, and has certainly done nothing.
        BrokerTokenExpired, BrokerRateLimited: The gateway refused before it did anything.
        BrokerUnavailable: Nothing certain can be read out of it; the request may have been carried out (``sent`` is True).
        BrokerProtocolError: It does not have the documented form; the request may have been carried out.
    """
    members = _members(tr, status, content)
    if "rt_cd" not in members and "error_code" in members:  # the form of the OAuth calls
        raise _refusal(tr, status, _text(members, "error_code"), _text(members, "error_description"))
    if "rt_cd" not in members:
        raise _unreadable(tr, status, "rt_cd", "missing")
    code, message = _text(members, "msg_cd"), _text(members, "msg1")
    if _text(members, "rt_cd") != "0":
        raise _refusal(tr, status, code, message)
    if status >= _HTTP_SERVER_ERROR:
        raise BrokerUnavailable(KIS, sent=True, reason=f"HTTP {status} with rt_cd 0: {code} {message}")
    return Envelope(tr=tr, code=code, message=message, members=members)


def read_oauth(tr: str, status: int, content: bytes) -> Mapping[str, Any]:
    """Read an answer to an ``/oauth2`` call; raises like `read_envelope`."""
    members = _members(tr, status, content)
    code = _text(members, "error_code") or _text(members, "msg_cd")
    if code or status >= 400:  # client and server errors
        raise _refusal(tr, status, code, _text(members, "error_description") or _text(members, "msg1"))
    return members


def _refusal(tr: str, status: int, code: str, message: str) -> BrokerError:
    if code in TOKEN_REFUSED:
        return BrokerTokenExpired(KIS, code)
    if code in RATE_REFUSED:
        return BrokerRateLimited(KIS, TOKEN_PAUSE_SECONDS if code == "EGW00133" else REFUSAL_PAUSE_SECONDS)
    if code in GATEWAY_REFUSED:
        return BrokerRejected(KIS, code, message)
    is_open = code in OUTCOME_OPEN or status >= _HTTP_SERVER_ERROR or status == _HTTP_REQUEST_TIMEOUT
    if is_open:
        return BrokerUnavailable(KIS, sent=True, reason=f"HTTP {status} {code} {message}".strip())
    if not code:
        return BrokerProtocolError(KIS, tr, "msg_cd", f"refused without a code, HTTP {status}: {message}")
    return BrokerRejected(KIS, code, message)


def _members(tr: str, status: int, content: bytes) -> dict[str, Any]:
    try:
        decoded = msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _unreadable(tr, status, "body", f"not JSON ({len(content)} bytes)") from error
    if not isinstance(decoded, dict):
        raise _unreadable(tr, status, "body", "not a JSON object")
    return {str(name).lower(): value for name, value in decoded.items()}


def _unreadable(tr: str, status: int, field: str, problem: str) -> BrokerError:
    if status >= _HTTP_SERVER_ERROR:
        return BrokerUnavailable(KIS, sent=True, reason=f"HTTP {status}, {field} {problem}")
    return BrokerProtocolError(KIS, tr, field, f"{problem}, HTTP {status}")


def _text(members: Mapping[str, Any], name: str) -> str:
    value = members.get(name)
    return "" if value is None else str(value).strip()
