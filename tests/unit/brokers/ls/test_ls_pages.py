"""How charts and order lists are read on, page by page: whatever the rows, the page size and the overlap, nothing is lost or repeated."""

import asyncio
from datetime import date, datetime, timedelta
from typing import Any, cast

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.brokers.errors import BrokerProtocolError
from api.brokers.ls.codes import Tr
from api.brokers.ls.day_orders import LsDayOrders
from api.brokers.ls.envelope import Answer, read_answer
from api.brokers.ls.market import LsMarket
from api.brokers.ls.rest import LsRest
from api.domain.enums import CandleInterval
from api.kit.clock import KST, ManualClock, kst_day

TODAY = date(2026, 11, 23)
CLOCK = ManualClock(datetime(2026, 11, 23, 12, 20, tzinfo=KST))


class Rest:
    """Stands in for the REST side: answers from rows that it holds, cut to pages.

    Attributes:
        overlap: So many rows of a page come again on the next.
        is_silent_cursor: The body names no next page, only the headers do.
    """

    def __init__(self, rows: list[dict[str, Any]], size: int, *, overlap: int = 0, is_silent_cursor: bool = False) -> None:
        self.rows = rows
        self.size = size
        self.overlap = min(overlap, size - 1)
        self.is_silent_cursor = is_silent_cursor
        self.asked: list[tuple[Tr, bool]] = []

    async def inquire(self, tr: Tr, block: msgspec.Struct, *, is_next_page: bool = False, next_key: str = "") -> Answer:
        assert len(self.asked) < 2_000, "it does not end"
        self.asked.append((tr, is_next_page))
        rows = self.wanted(tr, block)
        start = int(next_key) if is_next_page else 0
        page, end = rows[start : start + self.size], start + self.size
        has_more = end < len(rows)
        cursor = "" if self.is_silent_cursor or not has_more else "20260101"
        body: dict[str, Any] = {"rsp_cd": "00000", "rsp_msg": ""}
        if page and tr is Tr.ORDERS:
            body |= {"t0425OutBlock": {"tqty": len(rows), "cts_ordno": cursor}, "t0425OutBlock1": page}
        elif page:
            body |= {f"{tr}OutBlock": {"cts_date": cursor, "cts_time": cursor[:6]}, f"{tr}OutBlock1": page[::-1]}
        headers = {"tr_cont": "Y", "tr_cont_key": str(end - self.overlap)} if has_more else {"tr_cont": "N"}
        return read_answer(tr, 200, msgspec.json.encode(body), headers)

    def wanted(self, tr: Tr, block: msgspec.Struct) -> list[dict[str, Any]]:
        """Newest first for charts, which are asked for a span of days."""
        if tr is Tr.ORDERS:
            return self.rows
        first, last = getattr(block, "sdate", ""), getattr(block, "edate", "")
        return [row for row in self.rows if first <= row["date"] <= last]


def bar(at: datetime | date, volume: int) -> dict[str, Any]:
    prices = dict.fromkeys(("open", "high", "low", "close"), 100)
    return prices | {"date": f"{at:%Y%m%d}", "time": f"{at:%H%M%S}", "jdiff_vol": volume, "value": 0}


def order_row(number: int) -> dict[str, Any]:
    texts = {"expcode": "005930", "medosu": "매수", "status": "접수", "ordtime": "09000000", "hogagb": "00"}
    return texts | {"ordno": number, "qty": 1, "price": 100, "cheqty": 0, "cheprice": 0, "ordrem": 1, "cfmqty": 0, "orgordno": 0}


sizes = st.integers(1, 30)
overlaps = st.integers(0, 3)


@settings(max_examples=60)
@given(st.sets(st.integers(0, 400), max_size=120), sizes, overlaps, st.booleans(), st.integers(0, 400), st.integers(-5, 400))
def test_every_day_of_the_span_is_read_once(
    ages: set[int], size: int, overlap: int, is_silent_cursor: bool, oldest: int, newest: int
) -> None:
    rows = [bar(TODAY - timedelta(days=age), age) for age in sorted(ages)]
    rest = Rest(rows, size, overlap=overlap, is_silent_cursor=is_silent_cursor)
    first, last = TODAY - timedelta(days=oldest), TODAY - timedelta(days=newest)

    bars = asyncio.run(LsMarket(cast(LsRest, rest), CLOCK).candles("005930", CandleInterval.DAY, first, last))

    assert [bar.volume for bar in bars] == [age for age in sorted(ages, reverse=True) if newest <= age <= oldest]
    assert [is_next for _, is_next in rest.asked] == [False, *[True] * (len(rest.asked) - 1)][: len(rest.asked)]


@settings(max_examples=40)
@given(st.sets(st.integers(1, 4_000), max_size=150), sizes, overlaps)
def test_every_minute_of_the_span_is_read_once_and_begins_a_minute_before_its_label(ages: set[int], size: int, overlap: int) -> None:
    labels = [datetime(2026, 11, 23, 12, 20, tzinfo=KST) - timedelta(minutes=age) for age in sorted(ages)]
    rest = Rest([bar(label, 1) for label in labels], size, overlap=overlap)

    bars = asyncio.run(LsMarket(cast(LsRest, rest), CLOCK).candles("005930", CandleInterval.MINUTE, TODAY - timedelta(days=9), TODAY))

    assert [bar.opened_at for bar in bars] == [label - timedelta(minutes=1) for label in reversed(labels)]
    assert all(kst_day(bar.opened_at) <= TODAY for bar in bars)


@settings(max_examples=60)
@given(st.sets(st.integers(1, 10_000), max_size=200), sizes, overlaps, st.booleans())
def test_every_order_is_listed_once(numbers: set[int], size: int, overlap: int, is_silent_cursor: bool) -> None:
    rest = Rest([order_row(number) for number in sorted(numbers)], size, overlap=overlap, is_silent_cursor=is_silent_cursor)

    orders = asyncio.run(LsDayOrders(cast(LsRest, rest), "account").list_orders(TODAY))

    assert [int(order.order_number) for order in orders] == sorted(numbers)


class Endless(Rest):
    """Gives the same page for ever, as has been seen at t0425."""

    async def inquire(self, tr: Tr, block: msgspec.Struct, *, is_next_page: bool = False, next_key: str = "") -> Answer:
        return await super().inquire(tr, block)


def test_a_chart_that_does_not_end_is_no_chart() -> None:
    rest = Endless([bar(TODAY - timedelta(days=age), 1) for age in range(9)], 3)

    with pytest.raises(BrokerProtocolError, match=r"t8410\.cts_date"):
        asyncio.run(LsMarket(cast(LsRest, rest), CLOCK).candles("005930", CandleInterval.DAY, TODAY - timedelta(days=30), TODAY))


def test_an_order_list_that_does_not_end_is_no_list() -> None:
    rest = Endless([order_row(number) for number in range(1, 9)], 3)

    with pytest.raises(BrokerProtocolError, match=r"t0425\.cts_ordno"):
        asyncio.run(LsDayOrders(cast(LsRest, rest), "account").list_orders(TODAY))
