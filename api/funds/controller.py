"""Routes of funds."""

from typing import Annotated

from litestar import Controller, delete, get, patch, post, put
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter

from api.accounts.schemas import PutKillSwitch
from api.auth.principal import Principal
from api.domain.enums import Permission
from api.errors import InvalidRequest, NotFound
from api.funds.schemas import ChangeFund, CreateFund, Fund, FundPage, FundPositionList, PutFundMembers
from api.funds.service import FundService
from api.orders.service import OrderService
from api.problems import problems
from api.risk.service import RiskService
from api.users.service import UserService

_ID = PathParameter(pattern=r"^[0-9a-f]{24}$", description="Id of the fund.")


class FundController(Controller):
    """Money and positions of their own, also where several share one broker account."""

    path = "/funds"
    tags = ["funds"]  # noqa: RUF012 - Litestar declares it so

    @get(operation_id="listFunds", summary="List funds", responses=problems(401))
    async def list_funds(self, principal: NamedDependency[Principal], fund_service: NamedDependency[FundService]) -> FundPage:
        """The funds that the caller is a member of."""
        funds = await fund_service.list_visible(principal)
        return FundPage(items=[await fund_service.to_wire(principal, fund) for fund in funds], next_cursor=None)

    @post(operation_id="createFund", summary="Make a fund", responses=problems(400, 401, 403, 404, 422))
    async def create_fund(
        self, data: JSONBody[CreateFund], principal: NamedDependency[Principal], fund_service: NamedDependency[FundService]
    ) -> Fund:
        """A fund with a budget, and what it holds from before; the caller becomes its manager."""
        return await fund_service.to_wire(principal, await fund_service.create(principal, data))

    @get("/{fund_id:str}", operation_id="getFund", summary="One fund", responses=problems(401, 404))
    async def get_fund(
        self, fund_id: Annotated[str, _ID], principal: NamedDependency[Principal], fund_service: NamedDependency[FundService]
    ) -> Fund:
        """One fund, with what of its budget is used and reserved."""
        return await fund_service.to_wire(principal, await fund_service.require(principal, fund_id, Permission.VIEW))

    @patch("/{fund_id:str}", operation_id="changeFund", summary="Change a fund", responses=problems(400, 401, 403, 404, 409, 422))
    async def change_fund(
        self,
        fund_id: Annotated[str, _ID],
        data: JSONBody[ChangeFund],
        principal: NamedDependency[Principal],
        fund_service: NamedDependency[FundService],
    ) -> Fund:
        """Change name, budget, value or opening positions; needs `manage`."""
        return await fund_service.to_wire(principal, await fund_service.change(principal, fund_id, data))

    @delete("/{fund_id:str}", operation_id="deleteFund", summary="Close a fund", responses=problems(401, 403, 404, 409))
    async def delete_fund(
        self, fund_id: Annotated[str, _ID], principal: NamedDependency[Principal], fund_service: NamedDependency[FundService]
    ) -> None:
        """Close a fund; refused while a block of it is open. Needs `manage`."""
        await fund_service.delete(principal, fund_id)

    @put(
        "/{fund_id:str}/members", operation_id="putFundMembers", summary="Set the members", responses=problems(400, 401, 403, 404, 409, 422)
    )
    async def put_members(
        self,
        fund_id: Annotated[str, _ID],
        data: JSONBody[PutFundMembers],
        principal: NamedDependency[Principal],
        fund_service: NamedDependency[FundService],
        user_service: NamedDependency[UserService],
    ) -> Fund:
        """Replace all members; needs `manage`."""
        await fund_service.require(principal, fund_id, Permission.MANAGE)
        if principal.user_id not in {member.user_id for member in data.members}:
            raise InvalidRequest("You cannot take yourself out; another manager can.")
        for member in data.members:
            try:
                await user_service.get(member.user_id)
            except NotFound as error:
                raise InvalidRequest("There is no such user.") from error
        return await fund_service.to_wire(principal, await fund_service.put_members(principal, fund_id, data.members))

    @put(
        "/{fund_id:str}/kill-switch",
        operation_id="putFundKillSwitch",
        summary="Set the trading state of a fund",
        responses=problems(400, 401, 403, 404, 422, 503),
    )
    async def put_kill_switch(
        self,
        fund_id: Annotated[str, _ID],
        data: JSONBody[PutKillSwitch],
        principal: NamedDependency[Principal],
        fund_service: NamedDependency[FundService],
        risk_service: NamedDependency[RiskService],
        order_service: NamedDependency[OrderService],
    ) -> Fund:
        """As an account's, for every order of a block with shares for this fund; needs `trade`.

        ``cancel_open_orders`` cancels such orders whole, with the shares of other funds in them: a broker's order is one.
        """
        fund = await fund_service.require(principal, fund_id, Permission.TRADE)
        members = [member.user_id for member in fund.members]
        await risk_service.put_fund_state(principal, fund.id, fund.name, members, data.state, data.reason)
        if data.cancel_open_orders:
            await order_service.cancel_for_fund(fund.id)
        return await fund_service.to_wire(principal, fund)

    @get("/{fund_id:str}/positions", operation_id="listFundPositions", summary="Positions of a fund", responses=problems(401, 404))
    async def list_positions(
        self, fund_id: Annotated[str, _ID], principal: NamedDependency[Principal], fund_service: NamedDependency[FundService]
    ) -> FundPositionList:
        """Opening positions plus allocated fills, by account and symbol."""
        fund = await fund_service.require(principal, fund_id, Permission.VIEW)
        return FundPositionList(items=await fund_service.positions(fund))
