"""Instruments and quotes on the wire."""

from datetime import date, datetime
from typing import Annotated

from msgspec import Meta, Struct


class Instrument(Struct, kw_only=True, frozen=True):
    """A listed instrument. Prices in won, valid on ``priced_day``; ``tick_size`` at the reference price."""

    symbol: str
    isin: str
    name: str
    english_name: str
    market: str
    kind: Annotated[str, Meta(description="stock, etf or etn", examples=["stock"])]
    reference_price: int
    upper_limit_price: int
    lower_limit_price: int
    tick_size: int
    lot_size: int
    is_halted: bool
    priced_day: date


class InstrumentPage(Struct, kw_only=True, frozen=True):
    """Search results, best first."""

    items: list[Instrument]
    next_cursor: str | None


class Quote(Struct, kw_only=True, frozen=True):
    """Current price, won. ``change`` is signed, against the reference price; ``change_rate`` in percent."""

    symbol: str
    name: str
    price: int
    change: int
    change_rate: float
    open_price: int
    high_price: int
    low_price: int
    upper_limit_price: int
    lower_limit_price: int
    reference_price: int
    volume: int
    turnover_amount: int
    tick_size: int
    broker: str
    at: datetime


class QuoteList(Struct, kw_only=True, frozen=True):
    """Quotes in the order asked for."""

    items: list[Quote]
