"""Risk limits over HTTP: what is refused, what asks back, what is used up, whose limits hold."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio
from jose import jwt

from api.domain.enums import Role
from api.local.process import choose_port
from tests.http.api import Api, Desk, serving

pytestmark = pytest.mark.asyncio(loop_scope="session")

NONE = dict.fromkeys(
    ["order_value", "order_quantity", "day_value", "orders_per_second", "orders_per_minute", "price_distance", "same_order"]
)
BUY: dict[str, Any] = {"limit_price": 60_000, "quantity": 10}
"""600,000 won."""


def account_path(desk: Desk, broker: str = "kis") -> str:
    return f"/accounts/{desk.accounts[broker]['id']}/risk-limits"


def user_path(headers: dict[str, str]) -> str:
    return f"/users/{jwt.get_unverified_claims(headers['Authorization'].split()[1])['sub']}/risk-limits"


async def put(desk: Desk, path: str, **limits: Any) -> dict[str, Any]:
    answer = await desk.api.client.put(path, json=limits, headers=desk.demo)
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


@pytest_asyncio.fixture(loop_scope="session", autouse=True)
async def no_limits_left(desk: Desk) -> AsyncIterator[None]:
    """No limit of one test holds in the next."""
    yield
    for broker in desk.accounts:
        await put(desk, account_path(desk, broker))
    await put(desk, user_path(desk.demo))
    await desk.control.delete("/faults")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def second(desk: Desk) -> AsyncIterator[Api]:
    """Another API process over the same MongoDB and Redis, for all that it keeps to itself."""
    async with serving(desk.api.services.settings.model_copy(update={"api_port": choose_port()})) as api:
        yield api


async def used_today(desk: Desk) -> int:
    """Won of the day's orders at the KIS account that stand, as stored."""
    stored = await desk.api.services.database["orders"].find({"account_id": desk.accounts["kis"]["id"]}).to_list(None)
    return sum(row["risk_amount"] for row in stored if row["status"] != "rejected")


def refusal(answer: httpx.Response) -> tuple[int, str, list[dict[str, Any]]]:
    problem = answer.json()
    return answer.status_code, problem["code"], problem.get("violations")


@pytest.mark.parametrize("scope", ["account", "user"])
@pytest.mark.parametrize("action", ["block", "confirm"])
@pytest.mark.parametrize(
    ("code", "limit", "order", "actual"),
    [
        ("order_value", 599_999, BUY, 600_000),
        ("order_quantity", 9, BUY, 10),
        ("price_distance", 10.0, BUY, 15.493),
    ],
)
async def test_an_order_above_a_limit_is_refused_with_both_figures(
    desk: Desk, scope: str, action: str, code: str, limit: float, order: dict[str, Any], actual: float
) -> None:
    await put(desk, account_path(desk) if scope == "account" else user_path(desk.demo), **{code: {"limit": limit, "action": action}})
    traces = await desk.traces()

    answer = await desk.place(**order)

    status, problem_code, violations = refusal(answer)
    assert (status, problem_code) == {"block": (422, "risk_limit_exceeded"), "confirm": (409, "risk_confirmation_required")}[action]
    [violation] = violations
    assert violation == {"code": code, "scope": scope, "action": action, "limit": limit, "actual": pytest.approx(actual, rel=0.01)}
    assert answer.json()["outcome"] == "none"
    assert await desk.traces() == traces


@pytest.mark.parametrize(("code", "limit"), [("order_value", 600_000), ("order_quantity", 10), ("price_distance", 30.0)])
async def test_an_order_at_the_limit_passes(desk: Desk, code: str, limit: float) -> None:
    await put(desk, account_path(desk), **{code: {"limit": limit}})

    assert (await desk.place(**BUY)).status_code == 201


async def test_a_market_order_counts_at_the_days_upper_limit(desk: Desk) -> None:
    ceiling = (await desk.api.client.get("/instruments/005930", headers=desk.demo)).json()["upper_limit_price"]
    await put(desk, account_path(desk), order_value={"limit": ceiling * 2 - 1})

    answer = await desk.place(order_type="market", limit_price=None, quantity=2)

    assert [violation["actual"] for violation in refusal(answer)[2]] == [ceiling * 2]


async def test_a_confirmed_order_leaves_once_and_says_what_it_exceeded(desk: Desk) -> None:
    await put(desk, account_path(desk), order_quantity={"limit": 5, "action": "confirm"}, order_value={"limit": 1000, "action": "confirm"})
    asked = await desk.place(client_order_id="confirm-1", **BUY)
    codes = [violation["code"] for violation in refusal(asked)[2]]
    half = await desk.place(client_order_id="confirm-1", confirm=codes[:1], **BUY)

    placed = await desk.place(client_order_id="confirm-1", confirm=codes, **BUY)
    again = await desk.place(client_order_id="confirm-1", confirm=codes, **BUY)

    assert (asked.status_code, half.status_code, placed.status_code, again.status_code) == (409, 409, 201, 200)
    assert sorted(codes) == ["order_quantity", "order_value"]
    assert again.json()["id"] == placed.json()["id"]
    assert await desk.at_broker(placed.json()) == ["new"]
    audited = (await desk.api.client.get("/audit", params={"action": "order.risk_confirmed"}, headers=desk.demo)).json()["items"]
    [entry] = [entry for entry in audited if entry["subject"] == f"order:{placed.json()['id']}"]
    assert [violation["code"] for violation in entry["after"]["exceeded"]] == codes


async def test_what_blocks_cannot_be_confirmed(desk: Desk) -> None:
    await put(desk, account_path(desk), order_quantity={"limit": 5, "action": "block"}, order_value={"limit": 1000, "action": "confirm"})

    answer = await desk.place(confirm=["order_quantity", "order_value"], **BUY)

    assert refusal(answer)[:2] == (422, "risk_limit_exceeded")


async def test_of_orders_at_once_only_as_many_pass_as_the_day_has_room_for(desk: Desk, second: Api) -> None:
    headers = desk.demo
    await put(desk, account_path(desk), day_value={"limit": await used_today(desk) + 4 * 600_000 + 599_999})

    orders = [desk.order(client_order_id=f"day-{number}", **BUY) for number in range(12)]
    clients = [desk.api.client, second.client]
    answers = await asyncio.gather(
        *(clients[number % 2].post("/orders", json=order, headers=headers) for number, order in enumerate(orders))
    )

    assert Counter(answer.status_code for answer in answers) == {201: 4, 422: 8}
    assert {refusal(answer)[2][0]["code"] for answer in answers if answer.status_code == 422} == {"day_value"}


async def test_an_order_that_does_not_stand_gives_its_share_of_the_day_back(desk: Desk) -> None:
    await put(desk, account_path(desk), day_value={"limit": await used_today(desk) + 600_000})
    ceiling = (await desk.api.client.get("/instruments/035720", headers=desk.demo)).json()["upper_limit_price"]

    rejected = await desk.place(symbol="035720", side="sell", limit_price=ceiling, quantity=600_000 // ceiling)  # there are none to sell
    await desk.set_fault("kis", "rate_limited", 100)
    not_sent = await desk.place(**BUY)
    await desk.control.delete("/faults")

    assert (rejected.json()["status"], not_sent.json()["code"]) == ("rejected", "too_many_requests")
    assert (await desk.place(**BUY)).status_code == 201
    assert refusal(await desk.place(**BUY))[:2] == (422, "risk_limit_exceeded")


async def test_an_order_of_unknown_outcome_keeps_its_share_of_the_day(desk: Desk) -> None:
    await put(desk, account_path(desk), day_value={"limit": await used_today(desk) + 600_000})
    await desk.set_fault("kis", "cut_after_taken")

    unknown = await desk.place(**BUY)

    assert (unknown.status_code, unknown.json()["status"]) == (202, "unknown")
    assert refusal(await desk.place(**BUY))[:2] == (422, "risk_limit_exceeded")


async def test_a_replacement_counts_what_it_adds(desk: Desk) -> None:
    order = await desk.placed(**BUY)
    await put(desk, account_path(desk), day_value={"limit": await used_today(desk) + 61_000}, order_value={"limit": 650_000})
    client = desk.api.client

    over = await client.patch(f"/orders/{order['id']}", json={"limit_price": 66_200}, headers=desk.demo)
    within = await client.patch(f"/orders/{order['id']}", json={"limit_price": 60_200}, headers=desk.demo)
    no_room = await desk.place(quantity=1, limit_price=60_000)

    assert {violation["code"]: violation["actual"] for violation in refusal(over)[2]}["order_value"] == 662_000
    assert "day_value" in {violation["code"] for violation in refusal(over)[2]}
    assert within.status_code == 200
    assert refusal(no_room)[0] == 422


async def test_a_smaller_quantity_and_a_cancel_are_never_limited(desk: Desk) -> None:
    first, second = await desk.placed(**BUY), await desk.placed(**BUY)
    await put(desk, account_path(desk), order_value={"limit": 1}, day_value={"limit": 1}, orders_per_minute={"limit": 1})
    client = desk.api.client

    smaller = await client.patch(f"/orders/{first['id']}", json={"quantity": 5}, headers=desk.demo)
    cancel = await client.delete(f"/orders/{second['id']}", headers=desk.demo)

    assert (smaller.status_code, cancel.status_code) == (200, 200)


async def test_orders_placed_while_there_was_no_limit_count_once_there_is_one_again(desk: Desk) -> None:
    await put(desk, account_path(desk), day_value={"limit": 10**12})
    await desk.placed(**BUY)
    await put(desk, account_path(desk))
    await desk.placed(**BUY)

    await put(desk, account_path(desk), day_value={"limit": await used_today(desk) + 599_999})

    assert refusal(await desk.place(**BUY))[:2] == (422, "risk_limit_exceeded")


@pytest.mark.parametrize("code", ["orders_per_second", "orders_per_minute"])
async def test_more_orders_than_the_rate_allows_are_refused(desk: Desk, code: str) -> None:
    stored = await put(desk, user_path(desk.demo), **{code: {"limit": 3}})

    answers = await asyncio.gather(*(desk.place(quantity=1 + number) for number in range(9)))

    refused = [answer for answer in answers if answer.status_code == 422]
    assert stored[code] == {"limit": 3, "action": "block"}
    assert len(refused) >= 1 if code == "orders_per_second" else len(refused) >= 6
    assert {refusal(answer)[2][0]["code"] for answer in refused} == {code}


async def test_the_same_order_within_seconds_asks_back_at_the_same_account_only(desk: Desk) -> None:
    for broker in ("kis", "ls"):
        await put(desk, account_path(desk, broker), same_order={"limit": 86_400, "action": "confirm"})
    twin: dict[str, Any] = {"symbol": "000660", "limit_price": await _low(desk, "000660"), "quantity": 3}

    first = await desk.place(client_order_id="twin-1", **twin)
    repeat = await desk.place(client_order_id="twin-1", **twin)
    second = await desk.place(client_order_id="twin-2", **twin)
    other_quantity = await desk.place(client_order_id="twin-3", **twin | {"quantity": 4})
    other_account = await desk.place("ls", client_order_id="twin-4", **twin)
    meant = await desk.place(client_order_id="twin-2", confirm=["same_order"], **twin)

    assert [answer.status_code for answer in (first, repeat, second, other_quantity, other_account, meant)] == [
        201,
        200,
        409,
        201,
        201,
        201,
    ]
    [violation] = refusal(second)[2]
    assert (violation["code"], violation["limit"]) == ("same_order", 86_400)
    assert 0 <= violation["actual"] < 86_400


async def test_of_twins_at_once_one_passes(desk: Desk, second: Api) -> None:
    await put(desk, account_path(desk), same_order={"limit": 3600})
    twin: dict[str, Any] = {"symbol": "000660", "limit_price": await _low(desk, "000660"), "quantity": 7}
    clients = [desk.api.client, second.client]

    answers = await asyncio.gather(
        *(
            clients[number % 2].post("/orders", json=desk.order(client_order_id=f"twins-{number}", **twin), headers=desk.demo)
            for number in range(8)
        )
    )

    assert Counter(answer.status_code for answer in answers) == {201: 1, 422: 7}


async def test_limits_set_at_one_process_hold_in_every_other_once_answered(desk: Desk, second: Api) -> None:
    for limit, expected in ((5, 422), (50, 201), (3, 422)):
        await put(desk, account_path(desk), order_quantity={"limit": limit})
        order = desk.order(client_order_id=f"process-{limit}", **BUY)
        assert (await second.client.post("/orders", json=order, headers=desk.demo)).status_code == expected


async def test_a_users_limit_holds_at_each_account_and_for_nobody_else(desk: Desk) -> None:
    other = await desk.api.add_user(Role.TRADER, "other.limits")
    user_id = jwt.get_unverified_claims(other["Authorization"].split()[1])["sub"]
    path = f"/accounts/{desk.accounts['kis']['id']}"
    members = (await desk.api.client.get(path, headers=desk.demo)).json()["members"]
    added = {"members": [*members, {"user_id": user_id, "permission": "trade"}]}
    assert (await desk.api.client.put(f"{path}/members", json=added, headers=desk.demo)).status_code == 200
    await put(desk, user_path(desk.demo), order_quantity={"limit": 5})

    own = [(await desk.place(broker, **BUY)).status_code for broker in ("kis", "ls")]
    theirs = await desk.api.client.post("/orders", json=desk.order(**BUY), headers=other)

    assert own == [422, 422]
    assert theirs.status_code == 201


async def test_without_redis_no_counted_order_leaves_and_none_is_lost(desk: Desk) -> None:
    await put(desk, account_path(desk), day_value={"limit": 10**12})
    redis = desk.api.services.redis
    await desk.place(**BUY)
    traces = await desk.traces()

    async with serving(desk.api.services.settings.model_copy(update={"api_port": choose_port()})) as api:
        await redis.client_pause(3000)
        answers = [await api.client.post("/orders", json=desk.order(client_order_id="paused-1", **BUY), headers=desk.demo)]
        await redis.client_unpause()
        answers.append(await api.client.post("/orders", json=desk.order(client_order_id="paused-1", **BUY), headers=desk.demo))

    assert answers[0].status_code in (201, 503)
    assert answers[1].status_code in (200, 201)
    assert await desk.traces() == (traces[0] + 1, traces[1] + 1)


async def test_limits_are_read_back_with_who_set_them_and_audited(desk: Desk) -> None:
    path = account_path(desk, "ls")
    before = (await desk.api.client.get(path, headers=desk.demo)).json()

    await put(desk, path, order_value={"limit": 5_000_000, "action": "confirm"}, price_distance={"limit": 12.5})
    after = (await desk.api.client.get(path, headers=desk.demo)).json()

    assert {name: before[name] for name in NONE} == NONE
    assert {name: after[name] for name in NONE} == NONE | {
        "order_value": {"limit": 5_000_000, "action": "confirm"},
        "price_distance": {"limit": 12.5, "action": "block"},
    }
    assert after["set_by"] == user_path(desk.demo).split("/")[2]
    audited = (await desk.api.client.get("/audit", params={"action": "risk_limits.put"}, headers=desk.demo)).json()["items"]
    assert audited[0]["after"] == {name: after[name] for name in ("order_value", "price_distance")}


@pytest.mark.parametrize(
    "limits",
    [
        {"order_value": {"limit": 0}},
        {"order_value": {"limit": -5}},
        {"order_value": 5},
        {"order_value": {"limit": 5, "action": "warn"}},
        {"price_distance": {"limit": "a lot"}},
        {"orders_per_second": {"limit": 1.5}},
        {"day_volume": {"limit": 5}},
    ],
)
async def test_limits_that_make_no_sense_change_nothing(desk: Desk, limits: dict[str, Any]) -> None:
    await put(desk, account_path(desk), order_quantity={"limit": 7})

    answer = await desk.api.client.put(account_path(desk), json=limits, headers=desk.demo)

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert (await desk.api.client.get(account_path(desk), headers=desk.demo)).json()["order_quantity"]["limit"] == 7


async def test_a_trader_reads_own_limits_and_sets_none(desk: Desk) -> None:
    trader = await desk.api.add_user(Role.TRADER, "trader.limits")
    client = desk.api.client

    read = await client.get(user_path(trader), headers=trader)
    own = await client.put(user_path(trader), json={}, headers=trader)
    others = await client.get(user_path(desk.demo), headers=trader)
    account = await client.put(account_path(desk), json={}, headers=trader)

    assert (read.status_code, own.status_code, others.status_code, account.status_code) == (200, 403, 403, 404)


async def _low(desk: Desk, symbol: str) -> int:
    """A price at which a buy waits."""
    return int((await desk.api.client.get(f"/instruments/{symbol}", headers=desk.demo)).json()["lower_limit_price"])
