"""Allocation plans: whoever may see all funds and accounts of a plan may see it, and whoever may trade at all of them may change it."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import msgspec
from msgspec import UNSET
from pymongo import ASCENDING
from pymongo.asynchronous.database import AsyncDatabase

from api.accounts.service import AccountService
from api.audit.service import AuditService
from api.auth.principal import Principal
from api.domain.allocation.methods import Method
from api.domain.enums import Permission
from api.errors import Conflict, InvalidRequest, NotFound
from api.funds.service import FundService
from api.kit.clock import Clock
from api.orders.repository import DURABLE
from api.plans.documents import PlanDocument, PlanLineDocument
from api.plans.schemas import ChangePlan, CreatePlan, PutPlanLine

_READS_VALUE = frozenset(
    {Method.RATIO, Method.FIXED_QUANTITY, Method.AMOUNT, Method.TARGET_WEIGHT, Method.FUND_CHANGE, Method.HOLDING_CHANGE}
)
_ABOVE_ZERO = frozenset({Method.RATIO, Method.FIXED_QUANTITY, Method.AMOUNT})
_WHOLE = frozenset({Method.FIXED_QUANTITY, Method.AMOUNT})


class PlanService:
    """The collection ``allocation_plans``."""

    def __init__(
        self,
        *,
        database: AsyncDatabase[dict[str, Any]],
        funds: FundService,
        accounts: AccountService,
        audit: AuditService,
        clock: Clock,
        new_id: Callable[[], str],
    ) -> None:
        self._collection = database[PlanDocument.__collection__].with_options(write_concern=DURABLE)
        self._funds = funds
        self._accounts = accounts
        self._audit = audit
        self._clock = clock
        self._new_id = new_id

    async def create_indexes(self) -> None:
        """Plans by fund."""
        await self._collection.create_index([("lines.fund_id", ASCENDING)])

    async def require(self, principal: Principal, plan_id: str, permission: Permission) -> PlanDocument:
        """The plan, if the caller has this permission at all its funds and accounts; `NotFound` where they may not see all."""
        raw = await self._collection.find_one({"_id": plan_id, "is_active": True})
        if raw is None:
            raise NotFound("There is no such plan.")
        plan = PlanDocument.model_validate_doc(raw)
        try:
            await self._require_lines(principal, plan.lines, Permission.VIEW)
        except NotFound as error:
            raise NotFound("There is no such plan.") from error
        await self._require_lines(principal, plan.lines, permission)
        return plan

    async def list_visible(self, principal: Principal) -> list[PlanDocument]:
        """Plans of which the caller may see all, oldest first."""
        funds = {fund.id for fund in await self._funds.list_visible(principal)}
        accounts = set(await self._accounts.visible_account_ids(principal, Permission.VIEW))
        cursor = self._collection.find({"is_active": True, "lines.fund_id": {"$in": list(funds)}}).sort("_id", ASCENDING)
        plans = [PlanDocument.model_validate_doc(raw) async for raw in cursor]
        return [plan for plan in plans if all(line.fund_id in funds and line.account_id in accounts for line in plan.lines)]

    async def create(self, principal: Principal, request: CreatePlan) -> PlanDocument:
        """Make a plan.

        Raises:
            NotFound, Forbidden: A fund or account that is not the caller's to trade for.
            InvalidRequest: Lines that the method cannot use.
        """
        _check_lines(request.method, request.lines)
        await self._require_lines(principal, request.lines, Permission.TRADE)
        now = self._clock.now()
        plan = PlanDocument(
            id=self._new_id(),
            name=request.name,
            method=request.method.value,
            on_shortfall=request.on_shortfall,
            on_rejection=request.on_rejection.value,
            fee_rate=request.fee_rate,
            lines=self._lines(request.lines),
            is_active=True,
            created_by=principal.user_id,
            created_at=now,
            updated_at=now,
            version=1,
        )
        await self._collection.insert_one(plan.model_dump_doc())
        await self._record(principal, "plan.create", None, plan)
        return plan

    async def change(self, principal: Principal, plan_id: str, request: ChangePlan) -> PlanDocument:
        """Change a plan; raises as `create` does."""
        before = await self.require(principal, plan_id, Permission.TRADE)
        changes = {
            name: str(value)
            for name in ("name", "method", "on_shortfall", "on_rejection", "fee_rate")
            if (value := getattr(request, name)) is not UNSET
        }
        method = Method(changes.get("method", before.method))
        lines: Sequence[PutPlanLine] = (
            [msgspec.convert(line.model_dump(exclude={"id"}), PutPlanLine) for line in before.lines]
            if request.lines is UNSET
            else request.lines
        )
        _check_lines(method, lines)
        stored: dict[str, Any] = dict(changes)
        if request.lines is not UNSET:
            await self._require_lines(principal, lines, Permission.TRADE)
            stored["lines"] = [line.model_dump_doc() for line in self._lines(lines)]
        return await self._update(principal, "plan.change", before, stored)

    async def delete(self, principal: Principal, plan_id: str) -> None:
        """Remove a plan; its blocks stay."""
        before = await self.require(principal, plan_id, Permission.TRADE)
        await self._update(principal, "plan.delete", before, {"is_active": False})

    async def _update(self, principal: Principal, action: str, before: PlanDocument, changes: dict[str, Any]) -> PlanDocument:
        if not changes:
            return before
        query = {"_id": before.id, "version": before.version}
        done = await self._collection.update_one(query, {"$set": changes | {"updated_at": self._clock.now()}, "$inc": {"version": 1}})
        if done.modified_count == 0:
            raise Conflict("Somebody changed the plan at the same time.")
        after = PlanDocument.model_validate_doc(await self._collection.find_one({"_id": before.id}) or {})
        await self._record(principal, action, before, after)
        return after

    def _lines(self, lines: Sequence[PutPlanLine]) -> list[PlanLineDocument]:
        return [
            PlanLineDocument(
                id=self._new_id(),
                fund_id=line.fund_id,
                account_id=line.account_id,
                value=line.value,
                minimum=line.minimum,
                maximum=line.maximum,
            )
            for line in lines
        ]

    async def _require_lines(self, principal: Principal, lines: Sequence[PutPlanLine | PlanLineDocument], permission: Permission) -> None:
        for fund_id in dict.fromkeys(line.fund_id for line in lines):
            await self._funds.require(principal, fund_id, permission)
        for account_id in dict.fromkeys(line.account_id for line in lines):
            await self._accounts.require(principal, account_id, permission)

    async def _record(self, principal: Principal, action: str, before: PlanDocument | None, after: PlanDocument) -> None:
        await self._audit.record(
            actor=principal.user_id, action=action, subject=f"plan:{after.id}", before=_audited(before), after=_audited(after)
        )


def _check_lines(method: Method, lines: Sequence[PutPlanLine]) -> None:
    errors = []
    seen = set()
    for number, line in enumerate(lines):
        value = Decimal(line.value)
        if (line.fund_id, line.account_id) in seen:
            errors.append({"field": f"lines[{number}]", "message": "A fund has one line at an account."})
        if method in _READS_VALUE and value == 0:
            errors.append({"field": f"lines[{number}].value", "message": f"{method.value} needs a value."})
        if method in _ABOVE_ZERO and value < 0:
            errors.append({"field": f"lines[{number}].value", "message": f"{method.value} needs a value above 0."})
        if method in _WHOLE and value % 1:
            errors.append({"field": f"lines[{number}].value", "message": f"{method.value} needs a whole number."})
        if line.maximum is not None and line.maximum < line.minimum:
            errors.append({"field": f"lines[{number}].maximum", "message": "The maximum is below the minimum."})
        seen.add((line.fund_id, line.account_id))
    if errors:
        raise InvalidRequest("; ".join(f"{error['field']}: {error['message']}" for error in errors[:5]), errors=errors)


def _audited(plan: PlanDocument | None) -> dict[str, Any] | None:
    return None if plan is None else plan.model_dump(exclude={"id", "created_at", "updated_at", "version"})
