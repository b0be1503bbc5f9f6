"""The shapes of KIS answers: envelope, headers, gateway errors, paging keys. Every value inside an output is a JSON string."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from datetime import datetime

import msgspec
from aiohttp import web

from ..session import KST

_encode = msgspec.json.Encoder().encode
_uids = itertools.count(1)
_CONTEXT_WIDTH = 100

Row = dict[str, str]


class GatewayError(Exception):
    """A request that the gateway turns down with an EGW, IGW or OPSQ code."""

    def __init__(self, code: str, message: str, *, status: int = 500, rt_cd: str = "1") -> None:
        super().__init__(f"{code} {message}")
        self.code, self.message, self.status, self.rt_cd = code, message, status, rt_cd

    def response(self, tr_id: str) -> web.Response:
        """The usual envelope without an output."""
        return reply(tr_id, {"rt_cd": self.rt_cd, "msg_cd": self.code, "msg1": self.message}, status=self.status)


RATE_LIMITED = GatewayError("EGW00201", "초당 거래건수를 초과하였습니다.")
LEDGER_RATE_LIMITED = GatewayError("EGW00215", "원장에서 허용 가능한 초당 거래건수를 초과하였습니다.")
# what a server error may say instead of a page: the words are not captured, the codes are the sheet's
SERVER_ERRORS = {
    code: GatewayError(code, text)
    for code, text in (
        ("EGW00002", "서버 에러가 발생했습니다."),
        ("EGW00301", "연결시간이 초과되었습니다. 직전 거래를 반드시 확인하세요."),
        ("EGW00302", "거래시간이 초과되었습니다. 직전 거래를 반드시 확인하세요."),
    )
}
UNKNOWN_TOKEN = GatewayError("EGW00121", "유효하지 않은 token 입니다.")
EXPIRED_TOKEN = GatewayError("EGW00123", "기간이 만료된 token 입니다.")
BAD_BODY = GatewayError("IGW00007", "MCA 전문바디 구성 중 오류가 발생하였습니다.")
NO_SUCH_SERVICE = GatewayError("OPSQ0002", "없는 서비스 코드 입니다.", status=200)
NOT_A_PAPER_TR = GatewayError("EGW02006", "모의투자 TR 이 아닙니다.")
WRONG_ACCOUNT = GatewayError("OPSQ2000", "ERROR : INPUT INVALID_CHECK_ACNO", status=200, rt_cd="2")


def missing_input(name: str) -> GatewayError:
    """A query without a required parameter."""
    return GatewayError("OPSQ2001", f"ERROR : INPUT FIELD NOT FOUND [{name}]", status=200, rt_cd="2")


def reply(tr_id: str, body: Mapping[str, object], *, status: int = 200, tr_cont: str = "") -> web.Response:
    """An answer of a TR. Header names keep this spelling on the wire; ``tr_cont`` is always there."""
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "tr_id": tr_id,
        "tr_cont": tr_cont,
        "gt_uid": f"{next(_uids):032d}",
    }
    return web.Response(status=status, body=_encode(body), headers=headers)


def plain(body: Mapping[str, object], *, status: int = 200) -> web.Response:
    """An answer of the OAuth group: no TR headers."""
    return web.Response(status=status, body=_encode(body), headers={"Content-Type": "application/json; charset=utf-8"})


def oauth_error(code: str, description: str) -> web.Response:
    """OAuth errors have a shape of their own, HTTP 403."""
    return plain({"error_description": description, "error_code": code}, status=403)


def context_keys(query: list[str], cursor: int | None) -> dict[str, str]:
    """``ctx_area_fk100`` (echo of the query) and ``ctx_area_nk100`` (where the next page starts; blank on the last)."""
    following = "" if cursor is None else f"{cursor:010d}"
    return {
        "ctx_area_fk100": "!^".join(query)[: _CONTEXT_WIDTH - 1].ljust(_CONTEXT_WIDTH),
        "ctx_area_nk100": following.ljust(_CONTEXT_WIDTH),
    }


def page_mark(*, is_first: bool, has_more: bool) -> str:
    """The ``tr_cont`` header of a paged answer."""
    if has_more:
        return "F" if is_first else "M"
    return "D"


def kst_date(at: datetime) -> str:
    """YYYYMMDD in Korea."""
    return at.astimezone(KST).strftime("%Y%m%d")


def kst_time(at: datetime) -> str:
    """HHMMSS in Korea."""
    return at.astimezone(KST).strftime("%H%M%S")


def average(amount: int, quantity: int) -> str:
    """An average price: whole where it is whole, else four decimals."""
    if quantity == 0:
        return "0"
    return str(amount // quantity) if amount % quantity == 0 else f"{amount / quantity:.4f}"


def percent(part: int | float, whole: int | float) -> str:
    """A rate with two decimals."""
    return f"{part / whole * 100:.2f}" if whole else "0.00"
