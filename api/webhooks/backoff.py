"""When a failed delivery is tried again, and when Lucy gives up."""

import random
from datetime import datetime, timedelta

GIVE_UP_AFTER = timedelta(days=1)
"""A webhook whose receiver has taken nothing for so long is switched off."""

_DELAYS_SECONDS = (1, 5, 30, 120, 600, 1_800, 3_600, 7_200, 14_400)
_JITTER = 0.2


def next_attempt(attempt: int, *, failing_since: datetime, now: datetime, rng: random.Random) -> datetime | None:
    """When to try again after a failure: None: give up.

    Args:
        attempt: Attempts that failed, above 0.
        failing_since: The first of them.
        now: The last of them.
        rng: Spreads receivers that failed together, by up to a fifth either way.
    """
    give_up_at = failing_since + GIVE_UP_AFTER
    if now >= give_up_at:
        return None
    seconds = _DELAYS_SECONDS[min(attempt, len(_DELAYS_SECONDS)) - 1] * rng.uniform(1 - _JITTER, 1 + _JITTER)
    planned = now + timedelta(milliseconds=round(seconds * 1000))
    return min(planned, give_up_at)  # the last try comes at the end of the day, not hours past it
