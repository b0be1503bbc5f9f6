"""Instruments and quotes."""

import pytest

from api.domain.enums import Role
from tests.http.api import Api, Desk


@pytest.mark.parametrize("text", ["", "삼성", "005930", "ㅅㅅㅈㅈ", "a(b", "." * 40])
async def test_a_search_takes_any_text(api: Api, trader: dict[str, str], text: str) -> None:
    answer = await api.client.get("/instruments", params={"query": text}, headers=trader)

    assert (answer.status_code, answer.json()) == (200, {"items": [], "next_cursor": None})


@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.parametrize("text", ["005930", "삼성전자", "삼성 전자", "ㅅㅅㅈㅈ", " 삼성"])
async def test_an_instrument_is_found_by_code_name_and_initial_consonants(desk: Desk, text: str) -> None:
    answer = await desk.api.client.get("/instruments", params={"query": text}, headers=desk.demo)

    assert "005930" in [item["symbol"] for item in answer.json()["items"]]


@pytest.mark.asyncio(loop_scope="session")
async def test_an_instrument_tells_its_limits_and_tick(desk: Desk) -> None:
    instrument = (await desk.api.client.get("/instruments/005930", headers=desk.demo)).json()

    assert instrument["lower_limit_price"] < instrument["reference_price"] < instrument["upper_limit_price"]
    assert instrument["reference_price"] % instrument["tick_size"] == 0
    assert (instrument["name"], instrument["lot_size"], instrument["is_halted"]) == ("삼성전자", 1, False)


@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.parametrize("path", ["/instruments/999999", "/instruments/삼성", "/instruments/%24ne"])
async def test_an_unknown_instrument_is_not_found(desk: Desk, path: str) -> None:
    answer = await desk.api.client.get(path, headers=desk.demo)

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


@pytest.mark.asyncio(loop_scope="session")
async def test_quotes_come_in_the_order_asked_for_each_once(desk: Desk) -> None:
    answer = await desk.api.client.get("/quotes", params={"symbols": "000660,005930, 000660"}, headers=desk.demo)

    assert [item["symbol"] for item in answer.json()["items"]] == ["000660", "005930"]
    for item in answer.json()["items"]:
        assert item["lower_limit_price"] <= item["price"] <= item["upper_limit_price"]
        assert item["change"] == item["price"] - item["reference_price"]


@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("", "invalid_request"),
        ("?symbols=", "invalid_request"),
        ("?symbols=,,", "invalid_request"),
        ("?symbols=999999", "unknown_symbol"),
        ("?symbols=" + ",".join(f"{number:06}" for number in range(31)), "invalid_request"),
        ("?symbols=" + "x" * 401, "invalid_request"),
    ],
)
async def test_quotes_of_what_cannot_be_are_refused(desk: Desk, query: str, code: str) -> None:
    answer = await desk.api.client.get(f"/quotes{query}", headers=desk.demo)

    assert (answer.status_code, answer.json()["code"]) == (422, code)


@pytest.mark.asyncio(loop_scope="session")
async def test_quotes_need_an_account_to_ask_through(desk: Desk) -> None:
    stranger = await desk.api.add_user(Role.TRADER, "without.account")

    answer = await desk.api.client.get("/quotes", params={"symbols": "005930"}, headers=stranger)

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
