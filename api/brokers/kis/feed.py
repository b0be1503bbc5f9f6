"""Trades of KRX (``H0STCNT0``) beside the execution notices, on the same websocket session.

KIS has one session per app key and 41 registrations on it. Notices have theirs first; what is left goes to symbols, and a symbol that
finds no slot is asked for over REST as before. Only the first fields of a record are read: there are 46, and 47 since 2026-09-14.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import structlog

from api.brokers.errors import BrokerProtocolError
from api.brokers.kis.codes import ALREADY_SUBSCRIBED, NO_SLOT_LEFT, SUBSCRIBED, UNSUBSCRIBED, Tr
from api.brokers.kis.envelope import KIS
from api.brokers.kis.messages import Control
from api.brokers.kis.parse import symbol, whole
from api.brokers.kis.parse_market import signed
from api.brokers.market_data import LastTrade

log = structlog.get_logger(__name__)

_SLOTS = 40
"""41 registrations on a session (kis.md §9.6), one of which is the notices'."""

_AT_ONCE = 5
_PAUSE_SECONDS = 0.1
"""Between two requests; the official sample sleeps 0.05 to 0.5 s."""

_FEWEST_FIELDS = 46
_SUBSCRIBE, _UNSUBSCRIBE = "1", "2"


class KisQuoteFeed:
    """Follows symbols on an open session; implements `QuoteFeed`.

    Args:
        send: Sends (``tr_type``, symbol) for ``H0STCNT0``; raises `BrokerUnavailable` on a broken line.
    """

    def __init__(self, send: Callable[[str, str], Awaitable[None]]) -> None:
        self._send = send
        self._slots = _SLOTS
        self._asked: set[str] = set()
        self._followed: set[str] = set()
        self._refused: set[str] = set()
        self._trades: dict[str, LastTrade] = {}

    @property
    def followed(self) -> frozenset[str]:
        """Symbols whose registration KIS has acknowledged."""
        return frozenset(self._followed)

    async def follow(self, symbols: Sequence[str]) -> None:
        """Let go of what is not named, then register what is, the first first, while slots are free."""
        wanted = [each for each in symbols if each not in self._refused]
        steps = [(_UNSUBSCRIBE, each) for each in sorted(self._asked - set(wanted))]
        free = self._slots - (len(self._asked) - len(steps))
        steps += [(_SUBSCRIBE, each) for each in [each for each in wanted if each not in self._asked][: max(0, free)]]
        for kind, each in steps[:_AT_ONCE]:
            if kind == _SUBSCRIBE:
                self._asked.add(each)
            else:
                self._let_go(each)
            await self._send(kind, each)
            await asyncio.sleep(_PAUSE_SECONDS)

    def take_trades(self) -> list[LastTrade]:
        """The newest trade of each symbol since the last call."""
        trades, self._trades = list(self._trades.values()), {}
        return trades

    def take_frame(self, frame: str) -> None:
        """Read ``flag|TR id|count|fields``; what cannot be read is logged and passed over, for the next one tells the same anew."""
        try:
            trades = parse_trades(frame)
        except BrokerProtocolError as error:
            log.warning("kis_trade_unreadable", problem=str(error), frame=frame[:300])
            return
        for trade in trades:
            if trade.symbol in self._followed:
                self._trades[trade.symbol] = trade

    def take_answer(self, control: Control) -> None:
        """Read the answer to a registration; answers to what was let go meanwhile change nothing."""
        asked, body = control.header.tr_key, control.body
        if body is None or body.msg_cd in UNSUBSCRIBED or asked not in self._asked:
            return
        if body.msg_cd in (SUBSCRIBED, ALREADY_SUBSCRIBED):
            self._followed.add(asked)
            return
        log.info("kis_symbol_not_followed", symbol=asked, code=body.msg_cd, message=body.msg1)
        self._let_go(asked)
        if body.msg_cd == NO_SLOT_LEFT:
            self._slots = len(self._asked)  # others hold the rest
        else:
            self._refused.add(asked)

    async def aclose(self) -> None:
        """Give all slots back, before the session is closed."""
        for each in sorted(self._asked):
            await self._send(_UNSUBSCRIBE, each)

    def _let_go(self, each: str) -> None:
        self._asked.discard(each)
        self._followed.discard(each)
        self._trades.pop(each, None)


def parse_trades(frame: str) -> list[LastTrade]:
    """The trades of a frame, oldest first; raises `BrokerProtocolError`."""
    parts = frame.split("|", 3)
    if len(parts) != 4 or parts[0] != "0":
        raise BrokerProtocolError(KIS, Tr.TRADES, "frame", "not 0|TR id|count|fields")
    count = whole(Tr.TRADES, "count", parts[2])
    fields = parts[3].split("^")
    width, rest = divmod(len(fields), max(count, 1))
    if rest or width < _FEWEST_FIELDS:
        raise BrokerProtocolError(KIS, Tr.TRADES, "fields", f"{len(fields)} fields for {count} trades")
    return [_trade(fields[start : start + width]) for start in range(0, len(fields), width)]


def _trade(fields: Sequence[str]) -> LastTrade:
    tr = Tr.TRADES
    return LastTrade(
        symbol=symbol(tr, "mksc_shrn_iscd", fields[0]),
        price=whole(tr, "stck_prpr", fields[2]),
        change=signed(tr, fields[4], fields[3]),
        change_rate=fields[5].strip(),
        open_price=whole(tr, "stck_oprc", fields[7]),
        high_price=whole(tr, "stck_hgpr", fields[8]),
        low_price=whole(tr, "stck_lwpr", fields[9]),
        volume=whole(tr, "acml_vol", fields[13]),
        turnover_amount=whole(tr, "acml_tr_pbmn", fields[14]),
    )
