import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.brokers.sandbox.instruments import isin_of, load_instruments
from api.brokers.sandbox.ticks import ceil_to_tick, floor_to_tick, is_on_tick, next_down, next_up, price_limits, tick_size


@pytest.mark.parametrize(
    ("price", "tick"),
    [(1, 1), (1_999, 1), (2_000, 5), (4_995, 5), (5_000, 10), (19_990, 10), (20_000, 50), (49_950, 50), (50_000, 100),
     (199_900, 100), (200_000, 500), (499_500, 500), (500_000, 1_000), (1_200_000, 1_000)],
)  # fmt: skip
def test_stock_tick_is_that_of_the_krx_table(price: int, tick: int) -> None:
    assert tick_size(price) == tick


@pytest.mark.parametrize(("price", "tick"), [(1_999, 1), (2_000, 5), (38_500, 5), (140_000, 5)])
def test_etf_tick_is_one_won_below_two_thousand_and_five_above(price: int, tick: int) -> None:
    assert tick_size(price, is_etf=True) == tick


@given(st.integers(min_value=10, max_value=3_000_000), st.booleans())
def test_rounding_gives_the_nearest_valid_prices_around_any_price(price: int, is_etf: bool) -> None:
    below, above = floor_to_tick(price, is_etf=is_etf), ceil_to_tick(price, is_etf=is_etf)

    assert below <= price <= above
    assert is_on_tick(below, is_etf=is_etf)
    assert is_on_tick(above, is_etf=is_etf)
    assert above in {below, next_up(below, is_etf=is_etf)}


@given(st.integers(min_value=10, max_value=3_000_000), st.booleans())
def test_a_step_up_and_a_step_down_lead_back(price: int, is_etf: bool) -> None:
    start = floor_to_tick(price, is_etf=is_etf)

    assert next_down(next_up(start, is_etf=is_etf), is_etf=is_etf) == start


@pytest.mark.parametrize(("reference", "limits"), [(71_000, (49_700, 92_300)), (70_800, (49_600, 92_000)), (1_500, (1_050, 1_950))])
def test_daily_limits_are_thirty_percent_rounded_inward(reference: int, limits: tuple[int, int]) -> None:
    assert price_limits(reference) == limits


@pytest.mark.parametrize(("symbol", "isin"), [("005930", "KR7005930003"), ("000660", "KR7000660001"), ("069500", "KR7069500007")])
def test_isin_has_the_real_check_digit(symbol: str, isin: str) -> None:
    assert isin_of(symbol) == isin


def test_every_shipped_instrument_is_tradable_at_its_reference_price() -> None:
    instruments = load_instruments()

    assert len(instruments) >= 100
    assert {"005930", "000660", "035420", "069500", "247540", "0126Z0"} <= set(instruments)
    for instrument in instruments.values():
        assert is_on_tick(instrument.reference_price, is_etf=instrument.is_etf), instrument.symbol
        assert is_on_tick(instrument.lower_limit, is_etf=instrument.is_etf), instrument.symbol
        assert is_on_tick(instrument.upper_limit, is_etf=instrument.is_etf), instrument.symbol
