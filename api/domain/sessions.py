"""When Korean venues take orders, by the clock alone: holidays come from the calendar feature.

Source: kis.md §10.1: KRX 08:30-15:30 regular, off-hours until 18:00 and, since 2026-09-14, the after-market until 20:00; NXT 08:00-20:00.
Starts differ between sources, so the window is the widest of them: the broker refuses what its phase does not take.
"""

from datetime import datetime, time

from api.domain.enums import Exchange
from api.kit.clock import KST

_WINDOWS = {
    Exchange.KRX: (time(8, 20), time(20, 0)),
    Exchange.NXT: (time(8, 0), time(20, 0)),
    Exchange.SOR: (time(8, 0), time(20, 0)),
}
_SATURDAY = 5


def takes_orders(exchange: Exchange, now: datetime) -> bool:
    """Whether some session of ``exchange`` may take an order at ``now`` (aware)."""
    local = now.astimezone(KST)
    start, end = _WINDOWS[exchange]
    return local.weekday() < _SATURDAY and start <= local.time() < end
