"""Access tokens (JWT, short-lived, checked without a look at the database) and refresh tokens (random, stored hashed, rotated)."""

import hashlib
import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

from jose import JWTError, jwt
from motor.motor_asyncio import AsyncIOMotorDatabase
from msgspec import Struct
from pymongo import ASCENDING, ReturnDocument

from api.auth.principal import Principal
from api.domain.enums import Role
from api.errors import NotAuthenticated, TokenExpired
from api.kit.clock import Clock

_ALGORITHM = "HS256"
_ISSUER = "lucy"
_AUDIENCE = "lucy-api"
_CACHED = 10_000

_REUSE_GRACE = timedelta(seconds=10)
"""Two tabs of one browser refresh at the same moment with the same cookie: the second is no thief. After that, reuse ends the family."""


class Checked(Struct, frozen=True):
    """A good token."""

    principal: Principal
    issued_at: datetime
    expires_at: datetime


class AccessTokens:
    """Makes and checks access tokens. A token that was checked once is known until it expires."""

    def __init__(self, secret: str, lifetime: timedelta, clock: Clock) -> None:
        self._secret = secret
        self._lifetime = lifetime
        self._clock = clock
        self._known: dict[str, Checked] = {}

    @property
    def lifetime_seconds(self) -> int:
        """How long a new token lives."""
        return int(self._lifetime.total_seconds())

    def issue(self, user_id: str, username: str, role: Role) -> str:
        """A token for the user."""
        now = self._clock.now()
        claims = {
            "iss": _ISSUER,
            "aud": _AUDIENCE,
            "sub": user_id,
            "name": username,
            "role": role.value,
            "jti": secrets.token_hex(8),
            "iat": now.timestamp(),  # to the millisecond: it is compared with the instant of a revocation
            "exp": int((now + self._lifetime).timestamp()),
        }
        return str(jwt.encode(claims, self._secret, algorithm=_ALGORITHM))

    def read(self, token: str) -> Checked:
        """What a token says; `TokenExpired` or `NotAuthenticated`."""
        known = self._known.get(token)
        if known is None:
            known = self._decode(token)
            if len(self._known) >= _CACHED:
                self._known.clear()
            self._known[token] = known
        if self._clock.now() >= known.expires_at:
            del self._known[token]
            raise TokenExpired
        return known

    def _decode(self, token: str) -> Checked:
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                self._secret,
                algorithms=[_ALGORITHM],
                audience=_AUDIENCE,
                issuer=_ISSUER,
                # Not verify_exp, nor require_exp, which turns it on: jose would ask the system for the time. `read` checks it, always.
                options={"require_sub": True, "require_jti": True, "require_iat": True, "verify_exp": False},
            )
            expires_at = datetime.fromtimestamp(int(claims["exp"]), UTC)
            principal = Principal(
                user_id=str(claims["sub"]), username=str(claims["name"]), role=Role(claims["role"]), expires_at=expires_at
            )
            return Checked(principal, datetime.fromtimestamp(float(claims["iat"]), UTC), expires_at)
        except (JWTError, KeyError, ValueError, TypeError, OverflowError) as error:
            raise NotAuthenticated("The access token is not valid.") from error


class Rotated(Struct, frozen=True):
    """A refresh token's successor."""

    user_id: str
    token: str


class RefreshTokens:
    """The collection ``refresh_tokens``: one document a token, families by log-in."""

    def __init__(self, database: "AsyncIOMotorDatabase[dict[str, Any]]", lifetime: timedelta, clock: Clock) -> None:
        self._collection = database["refresh_tokens"]
        self._lifetime = lifetime
        self._clock = clock

    async def create_indexes(self) -> None:
        """Expired tokens vanish by themselves."""
        await self._collection.create_index([("expires_at", ASCENDING)], expireAfterSeconds=0)
        await self._collection.create_index([("family", ASCENDING)])
        await self._collection.create_index([("user_id", ASCENDING)])

    async def issue(self, user_id: str, family: str | None = None) -> str:
        """A new token, of a new family where none is given."""
        token = secrets.token_urlsafe(32)
        now = self._clock.now()
        await self._collection.insert_one(
            {
                "_id": _hash(token),
                "family": family or secrets.token_hex(12),
                "user_id": user_id,
                "used_at": None,
                "created_at": now,
                "expires_at": now + self._lifetime,
            }
        )
        return token

    async def rotate(self, token: str) -> Rotated:
        """Use a token up and give its successor.

        Raises:
            NotAuthenticated: Unknown or expired, or used before: then its whole family is ended, for one of its two users is a thief.
        """
        now = self._clock.now()
        hashed = _hash(token)
        document: dict[str, Any] | None = await self._collection.find_one_and_update(
            {"_id": hashed, "used_at": None, "expires_at": {"$gt": now}},
            {"$set": {"used_at": now}},
            return_document=ReturnDocument.AFTER,
        )
        if document is None:
            document = await self._collection.find_one({"_id": hashed, "expires_at": {"$gt": now}})
            if document is None:
                raise NotAuthenticated("The session has ended; sign in again.")
            if now - document["used_at"] > _REUSE_GRACE:
                await self._collection.delete_many({"family": document["family"]})
                raise NotAuthenticated("The session was ended for safety; sign in again.")
        successor = await self.issue(document["user_id"], document["family"])
        if await self._collection.find_one({"_id": hashed}) is None:  # the sessions were ended in between: so is this one
            await self._collection.delete_one({"_id": _hash(successor)})
            raise NotAuthenticated("The session has ended; sign in again.")
        return Rotated(document["user_id"], successor)

    async def end(self, token: str) -> None:
        """End the token's family: a log-out."""
        document = await self._collection.find_one({"_id": _hash(token)})
        if document is not None:
            await self._collection.delete_many({"family": document["family"]})

    async def end_all(self, user_id: str) -> None:
        """End all of the user's sessions."""
        await self._collection.delete_many({"user_id": user_id})


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
