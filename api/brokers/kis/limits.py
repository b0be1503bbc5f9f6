"""KIS's call limits, as dated data. They changed in 2026 and will again: change a row, not code.

All are per app key and over all TRs. New customers have 3 calls a second for the first three days, which no inquiry tells: the gateway's
refusal (EGW00201) does, and it is obeyed.
"""

from collections.abc import Mapping
from datetime import date

from api.brokers.base import CallClass
from api.brokers.kis.codes import Tr
from api.brokers.limits import RANKS, CallLimit, CallLimitRow
from api.domain.enums import Broker, Environment

RESERVES: Mapping[CallClass, int] = {CallClass.CANCEL: 0, CallClass.ORDER: 2, CallClass.RECONCILE: 6, CallClass.INQUIRY: 9}
"""Places of a window that a class leaves to those above it."""

_reserves = tuple(RESERVES[call_class] for call_class in RANKS)

_FULL = CallLimit(
    calls=19,
    window_seconds=1.0,
    as_of=date(2026, 11, 23),
    source="official FAQ: 20 a second, less one",
    reserves=(_reserves[0], _reserves[1], _reserves[2], _reserves[3]),
    # orders go out as evenly as they would fill a window, so places for cancels fall free as evenly: with a basket under way 15 cancels
    # have left after 0.8 s and the time of an answer, where a burst of orders would make them wait for a whole window
    burst_calls=2,
    burst_seconds=0.12,
)

CALL_LIMITS: Mapping[Environment, CallLimit] = {
    Environment.REAL: _FULL,
    # 600 ms apart was still refused, 1,100 ms was not (measured 2026-09), although the FAQ says 2 a second
    Environment.PAPER: CallLimit(calls=1, window_seconds=1.1, as_of=date(2026, 9, 1), source="measured: about one a second"),
    Environment.SANDBOX: _FULL,
}

KEPT_SECONDS: Mapping[Tr, float] = {}
"""How long an inquiry's answer stands for the same question; `DEFAULT_KEPT_SECONDS` for what is not named. Reconciliation keeps none."""

DEFAULT_KEPT_SECONDS = 0.5


def call_limits(environment: Environment) -> list[CallLimitRow]:
    """All limits in an environment: one."""
    return [CallLimitRow(broker=Broker.KIS, environment=environment, tr=None, limit=CALL_LIMITS[environment])]
