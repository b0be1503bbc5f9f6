"""Allocation plans on the wire."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal, Self

from msgspec import UNSET, Meta, Struct, UnsetType

from api.domain.allocation.methods import Method
from api.domain.values import ObjectIdText
from api.plans.documents import PlanDocument

PlanName = Annotated[str, Meta(min_length=1, max_length=60, examples=["3개 펀드 균등"])]
Decimal = Annotated[str, Meta(pattern=r"^-?[0-9]{1,15}(\.[0-9]{1,8})?$(?!\n)", description="An exact decimal.", examples=["33.3"])]
FeeRate = Annotated[
    str,
    Meta(
        pattern=r"^0(\.[0-9]{1,8})?$(?!\n)",
        description="Of the amount, for buys: no broker publishes its own, so it is the plan's. 0.00015 is 0.015 %.",
        examples=["0.00015"],
    ),
]
OnShortfall = Literal["reduce", "reject"]


class OnRejection(StrEnum):
    """What becomes of a block of which a broker refuses a part: ``keep`` the rest, ``cancel`` it, or ``resplit`` what is unfilled."""

    KEEP = "keep"
    CANCEL = "cancel"
    RESPLIT = "resplit"


class PutPlanLine(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """A fund at an account.

    ``value``: a weight (``ratio``), shares (``fixed_quantity``), won (``amount``), percent (``target_weight``, ``fund_change``,
    ``holding_change``: above 0 buys, below sells); not read by the other methods. ``minimum`` and ``maximum`` in shares: a line that would
    get fewer than its minimum gets none.
    """

    fund_id: ObjectIdText
    account_id: ObjectIdText
    value: Decimal = "0"
    minimum: Annotated[int, Meta(ge=0, le=9_999_999_999)] = 0
    maximum: Annotated[int, Meta(ge=0, le=9_999_999_999)] | None = None


Lines = Annotated[list[PutPlanLine], Meta(min_length=1, max_length=1000)]


class CreatePlan(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """A new plan. ``on_shortfall``: what does not fit (money, holdings, minima, maxima) is left out, or the whole block refused."""

    name: PlanName
    method: Method
    lines: Lines
    on_shortfall: OnShortfall = "reduce"
    on_rejection: OnRejection = OnRejection.KEEP
    fee_rate: FeeRate = "0"


class ChangePlan(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """What to change; what is left out stays. Blocks keep the plan as it was when they were placed."""

    name: PlanName | UnsetType = UNSET
    method: Method | UnsetType = UNSET
    lines: Lines | UnsetType = UNSET
    on_shortfall: OnShortfall | UnsetType = UNSET
    on_rejection: OnRejection | UnsetType = UNSET
    fee_rate: FeeRate | UnsetType = UNSET


class PlanLine(Struct, kw_only=True, frozen=True):
    """A fund at an account; see `PutPlanLine`."""

    id: str
    fund_id: str
    account_id: str
    value: str
    minimum: int
    maximum: int | None


class Plan(Struct, kw_only=True, frozen=True):
    """An allocation plan."""

    id: str
    name: str
    method: Method
    on_shortfall: OnShortfall
    on_rejection: OnRejection
    fee_rate: str
    lines: list[PlanLine]
    created_by: str
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, document: PlanDocument) -> Self:
        """The wire form of a stored plan."""
        return cls(
            id=document.id,
            name=document.name,
            method=Method(document.method),
            on_shortfall="reject" if document.on_shortfall == "reject" else "reduce",
            on_rejection=OnRejection(document.on_rejection),
            fee_rate=document.fee_rate,
            lines=[
                PlanLine(
                    id=line.id,
                    fund_id=line.fund_id,
                    account_id=line.account_id,
                    value=line.value,
                    minimum=line.minimum,
                    maximum=line.maximum,
                )
                for line in document.lines
            ],
            created_by=document.created_by,
            created_at=document.created_at,
            updated_at=document.updated_at,
        )


class PlanPage(Struct, kw_only=True, frozen=True):
    """The plans of which the caller may see every fund and account, oldest first."""

    items: list[Plan]
    next_cursor: str | None
