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


async def _ids(desk: Desk) -> dict[str, str]:
    key = await desk.api.client.post("/api-keys", json={"name": "demo's", "scopes": ["read"]}, headers=desk.demo)
    return {
        "account_id": desk.accounts["kis"]["id"],
        "order_id": (await desk.placed())["id"],
        "key_id": key.json()["id"],
        "user_id": jwt.get_unverified_claims(desk.demo["Authorization"].split()[1])["sub"],
        "symbol": "005930",
        "broker": "kis",
        "kind": "volume",
    }


def _body(desk: Desk, method: str, path: str, ids: dict[str, str]) -> Any:
    bodies: dict[tuple[str, str], Any] = {
        ("PATCH", "/orders/{order_id}"): {"limit_price": 60_100},
        ("PUT", "/accounts/{account_id}/kill-switch"): {"state": "halted"},
        ("PUT", "/trading-states/global"): {"state": "halted"},
        ("PUT", "/trading-states/brokers/{broker}"): {"state": "halted"},
        ("PUT", "/accounts/{account_id}/members"): {"members": [{"user_id": ids["user_id"], "permission": "manage"}]},
        ("POST", "/orders/{order_id}/resolve"): {"declare": "not_placed"},
        ("POST", "/orders"): desk.order(),
        ("POST", "/orders/cancel-all"): {"account_id": ids["account_id"]},
    }
    return None if method in ("GET", "DELETE") else bodies.get((method, path), {})


async def _ask(desk: Desk, method: str, path: str, ids: dict[str, str], headers: dict[str, str]) -> int:
    query = {"symbol": "005930"} if path.endswith(("/buying-power", "/sellable-quantity")) else {}
    answer = await desk.api.client.request(method, path.format_map(ids), json=_body(desk, method, path, ids), params=query, headers=headers)
    return answer.status_code


async def test_every_resource_of_another_is_not_there_and_stays_as_it_was(desk: Desk) -> None:
    stranger = await desk.api.add_user(Role.TRADER, "stranger.everywhere")
    ids = await _ids(desk)
    paths = [f"/orders/{ids['order_id']}", f"/accounts/{ids['account_id']}", "/api-keys", "/auth/me"]
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

    bodies = [await _ask(desk, "POST", path, ids, stranger) for path in ("/orders", "/orders/cancel-all")]
    queries = [
        (await desk.api.client.get(path, params={"account_id": ids["account_id"]}, headers=stranger)).status_code
        for path in ("/orders", "/fills")
    ]

    assert bodies + queries == [404] * 4


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
