"""Watch lists in a headless Chromium, against everything real."""

from pathlib import Path

import pytest

from tests.browser.conftest import in_browser
from tests.stack import Stack

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize(("device", "symbol", "name"), [("desktop", "005930", "삼성전자"), ("phone", "000660", "SK하이닉스")])
async def test_a_user_fills_a_list_is_told_of_a_crossing_and_orders_from_it(
    stack_with_pages: Stack, tmp_path: Path, device: str, symbol: str, name: str
) -> None:
    stack = stack_with_pages

    seen = await in_browser(stack, "watch.mjs", tmp_path, stack.settings.sandbox_url, symbol, name, device)

    alerts = (await stack.http.get("/watchlists/alerts")).json()["items"]
    assert [(alert["level"], alert["name"]) for alert in alerts if alert["symbol"] == symbol] == [("target", name)]
    assert f"{alerts[0]['price']:,}" in seen["toast"]
