"""Every route: nobody without a token, nothing of another's."""

import re

import pytest
from litestar.routes import HTTPRoute

from api.app import create_app
from api.settings import Settings
from tests.http.api import Api

OPEN = {
    ("POST", "/auth/login"),
    ("POST", "/auth/refresh"),
    ("POST", "/auth/logout"),
    ("GET", "/health/live"),
    ("GET", "/health/ready"),
    ("GET", "/openapi.json"),
    ("GET", "/docs"),
    ("GET", "/docs/{path}"),
    ("GET", "/docs/openapi.json"),
}
SOME_ID = "6650f1c2a4b3c2d1e0f9a8b7"

BODIES: dict[tuple[str, str], object] = {
    ("POST", "/orders/{order_id}/resolve"): {"declare": "not_placed"},
    ("POST", "/users"): {"username": "another", "password": "long enough"},
    ("POST", "/orders"): {
        "account_id": SOME_ID,
        "symbol": "005930",
        "side": "buy",
        "order_type": "limit",
        "quantity": 1,
        "limit_price": 71_000,
    },
    ("PATCH", "/orders/{order_id}"): {"limit_price": 70_900},
    ("POST", "/orders/cancel-all"): {"account_id": SOME_ID},
    ("PUT", "/accounts/{account_id}/kill-switch"): {"state": "halted"},
    ("PUT", "/trading-states/global"): {"state": "halted"},
    ("PUT", "/trading-states/brokers/{broker}"): {"state": "halted"},
    ("POST", "/webhooks"): {"url": "http://127.0.0.1:9/hook", "account_ids": [SOME_ID]},
    ("PATCH", "/webhooks/{webhook_id}"): {"name": "renamed"},
    ("POST", "/watchlists"): {"name": "chips"},
    ("PATCH", "/watchlists/{watchlist_id}"): {"name": "renamed"},
    ("POST", "/watchlists/{watchlist_id}/items"): {"symbol": "005930"},
    ("PATCH", "/watchlists/{watchlist_id}/items/{symbol}"): {"note": "changed"},
    ("PUT", "/accounts/{account_id}/members"): {"members": [{"user_id": SOME_ID, "permission": "manage"}]},
    ("POST", "/orders/basket"): {
        "orders": [{"account_id": SOME_ID, "symbol": "005930", "side": "buy", "quantity": 1, "limit_price": 71_000}]
    },
    ("PUT", "/funds/{fund_id}/members"): {"members": [{"user_id": SOME_ID, "permission": "manage"}]},
    ("PUT", "/funds/{fund_id}/kill-switch"): {"state": "halted"},
    ("POST", "/funds"): {"name": "fund", "budget": 1_000_000},
    ("POST", "/allocation-plans"): {"name": "plan", "method": "equal", "lines": [{"fund_id": SOME_ID, "account_id": SOME_ID}]},
    ("POST", "/block-orders"): {"plan_id": SOME_ID, "symbol": "005930", "side": "buy", "quantity": 1, "limit_price": 71_000},
    ("POST", "/block-orders/preview"): {"plan_id": SOME_ID, "symbol": "005930", "side": "buy", "quantity": 1, "limit_price": 71_000},
    ("PATCH", "/block-orders/{block_id}"): {"limit_price": 70_900},
    ("PATCH", "/ipos/{site_no}"): {"notes": "read twice"},
    ("PATCH", "/jobs/{name}"): {"is_enabled": False},
}
"""Good bodies, so that an answer tells of access and not of the body."""

NAMES = {
    "symbol": "005930",
    "broker": "kis",
    "kind": "volume",
    "sequence": "0",
    "group_code": "001",
    "site_no": "1",
    "theme_idx": "1",
    "name": "scrape_ipos",
    "run": SOME_ID,
    "page": SOME_ID,
    "path": "x",
}
"""What stands for a part of a path that is no id of somebody's."""

QUERIES = {f"/accounts/{{account_id}}/{name}": "?symbol=005930" for name in ("buying-power", "sellable-quantity")}


def _routes() -> list[tuple[str, str]]:
    app = create_app(Settings())
    found = {
        (method, re.sub(r"\{(\w+):\w+\}", r"{\1}", route.path).removeprefix("/api/v1"))
        for route in app.routes
        if isinstance(route, HTTPRoute)
        for method in route.methods
        if method not in ("HEAD", "OPTIONS")
    }
    return sorted(found)


ROUTES = _routes()
CLOSED = [route for route in ROUTES if route not in OPEN]
OF_A_RESOURCE = [(method, path) for method, path in CLOSED if "_id}" in path]
_OF_ADMINS = ("users", "audit", "metrics", "trading-states", "raw-pages", "settings")
ADMINS_ALONE = [(method, path) for method, path in CLOSED if path.split("/")[1] in _OF_ADMINS]


async def _send(api: Api, method: str, path: str, headers: dict[str, str]) -> tuple[int, str]:
    filled = re.sub(r"\{\w*id\}", SOME_ID, path).format_map(NAMES)
    body = None if method in ("GET", "DELETE") else BODIES.get((method, path), {})
    answer = await api.client.request(method, filled + QUERIES.get(path, ""), json=body, headers=headers)
    return answer.status_code, answer.json()["code"]


async def test_no_closed_route_answers_without_a_token(api: Api) -> None:
    answers = {(method, path): await _send(api, method, path, {}) for method, path in CLOSED}

    assert answers == dict.fromkeys(CLOSED, (401, "not_authenticated"))


async def test_who_it_is_comes_before_what_they_say(api: Api) -> None:
    answer = await api.client.post("/orders", content=b"{", headers={"Content-Type": "application/json"})

    assert answer.status_code == 401


@pytest.mark.parametrize(("method", "path"), OF_A_RESOURCE)
async def test_a_strangers_resource_does_not_exist(api: Api, trader: dict[str, str], method: str, path: str) -> None:
    status, _ = await _send(api, method, path, trader)

    assert status in ({403} if path.startswith("/users") else {404})


async def test_only_admins_may_manage_users_and_read_logs(api: Api, trader: dict[str, str]) -> None:
    answers = {(method, path): await _send(api, method, path, trader) for method, path in ADMINS_ALONE}

    assert answers == dict.fromkeys(ADMINS_ALONE, (403, "forbidden"))


async def test_an_order_at_a_strangers_account_is_not_found(api: Api, trader: dict[str, str]) -> None:
    assert await _send(api, "POST", "/orders", trader) == (404, "not_found")


async def test_a_key_that_may_only_read_changes_nothing(api: Api, trader: dict[str, str]) -> None:
    made = await api.client.post("/api-keys", json={"name": "reader", "scopes": ["read"]}, headers=trader)
    key = {"Authorization": f"Bearer {made.json()['secret']}"}
    changing = [(method, path) for method, path in CLOSED if method != "GET"]

    answers = {(method, path): await _send(api, method, path, key) for method, path in changing}

    assert answers == dict.fromkeys(changing, (403, "forbidden"))
    assert (await api.client.get("/orders", headers=key)).status_code == 200
