"""When a failed delivery is tried again."""

import random
from datetime import UTC, datetime, timedelta
from itertools import count, pairwise

from hypothesis import given
from hypothesis import strategies as st

from api.webhooks.backoff import GIVE_UP_AFTER, next_attempt

BEGAN = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)


def attempts(seed: int) -> list[timedelta]:
    """When all attempts at a receiver come that never takes anything, from the first on."""
    rng, now, found = random.Random(seed), BEGAN, [timedelta(0)]
    for attempt in count(1):
        due = next_attempt(attempt, failing_since=BEGAN, now=now, rng=rng)
        if due is None:
            break
        found.append(due - BEGAN)
        now = due
    return found


@given(st.integers())
def test_waits_grow_from_a_second_to_hours_and_end_after_a_day(seed: int) -> None:
    found = attempts(seed)

    waits = [later - earlier for earlier, later in pairwise(found)]
    for wait, seconds in zip(waits, (1, 5, 30, 120, 600, 1_800), strict=False):
        assert 0.8 * seconds <= wait.total_seconds() <= 1.2 * seconds
    assert found[-1] == GIVE_UP_AFTER
    assert 10 <= len(found) <= 20


def test_receivers_that_fail_together_are_not_tried_again_together() -> None:
    assert len({attempts(seed)[4] for seed in range(20)}) > 10
