"""The subscription schedule: ``/html/fund/index.htm?o=k&page=N``."""

from datetime import date

from worker.sites.reading import Reading
from worker.sites.site38.lists import RowReader, read_list
from worker.sites.site38.names import split_underwriters
from worker.sites.site38.rows import ColorHint, ScheduledOffering, SchedulePage
from worker.sites.text import parse_date_range, parse_rate, parse_won, parse_won_range

_NAME, _DAYS, _PRICE, _BAND, _RATE, _UNDERWRITERS = "종목명", "공모주일정", "확정공모가", "희망공모가", "청약경쟁률", "주간사"
_COLORS: dict[str, ColorHint] = {"#0066CC": "coming", "#E3231E": "open", "#333333": "over"}


def parse_schedule(html: bytes | str, *, page: int = 1, url: str = "", seen_on: date | None = None) -> SchedulePage:
    """Read one page of the schedule.

    Args:
        html: The page; bytes are decoded as cp949.
        page: Its number; the first must have rows.
        url: For errors.
        seen_on: KST day of the page; with it, a colour that contradicts the dates is a warning.

    Raises:
        StructureChanged: The page is not the one we know.
    """
    reading = Reading()
    content = read_list(
        html,
        summary="공모주 청약일정",
        headers=(_NAME, _DAYS, _PRICE, _BAND, _RATE, _UNDERWRITERS),
        build=_build,
        has_values=lambda row: (row.final_price, row.band_low, row.subscription_start) != (None, None, None),
        page=page,
        url=url,
        reading=reading,
    )
    if seen_on is not None:
        for row in content.rows:
            _check_color(row, seen_on, reading)
    return SchedulePage(rows=content.rows, unread=content.unread, last_page=content.last_page, warnings=reading.warnings)


def _build(row: RowReader) -> ScheduledOffering:
    days = row.value(parse_date_range, _DAYS, "subscription_start")
    band = row.value(parse_won_range, _BAND, "band_low")
    final_price = row.value(parse_won, _PRICE, "final_price")
    rate = row.value(parse_rate, _RATE, "subscription_rate")
    underwriters = split_underwriters(row.text(_UNDERWRITERS))
    row.words.extend(name for name in underwriters if "철회" in name)
    return ScheduledOffering(
        **row.common(),
        subscription_start=days[0] if days else None,
        subscription_end=days[1] if days else None,
        final_price=final_price,
        band_low=band.low if band else None,
        band_high=band.high if band else None,
        subscription_rate=rate,
        underwriters=tuple(name for name in underwriters if "철회" not in name),
        color_hint=_COLORS.get(row.name.color),
    )


def _check_color(row: ScheduledOffering, day: date, reading: Reading) -> None:
    if row.color_hint is None or row.subscription_start is None or row.subscription_end is None:
        return
    by_dates: ColorHint = "coming" if day < row.subscription_start else "over" if day > row.subscription_end else "open"
    if by_dates != row.color_hint:
        reading.warn(f"no={row.site_no}", "color_hint", f"the colour says {row.color_hint}, the dates say {by_dates} on {day}")
