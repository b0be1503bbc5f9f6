"""The query of a market inquiry: ``FID_…`` keys in any case, since KIS's own samples send both; and figures that many answers share."""

from __future__ import annotations

from datetime import date, datetime, time

from aiohttp import web

from ..doors import Doors
from ..instruments import Instrument
from .wire import GatewayError, missing_input

DONE = {"rt_cd": "0", "msg_cd": "MCA00000", "msg1": "정상처리 되었습니다."}
_DIVISIONS = {"J", "NX", "UN"}
_UNKNOWN_SYMBOL = GatewayError("OPSQ2001", "ERROR : INVALID INPUT_ISCD", status=200)
_PREFIXES = "AQ"
_SYMBOL_LENGTH = 6
_EARLIEST_YEAR = "1900"  # before any listing; a client's year 0000 means from the beginning


class Fid:
    """The parameters of a market inquiry."""

    def __init__(self, request: web.Request) -> None:
        self._values = {name.upper(): value.strip() for name, value in request.query.items()}

    def get(self, name: str) -> str:
        """A parameter; blank where it is missing."""
        return self._values.get(name, "")

    def require(self, name: str, allowed: set[str] | None = None) -> str:
        """A parameter that must be there, blank or not, and be one of ``allowed``."""
        if name not in self._values:
            raise missing_input(name)
        value = self._values[name]
        if allowed is not None and value not in allowed:
            raise invalid_input(name)
        return value

    def day(self, name: str) -> date:
        """A required YYYYMMDD; some clients pad it with zeros in front, as one sheet shows it, or begin in the year 0000 (python-kis)."""
        text = self.require(name)[-8:]
        try:
            return datetime.strptime(_EARLIEST_YEAR + text[4:] if text.startswith("0000") else text, "%Y%m%d").date()
        except ValueError:
            raise invalid_input(name) from None

    def hour(self, name: str) -> time:
        """A required HHMMSS; blank means the end of the day."""
        text = self.require(name) or "235959"
        try:
            return datetime.strptime(text, "%H%M%S").time()
        except ValueError:
            raise invalid_input(name) from None

    def instrument(self, doors: Doors) -> Instrument:
        """The instrument asked about."""
        self.require("FID_COND_MRKT_DIV_CODE", _DIVISIONS)
        return find_instrument(doors, self.require("FID_INPUT_ISCD"))


def find_instrument(doors: Doors, code: str) -> Instrument:
    """An instrument by its short code, with or without a letter in front."""
    symbol = code[1:] if len(code) > _SYMBOL_LENGTH and code[0] in _PREFIXES else code
    instrument = doors.exchange.instruments.get(symbol)
    if instrument is None:
        raise _UNKNOWN_SYMBOL
    return instrument


def invalid_input(name: str) -> GatewayError:
    """A parameter with a value that the inquiry server does not know."""
    return GatewayError("OPSQ2001", f"ERROR INVALID {name}", status=200, rt_cd="2")


def change_sign(price: int, instrument: Instrument) -> str:
    """prdy_vrss_sign: 1 상한 2 상승 3 보합 4 하한 5 하락."""
    if price == instrument.reference_price:
        return "3"
    if price > instrument.reference_price:
        return "1" if price == instrument.upper_limit else "2"
    return "4" if price == instrument.lower_limit else "5"


def sign_of(change: int) -> str:
    """prdy_vrss_sign of a day that is over: 2 상승 3 보합 5 하락."""
    return "2" if change > 0 else "5" if change < 0 else "3"
