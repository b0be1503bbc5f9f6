"""The brokers' call limits as data: one shape, complete, dated."""

from itertools import product

import pytest

from api.brokers.base import CallClass
from api.brokers.kis import limits as kis_limits
from api.brokers.limits import RANKS, longest_wait
from api.brokers.ls import limits as ls_limits
from api.brokers.ls.codes import Tr
from api.domain.enums import Environment


def test_every_ls_function_has_a_limit() -> None:
    assert set(ls_limits.CALL_LIMITS) == set(Tr)


@pytest.mark.parametrize(("limits", "environment"), list(product((kis_limits, ls_limits), Environment)))
def test_every_limit_is_dated_and_has_a_source(limits: object, environment: Environment) -> None:
    rows = limits.call_limits(environment)  # type: ignore[attr-defined]  # either broker's module

    assert rows
    for row in rows:
        assert row.environment is environment
        assert row.limit.calls > 0 < row.limit.window_seconds
        assert row.limit.as_of.year >= 2026
        assert row.limit.source


def test_ranks_go_from_cancels_down_to_inquiries() -> None:
    assert sorted(RANKS, key=RANKS.__getitem__) == [CallClass.CANCEL, CallClass.ORDER, CallClass.RECONCILE, CallClass.INQUIRY]


def test_evidence_for_the_reconciler_is_never_merged_or_kept() -> None:
    assert ls_limits.CALL_CLASSES[Tr.ORDERS] is CallClass.RECONCILE


@pytest.mark.parametrize(
    ("call_class", "remaining", "wait"),
    [
        (CallClass.ORDER, 5.0, 4.5),
        (CallClass.CANCEL, 5.0, 4.5),
        (CallClass.ORDER, 0.3, 0.0),
        (CallClass.INQUIRY, 15.0, 5.0),
        (CallClass.INQUIRY, 2.0, 1.5),
    ],
)
def test_a_call_that_gets_its_place_has_time_left_to_connect(call_class: CallClass, remaining: float, wait: float) -> None:
    assert longest_wait(call_class, remaining) == pytest.approx(wait)
