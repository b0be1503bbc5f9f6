"""Reading single values as LS writes them. Pure; whatever does not fit is a `BrokerProtocolError` that names the TR and the field."""

import re
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import TypeVar

import msgspec

from api.brokers.errors import BrokerProtocolError
from api.brokers.ls.codes import LS, SIDES
from api.brokers.ls.messages import Number
from api.domain.enums import Side
from api.kit.clock import KST

T = TypeVar("T")

_FIELD_IN_ERROR = re.compile(r"missing required field `([^`]+)`|`\$[^`]*?\.?([^`.\[\]$]+)(?:\[[^`]*\])?`$")
_CODE_LENGTH = 6
_PREFIXES = "AQJ"  # stock or ETF, ETN, ELW
_SIGNS = {"1": 1, "2": 1, "3": 0, "4": -1, "5": -1}  # upper limit, up, flat, lower limit, down
_HOURS_OF_ONE_DIGIT = "6789"  # nothing trades before six


def problem(tr: str, field: str, text: str) -> BrokerProtocolError:
    """The error for a value that does not fit."""
    return BrokerProtocolError(LS, tr, field, text)


def decode(tr: str, raw: bytes | msgspec.Raw, wire_type: type[T]) -> T:
    """Decode a JSON block into its wire type."""
    try:
        return msgspec.json.decode(raw, type=wire_type)
    except (msgspec.DecodeError, RecursionError) as error:  # ValidationError is one of them
        named = _FIELD_IN_ERROR.search(str(error))
        raise problem(tr, (named[1] or named[2]) if named else "body", str(error)) from error


def decimal(tr: str, field: str, value: Number) -> Decimal:
    """A number: JSON number or text, zero-padded (``000.22``, ``-01.45``) or without a leading zero (``.00``)."""
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation as error:
        raise problem(tr, field, f"{value!r} is no number") from error
    if not number.is_finite():
        raise problem(tr, field, f"{value!r} is no number")
    return number


def whole(tr: str, field: str, value: Number) -> int:
    """A whole number of won or shares; ``"35000.00"`` is one, ``"35000.50"`` is not."""
    if type(value) is int:
        return value
    number = decimal(tr, field, value)
    if number != number.to_integral_value():
        raise problem(tr, field, f"{value!r} is no whole number")
    return int(number)


def count(tr: str, field: str, value: Number) -> int:
    """A whole number that cannot be negative: shares, prices, order numbers."""
    number = whole(tr, field, value)
    if number < 0:
        raise problem(tr, field, f"{value!r} is negative")
    return number


def plain_text(number: Decimal) -> str:
    """A decimal as text without padding: ``000.22`` → ``0.22``."""
    return f"{number:f}"


def order_number(tr: str, field: str, value: Number) -> str:
    """An order number that must be there, as text without padding."""
    number = count(tr, field, value)
    if number == 0:
        raise problem(tr, field, "no order number")
    return str(number)


def optional_number(tr: str, field: str, value: Number) -> str | None:
    """An order or execution number, None where LS writes 0 or a blank."""
    if isinstance(value, str) and not value.strip():
        return None
    number = count(tr, field, value)
    return str(number) if number else None


def side(tr: str, field: str, value: str) -> Side:
    """``1`` sell, ``2`` buy."""
    found = SIDES.get(value.strip())
    if found is None:
        raise problem(tr, field, f"{value!r} is no side")
    return found


def signed_change(tr: str, sign: str, change: Number) -> int:
    """A change in won from its absolute amount and LS's ``sign``; where the amount has a sign of its own, ``sign`` counts."""
    found = _SIGNS.get(sign.strip())
    if found is None:
        raise problem(tr, "sign", f"{sign!r} is no direction")
    return found * abs(whole(tr, "change", change))


def symbol(tr: str, field: str, value: str) -> str:
    """The bare code of ``005930`` or ``A005930``."""
    code = value.strip()
    if len(code) == _CODE_LENGTH + 1 and code[0] in _PREFIXES:
        code = code[1:]
    if len(code) != _CODE_LENGTH or not code.isalnum():
        raise problem(tr, field, f"{value!r} is no stock code")
    return code


def instant(tr: str, field: str, value: Number, day: date, digits: int) -> datetime:
    """A KST time of ``day`` as aware UTC, whole milliseconds.

    Args:
        tr: For errors.
        field: For errors.
        value: HHMMSS and fractions of a second. A leading zero may be missing (``95636020``), but only where nothing else can be meant.
        day: The KST day.
        digits: Full length: 9 is HHMMSSmmm, 8 is HHMMSScc, 6 is HHMMSS.
    """
    text = str(value).strip()
    if len(text) == digits - 1 and text[0] in _HOURS_OF_ONE_DIGIT:
        text = f"0{text}"
    if len(text) != digits or not (text.isascii() and text.isdecimal()):
        raise problem(tr, field, f"{value!r} is no time of {digits} digits")
    milliseconds = int(text[6:].ljust(3, "0"))
    try:
        at = time(int(text[:2]), int(text[2:4]), int(text[4:6]), milliseconds * 1000, tzinfo=KST)
    except ValueError as error:
        raise problem(tr, field, f"{value!r} is no time") from error
    return datetime.combine(day, at).astimezone(UTC)
