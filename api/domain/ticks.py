"""KRX tick sizes and daily price limits.

Source: KRX 호가가격단위, in force since 2023-01-25, one table for KOSPI and KOSDAQ. ETF and ETN: 5 won, 1 won below 2,000 won.
"""

from bisect import bisect_right

_BOUNDS = (2_000, 5_000, 20_000, 50_000, 200_000, 500_000)
_TICKS = (1, 5, 10, 50, 100, 500, 1_000)
_FUND_BOUND = 2_000

FUND_KINDS = frozenset({"etf", "etn"})
"""Instrument kinds with the tick table of exchange-traded products."""


def tick_size(price: int, kind: str) -> int:
    """Won between two neighbouring prices at ``price``; ``kind`` as in `Instrument.kind` (``stock``, ``etf``, ``etn``)."""
    if kind in FUND_KINDS:
        return 1 if price < _FUND_BOUND else 5
    return _TICKS[bisect_right(_BOUNDS, price)]


def is_on_tick(price: int, kind: str) -> bool:
    """Whether an order may name this price."""
    return price > 0 and price % tick_size(price, kind) == 0
