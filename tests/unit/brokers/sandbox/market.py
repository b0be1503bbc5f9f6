"""A market for unit tests: the KIS real account, and the events as they come. ``flush`` stands for the way to the exchange."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from api.brokers.sandbox.exchange import Exchange
from api.brokers.sandbox.model import Account, Broker, Environment, Event, EventKind, Order, OrderType, Rejection, Side

SYMBOL = "005930"
PRICE = 71_000


class Market:
    def __init__(self) -> None:
        self.exchange = Exchange()
        self.exchange.set_refill(0)
        self.account: Account = next(
            account for account in self.exchange.accounts if account.broker is Broker.KIS and account.environment is Environment.REAL
        )
        self.events: list[Event] = []
        self.exchange.subscribe(self.events.append)

    def set_level(self, quantity: int, symbol: str = SYMBOL) -> None:
        book = self.exchange.books[symbol]
        book.level_quantity = quantity
        book.move_anchor(book.anchor)

    def try_order(self, side: str, quantity: int, price: int = PRICE, **extra: object) -> Order | Rejection:
        order_type = extra.pop("order_type", OrderType.LIMIT)
        account = extra.pop("account", self.account)
        symbol = extra.pop("symbol", SYMBOL)
        return self.exchange.place(account, symbol, Side(side), order_type, price, quantity, **extra)  # type: ignore[arg-type]

    def order(self, side: str, quantity: int, price: int = PRICE, **extra: object) -> Order:
        """Place an order and let it arrive."""
        outcome = self.try_order(side, quantity, price, **extra)
        assert isinstance(outcome, Order), outcome
        self.exchange.flush()
        return outcome

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for something to come true, two seconds at most."""
        for _ in range(400):
            if condition():
                return
            await asyncio.sleep(0.005)
        raise AssertionError("the condition did not come true in time")

    def kinds(self) -> list[EventKind]:
        return [event.kind for event in self.events]
