"""What every adapter must do, run against the sandbox for each broker: one order's life, refusals, faults, the stream."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx
import msgspec
import pytest
from motor.motor_asyncio import AsyncIOMotorDatabase
from redis.asyncio import Redis

from api.brokers.base import (
    BrokerAdapter,
    BrokerOrder,
    BrokerOrderKind,
    Credentials,
    ExecutionStream,
    LiveOrder,
    NewOrder,
    Notice,
    NoticeKind,
)
from api.brokers.capabilities import Inquiry
from api.brokers.errors import (
    BrokerError,
    BrokerProtocolError,
    BrokerRateLimited,
    BrokerRejected,
    BrokerUnavailable,
    BrokerUnsupported,
)
from api.brokers.market_data import RankedInstrument
from api.brokers.registry import BrokerRegistry
from api.brokers.sandbox.server import Sandbox
from api.domain.enums import (
    PRICED_ORDER_TYPES,
    Broker,
    CandleInterval,
    Environment,
    Exchange,
    OrderType,
    RankingKind,
    Side,
    TimeInForce,
)
from api.domain.financials import FinancialKind
from api.kit.clock import SystemClock, kst_day
from api.kit.crypto import Cipher
from api.settings import Settings

SYMBOL = "005930"
TODAY = kst_day(SystemClock().now())
DEADLINE = 5.0
Ledger = Callable[..., Awaitable[list[dict[str, Any]]]]


async def price_of(control: httpx.AsyncClient, symbol: str = SYMBOL) -> dict[str, Any]:
    market: dict[str, Any] = (await control.get(f"/market/{symbol}")).json()
    return market


def an_order(*, quantity: int = 10, price: int | None, side: Side = Side.BUY, **details: Any) -> NewOrder:
    return NewOrder(
        symbol=SYMBOL,
        side=side,
        order_type=details.get("order_type", OrderType.LIMIT if price is not None else OrderType.MARKET),
        time_in_force=details.get("time_in_force", TimeInForce.DAY),
        exchange=Exchange.KRX,
        quantity=quantity,
        limit_price=price,
    )


def live(order: NewOrder, number: str, branch: str) -> LiveOrder:
    return LiveOrder(
        order_number=number,
        branch=branch,
        symbol=order.symbol,
        side=order.side,
        order_type=order.order_type,
        time_in_force=order.time_in_force,
        exchange=order.exchange,
        leaves_quantity=order.quantity,
        limit_price=order.limit_price,
    )


async def orders_today(adapter: BrokerAdapter) -> list[BrokerOrder]:
    return await adapter.list_orders(kst_day(SystemClock().now()))


async def eventually(read: Callable[[], Awaitable[bool]], seconds: float = 8.0) -> None:
    """Wait until ``read`` says True, or fail."""
    async with asyncio.timeout(seconds):
        while not await read():  # noqa: ASYNC110 - the condition is the sandbox's
            await asyncio.sleep(0.05)


async def wait_for_row(adapter: BrokerAdapter, number: str, is_so: Callable[[BrokerOrder], bool]) -> BrokerOrder:
    """The row of an order number once it has the wanted form: inquiries lag."""
    found: list[BrokerOrder] = []

    async def is_there() -> bool:
        found[:] = [row for row in await orders_today(adapter) if row.order_number == number and is_so(row)]
        return bool(found)

    await eventually(is_there)
    return found[0]


@pytest.fixture
async def notices(adapter: BrokerAdapter) -> AsyncIterator[list[Notice]]:
    """The account's notices as they arrive."""
    seen: list[Notice] = []
    stream = await adapter.open_execution_stream()

    async def listen() -> None:
        async for frame in stream.frames():
            seen.extend(adapter.parse_notices(frame))

    listener = asyncio.create_task(listen())
    yield seen
    listener.cancel()
    await asyncio.gather(listener, return_exceptions=True)
    await stream.aclose()


async def wait_for_notice(notices: list[Notice], kind: NoticeKind) -> Notice:
    async def is_there() -> bool:
        return any(notice.kind is kind for notice in notices)

    await eventually(is_there)
    return next(notice for notice in notices if notice.kind is kind)


@pytest.fixture
async def far_price(control: httpx.AsyncClient) -> int:
    """A buy price that does not trade."""
    return int((await price_of(control))["lower_limit"])


async def test_a_resting_order_is_acknowledged_and_listed(
    adapter: BrokerAdapter, credentials: Credentials, ledger: Ledger, far_price: int
) -> None:
    taken = await adapter.place(an_order(price=far_price), deadline=DEADLINE)

    row = await wait_for_row(adapter, taken.order_number, lambda row: True)
    assert (row.kind, row.original_order_number, row.side) == (BrokerOrderKind.NEW, None, Side.BUY)
    assert (row.symbol, row.quantity, row.limit_price) == (SYMBOL, 10, far_price)
    assert (row.cumulative_quantity, row.leaves_quantity, row.canceled_quantity, row.rejected_quantity) == (0, 10, 0, 0)
    assert abs((SystemClock().now() - row.ordered_at).total_seconds()) < 60
    (truth,) = await ledger(account_number=credentials.account_number)
    assert (truth["order_number"].lstrip("0"), truth["quantity"]) == (taken.order_number, 10)


async def test_an_order_number_carries_no_padding(adapter: BrokerAdapter, far_price: int) -> None:
    taken = await adapter.place(an_order(price=far_price), deadline=DEADLINE)

    assert taken.order_number == taken.order_number.strip().lstrip("0")


async def test_a_market_order_fills_and_the_list_tells_quantity_and_amount(
    adapter: BrokerAdapter, credentials: Credentials, ledger: Ledger
) -> None:
    taken = await adapter.place(an_order(price=None), deadline=DEADLINE)

    row = await wait_for_row(adapter, taken.order_number, lambda row: row.leaves_quantity == 0)
    (truth,) = await ledger(account_number=credentials.account_number)
    assert (row.cumulative_quantity, row.limit_price) == (10, None)
    assert row.filled_amount == truth["executed_amount"]


async def test_a_change_of_price_gets_a_new_number_that_can_be_canceled(adapter: BrokerAdapter, far_price: int) -> None:
    order = an_order(price=far_price)
    taken = await adapter.place(order, deadline=DEADLINE)
    await wait_for_row(adapter, taken.order_number, lambda row: True)

    changed = await adapter.replace(live(order, taken.order_number, taken.branch), limit_price=far_price + 1000, deadline=DEADLINE)
    row = await wait_for_row(adapter, changed.order_number, lambda row: row.leaves_quantity == 10)

    assert changed.order_number != taken.order_number
    assert (row.kind, row.original_order_number, row.limit_price) == (BrokerOrderKind.REPLACE, taken.order_number, far_price + 1000)
    before = await wait_for_row(adapter, taken.order_number, lambda row: row.leaves_quantity == 0)
    assert before.cumulative_quantity == 0
    canceled = await adapter.cancel(live(order, changed.order_number, changed.branch), quantity=None, deadline=DEADLINE)
    assert canceled.order_number not in (taken.order_number, changed.order_number)
    await wait_for_row(adapter, changed.order_number, lambda row: row.leaves_quantity == 0)


async def test_a_cancel_in_part_leaves_the_rest_open(adapter: BrokerAdapter, far_price: int) -> None:
    order = an_order(price=far_price)
    taken = await adapter.place(order, deadline=DEADLINE)
    await wait_for_row(adapter, taken.order_number, lambda row: True)

    canceled = await adapter.cancel(live(order, taken.order_number, taken.branch), quantity=4, deadline=DEADLINE)

    row = await wait_for_row(adapter, taken.order_number, lambda row: row.leaves_quantity == 6)
    assert row.cumulative_quantity == 0
    cancel = await wait_for_row(adapter, canceled.order_number, lambda row: True)
    assert (cancel.kind, cancel.original_order_number, cancel.cumulative_quantity) == (BrokerOrderKind.CANCEL, taken.order_number, 0)


async def test_canceling_what_is_filled_is_rejected_in_the_brokers_words(adapter: BrokerAdapter) -> None:
    order = an_order(price=None)
    taken = await adapter.place(order, deadline=DEADLINE)
    await wait_for_row(adapter, taken.order_number, lambda row: row.leaves_quantity == 0)

    with pytest.raises(BrokerRejected) as caught:
        await adapter.cancel(live(order, taken.order_number, taken.branch), quantity=None, deadline=DEADLINE)

    assert caught.value.code and caught.value.message


async def test_an_order_beyond_the_money_is_rejected(adapter: BrokerAdapter, credentials: Credentials, control: httpx.AsyncClient) -> None:
    price = int((await price_of(control))["price"])

    with pytest.raises(BrokerRejected) as caught:
        await adapter.place(an_order(price=price, quantity=1_000_000), deadline=DEADLINE)

    assert caught.value.message == caught.value.message.strip() != ""


async def test_selling_what_is_not_held_is_rejected(adapter: BrokerAdapter, control: httpx.AsyncClient) -> None:
    price = int((await price_of(control))["price"])

    with pytest.raises(BrokerRejected):
        await adapter.place(an_order(price=price, quantity=101, side=Side.SELL), deadline=DEADLINE)


async def test_the_side_is_the_one_that_was_asked_for(
    adapter: BrokerAdapter, credentials: Credentials, ledger: Ledger, control: httpx.AsyncClient
) -> None:
    upper_limit = int((await price_of(control))["upper_limit"])

    taken = await adapter.place(an_order(price=upper_limit, side=Side.SELL), deadline=DEADLINE)

    (truth,) = await ledger(account_number=credentials.account_number)
    assert truth["side"] == "sell"
    assert (await wait_for_row(adapter, taken.order_number, lambda row: True)).side is Side.SELL


async def test_an_account_without_orders_has_an_empty_list(adapter: BrokerAdapter) -> None:
    assert await orders_today(adapter) == []


async def test_a_long_list_is_read_to_its_end(
    adapter: BrokerAdapter, control: httpx.AsyncClient, credentials: Credentials, far_price: int
) -> None:
    outside = {"broker": credentials.broker, "account_number": credentials.account_number, "symbol": SYMBOL, "side": "buy"}
    for _ in range(230):
        (await control.post("/orders", json={**outside, "quantity": 1, "price": far_price})).raise_for_status()

    async def are_all_listed() -> bool:
        return len({row.order_number for row in await orders_today(adapter)}) == 230

    await eventually(are_all_listed, 30)


async def test_money_and_holdings_are_told(adapter: BrokerAdapter, control: httpx.AsyncClient) -> None:
    balance = await adapter.get_balance()
    (position,) = await adapter.list_positions()

    assert balance.cash == balance.settled_cash == 100_000_000
    assert 0 < balance.orderable_cash <= 100_000_000
    assert balance.total_amount == balance.settled_cash + balance.securities_amount
    assert (position.symbol, position.quantity, position.sellable_quantity) == (SYMBOL, 100, 100)
    assert position.current_price == (await price_of(control))["price"]


async def test_buying_power_at_a_price_is_the_money_divided_by_it(adapter: BrokerAdapter, control: httpx.AsyncClient) -> None:
    price = int((await price_of(control))["price"])

    at_price = await adapter.get_buying_power(SYMBOL, price)
    at_market = await adapter.get_buying_power(SYMBOL, None)

    assert 0 < at_price.orderable_quantity <= 100_000_000 // price
    assert at_market.orderable_quantity <= at_price.orderable_quantity


async def test_a_quote_has_price_and_limits(adapter: BrokerAdapter, control: httpx.AsyncClient) -> None:
    market = await price_of(control)

    quote = await adapter.get_quote(SYMBOL)

    assert (quote.symbol, quote.price) == (SYMBOL, market["price"])
    assert (quote.lower_limit_price, quote.upper_limit_price) == (market["lower_limit"], market["upper_limit"])


FAULTS_THAT_LEAVE_IT_OPEN = [
    "cut_before_taken",
    "cut_after_taken",
    "error_500_before_taken",
    "error_500_after_taken",
    "malformed_answer",
]


@pytest.mark.parametrize("kind", FAULTS_THAT_LEAVE_IT_OPEN)
async def test_a_lost_answer_to_an_order_is_never_repeated(
    kind: str, adapter: BrokerAdapter, credentials: Credentials, control: httpx.AsyncClient, ledger: Ledger, far_price: int
) -> None:
    await adapter.ensure_token(valid_for_seconds=60)
    await control.post("/faults", json={"broker": credentials.broker, "operation": "place", "kind": kind})

    with pytest.raises((BrokerUnavailable, BrokerProtocolError)) as caught:
        await adapter.place(an_order(price=far_price), deadline=DEADLINE)

    assert not isinstance(caught.value, BrokerUnavailable) or caught.value.sent
    is_taken = kind in ("cut_after_taken", "error_500_after_taken", "malformed_answer")
    assert len(await ledger(account_number=credentials.account_number)) == (1 if is_taken else 0)


@pytest.mark.parametrize("kind", FAULTS_THAT_LEAVE_IT_OPEN)
async def test_a_lost_answer_to_a_cancel_is_never_repeated(
    kind: str, adapter: BrokerAdapter, credentials: Credentials, control: httpx.AsyncClient, ledger: Ledger, far_price: int
) -> None:
    order = an_order(price=far_price)
    taken = await adapter.place(order, deadline=DEADLINE)
    await wait_for_row(adapter, taken.order_number, lambda row: True)
    await control.post("/faults", json={"broker": credentials.broker, "operation": "cancel", "kind": kind})

    with pytest.raises((BrokerUnavailable, BrokerProtocolError)):
        await adapter.cancel(live(order, taken.order_number, taken.branch), quantity=4, deadline=DEADLINE)

    is_taken = kind in ("cut_after_taken", "error_500_after_taken", "malformed_answer")
    assert len(await ledger(account_number=credentials.account_number)) == (2 if is_taken else 1)


@pytest.mark.parametrize("kind", ["rate_limited", "token_refused"])
async def test_a_refusal_that_proves_nothing_was_done_is_repeated(
    kind: str, adapter: BrokerAdapter, credentials: Credentials, control: httpx.AsyncClient, ledger: Ledger, far_price: int
) -> None:
    await control.put("/limits", json={"token_interval_seconds": 0})
    await control.post("/faults", json={"broker": credentials.broker, "operation": "place", "kind": kind})

    await adapter.place(an_order(price=far_price), deadline=DEADLINE)

    assert len(await ledger(account_number=credentials.account_number)) == 1
    assert (await control.get("/faults")).json() == [] or (await control.get("/faults")).json()[0]["hits"] == 1


async def test_a_revoked_token_is_dead_at_the_broker_and_the_next_call_has_a_new_one(
    adapter: BrokerAdapter, control: httpx.AsyncClient, database: "AsyncIOMotorDatabase[Any]", cipher: Cipher
) -> None:
    await control.put("/limits", json={"token_interval_seconds": 0})
    await adapter.ensure_token(valid_for_seconds=60)
    [first] = await database["broker_tokens"].find({}).to_list(None)

    await adapter.revoke_token()
    assert await database["broker_tokens"].count_documents({}) == 0
    await adapter.revoke_token()  # there is none any more
    await adapter.get_quote(SYMBOL)

    [second] = await database["broker_tokens"].find({}).to_list(None)
    assert cipher.decrypt(second["token"]) != cipher.decrypt(first["token"])


async def test_endless_rate_refusals_end_at_the_deadline(
    adapter: BrokerAdapter, credentials: Credentials, control: httpx.AsyncClient, ledger: Ledger, far_price: int
) -> None:
    await adapter.ensure_token(valid_for_seconds=60)
    await control.post("/faults", json={"broker": credentials.broker, "operation": "place", "kind": "rate_limited", "count": 1000})

    async with asyncio.timeout(3):
        with pytest.raises(BrokerRateLimited):
            await adapter.place(an_order(price=far_price), deadline=1.0)

    assert await ledger(account_number=credentials.account_number) == []


async def test_a_token_that_stays_refused_is_told_and_not_sent_forever(
    adapter: BrokerAdapter, credentials: Credentials, control: httpx.AsyncClient, ledger: Ledger, far_price: int
) -> None:
    await control.put("/limits", json={"token_interval_seconds": 0})
    await control.post("/faults", json={"broker": credentials.broker, "operation": "place", "kind": "token_refused", "count": 1000})

    async with asyncio.timeout(10):
        with pytest.raises(BrokerError):
            await adapter.place(an_order(price=far_price), deadline=DEADLINE)

    assert await ledger(account_number=credentials.account_number) == []


async def test_inquiries_survive_a_passing_failure(adapter: BrokerAdapter, credentials: Credentials, control: httpx.AsyncClient) -> None:
    await adapter.ensure_token(valid_for_seconds=60)
    await control.post("/faults", json={"broker": credentials.broker, "operation": "inquire", "kind": "error_500_before_taken"})

    assert await orders_today(adapter) == []


@pytest.mark.parametrize("kind", ["cut_before_taken", "error_500_before_taken", "malformed_answer"])
async def test_a_failed_read_is_never_an_empty_list(
    kind: str, adapter: BrokerAdapter, credentials: Credentials, control: httpx.AsyncClient
) -> None:
    await adapter.ensure_token(valid_for_seconds=60)
    await control.post("/faults", json={"broker": credentials.broker, "operation": "inquire", "kind": kind, "count": 50})

    with pytest.raises((BrokerUnavailable, BrokerProtocolError)):
        await orders_today(adapter)


async def test_a_broker_that_is_not_there_got_nothing(adapter: BrokerAdapter, sandbox: Any, far_price: int) -> None:
    await adapter.ensure_token(valid_for_seconds=60)
    await sandbox.stop()

    with pytest.raises(BrokerUnavailable) as caught:
        await adapter.place(an_order(price=far_price), deadline=1.0)

    # a kept connection that is already closed may look written to; a fresh one certainly is not
    with pytest.raises(BrokerUnavailable) as again:
        await adapter.place(an_order(price=far_price), deadline=1.0)
    assert caught.value.broker and not again.value.sent


async def test_the_stream_tells_acceptance_fill_and_cancel(
    adapter: BrokerAdapter, credentials: Credentials, notices: list[Notice], far_price: int
) -> None:
    filled = await adapter.place(an_order(price=None), deadline=DEADLINE)
    trade = await wait_for_notice(notices, NoticeKind.TRADE)
    resting = an_order(price=far_price)
    taken = await adapter.place(resting, deadline=DEADLINE)
    await adapter.cancel(live(resting, taken.order_number, taken.branch), quantity=None, deadline=DEADLINE)
    canceled = await wait_for_notice(notices, NoticeKind.CANCELED)

    assert (trade.order_number, trade.symbol, trade.side) == (filled.order_number, SYMBOL, Side.BUY)
    assert trade.account_number == credentials.account_number
    assert trade.price is not None and trade.price > 0
    assert sum(n.quantity for n in notices if n.kind is NoticeKind.TRADE) == 10
    accepted = [n.order_number for n in notices if n.kind is NoticeKind.ACCEPTED]
    assert accepted == [filled.order_number, taken.order_number]
    assert (canceled.original_order_number, canceled.quantity) == (taken.order_number, 10)


async def test_the_stream_tells_a_change_of_price(adapter: BrokerAdapter, notices: list[Notice], far_price: int) -> None:
    order = an_order(price=far_price)
    taken = await adapter.place(order, deadline=DEADLINE)

    changed = await adapter.replace(live(order, taken.order_number, taken.branch), limit_price=far_price + 1000, deadline=DEADLINE)

    notice = await wait_for_notice(notices, NoticeKind.REPLACED)
    assert (notice.order_number, notice.original_order_number) == (changed.order_number, taken.order_number)
    assert (notice.quantity, notice.price) == (10, far_price + 1000)


async def test_the_stream_tells_a_refusal_by_the_exchange(
    adapter: BrokerAdapter, notices: list[Notice], control: httpx.AsyncClient, far_price: int
) -> None:
    (await control.put("/behavior", json={"reject_at_exchange": 1})).raise_for_status()

    taken = await adapter.place(an_order(price=far_price), deadline=DEADLINE)

    assert (await wait_for_notice(notices, NoticeKind.REJECTED)).order_number == taken.order_number
    assert (await wait_for_row(adapter, taken.order_number, lambda row: row.rejected_quantity == 10)).leaves_quantity == 0


async def test_an_ioc_orders_remainder_ends_with_a_notice(
    adapter: BrokerAdapter, notices: list[Notice], control: httpx.AsyncClient, far_price: int
) -> None:
    order = an_order(price=far_price, time_in_force=TimeInForce.IOC)

    taken = await adapter.place(order, deadline=DEADLINE)

    canceled = await wait_for_notice(notices, NoticeKind.CANCELED)
    assert taken.order_number in (canceled.order_number, canceled.original_order_number)
    assert canceled.quantity == 10


async def test_a_dropped_stream_ends_with_unavailable_and_can_be_opened_again(
    adapter: BrokerAdapter, credentials: Credentials, control: httpx.AsyncClient
) -> None:
    stream = await adapter.open_execution_stream()
    (await control.post(f"/streams/{credentials.broker}/drop")).raise_for_status()

    with pytest.raises(BrokerUnavailable):
        async with asyncio.timeout(5):
            async for _ in stream.frames():
                pass
    await stream.aclose()

    again: ExecutionStream = await adapter.open_execution_stream()
    await again.aclose()


async def test_frames_hold_no_secret(adapter: BrokerAdapter, credentials: Credentials, control: httpx.AsyncClient, far_price: int) -> None:
    stream = await adapter.open_execution_stream()
    await adapter.place(an_order(price=far_price), deadline=DEADLINE)

    async with asyncio.timeout(5):
        frame = await anext(aiter(stream.frames()))
    await stream.aclose()

    assert credentials.app_key not in frame and credentials.app_secret not in frame
    assert adapter.parse_notices(frame)


async def test_many_orders_at_once_stay_within_the_brokers_limit(
    adapter: BrokerAdapter, credentials: Credentials, ledger: Ledger, far_price: int
) -> None:
    count = 25 if credentials.broker is Broker.KIS else 12

    await asyncio.gather(*(adapter.place(an_order(price=far_price, quantity=1), deadline=10) for _ in range(count)))

    assert len(await ledger(account_number=credentials.account_number)) == count


async def test_an_order_that_would_wait_past_its_deadline_is_never_sent(
    adapter: BrokerAdapter, credentials: Credentials, ledger: Ledger, far_price: int
) -> None:
    await adapter.ensure_token(valid_for_seconds=60)
    results = await asyncio.gather(
        *(adapter.place(an_order(price=far_price, quantity=1), deadline=0.3) for _ in range(40)), return_exceptions=True
    )

    refused = [result for result in results if isinstance(result, BrokerRateLimited)]
    assert refused and all(error.retry_after > 0 for error in refused)
    assert len(await ledger(account_number=credentials.account_number)) == 40 - len(refused)


async def test_one_token_serves_all_adapters_of_an_account(
    registry: BrokerRegistry, credentials: Credentials, control: httpx.AsyncClient
) -> None:
    first = registry.adapter(credentials)

    await asyncio.gather(*(first.get_balance() for _ in range(3)))

    assert registry.adapter(credentials) is first


@pytest.mark.parametrize("kind", ["cut_after_taken", "error_500_before_taken", "malformed_answer"])
async def test_a_token_that_cannot_be_issued_means_that_the_order_was_not_sent(
    kind: str, adapter: BrokerAdapter, credentials: Credentials, control: httpx.AsyncClient, ledger: Ledger, far_price: int
) -> None:
    await control.post("/faults", json={"broker": credentials.broker, "operation": "token", "kind": kind, "count": 100})

    with pytest.raises((BrokerUnavailable, BrokerRateLimited)) as caught:
        await adapter.place(an_order(price=far_price), deadline=0.5)

    assert not (isinstance(caught.value, BrokerUnavailable) and caught.value.sent)
    assert await ledger(account_number=credentials.account_number) == []


# --- what Capabilities names, and what it does not ------------------------------------------------------------------------

Ask = Callable[[BrokerAdapter], Awaitable[Any]]
INQUIRIES: dict[Inquiry, Ask] = {
    Inquiry.SELLABLE_QUANTITY: lambda adapter: adapter.get_sellable_quantity(SYMBOL),
    Inquiry.ORDER_BOOK: lambda adapter: adapter.get_order_book(SYMBOL),
    Inquiry.FINANCIAL_RATIOS: lambda adapter: adapter.list_financial_ratios(SYMBOL, is_quarterly=False),
    Inquiry.INVESTMENT_OPINIONS: lambda adapter: adapter.list_investment_opinions(SYMBOL, first=TODAY - timedelta(days=90), last=TODAY),
    Inquiry.TRADING_DAYS: lambda adapter: adapter.list_trading_days(TODAY),
    Inquiry.INSTRUMENTS: lambda adapter: adapter.list_instruments(),
    Inquiry.INSTRUMENT_DETAIL: lambda adapter: adapter.get_instrument_detail(SYMBOL),
    Inquiry.FINANCIALS: lambda adapter: adapter.research.list_financials(SYMBOL, FinancialKind.BALANCE_SHEET, is_quarterly=False),
    Inquiry.INVESTORS: lambda adapter: adapter.research.list_investor_days(SYMBOL),
    Inquiry.FIRM_OPINIONS: lambda adapter: adapter.research.list_firm_opinions("901", first=TODAY - timedelta(days=30), last=TODAY),
    Inquiry.CONDITIONS: lambda adapter: adapter.research.list_conditions(),
    Inquiry.INTEREST_GROUPS: lambda adapter: adapter.research.list_interest_groups(),
}


def is_sane(inquiry: Inquiry, answer: Any) -> bool:
    """Whether an answer about 005930 is one: filled, in order, of the right stock."""
    match inquiry:
        case Inquiry.SELLABLE_QUANTITY:
            return bool(answer == 100)
        case Inquiry.ORDER_BOOK:
            asks, bids = [level.price for level in answer.asks], [level.price for level in answer.bids]
            return asks == sorted(asks) and bids == sorted(bids, reverse=True) and bids[0] < asks[0] and answer.symbol == SYMBOL
        case Inquiry.FINANCIAL_RATIOS:
            periods = [ratio.period for ratio in answer]
            return bool(periods) and periods == sorted(periods, reverse=True)
        case Inquiry.INVESTMENT_OPINIONS:
            days = [opinion.published_on for opinion in answer]
            return days == sorted(days, reverse=True) and all(TODAY - timedelta(days=90) <= day <= TODAY for day in days)
        case Inquiry.TRADING_DAYS:
            return bool(answer[0].day == TODAY)
        case Inquiry.INSTRUMENTS:
            (found,) = [instrument for instrument in answer if instrument.symbol == SYMBOL]
            return (found.name, found.market, found.kind) == ("삼성전자", "KOSPI", "stock") and found.reference_price > 0
        case Inquiry.INSTRUMENT_DETAIL:
            return bool(answer.symbol == SYMBOL and answer.name)
        case Inquiry.FINANCIALS:
            periods = [statement.period for statement in answer]
            return bool(periods) and periods == sorted(periods, reverse=True) and float(answer[0].values["total_assets"]) > 0
        case Inquiry.INVESTORS:
            days = [row.day for row in answer]
            return days == sorted(days, reverse=True) and len(set(days)) == len(days) > 1 and days[0] <= TODAY
        case Inquiry.FIRM_OPINIONS:
            days = [opinion.published_on for opinion in answer]
            return days == sorted(days, reverse=True) != [] and all(TODAY - timedelta(days=30) <= day <= TODAY for day in days)
        case Inquiry.CONDITIONS:
            return [condition.sequence for condition in answer] == ["0", "1", "2"]
        case Inquiry.INTEREST_GROUPS:
            return [group.code for group in answer] == ["001", "002"]


async def calls_of(control: httpx.AsyncClient, broker: Broker) -> int:
    """REST calls that the sandbox has counted at a broker."""
    counted: int = (await control.get("/limits")).json()["counts"][broker]["calls"]
    return counted


@pytest.fixture
async def at_sandbox(
    settings: Settings, sandbox: Sandbox, database: "AsyncIOMotorDatabase[Any]", redis: Redis, cipher: Cipher
) -> AsyncIterator[BrokerRegistry]:
    """Adapters whose paper server is the sandbox too, so that the brokers' own are never called."""
    kis_socket, ls_socket = (url.replace("http", "ws", 1) for url in (sandbox.kis_url, sandbox.ls_url))
    paper = {
        "kis_paper_url": sandbox.kis_url,
        "kis_paper_ws_url": kis_socket,
        "kis_master_url": f"{sandbox.kis_url}/common/master",
        "ls_url": sandbox.ls_url,
        "ls_paper_ws_url": ls_socket,
    }
    made = BrokerRegistry(settings.model_copy(update=paper), database, redis, cipher, SystemClock())
    yield made
    await made.aclose()


@pytest.fixture(params=["real", "paper"])
async def either(
    request: pytest.FixtureRequest, broker: Broker, control: httpx.AsyncClient, at_sandbox: BrokerRegistry
) -> tuple[BrokerAdapter, Credentials]:
    """An adapter to an account of the sandbox's, spoken to as such and as to the broker's paper server."""
    environment = Environment.PAPER if request.param == "paper" else Environment.SANDBOX
    body = {"broker": broker, "environment": request.param, "cash": 100_000_000, "positions": {SYMBOL: 100}}
    account = (await control.post("/accounts", json=body)).raise_for_status().json()
    credentials = Credentials(
        account_id=f"{broker}-{request.param}",
        broker=broker,
        environment=environment,
        account_number=account["account_number"],
        app_key=account["app_key"],
        app_secret=account["app_secret"],
        hts_id=account["hts_id"] if broker is Broker.KIS else "",
    )
    return at_sandbox.adapter(credentials), credentials


@pytest.mark.parametrize("inquiry", Inquiry)
async def test_each_inquiry_answers_or_says_that_it_is_not_offered_without_asking(
    either: tuple[BrokerAdapter, Credentials], control: httpx.AsyncClient, inquiry: Inquiry
) -> None:
    adapter, credentials = either
    before = await calls_of(control, credentials.broker)

    if inquiry in adapter.capabilities.inquiries:
        assert is_sane(inquiry, await INQUIRIES[inquiry](adapter))
    else:
        with pytest.raises(BrokerUnsupported):
            await INQUIRIES[inquiry](adapter)
        assert await calls_of(control, credentials.broker) == before


@pytest.mark.parametrize("kind", RankingKind)
async def test_each_ranking_is_in_order_or_not_offered(
    either: tuple[BrokerAdapter, Credentials], control: httpx.AsyncClient, kind: RankingKind
) -> None:
    adapter, credentials = either
    before = await calls_of(control, credentials.broker)

    if kind not in adapter.capabilities.rankings:
        with pytest.raises(BrokerUnsupported):
            await adapter.list_ranking(kind)
        assert await calls_of(control, credentials.broker) == before
        return
    rows = await adapter.list_ranking(kind)

    measures: dict[RankingKind, Callable[[RankedInstrument], float]] = {
        RankingKind.VOLUME: lambda row: -row.volume,
        RankingKind.TURNOVER: lambda row: -(row.turnover_amount or 0),
        RankingKind.GAINERS: lambda row: -float(row.change_rate),
        RankingKind.LOSERS: lambda row: float(row.change_rate),
        RankingKind.VOLUME_SURGE: lambda row: -float(row.volume_growth or 0),
        RankingKind.BID_BALANCE: lambda row: (row.ask_quantity or 0) - (row.bid_quantity or 0),
        RankingKind.ASK_BALANCE: lambda row: (row.bid_quantity or 0) - (row.ask_quantity or 0),
        RankingKind.AFTER_HOURS_GAINERS: lambda row: -float(row.change_rate),
        RankingKind.AFTER_HOURS_LOSERS: lambda row: float(row.change_rate),
        RankingKind.AFTER_HOURS_VOLUME: lambda row: -row.volume,
        RankingKind.EXPECTED_GAINERS: lambda row: -float(row.change_rate),
        RankingKind.EXPECTED_LOSERS: lambda row: float(row.change_rate),
        RankingKind.FOREIGN_NET_BUYING: lambda row: -(row.net_quantity or 0),
        RankingKind.INSTITUTION_NET_BUYING: lambda row: -(row.net_quantity or 0),
    }
    measure = measures[kind]
    assert [row.rank for row in rows] == list(range(1, len(rows) + 1)) != []
    assert [measure(row) for row in rows] == sorted(measure(row) for row in rows)


@pytest.mark.parametrize("interval", CandleInterval)
async def test_each_kind_of_bar_is_whole_and_in_order_or_not_offered(
    either: tuple[BrokerAdapter, Credentials], control: httpx.AsyncClient, interval: CandleInterval
) -> None:
    adapter, credentials = either
    first = TODAY if interval is CandleInterval.MINUTE else TODAY - timedelta(days=40)
    before = await calls_of(control, credentials.broker)

    if interval not in adapter.capabilities.candle_intervals:
        with pytest.raises(BrokerUnsupported):
            await adapter.list_candles(SYMBOL, interval, first=first, last=TODAY)
        assert await calls_of(control, credentials.broker) == before
        return
    bars = await adapter.list_candles(SYMBOL, interval, first=first, last=TODAY)

    times = [bar.opened_at for bar in bars]
    assert times == sorted(set(times)) != []
    assert all(bar.low_price <= min(bar.open_price, bar.close_price) for bar in bars)
    assert all(bar.high_price >= max(bar.open_price, bar.close_price) for bar in bars)
    assert bars[-1].close_price == (await price_of(control))["last_price"]


async def test_shares_that_are_for_sale_already_are_not_sellable(adapter: BrokerAdapter, control: httpx.AsyncClient) -> None:
    upper_limit = int((await price_of(control))["upper_limit"])
    await adapter.place(an_order(price=upper_limit, side=Side.SELL, quantity=30), deadline=DEADLINE)

    async def are_fewer() -> bool:
        return await adapter.get_sellable_quantity(SYMBOL) == 70

    await eventually(are_fewer)
    assert await adapter.get_sellable_quantity("000660") == 0


async def test_a_part_of_an_order_moves_to_a_new_price_and_the_rest_stays(
    adapter: BrokerAdapter, notices: list[Notice], far_price: int
) -> None:
    order = an_order(price=far_price)
    taken = await adapter.place(order, deadline=DEADLINE)
    await wait_for_row(adapter, taken.order_number, lambda row: True)

    changed = await adapter.replace(
        live(order, taken.order_number, taken.branch), limit_price=far_price + 1000, quantity=4, deadline=DEADLINE
    )

    moved = await wait_for_row(adapter, changed.order_number, lambda row: row.leaves_quantity == 4)
    rest = await wait_for_row(adapter, taken.order_number, lambda row: row.leaves_quantity == 6)
    assert (moved.limit_price, moved.original_order_number) == (far_price + 1000, taken.order_number)
    assert (rest.limit_price, rest.quantity) == (far_price, 10)
    notice = await wait_for_notice(notices, NoticeKind.REPLACED)
    assert (notice.order_number, notice.original_order_number, notice.quantity) == (changed.order_number, taken.order_number, 4)


async def test_more_than_is_open_cannot_be_moved(adapter: BrokerAdapter, far_price: int) -> None:
    order = an_order(price=far_price)
    taken = await adapter.place(order, deadline=DEADLINE)
    await wait_for_row(adapter, taken.order_number, lambda row: True)

    with pytest.raises(BrokerRejected):
        await adapter.replace(live(order, taken.order_number, taken.branch), limit_price=far_price + 1000, quantity=11, deadline=DEADLINE)


async def test_every_order_kind_of_the_capabilities_is_taken(
    either: tuple[BrokerAdapter, Credentials], control: httpx.AsyncClient, ledger: Ledger, far_price: int
) -> None:
    adapter, credentials = either
    (await control.put("/limits", json={"broker": credentials.broker, "enabled": False})).raise_for_status()
    kinds = sorted(adapter.capabilities.order_kinds)

    for order_type, time_in_force, exchange in kinds:
        priced = order_type in PRICED_ORDER_TYPES
        order = an_order(quantity=1, price=far_price if priced else None, order_type=order_type, time_in_force=time_in_force)
        taken = await adapter.place(msgspec.structs.replace(order, exchange=exchange), deadline=DEADLINE)
        assert taken.order_number, (order_type, time_in_force, exchange)

    assert [row["venue"] for row in await ledger(account_number=credentials.account_number)] == [exchange for _, _, exchange in kinds]
    assert {exchange for _, _, exchange in kinds} <= ({Exchange.KRX} if credentials.environment is Environment.PAPER else set(Exchange))
