"""LS access tokens: a JWT that lives until 07:00 KST, one per app key.

Two projects report that a new token ends the earlier one of the same key, nobody shows a frame; the sandbox does so, since that is
the harder case for a client. A token that was replaced, revoked, or issued before the sandbox started is unknown (IGW00121).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec

from ..model import Account
from ..session import KST
from .codes import TOKEN_EXPIRED, TOKEN_MISSING, TOKEN_UNKNOWN, Answer

EXPIRES_IN_SECONDS = 86_400  # what LS's guide shows whatever the hour; the token's own ``exp`` tells the truth
_ENDS_AT_HOUR = 7


class TokenRefused(Exception):
    """A token that opens nothing; ``answer`` is LS's refusal."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.code)
        self.answer = answer


@dataclass(slots=True)
class _Grant:
    token: str
    app_key: str
    expires_at: datetime


class Tokens:
    """The live token of each app key."""

    def __init__(
        self,
        account_by_key: Callable[[str], Account | None],
        now: Callable[[], datetime],
        seed: str,
    ) -> None:
        self._account_by_key = account_by_key
        self._now = now
        self._secret = hashlib.sha512(f"ls token {seed}".encode()).digest()
        self._by_key: dict[str, _Grant] = {}
        self._by_token: dict[str, _Grant] = {}

    def issue(self, account: Account) -> str:
        """A new token; the key's earlier one is dead from now on."""
        now = self._now()
        expires_at = _next_end(now)
        grant = _Grant(self._sign(account.app_key, now, expires_at), account.app_key, expires_at)
        self._drop(account.app_key)
        self._by_key[account.app_key] = self._by_token[grant.token] = grant
        return grant.token

    def account_of(self, token: str) -> Account:
        """The account that a token opens.

        Raises:
            TokenRefused: It is missing, unknown, or expired.
        """
        if not token:
            raise TokenRefused(TOKEN_MISSING)
        grant = self._by_token.get(token)
        account = self._account_by_key(grant.app_key) if grant is not None else None
        if grant is None or account is None:
            raise TokenRefused(TOKEN_UNKNOWN)
        if self._now() >= grant.expires_at:
            raise TokenRefused(TOKEN_EXPIRED)
        return account

    def revoke(self, token: str, account: Account) -> bool:
        """End a token of the account; False when it is not the live one."""
        grant = self._by_token.get(token)
        if grant is None or grant.app_key != account.app_key:
            return False
        self._drop(grant.app_key)
        return True

    def expire_all(self) -> int:
        """Let every token expire now; how many there were."""
        now = self._now()
        for grant in self._by_token.values():
            grant.expires_at = min(grant.expires_at, now)
        return len(self._by_token)

    def forget_other_than(self, accounts: list[Account]) -> None:
        """Drop the tokens of app keys that no account has any more."""
        for app_key in self._by_key.keys() - {account.app_key for account in accounts}:
            self._drop(app_key)

    def _drop(self, app_key: str) -> None:
        grant = self._by_key.pop(app_key, None)
        if grant is not None:
            del self._by_token[grant.token]

    def _sign(self, app_key: str, now: datetime, expires_at: datetime) -> str:
        claims = {
            "sub": "token",
            "aud": str(uuid.uuid4()),
            "nbf": int(now.timestamp()),
            "grant_type": "Client",
            "iss": "unogw",
            "exp": int(expires_at.timestamp()),
            "iat": int(now.timestamp()),
            "jti": app_key,
        }
        unsigned = f"{_base64url(msgspec.json.encode({'typ': 'JWT', 'alg': 'HS512'}))}.{_base64url(msgspec.json.encode(claims))}"
        return f"{unsigned}.{_base64url(hmac.digest(self._secret, unsigned.encode(), hashlib.sha512))}"


def _next_end(now: datetime) -> datetime:
    local = now.astimezone(KST)
    end = local.replace(hour=_ENDS_AT_HOUR, minute=0, second=0, microsecond=0)
    if end <= local:
        end += timedelta(days=1)
    return end - timedelta(seconds=1)  # live tokens: exp 06:59:59


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
