"""Routes of allocation plans."""

from typing import Annotated

from litestar import Controller, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter

from api.auth.principal import Principal
from api.domain.enums import Permission
from api.plans.schemas import ChangePlan, CreatePlan, Plan, PlanPage
from api.plans.service import PlanService
from api.problems import problems

_ID = PathParameter(pattern=r"^[0-9a-f]{24}$", description="Id of the plan.")


class PlanController(Controller):
    """How blocks are divided over funds and accounts; worked examples of each method stand in `api/domain/allocation/EXAMPLES.md`."""

    path = "/allocation-plans"
    tags = ["funds"]  # noqa: RUF012 - Litestar declares it so

    @get(operation_id="listPlans", summary="List plans", responses=problems(401))
    async def list_plans(self, principal: NamedDependency[Principal], plan_service: NamedDependency[PlanService]) -> PlanPage:
        """The plans of which the caller may see every fund and account."""
        return PlanPage(items=[Plan.of(plan) for plan in await plan_service.list_visible(principal)], next_cursor=None)

    @post(operation_id="createPlan", summary="Make a plan", responses=problems(400, 401, 403, 404, 422))
    async def create_plan(
        self, data: JSONBody[CreatePlan], principal: NamedDependency[Principal], plan_service: NamedDependency[PlanService]
    ) -> Plan:
        """Lines, a method, and what becomes of what does not fit; needs `trade` at every fund and account."""
        return Plan.of(await plan_service.create(principal, data))

    @get("/{plan_id:str}", operation_id="getPlan", summary="One plan", responses=problems(401, 404))
    async def get_plan(
        self, plan_id: Annotated[str, _ID], principal: NamedDependency[Principal], plan_service: NamedDependency[PlanService]
    ) -> Plan:
        """One plan."""
        return Plan.of(await plan_service.require(principal, plan_id, Permission.VIEW))

    @patch("/{plan_id:str}", operation_id="changePlan", summary="Change a plan", responses=problems(400, 401, 403, 404, 409, 422))
    async def change_plan(
        self,
        plan_id: Annotated[str, _ID],
        data: JSONBody[ChangePlan],
        principal: NamedDependency[Principal],
        plan_service: NamedDependency[PlanService],
    ) -> Plan:
        """Change a plan; blocks keep the plan as it was."""
        return Plan.of(await plan_service.change(principal, plan_id, data))

    @delete("/{plan_id:str}", operation_id="deletePlan", summary="Remove a plan", responses=problems(401, 403, 404, 409))
    async def delete_plan(
        self, plan_id: Annotated[str, _ID], principal: NamedDependency[Principal], plan_service: NamedDependency[PlanService]
    ) -> None:
        """Remove a plan; its blocks stay."""
        await plan_service.delete(principal, plan_id)
