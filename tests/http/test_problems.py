"""How every error looks from outside."""

import pytest

from tests.http.api import Api

LOG_IN = "/auth/login"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, "malformed_json"),
        (b"\xff\xfe", 400, "malformed_json"),
        (b'{"username": NaN}', 400, "malformed_json"),
        (b'{"username":"\\ud800","password":"x"}', 400, "malformed_json"),
        (b'{"username":"x","password":' + b"[" * 100_000, 422, "invalid_request"),
        (b'{"username":"x","password":"y"}}', 400, "malformed_json"),
        (b"", 422, "invalid_request"),
        (b"null", 422, "invalid_request"),
        (b"[]", 422, "invalid_request"),
        (b'{"username":"x"}', 422, "invalid_request"),
        (b'{"username":1,"password":"x"}', 422, "invalid_request"),
        (b'{"username":"x","password":true}', 422, "invalid_request"),
        (b'{"username":"x","password":"y","more":1}', 422, "invalid_request"),
    ],
)
async def test_a_body_that_does_not_fit_is_the_callers_error(api: Api, body: bytes, status: int, code: str) -> None:
    answer = await api.client.post(LOG_IN, content=body, headers={"Content-Type": "application/json"})

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"username": "x"}, "password"),
        ({"username": 1, "password": "x"}, "username"),
        ({"username": "x", "password": "y", "more": 1}, "more"),
        ([], "body"),
        (None, "body"),
    ],
)
async def test_the_field_that_is_wrong_is_named(api: Api, body: object, field: str) -> None:
    answer = await api.client.post(LOG_IN, json=body)

    assert [error["field"] for error in answer.json()["errors"]] == [field]


async def test_a_wrong_query_parameter_is_named(api: Api, trader: dict[str, str]) -> None:
    answer = await api.client.get("/orders", params={"limit": "many"}, headers=trader)

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "limit")


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nothing-here", 404, "not_found"),
        ("GET", "/orders/a/b/c", 404, "not_found"),
        ("PUT", "/auth/login", 405, "method_not_allowed"),
    ],
)
async def test_an_unknown_route_is_a_problem_like_any_other(api: Api, method: str, path: str, status: int, code: str) -> None:
    answer = await api.client.request(method, path)

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-request-id"] == answer.json()["request_id"] != ""


async def test_a_problem_has_all_its_members(api: Api) -> None:
    answer = await api.client.get("/auth/me", headers={"X-Request-Id": "erp-42"})

    assert answer.json() == {
        "type": "urn:lucy:problem:not_authenticated",
        "title": "Sign in first",
        "status": 401,
        "detail": "Send an access token or API key as 'Authorization: Bearer …'.",
        "code": "not_authenticated",
        "retryable": False,
        "request_id": "erp-42",
    }
    assert answer.headers["x-request-id"] == "erp-42"


@pytest.mark.parametrize("given", ["", "a b", "x" * 65, "<script>"])
async def test_a_request_id_that_would_spoil_the_log_is_replaced(api: Api, given: str) -> None:
    answer = await api.client.get("/health/live", headers={"X-Request-Id": given})

    assert answer.headers["x-request-id"] not in ("", given)


async def test_a_page_of_a_named_origin_can_read_the_answer_and_its_headers(api: Api) -> None:
    origin = api.services.settings.cors_origins[0]
    asked = {"Origin": origin, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,idempotency-key"}

    preflight = await api.client.options("/orders", headers=asked)
    answer = await api.client.get("/orders", headers={"Origin": origin})

    assert preflight.status_code == 204
    assert {"authorization", "idempotency-key"} <= set(preflight.headers["access-control-allow-headers"].split(", "))
    assert answer.headers["access-control-allow-origin"] == origin
    assert {"Retry-After", "X-Request-Id", "Idempotent-Replayed"} <= set(answer.headers["access-control-expose-headers"].split(", "))


async def test_a_page_of_another_origin_cannot(api: Api) -> None:
    answer = await api.client.get("/health/live", headers={"Origin": "https://evil.example"})

    assert "access-control-allow-origin" not in answer.headers


async def test_mongodb_being_away_is_told_as_unavailable_and_unknown(api: Api, trader: dict[str, str]) -> None:
    api.services.database.client.close()
    answer = await api.client.get("/auth/me", headers=trader)

    assert answer.status_code in (500, 503)
    assert (answer.json()["outcome"], answer.headers["content-type"]) == ("unknown", "application/problem+json")


async def test_a_body_above_the_limit_is_refused(api: Api) -> None:
    answer = await api.client.post(LOG_IN, content=b'"' + b"x" * 11_000_000, headers={"Content-Type": "application/json"})

    assert (answer.status_code, answer.json()["code"]) == (413, "content_too_large")


@pytest.mark.parametrize("query", ["query=%ff", "query=%00", "query=%ED%A0%80", "query=a&query=b", "limit=", "limit=%2B1", "&&=&"])
async def test_no_query_is_lucys_own_error(api: Api, trader: dict[str, str], query: str) -> None:
    answer = await api.client.get(f"/instruments?{query}", headers=trader)

    assert answer.status_code in (200, 422)


@pytest.mark.parametrize("username", ["a\u0000b", "$where", "é" * 50, "x" * 100])
async def test_no_name_is_lucys_own_error(api: Api, username: str) -> None:
    answer = await api.client.post(LOG_IN, json={"username": username, "password": "y"})

    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_credentials")
