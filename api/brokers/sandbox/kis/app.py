"""The KIS gateway: checks keys, token, rate and TR id, then hands the request to what the TR does; websockets on any path."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from aiohttp import web

from ..doors import Doors
from ..faults import FaultKind, Operation
from ..model import Account, Broker, Environment, Side
from . import balances, charts, day_orders, finance, hts, master, more_rankings, oauth, orders, overseas, products, quotes, rankings
from .codes import PATHS, TRS, Call, Tr
from .stream import KisStream
from .tokens import KisTokens
from .wire import (
    BAD_BODY,
    EXPIRED_TOKEN,
    LEDGER_RATE_LIMITED,
    NO_SUCH_SERVICE,
    NOT_A_PAPER_TR,
    RATE_LIMITED,
    SERVER_ERRORS,
    UNKNOWN_TOKEN,
    GatewayError,
    oauth_error,
)

_CALLS_PER_SECOND = {Environment.REAL: 20, Environment.PAPER: 2}
_ACCOUNT_CALLS: dict[Call, Callable[[Doors, Account, str, web.Request], web.Response]] = {
    Call.DAY_ORDERS: day_orders.day_orders,
    Call.OPEN_ORDERS: day_orders.open_orders,
    Call.BUYING_POWER: balances.buying_power,
    Call.SELLABLE: balances.sellable,
    Call.BALANCE: balances.balance,
    Call.CONDITIONS: hts.conditions,
    Call.CONDITION_STOCKS: hts.condition_stocks,
    Call.INTEREST_GROUPS: hts.interest_groups,
    Call.INTEREST_STOCKS: hts.interest_stocks,
    Call.OVERSEAS_BALANCE: overseas.balance,
    Call.OVERSEAS_PRESENT_BALANCE: overseas.present_balance,
    Call.OVERSEAS_ORDERS: overseas.orders,
}
_MARKET_CALLS: dict[Call, Callable[[Doors, str, web.Request], web.Response]] = {
    Call.PRICE: quotes.price,
    Call.ASKING_PRICE: quotes.asking_price,
    Call.LAST_TRADES: charts.last_trades,
    Call.RECENT_CHART: charts.recent_chart,
    Call.LONG_CHART: charts.long_chart,
    Call.MINUTES_TODAY: charts.minutes_today,
    Call.PAST_MINUTES: charts.past_minutes,
    Call.VOLUME_RANK: rankings.volume_rank,
    Call.FLUCTUATION: rankings.fluctuation,
    Call.QUOTE_BALANCE: more_rankings.quote_balance,
    Call.OVERTIME_FLUCTUATION: more_rankings.overtime_fluctuation,
    Call.OVERTIME_VOLUME: more_rankings.overtime_volume,
    Call.EXPECTED_CHANGE: more_rankings.expected_change,
    Call.NET_BUYING: more_rankings.net_buying,
    Call.MANY_PRICES: rankings.many_prices,
    Call.BALANCE_SHEET: finance.balance_sheet,
    Call.INCOME_STATEMENT: finance.income_statement,
    Call.PROFIT_RATIO: finance.profit_ratio,
    Call.OTHER_RATIOS: finance.other_ratios,
    Call.STABILITY_RATIO: finance.stability_ratio,
    Call.GROWTH_RATIO: finance.growth_ratio,
    Call.INVESTORS: finance.investors,
    Call.FIRM_OPINIONS: finance.firm_opinions,
    Call.FINANCIAL_RATIOS: products.financial_ratios,
    Call.OPINIONS: products.opinions,
    Call.CALENDAR: products.calendar,
    Call.PRODUCT_INFO: products.product_info,
    Call.STOCK_INFO: products.stock_info,
}
_ORDER_CALLS = {Call.BUY, Call.SELL, Call.REVISE_OR_CANCEL}
_decode = msgspec.json.Decoder().decode


def create_app(doors: Doors) -> web.Application:
    """The KIS door as an application; it registers its token store and wire variants with ``doors``."""
    gateway = _Gateway(doors)
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", gateway.handle)
    return app


class _Gateway:
    def __init__(self, doors: Doors) -> None:
        self._doors = doors
        self._tokens = KisTokens(doors.exchange.now, doors.limits)
        doors.tokens[Broker.KIS] = self._tokens
        doors.known_variants |= {
            "kis_odno": ("padded", "unpadded"),
            "kis_optional_keys": ("optional", "required"),
            "kis_rate_code": ("EGW00201", "EGW00215"),
            "kis_server_error": ("html", *SERVER_ERRORS),
        }
        self._stream = KisStream(doors, self._tokens)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if request.path.startswith("//"):  # mojito2 puts a slash too many before half of its paths
            request = request.clone(rel_url="/" + request.raw_path.lstrip("/"))
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await self._stream.handle(request)
        body = await _body(request)

        async def answer() -> web.StreamResponse:
            return await self._answer(request, body)

        def refuse(kind: FaultKind) -> web.StreamResponse:
            return _refuse(request, kind, self._rate_refusal())

        response = await self._doors.faults.guard(request, Broker.KIS, _operation(request, body), answer, refuse)
        error = SERVER_ERRORS.get(self._doors.variant("kis_server_error"))
        if error is not None and response.status == error.status and response.content_type == "text/html":
            return error.response(request.headers.get("tr_id", ""))
        return response

    def _rate_refusal(self) -> GatewayError:
        return RATE_LIMITED if self._doors.variant("kis_rate_code") == RATE_LIMITED.code else LEDGER_RATE_LIMITED

    async def _answer(self, request: web.Request, body: object) -> web.StreamResponse:
        if request.path in oauth.PATHS:
            return oauth.answer(self._doors, self._tokens, request, body)
        if request.path.startswith(master.FOLDER):
            return master.answer(self._doors, request)
        tr_id = request.headers.get("tr_id", "").strip()
        try:
            account = self._authenticate(request)
            tr = _tr(request, tr_id, account)
            response = self._carry_out(request, tr, tr_id, account, body)
        except GatewayError as error:
            return error.response(tr_id)
        if tr.call in _ORDER_CALLS:
            await self._doors.settle_notices(Broker.KIS)
        return response

    def _authenticate(self, request: web.Request) -> Account:
        app_key = request.headers.get("appkey", "")
        if not app_key:
            raise GatewayError("EGW00102", "AppKey는 필수입니다.")
        account = self._doors.exchange.account_by_key(app_key)
        if account is None or account.broker is not Broker.KIS:
            raise GatewayError("EGW00103", "유효하지 않은 AppKey입니다.")
        if request.headers.get("appsecret", "") != account.app_secret:
            raise GatewayError("EGW00105", "유효하지 않은 AppSecret입니다.")
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if not token or scheme.lower() != "bearer":
            raise GatewayError("EGW00205", "credentials_type이 유효하지 않습니다.(Bearer)")
        is_valid = self._tokens.check(token.strip(), app_key)
        if is_valid is None:
            raise UNKNOWN_TOKEN
        if not is_valid:
            raise EXPIRED_TOKEN
        if not self._doors.limits.take(Broker.KIS, app_key, _CALLS_PER_SECOND[account.environment]):
            raise self._rate_refusal()
        return account

    def _carry_out(self, request: web.Request, tr: Tr, tr_id: str, account: Account, body: object) -> web.Response:
        if tr.call in _ACCOUNT_CALLS:
            return _ACCOUNT_CALLS[tr.call](self._doors, account, tr_id, request)
        if tr.call in _MARKET_CALLS:
            return _MARKET_CALLS[tr.call](self._doors, tr_id, request)
        given_hash = request.headers.get("hashkey", "").strip()
        if given_hash and given_hash != oauth.hash_of(body):
            raise GatewayError("EGW00131", "유효하지 않은 hashkey입니다.")
        if tr.call is Call.REVISE_OR_CANCEL:
            return orders.revise_or_cancel(self._doors, account, tr_id, body)
        return orders.place(self._doors, account, tr_id, Side.BUY if tr.call is Call.BUY else Side.SELL, body)


async def _body(request: web.Request) -> object:
    """The JSON body of a POST; something that no TR takes where it is not JSON."""
    if request.method != "POST":
        return None
    raw = await request.read()
    try:
        return _decode(raw) if raw else None
    except msgspec.DecodeError:
        return None


def _operation(request: web.Request, body: object) -> Operation:
    if request.path.endswith("/order-cash"):
        return Operation.PLACE
    if request.path.endswith("/order-rvsecncl"):
        return Operation.CANCEL if orders.is_cancel(body) else Operation.REPLACE
    if request.path in {"/oauth2/tokenP", "/oauth2/revokeP"}:
        return Operation.TOKEN
    return Operation.INQUIRE if request.path in PATHS else Operation.ANY


def _refuse(request: web.Request, kind: FaultKind, rate_refusal: GatewayError) -> web.Response:
    if request.path in oauth.PATHS:
        is_rate = kind is FaultKind.RATE_LIMITED
        return oauth_error(*oauth.TOO_SOON) if is_rate else oauth_error("EGW00103", "유효하지 않은 AppKey입니다.")
    error = rate_refusal if kind is FaultKind.RATE_LIMITED else EXPIRED_TOKEN
    return error.response(request.headers.get("tr_id", ""))


def _tr(request: web.Request, tr_id: str, account: Account) -> Tr:
    if request.path not in PATHS:
        raise GatewayError("EGW00203", "OPS라우팅 중 오류가 발생했습니다.", status=404)
    if tr_id == "VTTC8036R":
        raise GatewayError("90000000", "모의투자에서는 해당업무가 제공되지 않습니다.", status=200)
    tr = TRS.get(tr_id)
    if tr is None or tr.path != request.path:
        raise NO_SUCH_SERVICE
    if tr.method != request.method:
        raise BAD_BODY
    if tr.environment is Environment.REAL and account.environment is Environment.PAPER:
        raise NOT_A_PAPER_TR
    if tr.environment is Environment.PAPER and account.environment is Environment.REAL:
        raise NO_SUCH_SERVICE  # what the real host answers to a V id was not captured
    return tr
