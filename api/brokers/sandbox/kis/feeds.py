"""Market data over the websocket: trades as they happen, books when they have changed since they were last looked at.

The consolidated feeds (``H0UN…``) carry the same as KRX's, since the sandbox has one book; those of NXT stay silent, as those of a
symbol that trades nowhere there do.
"""

from __future__ import annotations

import asyncio

from ..doors import Doors
from ..model import Broker, Side
from . import frames
from .sessions import Session

TRADE_TRS = ("H0STCNT0", "H0UNCNT0")
BOOK_TRS = ("H0STASP0", "H0UNASP0")
_LOOK_SECONDS = 0.05

_Levels = tuple[list[tuple[int, int]], list[tuple[int, int]]]


class Feeds:
    """Feeds of all sessions; ``sessions`` is the live list of the stream."""

    def __init__(self, doors: Doors, sessions: list[Session]) -> None:
        self._doors = doors
        self._sessions = sessions
        self._sockets = doors.sockets[Broker.KIS]
        self._looker: asyncio.TimerHandle | None = None
        self._seen: dict[tuple[Session, tuple[str, str]], _Levels] = {}
        doors.known_variants |= {"kis_trade_fields": ("47", "46"), "kis_book_fields": ("63", "59")}
        doors.exchange.trade_listeners.append(self._on_trade)

    def watch(self) -> None:
        """Look at the books from now on, as long as somebody has registered for one."""
        if self._looker is None:
            self._looker = asyncio.get_running_loop().call_later(_LOOK_SECONDS, self._look)

    def _on_trade(self, symbol: str, quantity: int, _price: int, side: Side) -> None:
        listening = [
            (session, (tr_id, symbol)) for session in self._sessions for tr_id in TRADE_TRS if (tr_id, symbol) in session.registrations
        ]
        if not listening or self._sockets.is_muted:
            return
        exchange = self._doors.exchange
        width = int(self._doors.variant("kis_trade_fields"))
        text = frames.trade(exchange, exchange.instruments[symbol], quantity, side, exchange.now(), width=width)
        for session, registration in listening:
            session.deliver(registration, text, encrypted=False, together=self._doors.variant("kis_frame_records") == "many")

    def _look(self) -> None:
        self._looker = None
        wanted = [(session, (tr_id, key)) for session in self._sessions for tr_id, key in session.registrations if tr_id in BOOK_TRS]
        self._seen = {entry: levels for entry, levels in self._seen.items() if entry in wanted}
        for session, registration in wanted:
            levels = self._doors.exchange.books[registration[1]].levels()
            if self._seen.get((session, registration)) != levels and not self._sockets.is_muted:
                self._seen[session, registration] = levels
                session.deliver(registration, self._book(*registration), encrypted=False, together=False)
        if wanted:
            self.watch()

    def _book(self, tr_id: str, symbol: str) -> str:
        exchange = self._doors.exchange
        width = int(self._doors.variant("kis_book_fields"))
        is_consolidated = tr_id == "H0UNASP0"
        return frames.book(exchange, exchange.instruments[symbol], exchange.now(), width=width, is_consolidated=is_consolidated)
