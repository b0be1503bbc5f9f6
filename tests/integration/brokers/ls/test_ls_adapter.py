"""The LS adapter against the sandbox: orders, lists, money, and what a fault may and may not lead to."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from api.brokers.base import BrokerOrderKind, Credentials, LiveOrder, NewOrder
from api.brokers.errors import (
    BrokerProtocolError,
    BrokerRateLimited,
    BrokerRejected,
    BrokerTokenExpired,
    BrokerUnavailable,
)
from api.brokers.ls.adapter import LsAdapter
from api.brokers.registry import BrokerRegistry
from api.brokers.sandbox.server import Sandbox
from api.domain.enums import Exchange, OrderType, Side, TimeInForce
from api.errors import UnsupportedOrder
from api.kit.clock import SystemClock, kst_day

Ledger = Callable[..., Awaitable[list[dict[str, Any]]]]
SYMBOL = "005930"
FAR_BELOW = 50_000  # within the day's limits of the sandbox's 71,000, and never executed


def an_order(**changes: Any) -> NewOrder:
    fields: dict[str, Any] = {
        "symbol": SYMBOL,
        "side": Side.BUY,
        "order_type": OrderType.LIMIT,
        "time_in_force": TimeInForce.DAY,
        "exchange": Exchange.KRX,
        "quantity": 10,
        "limit_price": FAR_BELOW,
    }
    return NewOrder(**(fields | changes))


def live(order_number: str, **changes: Any) -> LiveOrder:
    fields: dict[str, Any] = {
        "order_number": order_number,
        "branch": "",
        "symbol": SYMBOL,
        "side": Side.BUY,
        "order_type": OrderType.LIMIT,
        "time_in_force": TimeInForce.DAY,
        "exchange": Exchange.KRX,
        "leaves_quantity": 10,
        "limit_price": FAR_BELOW,
    }
    return LiveOrder(**(fields | changes))


async def inject(control: httpx.AsyncClient, operation: str, kind: str, **more: Any) -> None:
    (await control.post("/faults", json={"broker": "ls", "operation": operation, "kind": kind, **more})).raise_for_status()


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    for _ in range(250):
        if await condition():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("not within 5 s")


async def until_state(ledger: Ledger, order_number: str, state: str, executed: int | None = None) -> None:
    """Wait for the exchange: the broker's answer comes before its confirmation."""

    async def is_so() -> bool:
        row = next(row for row in await ledger() if str(row["order_number"]) == order_number)
        return row["state"] == state and executed in (None, row["executed_quantity"])

    await until(is_so)


async def test_placed_order_is_in_the_book_under_its_number(adapter: LsAdapter, ledger: Ledger) -> None:
    taken = await adapter.place(an_order(), deadline=5)

    (order,) = await ledger()
    assert taken.order_number == str(order["order_number"])
    assert (order["symbol"], order["side"], order["quantity"], order["price"]) == (SYMBOL, "buy", 10, FAR_BELOW)
    assert taken.code == "00040"


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({"order_type": OrderType.MARKET, "limit_price": None}, "filled"),
        ({"time_in_force": TimeInForce.IOC}, "canceled"),
        ({"time_in_force": TimeInForce.FOK}, "canceled"),
        ({"order_type": OrderType.BEST_LIMIT, "limit_price": None}, "filled"),
        ({"order_type": OrderType.CONDITIONAL_LIMIT}, "new"),
        ({"side": Side.SELL, "limit_price": 92_000}, "new"),
    ],
)
async def test_order_kinds_mean_the_same_at_the_exchange(adapter: LsAdapter, ledger: Ledger, changes: dict[str, Any], state: str) -> None:
    taken = await adapter.place(an_order(**changes), deadline=5)

    await until_state(ledger, taken.order_number, state)


async def test_order_kind_that_ls_does_not_take_is_not_sent(adapter: LsAdapter, ledger: Ledger) -> None:
    with pytest.raises(UnsupportedOrder):
        await adapter.place(an_order(exchange=Exchange.SOR), deadline=5)

    assert await ledger() == []


async def test_refused_order_carries_the_words_of_ls(adapter: LsAdapter) -> None:
    with pytest.raises(BrokerRejected) as caught:
        await adapter.place(an_order(symbol="999999"), deadline=5)

    assert caught.value.code == "01524"
    assert caught.value.message


async def test_replace_and_cancel_run_under_numbers_of_their_own(adapter: LsAdapter, ledger: Ledger) -> None:
    placed = await adapter.place(an_order(), deadline=5)
    replaced = await adapter.replace(live(placed.order_number), limit_price=51_000, deadline=5)
    await adapter.cancel(live(replaced.order_number), quantity=4, deadline=5)
    last = await adapter.cancel(live(replaced.order_number, leaves_quantity=6), quantity=None, deadline=5)
    await until_state(ledger, replaced.order_number, "canceled")

    orders = {order.order_number: order for order in await adapter.list_orders(kst_day(SystemClock().now()))}
    first, second = orders[placed.order_number], orders[replaced.order_number]
    assert (first.kind, first.leaves_quantity, first.canceled_quantity) == (BrokerOrderKind.NEW, 0, 0)
    assert (second.kind, second.original_order_number, second.limit_price) == (BrokerOrderKind.REPLACE, placed.order_number, 51_000)
    assert (second.leaves_quantity, second.canceled_quantity) == (0, 10)
    assert (orders[last.order_number].kind, orders[last.order_number].canceled_quantity) == (BrokerOrderKind.CANCEL, 6)
    assert len(await ledger()) == 4


async def test_shares_moved_to_a_new_price_are_not_canceled_ones(adapter: LsAdapter, ledger: Ledger) -> None:
    placed = await adapter.place(an_order(), deadline=5)
    moved = await adapter.replace(live(placed.order_number), limit_price=51_000, quantity=4, deadline=5)

    async def is_split() -> bool:
        return [row["leaves_quantity"] for row in await ledger()] == [6, 4]

    await until(is_split)
    rest, part = await adapter.list_orders(kst_day(SystemClock().now()))

    assert (rest.order_number, rest.leaves_quantity, rest.canceled_quantity) == (placed.order_number, 6, 0)
    assert (part.order_number, part.leaves_quantity, part.order_type_code) == (moved.order_number, 4, "00")


async def test_paper_account_speaks_other_codes_and_means_the_same(
    make_registry: Callable[[int], BrokerRegistry], sandbox: Sandbox, paper_credentials: Credentials, ledger: Ledger
) -> None:
    adapter = make_registry(sandbox.ls_port).adapter(paper_credentials)

    placed = await adapter.place(an_order(), deadline=5)
    replaced = await adapter.replace(live(placed.order_number), limit_price=51_000, deadline=5)
    await until_state(ledger, placed.order_number, "replaced")
    canceled = await adapter.cancel(live(replaced.order_number), quantity=None, deadline=5)
    await until_state(ledger, replaced.order_number, "canceled")

    assert (placed.code, replaced.code, canceled.code) == ("00040", "00462", "00463")
    with pytest.raises(BrokerRejected) as caught:
        await adapter.cancel(live(replaced.order_number), quantity=None, deadline=5)
    assert caught.value.code == "01433"


@pytest.mark.parametrize("action", ["cancel", "replace"])
async def test_change_of_all_that_is_open_follows_a_fill_not_seen_yet(adapter: LsAdapter, ledger: Ledger, action: str) -> None:
    placed = await adapter.place(an_order(), deadline=5)
    first = await adapter.cancel(live(placed.order_number), quantity=4, deadline=5)  # what Lucy knows of its order is stale now
    await until_state(ledger, first.order_number, "confirmed")
    stale = live(placed.order_number, leaves_quantity=10)

    if action == "cancel":
        await adapter.cancel(stale, quantity=None, deadline=5)
    else:
        await adapter.replace(stale, limit_price=51_000, deadline=5)

    assert [row["quantity"] for row in await ledger()] == [10, 4, 6]


async def test_cancel_of_nothing_is_refused(adapter: LsAdapter, ledger: Ledger) -> None:
    placed = await adapter.place(an_order(), deadline=5)
    await adapter.cancel(live(placed.order_number), quantity=None, deadline=5)
    await until_state(ledger, placed.order_number, "canceled")

    with pytest.raises(BrokerRejected) as caught:
        await adapter.cancel(live(placed.order_number), quantity=None, deadline=5)

    assert caught.value.code == "03416"


@pytest.mark.parametrize(
    ("kind", "in_book"),
    [
        ("cut_before_taken", 0),
        ("cut_after_taken", 1),
        ("error_500_before_taken", 0),
        ("error_500_after_taken", 1),
        ("malformed_answer", 1),
    ],
)
@pytest.mark.parametrize("operation", ["place", "replace", "cancel"])
async def test_lost_answer_leaves_the_outcome_open_and_is_never_sent_again(
    adapter: LsAdapter, control: httpx.AsyncClient, ledger: Ledger, operation: str, kind: str, in_book: int
) -> None:
    number = "" if operation == "place" else (await adapter.place(an_order(), deadline=5)).order_number
    before = len(await ledger())
    await inject(control, operation, kind)

    with pytest.raises((BrokerUnavailable, BrokerProtocolError)) as caught:
        match operation:
            case "place":
                await adapter.place(an_order(), deadline=5)
            case "replace":
                await adapter.replace(live(number), limit_price=51_000, deadline=5)
            case _:
                await adapter.cancel(live(number), quantity=None, deadline=5)

    assert getattr(caught.value, "sent", True)
    assert len(await ledger()) - before == in_book


async def test_rate_refusal_is_waited_out_and_the_order_sent_once(adapter: LsAdapter, control: httpx.AsyncClient, ledger: Ledger) -> None:
    await inject(control, "place", "rate_limited", count=2)

    await adapter.place(an_order(), deadline=5)

    assert len(await ledger()) == 1


async def test_rate_refusal_until_the_deadline_was_never_an_order(adapter: LsAdapter, control: httpx.AsyncClient, ledger: Ledger) -> None:
    await inject(control, "place", "rate_limited", count=100)

    with pytest.raises(BrokerRateLimited):
        await adapter.place(an_order(), deadline=0.8)

    assert await ledger() == []


async def test_order_past_its_deadline_is_not_sent(adapter: LsAdapter, ledger: Ledger) -> None:
    with pytest.raises(BrokerRateLimited):
        await adapter.place(an_order(), deadline=-1)

    assert await ledger() == []


async def test_refused_token_is_replaced_once_and_the_order_sent_once(
    adapter: LsAdapter, control: httpx.AsyncClient, ledger: Ledger
) -> None:
    await inject(control, "place", "token_refused")

    await adapter.place(an_order(), deadline=5)

    assert len(await ledger()) == 1


async def test_second_token_refusal_ends_the_try(adapter: LsAdapter, control: httpx.AsyncClient, ledger: Ledger) -> None:
    await inject(control, "place", "token_refused", count=2)

    with pytest.raises(BrokerTokenExpired):
        await adapter.place(an_order(), deadline=5)

    assert await ledger() == []


async def test_token_that_ended_at_the_broker_is_renewed_on_the_way(adapter: LsAdapter, control: httpx.AsyncClient, ledger: Ledger) -> None:
    await adapter.ensure_token(valid_for_seconds=60)
    (await control.post("/tokens/ls/expire")).raise_for_status()

    await adapter.place(an_order(), deadline=5)

    assert len(await ledger()) == 1


@pytest.mark.parametrize("kind", ["cut_before_taken", "error_500_before_taken", "malformed_answer", "token_refused"])
async def test_order_without_a_token_was_never_sent(adapter: LsAdapter, control: httpx.AsyncClient, ledger: Ledger, kind: str) -> None:
    await inject(control, "token", kind, count=100)

    with pytest.raises((BrokerUnavailable, BrokerRejected)) as caught:
        await adapter.place(an_order(), deadline=0.5)

    assert not getattr(caught.value, "sent", False)
    assert await ledger() == []


async def test_broker_that_is_down_got_nothing(adapter: LsAdapter, sandbox: Sandbox) -> None:
    await adapter.ensure_token(valid_for_seconds=60)
    await sandbox.stop()

    with pytest.raises(BrokerUnavailable) as caught:
        await adapter.place(an_order(), deadline=0.5)

    assert not caught.value.sent


@pytest.mark.parametrize("kind", ["cut_after_taken", "error_500_before_taken", "rate_limited", "token_refused"])
async def test_inquiry_gets_over_a_fault(adapter: LsAdapter, control: httpx.AsyncClient, kind: str) -> None:
    await inject(control, "inquire", kind)

    assert (await adapter.get_quote(SYMBOL)).symbol == SYMBOL


async def test_failed_inquiry_is_no_empty_list(adapter: LsAdapter, control: httpx.AsyncClient) -> None:
    await inject(control, "inquire", "error_500_before_taken", count=100)

    with pytest.raises(BrokerUnavailable):
        await adapter.list_orders(kst_day(SystemClock().now()))


async def test_cut_list_is_no_list(adapter: LsAdapter, control: httpx.AsyncClient) -> None:
    await inject(control, "inquire", "malformed_answer", count=100)

    with pytest.raises(BrokerProtocolError):
        await adapter.list_orders(kst_day(SystemClock().now()))


async def test_no_orders_is_an_empty_list(adapter: LsAdapter) -> None:
    assert await adapter.list_orders(kst_day(SystemClock().now())) == []


async def test_other_days_cannot_be_listed(adapter: LsAdapter) -> None:
    with pytest.raises(ValueError, match="today"):
        await adapter.list_orders(kst_day(SystemClock().now()).replace(year=2020))


async def test_long_list_is_read_to_its_end_and_agrees_with_the_book(
    adapter: LsAdapter, control: httpx.AsyncClient, ledger: Ledger, credentials: Credentials
) -> None:
    body = {"broker": "ls", "account_number": credentials.account_number, "symbol": SYMBOL, "side": "buy", "quantity": 1}
    for number in range(250):
        (await control.post("/orders", json=body | {"price": 71_000 if number % 50 == 0 else FAR_BELOW})).raise_for_status()

    async def are_five_filled() -> bool:
        return len([row for row in await ledger() if row["state"] == "filled"]) == 5

    await until(are_five_filled)
    listed = await adapter.list_orders(kst_day(SystemClock().now()))

    book = await ledger()
    assert [order.order_number for order in listed] == [str(row["order_number"]) for row in book]
    assert [(order.cumulative_quantity, order.filled_amount) for order in listed] == [
        (row["executed_quantity"], row["executed_amount"]) for row in book
    ]


async def test_money_and_holdings_add_up(adapter: LsAdapter) -> None:
    positions = {position.symbol: position for position in await adapter.list_positions()}
    balance = await adapter.get_balance()

    assert positions[SYMBOL].quantity > 0
    assert balance.securities_amount == sum(position.evaluation_amount for position in positions.values())
    assert balance.total_amount == balance.settled_cash + balance.securities_amount


async def test_market_order_buys_less_than_a_limit_order(adapter: LsAdapter) -> None:
    limit, market = await adapter.get_buying_power(SYMBOL, 71_000), await adapter.get_buying_power(SYMBOL, None)

    assert 0 < market.orderable_quantity < limit.orderable_quantity


async def test_instrument_master_names_markets_and_kinds(adapter: LsAdapter) -> None:
    instruments = {instrument.symbol: instrument for instrument in await adapter.list_instruments()}

    assert (instruments[SYMBOL].name, instruments[SYMBOL].market, instruments[SYMBOL].kind) == ("삼성전자", "KOSPI", "stock")
    assert instruments["069500"].kind == "etf"


async def test_processes_that_start_together_share_one_token(
    make_registry: Callable[..., BrokerRegistry], sandbox: Sandbox, credentials: Credentials
) -> None:
    adapters = [make_registry(sandbox.ls_port).adapter(credentials) for _ in range(4)]

    # a second token would have killed the first: somebody's call would have been refused on the way
    await asyncio.gather(*(one.ensure_token(valid_for_seconds=60) for one in adapters))
    (token,) = {await one._rest.token() for one in adapters if isinstance(one, LsAdapter)}

    assert token
