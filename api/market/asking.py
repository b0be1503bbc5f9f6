"""What several routes of the market read out of a request."""

from datetime import date, timedelta
from enum import StrEnum

from api.errors import InvalidRequest, NotFound
from api.market.documents import InstrumentDocument
from api.market.service import MarketService


class RatioPeriod(StrEnum):
    """Fiscal periods of financial ratios."""

    YEAR = "year"
    QUARTER = "quarter"


async def asked_instrument(market_service: MarketService, symbol: str) -> InstrumentDocument:
    """The instrument of a path; `NotFound` where there is none."""
    instrument = await market_service.find(symbol)
    if instrument is None:
        raise NotFound(f"No instrument has the symbol {symbol}.")
    return instrument


def asked_span(first: date | None, last: date | None, today: date, usual_days: int, most_days: int) -> tuple[date, date]:
    """The KST days asked about: up to today, and ``usual_days`` back, where nothing is said; `InvalidRequest` beyond ``most_days``."""
    last = last or today
    if last.year < _OLDEST_YEAR or (first and first.year < _OLDEST_YEAR):
        raise InvalidRequest(f"Name days after {_OLDEST_YEAR}.", errors=[{"field": "from", "message": "too early"}])
    first = first or max(last - timedelta(days=usual_days), date(_OLDEST_YEAR, 1, 1))
    if first > last:
        raise InvalidRequest("`from` lies after `to`.", errors=[{"field": "from", "message": "after `to`"}])
    if (last - first).days > most_days:
        raise InvalidRequest(f"Ask for at most {most_days} days at once.", errors=[{"field": "from", "message": "too early"}])
    return first, last


_OLDEST_YEAR = 1950
"""Before the exchange opened (1956), and far from the end of what a date can be."""
