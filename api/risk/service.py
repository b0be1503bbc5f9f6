"""Setting trading states and risk limits: who may, who hears of it, what is kept."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
import structlog
from motor.motor_asyncio import AsyncIOMotorDatabase
from pymongo.errors import PyMongoError
from redis.exceptions import RedisError

from api.accounts.service import AccountService, BrokerAccount
from api.audit.service import AuditService
from api.auth.principal import Principal
from api.domain.enums import Broker, Permission, Role, TradingState
from api.errors import Forbidden
from api.events.publisher import EventBody, EventPublisher
from api.events.schemas import AlertEvent
from api.kit.clock import Clock
from api.risk.book import LimitBook, StoredLimits
from api.risk.limits import LimitSet, to_stored
from api.risk.states import GLOBAL, LevelState, TradingStates, account_level, broker_level, fund_level
from api.users.service import UserService

log = structlog.get_logger(__name__)

CHANGED = "trading_state_changed"
"""Code of the alert that tells of a new trading state."""


class RiskService:
    """What people do with trading states and limits."""

    def __init__(
        self,
        *,
        states: TradingStates,
        book: LimitBook,
        accounts: AccountService,
        users: UserService,
        audit: AuditService,
        publisher: EventPublisher,
        database: "AsyncIOMotorDatabase[dict[str, Any]]",
        clock: Clock,
    ) -> None:
        self._states = states
        self._book = book
        self._accounts = accounts
        self._users = users
        self._audit = audit
        self._publisher = publisher
        self._alerts = database["alerts"]
        self._clock = clock

    # -- trading states

    async def list_levels(self, principal: Principal) -> list[tuple[Broker | None, LevelState | None]]:
        """Global, then each broker; None where it was never set. Admins only."""
        _require_admin(principal)
        snapshot = await self._states.known()
        levels: list[tuple[Broker | None, str]] = [(None, GLOBAL), *((broker, broker_level(broker)) for broker in Broker)]
        return [(broker, snapshot.of(level)) for broker, level in levels]

    async def put_level(self, principal: Principal, broker: Broker | None, state: TradingState, reason: str) -> LevelState:
        """Set the state of a broker, or of everything; on return it holds in every process. Admins only."""
        _require_admin(principal)
        level, name = (GLOBAL, "global") if broker is None else (broker_level(broker), broker.value)
        before, after = await self._states.set_level(level, state, reason=reason, set_by=principal.user_id)
        await self._audit.record(
            actor=principal.user_id,
            action="trading_state.put",
            subject=f"trading_state:{name}",
            before=None if before is None else _audited(before),
            after=_audited(after),
        )
        concerned = [account for account in await self._accounts.list_active() if broker in (None, account.broker)]
        members = {user_id for account in concerned for user_id in account.members}
        admins = {user.id for user in await self._users.list_page(limit=1000, after_id=None) if user.role == Role.ADMIN}
        await self._tell(sorted(members | admins), None, _words(f"Trading at {broker.value}" if broker else "All trading", state, reason))
        return after

    async def put_account_state(self, principal: Principal, account_id: str, state: TradingState, reason: str) -> BrokerAccount:
        """Set an account's kill switch; needs ``trade`` there. On return it holds in every process."""
        account = await self._accounts.require(principal, account_id, Permission.TRADE)
        before, after = await self._states.set_level(account_level(account_id), state, reason=reason, set_by=principal.user_id)
        await self._audit.record(
            actor=principal.user_id,
            action="account.kill_switch",
            subject=f"account:{account_id}",
            before={"trading_state": TradingState.ACTIVE.value} if before is None else _audited(before),
            after=_audited(after),
        )
        await self._tell(sorted(account.members), account_id, _words("Trading at this account", state, reason))
        return account

    async def put_fund_state(
        self, principal: Principal, fund_id: str, name: str, members: Sequence[str], state: TradingState, reason: str
    ) -> LevelState:
        """Set a fund's kill switch, for a caller who may. On return it holds in every process."""
        before, after = await self._states.set_level(fund_level(fund_id), state, reason=reason, set_by=principal.user_id)
        await self._audit.record(
            actor=principal.user_id,
            action="fund.kill_switch",
            subject=f"fund:{fund_id}",
            before={"trading_state": TradingState.ACTIVE.value} if before is None else _audited(before),
            after=_audited(after),
        )
        await self._tell(sorted(members), None, _words(f"Trading for the fund {name}", state, reason))
        return after

    async def accounts_under(self, broker: Broker | None) -> list[BrokerAccount]:
        """All connected accounts of a broker, or of all."""
        return [account for account in await self._accounts.list_active() if broker in (None, account.broker)]

    async def adopt_older_states(self) -> None:
        """Take over kill switches that an older Lucy stored with the accounts; safe to do twice."""
        await self._states.prepare()
        for account in await self._accounts.list_active():
            if account.trading_state is not TradingState.ACTIVE:
                await self._states.adopt_level(account_level(account.id), account.trading_state, account.updated_at)

    # -- limits

    async def get_account_limits(self, principal: Principal, account_id: str) -> StoredLimits | None:
        """Limits of an account; needs ``view``."""
        await self._accounts.require(principal, account_id, Permission.VIEW)
        return await self._book.find(f"account:{account_id}")

    async def put_account_limits(self, principal: Principal, account_id: str, limits: LimitSet) -> StoredLimits:
        """Replace the limits of an account; needs ``manage``."""
        await self._accounts.require(principal, account_id, Permission.MANAGE)
        return await self._put_limits(principal, f"account:{account_id}", limits)

    async def get_user_limits(self, principal: Principal, user_id: str) -> StoredLimits | None:
        """Limits of a user; admins, and the user."""
        if user_id != principal.user_id:
            _require_admin(principal)
        await self._users.get(user_id)
        return await self._book.find(f"user:{user_id}")

    async def put_user_limits(self, principal: Principal, user_id: str, limits: LimitSet) -> StoredLimits:
        """Replace the limits of a user; admins only."""
        _require_admin(principal)
        await self._users.get(user_id)
        return await self._put_limits(principal, f"user:{user_id}", limits)

    async def _put_limits(self, principal: Principal, owner: str, limits: LimitSet) -> StoredLimits:
        before, after = await self._book.put(owner, limits, set_by=principal.user_id)
        await self._audit.record(
            actor=principal.user_id, action="risk_limits.put", subject=owner, before=to_stored(before), after=to_stored(limits)
        )
        return after

    async def _tell(self, user_ids: Sequence[str], account_id: str | None, message: str) -> None:
        at: datetime = self._clock.now()
        event = AlertEvent(type="alert", at=at, account_id=account_id, code=CHANGED, message=message, order_id=None)
        log.warning("alert", account_id=account_id, code=CHANGED, message=message)
        try:
            await self._alerts.insert_one({"account_id": account_id, "code": CHANGED, "message": message, "order_id": None, "at": at})
            await self._publisher.publish(user_ids, EventBody("alert", msgspec.json.encode(event)))
        except (RedisError, PyMongoError) as error:  # the state holds all the same, and stands in the audit log
            log.warning("alert_not_published", code=CHANGED, problem=str(error))


def _require_admin(principal: Principal) -> None:
    if not principal.is_admin:
        raise Forbidden("Only admins may do this.")


def _words(what: str, state: TradingState, reason: str) -> str:
    return f"{what} is {state.value} now{': ' + reason if reason else '.'}"


def _audited(level: LevelState) -> dict[str, Any]:
    return {"trading_state": level.state.value, "reason": level.reason}
