"""Call limits as data: one shape for every broker.

A broker's folder holds its rows (``limits.py``) and says which row a call falls under; `api.kit.call_scheduler` keeps to them. They changed
in 2026 and will again: change a row, not code.
"""

from datetime import date

from msgspec import Struct

from api.brokers.base import CallClass
from api.domain.enums import Broker, Environment
from api.kit.call_scheduler import CallRule


class CallLimit(Struct, frozen=True, kw_only=True):
    """``calls`` in any window of ``window_seconds``, our margin taken off.

    Attributes:
        as_of: State of the source.
        source: What the broker states, or who measured it.
        reserves: Places of a window that calls of a class leave to those above it; where several classes share the limit.
        burst_calls: Once so many calls went out within ``burst_seconds``, all but cancels wait: so cancels never find a window that was
            used up a moment ago and have to wait it out whole; 0 for no such rule.
    """

    calls: int
    window_seconds: float
    as_of: date
    source: str
    reserves: tuple[int, int, int, int] = (0, 0, 0, 0)
    burst_calls: int = 0
    burst_seconds: float = 0.0

    @property
    def rule(self) -> CallRule:
        """The same for the scheduler, which knows no brokers."""
        return CallRule(
            calls=self.calls,
            window_seconds=self.window_seconds,
            reserves=self.reserves,
            burst_calls=self.burst_calls,
            burst_seconds=self.burst_seconds,
        )


class CallLimitRow(Struct, frozen=True, kw_only=True):
    """A limit with what it holds for; ``tr`` None: over all TRs of an app key together."""

    broker: Broker
    environment: Environment
    tr: str | None
    limit: CallLimit


_CONNECTING_SECONDS = 0.5
_INQUIRY_WAIT_SECONDS = 5.0  # somebody looks at a screen: better told soon that there is no room than kept waiting

RANKS: dict[CallClass, int] = {call_class: rank for rank, call_class in enumerate(CallClass)}
"""Priority of a class, 0 first: `CallClass` is declared in that order."""


def longest_wait(call_class: CallClass, remaining_seconds: float) -> float:
    """Seconds that a call may wait for its place when its deadline is ``remaining_seconds`` away.

    Some of them are kept for the connection: with a place of the last moment it could not be up in time, and the call would seem to have
    failed at the broker where there was no room for it.
    """
    wait = max(0.0, remaining_seconds - _CONNECTING_SECONDS)
    return min(wait, _INQUIRY_WAIT_SECONDS) if call_class is CallClass.INQUIRY else wait
