"""The order book of one name: client orders in price-time order, and a little background liquidity around the anchor price.

The background stands at the anchor price on both sides and at each tick beyond it (asks upward, bids downward). Whoever takes the
anchor price therefore trades at once, buyer or seller; levels are finite and grow back by :meth:`Book.refill`. Client orders go
before the background at the same price. The book knows nothing of accounts, sessions or events: it says who trades with whom.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from .instruments import Instrument
from .model import Order, Side
from .ticks import next_down, next_up

BACKGROUND_LEVELS = 10
_LEVEL_AMOUNT = 70_000_000  # won at each background level: about 1,000 shares of a 70,000 won name

Trade = Callable[[Order, "Order | None", int, int], None]
"""Told of each trade: the incoming order, the resting order (None: background), quantity, price."""


@dataclass(slots=True)
class _Level:
    orders: deque[Order] = field(default_factory=deque)  # orders that are over stay until they reach the front
    quantity: int = 0


@dataclass(slots=True)
class _ClientSide:
    """Client orders of one side; ``prices`` is ascending, unpriced orders stand at the side's most aggressive key."""

    is_buy: bool
    levels: dict[int, _Level] = field(default_factory=dict)
    prices: list[int] = field(default_factory=list)

    def add(self, key: int, order: Order) -> None:
        level = self.levels.get(key)
        if level is None:
            level = self.levels[key] = _Level()
            insort(self.prices, key)
        level.orders.append(order)
        level.quantity += order.leaves

    def take(self, key: int, quantity: int) -> None:
        level = self.levels[key]
        level.quantity -= quantity
        if level.quantity <= 0:
            del self.levels[key]
            del self.prices[bisect_left(self.prices, key)]

    def best(self) -> tuple[int, Order] | None:
        if not self.prices:
            return None
        key = self.prices[-1] if self.is_buy else self.prices[0]
        orders = self.levels[key].orders
        while orders[0].leaves == 0:
            orders.popleft()
        return key, orders[0]


class Book:
    """One name's book. ``anchor`` is the price that the background trades at."""

    def __init__(self, instrument: Instrument, anchor: int, *, level_quantity: int | None = None) -> None:
        self.instrument = instrument
        self.anchor = anchor
        self.level_quantity = level_quantity
        self.is_background_on = True
        self._buys = _ClientSide(is_buy=True)
        self._sells = _ClientSide(is_buy=False)
        self._asks: dict[int, int] = {}  # background, best first
        self._bids: dict[int, int] = {}
        self.move_anchor(anchor)

    # --- background -----------------------------------------------------------------------------------------------

    @property
    def full_level(self) -> int:
        """Shares at an untouched background level."""
        return self.level_quantity if self.level_quantity is not None else max(1, _LEVEL_AMOUNT // self.anchor)

    def move_anchor(self, anchor: int) -> None:
        """Rebuild the background, whole, around a new price."""
        self.anchor = anchor
        self._asks, self._bids = {}, {}
        full = self.full_level
        is_etf = self.instrument.is_etf
        ask = bid = anchor
        for _ in range(BACKGROUND_LEVELS + 1):  # one more than is displayed: the bid at the anchor is not shown
            if ask <= self.instrument.upper_limit:
                self._asks[ask] = full
            if bid >= self.instrument.lower_limit:
                self._bids[bid] = full
            ask, bid = next_up(ask, is_etf=is_etf), next_down(bid, is_etf=is_etf)

    def refill(self, share: float = 1.0) -> bool:
        """Let each depleted level grow back by ``share`` of its full size; True while something is still missing."""
        full = self.full_level
        step = max(1, int(full * share))
        is_short = False
        for side in (self._asks, self._bids):
            for price, quantity in side.items():
                if quantity < full:
                    side[price] = min(full, quantity + step)
                    is_short = is_short or side[price] < full
        return is_short

    # --- client orders --------------------------------------------------------------------------------------------

    def _key(self, order: Order) -> int:
        if order.working_price is not None:
            return order.working_price
        return self.instrument.upper_limit + 1 if order.side is Side.BUY else 0

    def rest(self, order: Order) -> None:
        """Put an order behind all others at its price."""
        (self._buys if order.side is Side.BUY else self._sells).add(self._key(order), order)

    def shrink(self, order: Order, quantity: int) -> None:
        """Note that a resting order lost open quantity (canceled, replaced): call it with the order already changed."""
        (self._buys if order.side is Side.BUY else self._sells).take(self._key(order), quantity)

    def available(self, side: Side, limit: int | None) -> int:
        """Shares that an order of ``side`` could trade at once, for fill-or-kill."""
        is_buy = side is Side.BUY
        clients, background = (self._sells, self._asks) if is_buy else (self._buys, self._bids)
        total = sum(level.quantity for key, level in clients.levels.items() if self._crosses(is_buy, limit, key))
        if self.is_background_on:
            total += sum(quantity for price, quantity in background.items() if self._crosses(is_buy, limit, price))
        return total

    @staticmethod
    def _crosses(is_buy: bool, limit: int | None, price: int) -> bool:
        return limit is None or (price <= limit if is_buy else price >= limit)

    def match_incoming(self, order: Order, trade: Trade) -> None:
        """Trade an order that is not in the book against it, best price first; what is left is the caller's to rest or drop."""
        is_buy = order.side is Side.BUY
        limit = order.working_price
        clients, background = (self._sells, self._asks) if is_buy else (self._buys, self._bids)
        while order.leaves > 0:
            resting = clients.best()
            level = self._best_background(background)
            if resting is not None and (level is None or resting[0] == level or (resting[0] < level) == is_buy):
                key, other = resting
                if not self._crosses(is_buy, limit, key):
                    return
                quantity = min(order.leaves, other.leaves)
                price = self._price_between(limit, other)
                trade(order, other, quantity, price)
                clients.take(key, quantity)
            elif level is not None and self._crosses(is_buy, limit, level):
                quantity = min(order.leaves, background[level])
                background[level] -= quantity
                trade(order, None, quantity, level)
            else:
                return

    def match_resting(self, trade: Trade) -> None:
        """Let the background come to the resting orders it crosses: after a refill, a price move or a resume.

        A resting order was there first, so it trades at its own price; an unpriced one at the background's.
        """
        for clients, background, is_buy in ((self._buys, self._asks, True), (self._sells, self._bids, False)):
            while (resting := clients.best()) is not None and (level := self._best_background(background)) is not None:
                key, order = resting
                if not self._crosses(is_buy, order.working_price, level):
                    break
                quantity = min(order.leaves, background[level])
                background[level] -= quantity
                trade(order, None, quantity, level if order.working_price is None else order.working_price)
                clients.take(key, quantity)

    def match_crossed(self, trade: Trade) -> None:
        """Trade client orders that came to cross each other while matching was held."""
        while (buy := self._buys.best()) is not None and (sell := self._sells.best()) is not None and buy[0] >= sell[0]:
            first, second = (buy, sell) if buy[1].number < sell[1].number else (sell, buy)
            quantity = min(buy[1].leaves, sell[1].leaves)
            trade(second[1], first[1], quantity, self._price_between(second[1].working_price, first[1]))
            self._buys.take(buy[0], quantity)
            self._sells.take(sell[0], quantity)

    def _best_background(self, background: dict[int, int]) -> int | None:
        if not self.is_background_on:
            return None
        for price, quantity in background.items():
            if quantity > 0:
                return price
        return None

    def _price_between(self, incoming_limit: int | None, resting: Order) -> int:
        if resting.working_price is not None:
            return resting.working_price
        return incoming_limit if incoming_limit is not None else self.anchor

    def reprice(self, order: Order, working_price: int | None) -> None:
        """Move a resting order to another price, behind the others there."""
        self.shrink(order, order.leaves)
        order.working_price = working_price
        self.rest(order)

    def resting_orders(self) -> list[Order]:
        """All open client orders."""
        return [order for side in (self._buys, self._sells) for level in side.levels.values() for order in level.orders if order.leaves > 0]

    # --- view -----------------------------------------------------------------------------------------------------

    def best_price(self, side: Side) -> int:
        """The best displayed price of a side; the anchor where the side is empty."""
        asks, bids = self.levels(1)
        rows = bids if side is Side.BUY else asks
        return rows[0][0] if rows else self.anchor

    def levels(self, depth: int = BACKGROUND_LEVELS) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        """Displayed asks and bids as (price, quantity), best first.

        The background's bid at the anchor is not shown, so that the displayed book is not locked.
        """
        asks: dict[int, int] = {}
        bids: dict[int, int] = {}
        if self.is_background_on:
            asks |= {price: quantity for price, quantity in self._asks.items() if quantity > 0}
            bids |= {price: quantity for price, quantity in self._bids.items() if quantity > 0 and price < self.anchor}
        for shown, side in ((asks, self._sells), (bids, self._buys)):
            for key, level in side.levels.items():
                if self.instrument.lower_limit <= key <= self.instrument.upper_limit:
                    shown[key] = shown.get(key, 0) + level.quantity
        return sorted(asks.items())[:depth], sorted(bids.items(), reverse=True)[:depth]
