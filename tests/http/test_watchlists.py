"""Watch lists: lists, items, quotes, holdings."""

import asyncio
from typing import Any

import pytest

from api.domain.enums import Role
from tests.http.api import Desk
from tests.stack import until

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def _make(desk: Desk, user: dict[str, str] | None = None, **body: Any) -> dict[str, Any]:
    made = await desk.api.client.post("/watchlists", json={"name": "chips"} | body, headers=user or desk.demo)
    assert made.status_code == 201, made.text
    document: dict[str, Any] = made.json()
    return document


async def _add(desk: Desk, watchlist: dict[str, Any], symbol: str, **body: Any) -> dict[str, Any]:
    added = await desk.api.client.post(f"/watchlists/{watchlist['id']}/items", json={"symbol": symbol} | body, headers=desk.demo)
    assert added.status_code == 201, added.text
    document: dict[str, Any] = added.json()
    return document


async def _read(desk: Desk, watchlist: dict[str, Any]) -> dict[str, Any]:
    answer = await desk.api.client.get(f"/watchlists/{watchlist['id']}", headers=desk.demo)
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


async def _symbols(desk: Desk, watchlist: dict[str, Any]) -> list[str]:
    return [item["symbol"] for item in (await _read(desk, watchlist))["items"]]


async def _held(desk: Desk) -> dict[str, Any]:
    """The demo user's list of holdings, made by whoever needs it first."""
    lists = (await desk.api.client.get("/watchlists", headers=desk.demo)).json()["items"]
    return next((each for each in lists if each["kind"] == "held"), None) or await _make(desk, name="mine", kind="held")


async def test_a_list_is_made_filled_renamed_and_removed(desk: Desk) -> None:
    watchlist = await _make(desk, name="반도체", kind="interest")
    item = await _add(desk, watchlist, "005930", note="after the results", target_price=90_000)
    path = f"/watchlists/{watchlist['id']}"

    renamed = await desk.api.client.patch(path, json={"name": "chips"}, headers=desk.demo)
    found = await _read(desk, watchlist)
    listed = (await desk.api.client.get("/watchlists", headers=desk.demo)).json()["items"]
    removed = await desk.api.client.delete(path, headers=desk.demo)
    gone = await desk.api.client.get(path, headers=desk.demo)

    assert (watchlist["kind"], watchlist["item_count"], watchlist["version"]) == ("interest", 0, 1)
    assert (item["name"], item["note"], item["target_price"], item["stop_price"]) == ("삼성전자", "after the results", 90_000, None)
    assert (renamed.status_code, renamed.json()["name"], renamed.json()["version"]) == (200, "chips", 3)
    assert found["items"] == [item]
    assert renamed.json() in listed
    assert (removed.status_code, gone.status_code) == (204, 404)


async def test_items_are_changed_field_by_field_and_moved(desk: Desk) -> None:
    watchlist = await _make(desk)
    for symbol in ("005930", "000660", "035720"):
        await _add(desk, watchlist, symbol, note=symbol, target_price=500_000)
    await _add(desk, watchlist, "005380", position=1)
    path = f"/watchlists/{watchlist['id']}/items"

    moved = await desk.api.client.patch(f"{path}/035720", json={"position": 0}, headers=desk.demo)
    past_the_end = await desk.api.client.patch(f"{path}/005930", json={"position": 199}, headers=desk.demo)
    cleared = await desk.api.client.patch(f"{path}/035720", json={"target_price": None, "stop_price": 10_000}, headers=desk.demo)
    removed = await desk.api.client.delete(f"{path}/005380", headers=desk.demo)

    assert (moved.json()["position"], moved.json()["note"], moved.json()["target_price"]) == (0, "035720", 500_000)
    assert past_the_end.json()["position"] == 3
    assert (cleared.json()["note"], cleared.json()["target_price"], cleared.json()["stop_price"]) == ("035720", None, 10_000)
    assert removed.status_code == 204
    assert await _symbols(desk, watchlist) == ["035720", "000660", "005930"]


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("POST", "", {"name": ""}, 422, "invalid_request"),
        ("POST", "", {"name": "x" * 61}, 422, "invalid_request"),
        ("POST", "", {"name": "x", "kind": "sold"}, 422, "invalid_request"),
        ("POST", "", {"name": "x", "items": []}, 422, "invalid_request"),
        ("PATCH", "/{id}", {"kind": "held"}, 422, "invalid_request"),
        ("POST", "/{id}/items", {"symbol": "999999"}, 422, "unknown_symbol"),
        ("POST", "/{id}/items", {"symbol": "5930"}, 422, "invalid_request"),
        ("POST", "/{id}/items", {"symbol": "000660", "target_price": 0}, 422, "invalid_request"),
        ("POST", "/{id}/items", {"symbol": "000660", "target_price": 71_000.5}, 422, "invalid_request"),
        ("POST", "/{id}/items", {"symbol": "000660", "position": -1}, 422, "invalid_request"),
        ("POST", "/{id}/items", {"symbol": "005930"}, 409, "conflict"),
        ("PATCH", "/{id}/items/000660", {"note": "x"}, 404, "not_found"),
        ("PATCH", "/{id}/items/005930", {"note": None}, 422, "invalid_request"),
        ("PATCH", "/{id}/items/005930", {"note": "x" * 501}, 422, "invalid_request"),
        ("DELETE", "/{id}/items/000660", None, 404, "not_found"),
        ("GET", "/alerts?cursor=!", None, 422, "invalid_cursor"),
        ("GET", "/alerts?limit=0", None, 422, "invalid_request"),
        ("GET", "/nothing", None, 422, "invalid_request"),
    ],
)
async def test_what_cannot_be_is_refused_and_changes_nothing(
    desk: Desk, method: str, path: str, body: dict[str, Any] | None, status: int, code: str
) -> None:
    watchlist = await _make(desk)
    await _add(desk, watchlist, "005930")
    before = await _read(desk, watchlist)

    answer = await desk.api.client.request(method, f"/watchlists{path.format(id=watchlist['id'])}", json=body, headers=desk.demo)

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert await _read(desk, watchlist) == before


async def test_nobody_has_more_than_50_lists_however_many_are_asked_for_at_once(desk: Desk) -> None:
    user = await desk.api.add_user(Role.VIEWER, "collector")

    answers = await asyncio.gather(*(desk.api.client.post("/watchlists", json={"name": str(number)}, headers=user) for number in range(60)))
    held = [each.status_code for each in answers].count(201)
    listed = (await desk.api.client.get("/watchlists", headers=user)).json()["items"]

    assert {each.status_code for each in answers} == {201, 409}
    assert len(listed) == held <= 50


async def test_a_list_takes_200_items_and_no_more(desk: Desk) -> None:
    watchlist = await _make(desk)
    database = desk.api.services.database
    stored = (await database["watchlists"].find_one({"_id": watchlist["id"]})) or {}
    items = [{"symbol": f"Z{number:05}", "note": "", "levels": [], "added_at": stored["created_at"]} for number in range(199)]
    await database["watchlists"].update_one({"_id": watchlist["id"]}, {"$set": {"items": items}})

    await _add(desk, watchlist, "005930")
    refused = await desk.api.client.post(f"/watchlists/{watchlist['id']}/items", json={"symbol": "000660"}, headers=desk.demo)

    assert (refused.status_code, refused.json()["code"]) == (409, "conflict")
    assert len(await _symbols(desk, watchlist)) == 200


async def test_changes_made_at_once_all_hold(desk: Desk) -> None:
    watchlist = await _make(desk)
    symbols = ["005930", "000660", "035720", "005380", "051910", "207940"]
    path = f"/watchlists/{watchlist['id']}"

    await asyncio.gather(
        *(_add(desk, watchlist, symbol) for symbol in symbols), desk.api.client.patch(path, json={"name": "renamed"}, headers=desk.demo)
    )
    await asyncio.gather(
        *(desk.api.client.patch(f"{path}/items/{symbol}", json={"note": symbol}, headers=desk.demo) for symbol in symbols),
        desk.api.client.patch(f"{path}/items/005930", json={"stop_price": 1_000}, headers=desk.demo),
    )
    found = await _read(desk, watchlist)

    assert found["name"] == "renamed"
    assert {item["symbol"]: item["note"] for item in found["items"]} == {symbol: symbol for symbol in symbols}
    assert next(item["stop_price"] for item in found["items"] if item["symbol"] == "005930") == 1_000
    assert found["version"] == 1 + len(symbols) + 1 + len(symbols) + 1


async def test_quotes_come_in_the_lists_order_each_as_of_its_own_moment(desk: Desk) -> None:
    watchlist = await _make(desk)
    for symbol in ("035720", "005930"):
        await _add(desk, watchlist, symbol)

    answer = (await desk.api.client.get(f"/watchlists/{watchlist['id']}/quotes", headers=desk.demo)).json()

    assert [item["symbol"] for item in answer["items"]] == ["035720", "005930"]
    for item in answer["items"]:
        assert item["problem"] is None
        assert item["as_of"] == item["quote"]["at"] <= answer["at"]
        assert item["quote"]["change"] == item["quote"]["price"] - item["quote"]["reference_price"]


async def test_where_no_broker_answers_each_item_has_its_last_price_and_the_problem(desk: Desk) -> None:
    watchlist = await _make(desk)
    await _add(desk, watchlist, "096770")
    path = f"/watchlists/{watchlist['id']}/quotes"
    before = (await desk.api.client.get(path, headers=desk.demo)).json()["items"][0]
    await _add(desk, watchlist, "066570")
    for broker in ("kis", "ls"):
        fault = {"broker": broker, "operation": "inquire", "kind": "error_500_before_taken", "count": 500}
        (await desk.control.post("/faults", json=fault)).raise_for_status()

    async def is_troubled() -> bool:  # an answer of just before may be given again for a moment
        items = (await desk.api.client.get(path, headers=desk.demo)).json()["items"]
        known, never_seen = items
        if known["problem"] is None:
            return False
        assert known["problem"] == {"code": "broker_unavailable", "detail": known["problem"]["detail"], "retryable": True}
        assert known["quote"]["price"] == before["quote"]["price"]
        assert (never_seen["quote"], never_seen["as_of"], never_seen["problem"]["code"]) == (None, None, "broker_unavailable")
        return True

    await until(is_troubled, "the broker's failure shows", seconds=20)
    (await desk.control.delete("/faults")).raise_for_status()


async def test_quotes_need_an_account_to_ask_through(desk: Desk) -> None:
    user = await desk.api.add_user(Role.TRADER, "watcher.without.account")
    watchlist = await _make(desk, user)

    answer = await desk.api.client.get(f"/watchlists/{watchlist['id']}/quotes", headers=user)

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_a_list_of_holdings_has_what_the_accounts_hold_added_up(desk: Desk) -> None:
    watchlist = await _held(desk)
    expected: dict[str, int] = {}
    for account in desk.accounts.values():
        positions = (await desk.api.client.get(f"/accounts/{account['id']}/positions", headers=desk.demo)).json()
        for position in positions["items"]:
            expected[position["symbol"]] = expected.get(position["symbol"], 0) + position["quantity"]

    found = await _read(desk, watchlist)

    assert expected
    assert {item["symbol"]: item["holding"]["quantity"] for item in found["items"]} == expected
    values = [item["holding"]["evaluation_amount"] for item in found["items"]]
    assert values == sorted(values, reverse=True)
    assert (found["item_count"], found["problems"]) == (None, [])


async def test_a_list_of_holdings_takes_notes_and_prices_and_nothing_else(desk: Desk) -> None:
    watchlist = await _held(desk)
    held = (await _symbols(desk, watchlist))[0]
    path = f"/watchlists/{watchlist['id']}/items"
    second = await desk.api.client.post("/watchlists", json={"name": "mine too", "kind": "held"}, headers=desk.demo)

    noted = await desk.api.client.patch(f"{path}/{held}", json={"note": "long", "stop_price": 1_000}, headers=desk.demo)
    refused = [
        await desk.api.client.post(path, json={"symbol": held}, headers=desk.demo),
        await desk.api.client.delete(f"{path}/{held}", headers=desk.demo),
        await desk.api.client.patch(f"{path}/{held}", json={"position": 0}, headers=desk.demo),
        second,
    ]
    not_held = await desk.api.client.patch(f"{path}/096770", json={"note": "x"}, headers=desk.demo)
    found = next(item for item in (await _read(desk, watchlist))["items"] if item["symbol"] == held)

    assert (noted.status_code, noted.json()["note"], noted.json()["stop_price"]) == (200, "long", 1_000)
    assert noted.json()["holding"]["quantity"] == found["holding"]["quantity"]
    assert (found["note"], found["stop_price"]) == ("long", 1_000)
    assert {(answer.status_code, answer.json()["code"]) for answer in refused} == {(409, "conflict")}
    assert not_held.status_code == 404


async def test_an_account_that_cannot_be_read_is_named_and_not_taken_for_empty(desk: Desk) -> None:
    watchlist = await _held(desk)
    fault = {"broker": "kis", "operation": "inquire", "kind": "error_500_before_taken", "count": 500}
    (await desk.control.post("/faults", json=fault)).raise_for_status()

    async def is_named() -> bool:  # an answer of just before may be given again for a moment
        problems = (await _read(desk, watchlist))["problems"]
        return [(each["account_id"], each["code"]) for each in problems] == [(desk.accounts["kis"]["id"], "broker_unavailable")]

    await until(is_named, "the account is named", seconds=20)
    unknown = await desk.api.client.patch(f"/watchlists/{watchlist['id']}/items/096770", json={"note": "x"}, headers=desk.demo)
    (await desk.control.delete("/faults")).raise_for_status()

    assert (unknown.status_code, unknown.json()["code"]) == (503, "broker_unavailable")
