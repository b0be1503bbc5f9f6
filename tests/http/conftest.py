"""The API on a real port, in this process, so that a test can reach its services too."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
import uvicorn

from api.app import create_app
from api.bootstrap import Services
from api.domain.enums import Role
from api.settings import Settings
from api.users.schemas import CreateUser
from tests.http.api import PASSWORD, Api, SignIn
from tests.stack import until


@pytest.fixture
async def api(settings: Settings) -> AsyncIterator[Api]:
    """A running API with an empty database."""
    app = create_app(settings)
    config = uvicorn.Config(app, host="127.0.0.1", port=settings.api_port, log_config=None, lifespan="on")
    server = uvicorn.Server(config)
    task = asyncio.create_task(server._serve())  # not serve(): that would take over the test run's signals

    async def is_up() -> bool:
        if task.done():
            task.result()
        return server.started

    await until(is_up, "the API is up")
    services: Services = app.state.services
    async with httpx.AsyncClient(base_url=f"{settings.api_url}/api/v1", timeout=10) as client:
        yield Api(client=client, services=services, app=app)
    server.should_exit = True
    await task


@pytest.fixture
def sign_in(api: Api) -> SignIn:
    """Makes a user of a role and signs in: gives the headers of their requests."""

    async def make(role: Role, username: str) -> dict[str, str]:
        await api.services.users.create("system", CreateUser(username=username, password=PASSWORD, role=role))
        answer = await api.client.post("/auth/login", json={"username": username, "password": PASSWORD})
        api.client.cookies.clear()
        return {"Authorization": f"Bearer {answer.json()['access_token']}"}

    return make


@pytest.fixture
async def admin(sign_in: SignIn) -> dict[str, str]:
    """Headers of an admin."""
    return await sign_in(Role.ADMIN, "admin")


@pytest.fixture
async def trader(sign_in: SignIn) -> dict[str, str]:
    """Headers of a trader without any account."""
    return await sign_in(Role.TRADER, "trader")
