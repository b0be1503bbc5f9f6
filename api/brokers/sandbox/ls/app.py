"""The LS front door as a web application: OAuth, TRs by POST on any path, websockets by GET on any path."""

from __future__ import annotations

import hmac
from collections.abc import Mapping

from aiohttp import web

from ..doors import Doors
from ..faults import FaultKind, Operation
from ..model import Account, Broker
from .balances import BalanceDesk
from .charts import ChartDesk
from .codes import RATE_LIMITED, UNKNOWN_APP_KEY, WRONG_APP_SECRET, Answer
from .diary import DiaryDesk
from .gateway import CONTENT_TYPE, Gateway, encode
from .index import IndexDesk
from .listings import OrderLists
from .market import MarketDesk
from .orders import OrderDesk
from .rankings import RankDesk
from .stream import Stream
from .tokens import EXPIRES_IN_SECONDS, Tokens

_FORBIDDEN = 403
_BAD_REQUEST = 400


def create_app(doors: Doors) -> web.Application:
    """Build the front door on the shared market; its tokens are handed to the control API through ``doors.tokens``."""
    exchange = doors.exchange
    tokens = Tokens(exchange.account_by_key, exchange.now, exchange.seed)
    doors.tokens[Broker.LS] = tokens
    lists, market = OrderLists(doors), MarketDesk(doors)
    doors.on_reset.append(lists.reset)
    inquiries = (BalanceDesk(exchange), DiaryDesk(exchange), ChartDesk(doors), RankDesk(doors), IndexDesk(doors))
    desks = (OrderDesk(doors), lists, market, *inquiries)
    gateway = Gateway(doors, tokens, {tr.code: tr for desk in desks for tr in desk.trs()})
    stream = Stream(doors, tokens, market)
    oauth = _OAuth(doors, tokens)

    app = web.Application()
    app.router.add_post("/oauth2/token", oauth.issue)
    app.router.add_post("/oauth2/revoke", oauth.revoke)
    app.router.add_get("/{path:.*}", stream.serve)
    app.router.add_post("/{path:.*}", gateway.serve)
    return app


class _OAuth:
    def __init__(self, doors: Doors, tokens: Tokens) -> None:
        self._doors = doors
        self._tokens = tokens

    async def issue(self, request: web.Request) -> web.StreamResponse:
        async def answer() -> web.StreamResponse:
            fields = await _form_and_query(request)
            account = self._account(fields)
            if isinstance(account, Answer):
                return _refuse(account)
            if fields.get("grant_type") != "client_credentials" or fields.get("scope") != "oob":
                # LS demands both; its code for this is not known, so the words are OAuth's own
                return _respond(
                    _BAD_REQUEST,
                    {
                        "error_code": "invalid_request",
                        "error_description": "grant_type, scope",
                    },
                )
            self._doors.limits.counts[Broker.LS]["token_requests"] += 1
            token = self._tokens.issue(account)
            body = {
                "access_token": token,
                "scope": "oob",
                "token_type": "Bearer",
                "expires_in": EXPIRES_IN_SECONDS,
            }
            return _respond(200, body)

        def refuse(kind: FaultKind) -> web.StreamResponse:
            return _refuse(RATE_LIMITED if kind is FaultKind.RATE_LIMITED else UNKNOWN_APP_KEY)

        return await self._doors.faults.guard(request, Broker.LS, Operation.TOKEN, answer, refuse)

    async def revoke(self, request: web.Request) -> web.StreamResponse:
        fields = await _form_and_query(request)
        account = self._account(fields)
        if isinstance(account, Answer):
            return _refuse(account)
        self._tokens.revoke(fields.get("token", ""), account)  # LS's answer to a token that is not live is not known: as if it were
        return _respond(200, {"code": 200, "message": "접근토큰 폐기에 성공하였습니다."})

    def _account(self, fields: Mapping[str, str]) -> Account | Answer:
        account = self._doors.exchange.account_by_key(fields.get("appkey", ""))
        if account is None or account.broker is not Broker.LS:
            return UNKNOWN_APP_KEY
        if not hmac.compare_digest(account.app_secret.encode(), fields.get("appsecretkey", "").encode()):
            return WRONG_APP_SECRET
        return account


async def _form_and_query(request: web.Request) -> dict[str, str]:
    """The documented place is the form body; query parameters of the POST work as well."""
    form = await request.post()
    return {
        **request.query,
        **{name: value for name, value in form.items() if isinstance(value, str)},
    }


def _refuse(answer: Answer) -> web.Response:
    return _respond(_FORBIDDEN, {"error_code": answer.code, "error_description": answer.message})


def _respond(status: int, body: Mapping[str, object]) -> web.Response:
    return web.Response(status=status, body=encode(body), headers={"Content-Type": CONTENT_TYPE})
