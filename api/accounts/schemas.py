"""Broker accounts on the wire."""

from datetime import datetime
from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from api.domain.enums import Broker, Environment, Permission, StreamState, TradingState
from api.domain.values import ObjectIdText
from api.risk.schemas import PutTradingState

END = r"$(?!\n)"
"""The end of the text: Python's ``$`` alone would let a final newline pass."""

WORD = r"^[\x21-\x7e]*" + END
"""Printable ASCII without blanks, as it can stand in a header: a copied key often brings a line end along."""

AccountName = Annotated[str, Meta(min_length=1, max_length=60, description="What people call it.", examples=["KIS 위탁 1"])]
AccountNumber = Annotated[
    str,
    Meta(
        pattern=r"^[0-9]{8,12}(-?[0-9]{2})?" + END,
        description="Digits; KIS 8 + 2, with or without the hyphen; LS as the broker shows it.",
        examples=["12345678-01"],
    ),
]
AppKey = Annotated[str, Meta(min_length=8, max_length=64, pattern=WORD, description="The broker's app key. Never returned.")]
AppSecret = Annotated[str, Meta(min_length=8, max_length=256, pattern=WORD, description="The broker's app secret. Never returned.")]
HtsId = Annotated[
    str,
    Meta(max_length=40, pattern=WORD, description="KIS: the HTS log-in id that fill notices are subscribed by. Never returned."),
]
Horizon = Annotated[
    int,
    Meta(ge=10, le=86_400, description="Seconds after which an order that the broker's list never shows is taken as never received."),
]


class AccountSettings(Struct, kw_only=True, frozen=True):
    """How doubtful orders are treated."""

    on_possible_duplicate: Literal["flag", "refuse"]
    never_received_after_seconds: int


class StreamStatus(Struct, kw_only=True, frozen=True):
    """State of the account's execution stream; times are null while it never ran."""

    state: StreamState
    since: datetime | None
    last_frame_at: datetime | None
    detail: str | None


class Member(Struct, kw_only=True, frozen=True):
    """A user's permission at the account."""

    user_id: ObjectIdText
    permission: Permission


class Account(Struct, kw_only=True, frozen=True):
    """A broker account, without its secrets. ``permission`` is the caller's own."""

    id: str
    name: str
    broker: Broker
    environment: Environment
    account_number: str
    permission: Permission
    members: list[Member]
    trading_state: TradingState
    effective_trading_state: Annotated[
        TradingState,
        Meta(description="The strictest of all trading states that hold for the account: its own, its broker's, the global one."),
    ]
    settings: AccountSettings
    stream: StreamStatus
    created_at: datetime
    updated_at: datetime


class AccountPage(Struct, kw_only=True, frozen=True):
    """The caller's accounts, oldest first."""

    items: list[Account]
    next_cursor: str | None


class CreateAccount(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """A broker account to connect. The caller becomes its manager."""

    name: AccountName
    broker: Broker
    environment: Environment
    account_number: AccountNumber
    app_key: AppKey
    app_secret: AppSecret
    hts_id: HtsId = ""


class ChangeSettings(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Settings to change; what is left out stays."""

    on_possible_duplicate: Literal["flag", "refuse"] | UnsetType = UNSET
    never_received_after_seconds: Horizon | UnsetType = UNSET


class ChangeAccount(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """What to change; what is left out stays. New keys take effect with the next call to the broker."""

    name: AccountName | UnsetType = UNSET
    app_key: AppKey | UnsetType = UNSET
    app_secret: AppSecret | UnsetType = UNSET
    hts_id: HtsId | UnsetType = UNSET
    settings: ChangeSettings | UnsetType = UNSET


class PutMembers(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """All members; at least one must be able to manage."""

    members: Annotated[list[Member], Meta(min_length=1, max_length=100)]


class PutKillSwitch(PutTradingState, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """The account's trading state to set. ``cancel_open_orders`` also cancels every open order of the account."""


class Balance(Struct, kw_only=True, frozen=True):
    """Money of the account in won. ``settled_cash``: after all unsettled trades (D+2); ``orderable_cash``: without borrowing."""

    account_id: str
    cash: int
    settled_cash: int
    orderable_cash: int
    securities_amount: int
    total_amount: int
    purchase_amount: int
    profit_amount: int
    at: datetime


class Position(Struct, kw_only=True, frozen=True):
    """One holding. Prices and amounts in won; ``average_price`` as the broker gives it, ``profit_rate`` in percent of the cost."""

    symbol: str
    name: str
    quantity: int
    sellable_quantity: int
    average_price: float
    purchase_amount: int
    current_price: int
    evaluation_amount: int
    profit_amount: int
    profit_rate: float | None


class PositionList(Struct, kw_only=True, frozen=True):
    """The account's holdings."""

    account_id: str
    items: list[Position]
    at: datetime


class BuyingPower(Struct, kw_only=True, frozen=True):
    """What may be bought now without borrowing."""

    account_id: str
    symbol: str
    limit_price: int | None
    orderable_cash: int
    orderable_quantity: int


class SellableQuantity(Struct, kw_only=True, frozen=True):
    """Shares held and not yet offered for sale; 0 for a symbol that is not held."""

    account_id: str
    symbol: str
    sellable_quantity: int


class Verification(Struct, kw_only=True, frozen=True):
    """Whether the broker accepts the keys."""

    is_accepted: bool
    broker_code: str | None
    broker_message: str | None
