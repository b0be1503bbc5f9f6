"""Every route of the committed schema, asked by a stranger with the ids of the demo user's own resources."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from jose import jwt

from api.domain.enums import Role
from tests.http.api import Desk

pytestmark = pytest.mark.asyncio(loop_scope="session")

SCHEMA = json.loads((Path(__file__).parents[2] / "openapi.json").read_bytes())
OPERATIONS = [
    (method.upper(), path.removeprefix("/api/v1"), operation)
    for path, item in SCHEMA["paths"].items()
    for method, operation in item.items()
    if isinstance(operation, dict)
]
OF_A_RESOURCE = sorted((method, path) for method, path, _ in OPERATIONS if re.search(r"\{\w+_id\}", path))
CLOSED = sorted((method, path) for method, path, operation in OPERATIONS if operation.get("security") != [{}])


_NOBODY = "http://127.0.0.1:9/hook"
"""Nobody listens there: the webhook's delivery fails at once."""


def _block(plan_id: str) -> dict[str, Any]:
    return {"plan_id": plan_id, "symbol": "005930", "side": "buy", "quantity": 1, "limit_price": 60_000}


async def _ids(desk: Desk) -> dict[str, str]:
    key = await desk.api.client.post("/api-keys", json={"name": "demo's", "scopes": ["read"]}, headers=desk.demo)
    hook = (await desk.api.client.post("/webhooks", json={"url": _NOBODY}, headers=desk.demo)).json()
    delivery = (await desk.api.client.post(f"/webhooks/{hook['id']}/test", headers=desk.demo)).json()
    fund = (await desk.api.client.post("/funds", json={"name": "demo's", "budget": 10_000_000}, headers=desk.demo)).json()
    lines = [{"fund_id": fund["id"], "account_id": desk.accounts["kis"]["id"]}]
    body = {"name": "demo's", "method": "equal", "lines": lines}
    plan = (await desk.api.client.post("/allocation-plans", json=body, headers=desk.demo)).json()
    block = await desk.api.client.post("/block-orders", json=_block(plan["id"]), headers=desk.demo)
    order = desk.order(limit_price=60_200)
    basket = await desk.api.client.post("/orders/basket", json={"orders": [order]}, headers=desk.demo)
    watchlist = (await desk.api.client.post("/watchlists", json={"name": "demo's"}, headers=desk.demo)).json()
    await desk.api.client.post(f"/watchlists/{watchlist['id']}/items", json={"symbol": "005930"}, headers=desk.demo)
    return {
        "basket_id": basket.json()["id"],
        "watchlist_id": watchlist["id"],
        "fund_id": fund["id"],
        "plan_id": plan["id"],
        "block_id": block.json()["id"],
        "webhook_id": hook["id"],
        "delivery_id": delivery["id"],
        "account_id": desk.accounts["kis"]["id"],
        "order_id": (await desk.placed())["id"],
        "key_id": key.json()["id"],
        "user_id": jwt.get_unverified_claims(desk.demo["Authorization"].split()[1])["sub"],
        "symbol": "005930",
        "broker": "kis",
        "kind": "volume",
        "sequence": "0",
        "group_code": "001",
        "site_no": "1",
        "theme_idx": "1",
        "name": "scrape_ipos",
        "run": "6650f1c2a4b3c2d1e0f9a8b7",
        "page": "6650f1c2a4b3c2d1e0f9a8b7",
    }


def _opening(ids: dict[str, str]) -> dict[str, Any]:
    return {"account_id": ids["account_id"], "symbol": ids["symbol"], "quantity": 1}


def _body(desk: Desk, method: str, path: str, ids: dict[str, str]) -> Any:
    bodies: dict[tuple[str, str], Any] = {
        ("PATCH", "/orders/{order_id}"): {"limit_price": 60_100},
        ("PUT", "/accounts/{account_id}/kill-switch"): {"state": "halted"},
        ("PUT", "/trading-states/global"): {"state": "halted"},
        ("PUT", "/trading-states/brokers/{broker}"): {"state": "halted"},
        ("PUT", "/accounts/{account_id}/members"): {"members": [{"user_id": ids["user_id"], "permission": "manage"}]},
        ("POST", "/orders/{order_id}/resolve"): {"declare": "not_placed"},
        ("POST", "/orders"): desk.order(),
        ("POST", "/webhooks"): {"url": _NOBODY, "account_ids": [ids["account_id"]]},
        ("PATCH", "/webhooks/{webhook_id}"): {"is_active": False},
        ("POST", "/orders/cancel-all"): {"account_id": ids["account_id"]},
        ("POST", "/orders/basket"): {"orders": [desk.order()]},
        ("POST", "/watchlists"): {"name": "theirs"},
        ("PATCH", "/watchlists/{watchlist_id}"): {"name": "theirs"},
        ("POST", "/watchlists/{watchlist_id}/items"): {"symbol": "000660"},
        ("PATCH", "/watchlists/{watchlist_id}/items/{symbol}"): {"note": "theirs"},
        ("PATCH", "/funds/{fund_id}"): {"name": "theirs"},
        ("PUT", "/funds/{fund_id}/members"): {"members": [{"user_id": ids["user_id"], "permission": "manage"}]},
        ("PUT", "/funds/{fund_id}/kill-switch"): {"state": "halted"},
        ("POST", "/funds"): {"name": "theirs", "budget": 1, "opening_positions": [_opening(ids)]},
        ("PATCH", "/allocation-plans/{plan_id}"): {"name": "theirs"},
        ("POST", "/allocation-plans"): {
            "name": "theirs",
            "method": "equal",
            "lines": [{key: ids[key] for key in ("fund_id", "account_id")}],
        },
        ("POST", "/block-orders"): _block(ids["plan_id"]),
        ("POST", "/block-orders/preview"): _block(ids["plan_id"]),
        ("PATCH", "/block-orders/{block_id}"): {"limit_price": 60_100},
        ("PATCH", "/ipos/{site_no}"): {"notes": "read twice"},
        ("PATCH", "/jobs/{name}"): {"is_enabled": False},
    }
    return None if method in ("GET", "DELETE") else bodies.get((method, path), {})


async def _ask(desk: Desk, method: str, path: str, ids: dict[str, str], headers: dict[str, str]) -> int:
    query = {"symbol": "005930"} if path.endswith(("/buying-power", "/sellable-quantity")) else {}
    answer = await desk.api.client.request(method, path.format_map(ids), json=_body(desk, method, path, ids), params=query, headers=headers)
    return answer.status_code


async def test_every_resource_of_another_is_not_there_and_stays_as_it_was(desk: Desk) -> None:
    stranger = await desk.api.add_user(Role.TRADER, "stranger.everywhere")
    ids = await _ids(desk)
    paths = [f"/orders/{ids['order_id']}", f"/accounts/{ids['account_id']}", "/api-keys", "/auth/me", "/webhooks"]
    paths += [f"/orders/baskets/{ids['basket_id']}", f"/watchlists/{ids['watchlist_id']}"]
    paths += [f"/funds/{ids['fund_id']}", f"/allocation-plans/{ids['plan_id']}", f"/block-orders/{ids['block_id']}"]
    before = [(await desk.api.client.get(path, headers=desk.demo)).json() for path in paths]
    traces = await desk.traces()

    answers = {(method, path): await _ask(desk, method, path, ids, stranger) for method, path in OF_A_RESOURCE}

    assert len(answers) >= 12
    assert {route: status for route, status in answers.items() if status != (403 if route[1].startswith("/users") else 404)} == {}
    assert [(await desk.api.client.get(path, headers=desk.demo)).json() for path in paths] == before
    assert await desk.traces() == traces


async def test_another_admin_may_manage_users_but_no_accounts_or_orders(desk: Desk) -> None:
    admin = await desk.api.add_user(Role.ADMIN, "admin.everywhere")
    ids = await _ids(desk)

    answers = {
        (method, path): await _ask(desk, method, path, ids, admin) for method, path in OF_A_RESOURCE if not path.startswith("/users")
    }

    assert {route: status for route, status in answers.items() if status != 404} == {}


async def test_naming_anothers_account_in_a_body_or_query_finds_nothing(desk: Desk) -> None:
    stranger = await desk.api.add_user(Role.TRADER, "stranger.by.body")
    ids = await _ids(desk)

    posts = ("/orders", "/orders/cancel-all", "/webhooks", "/funds", "/allocation-plans", "/block-orders", "/block-orders/preview")
    bodies = {path: await _ask(desk, "POST", path, ids, stranger) for path in posts}
    gets = [("/orders", "account_id"), ("/fills", "account_id"), ("/block-orders", "fund_id")]
    queries = {path: (await desk.api.client.get(path, params={name: ids[name]}, headers=stranger)).status_code for path, name in gets}

    assert {path: status for path, status in (bodies | queries).items() if status != 404} == {}


@pytest.mark.parametrize("header", [{}, {"Authorization": "Bearer x"}, {"Authorization": "Bearer lucy_x"}, {"Cookie": "lucy_refresh=x"}])
async def test_no_closed_route_answers_without_a_token_even_with_good_ids(desk: Desk, header: dict[str, str]) -> None:
    ids = await _ids(desk)

    answers = {(method, path): await _ask(desk, method, path, ids, header) for method, path in CLOSED}

    assert {route: status for route, status in answers.items() if status != 401} == {}


async def test_a_key_that_may_only_read_changes_nothing_of_its_own_user(desk: Desk) -> None:
    ids = await _ids(desk)
    made = await desk.api.client.post("/api-keys", json={"name": "reader", "scopes": ["read"]}, headers=desk.demo)
    key = {"Authorization": f"Bearer {made.json()['secret']}"}
    traces = await desk.traces()

    changing = [(method, path) for method, path in CLOSED if method != "GET"]
    answers = {(method, path): await _ask(desk, method, path, ids, key) for method, path in changing}

    assert {route: status for route, status in answers.items() if status != 403} == {}
    assert await _ask(desk, "GET", "/orders/{order_id}", ids, key) == 200
    assert await desk.traces() == traces
