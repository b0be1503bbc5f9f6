"""The shipped sample of real listed names: about 100 KOSPI and KOSDAQ stocks and ETFs with plausible prices."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from typing import Literal

import msgspec

from .ticks import price_limits, tick_size

Market = Literal["KOSPI", "KOSDAQ"]
Kind = Literal["stock", "etf"]


class _Row(msgspec.Struct, frozen=True, array_like=True):
    symbol: str
    name: str
    english_name: str
    market: Market
    kind: Kind
    reference_price: int
    listed_shares: int


@dataclass(slots=True, frozen=True)
class Instrument:
    """One listed name.

    Attributes:
        symbol: Short code of 6 characters, mostly digits.
        reference_price: 기준가, won; the daily limits hang on it.
        upper_limit: 상한가. lower_limit: 하한가.
    """

    symbol: str
    isin: str
    name: str
    english_name: str
    market: Market
    kind: Kind
    reference_price: int
    listed_shares: int
    lower_limit: int
    upper_limit: int
    lot: int = 1

    @property
    def is_etf(self) -> bool:
        """ETFs have their own tick table and pay no transaction tax."""
        return self.kind == "etf"

    def tick(self, price: int) -> int:
        """호가단위 at a price."""
        return tick_size(price, is_etf=self.is_etf)


def isin_of(symbol: str) -> str:
    """표준코드 of a common stock or ETF: ``KR7`` + symbol + ``00`` + the ISO 6166 check digit."""
    body = f"KR7{symbol}00"
    digits = "".join(str(int(character, 36)) for character in body)
    total = 0
    for position, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if position % 2 == 0 else 1)
        total += value // 10 + value % 10
    return f"{body}{-total % 10}"


def load_instruments() -> dict[str, Instrument]:
    """Symbol → instrument, in the order of the file."""
    rows = msgspec.json.decode(files(__package__).joinpath("instruments.json").read_bytes(), type=list[_Row])
    return {row.symbol: _instrument(row) for row in rows}


def _instrument(row: _Row) -> Instrument:
    lower, upper = price_limits(row.reference_price, is_etf=row.kind == "etf")
    return Instrument(
        symbol=row.symbol,
        isin=isin_of(row.symbol),
        name=row.name,
        english_name=row.english_name,
        market=row.market,
        kind=row.kind,
        reference_price=row.reference_price,
        listed_shares=row.listed_shares,
        lower_limit=lower,
        upper_limit=upper,
    )
