"""Prices from KIS's websocket through the worker to who looks at them."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from api.kit.clock import SystemClock
from api.kit.redis_client import open_redis
from api.market.live import LiveQuotes
from tests.stack import Stack, until

pytestmark = pytest.mark.asyncio(loop_scope="session")

SYMBOLS = ("005930", "000660")


@pytest_asyncio.fixture(loop_scope="session", autouse=True)
async def lively(stack: Stack) -> AsyncIterator[None]:
    """Somebody trades in the symbols now and then: as the sandbox's market does, which runs."""
    await stack.sandbox.post("/market/resume")
    await stack.until_streams_live()
    yield


async def quotes_of(stack: Stack, *symbols: str, **params: str) -> list[dict[str, Any]]:
    answer = await stack.http.get("/quotes", params={"symbols": ",".join(symbols)} | params)
    answer.raise_for_status()
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def trade(stack: Stack, symbol: str) -> None:
    """One share, bought at the market by somebody."""
    account = stack.accounts["ls"]["account_number"].replace("-", "")
    order = {"broker": "ls", "account_number": account, "symbol": symbol, "side": "buy", "order_type": "market", "quantity": 1}
    (await stack.sandbox.post("/orders", json=order)).raise_for_status()


async def until_live(stack: Stack) -> list[dict[str, Any]]:
    """Trade and look until every price comes from the feed."""
    found: list[dict[str, Any]] = []

    async def are_live() -> bool:
        for symbol in SYMBOLS:
            await trade(stack, symbol)
        found[:] = await quotes_of(stack, *SYMBOLS)
        return all(quote["is_live"] for quote in found)

    await until(are_live, "the prices are live", seconds=40)
    return found


async def test_prices_that_are_looked_at_come_live_and_agree_with_the_market(stack: Stack) -> None:
    first = await quotes_of(stack, *SYMBOLS)
    live = await until_live(stack)

    await stack.sandbox.post("/market/pause")
    try:
        truth = {symbol: (await stack.sandbox.get(f"/market/{symbol}")).json()["price"] for symbol in SYMBOLS}

        async def agree() -> bool:
            return all(quote["is_live"] and quote["price"] == truth[quote["symbol"]] for quote in await quotes_of(stack, *SYMBOLS))

        await until(agree, "the live prices are the market's")
    finally:
        await stack.sandbox.post("/market/resume")

    fixed = ("symbol", "name", "upper_limit_price", "lower_limit_price", "reference_price", "open_price", "broker")
    for asked, told in zip(first, live, strict=True):
        assert {name: told[name] for name in fixed} == {name: asked[name] for name in fixed} | {"broker": "kis"}
        assert told["volume"] > asked["volume"]
        assert (told["price"] - told["change"], told["low_price"] <= told["price"] <= told["high_price"]) == (told["reference_price"], True)


async def test_while_the_feed_is_down_prices_are_asked_for_as_ever_and_live_again_after_it(stack: Stack) -> None:
    await until_live(stack)

    (await stack.sandbox.post("/streams/kis/drop")).raise_for_status()

    async def is_asked_for() -> bool:
        return not any(quote["is_live"] for quote in await quotes_of(stack, *SYMBOLS))

    await until(is_asked_for, "no price is called live", seconds=5)
    await stack.until_streams_live()
    await until_live(stack)


async def test_live_prices_are_those_of_the_account_whose_key_they_came_by(stack: Stack) -> None:
    await until_live(stack)
    redis = open_redis(stack.settings.redis_url)
    live = LiveQuotes(redis, stack.settings.redis_prefix, SystemClock())

    assert await live.look(stack.accounts["kis"]["id"], SYMBOLS[0]) is not None
    assert await live.look(stack.accounts["ls"]["id"], SYMBOLS[0]) is None
    assert await live.look("0" * 24, SYMBOLS[0]) is None
    await redis.aclose()


async def test_fills_come_as_ever_while_prices_are_followed(stack: Stack) -> None:
    [quote, _] = await until_live(stack)
    order = {
        "account_id": stack.accounts["kis"]["id"],
        "symbol": quote["symbol"],
        "side": "buy",
        "order_type": "limit",
        "quantity": 3,
        "limit_price": quote["upper_limit_price"],
    }

    placed = (await stack.http.post("/orders", json=order)).json()

    filled = await stack.until_order(placed["id"], "filled")
    assert [fill["source"] for fill in filled["fills"]] == ["stream"] * len(filled["fills"])
