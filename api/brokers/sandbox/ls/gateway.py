"""What is common to all TRs: token, rate limit, block and type checks, and the shape of answers and refusals.

LS chooses the TR by the header ``tr_cd``; whether its server minds a wrong path is not known, so the sandbox takes any. Refusals of the
gateway (IGW…) are HTTP 500 with a JSON body; refusals of the back office are HTTP 200 and told by ``rsp_cd`` alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
from aiohttp import web

from ..doors import Doors
from ..faults import FaultKind, Operation
from ..model import Account, Broker
from .codes import (
    PER_SECOND,
    RATE_LIMITED,
    TOKEN_UNKNOWN,
    UNKNOWN_TR,
    WRONG_BLOCK,
    WRONG_TYPE,
    WRONG_VALUE,
    Answer,
)
from .tokens import TokenRefused, Tokens
from .wire import Block

CONTENT_TYPE = "application/json; charset=utf-8"
_GATEWAY_STATUS = 500

encode = msgspec.json.Encoder().encode
Blocks = dict[str, Block | list[Block]]


class Refused(Exception):
    """The gateway's refusal: HTTP 500 with ``rsp_cd`` and ``rsp_msg``."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.code)
        self.answer = answer


@dataclass(slots=True, frozen=True)
class Call:
    """One checked TR request.

    Attributes:
        fields: The input block, every field of the TR present, blank or 0 where the client sent none.
        continuation_key: The header ``tr_cont_key`` of a continued call; None on a first call.
    """

    account: Account
    fields: Mapping[str, Any]
    continuation_key: str | None = None

    @property
    def is_continued(self) -> bool:
        """Whether the client asks for the next page: ``tr_cont: Y``; a cursor in the body alone gives the first page again."""
        return self.continuation_key is not None

    def text(self, name: str) -> str:
        """A text field without blanks around it."""
        value: str = self.fields[name]
        return value.strip()

    def number(self, name: str) -> int:
        """An integer field; ``63000.0`` is an integer too.

        Raises:
            Refused: It has a fraction.
        """
        value = self.fields[name]
        if isinstance(value, float) and not value.is_integer():
            raise Refused(WRONG_TYPE)
        return int(value)


@dataclass(slots=True, frozen=True)
class Reply:
    """A TR's answer, still HTTP 200 where ``answer`` is a refusal of the back office.

    Attributes:
        continuation: Response header ``tr_cont``: ``Y`` more, ``N`` end, empty where nothing was found.
    """

    answer: Answer
    blocks: Blocks = field(default_factory=dict)
    continuation: str = "N"
    continuation_key: str = ""


@dataclass(slots=True, frozen=True)
class Tr:
    """One transaction: its input block, the types of its fields (``s`` text, ``n`` number), and what carries it out."""

    code: str
    inputs: Mapping[str, str]
    handle: Callable[[Call], Reply]
    operation: Operation = Operation.INQUIRE

    @property
    def block_name(self) -> str:
        """C-series TRs number their input block."""
        return f"{self.code}InBlock1" if self.code[0].isupper() else f"{self.code}InBlock"


class Gateway:
    """Serves all TRs of one front door."""

    def __init__(self, doors: Doors, tokens: Tokens, trs: Mapping[str, Tr]) -> None:
        self._doors = doors
        self._tokens = tokens
        self._trs = trs

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Answer one REST request, with whatever fault is due."""
        code = request.headers.get("tr_cd", "").strip()
        tr = self._trs.get(code)

        async def answer() -> web.StreamResponse:
            try:
                call = await self._check(request, code, tr)
                reply = tr.handle(call) if tr is not None else Reply(UNKNOWN_TR)
            except (Refused, TokenRefused) as refused:
                return refuse(code, refused.answer)
            if tr is not None and tr.operation is not Operation.INQUIRE:
                await self._doors.settle_notices(Broker.LS)
            return _answer(code, reply)

        def refuse_by_fault(kind: FaultKind) -> web.StreamResponse:
            return refuse(code, RATE_LIMITED if kind is FaultKind.RATE_LIMITED else TOKEN_UNKNOWN)

        operation = tr.operation if tr is not None else Operation.INQUIRE
        return await self._doors.faults.guard(request, Broker.LS, operation, answer, refuse_by_fault)

    async def _check(self, request: web.Request, code: str, tr: Tr | None) -> Call:
        account = self._tokens.account_of(bearer_token(request))
        if tr is None:
            raise Refused(UNKNOWN_TR)
        per_second = PER_SECOND.get(code)
        if per_second is not None and not self._doors.limits.take(Broker.LS, (account.app_key, code), per_second):
            raise Refused(RATE_LIMITED)
        fields = _read_block(await request.read(), tr)
        is_continued = request.headers.get("tr_cont", "").strip().upper() == "Y"
        return Call(
            account,
            fields,
            request.headers.get("tr_cont_key", "").strip() if is_continued else None,
        )


def bearer_token(request: web.Request) -> str:
    """The token of the authorization header, empty where there is none."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else scheme


def _read_block(body: bytes, tr: Tr) -> dict[str, Any]:
    try:
        message = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Refused(WRONG_VALUE) from error  # LS's own code for unreadable JSON is not known
    sent = message.get(tr.block_name) if isinstance(message, dict) else None
    if not isinstance(sent, dict):
        raise Refused(WRONG_BLOCK)
    fields: dict[str, Any] = {}
    for name, kind in tr.inputs.items():
        value = sent.get(name)
        if name not in sent:
            value = 0 if kind == "n" else ""
        elif isinstance(value, str) != (kind == "s") or (kind == "n" and type(value) not in {int, float}):
            raise Refused(WRONG_TYPE)
        fields[name] = value
    return fields


def _answer(code: str, reply: Reply) -> web.Response:
    body = {
        "rsp_cd": reply.answer.code,
        "rsp_msg": reply.answer.message,
        **reply.blocks,
    }
    return _respond(200, code, body, reply.continuation, reply.continuation_key)


def refuse(code: str, answer: Answer) -> web.Response:
    """The gateway's refusal of a TR."""
    return _respond(
        _GATEWAY_STATUS,
        code,
        {"rsp_cd": answer.code, "rsp_msg": answer.message},
        "",
        "",
    )


def _respond(
    status: int,
    code: str,
    body: Mapping[str, Any],
    continuation: str,
    continuation_key: str,
) -> web.Response:
    # header names are sent as spelled here: public clients look for lower-case names and for a capital Content-Type
    headers = {
        "Content-Type": CONTENT_TYPE,
        "tr_cd": code,
        "tr_cont": continuation,
        "tr_cont_key": continuation_key,
    }
    return web.Response(status=status, body=encode(body), headers=headers)
