"""Broker accounts: the one place that decides who may do what with which account.

Reading an account's rights costs no database call for `_CACHE_SECONDS`: a change of rights in *this* process takes effect at once, in
another process that much later at most.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import structlog
from motor.motor_asyncio import AsyncIOMotorDatabase
from msgspec import UNSET, Struct
from odmantic.exceptions import DocumentParsingError
from pymongo import ASCENDING
from pymongo.errors import DuplicateKeyError
from redis.asyncio import Redis
from redis.exceptions import RedisError

from api.accounts.documents import AccountDocument, AccountSettingsDocument, MemberDocument
from api.accounts.schemas import Account, AccountSettings, ChangeAccount, CreateAccount, Member, StreamStatus
from api.audit.service import AuditService
from api.auth.principal import Principal
from api.brokers.base import Credentials
from api.domain.enums import Broker, Environment, Permission, StreamState, TradingState
from api.errors import Conflict, Forbidden, InvalidRequest, NotFound
from api.kit.clock import Clock
from api.kit.crypto import Cipher
from api.kit.redis_client import as_awaitable
from api.risk.states import LevelState, TradingStates, account_level, levels_of
from api.settings import Settings

log = structlog.get_logger(__name__)

_CACHE_SECONDS = 2.0
_RANK = {Permission.VIEW: 0, Permission.TRADE: 1, Permission.MANAGE: 2}
_HORIZON_SECONDS = {Environment.SANDBOX: 15, Environment.PAPER: 600, Environment.REAL: 600}
_KIS_DIGITS = 10
_NEVER_SET = LevelState(state=TradingState.ACTIVE, reason="", set_by="", set_at=datetime.min)


class BrokerAccount(Struct, kw_only=True, frozen=True):
    """An account as the rest of Lucy sees it: no secrets. ``version`` grows with each change.

    ``trading_state`` is what a Lucy before `api.risk.states` stored here; what holds now is there.
    """

    id: str
    name: str
    broker: Broker
    environment: Environment
    account_number: str
    members: Mapping[str, Permission]
    trading_state: TradingState
    settings: AccountSettings
    created_at: datetime
    updated_at: datetime
    version: int


class AccountService:
    """Reads, changes and guards broker accounts."""

    def __init__(
        self,
        *,
        database: "AsyncIOMotorDatabase[dict[str, Any]]",
        redis: Redis,
        settings: Settings,
        cipher: Cipher,
        clock: Clock,
        new_id: Callable[[], str],
        audit: AuditService,
        states: TradingStates,
    ) -> None:
        self._collection = database[AccountDocument.__collection__]
        self._redis = redis
        self._settings = settings
        self._cipher = cipher
        self._clock = clock
        self._new_id = new_id
        self._audit = audit
        self._states = states
        self._all: dict[str, BrokerAccount] = {}
        self._documents: dict[str, AccountDocument] = {}
        self._credentials: dict[str, tuple[int, Credentials]] = {}
        self._loaded_at = float("-inf")
        self._loading = asyncio.Lock()
        self._generation = 0

    async def create_indexes(self) -> None:
        """An account at a broker is connected once."""
        await self._collection.create_index([("broker", ASCENDING), ("environment", ASCENDING), ("account_number", ASCENDING)], unique=True)
        await self._collection.create_index([("members.user_id", ASCENDING)])

    # -- rights

    async def require(self, principal: Principal, account_id: str, permission: Permission) -> BrokerAccount:
        """The account, if the caller may do this with it.

        Raises:
            NotFound: It does not exist, or the caller is no member: the same answer.
            Forbidden: The caller is a member with less than ``permission``, or their role or key does not allow it.
        """
        account = (await self._accounts()).get(account_id)
        if account is None or principal.user_id not in account.members:
            raise NotFound("There is no such account.")
        if _RANK[account.members[principal.user_id]] < _RANK[permission]:
            raise Forbidden(f"This needs the permission {permission} at the account.")
        if permission is not Permission.VIEW and not principal.may_trade:
            raise Forbidden("Your role or key may only read.")
        return account

    async def visible_account_ids(self, principal: Principal, permission: Permission) -> list[str]:
        """Ids of the accounts at which the caller has at least this permission."""
        accounts = await self._accounts()
        if permission is not Permission.VIEW and not principal.may_trade:
            return []
        return [
            account.id
            for account in accounts.values()
            if principal.user_id in account.members and _RANK[account.members[principal.user_id]] >= _RANK[permission]
        ]

    async def get(self, account_id: str) -> BrokerAccount:
        """The account, for Lucy's own use; `NotFound` where there is none."""
        account = (await self._accounts()).get(account_id)
        if account is None:
            raise NotFound("There is no such account.")
        return account

    async def list_active(self) -> list[BrokerAccount]:
        """All connected accounts, for the worker."""
        return list((await self._accounts()).values())

    async def member_ids(self, account_id: str) -> list[str]:
        """Who hears of the account's orders."""
        account = (await self._accounts()).get(account_id)
        return [] if account is None else list(account.members)

    async def credentials(self, account: BrokerAccount) -> Credentials:
        """The account's keys, decrypted; kept in memory until the account changes."""
        cached = self._credentials.get(account.id)
        if cached is not None and cached[0] == account.version:
            return cached[1]
        document = self._documents.get(account.id)
        if document is None:
            raise NotFound("There is no such account.")
        credentials = Credentials(
            account_id=account.id,
            broker=account.broker,
            environment=account.environment,
            account_number=account.account_number,
            app_key=self._cipher.decrypt(document.app_key_encrypted),
            app_secret=self._cipher.decrypt(document.app_secret_encrypted),
            hts_id=self._cipher.decrypt(document.hts_id_encrypted),
        )
        self._credentials[account.id] = (document.version, credentials)
        return credentials

    # -- what a client sees

    async def list_visible(self, principal: Principal) -> list[Account]:
        """The caller's accounts, oldest first."""
        ids = await self.visible_account_ids(principal, Permission.VIEW)
        accounts = await self._accounts()
        return [await self.to_wire(principal, accounts[account_id]) for account_id in sorted(ids)]

    async def to_wire(self, principal: Principal, account: BrokerAccount) -> Account:
        """The account as the caller sees it, with the state of its stream."""
        snapshot = await self._states.known()
        return Account(
            id=account.id,
            name=account.name,
            broker=account.broker,
            environment=account.environment,
            account_number=account.account_number,
            permission=account.members[principal.user_id],
            members=[Member(user_id=user_id, permission=permission) for user_id, permission in account.members.items()],
            trading_state=(snapshot.of(account_level(account.id)) or _NEVER_SET).state,
            effective_trading_state=snapshot.strictest(levels_of(account.broker, account.id))[0],
            settings=account.settings,
            stream=await self._stream(account.id),
            created_at=account.created_at,
            updated_at=account.updated_at,
        )

    # -- changes

    async def create(self, principal: Principal, request: CreateAccount) -> BrokerAccount:
        """Connect a broker account; the caller becomes its manager.

        Raises:
            Forbidden: The caller may only read.
            InvalidRequest: What the broker or the profile does not take.
            Conflict: The account is connected already.
        """
        if not principal.may_trade:
            raise Forbidden("Your role or key may only read.")
        number = request.account_number.replace("-", "")
        if request.environment is Environment.SANDBOX and not self._settings.is_local:
            raise InvalidRequest("Sandbox accounts exist only in the local profile.", errors=[_at("environment", "not available")])
        if request.broker is Broker.KIS and len(number) != _KIS_DIGITS:
            raise InvalidRequest("A KIS account number has 10 digits: 8 and 2.", errors=[_at("account_number", "10 digits")])
        if request.broker is Broker.KIS and not request.hts_id:
            raise InvalidRequest("KIS sends fill notices by HTS id: give hts_id.", errors=[_at("hts_id", "missing")])
        now = self._clock.now()
        document = AccountDocument(
            id=self._new_id(),
            name=request.name,
            broker=request.broker.value,
            environment=request.environment.value,
            account_number=number,
            app_key_encrypted=self._cipher.encrypt(request.app_key),
            app_secret_encrypted=self._cipher.encrypt(request.app_secret),
            hts_id_encrypted=self._cipher.encrypt(request.hts_id),
            members=[MemberDocument(user_id=principal.user_id, permission=Permission.MANAGE.value)],
            trading_state=TradingState.ACTIVE.value,
            settings=AccountSettingsDocument(never_received_after_seconds=_HORIZON_SECONDS[request.environment]),
            is_active=True,
            created_by=principal.user_id,
            created_at=now,
            updated_at=now,
            version=1,
        )
        try:
            await self._collection.insert_one(document.model_dump_doc())
        except DuplicateKeyError as error:
            raise Conflict("This broker account is connected already.") from error
        self._forget()
        account = _to_account(document)
        await self._record(principal, "account.create", account, None)
        return account

    async def change(self, principal: Principal, account_id: str, request: ChangeAccount) -> BrokerAccount:
        """Change name, keys or settings; needs ``manage``."""
        before = await self.require(principal, account_id, Permission.MANAGE)
        if before.broker is Broker.KIS and request.hts_id == "":
            raise InvalidRequest("KIS sends fill notices by HTS id: it cannot be taken away.", errors=[_at("hts_id", "missing")])
        changes: dict[str, Any] = {}
        if request.name is not UNSET:
            changes["name"] = request.name
        for field in ("app_key", "app_secret", "hts_id"):
            value = getattr(request, field)
            if value is not UNSET:
                changes[f"{field}_encrypted"] = self._cipher.encrypt(value)
        if request.settings is not UNSET:
            for field in ("on_possible_duplicate", "never_received_after_seconds"):
                value = getattr(request.settings, field)
                if value is not UNSET:
                    changes[f"settings.{field}"] = value
        return await self._update(principal, "account.change", before, changes)

    async def put_members(self, principal: Principal, account_id: str, members: Sequence[Member]) -> BrokerAccount:
        """Replace the members; needs ``manage``, and leaves at least one who can manage."""
        before = await self.require(principal, account_id, Permission.MANAGE)
        if len({member.user_id for member in members}) != len(members):
            raise InvalidRequest("A user is named twice.", errors=[_at("members", "a user is named twice")])
        if not any(member.permission is Permission.MANAGE for member in members):
            raise InvalidRequest("Somebody must be able to manage the account.", errors=[_at("members", "no manager")])
        if principal.user_id not in {member.user_id for member in members}:
            raise InvalidRequest("You cannot take yourself out; another manager can.", errors=[_at("members", "without the caller")])
        documents = [{"user_id": member.user_id, "permission": member.permission.value} for member in members]
        return await self._update(principal, "account.members", before, {"members": documents})

    async def delete(self, principal: Principal, account_id: str) -> None:
        """Disconnect the account; its orders stay. Needs ``manage``."""
        before = await self.require(principal, account_id, Permission.MANAGE)
        await self._collection.update_one(
            {"_id": account_id},
            {
                "$set": {
                    "is_active": False,
                    "account_number": f"{before.account_number}#{account_id}",  # the number may be connected again
                    "app_key_encrypted": "",
                    "app_secret_encrypted": "",
                    "hts_id_encrypted": "",
                    "updated_at": self._clock.now(),
                },
                "$inc": {"version": 1},
            },
        )
        self._forget()
        await self._record(principal, "account.delete", None, before)

    async def _update(self, principal: Principal, action: str, before: BrokerAccount, changes: dict[str, Any]) -> BrokerAccount:
        if not changes:
            return before
        await self._collection.update_one({"_id": before.id}, {"$set": changes | {"updated_at": self._clock.now()}, "$inc": {"version": 1}})
        self._forget()
        after = await self.get(before.id)
        await self._record(principal, action, after, before)
        return after

    async def _record(self, principal: Principal, action: str, after: BrokerAccount | None, before: BrokerAccount | None) -> None:
        subject = after or before
        if subject is not None:
            await self._audit.record(
                actor=principal.user_id, action=action, subject=f"account:{subject.id}", before=_audited(before), after=_audited(after)
            )

    async def _stream(self, account_id: str) -> StreamStatus:
        try:
            raw = await as_awaitable(self._redis.hgetall(f"{self._settings.redis_prefix}:stream:{account_id}"))
        except RedisError as error:
            log.warning("stream_state_unreadable", account_id=account_id, problem=str(error))
            raw = {}
        fields = {key.decode(): value.decode() for key, value in raw.items()}
        return StreamStatus(
            state=StreamState(fields.get("state", StreamState.STOPPED.value)),
            since=_instant(fields.get("since")),
            last_frame_at=_instant(fields.get("last_frame_at")),
            detail=fields.get("detail") or None,
        )

    def _forget(self) -> None:
        self._loaded_at = float("-inf")
        self._generation += 1

    async def _accounts(self) -> Mapping[str, BrokerAccount]:
        if self._clock.monotonic() - self._loaded_at < _CACHE_SECONDS:
            return self._all
        async with self._loading:
            if self._clock.monotonic() - self._loaded_at < _CACHE_SECONDS:
                return self._all
            asked_at, generation = self._clock.monotonic(), self._generation
            documents: dict[str, AccountDocument] = {}
            async for raw in self._collection.find({"is_active": True}):
                try:
                    document = AccountDocument.model_validate_doc(raw)
                except DocumentParsingError as error:
                    log.error("account_unreadable", account_id=str(raw.get("_id")), problem=str(error))
                    continue
                documents[document.id] = document
            self._documents = documents
            self._all = {document.id: _to_account(document) for document in documents.values()}
            if generation == self._generation:  # else something changed while this was read
                self._loaded_at = asked_at
        return self._all


def _to_account(document: AccountDocument) -> BrokerAccount:
    return BrokerAccount(
        id=document.id,
        name=document.name,
        broker=Broker(document.broker),
        environment=Environment(document.environment),
        account_number=document.account_number,
        members={member.user_id: Permission(member.permission) for member in document.members},
        trading_state=TradingState(document.trading_state),
        settings=AccountSettings(
            on_possible_duplicate="refuse" if document.settings.on_possible_duplicate == "refuse" else "flag",
            never_received_after_seconds=document.settings.never_received_after_seconds,
        ),
        created_at=document.created_at,
        updated_at=document.updated_at,
        version=document.version,
    )


def _audited(account: BrokerAccount | None) -> dict[str, Any] | None:
    if account is None:
        return None
    return {
        "name": account.name,
        "broker": account.broker.value,
        "environment": account.environment.value,
        "members": {user_id: permission.value for user_id, permission in account.members.items()},
        "trading_state": account.trading_state.value,
        "on_possible_duplicate": account.settings.on_possible_duplicate,
        "never_received_after_seconds": account.settings.never_received_after_seconds,
        "version": account.version,
    }


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _at(field: str, message: str) -> dict[str, str]:
    return {"field": field, "message": message}
