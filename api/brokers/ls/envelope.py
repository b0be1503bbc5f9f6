"""The outside of an LS answer: its code, its blocks, and what the code proves. Pure."""

from collections.abc import Mapping
from enum import Enum, auto

import msgspec
from msgspec import Raw, Struct

from api.brokers.ls import codes
from api.brokers.ls.fields import problem

_OK = 200
_REDIRECT = 300
_CLIENT_ERROR = 400
_SERVER_ERROR = 500


class Verdict(Enum):
    """What an answer proves about the request.

    ``OPEN``: nothing. The request may have been carried out, or not.
    """

    TAKEN = auto()
    REFUSED = auto()
    TOKEN_REFUSED = auto()
    RATE_REFUSED = auto()
    OPEN = auto()


class Answer(Struct, frozen=True, kw_only=True):
    """One answer, its blocks still undecoded.

    Attributes:
        tr: TR code asked.
        status: HTTP status. It proves little: broker refusals come with 200, gateway refusals mostly with 500.
        code: ``rsp_cd``, or ``error_code`` of the token endpoint; stripped.
        message: LS's words, trimmed.
        has_more: Header ``tr_cont`` was ``Y``. Also seen are N, 0 and nothing: all mean the end.
        next_key: Header ``tr_cont_key``, to be sent back for the next page.
        blocks: Raw JSON by block name; LS leaves out the blocks of an empty list.
    """

    tr: str
    status: int
    code: str
    message: str
    has_more: bool
    next_key: str
    blocks: Mapping[str, Raw]

    @property
    def verdict(self) -> Verdict:
        """See `judge`."""
        return judge(self.status, self.code)


def judge(status: int, code: str) -> Verdict:
    """What ``code``, sent with HTTP ``status``, proves."""
    if code in codes.TOKEN_REFUSED:
        return Verdict.TOKEN_REFUSED
    if code in codes.RATE_REFUSED:
        return Verdict.RATE_REFUSED
    if code in codes.GATEWAY_REFUSED:
        return Verdict.REFUSED
    if code.startswith("IGW") or not (_OK <= status < _REDIRECT or _CLIENT_ERROR <= status < _SERVER_ERROR):
        return Verdict.OPEN
    if not code.startswith(codes.SUCCESS_PREFIX):
        return Verdict.REFUSED
    return Verdict.TAKEN if status < _REDIRECT else Verdict.OPEN


def read_answer(tr: str, status: int, content: bytes, headers: Mapping[str, str]) -> Answer:
    """Take an answer apart.

    Args:
        tr: TR code asked, or the path for the token.
        status: HTTP status.
        content: Body; text that is not quite UTF-8 is read all the same, because a garbled name must not hide an order number.
        headers: Response headers, names in lower case.

    Raises:
        BrokerProtocolError: The body is no JSON object, or has no result code.
    """
    try:
        blocks = msgspec.json.decode(content.decode("utf-8", "replace"), type=dict[str, Raw])
    except (msgspec.DecodeError, RecursionError) as error:
        raise problem(tr, "body", f"HTTP {status}, no JSON object: {error}") from error
    code = _text(blocks.get("rsp_cd")) or _text(blocks.get("error_code"))
    if not code:
        raise problem(tr, "rsp_cd", f"HTTP {status}, missing")
    return Answer(
        tr=tr,
        status=status,
        code=code,
        message=_text(blocks.get("rsp_msg")) or _text(blocks.get("error_description")),
        has_more=headers.get("tr_cont", "").strip() == "Y",
        next_key=headers.get("tr_cont_key", "").strip(),
        blocks=blocks,
    )


def _text(raw: Raw | None) -> str:
    if raw is None:
        return ""
    value = msgspec.json.decode(raw)
    return str(value).strip() if isinstance(value, str | int) else ""
