"""Sessions of the venues by day."""

from datetime import date, datetime

import pytest

from api.domain.enums import Exchange
from api.domain.sessions import Phase, is_weekend, sessions_on, takes_orders
from api.kit.clock import KST


def test_the_after_market_replaces_the_after_hours_auction_in_september_2026() -> None:
    before, after = (
        {session.phase for session in sessions_on(day) if session.exchange is Exchange.KRX}
        for day in (date(2026, 9, 11), date(2026, 9, 14))
    )

    assert (before - after, after - before) == ({Phase.AFTER_HOURS_SINGLE}, {Phase.AFTER_MARKET})


@pytest.mark.parametrize("day", [date(2026, 9, 11), date(2026, 11, 23)])
def test_every_session_lies_within_the_hours_in_which_orders_are_let_through(day: date) -> None:
    for session in sessions_on(day):
        assert session.opens < session.closes
        assert takes_orders(session.exchange, datetime.combine(day, session.opens, KST)), session


def test_saturday_and_sunday_are_weekend() -> None:
    assert [is_weekend(date(2026, 11, day)) for day in range(20, 24)] == [False, True, True, False]
