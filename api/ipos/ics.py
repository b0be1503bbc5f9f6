"""The calendar of offerings as iCalendar (RFC 5545), to be opened or subscribed to."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta

from icalendar import Calendar, Event

from api.ipos.judging import EventKind
from api.ipos.offering import Offering

_TITLES = {
    EventKind.FORECAST: "수요예측",
    EventKind.SUBSCRIPTION: "공모청약",
    EventKind.PAYMENT: "납입",
    EventKind.REFUND: "환불",
    EventKind.LISTING: "상장",
}


def to_ics(events: Iterable[tuple[Offering, date, date, EventKind]], at: datetime) -> bytes:
    """All-day events, in Korean, each under the same UID every time, so that a calendar that reads it again moves it and doubles nothing.

    Args:
        events: Offering, first day, last day, kind.
        at: Aware UTC.
    """
    calendar = Calendar()
    calendar.add("prodid", "-//Lucy//IPO calendar//KO")
    calendar.add("version", "2.0")
    calendar.add("x-wr-calname", "공모주 일정")
    calendar.add("x-wr-timezone", "Asia/Seoul")
    for offering, start, end, kind in events:
        event = Event()
        event.add("uid", f"ipo-{offering.site_no}-{kind}@lucy")
        event.add("dtstamp", at)
        event.add("sequence", offering.version)
        event.add("last-modified", offering.seen_at)
        event.add("dtstart", start)
        event.add("dtend", end + timedelta(days=1))
        event.add("summary", f"{offering.name} {_title(offering, kind)}")
        event.add("description", _description(offering))
        event.add("transp", "TRANSPARENT")
        calendar.add_component(event)
    return bytes(calendar.to_ical())


def _title(offering: Offering, kind: EventKind) -> str:
    is_both = kind is EventKind.PAYMENT and offering.refund_date == offering.payment_date
    return "납입·환불" if is_both else _TITLES[kind]


def _description(offering: Offering) -> str:
    lines = []
    if offering.final_price is not None:
        lines.append(f"공모가 {offering.final_price:,}원")
    elif offering.band_low is not None and offering.band_high is not None:
        lines.append(f"희망공모가 {offering.band_low:,}~{offering.band_high:,}원")
    if offering.underwriters:
        lines.append("주간사 " + ", ".join(each.name for each in offering.underwriters))
    return "\n".join(lines)
