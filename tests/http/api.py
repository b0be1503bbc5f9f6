"""What the tests of routes share."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import uvicorn
from litestar import Litestar

from api.app import create_app
from api.bootstrap import Services
from api.brokers.sandbox.server import Sandbox
from api.domain.enums import Role
from api.kit.tls import trusted
from api.settings import Settings
from api.users.schemas import CreateUser
from tests.http.contract import check_answer
from tests.stack import until

PASSWORD = "correct horse battery"

SignIn = Callable[[Role, str], Awaitable[dict[str, str]]]


@dataclass(frozen=True, kw_only=True)
class Api:
    """A running API: a client, and its insides for what no route does."""

    client: httpx.AsyncClient
    services: Services
    app: Litestar

    async def sign_in(self, username: str, password: str = PASSWORD) -> dict[str, str]:
        """Headers of a user's requests."""
        answer = await self.client.post("/auth/login", json={"username": username, "password": password})
        self.client.cookies.clear()
        return {"Authorization": f"Bearer {answer.json()['access_token']}"}

    async def add_user(self, role: Role, username: str) -> dict[str, str]:
        """A new user of this role, signed in: the headers of their requests."""
        await self.services.users.create("system", CreateUser(username=username, password=PASSWORD, role=role))
        return await self.sign_in(username)


_idle_apps: list[Litestar] = []
"""Making one takes most of a second; each start opens services of its own, so one that has ended serves the next test as well."""

_ORIGINS = ("http://127.0.0.1:8080",)
"""Of every app alike, since an app keeps its first."""


@asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[Api]:
    """The API on its port, in this event loop."""
    settings = settings.model_copy(update={"cors_origins": _ORIGINS})
    app = _idle_apps.pop() if _idle_apps else create_app(settings)
    app.state.settings = settings
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=settings.api_port, log_config=None, lifespan="on"))
    task = asyncio.create_task(server._serve())  # not serve(): that would take over the test run's signals

    async def is_up() -> bool:
        if task.done():
            task.result()
        return server.started

    await until(is_up, "the API is up")
    services: Services = app.state.services
    hooks = {"response": [check_answer]}
    async with httpx.AsyncClient(
        verify=trusted(), base_url=f"http://127.0.0.1:{settings.api_port}/api/v1", timeout=20, event_hooks=hooks
    ) as client:
        yield Api(client=client, services=services, app=app)
    server.should_exit = True
    await task
    _idle_apps.append(app)


@dataclass(frozen=True, kw_only=True)
class Desk:
    """The API with a sandbox behind it, and the demo user's two accounts; no worker, so what was taken stays open."""

    api: Api
    sandbox: Sandbox
    control: httpx.AsyncClient
    demo: dict[str, str]
    accounts: dict[str, dict[str, Any]]

    def order(self, broker: str = "kis", **changes: Any) -> dict[str, Any]:
        """A good request for an order far below the market."""
        return {
            "account_id": self.accounts[broker]["id"],
            "symbol": "005930",
            "side": "buy",
            "order_type": "limit",
            "quantity": 10,
            "limit_price": 60_000,
        } | changes

    async def place(self, broker: str = "kis", headers: dict[str, str] | None = None, **changes: Any) -> httpx.Response:
        """Place `order` as the demo user, or with these headers."""
        return await self.api.client.post("/orders", json=self.order(broker, **changes), headers=self.demo | (headers or {}))

    async def placed(self, broker: str = "kis", **changes: Any) -> dict[str, Any]:
        """An order that the broker took."""
        answer = await self.place(broker, **changes)
        assert (answer.status_code, answer.json().get("status")) == (201, "new"), answer.text
        document: dict[str, Any] = answer.json()
        return document

    async def at_broker(self, order: dict[str, Any]) -> list[str]:
        """What the broker has of an order: the kind of itself (``new``) and of each change."""
        number = order["broker_order_ids"][0]
        rows = (await self.control.get("/ledger/orders", params={"broker": order["broker"]})).json()
        return [row["kind"] for row in rows if number in (str(int(row["order_number"])), str(int(row["original_order_number"] or 0)))]

    async def set_fault(self, broker: str, kind: str, count: int = 1) -> None:
        """Let the next calls that place an order fail so."""
        answer = await self.control.post("/faults", json={"broker": broker, "operation": "place", "kind": kind, "count": count})
        answer.raise_for_status()

    async def traces(self) -> tuple[int, int]:
        """How many orders are stored, and how many the brokers were sent."""
        return await self.api.services.database["orders"].count_documents({}), len(self.sandbox.doors.exchange.orders)
