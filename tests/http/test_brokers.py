"""What each broker offers, as the API tells it: the adapters' own tables."""

from typing import Any

import pytest

from api.brokers.capabilities import Inquiry
from api.domain.enums import Broker, Environment, Exchange, OrderType, Role, TimeInForce
from tests.http.api import Desk

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def offers(desk: Desk) -> dict[tuple[str, str], dict[str, Any]]:
    items = (await desk.api.client.get("/brokers", headers=desk.demo)).json()["items"]
    return {(item["broker"], item["environment"]): item for item in items}


async def test_every_broker_is_told_in_every_environment_to_anyone_signed_in(desk: Desk) -> None:
    stranger = await desk.api.add_user(Role.VIEWER, "reads.brokers")

    answer = await desk.api.client.get("/brokers", headers=stranger)

    assert [(item["broker"], item["environment"]) for item in answer.json()["items"]] == [
        (broker.value, environment.value) for broker in Broker for environment in Environment
    ]


async def test_what_is_told_is_what_the_adapters_check_orders_by(desk: Desk) -> None:
    told = await offers(desk)

    for (broker, environment), offer in told.items():
        known = desk.api.services.brokers.capabilities(Broker(broker), Environment(environment))
        kinds = {
            (OrderType(kind["order_type"]), TimeInForce(kind["time_in_force"]), Exchange(exchange))
            for kind in offer["order_kinds"]
            for exchange in kind["exchanges"]
        }
        assert kinds == known.order_kinds
        assert frozenset(offer["inquiries"]) == known.inquiries
        assert frozenset(offer["candle_intervals"]) == known.candle_intervals
        assert frozenset(offer["rankings"]) == known.rankings
        assert frozenset(offer["replaceable_order_types"]) == known.replaceable_order_types


async def test_each_order_type_and_time_in_force_is_told_once(desk: Desk) -> None:
    for offer in (await offers(desk)).values():
        pairs = [(kind["order_type"], kind["time_in_force"]) for kind in offer["order_kinds"]]
        assert len(pairs) == len(set(pairs)) > 0


async def test_call_limits_come_with_their_date_and_source(desk: Desk) -> None:
    for (broker, environment), offer in (await offers(desk)).items():
        assert offer["call_limits"], (broker, environment)
        for limit in offer["call_limits"]:
            assert limit["calls"] > 0
            assert limit["window_seconds"] > 0
            assert limit["source"]


@pytest.mark.parametrize("broker", ["kis", "ls"])
async def test_an_order_is_taken_or_refused_as_the_table_says(desk: Desk, broker: str) -> None:
    offer = (await offers(desk))[broker, "sandbox"]
    priced = {kind["order_type"] for kind in offer["order_kinds"] if kind["has_limit_price"]}
    offered = {(kind["order_type"], kind["time_in_force"], exchange) for kind in offer["order_kinds"] for exchange in kind["exchanges"]}
    everything = {(order_type.value, tif.value, exchange.value) for order_type in OrderType for tif in TimeInForce for exchange in Exchange}

    refusals = {}
    for order_type, time_in_force, exchange in sorted(everything - offered):
        price = 60_000 if order_type in priced else None
        answer = await desk.place(broker, order_type=order_type, time_in_force=time_in_force, exchange=exchange, limit_price=price)
        refusals[order_type, time_in_force, exchange] = (answer.status_code, answer.json()["code"])

    assert set(refusals.values()) == {(422, "unsupported_order")}
    assert (await desk.placed(broker))["order_type"] == "limit"


async def test_a_function_that_the_broker_lacks_is_refused_and_nothing_is_sent(desk: Desk) -> None:
    told = await offers(desk)
    lacking = [broker for broker in ("kis", "ls") if Inquiry.SELLABLE_QUANTITY not in told[broker, "sandbox"]["inquiries"]]
    having = [broker for broker in ("kis", "ls") if broker not in lacking]

    for broker in lacking + having:
        path = f"/accounts/{desk.accounts[broker]['id']}/sellable-quantity"
        answer = await desk.api.client.get(path, params={"symbol": "005930"}, headers=desk.demo)
        if broker in lacking:
            assert (answer.status_code, answer.json()["code"], answer.json()["retryable"]) == (422, "broker_unsupported", False)
        else:
            assert (answer.status_code, answer.json()["sellable_quantity"]) == (200, 1_000)

    assert having
