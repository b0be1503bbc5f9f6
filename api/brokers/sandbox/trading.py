"""What happens at the exchange after a request has arrived: matching, confirmations, refusals, and the ledger they leave behind."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from . import settlement
from .book import Book
from .instruments import Instrument
from .model import Broker, Condition, Event, EventKind, Execution, Order, OrderKind, OrderState, OrderType, Side
from .session import Phase

if TYPE_CHECKING:
    from .exchange import Behavior

_REFILL_SECONDS = 0.1

TradeListener = Callable[[str, int, int, Side], None]
"""Told of each trade once, for market data: symbol, quantity, price, the incoming order's side."""


@dataclass(slots=True)
class Tape:
    """A name's day so far: won and shares. The session's opening prints are made up, so that a quote never is empty."""

    last: int
    open: int
    high: int
    low: int
    volume: int
    amount: int
    last_quantity: int = 0
    last_side: Side = Side.BUY


class Trading(ABC):
    """Books, matching and ledger. Base of :class:`~api.brokers.sandbox.exchange.Exchange`, which adds the brokers' side."""

    instruments: dict[str, Instrument]
    behavior: Behavior
    now: Callable[[], datetime]
    trade_listeners: list[TradeListener]
    _execution_numbers: dict[Broker, int]

    def __init__(self) -> None:
        self.orders: list[Order] = []
        self.executions: list[tuple[Order, Execution]] = []
        self.halted: set[str] = set()
        self.is_paused = False
        self.refill_seconds = _REFILL_SECONDS
        self.refill_share = 1.0
        self.books = {symbol: Book(instrument, instrument.reference_price) for symbol, instrument in self.instruments.items()}
        self.tapes = {symbol: _opening_tape(instrument) for symbol, instrument in self.instruments.items()}
        self._orders_by_number: dict[tuple[Broker, int], Order] = {}
        self._held: list[Order] = []  # immediate orders that arrived while matching was held
        self._depleted: set[str] = set()
        self._refill_timer: asyncio.TimerHandle | None = None
        self._sequence = 0

    @property
    @abstractmethod
    def phase(self) -> Phase:
        """The session phase in force."""

    @abstractmethod
    def middle_price(self, book: Book, side: Side) -> int:
        """The price of a mid-price order."""

    @abstractmethod
    def _emit(self, event: Event) -> None: ...

    def _record(self, order: Order) -> None:
        self.orders.append(order)
        account = order.account
        account.orders.append(order)
        account.venues.add(order.venue)
        account.changes += 1
        if order.kind is OrderKind.NEW:
            account.ordered_quantity += order.quantity
        self._orders_by_number[order.broker, order.number] = order

    def find_order(self, broker: Broker, number: int) -> Order | None:
        """The order, change or cancel with a number."""
        return self._orders_by_number.get((broker, number))

    def last_price(self, symbol: str) -> int:
        """현재가."""
        return self.tapes[symbol].last

    def emit(
        self,
        kind: EventKind,
        order: Order,
        quantity: int,
        *,
        price: int | None = None,
        original: Order | None = None,
        execution: Execution | None = None,
    ) -> None:
        """Tell the listeners of a change that has already been made."""
        self._sequence += 1
        order.account.changes += 1
        self._emit(
            Event(
                sequence=self._sequence,
                kind=kind,
                order=order,
                quantity=quantity,
                price=order.price if price is None else price,
                leaves=order.leaves,
                at=self.now() if execution is None or kind is EventKind.BUSTED else execution.at,
                original=original,
                original_leaves=original.leaves if original is not None else 0,
                execution=execution,
            )
        )

    # --- arrival ---------------------------------------------------------------------------------------------------

    def arrive_new(self, order: Order) -> None:
        """A new order reaches the exchange: accepted, then matched; or refused."""
        order.at_exchange = True
        self.emit(EventKind.ACCEPTED, order, order.quantity)
        if self.behavior.reject_at_exchange > 0 and not order.is_external:
            self.behavior = replace(self.behavior, reject_at_exchange=self.behavior.reject_at_exchange - 1)
            self._reject(order)
            return
        self._enter_book(order)

    def arrive_replace(self, order: Order) -> None:
        """A change reaches the exchange: open quantity moves from the old number to the new, which then is matched anew."""
        original = _require_original(order)
        order.at_exchange = True
        self.emit(EventKind.ACCEPTED, order, order.quantity, original=original)
        moved = min(order.quantity, original.leaves)
        if moved == 0:
            self._reject(order)
            return
        order.quantity = moved
        original.replaced_quantity += moved
        if original.leaves == 0:
            original.state = OrderState.REPLACED
        self._left_book(original, moved)
        settlement.tie_up(order)
        self.emit(EventKind.REPLACED, order, moved, original=original)
        self._enter_book(order)

    def arrive_cancel(self, order: Order) -> None:
        """A cancel reaches the exchange; it is refused when the original was filled meanwhile."""
        original = _require_original(order)
        order.at_exchange = True
        self.emit(EventKind.ACCEPTED, order, order.quantity, original=original)
        canceled = min(order.quantity, original.leaves)
        if canceled == 0:
            self._reject(order)
            return
        order.quantity = canceled
        order.state = OrderState.CONFIRMED
        original.canceled_quantity += canceled
        if original.leaves == 0:
            original.state = OrderState.CANCELED
        self._left_book(original, canceled)
        self.emit(EventKind.CANCELED, order, canceled, original=original)

    def _left_book(self, original: Order, quantity: int) -> None:
        if original.is_resting:
            self.books[original.instrument.symbol].shrink(original, quantity)
            original.is_resting = original.leaves > 0
        settlement.tie_up(original)

    def _reject(self, order: Order) -> None:
        order.state = OrderState.REJECTED
        if order.kind is not OrderKind.CANCEL:
            order.rejected_quantity = order.leaves
            settlement.tie_up(order)
        self.emit(EventKind.REJECTED, order, order.quantity, original=order.original)

    # --- matching --------------------------------------------------------------------------------------------------

    @property
    def is_matching(self) -> bool:
        """Whether orders trade now: not while paused, not in an auction's collecting phase."""
        return not self.is_paused and self.phase.matches

    def pause(self) -> None:
        """Hold all matching: orders are accepted, changed and canceled, but nothing trades."""
        self.is_paused = True

    def resume(self) -> None:
        """Let matching go again."""
        self.is_paused = False
        self.match_all()

    def match_all(self) -> None:
        """Trade all that can trade now."""
        if not self.is_matching:
            return
        for book in self.books.values():
            self._match_book(book)
        held, self._held = self._held, []
        for order in held:
            if order.leaves > 0:
                self._trade_now(order)

    def _enter_phase(self) -> None:
        if self.phase is Phase.CLOSING_AUCTION:
            for book in self.books.values():
                for order in book.resting_orders():
                    if order.order_type is OrderType.CONDITIONAL_LIMIT and order.working_price is not None:
                        book.reprice(order, None)
        self.match_all()

    def _enter_book(self, order: Order) -> None:
        book = self.books[order.instrument.symbol]
        order.working_price = self._working_price(book, order)
        if self.is_matching:
            self._trade_now(order)
        elif order.condition is Condition.NONE:
            self._rest(book, order)
        else:
            self._held.append(order)

    def _working_price(self, book: Book, order: Order) -> int | None:
        match order.order_type:
            case OrderType.MARKET:
                return None
            case OrderType.BEST_LIMIT:
                return book.best_price(Side.SELL if order.side is Side.BUY else Side.BUY)
            case OrderType.FIRST_LIMIT:
                return book.best_price(order.side)
            case OrderType.MID_PRICE:
                return self.middle_price(book, order.side)
            case OrderType.OFF_HOURS:
                return book.anchor
            case _:
                return order.price

    def _trade_now(self, order: Order) -> None:
        book = self.books[order.instrument.symbol]
        is_doomed = order.condition is Condition.FOK and book.available(order.side, order.working_price) < order.leaves
        if not is_doomed:
            book.match_incoming(order, self._trade)
        if order.leaves > 0:
            if order.condition is Condition.NONE:
                self._rest(book, order)
            else:
                self._drop_remainder(order)
        self._schedule_refill(order.instrument.symbol)

    def _rest(self, book: Book, order: Order) -> None:
        book.rest(order)
        order.is_resting = True

    def _drop_remainder(self, order: Order) -> None:
        dropped = order.leaves
        order.canceled_quantity += dropped
        order.state = OrderState.CANCELED
        settlement.tie_up(order)
        self.emit(EventKind.REMAINDER_DROPPED, order, dropped)

    def _match_book(self, book: Book) -> None:
        if not self.is_matching:
            return
        book.match_crossed(self._trade)
        book.match_resting(self._trade)
        self._schedule_refill(book.instrument.symbol)

    def _trade(self, incoming: Order, resting: Order | None, quantity: int, price: int) -> None:
        at = self.now()
        for order in (resting, incoming):
            if order is not None:
                self._execute(order, quantity, price, at)
        symbol = incoming.instrument.symbol
        tape = self.tapes[symbol]
        tape.volume += quantity
        tape.amount += quantity * price
        tape.last_quantity, tape.last_side = quantity, incoming.side
        self._note_price(symbol, price)
        self._depleted.add(symbol)
        for listener in self.trade_listeners:
            listener(symbol, quantity, price, incoming.side)

    def _execute(self, order: Order, quantity: int, price: int, at: datetime) -> None:
        self._execution_numbers[order.broker] += 1
        cost = settlement.trade_cost(order.side, quantity * price, is_etf=order.instrument.is_etf)
        execution = Execution(self._execution_numbers[order.broker], len(order.executions), quantity, price, cost, at)
        order.executions.append(execution)
        order.executed_quantity += quantity
        order.executed_amount += quantity * price
        if order.leaves == 0:
            order.state = OrderState.FILLED
            order.is_resting = False
        else:
            order.state = OrderState.PARTIALLY_FILLED
        settlement.apply_trade(order, execution)
        settlement.tie_up(order)
        self.executions.append((order, execution))
        self.emit(EventKind.EXECUTED, order, quantity, price=price, execution=execution)

    def _note_price(self, symbol: str, price: int) -> None:
        tape = self.tapes[symbol]
        tape.last = price
        tape.high, tape.low = max(tape.high, price), min(tape.low, price)

    # --- liquidity -------------------------------------------------------------------------------------------------

    def _schedule_refill(self, symbol: str) -> None:
        if symbol in self._depleted and self._refill_timer is None and self.refill_seconds > 0:
            self._refill_timer = asyncio.get_running_loop().call_later(self.refill_seconds, self._on_refill)

    def set_refill(self, seconds: float) -> None:
        """Change how often the background grows back; 0: never."""
        self.stop_refilling()
        self.refill_seconds = seconds
        if self._depleted:
            self._schedule_refill(next(iter(self._depleted)))

    def stop_refilling(self) -> None:
        """End the refill timer."""
        if self._refill_timer is not None:
            self._refill_timer.cancel()
            self._refill_timer = None

    def _on_refill(self) -> None:
        self._refill_timer = None
        symbols, self._depleted = self._depleted, set()
        for symbol in symbols:
            book = self.books[symbol]
            if book.refill(self.refill_share):
                self._depleted.add(symbol)
            else:
                self.tapes[symbol].last = book.anchor  # the background trades on, so the price comes back to it
            self._match_book(book)
        if self._depleted:
            self._schedule_refill(next(iter(self._depleted)))


def _require_original(order: Order) -> Order:
    if order.original is None:
        raise AssertionError(f"{order.kind} {order.number} without an original")
    return order.original


def _opening_tape(instrument: Instrument) -> Tape:
    price = instrument.reference_price
    volume = max(1, instrument.listed_shares // 500)
    return Tape(last=price, open=price, high=price, low=price, volume=volume, amount=volume * price)
