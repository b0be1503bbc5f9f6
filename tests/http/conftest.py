"""The API on a real port, in this process, so that a test can reach its services too."""

from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio

from api.brokers.sandbox import server
from api.domain.enums import Role
from api.kit.tls import trusted
from api.local.seed import DEMO_PASSWORD, DEMO_USER, seed
from api.settings import Settings
from tests.conftest import RunningServers, fresh_settings
from tests.http.api import Api, Desk, SignIn, serving


@pytest.fixture
async def api(settings: Settings) -> AsyncIterator[Api]:
    """A running API with an empty database."""
    async with serving(settings) as running:
        yield running


@pytest.fixture
def sign_in(api: Api) -> SignIn:
    """Makes a user of a role and signs in: gives the headers of their requests."""
    return api.add_user


@pytest.fixture
async def admin(sign_in: SignIn) -> dict[str, str]:
    """Headers of an admin."""
    return await sign_in(Role.ADMIN, "admin")


@pytest.fixture
async def trader(sign_in: SignIn) -> dict[str, str]:
    """Headers of a trader without any account."""
    return await sign_in(Role.TRADER, "trader")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def desk(servers: RunningServers, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Desk]:
    """API and sandbox with the demo user's accounts, once a module: take names, and orders, of your own."""
    with fresh_settings(servers, tmp_path_factory.mktemp("desk")) as settings:
        async with (
            server.serving(port=settings.sandbox_port) as sandbox,
            httpx.AsyncClient(verify=trusted(), base_url=sandbox.control_url) as control,
            serving(settings) as api,
        ):
            await control.put("/limits", json={"enabled": False})
            await seed(api.services)
            demo = await api.sign_in(DEMO_USER, DEMO_PASSWORD)
            items = (await api.client.get("/accounts", headers=demo)).json()["items"]
            yield Desk(api=api, sandbox=sandbox, control=control, demo=demo, accounts={item["broker"]: item for item in items})
