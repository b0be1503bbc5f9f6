"""The order: one frozen value that holds its own fills and its whole history.

It is stored as it stands here, as one MongoDB document, and changes only by `ledger.apply`: every change makes a new value with the next
``version``. Orders and notices are the collections that do not go through ODMantic and Motor: an order with a thousand fills is read and
written here in microseconds where pydantic takes milliseconds, and PyMongo's own asyncio client needs no thread for each call.
"""

from datetime import datetime

from msgspec import Struct

from api.domain.enums import (
    Broker,
    Exchange,
    ExecutionType,
    FillSource,
    OrderOrigin,
    OrderStatus,
    OrderType,
    Side,
    TimeInForce,
)

TERMINAL = frozenset({OrderStatus.FILLED, OrderStatus.CANCELED, OrderStatus.REJECTED, OrderStatus.EXPIRED})
"""Nothing is open any more. A late fill may still come (`lifecycle.LEGAL`)."""

WORKING = frozenset({OrderStatus.NEW, OrderStatus.PARTIALLY_FILLED})
"""Live at the broker with no request of ours under way: may be canceled or replaced."""

PENDING_CHANGE = frozenset({OrderStatus.PENDING_CANCEL, OrderStatus.PENDING_REPLACE})
"""Live at the broker with a cancel or replace under way."""


class Fill(Struct, kw_only=True, frozen=True):
    """One execution. ``price`` in won, ``quantity`` in shares; fills are only ever added.

    Attributes:
        quantity: Below 0 for a trade that the exchange canceled: the entry takes back what an earlier one recorded.
        id: ``<order id>-<number>``, counted from 1.
        broker_order_id: The number of the chain that it was executed under.
        execution_id: The broker's id of the execution, None where it has none (KIS, and all fills found by reconciliation).
        notice_id: The inbox notice that told of it, None for a fill found by reconciliation.
        version: The order's version that brought it.
        amends: Id of the fill that a negative entry takes back, or that a positive one puts right at another price; None otherwise, and
            where nothing tells which trade was canceled.
    """

    id: str
    quantity: int
    price: int
    executed_at: datetime
    source: FillSource
    broker_order_id: str
    execution_id: str | None
    notice_id: str | None
    version: int
    amends: str | None = None


class Absorbed(Struct, kw_only=True, frozen=True):
    """A late notice of shares that reconciliation had already recorded: counted, so that a second one is not absorbed too."""

    notice_id: str
    broker_order_id: str
    quantity: int


class Change(Struct, kw_only=True, frozen=True):
    """One entry of an order's history: what happened, and where the order then was."""

    version: int
    at: datetime
    execution_type: ExecutionType
    status: OrderStatus
    quantity: int
    limit_price: int | None
    cumulative_quantity: int
    filled_amount: int
    broker_code: str
    broker_message: str
    reason: str


class PendingRequest(Struct, kw_only=True, frozen=True):
    """A cancel or replace that was sent, or is about to be, and is not confirmed.

    Attributes:
        kind: ``cancel`` or ``replace``.
        quantity: Replace: the total quantity asked for. Cancel: None.
        limit_price: Replace: the price asked for.
        is_acknowledged: The broker has taken it; the exchange has not confirmed it yet.
    """

    kind: str
    requested_at: datetime
    quantity: int | None = None
    limit_price: int | None = None
    is_acknowledged: bool = False


class Stages(Struct, kw_only=True, frozen=True):
    """When the first sending passed each stage (UTC), so that Lucy's own share of the time can be read off."""

    received_at: datetime
    stored_at: datetime | None = None
    sent_at: datetime | None = None
    answered_at: datetime | None = None


class Order(Struct, kw_only=True, frozen=True):
    """One order at one account.

    Attributes:
        trading_day: KST day, ``YYYY-MM-DD``.
        quantity: Shares ordered now: the original quantity less what a replace or an outside partial cancel took away.
        filled_amount: Won, the sum of quantity x price over ``fills``.
        broker_order_ids: The chain of broker numbers (new, then one a replace), newest last; empty until known.
        branch: What the broker wants back with its number (KIS: KRX_FWDG_ORD_ORGNO).
        reason: Why it is rejected or in doubt, Lucy's word: ``broker``, ``exchange``, ``never_received``, ``not_sent``, ``no_answer`` …
        request_digest: Of the body that made it; the same client_order_id with another digest is a conflict.
        fingerprint: Of account, symbol, side, quantity and price; twins in flight share it.
        sender: The process that sends it, while it does.
        unknown_since: When its outcome became unknown, while it is.
        risk_amount: Won that it counts with against the day's limits, at least; 0 for an order placed outside Lucy.
        fund_ids: The funds that it is a part of a block for; empty for an order of its own.
        confirmed_limits: Codes of the risk limits that it exceeds because somebody said so.
        published_version: Trails ``version``; what lies between is swept (design §6).
    """

    id: str
    client_order_id: str
    account_id: str
    broker: Broker
    symbol: str
    exchange: Exchange
    side: Side
    order_type: OrderType
    time_in_force: TimeInForce
    quantity: int
    limit_price: int | None
    status: OrderStatus
    trading_day: str
    origin: OrderOrigin
    created_by: str
    created_at: datetime
    updated_at: datetime
    stages: Stages
    request_digest: str
    fingerprint: str
    sender: str
    version: int = 1
    published_version: int = 0
    cumulative_quantity: int = 0
    filled_amount: int = 0
    broker_order_ids: tuple[str, ...] = ()
    branch: str = ""
    broker_code: str = ""
    broker_message: str = ""
    reason: str = ""
    block_order_id: str | None = None
    fund_ids: tuple[str, ...] = ()
    is_possible_duplicate: bool = False
    pending_request: PendingRequest | None = None
    unknown_since: datetime | None = None
    risk_amount: int = 0
    confirmed_limits: tuple[str, ...] = ()
    fills: tuple[Fill, ...] = ()
    absorbed: tuple[Absorbed, ...] = ()
    history: tuple[Change, ...] = ()

    @property
    def leaves_quantity(self) -> int:
        """Shares still open; 0 once nothing is."""
        return 0 if self.status in TERMINAL else self.quantity - self.cumulative_quantity

    @property
    def sending_began_at(self) -> datetime:
        """When its sending began: the last one, where a client asked again for an order that certainly had never left."""
        return next((change.at for change in reversed(self.history) if change.execution_type is ExecutionType.PENDING_NEW), self.created_at)

    @property
    def is_terminal(self) -> bool:
        """Whether nothing is open any more."""
        return self.status in TERMINAL

    def amount_under(self, broker_order_id: str) -> int:
        """Won filled under one number of the chain."""
        return sum(fill.quantity * fill.price for fill in self.fills if fill.broker_order_id == broker_order_id)

    def filled_under(self, broker_order_id: str) -> int:
        """Shares filled under one number of the chain."""
        return sum(fill.quantity for fill in self.fills if fill.broker_order_id == broker_order_id)
