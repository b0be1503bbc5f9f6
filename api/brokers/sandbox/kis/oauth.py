"""tokenP, revokeP, Approval and hashkey: their own error shape, their own key names."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec
from aiohttp import web

from ..doors import Doors
from ..model import Account, Broker
from ..session import KST
from .tokens import IssuedTooSoon, KisTokens
from .wire import oauth_error, plain

_TOKEN_SECONDS = 86_400
TOO_SOON = ("EGW00133", "접근토큰 발급 잠시 후 다시 시도하세요(1분당 1회)")

PATHS = {"/oauth2/tokenP", "/oauth2/revokeP", "/oauth2/Approval", "/uapi/hashkey"}


def answer(doors: Doors, tokens: KisTokens, request: web.Request, body: object) -> web.Response:
    """One request of the OAuth group."""
    if request.path == "/uapi/hashkey":
        return _hashkey(body)
    if not isinstance(body, dict):
        return oauth_error("EGW00101", "잘못된 요청입니다.")
    match request.path:
        case "/oauth2/tokenP":
            return _token(doors, tokens, body)
        case "/oauth2/Approval":
            return _approval(doors, tokens, body)
        case _:
            return _revoke(doors, tokens, body)


def _customer(doors: Doors, body: dict[str, Any], secret_name: str) -> Account | web.Response:
    app_key, secret = body.get("appkey"), body.get(secret_name)
    if not app_key:
        return oauth_error("EGW00102", "AppKey는 필수입니다.")
    account = doors.exchange.account_by_key(app_key) if isinstance(app_key, str) else None
    if account is None or account.broker is not Broker.KIS:
        return oauth_error("EGW00103", "유효하지 않은 AppKey입니다.")
    if not secret:
        return oauth_error("EGW00104", "AppSecret은 필수입니다.")
    return account if secret == account.app_secret else oauth_error("EGW00105", "유효하지 않은 AppSecret입니다.")


def _grant_error(body: dict[str, Any]) -> web.Response | None:
    if not body.get("grant_type"):
        return oauth_error("EGW00115", "grant_type은 필수입니다.")
    return None if body["grant_type"] == "client_credentials" else oauth_error("EGW00116", "지원하지 않는 grant_type입니다.")


def _token(doors: Doors, tokens: KisTokens, body: dict[str, Any]) -> web.Response:
    account = _customer(doors, body, "appsecret")
    if isinstance(account, web.Response):
        return account
    if (error := _grant_error(body)) is not None:
        return error
    try:
        token, expires_at = tokens.issue(account)
    except IssuedTooSoon:
        return oauth_error(*TOO_SOON)
    return plain(
        {
            "access_token": token,
            "access_token_token_expired": expires_at.astimezone(KST).strftime("%Y-%m-%d %H:%M:%S"),
            "token_type": "Bearer",
            "expires_in": _TOKEN_SECONDS,
        }
    )


def _approval(doors: Doors, tokens: KisTokens, body: dict[str, Any]) -> web.Response:
    account = _customer(doors, body, "secretkey")
    if isinstance(account, web.Response):
        return account
    return _grant_error(body) or plain({"approval_key": tokens.approve(account)})


def _revoke(doors: Doors, tokens: KisTokens, body: dict[str, Any]) -> web.Response:
    account = _customer(doors, body, "appsecret")
    if isinstance(account, web.Response):
        return account
    if not tokens.revoke(str(body.get("token", "")), account.app_key):
        return oauth_error("EGW00121", "유효하지 않은 token 입니다.")
    return plain({"code": 200, "message": "접근토큰 폐기에 성공하였습니다"})


def _hashkey(body: object) -> web.Response:
    return plain({"BODY": body, "HASH": hash_of(body)})


def hash_of(body: object) -> str:
    """The hash of an order's body, whatever the order of its keys. How KIS makes it is not known; clients only hand it back."""
    return hashlib.sha256(msgspec.json.encode(body, order="sorted")).hexdigest()
