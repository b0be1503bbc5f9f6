"""The port to a broker: what Lucy asks of every broker, in Lucy's words.

An adapter turns these into the broker's own protocol. Nothing outside an adapter's folder knows a TR id or a field name.

Choice: an adapter object stands for *one account* (`BrokerAdapter` is made by the registry from the account's credentials), because at
KIS and at LS a key belongs to one account. It is stateless but for its HTTP client and the token store, so any process may make one.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import date, datetime
from enum import StrEnum
from typing import ClassVar, Protocol

from msgspec import Struct

from api.brokers.capabilities import Capabilities
from api.brokers.market_data import (
    Candle,
    FinancialRatio,
    InstrumentDetail,
    InstrumentRecord,
    InvestmentOpinion,
    LastTrade,
    OrderBook,
    Quote,
    RankedInstrument,
    TradingDay,
)
from api.brokers.research import ResearchPort
from api.domain.enums import Broker, CandleInterval, Environment, Exchange, OrderType, RankingKind, Side, TimeInForce


class Credentials(Struct, kw_only=True, frozen=True):
    """What it takes to speak for one account; decrypted, in memory only.

    Attributes:
        account_id: Lucy's id of the account; key of shared tokens and call limits.
        account_number: Digits only. KIS: 8 + 2; LS: as the broker shows it (not sent: the key implies it).
        hts_id: KIS: the customer's HTS log-in id, which the fill notices are subscribed by. LS: empty.
    """

    account_id: str
    broker: Broker
    environment: Environment
    account_number: str
    app_key: str
    app_secret: str
    hts_id: str = ""

    def __repr__(self) -> str:
        return f"Credentials({self.broker}, {self.environment}, account_id={self.account_id})"


class NewOrder(Struct, kw_only=True, frozen=True):
    """An order to be sent. ``limit_price`` in won, None where the order type takes none."""

    symbol: str
    side: Side
    order_type: OrderType
    time_in_force: TimeInForce
    exchange: Exchange
    quantity: int
    limit_price: int | None


class LiveOrder(Struct, kw_only=True, frozen=True):
    """What an adapter must know of a live order to change it.

    Attributes:
        order_number: The newest broker order number of the chain, as stored.
        branch: What the broker's acknowledgement gave besides (KIS: KRX_FWDG_ORD_ORGNO); empty where there is none.
        leaves_quantity: Open shares as far as Lucy knows.
    """

    order_number: str
    branch: str
    symbol: str
    side: Side
    order_type: OrderType
    time_in_force: TimeInForce
    exchange: Exchange
    leaves_quantity: int
    limit_price: int | None


class Acknowledgement(Struct, kw_only=True, frozen=True):
    """The broker took the request.

    Attributes:
        order_number: The number under which it runs, normalised: no padding (KIS ``0000117057`` → ``117057``).
        branch: See `LiveOrder.branch`.
        accepted_at: Broker's time, aware UTC, where it gave one.
        code: The broker's result code, verbatim.
        message: The broker's words, trimmed.
    """

    order_number: str
    branch: str
    accepted_at: datetime | None
    code: str
    message: str


class BrokerOrderKind(StrEnum):
    """What a broker order number stands for."""

    NEW = "new"
    REPLACE = "replace"
    CANCEL = "cancel"


class BrokerOrder(Struct, kw_only=True, frozen=True):
    """One row of the broker's own list of a day's orders: one broker order number.

    Attributes:
        order_number: Normalised, see `Acknowledgement`.
        original_order_number: The number it changed or canceled; None for a new order.
        limit_price: Won; None for an order without a price.
        cumulative_quantity: Shares executed under this number alone.
        filled_amount: Won of these; exact where the broker gives an amount, else quantity x average price, rounded.
        leaves_quantity: Shares still open under this number.
        canceled_quantity: Shares confirmed as canceled.
        rejected_quantity: Shares refused by the exchange after the broker had accepted.
        ordered_at: Aware UTC.
        order_type: None where the broker's code is not known to the adapter.
        order_type_code: The broker's own code of it, verbatim.
    """

    order_number: str
    original_order_number: str | None
    kind: BrokerOrderKind
    symbol: str
    side: Side
    order_type: OrderType | None
    exchange: Exchange | None
    quantity: int
    limit_price: int | None
    cumulative_quantity: int
    filled_amount: int
    leaves_quantity: int
    canceled_quantity: int
    rejected_quantity: int
    ordered_at: datetime
    branch: str
    order_type_code: str = ""


class Balance(Struct, kw_only=True, frozen=True):
    """Money of an account, won.

    Attributes:
        cash: Deposit now (예수금).
        settled_cash: Cash after all unsettled trades (D+2).
        orderable_cash: What may be spent on buys now, without borrowing.
        securities_amount: Value of the holdings at current prices.
        total_amount: ``settled_cash`` + ``securities_amount``.
        purchase_amount: Cost of the holdings.
        profit_amount: Unrealised profit.
    """

    cash: int
    settled_cash: int
    orderable_cash: int
    securities_amount: int
    total_amount: int
    purchase_amount: int
    profit_amount: int


class Position(Struct, kw_only=True, frozen=True):
    """One holding. ``average_price`` is the broker's text figure in won, with its decimals, for display only."""

    symbol: str
    name: str
    quantity: int
    sellable_quantity: int
    average_price: str
    purchase_amount: int
    current_price: int
    evaluation_amount: int
    profit_amount: int


class BuyingPower(Struct, kw_only=True, frozen=True):
    """What may be bought of one symbol at one price, without borrowing: won and shares."""

    orderable_cash: int
    orderable_quantity: int


class NoticeKind(StrEnum):
    """What an execution notice says."""

    ACCEPTED = "accepted"
    TRADE = "trade"
    CANCELED = "canceled"
    REPLACED = "replaced"
    REJECTED = "rejected"
    CANCEL_REJECTED = "cancel_rejected"
    REPLACE_REJECTED = "replace_rejected"


class Notice(Struct, kw_only=True, frozen=True):
    """One execution notice, read.

    Attributes:
        account_number: Whose it is, as the frame says; a stream may carry other accounts of the same customer.
        order_number: Number the event belongs to (for a replace or cancel: its own new number), normalised.
        original_order_number: The number changed or canceled, or None.
        quantity: Trade: shares of this execution. Canceled: shares canceled. Replaced: shares moved to the new number. Else: those ordered.
        price: Won; of this execution for a trade, the order's otherwise; None where there is none.
        order_quantity: Shares ordered under ``order_number`` where the frame says so.
        leaves_quantity: Shares still open under ``order_number`` after this event; None where the broker does not tell (KIS).
        execution_id: The broker's own id of the execution, unique within its day; None where it has none (KIS).
        executed_at: Aware UTC, as precise as the broker tells (KIS: whole seconds).
        reject_code: Verbatim, where given.
    """

    kind: NoticeKind
    account_number: str
    order_number: str
    original_order_number: str | None
    symbol: str
    side: Side
    quantity: int
    price: int | None
    order_quantity: int | None
    leaves_quantity: int | None
    execution_id: str | None
    executed_at: datetime
    order_type: OrderType | None = None
    reject_code: str = ""


class QuoteFeed(Protocol):
    """Trades of instruments, told on an account's execution stream as they happen, where the broker leaves room for them there."""

    @property
    def followed(self) -> frozenset[str]:
        """Symbols that the broker has acknowledged: each of their trades is told."""
        ...

    async def follow(self, symbols: Sequence[str]) -> None:
        """Follow these, the first ones where there is no room for all, and let others go; a few steps of it in each call.

        Raises `BrokerUnavailable` on a broken line.
        """
        ...

    def take_trades(self) -> list[LastTrade]:
        """The newest trade of each followed symbol that traded since the last call."""
        ...


class ExecutionStream(Protocol):
    """One account's open, subscribed execution stream."""

    @property
    def quotes(self) -> QuoteFeed | None:
        """Works while `frames` is read; None where the broker's adapter has none."""
        ...

    def frames(self) -> AsyncIterator[str]:
        """Yield each execution frame as text, readable by `BrokerAdapter.parse_notices` (decrypted where the broker encrypts).

        Heartbeats and acknowledgements are handled inside. Ends by raising `BrokerUnavailable` when the line breaks or goes
        mute beyond the broker's heartbeat; never ends normally.
        """
        ...

    async def aclose(self) -> None:
        """Unsubscribe where the broker wants it, and close."""
        ...


class BrokerAdapter(Protocol):
    """One account at one broker. Every method may raise the whole `BrokerError` family; what `Capabilities` does not name is
    `BrokerUnsupported`.

    `place`, `replace` and `cancel` send at most once, but for a refusal that proves that nothing was done: a refused connection, a
    gateway's rate-limit refusal (until ``deadline``) and one expired-token refusal (a new token is issued, then sent again).
    Everything else about an order whose fate is open is `BrokerUnavailable(sent=True)` or `BrokerProtocolError`.
    """

    broker: ClassVar[Broker]

    @property
    def capabilities(self) -> Capabilities:
        """What this broker takes in this environment."""
        ...

    async def place(self, order: NewOrder, *, deadline: float) -> Acknowledgement:
        """Send one new order. ``deadline``: seconds from now after which it must not be sent any more (`BrokerRateLimited`)."""
        ...

    async def replace(self, order: LiveOrder, *, limit_price: int, quantity: int | None = None, deadline: float) -> Acknowledgement:
        """Change the price of ``quantity`` shares, or of all that is open when None.

        The acknowledgement carries a *new* order number, for the shares changed; the others stay under the old one.
        """
        ...

    async def cancel(self, order: LiveOrder, *, quantity: int | None, deadline: float) -> Acknowledgement:
        """Cancel ``quantity`` shares, or all that is open when None. The acknowledgement carries the cancel's own number."""
        ...

    async def list_orders(self, trading_day: date) -> list[BrokerOrder]:
        """All of the account's orders of a KST day, every page read, oldest first.

        An empty list is the broker's word, never a failed read.
        """
        ...

    async def get_balance(self) -> Balance:
        """Money of the account."""
        ...

    async def list_positions(self) -> list[Position]:
        """Holdings with a quantity above 0."""
        ...

    async def get_buying_power(self, symbol: str, limit_price: int | None) -> BuyingPower:
        """What may be bought at this price; None asks for a market order."""
        ...

    async def get_quote(self, symbol: str) -> Quote:
        """Current price."""
        ...

    async def get_sellable_quantity(self, symbol: str) -> int:
        """Shares held and not yet offered for sale; 0 for a symbol that is not held."""
        ...

    async def get_order_book(self, symbol: str) -> OrderBook:
        """Prices and shares on both sides now."""
        ...

    async def list_candles(self, symbol: str, interval: CandleInterval, *, first: date, last: date) -> list[Candle]:
        """Bars of the KST days ``first`` to ``last``, every page read, oldest first; prices adjusted for splits and rights.

        A broker that keeps fewer days answers those it has.
        """
        ...

    async def list_ranking(self, kind: RankingKind) -> list[RankedInstrument]:
        """The broker's first page of a ranking of all markets, best first (KIS about 30 rows)."""
        ...

    async def list_financial_ratios(self, symbol: str, *, is_quarterly: bool) -> list[FinancialRatio]:
        """Ratios by year or quarter, newest first."""
        ...

    async def list_investment_opinions(self, symbol: str, *, first: date, last: date) -> list[InvestmentOpinion]:
        """Analysts' opinions published on the KST days ``first`` to ``last``, newest first."""
        ...

    async def list_trading_days(self, first: date) -> list[TradingDay]:
        """What the broker says of the days from ``first`` on (KIS: about 24 a call, meant to be asked about once a day)."""
        ...

    async def list_instruments(self) -> list[InstrumentRecord]:
        """The whole instrument master."""
        ...

    async def get_instrument_detail(self, symbol: str) -> InstrumentDetail:
        """More of one instrument than the master tells."""
        ...

    @property
    def research(self) -> ResearchPort:
        """What else the broker knows of stocks and of its customer's lists."""
        ...

    async def open_execution_stream(self) -> ExecutionStream:
        """Connect, subscribe and return once the broker has acknowledged the subscription."""
        ...

    def parse_notices(self, frame: str) -> list[Notice]:
        """Read one stored frame; pure. Raises `BrokerProtocolError`. Frames that carry no order event give an empty list."""
        ...

    async def ensure_token(self, *, valid_for_seconds: float) -> None:
        """Make sure that the shared access token lives at least this long; issue a new one where not."""
        ...

    async def revoke_token(self) -> None:
        """Forget the shared access token, and have the broker forget it; nothing where there is none."""
        ...

    async def aclose(self) -> None:
        """Release what the adapter holds; shared HTTP clients stay open."""
        ...


class CallClass(StrEnum):
    """Priority of a call under a shared limit, highest first."""

    CANCEL = "cancel"
    ORDER = "order"
    RECONCILE = "reconcile"
    INQUIRY = "inquiry"
