"""Funds: who may do what with them, and what they have.

A fund's positions and money are sums over its opening positions and its blocks' lines, never kept beside them: so they cannot disagree.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec import UNSET, Struct
from odmantic.exceptions import DocumentParsingError
from pymongo import ASCENDING
from pymongo.asynchronous.database import AsyncDatabase

from api.accounts.documents import MemberDocument
from api.accounts.schemas import Member
from api.accounts.service import AccountService
from api.audit.service import AuditService
from api.auth.principal import Principal
from api.blocks.repository import BlockRepository, LineSum
from api.domain.enums import Permission, Side, TradingState
from api.errors import Conflict, Forbidden, InvalidRequest, NotFound
from api.funds.documents import FundDocument, OpeningPositionDocument
from api.funds.schemas import ChangeFund, CreateFund, Fund, FundPosition, OpeningPosition
from api.kit.clock import Clock
from api.orders.repository import DURABLE
from api.risk.states import TradingStates, fund_level

_RANK = {Permission.VIEW: 0, Permission.TRADE: 1, Permission.MANAGE: 2}


class FundMoney(Struct, kw_only=True, frozen=True):
    """Won of a fund. ``used``: bought less sold; ``reserved``: what open buys may still take."""

    budget: int
    used: int
    reserved: int

    @property
    def available(self) -> int:
        """What may still be spent."""
        return self.budget - self.used - self.reserved


class FundService:
    """The collection ``funds``."""

    def __init__(
        self,
        *,
        database: AsyncDatabase[dict[str, Any]],
        blocks: BlockRepository,
        accounts: AccountService,
        audit: AuditService,
        clock: Clock,
        new_id: Callable[[], str],
        states: TradingStates,
    ) -> None:
        self._states = states
        self._collection = database[FundDocument.__collection__].with_options(write_concern=DURABLE)
        self._blocks = blocks
        self._accounts = accounts
        self._audit = audit
        self._clock = clock
        self._new_id = new_id

    async def create_indexes(self) -> None:
        """A user's funds."""
        await self._collection.create_index([("members.user_id", ASCENDING)])

    # -- rights

    async def require(self, principal: Principal, fund_id: str, permission: Permission) -> FundDocument:
        """The fund, if the caller may do this with it; raises as `AccountService.require` does."""
        fund = await self._find(fund_id)
        mine = None if fund is None else _permissions(fund).get(principal.user_id)
        if fund is None or mine is None:
            raise NotFound("There is no such fund.")
        if _RANK[mine] < _RANK[permission]:
            raise Forbidden(f"This needs the permission {permission} at the fund.")
        if permission is not Permission.VIEW and not principal.may_trade:
            raise Forbidden("Your role or key may only read.")
        return fund

    async def member_ids(self, fund_ids: Sequence[str]) -> list[set[str]]:
        """Who may see each of the funds; nobody where it is gone."""
        found = [await self._find(fund_id) for fund_id in fund_ids]
        return [set() if fund is None else set(_permissions(fund)) for fund in found]

    async def list_visible(self, principal: Principal) -> list[FundDocument]:
        """The caller's funds, oldest first."""
        cursor = self._collection.find({"members.user_id": principal.user_id, "is_active": True}).sort("_id", ASCENDING)
        return [FundDocument.model_validate_doc(raw) async for raw in cursor]

    # -- what they have

    async def money(self, fund: FundDocument) -> FundMoney:
        """Budget, used and reserved."""
        return money_of(fund, await self._blocks.sums_of_fund(fund.id))

    async def positions(self, fund: FundDocument) -> list[FundPosition]:
        """Positions by account and symbol."""
        return positions_of(fund, await self._blocks.sums_of_fund(fund.id))

    async def to_wire(self, principal: Principal, fund: FundDocument) -> Fund:
        """The fund as the caller sees it."""
        money = await self.money(fund)
        level = (await self._states.known()).of(fund_level(fund.id))
        return Fund(
            id=fund.id,
            name=fund.name,
            budget=fund.budget,
            value=fund.value,
            used_amount=money.used,
            reserved_amount=money.reserved,
            available_amount=money.available,
            trading_state=TradingState.ACTIVE if level is None else level.state,
            permission=_permissions(fund)[principal.user_id],
            members=[Member(user_id=member.user_id, permission=Permission(member.permission)) for member in fund.members],
            created_at=fund.created_at,
            updated_at=fund.updated_at,
        )

    # -- changes

    async def create(self, principal: Principal, request: CreateFund) -> FundDocument:
        """Make a fund; the caller becomes its manager.

        Raises:
            Forbidden: The caller may only read.
            NotFound: An opening position at an account that is not the caller's.
            InvalidRequest: Two opening positions of one symbol at one account.
        """
        if not principal.may_trade:
            raise Forbidden("Your role or key may only read.")
        now = self._clock.now()
        fund = FundDocument(
            id=self._new_id(),
            name=request.name,
            budget=request.budget,
            value=request.budget if request.value is None else request.value,
            opening_positions=await self._opening(principal, request.opening_positions),
            members=[MemberDocument(user_id=principal.user_id, permission=Permission.MANAGE.value)],
            is_active=True,
            created_by=principal.user_id,
            created_at=now,
            updated_at=now,
            version=1,
        )
        await self._collection.insert_one(fund.model_dump_doc())
        await self._record(principal, "fund.create", None, fund)
        return fund

    async def change(self, principal: Principal, fund_id: str, request: ChangeFund) -> FundDocument:
        """Change a fund; needs ``manage``. Raises as `create` does."""
        before = await self.require(principal, fund_id, Permission.MANAGE)
        changes: dict[str, Any] = {
            name: getattr(request, name) for name in ("name", "budget", "value") if getattr(request, name) is not UNSET
        }
        if request.opening_positions is not UNSET:
            opening = await self._opening(principal, request.opening_positions)
            changes["opening_positions"] = [position.model_dump_doc() for position in opening]
        return await self._update(principal, "fund.change", before, changes)

    async def put_members(self, principal: Principal, fund_id: str, members: Sequence[Member]) -> FundDocument:
        """Replace the members; needs ``manage``, and leaves at least one who can manage."""
        before = await self.require(principal, fund_id, Permission.MANAGE)
        if len({member.user_id for member in members}) != len(members):
            raise InvalidRequest("A user is named twice.")
        if not any(member.permission is Permission.MANAGE for member in members):
            raise InvalidRequest("Somebody must be able to manage the fund.")
        documents = [{"user_id": member.user_id, "permission": member.permission.value} for member in members]
        return await self._update(principal, "fund.members", before, {"members": documents})

    async def delete(self, principal: Principal, fund_id: str) -> None:
        """Close a fund; its blocks stay. Needs ``manage``; `Conflict` while a block of it is open."""
        before = await self.require(principal, fund_id, Permission.MANAGE)
        if any(line.is_open for line in await self._blocks.sums_of_fund(fund_id)):
            raise Conflict("A block of this fund is still open.")
        await self._update(principal, "fund.delete", before, {"is_active": False})

    async def _update(self, principal: Principal, action: str, before: FundDocument, changes: dict[str, Any]) -> FundDocument:
        if not changes:
            return before
        query = {"_id": before.id, "version": before.version}
        done = await self._collection.update_one(query, {"$set": changes | {"updated_at": self._clock.now()}, "$inc": {"version": 1}})
        if done.modified_count == 0:
            raise Conflict("Somebody changed the fund at the same time.")
        after = FundDocument.model_validate_doc(await self._collection.find_one({"_id": before.id}) or {})
        await self._record(principal, action, before, after)
        return after

    async def _opening(self, principal: Principal, positions: Sequence[OpeningPosition]) -> list[OpeningPositionDocument]:
        if len({(position.account_id, position.symbol) for position in positions}) < len(positions):
            raise InvalidRequest("A symbol has one opening position at an account.")
        for account_id in {position.account_id for position in positions}:
            await self._accounts.require(principal, account_id, Permission.VIEW)
        return [
            OpeningPositionDocument(
                account_id=position.account_id, symbol=position.symbol, quantity=position.quantity, amount=position.amount
            )
            for position in positions
        ]

    async def _find(self, fund_id: str) -> FundDocument | None:
        raw = await self._collection.find_one({"_id": fund_id, "is_active": True})
        if raw is None:
            return None
        try:
            return FundDocument.model_validate_doc(raw)
        except DocumentParsingError:
            return None

    async def _record(self, principal: Principal, action: str, before: FundDocument | None, after: FundDocument) -> None:
        await self._audit.record(
            actor=principal.user_id, action=action, subject=f"fund:{after.id}", before=_audited(before), after=_audited(after)
        )


def money_of(fund: FundDocument, lines: Sequence[LineSum]) -> FundMoney:
    """Won of the fund."""
    used = sum(line.amount if line.side is Side.BUY else -line.amount for line in lines)
    return FundMoney(budget=fund.budget, used=used, reserved=sum(line.reserved_amount for line in lines))


def positions_of(fund: FundDocument, lines: Sequence[LineSum]) -> list[FundPosition]:
    """Opening positions and fills added up, by account and symbol; all that ever was."""
    by_place: dict[tuple[str, str], dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for opening in fund.opening_positions:
        sums = by_place[opening.account_id, opening.symbol]
        sums["opening_quantity"] += opening.quantity
        sums["opening_amount"] += opening.amount
    for line in lines:
        sums = by_place[line.account_id, line.symbol]
        verb = "bought" if line.side is Side.BUY else "sold"
        sums[f"{verb}_quantity"] += line.quantity
        sums[f"{verb}_amount"] += line.amount
        if line.side is Side.SELL:
            sums["in_sale"] += line.open_quantity
    return [_position(account_id, symbol, sums) for (account_id, symbol), sums in sorted(by_place.items()) if any(sums.values())]


def _position(account_id: str, symbol: str, sums: Mapping[str, int]) -> FundPosition:
    quantity = sums["opening_quantity"] + sums["bought_quantity"] - sums["sold_quantity"]
    return FundPosition(
        account_id=account_id,
        symbol=symbol,
        quantity=quantity,
        sellable_quantity=max(0, quantity - sums["in_sale"]),
        bought_quantity=sums["bought_quantity"],
        bought_amount=sums["bought_amount"],
        sold_quantity=sums["sold_quantity"],
        sold_amount=sums["sold_amount"],
        opening_quantity=sums["opening_quantity"],
        opening_amount=sums["opening_amount"],
    )


def _permissions(fund: FundDocument) -> dict[str, Permission]:
    return {member.user_id: Permission(member.permission) for member in fund.members}


def _audited(fund: FundDocument | None) -> dict[str, Any] | None:
    if fund is None:
        return None
    return {
        "name": fund.name,
        "budget": fund.budget,
        "value": fund.value,
        "opening_positions": [position.model_dump_doc() for position in fund.opening_positions],
        "members": {member.user_id: member.permission for member in fund.members},
        "is_active": fund.is_active,
    }
