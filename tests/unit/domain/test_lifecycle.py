"""The table of transitions, pair by pair."""

from itertools import product

import pytest

from api.domain.enums import OrderStatus as S
from api.domain.lifecycle import LEGAL, IllegalTransition, require_legal

LIVE_ENDS = {S.FILLED, S.CANCELED, S.EXPIRED}
EXPECTED = {
    S.PENDING_NEW: {S.NEW, S.REJECTED, S.UNKNOWN, S.PARTIALLY_FILLED} | LIVE_ENDS,
    S.UNKNOWN: set(S) - {S.PENDING_NEW},
    S.NEW: {S.NEW, S.PARTIALLY_FILLED, S.PENDING_CANCEL, S.PENDING_REPLACE, S.REJECTED} | LIVE_ENDS,
    S.PARTIALLY_FILLED: {S.NEW, S.PARTIALLY_FILLED, S.PENDING_CANCEL, S.PENDING_REPLACE} | LIVE_ENDS,
    S.PENDING_CANCEL: {S.PENDING_CANCEL, S.NEW, S.PARTIALLY_FILLED, S.REJECTED} | LIVE_ENDS,
    S.PENDING_REPLACE: {S.PENDING_REPLACE, S.NEW, S.PARTIALLY_FILLED, S.REJECTED} | LIVE_ENDS,
    S.FILLED: {S.FILLED, S.PARTIALLY_FILLED, S.NEW},
    S.CANCELED: {S.CANCELED, S.PARTIALLY_FILLED, S.FILLED},
    S.EXPIRED: {S.EXPIRED, S.PARTIALLY_FILLED, S.FILLED},
    S.REJECTED: {S.PENDING_NEW},
}


@pytest.mark.parametrize(("before", "after"), list(product(S, S)))
def test_every_pair_of_statuses_is_legal_or_refused_as_the_design_says(before: S, after: S) -> None:
    if after in EXPECTED[before]:
        require_legal("order", before, after)
    else:
        with pytest.raises(IllegalTransition):
            require_legal("order", before, after)


def test_every_status_has_a_row() -> None:
    assert set(LEGAL) == set(S)
