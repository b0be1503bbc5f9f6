"""The SPA in a headless Chromium, against everything real: pages, API, worker, sandbox brokers."""

from pathlib import Path

import pytest

from tests.browser.conftest import in_browser
from tests.stack import Stack

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize(("device", "symbol"), [("desktop", "005930"), ("phone", "000660")])
async def test_a_trader_signs_in_buys_and_sees_the_fill_without_reloading(
    stack_with_pages: Stack, tmp_path: Path, device: str, symbol: str
) -> None:
    stack = stack_with_pages

    seen = await in_browser(stack, "buy.mjs", tmp_path, symbol, "3", device)

    assert seen["is_same_document"]
    order = await stack.order(seen["order_id"])
    assert (order["status"], order["cumulative_quantity"]) == ("filled", 3)
    await stack.assert_fills_agree(seen["order_id"])
