"""KRX tick sizes."""

import pytest

from api.domain.ticks import is_on_tick, tick_size


@pytest.mark.parametrize(
    ("price", "tick"),
    [
        (1, 1),
        (1_999, 1),
        (2_000, 5),
        (4_995, 5),
        (5_000, 10),
        (19_990, 10),
        (20_000, 50),
        (49_950, 50),
        (50_000, 100),
        (199_900, 100),
        (200_000, 500),
        (499_500, 500),
        (500_000, 1_000),
        (1_250_000, 1_000),
    ],
)
def test_stock_ticks_follow_the_krx_table(price: int, tick: int) -> None:
    assert tick_size(price, "stock") == tick


@pytest.mark.parametrize(("price", "tick"), [(1_999, 1), (2_000, 5), (38_005, 5), (120_000, 5)])
def test_funds_have_a_table_of_their_own(price: int, tick: int) -> None:
    assert tick_size(price, "etf") == tick


def test_a_price_between_two_ticks_is_refused() -> None:
    assert is_on_tick(71_000, "stock")
    assert not is_on_tick(71_050, "stock")
    assert not is_on_tick(0, "stock")
