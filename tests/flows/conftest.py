"""The whole stack, once a module."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import pytest_asyncio

from tests.conftest import RunningServers, fresh_settings
from tests.stack import Stack, running


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stack(servers: RunningServers, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    """Sandbox, API and worker as processes of their own, seeded, streams live."""
    folder = tmp_path_factory.mktemp("stack")
    with fresh_settings(servers, folder) as settings:
        async with running(settings, folder) as found:
            yield found


@pytest_asyncio.fixture(autouse=True, loop_scope="session")
async def healthy_sandbox(stack: Stack) -> AsyncIterator[None]:
    """What a test switched on at the sandbox is off again after it."""
    yield
    await stack.sandbox.delete("/faults")
    await stack.sandbox.post("/market/resume")
    for broker in ("kis", "ls"):
        await stack.sandbox.post("/notices", json={"broker": broker, "mode": "normal"})


@pytest.fixture
def an_order(stack: Stack) -> Callable[..., dict[str, Any]]:
    """A request for an order at a broker's account; a price far below the market keeps it open."""

    def make(broker: str, **changes: Any) -> dict[str, Any]:
        return {
            "account_id": stack.accounts[broker]["id"],
            "symbol": "005930",
            "side": "buy",
            "order_type": "limit",
            "quantity": 10,
            "limit_price": 60_000,
        } | changes

    return make
