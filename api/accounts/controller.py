"""Routes of broker accounts."""

from typing import Annotated

import structlog
from litestar import Controller, delete, get, patch, post, put
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter, QueryParameter

from api.accounts.schemas import (
    Account,
    AccountPage,
    Balance,
    BuyingPower,
    ChangeAccount,
    CreateAccount,
    Position,
    PositionList,
    PutKillSwitch,
    PutMembers,
    SellableQuantity,
    Verification,
)
from api.accounts.service import AccountService
from api.auth.principal import Principal
from api.brokers.base import BrokerAdapter
from api.brokers.base import Position as BrokerPosition
from api.brokers.capabilities import Inquiry
from api.brokers.errors import BrokerError, BrokerRejected, BrokerTokenExpired
from api.brokers.registry import BrokerRegistry
from api.domain.enums import Permission
from api.errors import NotOffered
from api.kit.clock import Clock
from api.orders.service import OrderService
from api.problems import problems
from api.risk.service import RiskService
from api.users.service import UserService

log = structlog.get_logger(__name__)

_ID = PathParameter(pattern=r"^[0-9a-f]{24}$", description="Id of the account.")
_BROKER_PROBLEMS = (401, 403, 404, 429, 502, 503)


class AccountController(Controller):
    """Connect, read and change broker accounts."""

    path = "/accounts"
    tags = ["accounts"]  # noqa: RUF012 - Litestar declares it so

    @get(operation_id="listAccounts", summary="List accounts", responses=problems(401))
    async def list_accounts(self, principal: NamedDependency[Principal], account_service: NamedDependency[AccountService]) -> AccountPage:
        """The accounts that the caller is a member of."""
        return AccountPage(items=await account_service.list_visible(principal), next_cursor=None)

    @post(operation_id="createAccount", summary="Connect an account", responses=problems(400, 401, 403, 409, 422))
    async def create_account(
        self, data: JSONBody[CreateAccount], principal: NamedDependency[Principal], account_service: NamedDependency[AccountService]
    ) -> Account:
        """Connect a broker account by its keys; they are stored encrypted and never returned."""
        return await account_service.to_wire(principal, await account_service.create(principal, data))

    @get("/{account_id:str}", operation_id="getAccount", summary="One account", responses=problems(401, 404))
    async def get_account(
        self,
        account_id: Annotated[str, _ID],
        principal: NamedDependency[Principal],
        account_service: NamedDependency[AccountService],
    ) -> Account:
        """One account with the state of its execution stream."""
        return await account_service.to_wire(principal, await account_service.require(principal, account_id, Permission.VIEW))

    @patch("/{account_id:str}", operation_id="changeAccount", summary="Change an account", responses=problems(400, 401, 403, 404, 422))
    async def change_account(
        self,
        account_id: Annotated[str, _ID],
        data: JSONBody[ChangeAccount],
        principal: NamedDependency[Principal],
        account_service: NamedDependency[AccountService],
    ) -> Account:
        """Change name, keys or settings."""
        return await account_service.to_wire(principal, await account_service.change(principal, account_id, data))

    @delete("/{account_id:str}", operation_id="deleteAccount", summary="Disconnect an account", responses=problems(401, 403, 404))
    async def delete_account(
        self,
        account_id: Annotated[str, _ID],
        principal: NamedDependency[Principal],
        account_service: NamedDependency[AccountService],
        broker_registry: NamedDependency[BrokerRegistry],
    ) -> None:
        """Disconnect the account, forget its keys and have its broker forget the access token; its orders stay stored."""
        account = await account_service.require(principal, account_id, Permission.MANAGE)
        adapter = broker_registry.adapter(await account_service.credentials(account))
        await account_service.delete(principal, account_id)
        try:
            await adapter.revoke_token()
        except BrokerError as error:  # it ends by itself within a day
            log.warning("token_not_revoked", account_id=account_id, problem=str(error))

    @put("/{account_id:str}/members", operation_id="putMembers", summary="Set the members", responses=problems(400, 401, 403, 404, 422))
    async def put_members(
        self,
        account_id: Annotated[str, _ID],
        data: JSONBody[PutMembers],
        principal: NamedDependency[Principal],
        account_service: NamedDependency[AccountService],
        user_service: NamedDependency[UserService],
    ) -> Account:
        """Replace who may view, trade and manage."""
        await account_service.require(principal, account_id, Permission.MANAGE)
        await user_service.require_all([member.user_id for member in data.members])
        account = await account_service.put_members(principal, account_id, data.members)
        return await account_service.to_wire(principal, account)

    @put(
        "/{account_id:str}/kill-switch",
        operation_id="putKillSwitch",
        summary="Set the trading state",
        responses=problems(400, 401, 403, 404, 422, 503),
    )
    async def put_kill_switch(
        self,
        account_id: Annotated[str, _ID],
        data: JSONBody[PutKillSwitch],
        principal: NamedDependency[Principal],
        account_service: NamedDependency[AccountService],
        risk_service: NamedDependency[RiskService],
        order_service: NamedDependency[OrderService],
    ) -> Account:
        """`active`, `reducing` (only orders that make a position smaller) or `halted` (nothing leaves; cancels still do).

        Once it is answered, it holds in every process of Lucy. What became of canceled orders, the orders and their events tell.
        """
        account = await risk_service.put_account_state(principal, account_id, data.state, data.reason)
        if data.cancel_open_orders:
            await order_service.cancel_at([account])
        return await account_service.to_wire(principal, account)

    @post(
        "/{account_id:str}/verify",
        status_code=200,
        operation_id="verifyAccount",
        summary="Try the keys",
        responses=problems(*_BROKER_PROBLEMS),
    )
    async def verify_account(
        self,
        account_id: Annotated[str, _ID],
        principal: NamedDependency[Principal],
        account_service: NamedDependency[AccountService],
        broker_registry: NamedDependency[BrokerRegistry],
    ) -> Verification:
        """Ask the broker for the balance, to see whether it accepts the keys."""
        adapter = await _adapter(principal, account_id, account_service, broker_registry)
        try:
            await adapter.get_balance()
        except BrokerRejected as error:
            return Verification(is_accepted=False, broker_code=error.code, broker_message=error.message)
        except BrokerTokenExpired as error:
            return Verification(is_accepted=False, broker_code=error.code, broker_message=error.message)
        return Verification(is_accepted=True, broker_code=None, broker_message=None)

    @get("/{account_id:str}/balance", operation_id="getBalance", summary="Money", responses=problems(*_BROKER_PROBLEMS))
    async def get_balance(
        self,
        account_id: Annotated[str, _ID],
        principal: NamedDependency[Principal],
        account_service: NamedDependency[AccountService],
        broker_registry: NamedDependency[BrokerRegistry],
        clock: NamedDependency[Clock],
    ) -> Balance:
        """Cash and totals, asked of the broker now."""
        balance = await (await _adapter(principal, account_id, account_service, broker_registry)).get_balance()
        return Balance(
            account_id=account_id,
            cash=balance.cash,
            settled_cash=balance.settled_cash,
            orderable_cash=balance.orderable_cash,
            securities_amount=balance.securities_amount,
            total_amount=balance.total_amount,
            purchase_amount=balance.purchase_amount,
            profit_amount=balance.profit_amount,
            at=clock.now(),
        )

    @get("/{account_id:str}/positions", operation_id="listPositions", summary="Holdings", responses=problems(*_BROKER_PROBLEMS))
    async def list_positions(
        self,
        account_id: Annotated[str, _ID],
        principal: NamedDependency[Principal],
        account_service: NamedDependency[AccountService],
        broker_registry: NamedDependency[BrokerRegistry],
        clock: NamedDependency[Clock],
    ) -> PositionList:
        """Holdings, asked of the broker now."""
        positions = await (await _adapter(principal, account_id, account_service, broker_registry)).list_positions()
        return PositionList(account_id=account_id, items=[_position(position) for position in positions], at=clock.now())

    @get(
        "/{account_id:str}/buying-power",
        operation_id="getBuyingPower",
        summary="What may be bought",
        responses=problems(400, 422, *_BROKER_PROBLEMS),
    )
    async def get_buying_power(
        self,
        account_id: Annotated[str, _ID],
        symbol: Annotated[str, QueryParameter(pattern=r"^[0-9A-Z]{6}$")],
        principal: NamedDependency[Principal],
        account_service: NamedDependency[AccountService],
        broker_registry: NamedDependency[BrokerRegistry],
        limit_price: Annotated[int | None, QueryParameter(ge=1, description="Won; a market order without it.")] = None,
    ) -> BuyingPower:
        """How many shares of a symbol may be bought at a price."""
        power = await (await _adapter(principal, account_id, account_service, broker_registry)).get_buying_power(symbol, limit_price)
        return BuyingPower(
            account_id=account_id,
            symbol=symbol,
            limit_price=limit_price,
            orderable_cash=power.orderable_cash,
            orderable_quantity=power.orderable_quantity,
        )

    @get(
        "/{account_id:str}/sellable-quantity",
        operation_id="getSellableQuantity",
        summary="What may be sold",
        responses=problems(400, 422, *_BROKER_PROBLEMS),
    )
    async def get_sellable_quantity(
        self,
        account_id: Annotated[str, _ID],
        symbol: Annotated[str, QueryParameter(pattern=r"^[0-9A-Z]{6}$")],
        principal: NamedDependency[Principal],
        account_service: NamedDependency[AccountService],
        broker_registry: NamedDependency[BrokerRegistry],
    ) -> SellableQuantity:
        """How many shares of a symbol may be sold, asked of the broker now; `broker_unsupported` where it has no such inquiry."""
        adapter = await _adapter(principal, account_id, account_service, broker_registry)
        if Inquiry.SELLABLE_QUANTITY not in adapter.capabilities.inquiries:
            raise NotOffered(f"{adapter.broker} has no inquiry of the sellable quantity in this account's environment; see the holdings.")
        quantity = await adapter.get_sellable_quantity(symbol)
        return SellableQuantity(account_id=account_id, symbol=symbol, sellable_quantity=quantity)


async def _adapter(principal: Principal, account_id: str, accounts: AccountService, brokers: BrokerRegistry) -> BrokerAdapter:
    account = await accounts.require(principal, account_id, Permission.VIEW)
    return brokers.adapter(await accounts.credentials(account))


def _position(position: BrokerPosition) -> Position:
    cost = position.purchase_amount
    return Position(
        symbol=position.symbol,
        name=position.name,
        quantity=position.quantity,
        sellable_quantity=position.sellable_quantity,
        average_price=float(position.average_price),
        purchase_amount=cost,
        current_price=position.current_price,
        evaluation_amount=position.evaluation_amount,
        profit_amount=position.profit_amount,
        profit_rate=round(position.profit_amount / cost * 100, 2) if cost else None,
    )
