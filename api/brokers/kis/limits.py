"""KIS's call limits, as dated data. They changed in 2026 and will again: change a row, not code.

All are per app key and over all TRs. New customers have 3 calls a second for the first three days, which no inquiry tells: the gateway's
refusal (EGW00201) does, and it is obeyed.
"""

from collections.abc import Mapping
from datetime import date

from msgspec import Struct

from api.brokers.base import CallClass
from api.domain.enums import Environment


class CallLimit(Struct, frozen=True, kw_only=True):
    """``calls`` in any window of ``window_seconds``, our margin taken off; ``source`` says what the broker states."""

    calls: int
    window_seconds: float
    as_of: date
    source: str


CALL_LIMITS: Mapping[Environment, CallLimit] = {
    Environment.REAL: CallLimit(calls=19, window_seconds=1.0, as_of=date(2026, 11, 23), source="official FAQ: 20 a second, less one"),
    # 600 ms apart was still refused, 1,100 ms was not (measured 2026-09), although the FAQ says 2 a second
    Environment.PAPER: CallLimit(calls=1, window_seconds=1.1, as_of=date(2026, 9, 1), source="measured: about one a second"),
    Environment.SANDBOX: CallLimit(calls=19, window_seconds=1.0, as_of=date(2026, 11, 23), source="as real"),
}

RESERVES: Mapping[CallClass, int] = {CallClass.CANCEL: 0, CallClass.ORDER: 2, CallClass.RECONCILE: 6, CallClass.INQUIRY: 9}
"""Places of a window that a class leaves to those above it."""

TOKEN_PAUSE_SECONDS = 60.0
"""``tokenP`` answers once a minute per app key (since 2023-10-27)."""

REFUSAL_PAUSE_SECONDS = 0.25
"""Wait after EGW00201; whether the broker's window slides or follows the calendar second is unsure, so more than once if need be."""
