"""One token per app key, shared by all processes.

KIS issues at most one access token a minute and tells the customer of each; at LS a new token kills the old one. So a token is looked up
in this process, then in MongoDB (encrypted), and only then issued, by whoever holds a lease in Redis; the others wait and read.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Literal
from uuid import uuid4

import structlog
from msgspec import Struct
from pymongo.errors import PyMongoError
from redis.asyncio import Redis
from redis.exceptions import RedisError

from api.brokers.base import Credentials
from api.brokers.errors import BrokerError, BrokerRateLimited, BrokerUnavailable
from api.kit.clock import Clock
from api.kit.crypto import Cipher, DecryptionFailed
from api.kit.redis_lease import LeaseStore

if TYPE_CHECKING:
    from motor.motor_asyncio import AsyncIOMotorDatabase

log = structlog.get_logger()

_LEASE_SECONDS = 20.0  # longer than the slowest issue call: 3 s to connect, 10 s to read
_WAIT_SECONDS = 20.0
_LOOK_AGAIN_SECONDS = 0.05


class IssuedToken(Struct, frozen=True):
    """A token as the broker issued it; ``expires_at`` is aware UTC."""

    value: str
    expires_at: datetime

    def __repr__(self) -> str:
        return f"IssuedToken(expires_at={self.expires_at})"


class _Refused(Struct, frozen=True):
    """A token that the broker refused, and when."""

    token: IssuedToken
    at: datetime


class TokenKey(str):
    """Names one token: ``broker:environment:kind:fingerprint of the app key``."""

    @classmethod
    def of(cls, credentials: Credentials, kind: Literal["access", "approval"] = "access") -> "TokenKey":
        """The key of an account's token: ``access`` for REST, ``approval`` for KIS websockets."""
        return cls(f"{credentials.broker}:{credentials.environment}:{kind}:{key_fingerprint(credentials.app_key)}")

    @property
    def broker(self) -> str:
        """The broker that issued it."""
        return self.partition(":")[0]


def key_fingerprint(app_key: str) -> str:
    """Names an app key without telling it."""
    return sha256(app_key.encode()).hexdigest()[:24]


class TokenStore:
    """Looks tokens up and has them issued, one at a time.

    Args:
        database: Motor database; the collection is ``broker_tokens``.
        redis: Holds the leases.
        cipher: Encrypts the values at rest.
        clock: Judges expiry.
        prefix: Put before every Redis key.
    """

    def __init__(self, database: "AsyncIOMotorDatabase[Any]", redis: Redis, cipher: Cipher, clock: Clock, prefix: str) -> None:
        self._tokens = database["broker_tokens"]
        self._redis = redis
        self._cipher = cipher
        self._clock = clock
        self._prefix = prefix
        self._leases = LeaseStore(redis, prefix, clock)
        self._known: dict[str, IssuedToken] = {}
        self._refused: dict[str, _Refused] = {}
        self._turns: dict[str, asyncio.Lock] = {}

    async def get(self, key: TokenKey, issue: Callable[[], Awaitable[IssuedToken]], *, valid_for_seconds: float = 60) -> str:
        """A token that lives at least ``valid_for_seconds`` longer; issued by ``issue`` where there is none.

        A broker may hand out the running token again (KIS does within six hours): then that one is given, however long it lives.

        A broker that refused a token and will not issue another yet (KIS: one a minute) may have meant the call, not the token: then the
        refused one is tried again rather than nothing for a minute, by whichever process.

        Raises:
            BrokerUnavailable: MongoDB or Redis did not answer, or another process held the issue too long; nothing was sent.
            BrokerRateLimited: The broker refused to issue one so soon.
            BrokerError: Whatever ``issue`` raises.
        """
        known = self._known.get(key)
        if known is not None and self._lives(known, valid_for_seconds):
            return known.value
        # one at a time within this process: the others find the result in `_known`
        async with self._turns.setdefault(key, asyncio.Lock()):
            known = self._known.get(key)
            if known is not None and self._lives(known, valid_for_seconds):
                return known.value
            with_fallback = known if known is not None and self._lives(known, 0) else None
            async with _storage_failures_of(key):
                try:
                    return await self._find_or_issue(key, issue, valid_for_seconds, with_fallback)
                except BrokerRateLimited:
                    refused = await self._find(key, valid_for_seconds, may_be_refused=True)
                    if refused is None:
                        raise
                    log.warning("refused_token_tried_again", key=str(key))
                    self._known[key] = refused
                    return refused.value

    async def invalidate(self, key: TokenKey, token: str) -> None:
        """The broker refused ``token``: none takes it up while another can be had. A newer one that was stored meanwhile stays."""
        known = self._known.get(key)
        if known is not None and known.value == token:
            self._refused[key] = _Refused(self._known.pop(key), self._clock.now())
        async with _storage_failures_of(key):
            document = await self._tokens.find_one({"_id": key})
            if document is not None and self._open(document) in (None, token):
                await self._tokens.update_one({"_id": key, "token": document["token"]}, {"$set": {"refused_at": self._clock.now()}})

    async def revoke(self, key: TokenKey, send: Callable[[str], Awaitable[None]]) -> None:
        """Forget the token that all processes share, and have the broker forget it by ``send``; nothing where there is none.

        Another process that still holds it is refused at its next call, and has a new one issued if it needs one.
        """
        async with self._turns.setdefault(key, asyncio.Lock()), _storage_failures_of(key):
            self._known.pop(key, None)
            self._refused.pop(key, None)
            stored = await self._find(key, 0)
            await self._tokens.delete_one({"_id": key})
            if stored is not None:
                await send(stored.value)

    async def _find_or_issue(
        self, key: TokenKey, issue: Callable[[], Awaitable[IssuedToken]], valid_for_seconds: float, fallback: IssuedToken | None
    ) -> str:
        give_up_at = self._clock.monotonic() + _WAIT_SECONDS
        while True:
            if (stored := await self._find(key, valid_for_seconds)) is not None:
                self._known[key] = stored
                return stored.value
            await self._respect_pause(key)
            lease = await self._leases.acquire(f"token:{key}", uuid4().hex, _LEASE_SECONDS)
            if lease is not None:
                try:
                    # the former holder may have stored one between the look above and this lease
                    token = await self._find(key, valid_for_seconds) or await self._issue(key, issue)
                finally:
                    await lease.release()
                self._known[key] = token
                self._refused.pop(key, None)
                return token.value
            if self._clock.monotonic() >= give_up_at:
                if fallback is not None:
                    return fallback.value
                raise BrokerUnavailable(key.broker, sent=False, reason="another process holds the token issue")
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)

    async def _issue(self, key: TokenKey, issue: Callable[[], Awaitable[IssuedToken]]) -> IssuedToken:
        try:
            token = await issue()
        except BrokerRateLimited as error:
            # all processes wait together instead of asking one after the other
            await self._redis.set(self._pause_key(key), "1", px=max(1, round(error.retry_after * 1000)))
            raise
        await self._tokens.replace_one(
            {"_id": key},
            {
                "_id": str(key),
                "token": self._cipher.encrypt(token.value),
                "expires_at": token.expires_at,
                "issued_at": self._clock.now(),
            },
            upsert=True,
        )
        log.info("broker_token_issued", key=str(key), expires_at=token.expires_at.isoformat())
        return token

    async def _find(self, key: TokenKey, valid_for_seconds: float, *, may_be_refused: bool = False) -> IssuedToken | None:
        document = await self._tokens.find_one({"_id": key})
        if document is None or (value := self._open(document)) is None:
            return None
        if not may_be_refused and self._is_refused(document, value):
            return None
        token = IssuedToken(value, document["expires_at"])
        return token if self._lives(token, valid_for_seconds) else None

    def _is_refused(self, document: dict[str, Any], value: str) -> bool:
        if "refused_at" in document:
            return True
        refused = self._refused.get(document["_id"])  # `invalidate` is about to write it down
        return refused is not None and value == refused.token.value and document["issued_at"] <= refused.at

    def _open(self, document: dict[str, Any]) -> str | None:
        try:
            return self._cipher.decrypt(document["token"])
        except DecryptionFailed:
            log.warning("broker_token_unreadable", key=document["_id"])
            return None

    def _lives(self, token: IssuedToken, seconds: float) -> bool:
        return token.expires_at - self._clock.now() > timedelta(seconds=seconds)

    async def _respect_pause(self, key: TokenKey) -> None:
        remaining = await self._redis.pttl(self._pause_key(key))
        if remaining > 0:
            raise BrokerRateLimited(key.broker, remaining / 1000)

    def _pause_key(self, key: TokenKey) -> str:
        return f"{self._prefix}:token-pause:{key}"


@asynccontextmanager
async def _storage_failures_of(key: TokenKey) -> AsyncIterator[None]:
    try:
        yield
    except BrokerError:
        raise
    except (PyMongoError, RedisError) as error:
        raise BrokerUnavailable(key.broker, sent=False, reason=f"token store: {type(error).__name__}") from error
