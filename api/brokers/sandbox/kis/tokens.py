"""KIS access tokens and websocket approval keys, with the issue rules: one a minute, the same one for six hours, valid for 24 hours."""

from __future__ import annotations

import base64
import secrets
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec

from ..limits import Limits
from ..model import Account, Broker

_LIFETIME = timedelta(hours=24)
_SAME_FOR = timedelta(hours=6)


@dataclass(slots=True)
class _Token:
    text: str
    account: Account
    issued_at: datetime
    expires_at: datetime
    is_dead: bool = False


class IssuedTooSoon(Exception):
    """A second token request within the minute."""


class KisTokens:
    """Tokens by their text, the newest one per app key, approval keys by their text."""

    def __init__(self, now: Callable[[], datetime], limits: Limits) -> None:
        self._now = now
        self._limits = limits
        self._tokens: dict[str, _Token] = {}
        self._newest: dict[str, _Token] = {}
        self._asked_at: dict[str, datetime] = {}
        self._approvals: dict[str, str] = {}

    def issue(self, account: Account) -> tuple[str, datetime]:
        """A token and when it expires.

        Raises:
            IssuedTooSoon: The key got one within the last minute.
        """
        self._limits.counts[Broker.KIS]["token_requests"] += 1
        now = self._now()
        asked_at = self._asked_at.get(account.app_key)
        if asked_at is not None and (now - asked_at).total_seconds() < self._limits.token_interval_seconds:
            raise IssuedTooSoon
        self._asked_at[account.app_key] = now
        token = self._newest.get(account.app_key)
        if token is None or token.is_dead or now >= token.expires_at or now - token.issued_at >= _SAME_FOR:
            token = _Token(_jwt(account, now), account, now, now + _LIFETIME)
            self._newest[account.app_key] = self._tokens[token.text] = token
        return token.text, token.expires_at

    def check(self, text: str, app_key: str) -> bool | None:
        """True: valid for the key. False: expired. None: unknown, revoked, or another key's."""
        token = self._tokens.get(text)
        if token is None or token.account.app_key != app_key:
            return None
        return not token.is_dead and self._now() < token.expires_at

    def revoke(self, text: str, app_key: str) -> bool:
        """Forget a token; False where there was none."""
        token = self._tokens.get(text)
        if token is None or token.account.app_key != app_key:
            return False
        del self._tokens[text]
        if self._newest.get(app_key) is token:
            del self._newest[app_key]
        return True

    def approve(self, account: Account) -> str:
        """A new approval key for the websocket; older ones stay valid."""
        key = str(uuid.uuid4())
        self._approvals[key] = account.app_key
        return key

    def approved(self, approval_key: str) -> str | None:
        """The app key behind an approval key."""
        return self._approvals.get(approval_key)

    def expire_all(self) -> int:
        """Let every token expire now, and allow a new one at once."""
        for token in self._tokens.values():
            token.is_dead = True
        self._asked_at.clear()
        return len(self._tokens)

    def forget_other_than(self, accounts: list[Account]) -> None:
        """After a reset: tokens of the same app keys go on, for the new accounts."""
        by_key = {account.app_key: account for account in accounts}
        for store in (self._tokens, self._newest):
            for name, token in list(store.items()):
                if token.account.app_key in by_key:
                    token.account = by_key[token.account.app_key]
                else:
                    del store[name]
        self._approvals = {key: app_key for key, app_key in self._approvals.items() if app_key in by_key}
        self._asked_at.clear()


def _jwt(account: Account, now: datetime) -> str:
    """Looks like KIS's tokens (HS512 JWT, at most 350 characters); nobody can verify it but the store."""
    claims = {
        "sub": "token",
        "aud": str(uuid.uuid4()),
        "iss": "unogw",
        "exp": int((now + _LIFETIME).timestamp()),
        "iat": int(now.timestamp()),
        "jti": account.app_key,
    }
    parts = [msgspec.json.encode({"typ": "JWT", "alg": "HS512"}), msgspec.json.encode(claims), secrets.token_bytes(32)]
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)
