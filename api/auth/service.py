"""Signing in and out, and telling who makes a request."""

import hashlib
import secrets
from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec
from motor.motor_asyncio import AsyncIOMotorDatabase
from msgspec import Struct
from pymongo import ASCENDING
from redis.asyncio import Redis

from api.audit.service import AuditService
from api.auth.attempts import Attempts
from api.auth.documents import ApiKeyDocument
from api.auth.principal import Principal
from api.auth.revocations import Revocations
from api.auth.schemas import ChangePassword, CreateApiKey, LogIn
from api.auth.tokens import AccessTokens, RefreshTokens
from api.domain.enums import Role
from api.errors import Forbidden, InvalidCredentials, NotAuthenticated, NotFound
from api.kit.clock import Clock
from api.settings import Settings
from api.users.documents import UserDocument
from api.users.schemas import ChangeUser
from api.users.service import UserService

KEY_PREFIX = "lucy_"

_TICKET_SECONDS = 30
_KEY_CACHE_SECONDS = 5.0
"""How long a revoked API key may go on working in another process."""


class Session(Struct, frozen=True):
    """A new or renewed session."""

    access_token: str
    expires_in: int
    refresh_token: str


class AuthService:
    """Passwords, tokens, API keys and tickets."""

    def __init__(
        self,
        *,
        users: UserService,
        database: "AsyncIOMotorDatabase[dict[str, Any]]",
        redis: Redis,
        settings: Settings,
        clock: Clock,
        new_id: Callable[[], str],
        audit: AuditService,
    ) -> None:
        self._users = users
        self._keys = database[ApiKeyDocument.__collection__]
        self._redis = redis
        self._prefix = settings.redis_prefix
        self._clock = clock
        self._new_id = new_id
        self._audit = audit
        self._attempts = Attempts(redis, settings.redis_prefix)
        self._revocations = Revocations(redis, settings.redis_prefix, clock, settings.access_token_lifetime)
        self._access = AccessTokens(settings.secret_key.get_secret_value(), settings.access_token_lifetime, clock)
        self._refresh = RefreshTokens(database, settings.refresh_token_lifetime, clock)
        self._known_keys: dict[str, tuple[float, Principal]] = {}

    async def create_indexes(self) -> None:
        """Tokens and keys are looked up by their hash."""
        await self._refresh.create_indexes()
        await self._keys.create_index([("secret_hash", ASCENDING)], unique=True)
        await self._keys.create_index([("user_id", ASCENDING)])

    async def log_in(self, request: LogIn, address: str) -> Session:
        """Start a session.

        Raises:
            InvalidCredentials: The same for an unknown user, a wrong password and a deactivated user.
            TooManyRequests: Too many failures for this name from this address.
        """
        async with self._attempts.attempt(request.username, address):
            user = await self._users.verify(request.username, request.password)
            if user is None:
                raise InvalidCredentials
        return self._session(user, await self._refresh.issue(user.id))

    async def refresh(self, refresh_token: str) -> Session:
        """Renew a session; the token given is used up."""
        rotated = await self._refresh.rotate(refresh_token)
        user = await self._users.find(rotated.user_id)
        if user is None or not user.is_active:
            await self._refresh.end_all(rotated.user_id)
            raise NotAuthenticated("The session has ended; sign in again.")
        return self._session(user, rotated.token)

    async def log_out(self, refresh_token: str) -> None:
        """End a session; an unknown token is no error."""
        await self._refresh.end(refresh_token)

    async def end_sessions(self, user_id: str) -> None:
        """End all sessions of a user, and within a second or two the access tokens that are out, in every process."""
        await self._refresh.end_all(user_id)
        await self._revocations.revoke(user_id)
        self._known_keys.clear()

    async def change_password(self, principal: Principal, request: ChangePassword, address: str) -> None:
        """Set a new password and end all sessions; `InvalidCredentials` where the current one is wrong, guesses count as at a log-in."""
        user = await self._users.get(principal.user_id)
        async with self._attempts.attempt(user.username, address):
            if await self._users.verify(user.username, request.current_password) is None:
                raise InvalidCredentials("The current password is wrong.")
        await self._users.change(principal.user_id, principal.user_id, ChangeUser(password=request.new_password))
        await self.end_sessions(principal.user_id)

    async def authenticate(self, token: str) -> Principal:
        """Whose access token or API key this is; `NotAuthenticated` or `TokenExpired`."""
        if token.startswith(KEY_PREFIX):
            return await self._principal_of_key(token)
        checked = self._access.read(token)
        if await self._revocations.is_revoked(checked.principal.user_id, checked.issued_at):
            raise NotAuthenticated("The session has ended; sign in again.")
        return checked.principal

    async def has_ended(self, principal: Principal, since: datetime) -> bool:
        """Whether the caller's rights were called back after ``since``: for what was checked once and goes on, as an event stream."""
        if await self._revocations.is_revoked(principal.user_id, since):
            return True
        return principal.key_id is not None and await self._revocations.is_revoked(_as_revoked(principal.key_id), since)

    # -- API keys

    async def create_key(self, principal: Principal, request: CreateApiKey) -> tuple[ApiKeyDocument, str]:
        """Make a key for the caller; a key cannot make one that may do more than itself."""
        if not set(request.scopes) <= principal.scopes:
            raise Forbidden("A key cannot give more than it has.")
        secret = KEY_PREFIX + secrets.token_urlsafe(32)
        document = ApiKeyDocument(
            id=self._new_id(),
            user_id=principal.user_id,
            name=request.name,
            secret_hash=_hash(secret),
            hint=secret[-4:],
            scopes=sorted(set(request.scopes)),
            created_at=self._clock.now(),
        )
        await self._keys.insert_one(document.model_dump_doc())
        await self._audit.record(
            actor=principal.user_id,
            action="api_key.create",
            subject=f"api_key:{document.id}",
            before=None,
            after={"name": document.name, "scopes": document.scopes},
        )
        return document, secret

    async def list_keys(self, principal: Principal) -> list[ApiKeyDocument]:
        """The caller's keys."""
        cursor = self._keys.find({"user_id": principal.user_id}).sort("_id", ASCENDING)
        return [ApiKeyDocument.model_validate_doc(raw) async for raw in cursor]

    async def delete_key(self, principal: Principal, key_id: str) -> None:
        """Revoke a key of the caller's; `NotFound` for any other."""
        raw = await self._keys.find_one_and_delete({"_id": key_id, "user_id": principal.user_id})
        if raw is None:
            raise NotFound("There is no such key.")
        self._known_keys.clear()
        await self._revocations.revoke(_as_revoked(key_id))
        await self._audit.record(
            actor=principal.user_id, action="api_key.delete", subject=f"api_key:{key_id}", before={"name": raw["name"]}, after=None
        )

    # -- tickets

    async def create_ticket(self, principal: Principal) -> str:
        """A ticket that opens one event stream within 30 s."""
        ticket = secrets.token_urlsafe(24)
        await self._redis.set(self._ticket_key(ticket), msgspec.json.encode(principal), ex=_TICKET_SECONDS)
        return ticket

    async def redeem_ticket(self, ticket: str) -> Principal:
        """Whose ticket this is; it is used up. `NotAuthenticated` for an unknown, used or late one."""
        raw = await self._redis.getdel(self._ticket_key(ticket))
        if raw is None:
            raise NotAuthenticated("The ticket was used, or is too old.")
        return msgspec.json.decode(raw, type=Principal)

    def _ticket_key(self, ticket: str) -> str:
        return f"{self._prefix}:ticket:{_hash(ticket)}"

    def _session(self, user: UserDocument, refresh_token: str) -> Session:
        token = self._access.issue(user.id, user.username, Role(user.role))
        return Session(token, self._access.lifetime_seconds, refresh_token)

    async def _principal_of_key(self, secret: str) -> Principal:
        hashed = _hash(secret)
        now = self._clock.monotonic()
        known = self._known_keys.get(hashed)
        if known is not None and now - known[0] < _KEY_CACHE_SECONDS:
            return known[1]
        raw = await self._keys.find_one({"secret_hash": hashed})
        user = None if raw is None else await self._users.find(raw["user_id"])
        if raw is None or user is None or not user.is_active:
            self._known_keys.pop(hashed, None)
            raise NotAuthenticated("The API key is not valid.")
        principal = Principal(
            user_id=user.id, username=user.username, role=Role(user.role), scopes=frozenset(raw["scopes"]), key_id=raw["_id"]
        )
        if len(self._known_keys) > 10_000:
            self._known_keys.clear()
        self._known_keys[hashed] = (now, principal)
        return principal


def _as_revoked(key_id: str) -> str:
    return f"key:{key_id}"


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
