"""The whole stack, once a module."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from api.settings import Settings
from tests.stack import Stack, running


@pytest_asyncio.fixture(loop_scope="session")
async def stack(settings: Settings, tmp_path: Path) -> AsyncIterator[Stack]:
    """Sandbox, API and worker as processes of their own, seeded, streams live."""
    async with running(settings, tmp_path) as found:
        yield found


@pytest.fixture
def an_order(stack: Stack) -> Iterator[Any]:
    """A request for an order at a broker's account; a far price keeps it open."""

    def make(broker: str, **changes: Any) -> dict[str, Any]:
        return {
            "account_id": stack.accounts[broker]["id"],
            "symbol": "005930",
            "side": "buy",
            "order_type": "limit",
            "quantity": 10,
            "limit_price": 71_000,
        } | changes

    yield make
