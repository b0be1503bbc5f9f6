"""Days on which the exchange is closed, weekends apart: a package's rules, corrected by what a broker said. Pure. KST days.

Source: the package `holidays` (market ``XKRX``); it knows announced temporary holidays only as of its release, a broker knows the rest.
"""

from collections.abc import Mapping
from datetime import date, timedelta
from functools import lru_cache

import holidays

from api.domain.sessions import is_weekend

_UNNAMED = "휴장일"


@lru_cache(maxsize=64)
def _of_year(year: int) -> dict[date, str]:
    return {day: str(name) for day, name in holidays.financial_holidays("XKRX", years=year, language="ko").items()}


def closures(first: date, last: date, told: Mapping[date, bool]) -> dict[date, str]:
    """The closed weekdays from ``first`` to ``last`` with their Korean names.

    Args:
        first: First day.
        last: Last day, included.
        told: What a broker said of days: whether the exchange opens. It counts before the package.
    """
    found = {}
    for number in range((last - first).days + 1):
        day = first + timedelta(days=number)
        if is_weekend(day):
            continue
        name = _of_year(day.year).get(day)
        is_open = told.get(day, name is None)
        if not is_open:
            found[day] = name or _UNNAMED
    return found
