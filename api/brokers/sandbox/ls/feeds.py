"""Market data over the websocket: S3_ and K3_ as trades happen, H1_ and HA_ when a book has changed since it was last looked at.

Each market has its own TRs; a KOSDAQ code on a KOSPI feed, or the other way round, is acknowledged and silent. Other feeds are too.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable

from ..doors import Doors
from ..model import Broker, Side
from ..sockets import Connection
from .gateway import encode
from .market import MarketDesk

_TRADE_TRS = {"KOSPI": "S3_", "KOSDAQ": "K3_"}
_BOOK_TRS = {"KOSPI": "H1_", "KOSDAQ": "HA_"}
_LOOK_SECONDS = 0.05

_Key = tuple[str, str]
_Levels = tuple[list[tuple[int, int]], list[tuple[int, int]]]


class Feeds:
    """Who listens to which market data. ``sender`` gives what puts a frame on connections."""

    def __init__(self, doors: Doors, market: MarketDesk, sender: Callable[[set[Connection], str], Callable[[], None]]) -> None:
        self._exchange = doors.exchange
        self._sockets = doors.sockets[Broker.LS]
        self._market = market
        self._sender = sender
        self._by_key: defaultdict[_Key, set[Connection]] = defaultdict(set)
        self._seen: dict[_Key, _Levels] = {}
        self._looker: asyncio.TimerHandle | None = None
        doors.exchange.trade_listeners.append(self._on_trade)

    def add(self, connection: Connection, code: str, key: str) -> None:
        """Send a connection the data of a TR code and key from now on; what the sandbox does not have stays silent."""
        instrument = self._exchange.instruments.get(key)
        if instrument is None or code not in {_TRADE_TRS[instrument.market], _BOOK_TRS[instrument.market]}:
            return
        self._by_key[code, key].add(connection)
        if code in _BOOK_TRS.values():
            self._seen.pop((code, key), None)  # so that the new listener gets the book as it is
            self._watch()

    def discard(self, connection: Connection, code: str, key: str) -> None:
        """End one registration."""
        self._by_key[code, key].discard(connection)

    def forget(self, connection: Connection) -> None:
        """End all of a connection's registrations."""
        for listeners in self._by_key.values():
            listeners.discard(connection)

    def _on_trade(self, symbol: str, quantity: int, _price: int, _side: Side) -> None:
        code = _TRADE_TRS[self._exchange.instruments[symbol].market]
        self._send((code, symbol), self._market.trade_frame(symbol, quantity))

    def _send(self, key: _Key, body: dict[str, str]) -> None:
        listeners = self._by_key.get(key)
        if listeners:
            self._sender(listeners, encode({"header": {"tr_cd": key[0], "tr_key": key[1]}, "body": body}).decode())()

    def _watch(self) -> None:
        if self._looker is None:
            self._looker = asyncio.get_running_loop().call_later(_LOOK_SECONDS, self._look)

    def _look(self) -> None:
        self._looker = None
        wanted = [key for key, listeners in self._by_key.items() if listeners and key[0] in _BOOK_TRS.values()]
        self._seen = {key: levels for key, levels in self._seen.items() if key in wanted}
        for key in wanted:
            levels = self._exchange.books[key[1]].levels()
            if self._seen.get(key) != levels and not self._sockets.is_muted:
                self._seen[key] = levels
                self._send(key, self._market.book_frame(key[1]))
        if wanted:
            self._watch()
