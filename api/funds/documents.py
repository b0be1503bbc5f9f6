"""Stored funds."""

from datetime import datetime

from odmantic import EmbeddedModel, Field, Model
from odmantic.config import ODMConfigDict

from api.accounts.documents import MemberDocument


class OpeningPositionDocument(EmbeddedModel):
    """Shares that the fund had before Lucy's first block for it, and what they had cost in won."""

    account_id: str
    symbol: str
    quantity: int
    amount: int


class FundDocument(Model):
    """One fund. What its blocks bought and sold is not here: it is the sum over them (`blocks.repository`)."""

    model_config = ODMConfigDict(collection="funds")

    id: str = Field(primary_field=True)
    name: str
    budget: int
    value: int
    opening_positions: list[OpeningPositionDocument]
    members: list[MemberDocument]
    is_active: bool
    created_by: str
    created_at: datetime
    updated_at: datetime
    version: int
