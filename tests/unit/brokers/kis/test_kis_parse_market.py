"""KIS's answers to market inquiries → Lucy's words: whole envelopes in the documented form, with invented figures."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.brokers.errors import BrokerProtocolError
from api.brokers.kis.envelope import Envelope, read_envelope
from api.brokers.kis.parse_market import (
    first_day_of,
    parse_financial_ratios,
    parse_fluctuation,
    parse_instrument_detail,
    parse_long_bars,
    parse_minute_bars,
    parse_opinions,
    parse_order_book,
    parse_sellable,
    parse_trading_days,
    parse_volume_rank,
)
from api.brokers.market_data import BookLevel, Candle, FinancialRatio, InstrumentDetail, InvestmentOpinion, RankedInstrument, TradingDay
from api.domain.enums import CandleInterval
from api.kit.clock import KST

PAYLOADS = Path(__file__).parent / "payloads"
NOON = datetime(2026, 11, 23, 12, 20, tzinfo=KST).astimezone(UTC)


def answer(name: str, where: str = "output", **changes: str | None) -> Envelope:
    """A documented answer with fields of an output, or of its first row, changed; None takes a field away."""
    members: dict[str, Any] = msgspec.json.decode((PAYLOADS / f"{name}.json").read_bytes())
    target = members.get(where, {})
    if isinstance(target, list):
        target = target[0]
    for field, value in changes.items():
        if value is None:
            del target[field]
        else:
            target[field] = value
    return read_envelope("TR", 200, msgspec.json.encode(members))


# --- the book


def test_a_book_is_read_without_its_empty_steps() -> None:
    book = parse_order_book(answer("order_book"), "005930", NOON)

    assert (len(book.asks), len(book.bids)) == (9, 10)
    assert (book.asks[0], book.bids[-1]) == (BookLevel(71_000, 100), BookLevel(70_000, 2_000))
    assert (book.total_ask_quantity, book.total_bid_quantity) == (4_500, 11_000)
    assert book.at == datetime(2026, 11, 23, 3, 15, 3, tzinfo=UTC)


@pytest.mark.parametrize(("code", "is_on"), [("311", True), ("121", True), ("112", False), ("", False), ("999", False)])
def test_the_expected_price_counts_only_while_an_auction_is_on(code: str, is_on: bool) -> None:
    book = parse_order_book(answer("order_book", "output2", antc_mkop_cls_code=code), "005930", NOON)

    assert (book.expected_price, book.expected_quantity) == ((71_000, 1_000_673) if is_on else (None, None))


def test_a_book_of_a_time_that_is_still_to_come_is_of_the_day_before() -> None:
    book = parse_order_book(answer("order_book", "output1", aspr_acpt_hour="195959"), "005930", NOON)

    assert book.at == datetime(2026, 11, 22, 10, 59, 59, tzinfo=UTC)


@pytest.mark.parametrize(
    ("where", "field", "value"),
    [
        ("output1", "askp1", None),
        ("output1", "bidp_rsqn10", None),
        ("output1", "askp1", "many"),
        ("output1", "total_askp_rsqn", None),
        ("output1", "aspr_acpt_hour", ""),
        ("output2", "antc_mkop_cls_code", None),
    ],
)
def test_a_field_of_a_book_that_cannot_be_read_is_named(where: str, field: str, value: str | None) -> None:
    with pytest.raises(BrokerProtocolError) as caught:
        parse_order_book(answer("order_book", where, **{field: value}), "005930", NOON)

    assert caught.value.field == field


# --- bars


def test_a_day_is_read_whole_and_empty_rows_are_padding() -> None:
    newest, older = parse_long_bars(answer("long_bars", "output2"), CandleInterval.DAY)

    assert newest == Candle(
        opened_at=datetime(2026, 11, 22, 15, 0, tzinfo=UTC),
        open_price=70_900,
        high_price=71_500,
        low_price=70_700,
        close_price=71_100,
        volume=11_432_345,
        turnover_amount=812_345_678_900,
    )
    assert older.close_price == 70_800


@pytest.mark.parametrize(
    ("interval", "begin"),
    [
        (CandleInterval.DAY, date(2026, 11, 20)),
        (CandleInterval.WEEK, date(2026, 11, 16)),
        (CandleInterval.MONTH, date(2026, 11, 1)),
        (CandleInterval.YEAR, date(2026, 1, 1)),
    ],
)
def test_a_longer_bar_begins_with_its_calendar_period(interval: CandleInterval, begin: date) -> None:
    bar = parse_long_bars(answer("long_bars", "output2"), interval)[1]

    assert bar.opened_at.astimezone(KST).date() == begin == first_day_of(interval, date(2026, 11, 20))


def test_a_minute_is_read_and_its_running_amount_is_not() -> None:
    bar, before = parse_minute_bars(answer("minute_bars", "output2"))

    assert (bar.opened_at, bar.close_price, bar.volume, bar.turnover_amount) == (
        datetime(2026, 11, 23, 3, 6, tzinfo=UTC), 71_100, 1_500, None,
    )  # fmt: skip
    assert bar.opened_at - before.opened_at == timedelta(minutes=1)


@pytest.mark.parametrize(
    ("name", "parse", "field", "value"),
    [
        ("long_bars", lambda envelope: parse_long_bars(envelope, CandleInterval.DAY), "stck_clpr", ""),
        ("long_bars", lambda envelope: parse_long_bars(envelope, CandleInterval.DAY), "stck_bsop_date", "2026-11-23"),
        ("long_bars", lambda envelope: parse_long_bars(envelope, CandleInterval.DAY), "acml_vol", None),
        ("minute_bars", parse_minute_bars, "stck_cntg_hour", "2560"),
        ("minute_bars", parse_minute_bars, "cntg_vol", None),
    ],
)
def test_a_field_of_a_bar_that_cannot_be_read_is_named(
    name: str, parse: Callable[[Envelope], object], field: str, value: str | None
) -> None:
    with pytest.raises(BrokerProtocolError) as caught:
        parse(answer(name, "output2", **{field: value}))

    assert caught.value.field == field


@pytest.mark.parametrize("members", [{}, {"output2": None}, {"output2": {}}, {"output2": ["x"]}])
def test_bars_that_are_missing_are_no_empty_list(members: dict[str, Any]) -> None:
    with pytest.raises(BrokerProtocolError):
        parse_minute_bars(Envelope(tr="TR", code="MCA00000", message="", members=members))


# --- rankings


def test_a_row_by_volume_is_read_whole() -> None:
    assert parse_volume_rank(answer("volume_rank")) == [
        RankedInstrument(
            rank=1,
            symbol="005930",
            name="삼성전자",
            price=71_100,
            change=300,
            change_rate="0.42",
            volume=11_432_345,
            turnover_amount=812_345_678_900,
            volume_growth="87.94",
        )
    ]


@pytest.mark.parametrize(
    ("change", "sign", "expected"), [("5000", "5", -5_000), ("-5000", "5", -5_000), ("5000", "2", 5_000), ("0", "3", 0)]
)
def test_a_loss_is_a_loss_however_it_is_written(change: str, sign: str, expected: int) -> None:
    (row,) = parse_fluctuation(answer("fluctuation", prdy_vrss=change, prdy_vrss_sign=sign))

    assert (row.symbol, row.change, row.change_rate, row.turnover_amount) == ("000660", expected, "-2.56", None)


# --- figures, opinions, the calendar


def test_ratios_come_newest_first_whatever_the_order_of_the_answer() -> None:
    newest, older = parse_financial_ratios(answer("financial_ratios"))

    assert newest == FinancialRatio(
        period="202412",
        revenue_growth="16.20",
        operating_profit_growth="398.34",
        net_profit_growth="122.45",
        roe="9.03",
        debt_ratio="27.93",
        reserve_ratio="42477.00",
        eps="4950.00",
        bps="57981.00",
        sps="44000.00",
    )
    assert older.period == "202406"


@pytest.mark.parametrize("period", ["2024", "2024-12", "20241231"])
def test_a_period_that_is_no_month_is_refused(period: str) -> None:
    with pytest.raises(BrokerProtocolError):
        parse_financial_ratios(answer("financial_ratios", stac_yymm=period))


def test_an_opinion_without_a_target_has_none() -> None:
    buy, unrated = parse_opinions(answer("opinions"))

    assert buy == InvestmentOpinion(
        published_on=date(2026, 11, 20), firm="가나증권", opinion="BUY", previous_opinion="중립", target_price=90_000
    )
    assert (unrated.opinion, unrated.target_price) == ("Not Rated", None)


def test_a_day_is_open_when_the_exchange_opens() -> None:
    assert parse_trading_days(answer("trading_days")) == [
        TradingDay(day=date(2026, 12, 24), is_open=True, is_settlement_day=True),
        TradingDay(day=date(2026, 12, 31), is_open=False, is_settlement_day=False),
    ]


@pytest.mark.parametrize("flag", ["", "1", "y", None])
def test_a_day_that_is_neither_open_nor_shut_is_refused(flag: str | None) -> None:
    with pytest.raises(BrokerProtocolError) as caught:
        parse_trading_days(answer("trading_days", opnd_yn=flag))

    assert caught.value.field == "opnd_yn"


# --- one instrument


@pytest.mark.parametrize("name", ["output1", "output"])
@pytest.mark.parametrize("is_list", [False, True])
def test_the_sellable_quantity_is_read_under_both_names(name: str, is_list: bool) -> None:
    members = dict(answer("sellable", "output1").members)
    output = members.pop("output1")

    assert parse_sellable(Envelope(tr="TR", code="", message="", members={name: [output] if is_list else output})) == 11


def test_nothing_held_is_nothing_to_sell_and_a_missing_output_is_not() -> None:
    assert parse_sellable(Envelope(tr="TR", code="70070000", message="", members={})) == 0
    with pytest.raises(BrokerProtocolError):
        parse_sellable(Envelope(tr="TR", code="KIOK0510", message="", members={}))


def test_details_are_read_whole() -> None:
    assert parse_instrument_detail(answer("stock_info"), "005930") == InstrumentDetail(
        symbol="005930",
        isin="KR7005930003",
        name="삼성전자",
        english_name="SamsungElectronics",
        listed_shares=5_919_637_922,
        par_value=100,
        listed_on=date(1975, 6, 11),
        is_halted=False,
        is_administrative=False,
        is_nxt_tradable=True,
    )


@pytest.mark.parametrize(
    ("listed_at_nxt", "halted_at_nxt", "expected"),
    [("Y", "N", True), ("Y", "Y", False), ("N", "N", False), ("N", "", False), ("", "", None)],
)
def test_nxt_trades_what_is_listed_and_not_halted_there(listed_at_nxt: str, halted_at_nxt: str, expected: bool | None) -> None:
    detail = parse_instrument_detail(answer("stock_info", cptt_trad_tr_psbl_yn=listed_at_nxt, nxt_tr_stop_yn=halted_at_nxt), "005930")

    assert detail.is_nxt_tradable is expected


@pytest.mark.parametrize(
    ("exchange", "kospi", "kosdaq", "expected"),
    [
        ("02", "20100101", "20000101", date(2010, 1, 1)),
        ("03", "20100101", "20000101", date(2000, 1, 1)),
        ("02", "", "20000101", date(2000, 1, 1)),
        ("02", "", "", None),
    ],
)
def test_of_two_listing_days_that_of_the_present_market_counts(exchange: str, kospi: str, kosdaq: str, expected: date | None) -> None:
    changed = answer("stock_info", excg_dvsn_cd=exchange, scts_mket_lstg_dt=kospi, kosdaq_mket_lstg_dt=kosdaq)

    assert parse_instrument_detail(changed, "005930").listed_on == expected


# --- any answer

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=12),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["output", "stck_bsop_date", "askp1", "x"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@pytest.mark.parametrize(
    "parse",
    [
        lambda envelope: parse_order_book(envelope, "005930", NOON),
        lambda envelope: parse_long_bars(envelope, CandleInterval.DAY),
        parse_minute_bars,
        parse_volume_rank,
        parse_fluctuation,
        parse_financial_ratios,
        parse_opinions,
        parse_trading_days,
        parse_sellable,
        lambda envelope: parse_instrument_detail(envelope, "005930"),
    ],
    ids=["book", "days", "minutes", "volume", "fluctuation", "ratios", "opinions", "calendar", "sellable", "detail"],
)
@given(members=st.dictionaries(st.sampled_from(["output", "output1", "output2"]), values, max_size=3))
def test_no_answer_breaks_a_reader_in_another_way(parse: Callable[[Envelope], object], members: dict[str, Any]) -> None:
    try:
        parse(Envelope(tr="TR", code="MCA00000", message="", members=members))
    except BrokerProtocolError as error:
        assert error.tr == "TR"
