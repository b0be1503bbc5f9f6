"""Orders beyond what a process can work on are turned away, and room comes back."""

from contextlib import ExitStack

import pytest

from api.errors import TooManyRequests
from api.orders.in_flight import OrdersInFlight


def test_one_too_many_of_an_account_is_turned_away_and_others_are_not() -> None:
    in_flight = OrdersInFlight(most=10, most_per_account=2)
    with ExitStack() as orders:
        for _ in range(2):
            orders.enter_context(in_flight.one_more("a"))()

        with in_flight.one_more("a") as require_room, pytest.raises(TooManyRequests) as caught:
            require_room()
        with in_flight.one_more("b") as require_room:
            require_room()

    assert caught.value.extra["retry_after_seconds"] > 0
    assert caught.value.extra["outcome"] == "none"


def test_one_too_many_in_all_is_turned_away() -> None:
    in_flight = OrdersInFlight(most=2, most_per_account=2)
    with ExitStack() as orders:
        for account_id in "ab":
            orders.enter_context(in_flight.one_more(account_id))()

        with in_flight.one_more("c") as require_room, pytest.raises(TooManyRequests):
            require_room()


def test_room_comes_back_even_after_a_failure() -> None:
    in_flight = OrdersInFlight(most=1, most_per_account=1)
    for _ in range(3):
        with pytest.raises(ValueError, match="broken"), in_flight.one_more("a") as require_room:
            require_room()
            raise ValueError("broken")

    with in_flight.one_more("a") as require_room:
        require_room()
