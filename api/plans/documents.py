"""Stored allocation plans."""

from datetime import datetime

from odmantic import EmbeddedModel, Field, Model
from odmantic.config import ODMConfigDict


class PlanLineDocument(EmbeddedModel):
    """A fund at an account. ``value`` as exact decimal text, what the method reads of it."""

    id: str
    fund_id: str
    account_id: str
    value: str
    minimum: int
    maximum: int | None = None


class PlanDocument(Model):
    """One plan."""

    model_config = ODMConfigDict(collection="allocation_plans")

    id: str = Field(primary_field=True)
    name: str
    method: str
    on_shortfall: str
    on_rejection: str
    fee_rate: str
    lines: list[PlanLineDocument]
    is_active: bool
    created_by: str
    created_at: datetime
    updated_at: datetime
    version: int
