"""Keys for programs."""

import pytest

from api.domain.enums import Role
from tests.http.api import Api, SignIn


def as_header(key: dict[str, str]) -> dict[str, str]:
    return {"Authorization": f"Bearer {key['secret']}"}


async def make_key(api: Api, headers: dict[str, str], *scopes: str) -> dict[str, str]:
    answer = await api.client.post("/api-keys", json={"name": "AssetERP", "scopes": scopes}, headers=headers)
    assert answer.status_code == 201
    made: dict[str, str] = answer.json()
    return made


async def test_a_key_signs_in_and_is_shown_once(api: Api, trader: dict[str, str]) -> None:
    made = await make_key(api, trader, "read", "trade")

    me = await api.client.get("/auth/me", headers=as_header(made))

    assert made["secret"].startswith("lucy_")
    assert (me.json()["username"], me.json()["scopes"]) == ("trader", ["read", "trade"])
    listed = (await api.client.get("/api-keys", headers=trader)).json()["items"]
    assert [item["id"] for item in listed] == [made["id"]]
    assert "secret" not in listed[0]


async def test_a_keys_secret_is_stored_nowhere(api: Api, trader: dict[str, str]) -> None:
    made = await make_key(api, trader, "read")

    stored = [str(await api.services.database[name].find({}).to_list(100)) for name in ("api_keys", "audit")]

    assert made["id"] in stored[0]
    assert not any(made["secret"] in text for text in stored)


async def test_a_revoked_key_stops_working(api: Api, trader: dict[str, str]) -> None:
    made = await make_key(api, trader, "read")
    await api.client.get("/auth/me", headers=as_header(made))

    answer = await api.client.delete(f"/api-keys/{made['id']}", headers=trader)

    assert answer.status_code == 204
    assert (await api.client.get("/auth/me", headers=as_header(made))).status_code == 401


async def test_a_key_cannot_make_a_key_that_may_do_more(api: Api, trader: dict[str, str]) -> None:
    made = await make_key(api, trader, "trade")

    answer = await api.client.post("/api-keys", json={"name": "more", "scopes": ["admin"]}, headers=as_header(made))

    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


async def test_an_admins_key_without_the_scope_manages_nobody(api: Api, admin: dict[str, str]) -> None:
    made = await make_key(api, admin, "read", "trade")

    assert (await api.client.get("/users", headers=as_header(made))).status_code == 403


async def test_another_users_key_cannot_be_seen_or_revoked(api: Api, trader: dict[str, str], sign_in: SignIn) -> None:
    made = await make_key(api, trader, "read")
    other = await sign_in(Role.TRADER, "other")

    answer = await api.client.delete(f"/api-keys/{made['id']}", headers=other)

    assert answer.status_code == 404
    assert (await api.client.get("/api-keys", headers=other)).json()["items"] == []


@pytest.mark.parametrize("body", [{"name": "x"}, {"name": "x", "scopes": []}, {"name": "x", "scopes": ["all"]}, {"scopes": ["read"]}])
async def test_a_key_needs_a_name_and_known_scopes(api: Api, trader: dict[str, str], body: dict[str, object]) -> None:
    answer = await api.client.post("/api-keys", json=body, headers=trader)

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")


async def test_a_deactivated_users_key_stops_working(api: Api, admin: dict[str, str], trader: dict[str, str]) -> None:
    made = await make_key(api, trader, "read")
    me = (await api.client.get("/auth/me", headers=as_header(made))).json()

    await api.client.delete(f"/users/{me['id']}", headers=admin)

    assert (await api.client.get("/auth/me", headers=as_header(made))).status_code == 401
