"""Amounts of LS orders as reconciliation reads them: exact to the won, and asked for sparingly."""

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from api.brokers.base import BrokerOrder, NewOrder
from api.brokers.ls.adapter import LsAdapter
from api.domain.enums import Exchange, OrderType, Side, TimeInForce
from api.kit.clock import SystemClock, kst_day

Ledger = Callable[..., Awaitable[list[dict[str, Any]]]]
SYMBOL = "005930"


@pytest.fixture(autouse=True)
async def thin_book(control: httpx.AsyncClient) -> None:
    """Few shares at each price, so that an order trades at several; nothing grows back, and trades follow at once."""
    (await control.put("/liquidity", json={"level_quantity": 7, "refill_milliseconds": 0})).raise_for_status()
    (await control.put("/behavior", json={"arrival_milliseconds": 0})).raise_for_status()  # traded before the next request is read


async def trade(adapter: LsAdapter, control: httpx.AsyncClient, *, side: Side, quantity: int, symbol: str = SYMBOL) -> None:
    """A market order that executes at several prices."""
    order = NewOrder(
        symbol=symbol,
        side=side,
        order_type=OrderType.MARKET,
        time_in_force=TimeInForce.IOC,
        exchange=Exchange.KRX,
        quantity=quantity,
        limit_price=None,
    )
    (
        await control.put(f"/market/{symbol}", json={"price": (await price_of(control, symbol))})
    ).raise_for_status()  # the book is whole again
    await adapter.place(order, deadline=5)


async def price_of(control: httpx.AsyncClient, symbol: str) -> int:
    price: int = (await control.get(f"/market/{symbol}")).json()["reference_price"]
    return price


async def listed(adapter: LsAdapter) -> list[BrokerOrder]:
    return await adapter.list_orders(kst_day(SystemClock().now()))


async def truth(ledger: Ledger) -> list[tuple[str, int, int]]:
    return [(str(row["order_number"]), row["executed_quantity"], row["executed_amount"]) for row in await ledger(broker="ls")]


def told(orders: list[BrokerOrder]) -> list[tuple[str, int, int]]:
    return [(order.order_number, order.cumulative_quantity, order.filled_amount) for order in orders]


async def calls(control: httpx.AsyncClient) -> int:
    counted: int = (await control.get("/limits")).json()["counts"]["ls"]["calls"]
    return counted


async def test_amounts_of_orders_with_many_prices_are_exact(adapter: LsAdapter, control: httpx.AsyncClient, ledger: Ledger) -> None:
    for quantity in (16, 23, 31, 38):
        await trade(adapter, control, side=Side.BUY, quantity=quantity)
        await trade(adapter, control, side=Side.SELL, quantity=quantity + 1)

    orders = await listed(adapter)

    assert told(orders) == await truth(ledger)
    executed = [order for order in orders if order.cumulative_quantity]
    assert len(executed) == 8
    # else the list alone would have told it, and this test would show nothing
    assert any(order.filled_amount % order.cumulative_quantity for order in executed)


async def buy_funds(adapter: LsAdapter, control: httpx.AsyncClient) -> None:
    """Large orders in ticks of 5 won: several amounts fit an average in hundredths of a won."""
    (await control.put("/liquidity", json={"level_quantity": 397, "refill_milliseconds": 0})).raise_for_status()
    for quantity in (1_800, 1_801, 1_803):
        await trade(adapter, control, side=Side.BUY, quantity=quantity, symbol="069500")


async def test_amounts_that_the_averages_leave_open_add_up_all_the_same(
    adapter: LsAdapter, control: httpx.AsyncClient, ledger: Ledger
) -> None:
    await buy_funds(adapter, control)

    orders = await listed(adapter)

    true_amounts = [amount for _, _, amount in await truth(ledger)]
    assert sum(order.filled_amount for order in orders) == sum(true_amounts)
    for order, amount in zip(orders, true_amounts, strict=True):
        assert order.filled_amount % 5 == 0
        assert abs(order.filled_amount - amount) <= order.cumulative_quantity * 0.015


async def test_a_history_of_executions_settles_every_amount(adapter: LsAdapter, control: httpx.AsyncClient, ledger: Ledger) -> None:
    (await control.put("/variants", json={"ls_order_history": "executions"})).raise_for_status()
    await buy_funds(adapter, control)

    orders = await listed(adapter)

    assert told(orders) == await truth(ledger)


async def test_amounts_are_asked_for_once(adapter: LsAdapter, control: httpx.AsyncClient, ledger: Ledger) -> None:
    for quantity in (16, 23):
        await trade(adapter, control, side=Side.BUY, quantity=quantity)
    before = await calls(control)
    await listed(adapter)
    asked = await calls(control)

    again = await listed(adapter)

    assert (asked - before, await calls(control) - asked) == (2, 1)
    assert told(again) == await truth(ledger)


async def test_one_open_amount_is_settled_by_the_lists_own_totals(adapter: LsAdapter, control: httpx.AsyncClient, ledger: Ledger) -> None:
    await trade(adapter, control, side=Side.BUY, quantity=23)
    await trade(adapter, control, side=Side.SELL, quantity=16)
    before = await calls(control)

    orders = await listed(adapter)

    assert await calls(control) - before == 1
    assert told(orders) == await truth(ledger)


async def test_a_busted_trade_is_taken_out_of_the_amount(adapter: LsAdapter, control: httpx.AsyncClient, ledger: Ledger) -> None:
    for quantity in (16, 23):
        await trade(adapter, control, side=Side.BUY, quantity=quantity)
    first, _ = await listed(adapter)
    bust = {"broker": "ls", "order_number": int(first.order_number), "index": 1}
    (await control.post("/executions/bust", json=bust)).raise_for_status()

    orders = await listed(adapter)

    assert told(orders) == await truth(ledger)
    assert orders[0].cumulative_quantity == first.cumulative_quantity - 7


@pytest.mark.parametrize("history", ["not_offered", "failing"])
async def test_amounts_that_are_not_told_do_not_keep_the_list_back(
    adapter: LsAdapter, control: httpx.AsyncClient, ledger: Ledger, history: str
) -> None:
    (await control.put("/variants", json={"ls_order_history": history})).raise_for_status()
    for quantity in (16, 23):
        await trade(adapter, control, side=Side.BUY, quantity=quantity)

    orders = await listed(adapter)

    for (number, quantity, amount), (true_number, true_quantity, true_amount) in zip(told(orders), await truth(ledger), strict=True):
        assert (number, quantity) == (true_number, true_quantity)
        assert abs(amount - true_amount) <= quantity // 2 + 1


async def test_amounts_are_exact_once_they_are_told_again(adapter: LsAdapter, control: httpx.AsyncClient, ledger: Ledger) -> None:
    (await control.put("/variants", json={"ls_order_history": "failing"})).raise_for_status()
    for quantity in (16, 23):
        await trade(adapter, control, side=Side.BUY, quantity=quantity)
    rounded = await listed(adapter)
    (await control.put("/variants", json={"ls_order_history": "orders"})).raise_for_status()

    orders = await listed(adapter)

    assert told(rounded) != await truth(ledger)
    assert told(orders) == await truth(ledger)
