"""LS's answers to market inquiries, in the form of the guide's field lists and examples."""

from contextlib import suppress
from datetime import UTC, date, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.brokers.errors import BrokerProtocolError
from api.brokers.ls import parse, parse_market
from api.brokers.ls.codes import Tr
from api.brokers.ls.envelope import Answer, read_answer
from api.brokers.ls.messages import HoldingRow
from api.brokers.market_data import BookLevel
from api.domain.enums import CandleInterval

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)  # noon in Seoul
BOOK: dict[str, Any] = {
    "hname": "LS증권", "shcode": "078020", "price": 4545, "sign": "2", "change": 20, "diff": "000.44", "volume": 4937, "offer": 5762,
    "bid": 3750, "hotime": "10061477", "yeprice": 0, "yevolume": 0, "yesign": "3", "yechange": 0, "yediff": "000.00", "ho_status": "1",
    **{f"offerho{step}": 4545 + 5 * step for step in range(1, 11)}, **{f"offerrem{step}": 10 * step for step in range(1, 11)},
    **{f"bidho{step}": 4550 - 5 * step for step in range(1, 11)}, **{f"bidrem{step}": step for step in range(1, 11)},
}  # fmt: skip
MINUTE: dict[str, Any] = {
    "date": "20240906", "time": "111300", "open": 4445, "high": 4470, "low": 4440, "close": 4460, "jdiff_vol": 2317, "value": 10,
    "jongchk": 0, "rate": "0.00", "sign": "5",
}  # fmt: skip
DAY: dict[str, Any] = {
    "date": "20230605", "open": 4550, "high": 4600, "low": 4520, "close": 4530, "jdiff_vol": 33764, "value": 153, "jongchk": 0,
    "rate": "000.00", "pricechk": 0, "ratevalue": 0, "sign": "2",
}  # fmt: skip
RANKED: dict[str, Any] = {
    "hname": "KODEX 인버스", "price": 2845, "sign": "5", "change": 20, "diff": "-00.70", "volume": 514736, "shcode": "114800",
    "value": 1449,
}  # fmt: skip


def answer(tr: Tr, blocks: dict[str, Any], **headers: str) -> Answer:
    return read_answer(tr, 200, msgspec.json.encode({"rsp_cd": "00000", "rsp_msg": ""} | blocks), headers)


def book(**changes: Any) -> Answer:
    return answer(Tr.ORDER_BOOK, {"t1101OutBlock": {name: value for name, value in (BOOK | changes).items() if value is not ...}})


def bars(tr: Tr, rows: list[dict[str, Any]], **cursor: str) -> Answer:
    return answer(tr, {f"{tr}OutBlock": {"shcode": "078020", "rec_count": len(rows)} | cursor, f"{tr}OutBlock1": rows})


def test_book_has_ten_steps_a_side_best_first() -> None:
    read = parse_market.order_book(book(), "078020", NOW)

    assert (len(read.asks), len(read.bids)) == (10, 10)
    assert (read.asks[0], read.bids[0]) == (BookLevel(4550, 10), BookLevel(4545, 1))
    assert (read.total_ask_quantity, read.total_bid_quantity) == (5762, 3750)
    assert read.at == datetime(2026, 11, 23, 1, 6, 14, 770_000, tzinfo=UTC)
    assert (read.expected_price, read.expected_quantity) == (None, None)


def test_empty_steps_are_left_out() -> None:
    empty = {f"{side}{what}{step}": 0 for side in ("offer", "bid") for what in ("ho", "rem") for step in range(4, 11)}

    read = parse_market.order_book(book(**empty), "078020", NOW)

    assert (len(read.asks), len(read.bids)) == (3, 3)


@pytest.mark.parametrize(("status", "is_told"), [("3", True), ("1", False), ("2", False), ("", False)])
def test_expected_price_is_told_in_an_auction_only(status: str, is_told: bool) -> None:
    read = parse_market.order_book(book(ho_status=status, yeprice=4600, yevolume=12), "078020", NOW)

    assert (read.expected_price, read.expected_quantity) == ((4600, 12) if is_told else (None, None))


def test_a_time_that_is_still_to_come_is_yesterdays() -> None:
    read = parse_market.order_book(book(hotime="15595900"), "078020", NOW)

    assert read.at == datetime(2026, 11, 22, 6, 59, 59, tzinfo=UTC)


@pytest.mark.parametrize(("field", "value"), [("hotime", "noon"), ("hotime", ...), ("offerho3", ...), ("bidrem10", "x"), ("offer", -1)])
def test_unreadable_book_names_its_field(field: str, value: Any) -> None:
    with pytest.raises(BrokerProtocolError, match=f"t1101.{field}"):
        parse_market.order_book(book(**{field: value}), "078020", NOW)


def test_minute_is_labelled_with_its_end() -> None:
    page = parse_market.bars_page(bars(Tr.MINUTE_BARS, [MINUTE], cts_date="20240906", cts_time="111200"), CandleInterval.MINUTE)

    (bar,) = page.bars
    assert bar.opened_at == datetime(2024, 9, 6, 2, 12, tzinfo=UTC)
    assert (bar.open_price, bar.high_price, bar.low_price, bar.close_price) == (4445, 4470, 4440, 4460)
    assert (bar.volume, bar.turnover_amount) == (2317, 10_000_000)
    assert (page.cts_date, page.cts_time) == ("20240906", "111200")


@pytest.mark.parametrize(
    ("interval", "begin"),
    [
        (CandleInterval.DAY, date(2023, 6, 7)),
        (CandleInterval.WEEK, date(2023, 6, 5)),
        (CandleInterval.MONTH, date(2023, 6, 1)),
        (CandleInterval.YEAR, date(2023, 1, 1)),
    ],
)
def test_longer_bar_begins_with_its_calendar_period(interval: CandleInterval, begin: date) -> None:
    (bar,) = parse_market.bars_page(bars(Tr.LONG_BARS, [DAY | {"date": "20230607"}]), interval).bars

    assert bar.opened_at == datetime(begin.year, begin.month, begin.day, tzinfo=UTC) - (NOW - datetime(2026, 11, 22, 18, tzinfo=UTC))


@pytest.mark.parametrize("tr", [Tr.LONG_BARS, Tr.MINUTE_BARS])
def test_absent_blocks_are_no_bars(tr: Tr) -> None:
    page = parse_market.bars_page(answer(tr, {}), CandleInterval.DAY)

    assert (list(page.bars), page.cts_date) == ([], "")


@pytest.mark.parametrize(("field", "value"), [("date", "20241301"), ("date", ""), ("time", "2500"), ("close", None), ("jdiff_vol", "-1")])
def test_unreadable_bar_names_its_field(field: str, value: Any) -> None:
    with pytest.raises(BrokerProtocolError, match=f"t8412.{field}"):
        parse_market.bars_page(bars(Tr.MINUTE_BARS, [MINUTE | {field: value}]), CandleInterval.MINUTE)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=8), children, max_size=3),
    max_leaves=8,
)


@given(st.sampled_from(["t1101OutBlock", "t8410OutBlock", "t8410OutBlock1", "t1463OutBlock1"]), JSON, st.sampled_from(list(BOOK)), JSON)
def test_a_malformed_answer_is_told_and_never_something_else(name: str, block: Any, field: str, value: Any) -> None:
    for blocks in ({name: block}, {name: [DAY | RANKED | {field: value}]}, {name: BOOK | {field: value}}):
        with suppress(BrokerProtocolError):
            parse_market.order_book(answer(Tr.ORDER_BOOK, blocks), "078020", NOW)
        with suppress(BrokerProtocolError):
            parse_market.bars_page(answer(Tr.LONG_BARS, blocks), CandleInterval.DAY)
        with suppress(BrokerProtocolError):
            parse_market.ranking(answer(Tr.TOP_TURNOVER, blocks))


@pytest.mark.parametrize(("tr", "turnover"), [(Tr.TOP_CHANGE, 1_449_000_000), (Tr.TOP_TURNOVER, 1_449_000_000), (Tr.TOP_VOLUME, None)])
def test_rows_of_a_ranking_are_numbered_and_signed(tr: Tr, turnover: int | None) -> None:
    row = RANKED if turnover else {name: value for name, value in RANKED.items() if name != "value"}

    first, second = parse_market.ranking(answer(tr, {f"{tr}OutBlock1": [row, row | {"sign": "2", "diff": "000.70"}]}))

    assert (first.rank, first.symbol, first.name, first.change, first.change_rate) == (1, "114800", "KODEX 인버스", -20, "-0.70")
    assert (second.rank, second.change, second.change_rate) == (2, 20, "0.70")
    assert (first.volume, first.turnover_amount) == (514_736, turnover)


@pytest.mark.parametrize("name", ["삼성 레버리지 WTI원？", "삼성 레버리지 WTI원\ufffd ", "삼성 레버리지 WTI원"])
def test_what_is_left_of_a_character_cut_in_two_is_dropped(name: str) -> None:
    (row,) = parse_market.ranking(answer(Tr.TOP_TURNOVER, {"t1463OutBlock1": [RANKED | {"hname": name}]}))

    assert row.name == "삼성 레버리지 WTI원"


def test_unknown_direction_is_no_guess() -> None:
    with pytest.raises(BrokerProtocolError, match=r"t1463\.sign"):
        parse_market.ranking(answer(Tr.TOP_TURNOVER, {"t1463OutBlock1": [RANKED | {"sign": "9"}]}))


def holding(**changes: Any) -> HoldingRow:
    fields: dict[str, Any] = {
        "expcode": "005930", "janqty": 10, "mdposqt": 7, "pamt": 1, "mamt": 10, "hname": "삼성전자", "price": 1, "appamt": 10, "dtsunik": 0,
    }  # fmt: skip
    return HoldingRow(**(fields | changes))


def test_shares_bought_on_credit_are_not_for_a_cash_sale() -> None:
    rows = [holding(), holding(loandt="20261101", mdposqt=5), holding(loandt="00000000", mdposqt=2), holding(expcode="000660")]

    assert parse.sellable_quantity(rows, "005930") == 9
    assert parse.sellable_quantity(rows, "035720") == 0
