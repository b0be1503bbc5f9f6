"""Users: stored, changed by admins, looked up by the log-in."""

import asyncio
from collections.abc import Callable, Collection, Sequence
from functools import lru_cache
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from motor.motor_asyncio import AsyncIOMotorDatabase
from msgspec import UNSET
from pymongo import ASCENDING
from pymongo.errors import DuplicateKeyError

from api.audit.service import AuditService
from api.domain.enums import Role
from api.errors import Conflict, InvalidRequest, NotFound
from api.kit.clock import Clock
from api.users.documents import UserDocument
from api.users.schemas import ChangeUser, CreateUser

_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
"""argon2id with OWASP's least parameters (Password Storage Cheat Sheet): about 35 ms of one core, in a thread. The library's defaults take
250 ms of all cores, which orders on the same machine would feel."""


class UserService:
    """The collection ``users``."""

    def __init__(
        self, database: "AsyncIOMotorDatabase[dict[str, Any]]", clock: Clock, new_id: Callable[[], str], audit: AuditService
    ) -> None:
        self._collection = database[UserDocument.__collection__]
        self._clock = clock
        self._new_id = new_id
        self._audit = audit

    async def create_indexes(self) -> None:
        """A user name is taken once."""
        await self._collection.create_index([("username", ASCENDING)], unique=True)

    async def is_empty(self) -> bool:
        """Whether nobody can sign in yet."""
        return await self._collection.find_one({}, projection={"_id": 1}) is None

    async def find(self, user_id: str) -> UserDocument | None:
        """The user, or None."""
        return _document(await self._collection.find_one({"_id": user_id}))

    async def get(self, user_id: str) -> UserDocument:
        """The user; `NotFound` where there is none."""
        user = await self.find(user_id)
        if user is None:
            raise NotFound("There is no such user.")
        return user

    async def active_among(self, user_ids: Collection[str]) -> set[str]:
        """Those of the users who may sign in."""
        return set(await self._collection.distinct("_id", {"_id": {"$in": list(user_ids)}, "is_active": True}))

    async def admin_ids(self) -> list[str]:
        """Who may manage users, jobs and settings."""
        return list(await self._collection.distinct("_id", {"role": Role.ADMIN.value, "is_active": True}))

    async def require_all(self, user_ids: Sequence[str]) -> None:
        """See that all of these are users; `InvalidRequest` names those that are not."""
        found = await self._collection.distinct("_id", {"_id": {"$in": list(user_ids)}})
        if missing := [user_id for user_id in user_ids if user_id not in found]:
            raise InvalidRequest(f"There is no user {', '.join(missing)}.", errors=[{"field": "members", "message": "unknown user"}])

    async def list_page(self, *, limit: int, after_id: str | None) -> list[UserDocument]:
        """Up to ``limit`` users, oldest first, from past ``after_id`` on."""
        query = {} if after_id is None else {"_id": {"$gt": after_id}}
        found = self._collection.find(query).sort("_id", ASCENDING).limit(limit)
        return [UserDocument.model_validate_doc(raw) async for raw in found]

    async def verify(self, username: str, password: str) -> UserDocument | None:
        """The user if name and password fit and the user is active; takes as long for an unknown name."""
        user = await self._find_by_username(username)
        fits = await asyncio.to_thread(_fits, _hash_of_nobody() if user is None else user.password_hash, password)
        return user if fits and user is not None and user.is_active else None

    async def create(self, actor: str, request: CreateUser) -> UserDocument:
        """Add a user; `Conflict` where the name is taken."""
        now = self._clock.now()
        document = UserDocument(
            id=self._new_id(),
            username=request.username.lower(),
            name=request.name or request.username,
            role=request.role.value,
            password_hash=await asyncio.to_thread(_HASHER.hash, request.password),
            is_active=True,
            created_at=now,
            updated_at=now,
        )
        try:
            await self._collection.insert_one(document.model_dump_doc())
        except DuplicateKeyError as error:
            raise Conflict("This user name is taken.") from error
        await self._audit.record(actor=actor, action="user.create", subject=f"user:{document.id}", before=None, after=_audited(document))
        return document

    async def change(self, actor: str, user_id: str, request: ChangeUser) -> UserDocument:
        """Change a user; the last active admin stays one."""
        before = await self.get(user_id)
        changes: dict[str, Any] = {}
        if request.name is not UNSET:
            changes["name"] = request.name
        if request.role is not UNSET:
            changes["role"] = request.role.value
        if request.is_active is not UNSET:
            changes["is_active"] = request.is_active
        if request.password is not UNSET:
            changes["password_hash"] = await asyncio.to_thread(_HASHER.hash, request.password)
        ends_admin = before.role == Role.ADMIN and (changes.get("role", before.role) != Role.ADMIN or changes.get("is_active") is False)
        if ends_admin and await self._is_last_admin(user_id):
            raise InvalidRequest("This is the last active admin.")
        if not changes:
            return before
        await self._collection.update_one({"_id": user_id}, {"$set": changes | {"updated_at": self._clock.now()}})
        after = await self.get(user_id)
        await self._audit.record(
            actor=actor,
            action="user.password" if set(changes) == {"password_hash"} else "user.change",
            subject=f"user:{user_id}",
            before=_audited(before),
            after=_audited(after),
        )
        return after

    async def ensure_demo_user(self, username: str, password: str) -> UserDocument:
        """The demo user of the local profile: an admin, made where the name is free."""
        if (user := await self._find_by_username(username)) is not None:
            return user
        try:
            return await self.create("system", CreateUser(username=username, password=password, role=Role.ADMIN, name="Demo"))
        except Conflict:
            user = await self._find_by_username(username)  # another process was faster
            if user is None:
                raise
            return user

    async def _find_by_username(self, username: str) -> UserDocument | None:
        return _document(await self._collection.find_one({"username": username.lower()}))

    async def _is_last_admin(self, user_id: str) -> bool:
        query = {"role": Role.ADMIN.value, "is_active": True, "_id": {"$ne": user_id}}
        return await self._collection.find_one(query, projection={"_id": 1}) is None


@lru_cache
def _hash_of_nobody() -> str:
    """Checked for an unknown user, so that the answer takes as long."""
    return _HASHER.hash("nobody has this password")


def _fits(password_hash: str, password: str) -> bool:
    try:
        return _HASHER.verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False


def _document(raw: dict[str, Any] | None) -> UserDocument | None:
    return None if raw is None else UserDocument.model_validate_doc(raw)


def _audited(user: UserDocument) -> dict[str, Any]:
    return {"username": user.username, "name": user.name, "role": user.role, "is_active": user.is_active}
