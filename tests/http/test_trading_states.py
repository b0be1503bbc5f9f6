"""Trading states: what leaves while trading is halted or reducing, at each level and by each way in."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from api.domain.enums import Role
from api.errors import TradingStateUnknown
from api.local.process import choose_port
from tests.http.api import Api, Desk, serving
from tests.stack import until

pytestmark = pytest.mark.asyncio(loop_scope="session")

LEVELS = ["global", "broker", "account"]
HELD = "005930"


def path_of(desk: Desk, level: str, broker: str = "kis") -> str:
    return {
        "global": "/trading-states/global",
        "broker": f"/trading-states/brokers/{broker}",
        "account": f"/accounts/{desk.accounts[broker]['id']}/kill-switch",
    }[level]


async def put(desk: Desk, level: str, state: str, broker: str = "kis", api: Api | None = None, **more: Any) -> dict[str, Any]:
    answer = await (api or desk.api).client.put(path_of(desk, level, broker), json={"state": state} | more, headers=desk.demo)
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


@pytest_asyncio.fixture(loop_scope="session", autouse=True)
async def active_again(desk: Desk) -> AsyncIterator[None]:
    """Whatever a test set is active after it, and no fault is left."""
    yield
    await desk.control.delete("/faults")
    found = (await desk.api.client.get("/trading-states", headers=desk.demo)).json()["items"]
    for item in found:
        if item["state"] != "active":
            await put(desk, item["level"], "active", item["broker"] or "kis")
    for account in (await desk.api.client.get("/accounts", headers=desk.demo)).json()["items"]:
        if account["trading_state"] != "active":
            await put(desk, "account", "active", account["broker"])


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def second(desk: Desk) -> AsyncIterator[Api]:
    """Another API process over the same MongoDB and Redis, for all that it keeps to itself."""
    async with serving(desk.api.services.settings.model_copy(update={"api_port": choose_port()})) as api:
        yield api


async def rows(desk: Desk) -> list[tuple[str, str]]:
    """What the brokers took: (number, kind), but for cancels."""
    found = (await desk.control.get("/ledger/orders")).json()
    return sorted((row["order_number"], row["kind"]) for row in found if row["kind"] != "cancel")


async def sellable(desk: Desk, broker: str, symbol: str = HELD) -> int:
    items = (await desk.api.client.get(f"/accounts/{desk.accounts[broker]['id']}/positions", headers=desk.demo)).json()["items"]
    return sum(int(item["sellable_quantity"]) for item in items if item["symbol"] == symbol)


async def newest_event(desk: Desk, who: dict[str, str]) -> str:
    """Id of the newest event that a user was told."""
    after = "0-0"
    while items := (await desk.api.client.get("/events/log", params={"after": after, "limit": 1000}, headers=who)).json()["items"]:
        after = items[-1]["id"]
    return after


@pytest.mark.parametrize("broker", ["kis", "ls"])
@pytest.mark.parametrize("level", LEVELS)
async def test_while_halted_no_way_in_reaches_the_broker_but_a_cancel(desk: Desk, level: str, broker: str) -> None:
    name = f"walk-{level}-{broker}"
    first, second, third = [await desk.placed(broker) for _ in range(3)]
    await desk.set_fault(broker, "rate_limited", 100)
    not_sent = await desk.place(broker, client_order_id=name)
    unsent = {"client_basket_id": name, "orders": [desk.order(broker)]}
    basket = (await desk.api.client.post("/orders/basket", json=unsent, headers=desk.demo)).json()
    await desk.control.delete("/faults")
    assert (not_sent.status_code, not_sent.json()["code"]) == (429, "too_many_requests")
    before = await rows(desk)
    row = {"account_id": desk.accounts[broker]["id"], "symbol": HELD, "side": "buy", "quantity": 1, "limit_price": 60_000}
    csv = "account_id,symbol,side,quantity,limit_price\n" + ",".join(map(str, row.values()))
    await put(desk, level, "halted", broker)
    client = desk.api.client

    refused = {
        "order": await desk.place(broker),
        "market order": await desk.place(broker, order_type="market", limit_price=None),
        "sale": await desk.place(broker, symbol=HELD, side="sell", limit_price=80_000),
        "key in the header": await desk.place(broker, headers={"Idempotency-Key": f"{name}-key"}),
        "repeat of an order that was not sent": await desk.place(broker, client_order_id=name),
        "price": await client.patch(f"/orders/{first['id']}", json={"limit_price": 60_100}, headers=desk.demo),
        "quantity": await client.patch(f"/orders/{first['id']}", json={"quantity": 5}, headers=desk.demo),
        "price and quantity": await client.patch(f"/orders/{first['id']}", json={"limit_price": 60_100, "quantity": 5}, headers=desk.demo),
    }
    text = desk.demo | {"Content-Type": "text/csv"}
    baskets = [
        await client.post("/orders/basket", json={"orders": [row]}, headers=desk.demo),
        await client.post("/orders/basket", content=csv, headers=text),
        await client.post(f"/orders/baskets/{basket['id']}/resume", json={}, headers=desk.demo),
        await client.post("/orders/basket", json=unsent, headers=desk.demo),
    ]
    replay = await desk.place(broker, client_order_id=first["client_order_id"])
    cancel = await client.delete(f"/orders/{first['id']}", headers=desk.demo)
    all_others = await client.post("/orders/cancel-all", json={"account_id": desk.accounts[broker]["id"]}, headers=desk.demo)

    assert {what: (answer.status_code, answer.json()["code"]) for what, answer in refused.items()} == dict.fromkeys(
        refused, (403, "trading_halted")
    )
    assert (replay.status_code, replay.headers["Idempotent-Replayed"]) == (200, "true")
    rows_refused = [answer.json()["rows"][0]["code"] for answer in baskets[:2]] + [
        answer.json()["items"][0]["code"] for answer in baskets[2:]
    ]
    assert [answer.status_code for answer in baskets] == [422, 422, 207, 207]
    assert (basket["items"][0]["status_code"], rows_refused) == (429, ["trading_halted"] * 4)
    assert cancel.status_code == 200
    canceled = {item["order_id"] for item in all_others.json()["items"] if item["status_code"] == 200}
    assert {second["id"], third["id"]} <= canceled
    assert await desk.at_broker(first) == ["new", "cancel"]
    assert await rows(desk) == before


async def test_an_order_that_was_not_sent_leaves_once_trading_is_active_again(desk: Desk) -> None:
    await desk.set_fault("kis", "rate_limited", 100)
    await desk.place("kis", client_order_id="later-1")
    await desk.control.delete("/faults")
    await put(desk, "broker", "halted")
    assert (await desk.place("kis", client_order_id="later-1")).status_code == 403
    await put(desk, "broker", "active")

    answer = await desk.place("kis", client_order_id="later-1")

    assert (answer.status_code, answer.json()["status"]) == (201, "new")
    assert await desk.at_broker(answer.json()) == ["new"]


async def test_the_strictest_level_holds_until_each_is_released(desk: Desk) -> None:
    account = f"/accounts/{desk.accounts['kis']['id']}"
    for level in LEVELS:
        await put(desk, level, "halted")
    seen = []
    for level in LEVELS:
        seen.append((await desk.place("kis")).json().get("code"))
        await put(desk, level, "active")
        seen.append((await desk.api.client.get(account, headers=desk.demo)).json()["effective_trading_state"])

    answer = await desk.place("kis")

    assert seen == ["trading_halted", "halted", "trading_halted", "halted", "trading_halted", "active"]
    assert answer.status_code == 201


async def test_a_halted_broker_leaves_the_other_one_open(desk: Desk) -> None:
    await put(desk, "broker", "halted", "kis")

    assert (await desk.place("kis")).status_code == 403
    assert (await desk.place("ls")).status_code == 201


async def test_a_change_that_was_answered_holds_in_every_other_process_at_once(desk: Desk, second: Api) -> None:
    answers = []
    for round_number in range(4):
        setter, other = (desk.api, second) if round_number % 2 else (second, desk.api)
        warm = await other.client.post("/orders", json=desk.order("ls"), headers=desk.demo)
        await put(desk, "global", "halted", api=setter)
        refused = await asyncio.gather(*(other.client.post("/orders", json=desk.order("ls"), headers=desk.demo) for _ in range(5)))
        before = await rows(desk)
        await put(desk, "global", "active", api=setter)
        taken = await other.client.post("/orders", json=desk.order("ls"), headers=desk.demo)
        answers.append((warm.status_code, {answer.status_code for answer in refused}, taken.status_code))
        assert len(await rows(desk)) == len(before) + 1

    assert answers == [(201, {403}, 201)] * 4


async def test_orders_under_way_in_another_process_have_left_or_stay_here_once_the_halt_is_answered(desk: Desk, second: Api) -> None:
    async def keep_ordering() -> list[int]:
        statuses: list[int] = []
        while statuses.count(403) < 3:
            statuses.append((await second.client.post("/orders", json=desk.order("ls"), headers=desk.demo)).status_code)
        return statuses

    desks = [asyncio.create_task(keep_ordering()) for _ in range(4)]
    taken_before = len(await rows(desk))

    async def are_flowing() -> bool:
        return len(await rows(desk)) > taken_before + 8

    await until(are_flowing, "orders flow")

    await put(desk, "global", "halted")
    at_answer = await rows(desk)
    statuses = [status for task in desks for status in await task]

    assert await rows(desk) == at_answer
    assert statuses.count(201) > 8


async def test_orders_that_wait_in_line_for_the_brokers_call_limit_do_not_leave_after_a_halt(desk: Desk) -> None:
    waiting = [asyncio.create_task(desk.place("ls", quantity=number + 1)) for number in range(60)]  # LS takes 10 a second
    taken_before = len(await rows(desk))

    async def have_begun() -> bool:
        return len(await rows(desk)) > taken_before

    await until(have_begun, "the first orders have left")

    await put(desk, "account", "halted", "ls")
    at_answer = await rows(desk)
    answers = await asyncio.gather(*waiting)

    assert await rows(desk) == at_answer
    kept = [answer.json() for answer in answers if answer.status_code == 403]
    assert len(kept) > 20
    assert {(problem["code"], problem["outcome"]) for problem in kept} == {("trading_halted", "none")}
    stored = [await desk.api.client.get(f"/orders/{problem['order_id']}", headers=desk.demo) for problem in kept if "order_id" in problem]
    assert {(order.json()["status"], order.json()["reason"]) for order in stored} == {("rejected", "not_sent")}


async def test_open_orders_are_canceled_on_request_and_the_answer_counts_them(desk: Desk) -> None:
    order = await desk.placed("ls")

    done = await put(desk, "broker", "halted", "ls", reason="an order loop", cancel_open_orders=True)

    assert (done["current"]["state"], done["current"]["reason"]) == ("halted", "an order loop")
    assert done["canceled"]["requested"] >= 1
    assert await desk.at_broker(order) == ["new", "cancel"]


async def test_a_kill_switch_cancels_the_accounts_open_orders_on_request(desk: Desk) -> None:
    order, others = await desk.placed("kis"), await desk.placed("ls")

    account = await put(desk, "account", "halted", "kis", cancel_open_orders=True)

    assert (account["trading_state"], account["effective_trading_state"]) == ("halted", "halted")
    assert await desk.at_broker(order) == ["new", "cancel"]
    assert await desk.at_broker(others) == ["new"]


async def test_a_change_is_told_to_members_and_admins_and_kept_in_the_audit_log(desk: Desk) -> None:
    other_admin = await desk.api.add_user(Role.ADMIN, "other.admin")
    trader = await desk.api.add_user(Role.TRADER, "without.account")
    listeners = (desk.demo, other_admin, trader)
    before = [await newest_event(desk, who) for who in listeners]

    await put(desk, "broker", "reducing", reason="a drill")

    entry = (await desk.api.client.get("/audit", params={"subject": "trading_state:kis"}, headers=desk.demo)).json()["items"][0]
    assert (entry["action"], entry["after"]) == ("trading_state.put", {"trading_state": "reducing", "reason": "a drill"})
    heard = [
        (await desk.api.client.get("/events/log", params={"after": after}, headers=who)).json()["items"]
        for who, after in zip(listeners, before, strict=True)
    ]
    told = [[item["data"] for item in items if item["event"] == "alert" and "a drill" in item["data"]["message"]] for items in heard]
    assert [len(items) for items in told] == [1, 1, 0]
    assert (told[0][0]["code"], told[0][0]["account_id"]) == ("trading_state_changed", None)


async def test_a_trader_sets_their_accounts_switch_and_no_other(desk: Desk) -> None:
    trader = await desk.api.add_user(Role.TRADER, "only.trader")

    answers = [
        await desk.api.client.put(path_of(desk, level), json={"state": "halted"}, headers=trader)
        for level in ("global", "broker", "account")
    ]

    assert [answer.status_code for answer in answers] == [403, 403, 404]
    assert (await desk.place("kis")).status_code == 201


async def test_a_state_or_broker_that_is_none_is_refused(desk: Desk) -> None:
    for path, body in (
        ("/trading-states/global", {"state": "paused"}),
        ("/trading-states/global", {"state": "halted", "reason": "x" * 201}),
        ("/trading-states/global", {"state": "halted", "until": "noon"}),
        ("/trading-states/global", {}),
    ):
        answer = await desk.api.client.put(path, json=body, headers=desk.demo)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    unknown = await desk.api.client.put("/trading-states/brokers/nh", json={"state": "halted"}, headers=desk.demo)
    assert unknown.status_code in (404, 422)
    assert (await desk.place("kis")).status_code == 201


# -- reducing


@pytest.mark.parametrize("broker", ["kis", "ls"])
async def test_reducing_lets_out_sales_of_what_is_held_and_not_offered_yet(desk: Desk, broker: str) -> None:
    free = await sellable(desk, broker)
    assert free >= 4
    await put(desk, "broker", "reducing", broker)
    before = await rows(desk)
    sale: dict[str, Any] = {"side": "sell", "limit_price": 90_000}

    too_many = await desk.place(broker, quantity=free + 1, **sale)
    a_part = await desk.place(broker, quantity=free - 1, **sale)
    more_than_is_left = await desk.place(broker, quantity=2, **sale)
    the_rest = await desk.place(broker, quantity=1, **sale)
    a_buy = await desk.place(broker)
    of_nothing = await desk.place(broker, symbol="000660", quantity=10**6, side="sell", limit_price=None, order_type="market")

    refused = (403, "reducing_only")
    assert [(answer.status_code, answer.json().get("code")) for answer in (too_many, more_than_is_left, a_buy, of_nothing)] == [refused] * 4
    assert [answer.status_code for answer in (a_part, the_rest)] == [201, 201]
    assert len(await rows(desk)) == len(before) + 2
    for answer in (a_part, the_rest):
        assert (await desk.api.client.delete(f"/orders/{answer.json()['id']}", headers=desk.demo)).status_code == 200


async def test_two_sales_at_once_never_sell_more_than_is_held(desk: Desk) -> None:
    free = await sellable(desk, "ls", HELD)
    await put(desk, "account", "reducing", "ls")
    each = free * 2 // 3

    answers = await asyncio.gather(*(desk.place("ls", quantity=each, side="sell", limit_price=90_000) for _ in range(4)))

    left = [answer.json() for answer in answers if answer.status_code == 201]
    assert len(left) <= 1
    assert {answer.json()["code"] for answer in answers if answer.status_code != 201} == {"reducing_only"}
    for order in left:
        await desk.api.client.delete(f"/orders/{order['id']}", headers=desk.demo)


async def test_reducing_lets_a_quantity_shrink_and_no_buy_get_another_price(desk: Desk) -> None:
    order = await desk.placed("kis")
    await put(desk, "global", "reducing")

    price = await desk.api.client.patch(f"/orders/{order['id']}", json={"limit_price": 60_100}, headers=desk.demo)
    both = await desk.api.client.patch(f"/orders/{order['id']}", json={"limit_price": 60_100, "quantity": 4}, headers=desk.demo)
    less = await desk.api.client.patch(f"/orders/{order['id']}", json={"quantity": 4}, headers=desk.demo)

    assert [(answer.status_code, answer.json()["code"]) for answer in (price, both)] == [(403, "reducing_only")] * 2
    assert less.status_code == 200
    assert await desk.at_broker(order) == ["new", "cancel"]


@pytest.mark.parametrize("broker", ["kis", "ls"])
async def test_where_the_broker_does_not_tell_what_is_held_nothing_leaves(desk: Desk, broker: str) -> None:
    await put(desk, "broker", "reducing", broker)
    await desk.control.post("/faults", json={"broker": broker, "operation": "inquire", "kind": "error_500_before_taken", "count": 50})
    before = await rows(desk)

    answer = await desk.place(broker, quantity=1, side="sell", limit_price=90_000)

    assert (answer.status_code, answer.json()["code"], answer.json()["outcome"]) == (503, "position_unknown", "none")
    assert await rows(desk) == before


async def test_where_the_states_cannot_be_read_nothing_leaves(desk: Desk, second: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    states = second.services.order_service._gate._states

    async def read() -> None:
        raise TimeoutError

    monkeypatch.setattr(states, "_read", read)
    monkeypatch.setattr(states, "_good_until", float("-inf"))
    before = await rows(desk)

    answer = await second.client.post("/orders", json=desk.order("ls"), headers=desk.demo)

    assert (answer.status_code, answer.json()["code"]) == (TradingStateUnknown.status, TradingStateUnknown.code)
    assert await rows(desk) == before
