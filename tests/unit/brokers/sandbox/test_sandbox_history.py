"""The made-up past and today's bars: they fit each other, the reference price and the price grid, and stay the same."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.brokers.sandbox.calendar import is_open_day, open_days, previous_open_day
from api.brokers.sandbox.exchange import Exchange
from api.brokers.sandbox.history import FIRST_DAY, Bar, History, Period, Rank
from api.brokers.sandbox.model import Side
from api.brokers.sandbox.session import KST
from api.brokers.sandbox.ticks import is_on_tick

NOON = datetime(2026, 11, 23, 12, 20, tzinfo=KST).astimezone(UTC)
TODAY = date(2026, 11, 23)
SAMSUNG = "005930"
EXCHANGE = Exchange(now=lambda: NOON)
HISTORY = History(EXCHANGE)

symbols = st.sampled_from(sorted(EXCHANGE.instruments))
past_days = st.sampled_from(list(open_days(FIRST_DAY, date(2026, 11, 20))))


def trade(exchange: Exchange, price: int, quantity: int) -> None:
    """A trade as the market reports it: the tape first, then the listeners."""
    tape = exchange.tapes[SAMSUNG]
    tape.volume, tape.amount, tape.last = tape.volume + quantity, tape.amount + quantity * price, price
    for listener in exchange.trade_listeners:
        listener(SAMSUNG, quantity, price, Side.BUY)


@pytest.fixture
def clock() -> list[datetime]:
    return [NOON]


@pytest.fixture
def exchange(clock: list[datetime]) -> Exchange:
    return Exchange(now=lambda: clock[0])


def test_the_calendar_has_weekends_fixed_and_moving_holidays() -> None:
    shut = [date(2026, 11, 22), date(2026, 12, 25), date(2026, 12, 31), date(2026, 9, 24), date(2025, 10, 7), date(2027, 5, 1)]

    assert not any(is_open_day(day) for day in shut)
    assert previous_open_day(date(2026, 9, 28)) == date(2026, 9, 23)
    assert len(list(open_days(date(2025, 1, 1), date(2025, 12, 31)))) == 242


@given(symbol=symbols, day=past_days)
def test_a_past_day_is_a_possible_day(symbol: str, day: date) -> None:
    (bar,) = HISTORY.bars(symbol, Period.DAY, day, day)
    before = HISTORY.close_before(symbol, day)
    is_etf = EXCHANGE.instruments[symbol].is_etf

    assert bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high
    assert all(is_on_tick(price, is_etf=is_etf) for price in (bar.open, bar.high, bar.low, bar.close))
    assert all(before * 0.7 <= price <= before * 1.3 for price in (bar.low, bar.high))
    assert bar.low * bar.volume <= bar.amount <= bar.high * bar.volume


@given(symbol=symbols, day=past_days)
def test_the_minutes_of_a_past_day_add_up_to_it(symbol: str, day: date) -> None:
    (bar,) = HISTORY.bars(symbol, Period.DAY, day, day)

    minutes = HISTORY.minutes(symbol, day)

    assert (minutes[0].minute, minutes[-1].minute, len(minutes)) == (time(9, 0), time(15, 30), 381)
    assert (minutes[0].open, minutes[-1].close) == (bar.open, bar.close)
    assert (max(one.high for one in minutes), min(one.low for one in minutes)) == (bar.high, bar.low)
    assert (sum(one.volume for one in minutes), sum(one.amount for one in minutes)) == (bar.volume, bar.amount)
    assert all(one.low <= min(one.open, one.close) <= max(one.open, one.close) <= one.high for one in minutes)


@given(symbol=symbols, first=past_days, length=st.integers(0, 60), period=st.sampled_from([Period.WEEK, Period.MONTH, Period.YEAR]))
def test_longer_bars_are_made_of_their_days(symbol: str, first: date, length: int, period: Period) -> None:
    last = min(first + timedelta(days=length), TODAY)

    bars = HISTORY.bars(symbol, period, first, last)

    begins = [bar.day for bar in bars]
    assert begins == sorted(set(begins))
    for bar, following in zip(bars, [*begins[1:], None], strict=True):
        until = following - timedelta(days=1) if following is not None else _period_end(bar.day, period)
        days = HISTORY.bars(symbol, Period.DAY, bar.day, until)
        assert (bar.open, bar.close, bar.volume) == (days[0].open, days[-1].close, sum(day.volume for day in days))
        assert (bar.high, bar.low) == (max(day.high for day in days), min(day.low for day in days))


def _period_end(day: date, period: Period) -> date:
    match period:
        case Period.WEEK:
            return day + timedelta(days=6 - day.weekday())
        case Period.MONTH:
            return (day.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
        case _:
            return day.replace(month=12, day=31)


@given(symbol=symbols)
def test_the_past_leads_up_to_the_reference_price(symbol: str) -> None:
    assert HISTORY.previous(symbol).close == EXCHANGE.instruments[symbol].reference_price


def test_another_exchange_has_the_same_past(exchange: Exchange) -> None:
    span = (date(2026, 1, 1), date(2026, 11, 20))

    assert History(exchange).bars(SAMSUNG, Period.DAY, *span) == HISTORY.bars(SAMSUNG, Period.DAY, *span)


def test_there_is_nothing_before_the_first_day_nor_after_today() -> None:
    assert HISTORY.bars(SAMSUNG, Period.DAY, date(2000, 1, 1), FIRST_DAY - timedelta(days=1)) == []
    assert HISTORY.bars(SAMSUNG, Period.DAY, TODAY + timedelta(days=1), date(2027, 1, 1)) == []
    assert HISTORY.minutes(SAMSUNG, date(2026, 11, 21)) == HISTORY.minutes(SAMSUNG, date(2026, 11, 24)) == []


def test_a_trade_is_in_its_minute_and_in_the_day(exchange: Exchange, clock: list[datetime]) -> None:
    history = History(exchange)
    trade(exchange, 71_100, 5)
    trade(exchange, 70_900, 7)
    clock[0] += timedelta(minutes=2)
    trade(exchange, 71_000, 1)

    minutes = {bar.minute: bar for bar in history.minutes(SAMSUNG, TODAY)}

    assert minutes[time(12, 20)] == Bar(TODAY, time(12, 20), 71_100, 71_100, 70_900, 70_900, 12, 5 * 71_100 + 7 * 70_900)
    assert (minutes[time(12, 21)].close, minutes[time(12, 21)].volume) == (70_900, 0)
    assert minutes[time(12, 22)].volume == 1
    assert sum(bar.volume for bar in minutes.values()) == exchange.tapes[SAMSUNG].volume
    assert history.bars(SAMSUNG, Period.DAY, TODAY, TODAY)[0].volume == exchange.tapes[SAMSUNG].volume
    assert [(price, quantity) for _, price, quantity in history.last_trades(SAMSUNG)] == [(71_000, 1), (70_900, 7), (71_100, 5)]


@pytest.mark.parametrize("hour", [time(0, 0), time(3, 30), time(8, 59), time(9, 0), time(15, 31), time(23, 59)])
def test_the_market_that_never_sleeps_has_minutes_at_every_hour(hour: time, exchange: Exchange, clock: list[datetime]) -> None:
    history = History(exchange)
    clock[0] = datetime.combine(TODAY, hour, KST)
    trade(exchange, 71_000, 3)

    minutes = history.minutes(SAMSUNG, TODAY)

    times = [bar.minute for bar in minutes if bar.minute is not None]
    assert times == sorted(set(times))
    assert times[-1] == hour
    assert sum(bar.volume for bar in minutes) == exchange.tapes[SAMSUNG].volume


def test_the_trades_of_yesterday_are_no_minutes_of_today(exchange: Exchange, clock: list[datetime]) -> None:
    history = History(exchange)
    trade(exchange, 71_100, 5)
    clock[0] += timedelta(days=1)

    assert {bar.high for bar in history.minutes(SAMSUNG, TODAY + timedelta(days=1))} == {71_000}
    assert history.minutes(SAMSUNG, TODAY) == History(exchange).minutes(SAMSUNG, TODAY)


@pytest.mark.parametrize(
    ("rank", "key"),
    [
        (Rank.VOLUME, lambda row: -row.tape.volume),
        (Rank.AMOUNT, lambda row: -row.tape.amount),
        (Rank.GAINERS, lambda row: -row.change / row.instrument.reference_price),
        (Rank.LOSERS, lambda row: row.change / row.instrument.reference_price),
    ],
)
def test_rankings_are_ordered_and_hold_every_name_once(rank: Rank, key: Callable[[object], float], exchange: Exchange) -> None:
    for number, tape in enumerate(exchange.tapes.values()):
        tape.last += (number % 7 - 3) * 100

    rows = History(exchange).ranking(rank)

    assert [row.rank for row in rows] == list(range(1, len(exchange.instruments) + 1))
    assert {row.instrument.symbol for row in rows} == set(exchange.instruments)
    assert [key(row) for row in rows] == sorted(key(row) for row in rows)
    assert {row.instrument.market for row in History(exchange).ranking(rank, market="KOSDAQ")} == {"KOSDAQ"}
