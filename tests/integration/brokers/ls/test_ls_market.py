"""The LS adapter's market inquiries against the sandbox: what it reads is what the sandbox's market holds."""

from collections.abc import Awaitable, Callable
from datetime import UTC, date, timedelta
from typing import Any

import httpx
import pytest

from api.brokers.base import BrokerAdapter, Credentials
from api.brokers.errors import BrokerRejected, BrokerUnsupported
from api.brokers.ls.adapter import LsAdapter
from api.brokers.registry import BrokerRegistry
from api.brokers.sandbox.history import Period, opened_at
from api.brokers.sandbox.server import Sandbox
from api.domain.enums import CandleInterval, RankingKind
from api.kit.clock import SystemClock, kst_day

Ledger = Callable[..., Awaitable[list[dict[str, Any]]]]
SYMBOL = "005930"
PERIODS = {CandleInterval.DAY: Period.DAY, CandleInterval.WEEK: Period.WEEK, CandleInterval.MONTH: Period.MONTH}
MILLION = 1_000_000


@pytest.fixture
async def unlimited(control: httpx.AsyncClient) -> None:
    """The sandbox lets everything through; the adapter keeps to its own limits."""
    (await control.put("/limits", json={"broker": "ls", "enabled": False})).raise_for_status()


def today() -> date:
    return kst_day(SystemClock().now())


async def test_book_is_the_markets_own(adapter: LsAdapter, control: httpx.AsyncClient) -> None:
    market = (await control.get(f"/market/{SYMBOL}")).json()

    book = await adapter.get_order_book(SYMBOL)

    assert [[level.price, level.quantity] for level in book.asks] == market["asks"][:10]
    assert [[level.price, level.quantity] for level in book.bids] == market["bids"][:10]
    assert book.total_ask_quantity == sum(level.quantity for level in book.asks)
    assert (book.expected_price, book.expected_quantity) == (None, None)
    assert abs(SystemClock().now() - book.at) < timedelta(minutes=1)


async def test_book_of_an_auction_tells_the_expected_price(adapter: LsAdapter, control: httpx.AsyncClient) -> None:
    (await control.put("/session", json={"phase": "pre_open"})).raise_for_status()

    book = await adapter.get_order_book(SYMBOL)

    assert book.expected_price == (await control.get(f"/market/{SYMBOL}")).json()["last_price"]
    assert book.expected_quantity is not None


async def test_book_of_an_unknown_symbol_is_refused(adapter: LsAdapter) -> None:
    with pytest.raises(BrokerRejected) as caught:
        await adapter.get_order_book("999999")

    assert caught.value.code == "01524"


@pytest.mark.parametrize("interval", PERIODS)
async def test_bars_are_those_of_the_markets_history(adapter: LsAdapter, sandbox: Sandbox, interval: CandleInterval) -> None:
    last = today()
    first = last - timedelta(days=100)

    candles = await adapter.list_candles(SYMBOL, interval, first=first, last=last)

    bars = sandbox.doors.history.bars(SYMBOL, PERIODS[interval], first, last)
    assert [(c.open_price, c.high_price, c.low_price, c.close_price, c.volume) for c in candles] == [
        (bar.open, bar.high, bar.low, bar.close, bar.volume) for bar in bars
    ]
    assert [candle.turnover_amount for candle in candles] == [bar.amount // MILLION * MILLION for bar in bars]
    assert [candle.opened_at for candle in candles] == sorted(candle.opened_at for candle in candles)


async def test_years_begin_on_the_first_of_january(adapter: LsAdapter) -> None:
    candles = await adapter.list_candles(SYMBOL, CandleInterval.YEAR, first=date(2023, 6, 1), last=date(2025, 3, 1))

    assert [kst_day(candle.opened_at) for candle in candles] == [date(2023, 1, 1), date(2024, 1, 1), date(2025, 1, 1)]


@pytest.mark.usefixtures("unlimited")
async def test_days_beyond_a_page_are_read_to_the_first(adapter: LsAdapter, sandbox: Sandbox) -> None:
    first, last = date(2023, 1, 2), date(2025, 6, 30)

    candles = await adapter.list_candles(SYMBOL, CandleInterval.DAY, first=first, last=last)

    bars = sandbox.doors.history.bars(SYMBOL, Period.DAY, first, last)
    assert len(bars) > 500
    assert [(kst_day(candle.opened_at), candle.close_price) for candle in candles] == [(bar.day, bar.close) for bar in bars]


@pytest.mark.usefixtures("unlimited")
async def test_minutes_of_several_days_begin_when_they_began(adapter: LsAdapter, sandbox: Sandbox) -> None:
    first, last = date(2025, 6, 19), date(2025, 6, 23)  # Thursday to Monday

    candles = await adapter.list_candles(SYMBOL, CandleInterval.MINUTE, first=first, last=last)

    history = sandbox.doors.history
    bars = [bar for offset in range((last - first).days + 1) for bar in history.minutes(SYMBOL, first + timedelta(days=offset))]
    assert len(bars) > 1000
    assert [candle.opened_at for candle in candles] == [opened_at(bar).astimezone(UTC) for bar in bars]
    assert [(c.close_price, c.volume) for c in candles] == [(bar.close, bar.volume) for bar in bars]


async def test_bars_of_days_to_come_or_without_trading_are_none(adapter: LsAdapter) -> None:
    tomorrow = today() + timedelta(days=1)
    saturday = date(2025, 6, 21)

    assert await adapter.list_candles(SYMBOL, CandleInterval.DAY, first=tomorrow, last=tomorrow) == []
    assert await adapter.list_candles(SYMBOL, CandleInterval.MINUTE, first=saturday, last=saturday) == []


@pytest.mark.parametrize(("kind", "names"), [(RankingKind.GAINERS, "up"), (RankingKind.LOSERS, "down")])
async def test_changes_are_ranked_with_their_sign(adapter: LsAdapter, control: httpx.AsyncClient, kind: RankingKind, names: str) -> None:
    prices = {"000660": 3, "035420": 2} if names == "up" else {"000660": -3, "035420": -2}
    for symbol, ticks in prices.items():
        market = (await control.get(f"/market/{symbol}")).json()
        price = market["reference_price"] + 10 * ticks * market["tick"]
        (await control.put(f"/market/{symbol}", json={"price": price})).raise_for_status()

    rows = await adapter.list_ranking(kind)

    rates = [float(row.change_rate) for row in rows]
    assert [row.rank for row in rows] == list(range(1, len(rows) + 1))
    assert rates == sorted(rates, reverse=kind is RankingKind.GAINERS)
    assert {row.symbol for row in rows[:2]} == set(prices)
    assert all((row.change > 0) == (names == "up") for row in rows[:2])
    assert all(row.turnover_amount is not None for row in rows)


async def test_volume_and_turnover_are_ranked_best_first(adapter: LsAdapter) -> None:
    by_volume, by_turnover = await adapter.list_ranking(RankingKind.VOLUME), await adapter.list_ranking(RankingKind.TURNOVER)

    assert [row.volume for row in by_volume] == sorted((row.volume for row in by_volume), reverse=True)
    turnovers = [row.turnover_amount for row in by_turnover if row.turnover_amount is not None]
    assert len(turnovers) == len(by_turnover) == 20
    assert turnovers == sorted(turnovers, reverse=True)
    assert {row.turnover_amount for row in by_volume} == {None}  # t1452 does not tell it


async def test_instruments_tell_whether_nxt_trades_them(adapter: LsAdapter) -> None:
    instruments = {instrument.symbol: instrument for instrument in await adapter.list_instruments()}

    assert (instruments[SYMBOL].is_nxt_tradable, instruments["069500"].is_nxt_tradable) == (True, False)
    assert instruments[SYMBOL].is_halted is None  # neither list tells


async def test_paper_sees_the_same_market(
    make_registry: Callable[[int], BrokerRegistry], sandbox: Sandbox, paper_credentials: Credentials, adapter: LsAdapter
) -> None:
    paper: BrokerAdapter = make_registry(sandbox.ls_port).adapter(paper_credentials)

    assert (await paper.get_order_book(SYMBOL)).asks == (await adapter.get_order_book(SYMBOL)).asks


async def test_what_ls_does_not_have_is_said_without_asking(adapter: LsAdapter, control: httpx.AsyncClient) -> None:
    async def calls() -> int:
        counted: int = (await control.get("/limits")).json()["counts"]["ls"]["calls"]
        return counted

    before = await calls()
    for unsupported in (
        adapter.list_financial_ratios(SYMBOL, is_quarterly=True),
        adapter.list_investment_opinions(SYMBOL, first=today(), last=today()),
        adapter.list_trading_days(today()),
        adapter.get_instrument_detail(SYMBOL),
    ):
        with pytest.raises(BrokerUnsupported):
            await unsupported

    assert await calls() == before
