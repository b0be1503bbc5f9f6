"""User management."""

from typing import Any

import pytest

from tests.http.api import PASSWORD, Api

NEW = {"username": "Trader.2", "password": PASSWORD, "role": "trader", "name": "김철수"}


async def make_user(api: Api, admin: dict[str, str], **changes: str) -> dict[str, Any]:
    answer = await api.client.post("/users", json=NEW | changes, headers=admin)
    assert answer.status_code == 201
    made: dict[str, Any] = answer.json()
    return made


async def test_a_new_user_can_sign_in(api: Api, admin: dict[str, str]) -> None:
    made = await make_user(api, admin)

    assert made.items() >= {"username": "trader.2", "name": "김철수", "role": "trader", "is_active": True}.items()
    answer = await api.client.post("/auth/login", json={"username": "trader.2", "password": PASSWORD})
    assert answer.status_code == 200


async def test_no_answer_holds_a_password_or_its_hash(api: Api, admin: dict[str, str]) -> None:
    made = await make_user(api, admin)

    answers = [await api.client.get(path, headers=admin) for path in ("/users", f"/users/{made['id']}", "/audit")]

    assert all(answer.status_code == 200 for answer in answers)
    assert not any("argon2" in answer.text or PASSWORD in answer.text for answer in answers)


async def test_a_name_is_taken_once_whatever_its_capitals(api: Api, admin: dict[str, str]) -> None:
    await make_user(api, admin)

    answer = await api.client.post("/users", json=NEW | {"username": "TRADER.2"}, headers=admin)

    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"username": "x"}, "username"),
        ({"username": "a b"}, "username"),
        ({"password": "short"}, "password"),
        ({"role": "king"}, "role"),
        ({"is_active": False}, "is_active"),
    ],
)
async def test_a_wrong_field_is_named(api: Api, admin: dict[str, str], changes: dict[str, object], field: str) -> None:
    answer = await api.client.post("/users", json=NEW | changes, headers=admin)

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert [error["field"] for error in answer.json()["errors"]] == [field]


async def test_a_changed_role_ends_the_users_sessions(api: Api, admin: dict[str, str]) -> None:
    made = await make_user(api, admin)
    token = (await api.client.post("/auth/login", json={"username": "trader.2", "password": PASSWORD})).json()["access_token"]

    answer = await api.client.patch(f"/users/{made['id']}", json={"role": "viewer"}, headers=admin)

    assert (answer.status_code, answer.json()["role"]) == (200, "viewer")
    assert (await api.client.get("/auth/me", headers={"Authorization": f"Bearer {token}"})).status_code == 401
    assert (await api.client.post("/auth/refresh")).status_code == 401
    assert (await api.client.post("/auth/login", json={"username": "trader.2", "password": PASSWORD})).status_code == 200


async def test_a_deactivated_user_is_out_and_stays_on_record(api: Api, admin: dict[str, str]) -> None:
    made = await make_user(api, admin)
    token = (await api.client.post("/auth/login", json={"username": "trader.2", "password": PASSWORD})).json()["access_token"]

    answer = await api.client.delete(f"/users/{made['id']}", headers=admin)

    assert answer.status_code == 204
    assert (await api.client.get("/auth/me", headers={"Authorization": f"Bearer {token}"})).status_code == 401
    assert (await api.client.post("/auth/login", json={"username": "trader.2", "password": PASSWORD})).status_code == 401
    assert (await api.client.get(f"/users/{made['id']}", headers=admin)).json()["is_active"] is False


@pytest.mark.parametrize("change", [{"role": "trader"}, {"is_active": False}])
async def test_the_last_admin_stays(api: Api, admin: dict[str, str], change: dict[str, object]) -> None:
    user_id = (await api.client.get("/auth/me", headers=admin)).json()["id"]

    answer = await api.client.patch(f"/users/{user_id}", json=change, headers=admin)

    assert answer.status_code == 422
    assert (await api.client.get("/auth/me", headers=admin)).status_code == 200


async def test_users_are_listed_page_by_page(api: Api, admin: dict[str, str]) -> None:
    for number in range(4):
        await make_user(api, admin, username=f"user{number}")
    names: list[str] = []
    cursor = None

    while True:
        query = {"limit": "2"} | ({"cursor": cursor} if cursor else {})
        page = (await api.client.get("/users", params=query, headers=admin)).json()
        names += [user["username"] for user in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break

    assert names == ["admin", "user0", "user1", "user2", "user3"]


async def test_a_cursor_of_someone_elses_making_is_refused(api: Api, admin: dict[str, str]) -> None:
    for cursor in ("x", "%00", "=====", "eyIkZ3QiOiIifQ"):
        answer = await api.client.get("/users", params={"cursor": cursor}, headers=admin)

        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_cursor")


async def test_every_change_of_a_user_is_on_record(api: Api, admin: dict[str, str]) -> None:
    made = await make_user(api, admin)
    await api.client.patch(f"/users/{made['id']}", json={"role": "viewer"}, headers=admin | {"X-Request-Id": "change-1"})

    page = (await api.client.get("/audit", params={"subject": f"user:{made['id']}"}, headers=admin)).json()

    assert [entry["action"] for entry in page["items"]] == ["user.change", "user.create"]
    newest = page["items"][0]
    assert (newest["before"]["role"], newest["after"]["role"]) == ("trader", "viewer")
    assert (newest["request_id"], newest["address"]) == ("change-1", "127.0.0.1")
    assert newest["actor"] == (await api.client.get("/auth/me", headers=admin)).json()["id"]
