"""Figures that several of LS's market TRs show of an instrument."""

from __future__ import annotations

from ..exchange import Exchange
from ..instruments import Instrument
from ..ticks import floor_to_tick
from .codes import symbol_of
from .wire import Block, decimal_text

_NAME_BYTES = 20


def find_instrument(exchange: Exchange, code: str) -> Instrument | None:
    """The instrument of a code as clients write it."""
    return exchange.instruments.get(symbol_of(code))


def change_of(instrument: Instrument, price: int) -> Block:
    """``sign``, ``change`` (absolute) and ``diff`` (percent, signed) against the reference price."""
    difference = price - instrument.reference_price
    sign = change_sign(difference)
    if price == instrument.upper_limit:
        sign = "1"
    elif price == instrument.lower_limit:
        sign = "4"
    return {"sign": sign, "change": abs(difference), "diff": decimal_text(100 * difference / instrument.reference_price)}


def change_sign(difference: int) -> str:
    """2 up, 3 flat, 5 down."""
    return "2" if difference > 0 else "5" if difference < 0 else "3"


def static_vi_limits(instrument: Instrument, opening: int) -> Block:
    """Prices at which the static 변동성완화장치 would act: 10 % off the opening price."""
    return {
        "svi_uplmtprice": floor_to_tick(opening * 11 // 10, is_etf=instrument.is_etf),
        "svi_dnlmtprice": floor_to_tick(opening * 9 // 10, is_etf=instrument.is_etf),
    }


def cut_name(instrument: Instrument) -> str:
    """The name in the 20 bytes that the older TRs have for it."""
    return instrument.name.encode("cp949", "replace")[:_NAME_BYTES].decode("cp949", "ignore")
