"""Signing in, renewing, signing out, the own profile."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from jose import jwt

from api.domain.enums import Role
from api.settings import Settings
from api.users.schemas import CreateUser
from tests.http.api import PASSWORD, Api, SignIn, serving
from tests.stack import until

COOKIE = "lucy_refresh"


async def test_a_log_in_gives_an_access_token_and_a_cookie_that_no_script_reads(api: Api, trader: dict[str, str]) -> None:
    answer = await api.client.post("/auth/login", json={"username": "TRADER", "password": PASSWORD})

    assert answer.status_code == 200
    assert answer.json().keys() == {"access_token", "token_type", "expires_in"}
    assert (answer.json()["token_type"], answer.json()["expires_in"]) == ("Bearer", 900)
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith(f"{COOKIE}=")
    assert {"HttpOnly", "Path=/api/v1/auth", "SameSite=strict"} <= set(cookie.split("; "))


async def test_a_wrong_password_and_an_unknown_user_get_the_same_answer(api: Api, trader: dict[str, str]) -> None:
    wrong = await api.client.post("/auth/login", json={"username": "trader", "password": "wrong"})
    unknown = await api.client.post("/auth/login", json={"username": "nobody", "password": "wrong"})

    assert (wrong.status_code, wrong.json()["code"]) == (401, "invalid_credentials")
    assert {**wrong.json(), "request_id": ""} == {**unknown.json(), "request_id": ""}


async def test_after_ten_failures_even_the_right_password_waits(api: Api, trader: dict[str, str]) -> None:
    for _ in range(10):
        await api.client.post("/auth/login", json={"username": "trader", "password": "wrong"})

    answer = await api.client.post("/auth/login", json={"username": "trader", "password": PASSWORD})

    assert (answer.status_code, answer.json()["code"], answer.json()["retryable"]) == (429, "too_many_requests", True)
    assert 0 < int(answer.headers["retry-after"]) <= 301


async def test_guesses_sent_at_once_are_not_all_checked(api: Api, trader: dict[str, str]) -> None:
    guesses = [api.client.post("/auth/login", json={"username": "trader", "password": f"guess {number}"}) for number in range(40)]

    statuses = [answer.status_code for answer in await asyncio.gather(*guesses)]

    assert statuses.count(401) <= 14
    assert statuses.count(401) + statuses.count(429) == 40


async def test_many_good_log_ins_at_once_all_succeed(api: Api, trader: dict[str, str]) -> None:
    log_ins = [api.client.post("/auth/login", json={"username": "trader", "password": PASSWORD}) for _ in range(20)]

    assert {answer.status_code for answer in await asyncio.gather(*log_ins)} == {200}


async def test_a_failure_does_not_lock_out_another_user(api: Api, trader: dict[str, str]) -> None:
    for _ in range(11):
        await api.client.post("/auth/login", json={"username": "nobody", "password": "wrong"})

    answer = await api.client.post("/auth/login", json={"username": "trader", "password": PASSWORD})

    assert answer.status_code == 200


async def test_the_cookie_renews_the_session_and_is_renewed(api: Api, trader: dict[str, str]) -> None:
    await api.client.post("/auth/login", json={"username": "trader", "password": PASSWORD})
    first = api.client.cookies[COOKIE]

    answer = await api.client.post("/auth/refresh")

    assert answer.status_code == 200
    assert api.client.cookies[COOKIE] != first
    me = await api.client.get("/auth/me", headers={"Authorization": f"Bearer {answer.json()['access_token']}"})
    assert me.json()["username"] == "trader"


async def test_two_tabs_may_renew_with_the_same_cookie(api: Api, trader: dict[str, str]) -> None:
    await api.client.post("/auth/login", json={"username": "trader", "password": PASSWORD})
    cookie = {"Cookie": f"{COOKIE}={api.client.cookies[COOKIE]}"}
    api.client.cookies.clear()

    answers = await asyncio.gather(*(api.client.post("/auth/refresh", headers=cookie) for _ in range(3)))

    assert {answer.status_code for answer in answers} == {200}


async def test_an_old_cookie_used_again_ends_the_whole_session(api: Api, trader: dict[str, str]) -> None:
    await api.client.post("/auth/login", json={"username": "trader", "password": PASSWORD})
    stolen = api.client.cookies[COOKIE]
    await api.client.post("/auth/refresh")
    newest = api.client.cookies[COOKIE]
    api.client.cookies.clear()
    long_ago = datetime.now(UTC) - timedelta(minutes=1)
    await api.services.database["refresh_tokens"].update_many({"used_at": {"$ne": None}}, {"$set": {"used_at": long_ago}})

    answer = await api.client.post("/auth/refresh", headers={"Cookie": f"{COOKIE}={stolen}"})

    assert answer.status_code == 401
    assert (await api.client.post("/auth/refresh", headers={"Cookie": f"{COOKIE}={newest}"})).status_code == 401


async def test_no_refresh_token_is_stored_in_the_clear(api: Api, trader: dict[str, str]) -> None:
    await api.client.post("/auth/login", json={"username": "trader", "password": PASSWORD})

    stored = await api.services.database["refresh_tokens"].find({}).to_list(10)

    assert stored
    assert api.client.cookies[COOKIE] not in str(stored)


async def test_a_log_out_ends_the_session(api: Api, trader: dict[str, str]) -> None:
    await api.client.post("/auth/login", json={"username": "trader", "password": PASSWORD})
    cookie = {"Cookie": f"{COOKIE}={api.client.cookies[COOKIE]}"}

    answer = await api.client.post("/auth/logout")
    api.client.cookies.clear()

    assert answer.status_code == 204
    assert (await api.client.post("/auth/refresh", headers=cookie)).status_code == 401


async def test_a_page_of_another_origin_cannot_use_the_cookie(api: Api, trader: dict[str, str]) -> None:
    await api.client.post("/auth/login", json={"username": "trader", "password": PASSWORD})

    answers = [await api.client.post(path, headers={"Origin": "https://evil.example"}) for path in ("/auth/refresh", "/auth/logout")]

    assert [answer.status_code for answer in answers] == [403, 403]


async def test_the_spa_may_use_the_cookie(api: Api, trader: dict[str, str]) -> None:
    await api.client.post("/auth/login", json={"username": "trader", "password": PASSWORD})

    answer = await api.client.post("/auth/refresh", headers={"Origin": api.services.settings.cors_origins[0]})

    assert answer.status_code == 200
    assert answer.headers["access-control-allow-credentials"] == "true"


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer x", "Bearer a.b.c", "Basic dHJhZGVyOng=", "Bearer lucy_unknown"])
async def test_what_is_no_token_is_answered_401_and_how_to_sign_in(api: Api, header: str) -> None:
    answer = await api.client.get("/auth/me", headers={"Authorization": header})

    assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated")
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"exp": 1_700_000_000}, "token_expired"),
        ({"aud": "another"}, "not_authenticated"),
        ({"iss": "another"}, "not_authenticated"),
        ({"role": "king"}, "not_authenticated"),
        ({"jti": None}, "not_authenticated"),
        ({"sub": None}, "not_authenticated"),
        ({"exp": None}, "not_authenticated"),
        ({"iat": None}, "not_authenticated"),
    ],
)
async def test_a_token_with_a_wrong_claim_is_refused(api: Api, trader: dict[str, str], changes: dict[str, object], code: str) -> None:
    claims = jwt.get_unverified_claims(trader["Authorization"].split()[1]) | changes
    claims = {name: value for name, value in claims.items() if value is not None}
    token = jwt.encode(claims, api.services.settings.secret_key.get_secret_value(), algorithm="HS256")

    answer = await api.client.get("/auth/me", headers={"Authorization": f"Bearer {token}"})

    assert (answer.status_code, answer.json()["code"]) == (401, code)


@pytest.mark.parametrize("algorithm", ["HS384", "HS512"])
async def test_a_token_of_another_algorithm_is_refused(api: Api, trader: dict[str, str], algorithm: str) -> None:
    claims = jwt.get_unverified_claims(trader["Authorization"].split()[1])
    token = jwt.encode(claims, api.services.settings.secret_key.get_secret_value(), algorithm=algorithm)

    assert (await api.client.get("/auth/me", headers={"Authorization": f"Bearer {token}"})).status_code == 401


async def test_a_token_signed_with_another_key_is_refused(api: Api, trader: dict[str, str]) -> None:
    claims = jwt.get_unverified_claims(trader["Authorization"].split()[1])
    token = jwt.encode(claims, "another secret that is long enough to sign", algorithm="HS256")

    assert (await api.client.get("/auth/me", headers={"Authorization": f"Bearer {token}"})).status_code == 401


async def test_the_profile_tells_and_changes_the_name(api: Api, trader: dict[str, str]) -> None:
    answer = await api.client.patch("/auth/me", json={"name": "홍길동"}, headers=trader)

    assert answer.status_code == 200
    me = (await api.client.get("/auth/me", headers=trader)).json()
    assert (me["name"], me["role"], me["scopes"]) == ("홍길동", "trader", ["admin", "read", "trade"])


async def test_the_profile_cannot_change_the_role(api: Api, trader: dict[str, str]) -> None:
    answer = await api.client.patch("/auth/me", json={"role": "admin"}, headers=trader)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "role"


async def test_a_new_password_ends_all_sessions_and_tokens(api: Api, trader: dict[str, str]) -> None:
    await api.client.post("/auth/login", json={"username": "trader", "password": PASSWORD})

    answer = await api.client.post("/auth/password", json={"current_password": PASSWORD, "new_password": "a new one"}, headers=trader)

    assert answer.status_code == 204
    assert (await api.client.post("/auth/refresh")).status_code == 401
    assert (await api.client.get("/auth/me", headers=trader)).status_code == 401
    assert (await api.client.post("/auth/login", json={"username": "trader", "password": PASSWORD})).status_code == 401
    assert (await api.client.post("/auth/login", json={"username": "trader", "password": "a new one"})).status_code == 200


async def test_a_new_password_needs_the_current_one(api: Api, trader: dict[str, str]) -> None:
    answer = await api.client.post("/auth/password", json={"current_password": "wrong", "new_password": "a new one"}, headers=trader)

    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_credentials")


async def test_another_process_refuses_a_deactivated_users_token_soon(api: Api, sign_in: SignIn, trader: dict[str, str]) -> None:
    assert (await api.client.get("/auth/me", headers=trader)).status_code == 200
    now = int(datetime.now(UTC).timestamp() * 1000)
    user_id = jwt.get_unverified_claims(trader["Authorization"].split()[1])["sub"]
    await api.services.redis.zadd(f"{api.services.settings.redis_prefix}:revoked", {user_id: now + 1})

    async def is_refused() -> bool:
        return (await api.client.get("/auth/me", headers=trader)).status_code == 401

    await until(is_refused, "the token is refused", seconds=5)
    other = await sign_in(Role.VIEWER, "other")
    assert (await api.client.get("/auth/me", headers=other)).status_code == 200


async def test_outside_the_local_profile_the_cookie_travels_only_encrypted(settings: Settings) -> None:
    async with serving(settings.model_copy(update={"mode": "production"})) as api:
        await api.services.users.create("system", CreateUser(username="trader", password=PASSWORD, role=Role.TRADER))

        answer = await api.client.post("/auth/login", json={"username": "trader", "password": PASSWORD})

    assert {"Secure", "HttpOnly", "SameSite=strict"} <= set(answer.headers["set-cookie"].split("; "))
