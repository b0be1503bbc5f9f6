"""The stock pages in a headless Chromium, against everything real."""

from pathlib import Path

import pytest

from tests.browser.conftest import in_browser
from tests.stack import Stack, until

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def has_details(stack: Stack) -> bool:
    """Whether the stocks looked at have their English name and their number of shares."""
    instruments = [(await stack.http.get(f"/instruments/{symbol}")).json() for symbol in ("005930", "000660")]
    return all(each["listed_shares"] and each["english_name"] for each in instruments)


@pytest.mark.parametrize("device", ["desktop", "phone"])
async def test_a_user_finds_a_stock_reads_all_about_it_and_takes_it_to_a_list_and_the_ticket(
    stack_with_pages: Stack, tmp_path: Path, device: str
) -> None:
    for each in (await stack_with_pages.http.get("/watchlists")).json()["items"]:  # of the run on the other device
        await stack_with_pages.http.delete(f"/watchlists/{each['id']}")
    lacking = "the worker has asked KIS for what the masters lack"
    await until(lambda: has_details(stack_with_pages), lacking, seconds=150)  # it asks once a minute

    seen = await in_browser(stack_with_pages, "stocks.mjs", tmp_path, device)

    lists = (await stack_with_pages.http.get("/watchlists")).json()["items"]
    details = [(await stack_with_pages.http.get(f"/watchlists/{each['id']}")).json() for each in lists]
    assert [item["symbol"] for each in details for item in each["items"] if each["kind"] == "interest"] == ["005930", "000660", "035420"]
    assert len(seen["quarters"]) > 1
