"""LS's call limits, as dated data. They changed in 2026 and will again: change a row, not code.

They are per TR and second. The guide gives one figure for personal and one for corporate customers; the app key does not tell which it
is, so the smaller holds. Whether LS's window slides or follows the calendar second is unknown: rates of three and more give up one call as
margin, lower ones stretch the window instead. No limit over a day or ten minutes is published, nor one for the token.
"""

from collections.abc import Mapping
from datetime import date

from api.brokers.base import CallClass
from api.brokers.limits import CallLimit, CallLimitRow
from api.brokers.ls.codes import Tr
from api.domain.enums import Broker, Environment

AS_OF = date(2026, 6, 30)
"""State of the guide's data."""


def _guide(personal: int, corporate: int, *, calls: int, window_seconds: float) -> CallLimit:
    """What Lucy keeps to where the guide says so many calls a second."""
    source = f"LS guide: {personal} a second (personal), {corporate} (corporate)"
    return CallLimit(calls=calls, window_seconds=window_seconds, as_of=AS_OF, source=source)


CALL_LIMITS: Mapping[Tr, CallLimit] = {
    Tr.PLACE: _guide(10, 10, calls=9, window_seconds=1.0),
    Tr.REPLACE: _guide(3, 3, calls=3, window_seconds=1.15),  # giving up one of three would cost too much
    Tr.CANCEL: _guide(3, 3, calls=3, window_seconds=1.15),
    Tr.ORDERS: _guide(2, 10, calls=2, window_seconds=1.15),
    Tr.HOLDINGS: _guide(2, 10, calls=2, window_seconds=1.15),
    Tr.DEPOSIT: _guide(1, 1, calls=1, window_seconds=1.15),
    Tr.BUYING_POWER: _guide(1, 10, calls=1, window_seconds=1.15),
    Tr.PRICE: _guide(10, 5, calls=4, window_seconds=1.0),
    Tr.INSTRUMENTS: _guide(2, 5, calls=2, window_seconds=1.15),
    Tr.INSTRUMENT_NAMES: _guide(2, 3, calls=2, window_seconds=1.15),
    Tr.HISTORY: _guide(1, 1, calls=1, window_seconds=1.15),  # one copy of the guide, which has no corporate figure
    Tr.ORDER_BOOK: _guide(10, 5, calls=4, window_seconds=1.0),
    # charts were refused at the stated rate; 1.2 s apart they were not
    Tr.LONG_BARS: _guide(1, 3, calls=1, window_seconds=1.25),
    Tr.MINUTE_BARS: _guide(1, 3, calls=1, window_seconds=1.25),
    Tr.TOP_VOLUME: _guide(2, 3, calls=2, window_seconds=1.15),
    Tr.TOP_TURNOVER: _guide(1, 1, calls=1, window_seconds=1.15),
    Tr.TOP_CHANGE: _guide(1, 1, calls=1, window_seconds=1.15),
}
"""A row for every TR that is called."""

CALL_CLASSES: Mapping[Tr, CallClass] = {
    Tr.PLACE: CallClass.ORDER,
    Tr.REPLACE: CallClass.ORDER,
    Tr.CANCEL: CallClass.CANCEL,
    Tr.ORDERS: CallClass.RECONCILE,
    Tr.HISTORY: CallClass.RECONCILE,
}
"""What is not named is an inquiry. Only inquiries are merged and kept: evidence for the reconciler must be fresh."""

KEPT_SECONDS: Mapping[Tr, float] = {Tr.INSTRUMENTS: 0.0, Tr.INSTRUMENT_NAMES: 0.0}
"""How long an inquiry's answer stands for the same question; `DEFAULT_KEPT_SECONDS` for what is not named. Masters are read once a day."""

DEFAULT_KEPT_SECONDS = 0.5

REFUSAL_PAUSE_SECONDS = 0.3
"""Wait after IGW00201, several times if need be: the refused call may have to leave the window first."""

MAX_PAGES = 1000
"""Longest walk through a paged list. An endless cursor has been seen at t0425; far more than a day's orders at about 20 rows a page."""


def call_limits(environment: Environment) -> list[CallLimitRow]:
    """All limits in an environment; LS has the same everywhere."""
    return [CallLimitRow(broker=Broker.LS, environment=environment, tr=tr, limit=limit) for tr, limit in CALL_LIMITS.items()]
