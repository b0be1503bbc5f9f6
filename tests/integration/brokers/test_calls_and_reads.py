"""How many calls reach a broker: identical reads are merged, evidence is asked for afresh, tokens are not replaced in vain."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from motor.motor_asyncio import AsyncIOMotorDatabase
from redis.asyncio import Redis

from api.brokers.base import BrokerAdapter, Credentials, NewOrder
from api.brokers.endpoints import BrokerEndpoints
from api.brokers.ls.adapter import LsAdapter
from api.brokers.registry import BrokerRegistry
from api.brokers.sandbox.server import Sandbox
from api.brokers.tokens import IssuedToken, TokenKey, TokenStore
from api.domain.enums import Broker, Environment, Exchange, OrderType, Side, TimeInForce
from api.kit.call_scheduler import CallScheduler
from api.kit.clock import KST, ManualClock, kst_day
from api.kit.crypto import Cipher
from api.kit.tls import trusted

OpenAccount = Callable[..., Awaitable[Credentials]]
ORDER = NewOrder(
    symbol="005930",
    side=Side.BUY,
    order_type=OrderType.LIMIT,
    time_in_force=TimeInForce.DAY,
    exchange=Exchange.KRX,
    quantity=1,
    limit_price=60_000,
)


async def count(control: httpx.AsyncClient, broker: Broker, what: str = "calls") -> int:
    return int((await control.get("/limits")).json()["counts"][broker][what])


async def test_a_quote_that_many_accounts_ask_for_at_once_is_one_call(
    registry: BrokerRegistry, open_account: OpenAccount, control: httpx.AsyncClient, broker: Broker
) -> None:
    adapters = [registry.adapter(await open_account(broker)) for _ in range(3)]
    before = await count(control, broker)

    quotes = await asyncio.gather(*(adapter.get_quote("005930") for adapter in adapters * 10))

    assert len({quote.price for quote in quotes}) == 1
    assert await count(control, broker) - before == 1


async def test_an_account_asked_for_its_holdings_many_times_at_once_asks_once(
    adapter: BrokerAdapter, control: httpx.AsyncClient, broker: Broker
) -> None:
    await adapter.ensure_token(valid_for_seconds=60)
    before = await count(control, broker)

    answers = await asyncio.gather(*(adapter.list_positions() for _ in range(10)))

    assert {answer[0].quantity for answer in answers} == {100}
    assert await count(control, broker) - before == 1


async def test_accounts_do_not_get_each_others_holdings(registry: BrokerRegistry, open_account: OpenAccount, broker: Broker) -> None:
    adapters = [registry.adapter(await open_account(broker, positions={"005930": quantity})) for quantity in (3, 4, 5)]

    answers = await asyncio.gather(*(adapter.list_positions() for adapter in adapters * 2))

    assert [answer[0].quantity for answer in answers] == [3, 4, 5, 3, 4, 5]


async def test_money_is_asked_for_anew_once_an_order_has_gone_out(adapter: BrokerAdapter) -> None:
    before = await adapter.get_buying_power("005930", 60_000)

    await adapter.place(ORDER, deadline=5)
    after = await adapter.get_buying_power("005930", 60_000)

    assert after.orderable_cash < before.orderable_cash


async def test_lists_of_orders_are_evidence_and_never_shared(adapter: BrokerAdapter, control: httpx.AsyncClient, broker: Broker) -> None:
    await adapter.ensure_token(valid_for_seconds=60)
    before = await count(control, broker)

    await asyncio.gather(*(adapter.list_orders(kst_day(datetime.now(UTC))) for _ in range(2)))

    assert await count(control, broker) - before == 2


async def test_a_token_of_ls_that_lives_until_seven_is_not_replaced_before(
    sandbox: Sandbox,
    database: "AsyncIOMotorDatabase[Any]",
    redis: Redis,
    cipher: Cipher,
    prefix: str,
    open_account: OpenAccount,
    control: httpx.AsyncClient,
) -> None:
    credentials = await open_account(Broker.LS)
    clock = ManualClock(datetime(2026, 1, 5, 6, 40, tzinfo=KST))  # long before the sandbox's day: what it issues now lives on then
    tokens = TokenStore(database, redis, cipher, clock, prefix)
    urls = BrokerEndpoints(rest_url=sandbox.ls_url, websocket_url=sandbox.ls_url.replace("http", "ws", 1))

    async def issue() -> IssuedToken:
        return IssuedToken("yesterday's", datetime(2026, 1, 5, 6, 59, 59, tzinfo=KST).astimezone(UTC))

    async with httpx.AsyncClient(verify=trusted(), trust_env=False) as http:
        scheduler = CallScheduler(redis, prefix, clock)
        adapter = LsAdapter(credentials, http, urls, tokens, scheduler, clock)
        await tokens.get(TokenKey.of(credentials), issue)
        before = await count(control, Broker.LS, "token_requests")

        await adapter.ensure_token(valid_for_seconds=1800)
        clock.advance(19 * 60 + 50)  # 06:59:50
        await adapter.ensure_token(valid_for_seconds=1800)
        in_the_morning = await count(control, Broker.LS, "token_requests")
        clock.advance(10)
        await adapter.ensure_token(valid_for_seconds=1800)
        await scheduler.aclose()

    assert credentials.environment is Environment.SANDBOX
    assert in_the_morning == before
    assert await count(control, Broker.LS, "token_requests") == before + 1


@pytest.mark.parametrize("environment", list(Environment))
def test_the_registry_tells_the_limits_of_each_broker(registry: BrokerRegistry, broker: Broker, environment: Environment) -> None:
    rows = registry.call_limits(broker, environment)

    assert {row.broker for row in rows} == {broker}
    assert {row.tr is None for row in rows} == {broker is Broker.KIS}
