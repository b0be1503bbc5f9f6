"""The words of the sandbox market: orders, executions, accounts, events. Money is KRW won, quantities are shares, times are UTC."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from .instruments import Instrument


class Broker(StrEnum):
    """The front door that an account belongs to."""

    KIS = "kis"
    LS = "ls"


class Environment(StrEnum):
    """Paper (모의투자) or real (실전): told apart by app key, both on the same port."""

    PAPER = "paper"
    REAL = "real"


class Side(StrEnum):
    """매수 or 매도."""

    BUY = "buy"
    SELL = "sell"


class OrderType(StrEnum):
    """How an order is priced. Front doors map the broker's codes to these."""

    LIMIT = "limit"  # 지정가
    MARKET = "market"  # 시장가
    CONDITIONAL_LIMIT = "conditional_limit"  # 조건부지정가: a limit that becomes a market order in the closing auction
    BEST_LIMIT = "best_limit"  # 최유리: priced at the opposite side's best on arrival
    FIRST_LIMIT = "first_limit"  # 최우선: priced at its own side's best on arrival
    MID_PRICE = "mid_price"  # 중간가: priced in the middle, rounded down to a tick for a buy and up for a sell
    OFF_HOURS = "off_hours"  # 시간외 종가: trades at the current price

    @property
    def has_price(self) -> bool:
        """Whether the client names the price."""
        return self in {OrderType.LIMIT, OrderType.CONDITIONAL_LIMIT}


class Condition(StrEnum):
    """주문조건."""

    NONE = "none"
    IOC = "ioc"
    FOK = "fok"


class Venue(StrEnum):
    """거래소. The sandbox has one book; the venue is remembered and echoed."""

    KRX = "KRX"
    NXT = "NXT"
    SOR = "SOR"


class OrderKind(StrEnum):
    """What a numbered request was: both brokers give a number of its own to each change and each cancel."""

    NEW = "new"
    REPLACE = "replace"
    CANCEL = "cancel"


class OrderState(StrEnum):
    """Where an order number stands.

    ``replaced``: all that was open moved to a later number. ``confirmed``: a cancel request that took effect.
    """

    NEW = "new"
    PARTIALLY_FILLED = "partially_filled"
    FILLED = "filled"
    CANCELED = "canceled"
    REPLACED = "replaced"
    REJECTED = "rejected"
    CONFIRMED = "confirmed"


class RejectReason(StrEnum):
    """Why the broker refuses a request in its answer; each front door has its own codes for these."""

    UNKNOWN_SYMBOL = "unknown_symbol"
    NOT_TRADABLE = "not_tradable"
    BAD_QUANTITY = "bad_quantity"
    BAD_PRICE = "bad_price"  # a price is missing, or given where none may be
    BAD_TICK = "bad_tick"
    OUTSIDE_LIMITS = "outside_limits"
    INSUFFICIENT_CASH = "insufficient_cash"
    NO_HOLDINGS = "no_holdings"
    INSUFFICIENT_HOLDINGS = "insufficient_holdings"
    UNKNOWN_ORDER = "unknown_order"  # no such original order of this account, or of another symbol
    NOTHING_LEFT = "nothing_left"  # the original has no open quantity
    QUANTITY_EXCEEDS_OPEN = "quantity_exceeds_open"
    TOO_EARLY = "too_early"  # the exchange has not taken the original yet (거래소 미접수)
    BEFORE_OPEN = "before_open"
    MARKET_CLOSED = "market_closed"
    ORDER_TYPE_NOT_ALLOWED = "order_type_not_allowed"  # not in this session, or not at this venue


@dataclass(slots=True, frozen=True)
class Rejection:
    """A refusal by the broker: no order number was given, the ledger does not know the request."""

    reason: RejectReason


@dataclass(slots=True)
class Position:
    """A holding. ``cost`` is what the shares held cost in all; ``selling`` is tied up in open sell orders."""

    symbol: str
    quantity: int = 0
    cost: int = 0
    selling: int = 0
    bought_today: int = 0
    bought_amount_today: int = 0
    sold_today: int = 0
    sold_amount_today: int = 0

    @property
    def sellable(self) -> int:
        """Shares that a new sell order may name."""
        return self.quantity - self.selling

    @property
    def average_price(self) -> float:
        """매입평균가."""
        return self.cost / self.quantity if self.quantity else 0.0


@dataclass(slots=True)
class Account:
    """One customer account and its credentials.

    Attributes:
        number: 10 digits at KIS (8 + product code), 11 digits at LS.
        deposit: Settled cash today (예수금); trades of today settle two days later and do not move it.
        reserved: Won tied up in open buy orders, cost included; orders without a price count at the upper limit.
    """

    broker: Broker
    environment: Environment
    number: str
    app_key: str
    app_secret: str
    hts_id: str
    name: str
    deposit: int
    positions: dict[str, Position] = field(default_factory=dict)
    orders: list[Order] = field(default_factory=list)
    reserved: int = 0
    bought_today: int = 0
    sold_today: int = 0
    costs_today: int = 0
    realized_today: int = 0  # 실현손익 of today's sales, after costs
    ordered_quantity: int = 0  # shares of all new orders, whatever became of them
    venues: set[Venue] = field(default_factory=set)
    changes: int = 0  # grows with every change of an order or balance; lets a front door cache totals

    @property
    def settled_cash(self) -> int:
        """Cash after all trades have settled (D+2 추정예수금)."""
        return self.deposit - self.bought_today + self.sold_today - self.costs_today

    @property
    def buying_power(self) -> int:
        """주문가능금액: what a new buy may cost, its commission included."""
        return max(0, self.settled_cash - self.reserved)

    def position(self, symbol: str) -> Position:
        """The holding of a symbol, made when it is first touched."""
        found = self.positions.get(symbol)
        if found is None:
            found = self.positions[symbol] = Position(symbol)
        return found


@dataclass(slots=True)
class Execution:
    """One trade (체결). ``number`` is unique per broker; ``index`` counts from 0 within its order; ``profit`` is what a sale realized."""

    number: int
    index: int
    quantity: int
    price: int
    cost: int
    at: datetime
    is_busted: bool = False
    profit: int = 0


@dataclass(slots=True, eq=False)
class Order:
    """One order number.

    Attributes:
        number: The broker's number; the same counter serves orders, changes and cancels.
        original: The direct predecessor of a change or cancel.
        root: The first order of the chain (itself for a new order).
        type_code: The broker's own price-type code as the client sent it, for echoing.
        price: As sent; 0 where the client named none.
        working_price: The price it holds in the book; None while unpriced (a market order).
        reserve_price: Won per share that an open buy ties up.
        is_external: Entered by HTS/MTS, outside the API.
        at_exchange: The exchange has taken it (its acceptance event was emitted).
        is_resting: It stands in the book.
    """

    broker: Broker
    number: int
    kind: OrderKind
    account: Account
    instrument: Instrument
    side: Side
    order_type: OrderType
    condition: Condition
    venue: Venue
    quantity: int
    price: int
    received_at: datetime
    type_code: str = ""
    original: Order | None = None
    state: OrderState = OrderState.NEW
    working_price: int | None = None
    reserve_price: int = 0
    reserved: int = 0
    executed_quantity: int = 0
    executed_amount: int = 0
    canceled_quantity: int = 0
    replaced_quantity: int = 0
    rejected_quantity: int = 0
    costs: int = 0
    is_external: bool = False
    at_exchange: bool = False
    is_resting: bool = False
    executions: list[Execution] = field(default_factory=list)

    @property
    def leaves(self) -> int:
        """Open quantity: 0 for a cancel request and for everything that is over."""
        if self.kind is OrderKind.CANCEL:
            return 0
        return self.quantity - self.executed_quantity - self.canceled_quantity - self.replaced_quantity - self.rejected_quantity

    @property
    def root(self) -> Order:
        """The first order of the chain."""
        order = self
        while order.original is not None:
            order = order.original
        return order

    @property
    def order_number(self) -> str:
        """The number as it goes over the wire: 10 digits at KIS, plain at LS."""
        return f"{self.number:010d}" if self.broker is Broker.KIS else str(self.number)


class EventKind(StrEnum):
    """What the exchange tells the brokers, in the order in which it happens."""

    ACCEPTED = "accepted"  # an order, change or cancel reached the exchange
    EXECUTED = "executed"
    REPLACED = "replaced"  # a change took effect: ``order`` is the new number, ``original`` the old
    CANCELED = "canceled"  # a cancel took effect: ``order`` is the cancel's number, ``original`` the canceled order
    REJECTED = "rejected"  # refused by the exchange after the broker had accepted it (also a cancel that lost its race)
    REMAINDER_DROPPED = "remainder_dropped"  # what an IOC or FOK order could not fill
    BUSTED = "busted"  # a trade was cancelled by the exchange


@dataclass(slots=True, frozen=True)
class Event:
    """One change, delivered synchronously: render what you need at once, the order object lives on and changes.

    Attributes:
        quantity: Accepted, executed, replaced, canceled, dropped, rejected or busted shares.
        price: The trade's price for an execution, else the order's price.
        leaves: Open quantity of ``order`` right after this event.
        original_leaves: Open quantity of the original right after this event (changes and cancels), else 0.
    """

    sequence: int
    kind: EventKind
    order: Order
    quantity: int
    price: int
    leaves: int
    at: datetime
    original: Order | None = None
    original_leaves: int = 0
    execution: Execution | None = None
