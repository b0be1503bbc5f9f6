"""KIS's market inquiries through the adapter, compared with what the sandbox's own market holds; and what paper does not have."""

from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, time, timedelta

import httpx
import pytest

from api.brokers.base import BrokerAdapter, Credentials, LiveOrder, NewOrder
from api.brokers.capabilities import Inquiry
from api.brokers.errors import BrokerRejected, BrokerUnsupported
from api.brokers.kis.adapter import capabilities_of
from api.brokers.sandbox.history import Period
from api.brokers.sandbox.server import Sandbox
from api.domain.enums import Broker, CandleInterval, Environment, Exchange, OrderType, RankingKind, Side, TimeInForce
from api.kit.clock import KST, SystemClock, kst_day

OpenAccount = Callable[..., Awaitable[Credentials]]
MakeAdapter = Callable[[Credentials], BrokerAdapter]

SAMSUNG = "005930"
ETF = "069500"


@pytest.fixture
async def adapter(kis_adapter: MakeAdapter, open_account: OpenAccount) -> BrokerAdapter:
    return kis_adapter(await open_account(Broker.KIS, cash=1_000_000_000, positions={SAMSUNG: 100}))


@pytest.fixture
async def paper(kis_adapter: MakeAdapter, control: httpx.AsyncClient) -> BrokerAdapter:
    account = (await control.post("/accounts", json={"broker": "kis", "environment": "paper"})).json()
    return kis_adapter(
        Credentials(
            account_id="paper",
            broker=Broker.KIS,
            environment=Environment.PAPER,
            account_number=account["account_number"],
            app_key=account["app_key"],
            app_secret=account["app_secret"],
            hts_id=account["hts_id"],
        )
    )


def order(side: Side, price: int, quantity: int) -> NewOrder:
    return NewOrder(
        symbol=SAMSUNG,
        side=side,
        order_type=OrderType.LIMIT,
        time_in_force=TimeInForce.DAY,
        exchange=Exchange.KRX,
        quantity=quantity,
        limit_price=price,
    )


def today() -> date:
    return kst_day(SystemClock().now())


# --- the account


async def test_shares_offered_for_sale_cannot_be_sold_again(adapter: BrokerAdapter, control: httpx.AsyncClient) -> None:
    high = int((await control.get(f"/market/{SAMSUNG}")).json()["upper_limit"])
    await adapter.place(order(Side.SELL, high, 30), deadline=5)

    assert await adapter.get_sellable_quantity(SAMSUNG) == 70
    assert await adapter.get_sellable_quantity("000660") == 0


async def test_a_part_of_an_order_moves_to_a_new_number_and_the_rest_stays(adapter: BrokerAdapter, control: httpx.AsyncClient) -> None:
    low = int((await control.get(f"/market/{SAMSUNG}")).json()["lower_limit"])
    taken = await adapter.place(order(Side.BUY, low, 10), deadline=5)
    live = LiveOrder(
        order_number=taken.order_number,
        branch=taken.branch,
        symbol=SAMSUNG,
        side=Side.BUY,
        order_type=OrderType.LIMIT,
        time_in_force=TimeInForce.DAY,
        exchange=Exchange.KRX,
        leaves_quantity=10,
        limit_price=low,
    )

    changed = await adapter.replace(live, limit_price=low + 100, quantity=4, deadline=5)
    for _ in range(50):
        rows = {row.order_number: row for row in await adapter.list_orders(today())}
        if rows[taken.order_number].leaves_quantity == 6:
            break

    assert (rows[taken.order_number].leaves_quantity, rows[taken.order_number].limit_price) == (6, low)
    assert (rows[changed.order_number].leaves_quantity, rows[changed.order_number].limit_price) == (4, low + 100)
    assert rows[changed.order_number].original_order_number == taken.order_number


# --- the market


async def test_the_book_is_that_of_the_market(adapter: BrokerAdapter, sandbox: Sandbox) -> None:
    asks, bids = sandbox.doors.exchange.books[SAMSUNG].levels()

    book = await adapter.get_order_book(SAMSUNG)

    assert [(level.price, level.quantity) for level in book.asks] == asks
    assert [(level.price, level.quantity) for level in book.bids] == bids
    assert (book.total_ask_quantity, book.total_bid_quantity) == (sum(size for _, size in asks), sum(size for _, size in bids))
    assert (book.expected_price, book.expected_quantity) == (None, None)
    assert abs(book.at - datetime.now(UTC)) < timedelta(minutes=1)


@pytest.mark.parametrize("phase", ["pre_open", "closing_auction"])
async def test_an_auction_tells_what_it_expects(phase: str, adapter: BrokerAdapter, control: httpx.AsyncClient) -> None:
    (await control.put("/session", json={"phase": phase})).raise_for_status()

    book = await adapter.get_order_book(SAMSUNG)

    assert book.expected_price == (await adapter.get_quote(SAMSUNG)).price
    assert book.expected_quantity is not None


@pytest.mark.parametrize(
    ("interval", "period", "days"),
    [
        (CandleInterval.DAY, Period.DAY, 400),  # three pages
        (CandleInterval.WEEK, Period.WEEK, 1000),
        (CandleInterval.MONTH, Period.MONTH, 3000),
        (CandleInterval.YEAR, Period.YEAR, 3000),
    ],
)
async def test_bars_are_read_to_the_last_page(
    interval: CandleInterval, period: Period, days: int, adapter: BrokerAdapter, sandbox: Sandbox
) -> None:
    first, last = today() - timedelta(days=days), today()
    truth = sandbox.doors.history.bars(SAMSUNG, period, first, last)

    bars = await adapter.list_candles(SAMSUNG, interval, first=first, last=last)

    assert [(bar.open_price, bar.high_price, bar.low_price, bar.close_price, bar.volume, bar.turnover_amount) for bar in bars] == [
        (bar.open, bar.high, bar.low, bar.close, bar.volume, bar.amount) for bar in truth
    ]
    begins = [bar.opened_at.astimezone(KST) for bar in bars]
    assert begins == sorted(set(begins))
    assert {begin.time() for begin in begins} == {time(0, 0)}
    if interval is CandleInterval.WEEK:
        assert {begin.weekday() for begin in begins} == {0}


async def test_a_history_that_begins_later_than_asked_for_is_given_as_it_is(adapter: BrokerAdapter, sandbox: Sandbox) -> None:
    truth = sandbox.doors.history.bars(SAMSUNG, Period.MONTH, date(2000, 1, 1), today())

    bars = await adapter.list_candles(SAMSUNG, CandleInterval.MONTH, first=date(2000, 1, 1), last=today())

    assert len(bars) == len(truth) > 100


async def test_days_without_trading_and_days_to_come_have_no_bars(adapter: BrokerAdapter) -> None:
    saturday = today() - timedelta(days=(today().weekday() - 5) % 7 or 7)

    for interval in (CandleInterval.DAY, CandleInterval.MINUTE):
        assert await adapter.list_candles(SAMSUNG, interval, first=saturday, last=saturday + timedelta(days=1)) == []
        assert await adapter.list_candles(SAMSUNG, interval, first=today() + timedelta(days=1), last=today() + timedelta(days=9)) == []


async def test_all_minutes_of_a_past_day_are_read(adapter: BrokerAdapter, sandbox: Sandbox) -> None:
    day = sandbox.doors.history.previous(SAMSUNG).day
    truth = sandbox.doors.history.minutes(SAMSUNG, day)

    bars = await adapter.list_candles(SAMSUNG, CandleInterval.MINUTE, first=day, last=day)

    assert [(bar.open_price, bar.high_price, bar.low_price, bar.close_price, bar.volume) for bar in bars] == [
        (bar.open, bar.high, bar.low, bar.close, bar.volume) for bar in truth
    ]
    assert [bar.opened_at.astimezone(KST).time() for bar in bars] == [bar.minute for bar in truth]
    assert len(bars) == 381


async def test_a_trade_of_today_is_in_its_minute(adapter: BrokerAdapter, sandbox: Sandbox) -> None:
    price = sandbox.doors.exchange.last_price(SAMSUNG)
    await adapter.place(order(Side.BUY, price, 7), deadline=5)
    while sandbox.doors.exchange.tapes[SAMSUNG].last_quantity != 7:
        await adapter.get_quote(SAMSUNG)

    bars = await adapter.list_candles(SAMSUNG, CandleInterval.MINUTE, first=today(), last=today())

    assert sum(bar.volume for bar in bars) == sandbox.doors.exchange.tapes[SAMSUNG].volume
    assert all(bar.opened_at.second == 0 for bar in bars)
    assert [bar.opened_at for bar in bars] == sorted({bar.opened_at for bar in bars})


async def test_rankings_are_ordered_as_they_say(adapter: BrokerAdapter, control: httpx.AsyncClient, sandbox: Sandbox) -> None:
    up, down = list(sandbox.doors.exchange.instruments.values())[:2]
    for instrument, price in ((up, up.upper_limit), (down, down.lower_limit)):
        (await control.put(f"/market/{instrument.symbol}", json={"price": price})).raise_for_status()

    gainers = await adapter.list_ranking(RankingKind.GAINERS)
    losers = await adapter.list_ranking(RankingKind.LOSERS)
    volume = await adapter.list_ranking(RankingKind.VOLUME)
    turnover = await adapter.list_ranking(RankingKind.TURNOVER)

    assert (gainers[0].symbol, gainers[0].change) == (up.symbol, up.upper_limit - up.reference_price)
    assert (losers[0].symbol, losers[0].change) == (down.symbol, down.lower_limit - down.reference_price)
    assert [row.volume for row in volume] == sorted((row.volume for row in volume), reverse=True)
    amounts = [row.turnover_amount or 0 for row in turnover]
    assert amounts == sorted(amounts, reverse=True)
    assert 0 not in amounts
    for rows in (gainers, losers, volume, turnover):
        assert [row.rank for row in rows] == list(range(1, 31))


async def test_ratios_come_by_year_and_by_quarter_newest_first(adapter: BrokerAdapter) -> None:
    years = await adapter.list_financial_ratios(SAMSUNG, is_quarterly=False)
    quarters = await adapter.list_financial_ratios(SAMSUNG, is_quarterly=True)

    assert {row.period[4:] for row in years} == {"12"}
    assert {row.period[4:] for row in quarters} == {"03", "06", "09", "12"}
    for rows in (years, quarters):
        assert [row.period for row in rows] == sorted({row.period for row in rows}, reverse=True)
        assert all(float(row.eps) > 0 and float(row.roe) > 0 for row in rows)
    assert await adapter.list_financial_ratios(ETF, is_quarterly=False) == []


async def test_opinions_beyond_one_answer_are_read_too(adapter: BrokerAdapter) -> None:
    first, last = date(2016, 1, 1), today()

    opinions = await adapter.list_investment_opinions(SAMSUNG, first=first, last=last)
    few = await adapter.list_investment_opinions(SAMSUNG, first=last - timedelta(days=200), last=last)

    assert len(opinions) > 200  # a hundred rows an answer
    assert [row.published_on for row in opinions] == sorted({row.published_on for row in opinions}, reverse=True)
    assert few == [row for row in opinions if row.published_on >= last - timedelta(days=200)]
    assert {row.firm for row in few} == {"샌드박스증권"}


async def test_the_calendar_knows_weekends_and_holidays(adapter: BrokerAdapter) -> None:
    days = {row.day: row for row in await adapter.list_trading_days(date(2026, 12, 20))}

    assert sorted(days) == [date(2026, 12, 20) + timedelta(days=offset) for offset in range(24)]
    assert not days[date(2026, 12, 20)].is_open
    assert days[date(2026, 12, 24)].is_open
    assert not days[date(2026, 12, 25)].is_open
    assert not days[date(2026, 12, 31)].is_open


async def test_the_master_files_hold_every_instrument_of_the_market(adapter: BrokerAdapter, sandbox: Sandbox) -> None:
    sandbox.doors.exchange.halted.add(SAMSUNG)

    records = {record.symbol: record for record in await adapter.list_instruments()}

    assert set(records) == set(sandbox.doors.exchange.instruments)
    for symbol, instrument in sandbox.doors.exchange.instruments.items():
        record = records[symbol]
        assert (record.isin, record.name, record.market, record.kind, record.reference_price, record.lot_size) == (
            instrument.isin,
            instrument.name,
            instrument.market,
            instrument.kind,
            instrument.reference_price,
            1,
        )
        assert record.is_nxt_tradable is (instrument.kind == "stock")
        assert record.is_halted is (symbol == SAMSUNG)


async def test_details_hold_the_english_name_and_the_listing(adapter: BrokerAdapter) -> None:
    detail = await adapter.get_instrument_detail(SAMSUNG)

    assert (detail.symbol, detail.isin, detail.name, detail.english_name) == (SAMSUNG, "KR7005930003", "삼성전자", "Samsung Electronics")
    assert (detail.listed_shares, detail.par_value, detail.listed_on) == (5_919_637_922, 100, date(2016, 1, 4))
    assert (detail.is_halted, detail.is_administrative, detail.is_nxt_tradable) == (False, False, True)


async def test_an_unknown_instrument_is_refused_in_the_brokers_words(adapter: BrokerAdapter) -> None:
    for asked in (adapter.get_order_book("999999"), adapter.get_instrument_detail("999999")):
        with pytest.raises(BrokerRejected) as caught:
            await asked
        assert caught.value.code == "OPSQ2001"


# --- paper


async def test_paper_says_what_it_lacks_without_sending_anything(paper: BrokerAdapter) -> None:
    asked = {
        "sellable": lambda: paper.get_sellable_quantity(SAMSUNG),
        "ratios": lambda: paper.list_financial_ratios(SAMSUNG, is_quarterly=False),
        "opinions": lambda: paper.list_investment_opinions(SAMSUNG, first=today(), last=today()),
        "days": lambda: paper.list_trading_days(today()),
        "detail": lambda: paper.get_instrument_detail(SAMSUNG),
    } | {kind.value: (lambda kind=kind: paper.list_ranking(kind)) for kind in RankingKind}

    for ask in asked.values():
        with pytest.raises(BrokerUnsupported):
            await ask()


async def test_paper_has_books_bars_and_master_files(paper: BrokerAdapter, sandbox: Sandbox) -> None:
    day = sandbox.doors.history.previous(SAMSUNG).day

    assert (await paper.get_order_book(SAMSUNG)).asks
    assert len(await paper.list_candles(SAMSUNG, CandleInterval.DAY, first=day, last=day)) == 1
    assert len(await paper.list_instruments()) == len(sandbox.doors.exchange.instruments)


def test_capabilities_name_what_each_environment_answers() -> None:
    real, paper = capabilities_of(Environment.REAL), capabilities_of(Environment.PAPER)

    assert real.inquiries == frozenset(Inquiry)
    assert paper.inquiries == {Inquiry.ORDER_BOOK, Inquiry.INSTRUMENTS, Inquiry.INVESTORS}
    assert (real.rankings, paper.rankings) == (frozenset(RankingKind), frozenset())
    assert real.candle_intervals == paper.candle_intervals == frozenset(CandleInterval)
    assert (OrderType.LIMIT, TimeInForce.GTP, Exchange.NXT) in real.order_kinds
    assert (OrderType.AFTER_MARKET_BEST_LIMIT, TimeInForce.FOK, Exchange.KRX) in real.order_kinds
    assert not any(kind.value.startswith("after_market") or tif is TimeInForce.GTP for kind, tif, _ in paper.order_kinds)
