"""Clients that place, repeat, change and cancel orders and blocks, whatever happens to Lucy meanwhile."""

import asyncio
import random
from collections import Counter, deque
from collections.abc import Sequence
from typing import Any

import httpx
from msgspec import Struct

from api.domain.ticks import tick_size
from tests.chaos.desk import Desk, Json

_PATIENCE = 60
_SAME_AGAIN = frozenset({429, 500, 502, 503})
"""Answers after which a careful client sends the same request again."""


class Request(Struct):
    """What a client wanted, and which orders it was told of."""

    body: Json
    order_ids: set[str]
    statuses: list[int]


class Load:
    """Closed-loop clients; each waits for a definite answer before it goes on."""

    def __init__(self, desk: Desk, plans: Sequence[Json], rng: random.Random, *, orders: int, rate: float, clients: int) -> None:
        self._desk = desk
        self._plans = plans
        self._rng = rng
        self._wanted = orders
        self._pause = clients / rate
        self._clients = clients
        self._live: deque[str] = deque(maxlen=300)
        self._live_blocks: deque[str] = deque(maxlen=50)
        self.requests: dict[str, Request] = {}
        self.blocks: dict[str, Request] = {}
        self.counts: Counter[str] = Counter()
        self.crashes: list[Json] = []

    async def run(self) -> None:
        """Until as many orders as wanted were placed."""
        limits = httpx.Limits(max_connections=self._clients * 2)
        async with httpx.AsyncClient(
            base_url=self._desk.stack.http.base_url, headers=self._desk.stack.http.headers, timeout=30, limits=limits
        ) as http:
            await asyncio.gather(*(self._one_client(http) for _ in range(self._clients)))

    async def _one_client(self, http: httpx.AsyncClient) -> None:
        while len(self.requests) < self._wanted:
            draw = self._rng.random()
            if draw > 0.96:
                await self._place_block(http)
            elif draw > 0.945 and self._live_blocks:
                await self._call(http, "POST", f"/block-orders/{self._rng.choice(self._live_blocks)}/cancel", "cancel block")
            elif draw > 0.94 and self._live_blocks:
                await self._replace_block(http)
            elif draw < 0.70 or not self._live:
                await self._place(http)
            elif draw < 0.86:
                await self._call(http, "DELETE", f"/orders/{self._rng.choice(self._live)}", "cancel")
            else:
                await self._replace(http)
            await asyncio.sleep(self._pause * self._rng.uniform(0.5, 1.5))

    async def _place(self, http: httpx.AsyncClient) -> None:
        number = len(self.requests)
        account = self._rng.choice(self._desk.accounts)
        body = {"account_id": account["id"], "client_order_id": f"chaos-{number}"} | self._wish(60)
        request = Request(body, set(), [])
        self.requests[body["client_order_id"]] = request
        twice = self._rng.random() < 0.15  # the client sends the same twice at once
        await asyncio.gather(*(self._send(http, request) for _ in range(1 + twice)))

    def _wish(self, most: int) -> Json:
        """What to trade: some wait, some trade at once."""
        name = self._rng.choice(self._desk.names)
        side = self._rng.choice(("buy", "sell"))
        wish: Json = {"symbol": name["symbol"], "side": side, "quantity": self._rng.randint(1, most)}
        if self._rng.random() < 0.1:
            return wish | {"order_type": "market"}
        away = self._rng.choice((-0.01, -0.002, 0.0, 0.01, 0.01))
        price = round(name["price"] * (1 + (away if side == "buy" else -away)))
        return wish | {"order_type": "limit", "limit_price": price - price % tick_size(price, "stock")}

    async def _send(self, http: httpx.AsyncClient, request: Request) -> None:
        document = self._keep(await self._call(http, "POST", "/orders", "place", request.body), request)
        if document.get("status") in ("new", "partially_filled", "unknown"):
            self._live.append(document["id"])

    async def _place_block(self, http: httpx.AsyncClient) -> None:
        name = f"chaos-block-{len(self.blocks)}"
        request = Request({"plan_id": self._rng.choice(self._plans)["id"], "client_order_id": name} | self._wish(400), set(), [])
        self.blocks[name] = request
        twice = self._rng.random() < 0.25
        await asyncio.gather(*(self._send_block(http, request) for _ in range(1 + twice)))

    async def _send_block(self, http: httpx.AsyncClient, request: Request) -> None:
        document = self._keep(await self._call(http, "POST", "/block-orders", "place block", request.body), request)
        if document.get("status") in ("working", "unknown"):
            self._live_blocks.append(document["id"])

    def _keep(self, answer: httpx.Response | None, request: Request) -> Json:
        """Note what a client was told; its document, empty where there was no answer."""
        if answer is None:
            return {}
        request.statuses.append(answer.status_code)
        document: Json = answer.json()
        order_id = document.get("id") if answer.is_success else document.get("order_id")
        if order_id:
            request.order_ids.add(order_id)
        return document if answer.is_success else {}

    async def _replace_block(self, http: httpx.AsyncClient) -> None:
        block_id = self._rng.choice(self._live_blocks)
        answer = await self._call(http, "GET", f"/block-orders/{block_id}", "read block")
        if answer is None or not answer.is_success or (price := answer.json()["limit_price"]) is None:
            return
        change = {"limit_price": price + self._rng.choice((-2, -1, 1, 2)) * tick_size(price, "stock")}
        await self._call(http, "PATCH", f"/block-orders/{block_id}", "replace block", change)

    async def _replace(self, http: httpx.AsyncClient) -> None:
        order_id = self._rng.choice(self._live)
        answer = await self._call(http, "GET", f"/orders/{order_id}", "read")
        if answer is None or not answer.is_success:
            return
        order = answer.json()
        if order["limit_price"] is None or order["leaves_quantity"] < 1:
            return
        if self._rng.random() < 0.5 and order["leaves_quantity"] > 1:
            change: Json = {"quantity": order["cumulative_quantity"] + self._rng.randint(1, order["leaves_quantity"] - 1)}
        else:
            price = order["limit_price"]
            change = {"limit_price": price + self._rng.choice((-2, -1, 1, 2)) * tick_size(price, "stock")}
        await self._call(http, "PATCH", f"/orders/{order_id}", "replace", change)

    async def _call(self, http: httpx.AsyncClient, method: str, path: str, what: str, body: Json | None = None) -> httpx.Response | None:
        """Send until there is a definite answer; the same request each time."""
        for attempt in range(_PATIENCE):
            more: dict[str, Any] = {} if body is None else {"json": body}
            try:
                answer = await http.request(method, path, **more)
            except httpx.HTTPError as error:
                self.counts[f"{what}: {type(error).__name__}"] += 1
            else:
                self.counts[f"{what}: {answer.status_code}"] += 1
                if answer.status_code == 500:
                    self.crashes.append(answer.json() | {"request": f"{method} {path}"})
                if answer.status_code not in _SAME_AGAIN or (what == "place block" and answer.json().get("outcome") == "none"):
                    return answer  # a desk that is told that nothing was done thinks again before it asks for a whole block
            await asyncio.sleep(min(2.0, 0.1 * 1.5**attempt) * self._rng.uniform(0.5, 1.5))
        self.counts[f"{what}: gave up"] += 1
        return None
