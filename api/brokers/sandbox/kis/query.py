"""The query of an account inquiry: keys in any case, the account checked, the paging cursor read."""

from __future__ import annotations

from aiohttp import web

from ..model import Account
from .wire import WRONG_ACCOUNT, missing_input

DONE_TEXT = "조회가 완료되었습니다".ljust(80)


class Query:
    """The query of an inquiry; keys in any case, since clients send both."""

    def __init__(self, request: web.Request, account: Account) -> None:
        self._values = {name.upper(): value for name, value in request.query.items()}
        self.is_continued = request.headers.get("tr_cont", "").strip() == "N"
        number = self.require("CANO") + self.require("ACNT_PRDT_CD")
        if number != account.number:
            raise WRONG_ACCOUNT

    def get(self, name: str) -> str:
        """A parameter, trimmed; blank where it is missing."""
        return self._values.get(name, "").strip()

    def require(self, name: str) -> str:
        """A parameter that must be there, blank or not."""
        if name not in self._values:
            raise missing_input(name)
        return self._values[name].strip()

    def values(self) -> list[str]:
        """What ``ctx_area_fk100`` echoes: the query without its paging keys."""
        return [value for name, value in self._values.items() if not name.startswith("CTX_AREA")]

    def cursor(self, start: int) -> int:
        """Where this page starts; ``start`` on the first."""
        key = self.get("CTX_AREA_NK100")
        return int(key) if self.is_continued and key.isdecimal() else start
