"""What is KIS's own: order forms, paper, tokens, what the request on the wire looks like."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from msgspec.structs import replace
from redis.asyncio import Redis

from api.brokers.base import BrokerAdapter, BrokerOrderKind, Credentials, LiveOrder, NewOrder
from api.brokers.errors import BrokerRateLimited, BrokerRejected, BrokerUnavailable
from api.brokers.kis.adapter import capabilities_of
from api.domain.enums import PRICED_ORDER_TYPES, Broker, Environment, Exchange, OrderType, Side, TimeInForce
from api.errors import UnsupportedOrder
from api.kit.clock import SystemClock, kst_day

OpenAccount = Callable[..., Awaitable[Credentials]]
MakeAdapter = Callable[[Credentials], BrokerAdapter]
Ledger = Callable[..., Awaitable[list[dict[str, Any]]]]


def limit_buy(price: int, *, quantity: int = 10) -> NewOrder:
    return NewOrder(
        symbol="005930",
        side=Side.BUY,
        order_type=OrderType.LIMIT,
        time_in_force=TimeInForce.DAY,
        exchange=Exchange.KRX,
        quantity=quantity,
        limit_price=price,
    )


@pytest.fixture
async def low(control: httpx.AsyncClient) -> int:
    return int((await control.get("/market/005930")).json()["lower_limit"])


@pytest.fixture
async def paper(control: httpx.AsyncClient) -> Credentials:
    account = (await control.post("/accounts", json={"broker": "kis", "environment": "paper", "cash": 10_000_000})).json()
    return Credentials(
        account_id="paper",
        broker=Broker.KIS,
        environment=Environment.PAPER,
        account_number=account["account_number"],
        app_key=account["app_key"],
        app_secret=account["app_secret"],
        hts_id=account["hts_id"],
    )


async def test_a_paper_account_is_served_with_paper_tr_ids_and_its_slow_limit(
    kis_adapter: MakeAdapter, paper: Credentials, low: int
) -> None:
    adapter = kis_adapter(paper)

    taken = await adapter.place(limit_buy(low), deadline=10)
    (row,) = await adapter.list_orders(kst_day(SystemClock().now()))

    assert (row.order_number, row.kind) == (taken.order_number, BrokerOrderKind.NEW)
    assert (await adapter.get_balance()).cash == 10_000_000


async def test_a_paper_key_taken_for_a_real_one_is_rejected_in_the_brokers_words(kis_adapter: MakeAdapter, paper: Credentials) -> None:
    adapter = kis_adapter(replace(paper, environment=Environment.REAL))

    with pytest.raises(BrokerRejected) as caught:
        await adapter.list_positions()

    assert caught.value.code.startswith("EGW02")


KINDS = sorted(capabilities_of(Environment.SANDBOX).order_kinds)
ALWAYS_OPEN = [kind for kind in KINDS if kind[0] not in (OrderType.PRE_OPEN_CLOSE, OrderType.AFTER_CLOSE)]


@pytest.mark.parametrize(("order_type", "time_in_force", "exchange"), ALWAYS_OPEN)
async def test_every_kind_of_order_that_is_offered_is_taken(
    order_type: OrderType,
    time_in_force: TimeInForce,
    exchange: Exchange,
    kis_adapter: MakeAdapter,
    open_account: OpenAccount,
    ledger: Ledger,
    low: int,
) -> None:
    account = await open_account(Broker.KIS, cash=100_000_000)
    price = low if order_type in PRICED_ORDER_TYPES else None
    order = replace(limit_buy(low), order_type=order_type, time_in_force=time_in_force, exchange=exchange, limit_price=price)

    await kis_adapter(account).place(order, deadline=5)

    (truth,) = await ledger(account_number=account.account_number)
    assert (truth["venue"], truth["price"]) == (exchange.value, price or truth["price"])


async def test_paper_offers_krx_alone() -> None:
    assert {exchange for _, _, exchange in capabilities_of(Environment.PAPER).order_kinds} == {Exchange.KRX}


async def test_an_order_that_kis_does_not_know_is_refused_before_it_is_sent(kis_adapter: MakeAdapter, open_account: OpenAccount) -> None:
    adapter = kis_adapter(await open_account(Broker.KIS))
    order = replace(limit_buy(50_000), order_type=OrderType.CONDITIONAL_LIMIT, time_in_force=TimeInForce.IOC)

    with pytest.raises(UnsupportedOrder):
        await adapter.place(order, deadline=5)


async def test_an_order_without_a_price_cannot_be_repriced(kis_adapter: MakeAdapter, open_account: OpenAccount) -> None:
    adapter = kis_adapter(await open_account(Broker.KIS))
    order = LiveOrder(
        order_number="1",
        branch="",
        symbol="005930",
        side=Side.BUY,
        order_type=OrderType.MARKET,
        time_in_force=TimeInForce.DAY,
        exchange=Exchange.KRX,
        leaves_quantity=1,
        limit_price=None,
    )

    with pytest.raises(UnsupportedOrder):
        await adapter.replace(order, limit_price=50_000, deadline=5)


async def test_an_order_number_without_padding_is_read(
    kis_adapter: MakeAdapter, open_account: OpenAccount, control: httpx.AsyncClient, low: int
) -> None:
    (await control.put("/variants", json={"kis_odno": "unpadded"})).raise_for_status()
    adapter = kis_adapter(await open_account(Broker.KIS))

    taken = await adapter.place(limit_buy(low), deadline=5)

    assert [row.order_number for row in await adapter.list_orders(kst_day(SystemClock().now()))] == [taken.order_number]


async def test_a_day_without_orders_is_empty_near_and_far(kis_adapter: MakeAdapter, open_account: OpenAccount) -> None:
    adapter = kis_adapter(await open_account(Broker.KIS))
    today = kst_day(SystemClock().now())

    assert await adapter.list_orders(today - timedelta(days=2)) == []


async def test_many_processes_ask_for_one_token_only(
    kis_adapter: MakeAdapter, open_account: OpenAccount, control: httpx.AsyncClient, database: Any
) -> None:
    account = await open_account(Broker.KIS)
    adapters = [kis_adapter(account) for _ in range(12)]

    await asyncio.gather(*(adapter.ensure_token(valid_for_seconds=600) for adapter in adapters))

    # a second issue within the minute would have been refused with 403
    assert await database["broker_tokens"].count_documents({}) == 1


async def test_the_stored_token_is_encrypted(kis_adapter: MakeAdapter, open_account: OpenAccount, database: Any, cipher: Any) -> None:
    account = await open_account(Broker.KIS)

    await kis_adapter(account).ensure_token(valid_for_seconds=60)

    stored = await database["broker_tokens"].find_one({})
    assert account.app_key not in str(stored)
    assert cipher.decrypt(stored["token"]) not in str(stored)


async def test_expired_tokens_are_renewed_once_and_the_call_goes_through(
    kis_adapter: MakeAdapter, open_account: OpenAccount, control: httpx.AsyncClient, ledger: Ledger, low: int
) -> None:
    (await control.put("/limits", json={"token_interval_seconds": 0})).raise_for_status()
    account = await open_account(Broker.KIS)
    adapters = [kis_adapter(account) for _ in range(3)]
    await asyncio.gather(*(adapter.ensure_token(valid_for_seconds=60) for adapter in adapters))
    (await control.post("/tokens/kis/expire")).raise_for_status()

    await asyncio.gather(*(adapter.place(limit_buy(low, quantity=1), deadline=5) for adapter in adapters))

    assert len(await ledger(account_number=account.account_number)) == 3


async def test_a_token_that_may_not_be_issued_yet_says_when(
    kis_adapter: MakeAdapter, open_account: OpenAccount, database: Any, low: int, ledger: Ledger
) -> None:
    account = await open_account(Broker.KIS)
    await kis_adapter(account).ensure_token(valid_for_seconds=60)
    await database["broker_tokens"].delete_many({})

    for _ in range(2):
        with pytest.raises(BrokerRateLimited) as caught:
            await kis_adapter(account).place(limit_buy(low), deadline=5)
        assert 50 < caught.value.retry_after <= 60
    assert await ledger(account_number=account.account_number) == []


async def test_without_redis_nothing_is_sent(
    kis_adapter: MakeAdapter, open_account: OpenAccount, redis: Redis, ledger: Ledger, low: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = await open_account(Broker.KIS)
    adapter = kis_adapter(account)
    await adapter.ensure_token(valid_for_seconds=60)
    await redis.connection_pool.disconnect()
    redis.connection_pool.reset()  # type: ignore[no-untyped-call]  # redis-py's own
    monkeypatch.setitem(redis.connection_pool.connection_kwargs, "port", 1)

    with pytest.raises(BrokerUnavailable) as caught:
        await adapter.place(limit_buy(low), deadline=0.5)

    assert not caught.value.sent
    assert await ledger(account_number=account.account_number) == []
