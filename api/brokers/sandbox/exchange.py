"""The exchange and the brokers' back office in one: accounts, orders, the books, matching, the ledger, and the stream of events.

A request passes two points. *Acceptance* happens in :meth:`Exchange.place`, :meth:`~Exchange.replace`, :meth:`~Exchange.cancel`: the
broker's checks, and an order number. *Arrival* at the exchange follows a few milliseconds later, on the event loop: the acceptance
event, then trades, confirmations or a refusal. So a front door's answer normally precedes the notices, and a cancel can lose its
race against a fill. All methods are synchronous and must be called on the loop's thread; listeners must not call back into them.

Order numbers come from one counter per broker that starts at the milliseconds since midnight KST, execution numbers from another:
neither a restarted sandbox nor a reset gives a number of the same day again.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from . import settlement
from .accounts import make_account
from .arrivals import Arrivals
from .book import Book
from .checks import check_original, check_price, check_quantity, check_session, check_venue
from .instruments import Instrument, load_instruments
from .model import (
    Account,
    Broker,
    Condition,
    Environment,
    Event,
    EventKind,
    Execution,
    Order,
    OrderKind,
    OrderState,
    OrderType,
    Rejection,
    RejectReason,
    Side,
    Venue,
)
from .session import KST, Phase, Session
from .ticks import ceil_to_tick, floor_to_tick
from .trading import TradeListener, Trading

_ARRIVAL_SECONDS = 0.003
_CLOCK_SECONDS = 1.0

Listener = Callable[[Event], None]


def utc_now() -> datetime:
    """The wall clock."""
    return datetime.now(UTC)


def _received_at(order: Order) -> datetime:
    return order.received_at


@dataclass(slots=True, frozen=True)
class Behavior:
    """How the exchange treats requests, as the control API sets it.

    Attributes:
        refuses_too_early: A change or cancel before the original reached the exchange is refused (거래소 미접수).
        inquiry_lag_seconds: New orders stay out of the brokers' order lists for so long.
        reject_at_exchange: So many of the next new orders are accepted by the broker and then refused by the exchange.
    """

    refuses_too_early: bool = False
    inquiry_lag_seconds: float = 0.0
    reject_at_exchange: int = 0


class Exchange(Trading):
    """The whole market. Front doors use the methods of this class; :class:`Trading` holds what happens after arrival."""

    def __init__(self, *, seed: str = "lucy", now: Callable[[], datetime] = utc_now) -> None:
        self.now = now
        self.seed = seed
        self.instruments: dict[str, Instrument] = load_instruments()
        self.behavior = Behavior()
        self.session = Session()
        self._listeners: list[Listener] = []
        self.trade_listeners: list[TradeListener] = []
        self._arrivals = Arrivals(_ARRIVAL_SECONDS)
        self._clock_timer: asyncio.TimerHandle | None = None
        local = now().astimezone(KST)
        since_midnight = (local - local.replace(hour=0, minute=0, second=0, microsecond=0)).total_seconds()
        self._counters = dict.fromkeys(Broker, int(since_midnight * 1_000))
        self._execution_numbers = dict(self._counters)
        self._serial = 0
        super().__init__()
        self._make_default_accounts()

    # --- life ------------------------------------------------------------------------------------------------------

    def reset(self) -> None:
        """Fresh market, accounts and ledger. Order numbers go on, so that no number of the day comes twice."""
        self.behavior = Behavior()
        self._arrivals.delay_seconds = _ARRIVAL_SECONDS
        self.session = Session()
        self.stop()
        super().__init__()
        self._make_default_accounts()

    def stop(self) -> None:
        """End the timers."""
        self._arrivals.clear()
        self.stop_refilling()
        if self._clock_timer is not None:
            self._clock_timer.cancel()
            self._clock_timer = None

    def subscribe(self, listener: Listener) -> None:
        """Be told of each event, synchronously, in order."""
        self._listeners.append(listener)

    def _emit(self, event: Event) -> None:
        for listener in self._listeners:
            listener(event)

    # --- accounts --------------------------------------------------------------------------------------------------

    def _make_default_accounts(self) -> None:
        self.accounts: list[Account] = []
        self._by_key: dict[str, Account] = {}
        self._by_number: dict[tuple[Broker, str], Account] = {}
        self._serial = 0
        for broker in Broker:
            for environment in Environment:
                self.open_account(broker, environment)

    def open_account(
        self, broker: Broker, environment: Environment, *, cash: int | None = None, positions: dict[str, int] | None = None
    ) -> Account:
        """A new account with credentials of its own."""
        while True:
            account = make_account(broker, environment, self.seed, self._serial, instruments=self.instruments, positions=positions)
            self._serial += 1
            if (broker, account.number) not in self._by_number:
                break
        if cash is not None:
            account.deposit = cash
        self.accounts.append(account)
        self._by_key[account.app_key] = account
        self._by_number[broker, account.number] = account
        return account

    def account_by_key(self, app_key: str) -> Account | None:
        """The account that an app key was issued for."""
        return self._by_key.get(app_key)

    def account(self, broker: Broker, number: str) -> Account | None:
        """The account with a number; a hyphen in it does not matter."""
        return self._by_number.get((broker, number.replace("-", "")))

    def visible_orders(self, account: Account) -> list[Order]:
        """The account's orders as an inquiry shows them now, oldest first; do not change the list."""
        lag = self.behavior.inquiry_lag_seconds
        if lag <= 0:
            return account.orders
        newest = self.now() - timedelta(seconds=lag)
        return account.orders[: bisect_right(account.orders, newest, key=_received_at)]

    def value_of(self, account: Account) -> int:
        """Market value of the holdings, won."""
        return sum(p.quantity * self.last_price(p.symbol) for p in account.positions.values() if p.quantity)

    # --- requests --------------------------------------------------------------------------------------------------

    @property
    def phase(self) -> Phase:
        """The session phase in force."""
        return self.session.phase(self.now())

    def place(
        self,
        account: Account,
        symbol: str,
        side: Side,
        order_type: OrderType,
        price: int,
        quantity: int,
        *,
        condition: Condition = Condition.NONE,
        venue: Venue = Venue.KRX,
        type_code: str = "",
        is_external: bool = False,
    ) -> Order | Rejection:
        """Take a new order, or refuse it. ``price`` is ignored (and kept as 0) for order types without one."""
        instrument = self.instruments.get(symbol)
        if instrument is None:
            return Rejection(RejectReason.UNKNOWN_SYMBOL)
        reserve_price = price if order_type.has_price else instrument.upper_limit
        reason = (
            (RejectReason.NOT_TRADABLE if symbol in self.halted else None)
            or check_session(self.phase, order_type, condition, self.now())
            or check_venue(venue, order_type, condition)
            or check_quantity(quantity, instrument.lot)
            or check_price(instrument, order_type, price)
            or settlement.check_funds(account, symbol, side, reserve_price, quantity)
        )
        if reason is not None:
            return Rejection(reason)
        order = Order(
            broker=account.broker,
            number=self._next_number(account.broker),
            kind=OrderKind.NEW,
            account=account,
            instrument=instrument,
            side=side,
            order_type=order_type,
            condition=condition,
            venue=venue,
            quantity=quantity,
            price=price if order_type.has_price else 0,
            received_at=self.now(),
            type_code=type_code,
            reserve_price=reserve_price,
            is_external=is_external,
        )
        settlement.tie_up(order)
        self._record(order)
        self._arrivals.add(lambda: self.arrive_new(order))
        return order

    def replace(
        self,
        account: Account,
        original_number: int,
        *,
        order_type: OrderType,
        price: int,
        quantity: int | None,
        condition: Condition = Condition.NONE,
        type_code: str = "",
        symbol: str | None = None,
        is_external: bool = False,
    ) -> Order | Rejection:
        """Take a change of price or type under a new number.

        Args:
            quantity: How much of the open quantity moves to the new number; None for all. The rest stays under the old one.
            symbol: Must be the original's where the client names it.
        """
        original = self.find_order(account.broker, original_number)
        reason = check_original(
            original, account.number, symbol, quantity, refuses_too_early=self.behavior.refuses_too_early
        ) or check_session(self.phase, order_type, condition, self.now())
        if reason is not None or original is None:
            return Rejection(reason or RejectReason.UNKNOWN_ORDER)
        instrument = original.instrument
        moved = original.leaves if quantity is None else quantity
        reserve_price = price if order_type.has_price else instrument.upper_limit
        released = moved if original.side is Side.SELL else settlement.cost_of_buying(original.reserve_price, moved)
        reason = (
            check_venue(original.venue, order_type, condition)
            or check_quantity(moved, instrument.lot)
            or check_price(instrument, order_type, price)
            or settlement.check_funds(account, instrument.symbol, original.side, reserve_price, moved, released=released)
        )
        if reason is not None:
            return Rejection(reason)
        order = self._child(original, OrderKind.REPLACE, moved, is_external=is_external)
        order.order_type, order.condition, order.type_code = order_type, condition, type_code
        order.price, order.reserve_price = price if order_type.has_price else 0, reserve_price
        self._record(order)
        self._arrivals.add(lambda: self.arrive_replace(order))
        return order

    def cancel(
        self, account: Account, original_number: int, *, quantity: int | None, symbol: str | None = None, is_external: bool = False
    ) -> Order | Rejection:
        """Take a cancel of all that is open (``quantity`` None) or of a part, under a new number."""
        original = self.find_order(account.broker, original_number)
        reason = check_original(original, account.number, symbol, quantity, refuses_too_early=self.behavior.refuses_too_early)
        if self.phase is Phase.CLOSED:
            reason = reason or check_session(Phase.CLOSED, OrderType.LIMIT, Condition.NONE, self.now())
        if reason is not None or original is None:
            return Rejection(reason or RejectReason.UNKNOWN_ORDER)
        wanted = original.leaves if quantity is None else quantity
        if (reason := check_quantity(wanted, original.instrument.lot)) is not None:
            return Rejection(reason)
        order = self._child(original, OrderKind.CANCEL, wanted, is_external=is_external)
        order.type_code = original.type_code
        self._record(order)
        self._arrivals.add(lambda: self.arrive_cancel(order))
        return order

    def flush(self) -> None:
        """Let all requests on their way arrive now, so that their notices go out before an answer."""
        self._arrivals.flush()

    def set_arrival_delay(self, seconds: float) -> None:
        """How long requests are on their way from now on."""
        self._arrivals.delay_seconds = seconds

    def _child(self, original: Order, kind: OrderKind, quantity: int, *, is_external: bool) -> Order:
        return Order(
            broker=original.broker,
            number=self._next_number(original.broker),
            kind=kind,
            account=original.account,
            instrument=original.instrument,
            side=original.side,
            order_type=original.order_type,
            condition=original.condition,
            venue=original.venue,
            quantity=quantity,
            price=0,
            received_at=self.now(),
            original=original,
            is_external=is_external,
        )

    def _next_number(self, broker: Broker) -> int:
        self._counters[broker] += 1
        return self._counters[broker]

    # --- control ---------------------------------------------------------------------------------------------------

    def set_price(self, symbol: str, price: int) -> None:
        """Move the background of a name to a price within the day's limits, on a tick; crossed resting orders trade."""
        self.books[symbol].move_anchor(price)
        self._note_price(symbol, price)
        self._match_book(self.books[symbol])

    def set_phase(self, phase: Phase | None) -> None:
        """Fix the session phase (None: follow the clock) and let what may trade now trade."""
        self.session.set(phase)
        self._enter_phase()
        if self.session.follows_clock and self._clock_timer is None:
            self._clock_timer = asyncio.get_running_loop().call_later(_CLOCK_SECONDS, self._on_clock)

    def _on_clock(self) -> None:
        self._clock_timer = None
        if self.session.follows_clock:
            self._enter_phase()
            self._clock_timer = asyncio.get_running_loop().call_later(_CLOCK_SECONDS, self._on_clock)

    def bust(self, order: Order, index: int) -> Execution:
        """Cancel a trade; the shares do not go back into the book.

        Raises:
            IndexError: The order has no such execution.
            ValueError: It was busted before.
        """
        execution = order.executions[index]
        if execution.is_busted:
            raise ValueError("the execution was busted before")
        execution.is_busted = True
        order.executed_quantity -= execution.quantity
        order.executed_amount -= execution.quantity * execution.price
        order.canceled_quantity += execution.quantity
        if order.leaves == 0:
            order.state = OrderState.CANCELED
        elif order.executed_quantity == 0:
            order.state = OrderState.NEW
        settlement.undo_trade(order, execution)
        self.emit(EventKind.BUSTED, order, execution.quantity, price=execution.price, execution=execution)
        return execution

    def middle_price(self, book: Book, side: Side) -> int:
        """중간가, brought to a tick in the order's favor."""
        middle = (book.best_price(Side.BUY) + book.best_price(Side.SELL)) // 2
        rounding = floor_to_tick if side is Side.BUY else ceil_to_tick
        return rounding(middle, is_etf=book.instrument.is_etf)
