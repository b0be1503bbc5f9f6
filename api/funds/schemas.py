"""Funds on the wire. Amounts in won."""

from datetime import datetime
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from api.accounts.schemas import Member
from api.domain.enums import Permission, TradingState
from api.domain.values import ObjectIdText, Symbol

FundName = Annotated[str, Meta(min_length=1, max_length=60, examples=["성장주 1호"])]
Budget = Annotated[int, Meta(ge=0, le=10**15, description="Won that may be spent through Lucy; sales give back.", examples=[1_000_000_000])]
Value = Annotated[int, Meta(ge=0, le=10**15, description="Net asset value in won, as methods by fund size and weight read it.")]


class OpeningPosition(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Shares that a fund has at an account from before Lucy, and what they cost."""

    account_id: ObjectIdText
    symbol: Symbol
    quantity: Annotated[int, Meta(gt=0, le=9_999_999_999)]
    amount: Annotated[int, Meta(ge=0, le=10**15)] = 0


class CreateFund(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """A new fund; the caller becomes its manager. ``value`` is the budget where it is left out."""

    name: FundName
    budget: Budget
    value: Value | None = None
    opening_positions: Annotated[list[OpeningPosition], Meta(max_length=2000)] = []


class ChangeFund(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """What to change; what is left out stays."""

    name: FundName | UnsetType = UNSET
    budget: Budget | UnsetType = UNSET
    value: Value | UnsetType = UNSET
    opening_positions: Annotated[list[OpeningPosition], Meta(max_length=2000)] | UnsetType = UNSET


class Fund(Struct, kw_only=True, frozen=True):
    """A fund. ``trading_state``: its kill switch, for blocks. ``used_amount``: bought less sold by its blocks;
    ``reserved_amount``: what its open buys may still take;
    ``available_amount``: the budget less both."""

    id: str
    name: str
    budget: int
    value: int
    used_amount: int
    reserved_amount: int
    available_amount: int
    trading_state: TradingState
    permission: Permission
    members: list[Member]
    created_at: datetime
    updated_at: datetime


class FundPage(Struct, kw_only=True, frozen=True):
    """The caller's funds, oldest first."""

    items: list[Fund]
    next_cursor: str | None


class FundPosition(Struct, kw_only=True, frozen=True):
    """Shares of a fund at an account: opening plus allocated fills. ``sellable_quantity``: those in no open sale of a block."""

    account_id: str
    symbol: str
    quantity: int
    sellable_quantity: int
    bought_quantity: int
    bought_amount: int
    sold_quantity: int
    sold_amount: int
    opening_quantity: int
    opening_amount: int


class FundPositionList(Struct, kw_only=True, frozen=True):
    """All that the fund holds, or ever traded through Lucy."""

    items: list[FundPosition]


class PutFundMembers(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """All members; at least one manages."""

    members: Annotated[list[Member], Meta(min_length=1, max_length=100)]
