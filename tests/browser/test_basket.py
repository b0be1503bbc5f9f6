"""A basket in a headless Chromium, against everything real."""

from pathlib import Path

import pytest

from tests.browser.conftest import in_browser
from tests.stack import Stack

pytestmark = pytest.mark.asyncio(loop_scope="session")

HEADER = "계좌,종목코드,매매구분,수량,주문유형,가격\r\n"


@pytest.mark.parametrize("device", ["desktop", "phone"])
async def test_a_trader_sends_a_file_of_orders_and_what_a_limit_held_back_after_it(
    stack_with_pages: Stack, tmp_path: Path, device: str
) -> None:
    stack = stack_with_pages
    kis, ls = (stack.accounts[broker] for broker in ("kis", "ls"))
    price = (await stack.http.get("/instruments/000660")).json()["lower_limit_price"]
    limits = f"/accounts/{kis['id']}/risk-limits"
    (await stack.http.put(limits, json={"order_quantity": {"limit": 5, "action": "confirm"}})).raise_for_status()
    wrong, good = tmp_path / "wrong.csv", tmp_path / "good.csv"
    wrong.write_bytes(
        (
            HEADER
            + f"{kis['name']},5930,매수,1,지정가,60000\r\n"
            + f"{ls['name']},000660,보류,0,지정가,{price}\r\n"
            + f"없는 계좌,000660,매수,1,지정가,{price}\r\n"
            + f'{ls["name"]},000660,매수,"1,000",지정가,{price + 1}\r\n'
        ).encode("cp949")
    )
    good.write_bytes(
        (
            HEADER
            + f"{kis['name']},005930,매수,2,시장가,\r\n"
            + f'{ls["name"]},000660,매수,3,지정가,"{price:,}"\r\n'
            + f"{kis['name']},000660,매수,7,지정가,{price}\r\n"
        ).encode("cp949")
    )
    before = len(await stack.ledger_orders())

    seen = await in_browser(stack, "basket.mjs", tmp_path, str(wrong), str(good), device)
    (await stack.http.put(limits, json={})).raise_for_status()

    assert seen["problems"] == [
        [2, "symbol", "symbol_too_short"],
        [3, "side", "invalid_request"],
        [3, "quantity", "invalid_request"],
        [4, "account", "not_found"],
        [5, "limit_price", "invalid_tick"],
    ]
    assert (seen["first_codes"], seen["bought"]) == ([201, 201, 409], f"{price * 10:,}원")
    basket = (await stack.http.get(f"/orders/baskets/{seen['basket_id']}")).json()
    assert [(item["row"], item["order"]["quantity"], item["order"]["confirmed_limits"]) for item in basket["items"]] == [
        (2, 2, []),
        (3, 3, []),
        (4, 7, ["order_quantity"]),
    ]
    assert len(await stack.ledger_orders()) - before == 3
    await stack.assert_fills_agree(basket["items"][0]["order"]["id"])
