"""Unknown outcomes, kill switches, risk limits, report and audit log in a headless Chromium, against everything real."""

from pathlib import Path

import pytest

from tests.browser.conftest import in_browser
from tests.receiver import receiving
from tests.stack import Stack

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize("device", ["desktop", "phone"])
async def test_a_manager_settles_an_unknown_order_halts_trading_and_confirms_a_limit(
    stack_with_pages: Stack, tmp_path: Path, device: str
) -> None:
    stack = stack_with_pages
    account_id = stack.accounts["kis"]["id"]
    settings = {"settings": {"never_received_after_seconds": 3600}}  # nothing settles it by itself meanwhile
    (await stack.http.patch(f"/accounts/{account_id}", json=settings)).raise_for_status()
    await stack.sandbox.post("/faults", json={"broker": "kis", "operation": "place", "kind": "cut_before_taken", "count": 1})
    order = {"account_id": account_id, "symbol": "000660", "side": "buy", "order_type": "limit", "quantity": 3}
    price = (await stack.http.get("/instruments/000660")).json()["lower_limit_price"]
    unknown = await stack.http.post("/orders", json=order | {"limit_price": price})
    assert (unknown.status_code, unknown.json()["status"]) == (202, "unknown"), unknown.text

    async with receiving() as receiver:
        seen = await in_browser(stack, "controls.mjs", tmp_path, unknown.json()["id"], account_id, receiver.url, device)
    [test] = [message for message in receiver.received if message.body["event"] == "test"]

    assert test.is_signed_by(seen["secret"])
    assert (await stack.order(unknown.json()["id"]))["status"] == "rejected"
    assert seen["placed"]["confirmed_limits"] == ["order_quantity"]
    filled = await stack.until_order(seen["placed"]["id"], "filled")
    assert len(filled["broker_order_ids"]) == 1
    assert len([row for row in await stack.ledger_orders(broker="kis") if row["quantity"] == 6]) == (1 if device == "desktop" else 2)
