"""How charts and opinions are read on, page by page: whatever the days, the page size and the range, nothing is lost or repeated."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, cast

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from api.brokers.base import CallClass
from api.brokers.errors import BrokerProtocolError
from api.brokers.kis.codes import Tr
from api.brokers.kis.envelope import Envelope
from api.brokers.kis.market import KisMarket
from api.brokers.kis.parse_market import first_day_of
from api.brokers.kis.rest import KisRest, Page
from api.domain.enums import CandleInterval
from api.kit.clock import KST, ManualClock

TODAY = date(2026, 11, 23)
CLOCK = ManualClock(datetime(2026, 11, 23, 12, 20, tzinfo=KST))


class Rest:
    """Stands in for the REST side: answers from rows that it holds, newest first, cut to a page."""

    def __init__(self, rows: list[dict[str, str]], size: int) -> None:
        self.rows = rows
        self.size = size
        self.calls = 0

    async def inquire(self, tr: Tr, path: str, params: Mapping[str, str], *, call_class: CallClass) -> Page:
        self.calls += 1
        assert self.calls < 500, "it does not end"
        found = [row for row in self.rows if self.is_wanted(tr, row, params)]
        name = "output" if tr is Tr.OPINIONS else "output2"
        return Page(Envelope(tr=tr.value, code="MCA00000", message="", members={name: found[: self.size]}), has_more=False)

    def is_wanted(self, tr: Tr, row: dict[str, str], params: Mapping[str, str]) -> bool:
        if tr in (Tr.LONG_BARS, Tr.OPINIONS):
            return params["FID_INPUT_DATE_1"] <= row["stck_bsop_date"] <= params["FID_INPUT_DATE_2"]
        day = params.get("FID_INPUT_DATE_1", f"{TODAY:%Y%m%d}")
        return row["stck_bsop_date"] == day and row["stck_cntg_hour"] <= params["FID_INPUT_HOUR_1"]


def market(rows: list[dict[str, str]], size: int) -> KisMarket:
    return KisMarket(cast(KisRest, Rest(rows, size)), CLOCK)


def bar_row(day: date, volume: int) -> dict[str, str]:
    prices = dict.fromkeys(("stck_oprc", "stck_hgpr", "stck_lwpr", "stck_clpr", "acml_tr_pbmn"), "100")
    return prices | {"stck_bsop_date": f"{day:%Y%m%d}", "acml_vol": str(volume)}


def minute_row(day: date, minute: int) -> dict[str, str]:
    prices = dict.fromkeys(("stck_oprc", "stck_hgpr", "stck_lwpr", "stck_prpr", "cntg_vol"), "100")
    return prices | {"stck_bsop_date": f"{day:%Y%m%d}", "stck_cntg_hour": f"{minute // 60:02d}{minute % 60:02d}00"}


weekdays = st.dates(date(2024, 1, 1), TODAY).filter(lambda day: day.weekday() < 5)
recent_days = st.sampled_from([TODAY, TODAY - timedelta(days=3), TODAY - timedelta(days=4)])
ranges = st.tuples(st.dates(date(2023, 6, 1), TODAY), st.dates(date(2023, 6, 1), date(2027, 1, 1))).map(sorted)


@given(days=st.sets(weekdays, max_size=60), size=st.integers(1, 20), span=ranges)
def test_days_are_read_whatever_the_pages(days: set[date], size: int, span: list[date]) -> None:
    first, last = span
    rows = [bar_row(day, number) for number, day in enumerate(sorted(days, reverse=True))]

    bars = asyncio.run(market(rows, size).candles("005930", CandleInterval.DAY, first, last))

    assert [bar.opened_at.astimezone(KST).date() for bar in bars] == sorted(day for day in days if first <= day <= last)


@given(
    interval=st.sampled_from([CandleInterval.WEEK, CandleInterval.MONTH, CandleInterval.YEAR]),
    days=st.sets(weekdays, max_size=60),
    size=st.integers(1, 20),
    span=ranges,
    is_dated_by_last=st.booleans(),
)
def test_longer_bars_are_read_whichever_of_their_days_they_are_dated_by(
    interval: CandleInterval, days: set[date], size: int, span: list[date], is_dated_by_last: bool
) -> None:
    first, last = span
    periods: dict[date, list[date]] = {}
    for day in sorted(days):
        periods.setdefault(first_day_of(interval, day), []).append(day)
    dated = {begin: held[-1] if is_dated_by_last else held[0] for begin, held in periods.items()}
    rows = [bar_row(day, 1) for day in sorted(dated.values(), reverse=True)]

    bars = asyncio.run(market(rows, size).candles("005930", interval, first, last))

    wanted = [begin for begin, day in sorted(dated.items()) if first_day_of(interval, first) <= day <= last]
    assert [bar.opened_at.astimezone(KST).date() for bar in bars] == wanted


@given(
    minutes=st.dictionaries(
        st.sampled_from([TODAY, TODAY - timedelta(days=3), TODAY - timedelta(days=4)]),
        st.sets(st.integers(8 * 60, 739), max_size=80),
        max_size=3,
    ),
    size=st.integers(1, 30),
    back=st.integers(0, 5),
)
def test_minutes_are_read_whatever_the_pages(minutes: dict[date, set[int]], size: int, back: int) -> None:
    rows = [minute_row(day, minute) for day in sorted(minutes, reverse=True) for minute in sorted(minutes[day], reverse=True)]
    first = TODAY - timedelta(days=back)

    bars = asyncio.run(market(rows, size).candles("005930", CandleInterval.MINUTE, first, TODAY))

    assert [bar.opened_at for bar in bars] == [
        datetime.combine(day, time(*divmod(minute, 60)), KST).astimezone(UTC)
        for day in sorted(minutes)
        if day >= first
        for minute in sorted(minutes[day])
    ]


@example(counts={date(2024, 1, 1): 2, date(2024, 1, 2): 1, date(2024, 1, 3): 2, date(2024, 1, 4): 1}, size=5)  # cut within the first day
@given(counts=st.dictionaries(weekdays, st.integers(1, 4), max_size=30), size=st.integers(5, 20))
def test_opinions_are_read_also_where_a_page_ends_within_a_day(counts: dict[date, int], size: int) -> None:
    rows = [
        {"stck_bsop_date": f"{day:%Y%m%d}", "invt_opnn": "BUY", "rgbf_invt_opnn": "", "hts_goal_prc": "1", "mbcr_name": f"firm {number}"}
        for day in sorted(counts, reverse=True)
        for number in range(counts[day])
    ]

    opinions = asyncio.run(market(rows, size).opinions("005930", date(2024, 1, 1), TODAY))

    assert [(f"{opinion.published_on:%Y%m%d}", opinion.firm) for opinion in opinions] == [
        (row["stck_bsop_date"], row["mbcr_name"]) for row in rows
    ]


class Stubborn(Rest):
    """Answers every question with the same rows, as a server that does not know a parameter would."""

    def is_wanted(self, tr: Tr, row: dict[str, str], params: Mapping[str, Any]) -> bool:
        return True


def test_a_server_that_ignores_the_days_asked_for_is_found_out() -> None:
    rest = Stubborn([bar_row(TODAY, 1)], 10)

    with pytest.raises(BrokerProtocolError):
        asyncio.run(KisMarket(cast(KisRest, rest), CLOCK).candles("005930", CandleInterval.DAY, date(2026, 1, 1), TODAY))


def test_a_server_that_ignores_the_hour_does_not_keep_us() -> None:
    rest = Stubborn([minute_row(TODAY, 600)], 10)

    bars = asyncio.run(KisMarket(cast(KisRest, rest), CLOCK).candles("005930", CandleInterval.MINUTE, TODAY, TODAY))

    assert (len(bars), rest.calls) == (1, 2)
