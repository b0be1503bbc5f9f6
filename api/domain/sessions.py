"""When Korean venues take orders, by the clock alone: holidays come from the calendar feature.

Source: kis.md §10.1: KRX 08:30-15:30 regular, off-hours until 18:00 and, since 2026-09-14, the after-market until 20:00; NXT 08:00-20:00.
Starts differ between sources, so the window is the widest of them: the broker refuses what its phase does not take.
"""

from datetime import date, datetime, time
from enum import StrEnum

from msgspec import Struct

from api.domain.enums import Exchange
from api.kit.clock import KST

_WINDOWS = {
    Exchange.KRX: (time(8, 20), time(20, 0)),
    Exchange.NXT: (time(8, 0), time(20, 0)),
    Exchange.SOR: (time(8, 0), time(20, 0)),
}
_SATURDAY = 5


class Phase(StrEnum):
    """Part of a trading day at a venue; what orders it takes differs, see the broker's words when it refuses one."""

    PRE_MARKET = "pre_market"
    OPENING_AUCTION = "opening_auction"
    PRE_OPEN_CLOSE = "pre_open_close"
    CONTINUOUS = "continuous"
    CLOSING_AUCTION = "closing_auction"
    AFTER_CLOSE = "after_close"
    AFTER_HOURS_SINGLE = "after_hours_single"
    AFTER_MARKET = "after_market"


class Session(Struct, kw_only=True, frozen=True):
    """A phase and when it takes orders, KST; ``since`` and ``until``: first and last day of the rule, None where it has none."""

    exchange: Exchange
    phase: Phase
    opens: time
    closes: time
    since: date | None = None
    until: date | None = None


def _session(exchange: Exchange, phase: Phase, opens: str, closes: str, since: str | None = None, until: str | None = None) -> Session:
    return Session(
        exchange=exchange,
        phase=phase,
        opens=time.fromisoformat(opens),
        closes=time.fromisoformat(closes),
        since=None if since is None else date.fromisoformat(since),
        until=None if until is None else date.fromisoformat(until),
    )


SESSIONS = (
    # one source has the auction begin at 08:20 since 2026-09-14; the later time is the surer one
    _session(Exchange.KRX, Phase.OPENING_AUCTION, "08:30", "09:00"),
    _session(Exchange.KRX, Phase.PRE_OPEN_CLOSE, "08:30", "08:40"),
    _session(Exchange.KRX, Phase.CONTINUOUS, "09:00", "15:20"),
    _session(Exchange.KRX, Phase.CLOSING_AUCTION, "15:20", "15:30"),
    # trades from 15:40; orders are taken from 15:30
    _session(Exchange.KRX, Phase.AFTER_CLOSE, "15:30", "16:00"),
    _session(Exchange.KRX, Phase.AFTER_HOURS_SINGLE, "16:00", "18:00", until="2026-09-13"),
    _session(Exchange.KRX, Phase.AFTER_MARKET, "16:00", "20:00", since="2026-09-14"),
    _session(Exchange.NXT, Phase.PRE_MARKET, "08:00", "08:50"),
    # 09:00:30 in most sources, 09:00 in some
    _session(Exchange.NXT, Phase.CONTINUOUS, "09:00:30", "15:20"),
    # some sources say 15:30, with an auction until 15:40
    _session(Exchange.NXT, Phase.AFTER_MARKET, "15:40", "20:00"),
)
"""Source: kis.md §10.1. Smart order routing (SOR) sends to either venue and has no sessions of its own."""


def sessions_on(day: date) -> list[Session]:
    """The sessions of a KST trading day, by venue and time; whether it *is* a trading day this does not say."""
    return [
        session
        for session in SESSIONS
        if (session.since is None or session.since <= day) and (session.until is None or day <= session.until)
    ]


def is_weekend(day: date) -> bool:
    """Saturday or Sunday: never a trading day."""
    return day.weekday() >= _SATURDAY


def takes_orders(exchange: Exchange, now: datetime) -> bool:
    """Whether some session of ``exchange`` may take an order at ``now`` (aware)."""
    local = now.astimezone(KST)
    start, end = _WINDOWS[exchange]
    return local.weekday() < _SATURDAY and start <= local.time() < end
