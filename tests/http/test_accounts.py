"""Broker accounts: connecting, reading, sharing, halting."""

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from jose import jwt

from api.domain.enums import Role
from tests.http.api import Desk

pytestmark = pytest.mark.asyncio(loop_scope="session")

KIS = {
    "name": "KIS 위탁 1",
    "broker": "kis",
    "environment": "sandbox",
    "account_number": "12345678-01",
    "app_key": "a-key-of-kis",
    "app_secret": "a-secret-of-kis",
    "hts_id": "trader1",
}
NOBODY = "6650f1c2a4b3c2d1e0f9a8b7"


def user_id_of(headers: dict[str, str]) -> str:
    return str(jwt.get_unverified_claims(headers["Authorization"].split()[1])["sub"])


async def connect(desk: Desk, headers: dict[str, str], **changes: Any) -> dict[str, Any]:
    answer = await desk.api.client.post("/accounts", json=KIS | changes, headers=headers)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def share(desk: Desk, account: dict[str, Any], owner: dict[str, str], member: dict[str, str], permission: str) -> None:
    members = [{"user_id": user_id_of(owner), "permission": "manage"}, {"user_id": user_id_of(member), "permission": permission}]
    answer = await desk.api.client.put(f"/accounts/{account['id']}/members", json={"members": members}, headers=owner)
    assert answer.status_code == 200, answer.text


async def test_who_connects_an_account_manages_it_and_its_keys_are_never_told(desk: Desk) -> None:
    owner = await desk.api.add_user(Role.TRADER, "connects")

    made = await connect(desk, owner, account_number="10000001-01")

    assert (made["permission"], made["account_number"], made["trading_state"]) == ("manage", "1000000101", "active")
    assert made["stream"] == {"state": "stopped", "since": None, "last_frame_at": None, "detail": None}
    answers = [await desk.api.client.get(path, headers=owner) for path in ("/accounts", f"/accounts/{made['id']}")]
    assert not any(secret in answer.text for answer in answers for secret in (KIS["app_key"], KIS["app_secret"], KIS["hts_id"]))
    stored = str(await desk.api.services.database["accounts"].find_one({"_id": made["id"]}))
    assert not any(secret in stored for secret in (KIS["app_key"], KIS["app_secret"], KIS["hts_id"]))


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"broker": "kiwoom"}, "broker"),
        ({"environment": "live"}, "environment"),
        ({"account_number": "1234"}, "account_number"),
        ({"account_number": "12345678"}, "account_number"),
        ({"account_number": "12345678-01\n"}, "account_number"),
        ({"account_number": 1234567801}, "account_number"),
        ({"app_key": "short"}, "app_key"),
        ({"app_key": "a key with blanks"}, "app_key"),
        ({"app_secret": "a-copied-secret\n"}, "app_secret"),
        ({"hts_id": ""}, "hts_id"),
        ({"name": ""}, "name"),
        ({"owner": "me"}, "owner"),
    ],
)
async def test_an_account_with_a_wrong_field_is_not_connected(desk: Desk, changes: dict[str, Any], field: str) -> None:
    count = await desk.api.services.database["accounts"].count_documents({})

    answer = await desk.api.client.post("/accounts", json=KIS | changes, headers=desk.demo)

    assert (answer.status_code, [error["field"] for error in answer.json()["errors"]]) == (422, [field])
    assert await desk.api.services.database["accounts"].count_documents({}) == count


async def test_an_account_is_connected_once_and_again_after_it_was_disconnected(desk: Desk) -> None:
    first = await desk.api.add_user(Role.TRADER, "first.owner")
    second = await desk.api.add_user(Role.TRADER, "second.owner")
    made = await connect(desk, first, account_number="10000002-01")

    taken = await desk.api.client.post("/accounts", json=KIS | {"account_number": "1000000201"}, headers=second)
    gone = await desk.api.client.delete(f"/accounts/{made['id']}", headers=first)
    free = await desk.api.client.post("/accounts", json=KIS | {"account_number": "1000000201"}, headers=second)

    assert (taken.status_code, taken.json()["code"]) == (409, "conflict")
    assert (gone.status_code, free.status_code) == (204, 201)
    assert (await desk.api.client.get(f"/accounts/{made['id']}", headers=first)).status_code == 404


async def test_a_viewer_connects_nothing(desk: Desk) -> None:
    viewer = await desk.api.add_user(Role.VIEWER, "viewer.connects")

    answer = await desk.api.client.post("/accounts", json=KIS, headers=viewer)

    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


async def test_changed_keys_are_used_and_not_told(desk: Desk) -> None:
    owner = await desk.api.add_user(Role.TRADER, "changes.keys")
    made = await connect(desk, owner, account_number="10000003-01")

    answer = await desk.api.client.patch(
        f"/accounts/{made['id']}",
        json={"name": "새 이름", "app_key": "another-key", "settings": {"on_possible_duplicate": "refuse"}},
        headers=owner,
    )

    assert (answer.status_code, answer.json()["name"]) == (200, "새 이름")
    assert answer.json()["settings"]["on_possible_duplicate"] == "refuse"
    assert "another-key" not in answer.text
    accounts = desk.api.services.accounts
    assert (await accounts.credentials(await accounts.get(made["id"]))).app_key == "another-key"


@pytest.mark.parametrize(
    "body", [{"name": ""}, {"name": None}, {"hts_id": ""}, {"settings": {"never_received_after_seconds": 1}}, {"x": 1}]
)
async def test_a_wrong_change_is_refused(desk: Desk, body: dict[str, Any]) -> None:
    answer = await desk.api.client.patch(f"/accounts/{desk.accounts['kis']['id']}", json=body, headers=desk.demo)

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")


async def test_members_see_what_their_permission_allows(desk: Desk) -> None:
    owner = await desk.api.add_user(Role.TRADER, "shares")
    member = await desk.api.add_user(Role.TRADER, "is.member")
    made = await connect(desk, owner, account_number="10000004-01")
    path = f"/accounts/{made['id']}"
    calls: dict[str, Callable[[], Awaitable[httpx.Response]]] = {
        "read": lambda: desk.api.client.get(path, headers=member),
        "halt": lambda: desk.api.client.put(f"{path}/kill-switch", json={"state": "active"}, headers=member),
        "rename": lambda: desk.api.client.patch(path, json={"name": "mine"}, headers=member),
    }
    seen = {"none": {name: (await call()).status_code for name, call in calls.items()}}

    for permission in ("view", "trade", "manage"):
        await share(desk, made, owner, member, permission)
        seen[permission] = {name: (await call()).status_code for name, call in calls.items()}

    assert seen == {
        "none": {"read": 404, "halt": 404, "rename": 404},
        "view": {"read": 200, "halt": 403, "rename": 403},
        "trade": {"read": 200, "halt": 200, "rename": 403},
        "manage": {"read": 200, "halt": 200, "rename": 200},
    }


async def test_a_member_who_may_only_view_places_and_cancels_nothing(desk: Desk) -> None:
    onlooker = await desk.api.add_user(Role.TRADER, "onlooker")
    order = await desk.placed("ls")
    await share(desk, desk.accounts["ls"], desk.demo, onlooker, "view")
    before = await desk.traces()

    placed = await desk.place("ls", headers=onlooker)
    canceled = await desk.api.client.delete(f"/orders/{order['id']}", headers=onlooker)
    replaced = await desk.api.client.patch(f"/orders/{order['id']}", json={"limit_price": 60_100}, headers=onlooker)
    read = await desk.api.client.get(f"/orders/{order['id']}", headers=onlooker)

    assert [answer.status_code for answer in (placed, canceled, replaced, read)] == [403, 403, 403, 200]
    assert await desk.traces() == before


async def test_a_user_of_role_viewer_trades_nothing_whatever_the_permission(desk: Desk) -> None:
    viewer = await desk.api.add_user(Role.VIEWER, "viewer.trades")
    await share(desk, desk.accounts["ls"], desk.demo, viewer, "manage")
    before = await desk.traces()

    answers = [
        await desk.place("ls", headers=viewer),
        await desk.api.client.put(f"/accounts/{desk.accounts['ls']['id']}/kill-switch", json={"state": "halted"}, headers=viewer),
        await desk.api.client.post("/orders/cancel-all", json={"account_id": desk.accounts["ls"]["id"]}, headers=viewer),
    ]

    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(403, "forbidden")] * 3
    assert await desk.traces() == before


@pytest.mark.parametrize(
    "members",
    [
        [],
        [{"user_id": NOBODY, "permission": "manage"}],
        [{"user_id": "me", "permission": "view"}],
        [{"user_id": "demo", "permission": "owner"}],
        "all",
    ],
)
async def test_members_must_be_users_and_one_of_them_must_manage(desk: Desk, members: Any) -> None:
    path = f"/accounts/{desk.accounts['kis']['id']}"

    answer = await desk.api.client.put(f"{path}/members", json={"members": members}, headers=desk.demo)

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert (await desk.api.client.get(path, headers=desk.demo)).json()["permission"] == "manage"


async def test_nobody_is_a_member_twice_and_no_manager_locks_themselves_out(desk: Desk) -> None:
    other = await desk.api.add_user(Role.TRADER, "other.manager")
    path = f"/accounts/{desk.accounts['kis']['id']}/members"
    mine, others = ({"user_id": user_id_of(headers), "permission": "manage"} for headers in (desk.demo, other))

    answers = [
        await desk.api.client.put(path, json={"members": members}, headers=desk.demo)
        for members in ([mine, mine], [others], [mine | {"permission": "view"}])
    ]

    assert [answer.status_code for answer in answers] == [422, 422, 422]


@pytest.mark.parametrize("broker", ["kis", "ls"])
async def test_money_holdings_and_buying_power_come_from_the_broker(desk: Desk, broker: str) -> None:
    path = f"/accounts/{desk.accounts[broker]['id']}"

    balance = await desk.api.client.get(f"{path}/balance", headers=desk.demo)
    positions = await desk.api.client.get(f"{path}/positions", headers=desk.demo)
    power = await desk.api.client.get(f"{path}/buying-power", params={"symbol": "005930", "limit_price": 60_000}, headers=desk.demo)
    verified = await desk.api.client.post(f"{path}/verify", headers=desk.demo)

    assert [answer.status_code for answer in (balance, positions, power, verified)] == [200] * 4
    assert balance.json()["cash"] > 0
    assert power.json()["orderable_quantity"] > 0
    assert verified.json() == {"is_accepted": True, "broker_code": None, "broker_message": None}


async def test_keys_that_the_broker_refuses_are_told_so_in_its_words(desk: Desk) -> None:
    owner = await desk.api.add_user(Role.TRADER, "wrong.keys")
    made = await connect(desk, owner, account_number="10000005-01")

    answer = await desk.api.client.post(f"/accounts/{made['id']}/verify", headers=owner)

    assert (answer.status_code, answer.json()["is_accepted"]) == (200, False)
    assert answer.json()["broker_message"]


@pytest.mark.parametrize("query", ["", "?symbol=", "?symbol=x", "?symbol=005930&limit_price=0", "?symbol=005930&limit_price=x"])
async def test_buying_power_needs_a_symbol_and_a_price_that_can_be(desk: Desk, query: str) -> None:
    answer = await desk.api.client.get(f"/accounts/{desk.accounts['kis']['id']}/buying-power{query}", headers=desk.demo)

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")


async def test_every_change_of_an_account_is_on_record_without_its_secrets(desk: Desk) -> None:
    owner = await desk.api.add_user(Role.TRADER, "on.record")
    made = await connect(desk, owner, account_number="10000006-01")
    path = f"/accounts/{made['id']}"
    await desk.api.client.put(f"{path}/kill-switch", json={"state": "halted"}, headers=owner)
    await desk.api.client.patch(path, json={"app_secret": "another-secret"}, headers=owner)
    await desk.api.client.delete(path, headers=owner)

    answer = await desk.api.client.get("/audit", params={"subject": f"account:{made['id']}"}, headers=desk.demo)

    actions = ["account.delete", "account.change", "account.kill_switch", "account.create"]
    assert [entry["action"] for entry in answer.json()["items"]] == actions
    assert answer.json()["items"][2]["after"]["trading_state"] == "halted"
    assert not any(secret in answer.text for secret in (KIS["app_key"], KIS["app_secret"], "another-secret"))
