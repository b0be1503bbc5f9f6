"""Routes of trading states and risk limits."""

from typing import Annotated

from litestar import Controller, get, put
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter

from api.auth.principal import Principal
from api.domain.enums import Broker, TradingState
from api.errors import LucyError
from api.orders.service import OrderService
from api.problems import problems
from api.risk.book import NO_LIMITS, StoredLimits
from api.risk.limits import LimitSet
from api.risk.schemas import (
    Cancellations,
    LevelTradingState,
    PutRiskLimits,
    PutTradingState,
    RiskLimits,
    TradingStateChange,
    TradingStateList,
)
from api.risk.service import RiskService
from api.risk.states import LevelState

_ACCOUNT_ID = PathParameter(pattern=r"^[0-9a-f]{24}$", description="Id of the account.")
_USER_ID = PathParameter(pattern=r"^[0-9a-f]{24}$", description="Id of the user.")


class TradingStateController(Controller):
    """The kill switches above the accounts; an account's own is ``PUT /accounts/{id}/kill-switch``."""

    path = "/trading-states"
    tags = ["risk"]  # noqa: RUF012 - Litestar declares it so

    @get(operation_id="listTradingStates", summary="Trading states (admin)", responses=problems(401, 403, 503))
    async def list_states(self, principal: NamedDependency[Principal], risk_service: NamedDependency[RiskService]) -> TradingStateList:
        """The global state and that of each broker. The strictest of global, broker and account holds."""
        levels = await risk_service.list_levels(principal)
        return TradingStateList(items=[_level(broker, level) for broker, level in levels])

    @put(
        "/global", operation_id="putGlobalTradingState", summary="Halt or release all (admin)", responses=problems(400, 401, 403, 422, 503)
    )
    async def put_global(
        self,
        data: JSONBody[PutTradingState],
        principal: NamedDependency[Principal],
        risk_service: NamedDependency[RiskService],
        order_service: NamedDependency[OrderService],
    ) -> TradingStateChange:
        """Once it is answered, it holds in every process: nothing leaves that it forbids. Cancels always leave."""
        return await _put(None, data, principal, risk_service, order_service)

    @put(
        "/brokers/{broker:str}",
        operation_id="putBrokerTradingState",
        summary="Halt or release a broker (admin)",
        responses=problems(400, 401, 403, 422, 503),
    )
    async def put_broker(
        self,
        broker: Annotated[Broker, PathParameter(description="The broker.")],
        data: JSONBody[PutTradingState],
        principal: NamedDependency[Principal],
        risk_service: NamedDependency[RiskService],
        order_service: NamedDependency[OrderService],
    ) -> TradingStateChange:
        """As the global one, for all accounts at one broker."""
        return await _put(broker, data, principal, risk_service, order_service)


class RiskLimitController(Controller):
    """Limits of accounts and users; both hold for an order."""

    path = "/"
    tags = ["risk"]  # noqa: RUF012 - Litestar declares it so

    @get(
        "/accounts/{account_id:str}/risk-limits",
        operation_id="getAccountRiskLimits",
        summary="Risk limits of an account",
        responses=problems(401, 404, 503),
    )
    async def get_account_limits(
        self,
        account_id: Annotated[str, _ACCOUNT_ID],
        principal: NamedDependency[Principal],
        risk_service: NamedDependency[RiskService],
    ) -> RiskLimits:
        """What every order at the account must keep."""
        return _limits(await risk_service.get_account_limits(principal, account_id))

    @put(
        "/accounts/{account_id:str}/risk-limits",
        operation_id="putAccountRiskLimits",
        summary="Set the risk limits of an account",
        responses=problems(400, 401, 403, 404, 422, 503),
    )
    async def put_account_limits(
        self,
        account_id: Annotated[str, _ACCOUNT_ID],
        data: JSONBody[PutRiskLimits],
        principal: NamedDependency[Principal],
        risk_service: NamedDependency[RiskService],
    ) -> RiskLimits:
        """Replace all limits; once it is answered, they hold in every process. Needs `manage`."""
        return _limits(await risk_service.put_account_limits(principal, account_id, _limit_set(data)))

    @get(
        "/users/{user_id:str}/risk-limits",
        operation_id="getUserRiskLimits",
        summary="Risk limits of a user",
        responses=problems(401, 403, 404, 503),
    )
    async def get_user_limits(
        self, user_id: Annotated[str, _USER_ID], principal: NamedDependency[Principal], risk_service: NamedDependency[RiskService]
    ) -> RiskLimits:
        """What every order of the user must keep, at any account. For admins and the user."""
        return _limits(await risk_service.get_user_limits(principal, user_id))

    @put(
        "/users/{user_id:str}/risk-limits",
        operation_id="putUserRiskLimits",
        summary="Set the risk limits of a user (admin)",
        responses=problems(400, 401, 403, 404, 422, 503),
    )
    async def put_user_limits(
        self,
        user_id: Annotated[str, _USER_ID],
        data: JSONBody[PutRiskLimits],
        principal: NamedDependency[Principal],
        risk_service: NamedDependency[RiskService],
    ) -> RiskLimits:
        """Replace all limits; once it is answered, they hold in every process."""
        return _limits(await risk_service.put_user_limits(principal, user_id, _limit_set(data)))


async def _put(
    broker: Broker | None, data: PutTradingState, principal: Principal, risk: RiskService, orders: OrderService
) -> TradingStateChange:
    level = await risk.put_level(principal, broker, data.state, data.reason)
    canceled = None
    if data.cancel_open_orders:
        results = await orders.cancel_at(await risk.accounts_under(broker))
        refused = sum(isinstance(result, LucyError) for _, result in results)
        canceled = Cancellations(requested=len(results), refused=refused)
    return TradingStateChange(current=_level(broker, level), canceled=canceled)


def _level(broker: Broker | None, level: LevelState | None) -> LevelTradingState:
    return LevelTradingState(
        level="global" if broker is None else "broker",
        broker=broker,
        state=TradingState.ACTIVE if level is None else level.state,
        reason=None if level is None else level.reason or None,
        set_by=None if level is None else level.set_by,
        set_at=None if level is None else level.set_at,
    )


def _limit_set(data: PutRiskLimits) -> LimitSet:
    return LimitSet(**{name: getattr(data, name) for name in LimitSet.__struct_fields__})


def _limits(stored: StoredLimits | None) -> RiskLimits:
    limits = NO_LIMITS if stored is None else stored.limits
    return RiskLimits(
        **{name: getattr(limits, name) for name in LimitSet.__struct_fields__},
        set_by=None if stored is None else stored.set_by,
        set_at=None if stored is None else stored.set_at,
    )
