"""Routes of the lists that an account's customer keeps in the broker's own terminal: saved conditions and interest groups."""

from typing import Annotated

from litestar import Controller, get
from litestar.di import NamedDependency, Provide
from litestar.params import PathParameter
from msgspec.structs import asdict

from api.accounts.service import AccountService
from api.auth.principal import Principal
from api.brokers.capabilities import Inquiry
from api.brokers.registry import BrokerRegistry
from api.brokers.research import ResearchPort
from api.domain.enums import Permission
from api.errors import NotOffered
from api.market.research_schemas import (
    ConditionStock,
    ConditionStockList,
    InterestGroup,
    InterestGroupList,
    InterestStock,
    InterestStockList,
    SavedCondition,
    SavedConditionList,
)
from api.problems import problems

_ID = PathParameter(pattern=r"^[0-9a-f]{24}$", description="Id of the account.")
_KEY = r"^[0-9A-Za-z]{1,10}$"
_BROKER_PROBLEMS = (400, 401, 403, 404, 422, 429, 502, 503)


class Terminal:
    """What the caller may ask of one account's customer."""

    def __init__(self, principal: Principal, account_service: AccountService, brokers: BrokerRegistry) -> None:
        self._principal = principal
        self._accounts = account_service
        self._brokers = brokers

    async def of(self, account_id: str, inquiry: Inquiry) -> ResearchPort:
        """The broker's side of it.

        Raises:
            NotFound: No such account of the caller's.
            NotOffered: Its broker has no such lists.
        """
        account = await self._accounts.require(self._principal, account_id, Permission.VIEW)
        adapter = self._brokers.adapter(await self._accounts.credentials(account))
        if inquiry not in adapter.capabilities.inquiries:
            raise NotOffered(f"{adapter.broker} offers no {inquiry.value.replace('_', ' ')} in its environment.")
        return adapter.research


async def provide_terminal(
    principal: NamedDependency[Principal],
    account_service: NamedDependency[AccountService],
    broker_registry: NamedDependency[BrokerRegistry],
) -> Terminal:
    """For the routes below."""
    return Terminal(principal, account_service, broker_registry)


class TerminalListController(Controller):
    """Saved conditions and interest groups."""

    path = "/accounts"
    tags = ["accounts"]  # noqa: RUF012 - Litestar declares it so
    dependencies = {"terminal": Provide(provide_terminal)}  # noqa: RUF012 - Litestar declares it so

    @get("/{account_id:str}/conditions", operation_id="listConditions", summary="Saved searches", responses=problems(*_BROKER_PROBLEMS))
    async def list_conditions(self, account_id: Annotated[str, _ID], terminal: NamedDependency[Terminal]) -> SavedConditionList:
        """The searches that the account's customer has saved in the broker's terminal (조건검색)."""
        found = await (await terminal.of(account_id, Inquiry.CONDITIONS)).list_conditions()
        return SavedConditionList(account_id=account_id, items=[SavedCondition(**asdict(each)) for each in found])

    @get(
        "/{account_id:str}/conditions/{sequence:str}/stocks",
        operation_id="listConditionStocks",
        summary="What a saved search finds",
        responses=problems(*_BROKER_PROBLEMS),
    )
    async def list_condition_stocks(
        self,
        account_id: Annotated[str, _ID],
        sequence: Annotated[str, PathParameter(pattern=_KEY, description="A `sequence` of the account's saved searches.")],
        terminal: NamedDependency[Terminal],
    ) -> ConditionStockList:
        """The stocks that a saved search finds now; none for a search that does not exist."""
        found = await (await terminal.of(account_id, Inquiry.CONDITIONS)).list_condition_stocks(sequence)
        items = [ConditionStock(**asdict(each) | {"change_rate": float(each.change_rate)}) for each in found]
        return ConditionStockList(account_id=account_id, sequence=sequence, items=items)

    @get(
        "/{account_id:str}/interest-groups",
        operation_id="listInterestGroups",
        summary="Lists kept at the broker",
        responses=problems(*_BROKER_PROBLEMS),
    )
    async def list_interest_groups(self, account_id: Annotated[str, _ID], terminal: NamedDependency[Terminal]) -> InterestGroupList:
        """The lists of stocks that the account's customer keeps in the broker's terminal (관심그룹)."""
        found = await (await terminal.of(account_id, Inquiry.INTEREST_GROUPS)).list_interest_groups()
        return InterestGroupList(account_id=account_id, items=[InterestGroup(**asdict(each)) for each in found])

    @get(
        "/{account_id:str}/interest-groups/{group_code:str}/stocks",
        operation_id="listInterestStocks",
        summary="The stocks of a list kept at the broker",
        responses=problems(*_BROKER_PROBLEMS),
    )
    async def list_interest_stocks(
        self,
        account_id: Annotated[str, _ID],
        group_code: Annotated[str, PathParameter(pattern=_KEY, description="A `code` of the account's lists.")],
        terminal: NamedDependency[Terminal],
    ) -> InterestStockList:
        """The Korean stocks of a list; none for a list that does not exist."""
        found = await (await terminal.of(account_id, Inquiry.INTEREST_GROUPS)).list_interest_stocks(group_code)
        return InterestStockList(account_id=account_id, group_code=group_code, items=[InterestStock(**asdict(each)) for each in found])
