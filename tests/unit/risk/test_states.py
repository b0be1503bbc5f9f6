"""The strictest of the levels holds."""

from itertools import product

import pytest

from api.domain.enums import Broker, TradingState
from api.risk.states import LevelState, Snapshot, is_stricter, levels_of
from tests.factories import NOON

STATES = list(TradingState)
LEVELS = levels_of(Broker.KIS, "a1")


@pytest.mark.parametrize("states", list(product(STATES, repeat=3)))
def test_the_strictest_of_global_broker_and_account_holds(states: tuple[TradingState, ...]) -> None:
    levels = {level: LevelState(state=state, reason="", set_by="u", set_at=NOON) for level, state in zip(LEVELS, states, strict=True)}

    found, source = Snapshot(levels=levels).strictest(LEVELS)

    expected = next(state for state in (TradingState.HALTED, TradingState.REDUCING, TradingState.ACTIVE) if state in states)
    assert found is expected
    assert found is TradingState.ACTIVE or levels[source].state is found


def test_what_was_never_set_is_active_and_anothers_level_is_no_concern() -> None:
    halted = LevelState(state=TradingState.HALTED, reason="", set_by="u", set_at=NOON)
    snapshot = Snapshot(levels={"broker:ls": halted, "account:a2": halted})

    assert snapshot.strictest(LEVELS)[0] is TradingState.ACTIVE
    assert snapshot.strictest(levels_of(Broker.LS, "a1"))[0] is TradingState.HALTED


def test_no_state_is_stricter_than_itself() -> None:
    assert [is_stricter(state, state) for state in STATES] == [False] * 3
