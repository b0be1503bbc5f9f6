"""Results of demand forecasts: ``/html/fund/index.htm?o=r1&page=N``."""

from datetime import date

from worker.sites.reading import Reading
from worker.sites.site38.lists import RowReader, read_list
from worker.sites.site38.names import split_underwriters
from worker.sites.site38.rows import ForecastPage, ForecastResult
from worker.sites.text import parse_date_range, parse_million, parse_percent, parse_rate, parse_won, parse_won_range

_NAME, _DAY, _BAND, _PRICE = "기업명", "예측일", "공모희망가(원)", "공모가(원)"
_AMOUNT, _RATE, _LOCKUP, _UNDERWRITERS = "공모금액(백만원)", "기관경쟁률", "의무보유확약", "주간사"


def parse_forecasts(html: bytes | str, *, page: int = 1, url: str = "") -> ForecastPage:
    """Read one page of results; columns are found by header text, in any order.

    Raises:
        StructureChanged: The page is not the one we know.
    """
    reading = Reading()
    content = read_list(
        html,
        summary="수요예측결과",
        headers=((_NAME, "종목명"), _DAY, _BAND, _PRICE, _AMOUNT, _RATE, _LOCKUP, _UNDERWRITERS),
        build=_build,
        has_values=lambda row: (row.final_price, row.band_low, row.forecast_end) != (None, None, None),
        page=page,
        url=url,
        reading=reading,
    )
    return ForecastPage(rows=content.rows, unread=content.unread, last_page=content.last_page, warnings=reading.warnings)


def _build(row: RowReader) -> ForecastResult:
    days = row.value(parse_date_range, _DAY, "forecast_end")
    band = row.value(parse_won_range, _BAND, "band_low")
    price = row.value(parse_won, _PRICE, "final_price")
    amount = row.value(parse_million, _AMOUNT, "offering_amount_krw_million")
    rate = row.value(parse_rate, _RATE, "institution_rate")
    lockup = row.value(parse_percent, _LOCKUP, "lockup_pct")
    underwriters = split_underwriters(row.text(_UNDERWRITERS))
    return ForecastResult(
        **row.common(),
        forecast_start=_start(days),
        forecast_end=days[1] if days else None,
        band_low=band.low if band else None,
        band_high=band.high if band else None,
        final_price=price,
        offering_amount_krw_million=amount,
        institution_rate=rate,
        lockup_pct=lockup,
        underwriters=underwriters,
    )


def _start(days: tuple[date, date] | None) -> date | None:
    """None for a single date: that is the last day of the forecast."""
    return days[0] if days and days[0] != days[1] else None
