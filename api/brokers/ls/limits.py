"""LS's call limits, as dated data. They changed in 2026 and will again: change a row, not code.

They are per TR and second. The guide gives one figure for personal and one for corporate customers; the app key does not tell which it
is, so the smaller holds. Whether LS's window slides or follows the calendar second is unknown: rates of three and more give up one call as
margin, lower ones stretch the window instead. No limit over a day or ten minutes is published, nor one for the token.
"""

from collections.abc import Mapping
from datetime import date

from msgspec import Struct

from api.brokers.ls.codes import Tr

AS_OF = date(2026, 6, 30)
"""State of the guide's data."""


class CallLimit(Struct, frozen=True):
    """``calls`` in any window of ``window_seconds``, our margin taken off."""

    calls: int
    window_seconds: float


_ONCE = CallLimit(1, 1.15)
_TWICE = CallLimit(2, 1.15)

CALL_LIMITS: Mapping[Tr, CallLimit] = {
    Tr.PLACE: CallLimit(9, 1.0),  # 10 / 10
    Tr.REPLACE: CallLimit(3, 1.15),  # 3 / 3; giving up one of three would cost too much
    Tr.CANCEL: CallLimit(3, 1.15),  # 3 / 3
    Tr.ORDERS: _TWICE,  # 2 / 10
    Tr.HOLDINGS: _TWICE,  # 2 / 10
    Tr.DEPOSIT: _ONCE,  # 1 / 1
    Tr.BUYING_POWER: _ONCE,  # 1 / 10
    Tr.PRICE: CallLimit(4, 1.0),  # 10 / 5
    Tr.INSTRUMENTS: _TWICE,  # 2 / 5
    Tr.INSTRUMENT_NAMES: _TWICE,  # 2 / 3
}
"""In the comments: the guide's calls a second, personal / corporate."""

REFUSAL_PAUSE_SECONDS = 0.3
"""Wait after IGW00201, several times if need be: the refused call may have to leave the window first."""

MAX_PAGES = 1000
"""Longest walk through a paged list. An endless cursor has been seen at t0425; far more than a day's orders at about 20 rows a page."""
