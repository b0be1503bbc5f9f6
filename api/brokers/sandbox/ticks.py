"""The KRX price grid: tick sizes and daily price limits, in KRW won.

Source: KRX tick table in force since 2023-01-25, the same for KOSPI and KOSDAQ; ETFs trade in 5 won (1 won below 2,000).
The daily limit is 30 % of the reference price, rounded inward to a tick.
"""

from __future__ import annotations

from bisect import bisect_right

_STOCK_BOUNDS = (2_000, 5_000, 20_000, 50_000, 200_000, 500_000)
_STOCK_TICKS = (1, 5, 10, 50, 100, 500, 1_000)
_ETF_BOUND = 2_000


def tick_size(price: int, *, is_etf: bool = False) -> int:
    """The price step that holds at ``price``."""
    if is_etf:
        return 1 if price < _ETF_BOUND else 5
    return _STOCK_TICKS[bisect_right(_STOCK_BOUNDS, price)]


def is_on_tick(price: int, *, is_etf: bool = False) -> bool:
    """Whether an order may carry this price."""
    return price > 0 and price % tick_size(price, is_etf=is_etf) == 0


def floor_to_tick(price: int, *, is_etf: bool = False) -> int:
    """The highest valid price that is not above ``price``."""
    return price - price % tick_size(price, is_etf=is_etf)


def ceil_to_tick(price: int, *, is_etf: bool = False) -> int:
    """The lowest valid price that is not below ``price``."""
    remainder = price % tick_size(price, is_etf=is_etf)
    return price if remainder == 0 else price - remainder + tick_size(price, is_etf=is_etf)


def next_up(price: int, *, is_etf: bool = False) -> int:
    """The next valid price above a valid ``price``."""
    return price + tick_size(price, is_etf=is_etf)


def next_down(price: int, *, is_etf: bool = False) -> int:
    """The next valid price below a valid ``price``: the step that holds just below it counts."""
    return price - tick_size(price - 1, is_etf=is_etf)


def price_limits(reference_price: int, *, is_etf: bool = False) -> tuple[int, int]:
    """The day's lowest and highest valid price: 30 % around the reference, rounded inward to ticks."""
    lower = ceil_to_tick(-(-reference_price * 70 // 100), is_etf=is_etf)
    upper = floor_to_tick(reference_price * 130 // 100, is_etf=is_etf)
    return lower, upper
