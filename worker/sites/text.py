"""Values as the two sites write them: text in, number or date out.

Every function returns None for the many ways of writing "nothing" (blank, ``-``, ``- 원``, ``%`` …) and raises `NotAValue` for words
and for whatever else it cannot read with certainty: a caller keeps those verbatim and never guesses. Counts and won are ``int``, rates and
percents `Decimal`. Numbers stop at 15 digits, well within MongoDB's 64 bits.

Source: captured pages of 38커뮤니케이션 and 주달, 2024 to 2026.
"""

import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import TypeVar

from msgspec import Struct

T = TypeVar("T")


class NotAValue(ValueError):
    """The text is neither a value of the asked kind nor a way of writing nothing."""


class IntRange(Struct, frozen=True):
    """Whole numbers from ``low`` to ``high``, both included; equal where the site gives one number."""

    low: int
    high: int

    @property
    def single(self) -> int | None:
        """The number, if it is one."""
        return self.low if self.low == self.high else None


class PercentRange(Struct, frozen=True):
    """Percents from ``low`` to ``high``; equal where the site gives one."""

    low: Decimal
    high: Decimal

    @property
    def single(self) -> Decimal | None:
        """The percent, if it is one."""
        return self.low if self.low == self.high else None


class Rates(Struct, frozen=True):
    """Competition rates, asked shares for one offered: over all, and among the proportional half (비례)."""

    overall: Decimal | None
    proportional: Decimal | None


_INVISIBLE = re.compile("[\u200b-\u200d\u2060\ufeff]")
_NOTHING = re.compile(r"[-–—]*(?:DR)?(?:원|주|건|좌|위)?(?:\((?:백만원|%|원)?\))?[%_]?(?::1)?")
_TILDE = re.compile("[~∼〜～]")
_GROUPED = r"[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+"
_WON = re.compile(rf"([+-]?(?:{_GROUPED})) ?원?")
_MILLION = re.compile(rf"([+-]?(?:{_GROUPED})) ?\(?백만 ?원\)?|([+-]?(?:{_GROUPED}))")
_COUNT = re.compile(rf"({_GROUPED}|[0-9]{{1,3}}(?:\.[0-9]{{3}})+) ?(?:DR)? ?(?:주|건|좌|개)?")
_WHOLE = re.compile(rf"([+-]?(?:{_GROUPED})) ?(?:위|일|점)?")
_DECIMAL = re.compile(rf"([+-]?(?:{_GROUPED})?(?:\.[0-9]+)?)")
_PERCENT = re.compile(rf"([+-]?(?:{_GROUPED})?(?:\.[0-9]+)?) ?[%_]?")
_RATE = re.compile(r"([0-9][0-9,]*(?:\.[0-9]+)?)(?: ?: ?1)?")
_COMMA_FOR_POINT = re.compile(r"(.*),([0-9]{2})")
_PROPORTIONAL = re.compile(r"(.*?)\( ?비례 ?:? ?([^()]*)\)(.*)")
_DATE = re.compile(r"([0-9]{4}) ?[./-] ?([0-9]{1,2}) ?[./-] ?([0-9]{1,2})\.?(?: ?\(.*\))?")
_MONTH_DAY = re.compile(r"([0-9]{1,2}) ?[./-] ?([0-9]{1,2})\.?(?: ?\(.*\))?")
_WEEKDAY = re.compile(r"\([월화수목금토일]\)")
_MARKET_CAP = re.compile(rf"(?:({_GROUPED})조)?(?:({_GROUPED})억)?원?")
_MOST_DIGITS = 15
_YEARS = range(1990, 2100)


def normalise(text: str) -> str:
    """Every kind of white space (no-break, full-width, tab, CR …) as one blank, none at the ends, invisible characters gone."""
    return " ".join(_INVISIBLE.sub("", text).split())


def squeeze(text: str) -> str:
    """The text without any white space: how labels and headers are compared."""
    return "".join(_INVISIBLE.sub("", text).split())


def is_nothing(text: str) -> bool:
    """Whether the text is one of the sites' ways of leaving a value out."""
    return _NOTHING.fullmatch(squeeze(text)) is not None


def parse_won(text: str) -> int | None:
    """Won: ``12,000``, ``12,000 원``, ``-50``."""
    return _read(text, _WON, _int)


def parse_million(text: str) -> int | None:
    """Millions of won: ``-2,898 (백만원)``, ``20,000``; the sign is kept."""
    return _read(text, _MILLION, _int)


def parse_count(text: str) -> int | None:
    """Shares or bids: ``641250 주``, ``2,233건``, ``1,250,000DR``, and dots for thousands (``1.533.250``), which only counts may have."""
    return _read(text, _COUNT, lambda number: _int(number.replace(".", "")))


def parse_whole(text: str) -> int | None:
    """An index, a rank or days: ``44``, ``12 위``."""
    return _read(text, _WHOLE, _int)


def parse_decimal(text: str) -> Decimal | None:
    """A plain figure: ``4.39``, ``-2,120``."""
    return _read(text, _DECIMAL, _decimal)


def parse_percent(text: str) -> Decimal | None:
    """``6.92%``, ``99%``, ``-10.89%``, ``0.00_`` (seen for ``%``), or without a sign under a header that has it."""
    return _read(text, _PERCENT, _decimal)


def parse_rates(text: str) -> Rates | None:
    """``1234.56:1``, ``1,375.34 :1``, ``714.52``, each also with ``(비례 2751:1)`` after it."""
    text = normalise(text)
    both = _PROPORTIONAL.fullmatch(text)
    if both is None:
        overall = _rate(text)
        return None if overall is None else Rates(overall, None)
    if both[3].strip():
        raise NotAValue(text)
    return Rates(_rate(both[1]), _rate(both[2]))


def parse_rate(text: str) -> Decimal | None:
    """The overall rate alone."""
    rates = parse_rates(text)
    return None if rates is None else rates.overall


def parse_won_range(text: str) -> IntRange | None:
    """``24,800~28,400``, ``7,500 ~ 10,000 원``, or one price."""
    return _int_range(text, parse_won)


def parse_count_range(text: str) -> IntRange | None:
    """``1,250,000DR~1,500,000DR 주``, or one number."""
    return _int_range(text, parse_count)


def parse_percent_range(text: str) -> PercentRange | None:
    """``70.00~75.00%``, or one percent."""
    ends = _ends(text, parse_percent)
    return None if ends is None else PercentRange(*ends)


def parse_date(text: str) -> date | None:
    """``2026.06.29``, ``2026/07/24``, ``2026.06.29      (주간사 홈페이지 참조)``."""
    text = normalise(text)
    if is_nothing(text):
        return None
    match = _DATE.fullmatch(text)
    if match is None:
        raise NotAValue(text)
    return _date(int(match[1]), int(match[2]), int(match[3]), text)


def parse_date_range(text: str) -> tuple[date, date] | None:
    """``2024.07.08~07.09``, ``2024.12.30~01.02``, ``2026.06.24 ~ 2026.06.25``; one date is both ends.

    An end without a year that would come before the start lies in the next year.
    """
    text = normalise(_WEEKDAY.sub("", text))
    parts = _TILDE.split(text)
    if all(is_nothing(part) for part in parts):
        return None
    if len(parts) > 2:
        raise NotAValue(text)
    start = parse_date(parts[0])
    if start is None:
        raise NotAValue(text)
    if len(parts) == 1:
        return start, start
    short = _MONTH_DAY.fullmatch(parts[1].strip())
    if short is None:
        end = parse_date(parts[1])
    elif (int(short[1]), int(short[2])) >= (start.month, start.day):
        end = _date(start.year, int(short[1]), int(short[2]), text)
    else:
        end = _date(start.year + 1, int(short[1]), int(short[2]), text)
    if end is None or end < start:
        raise NotAValue(text)
    return start, end


def parse_market_cap(text: str) -> int | None:
    """Hundreds of millions of won (억원): ``9조 8176억원`` → 98176."""
    compact = squeeze(text)
    if is_nothing(compact):
        return None
    match = _MARKET_CAP.fullmatch(compact)
    if match is None or not (match[1] or match[2]):
        raise NotAValue(normalise(text))
    return _int(match[1] or "0") * 10_000 + _int(match[2] or "0")


def _read(text: str, pattern: re.Pattern[str], convert: Callable[[str], T]) -> T | None:
    text = normalise(text)
    if is_nothing(text):
        return None
    match = pattern.fullmatch(text)
    number = next((group for group in match.groups() if group), "") if match else ""
    if not any(character.isdigit() for character in number):
        raise NotAValue(text)
    return convert(number)


def _int(number: str) -> int:
    plain = number.replace(",", "")
    if len(plain) > _MOST_DIGITS:
        raise NotAValue(number)
    return int(plain)


def _decimal(number: str) -> Decimal:
    plain = number.replace(",", "")
    if len(plain) > _MOST_DIGITS:
        raise NotAValue(number)
    return Decimal(plain)


def _rate(text: str) -> Decimal | None:
    text = normalise(text)
    if is_nothing(text):
        return None
    match = _RATE.fullmatch(text)
    if match is None:
        raise NotAValue(text)
    number = match[1]
    if slipped := _COMMA_FOR_POINT.fullmatch(number):  # "1160,70:1": two digits after the last comma are no thousands
        number = f"{slipped[1]}.{slipped[2]}"
    whole = number.partition(".")[0]
    if not re.fullmatch(_GROUPED, whole):
        raise NotAValue(text)
    return _decimal(number)


def _ends(text: str, parse: Callable[[str], T | None]) -> tuple[T, T] | None:
    text = normalise(text)
    parts = _TILDE.split(text)
    if all(is_nothing(part) for part in parts):
        return None
    if len(parts) > 2:
        raise NotAValue(text)
    low, high = parse(parts[0]), parse(parts[-1])
    if low is None or high is None:
        raise NotAValue(text)
    return low, high


def _int_range(text: str, parse: Callable[[str], int | None]) -> IntRange | None:
    ends = _ends(text, parse)
    if ends is None:
        return None
    if ends[0] > ends[1]:
        raise NotAValue(normalise(text))
    return IntRange(*ends)


def _date(year: int, month: int, day: int, text: str) -> date:
    try:
        value = date(year, month, day)
    except ValueError:
        raise NotAValue(text) from None
    if value.year not in _YEARS:
        raise NotAValue(text)
    return value
