"""Health, figures, the schema."""

import json
import re
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from redis.asyncio import Redis

from api.app import create_app
from api.local.process import choose_port
from api.openapi import schema_bytes, wire_types
from api.openapi_examples import EXAMPLES
from api.orders.schemas import Fill
from api.settings import Settings
from tests.http.api import Api

COMMITTED = Path(__file__).parents[2] / "openapi.json"


async def test_a_process_with_all_its_parts_is_ready(api: Api) -> None:
    answer = await api.client.get("/health/ready")

    assert answer.status_code == 200
    assert answer.json() == {"status": "ok", "mongodb": "ok", "redis": "ok"}


async def test_a_process_without_redis_is_alive_and_not_ready(api: Api) -> None:
    async with Redis(host="127.0.0.1", port=choose_port()) as nobody:
        api.app.state.services = replace(api.services, redis=nobody)
        answer = await api.client.get("/health/ready")
        api.app.state.services = api.services

    assert (answer.status_code, answer.json()["status"], answer.json()["mongodb"]) == (503, "unavailable", "ok")
    assert answer.json()["redis"] != "ok"
    assert (await api.client.get("/health/live")).status_code == 200


async def test_figures_count_requests_by_route_and_not_by_id(api: Api, admin: dict[str, str]) -> None:
    await api.client.get("/orders/6650f1c2a4b3c2d1e0f9a8b7", headers=admin)

    text = (await api.client.get("/metrics", headers=admin)).text

    assert 'lucy_http_requests_total{method="GET",route="/api/v1/orders/{order_id}",status="404"}' in text
    assert "6650f1c2a4b3c2d1e0f9a8b7" not in text
    assert "lucy_event_listeners 0.0" in text


async def test_the_schema_is_served_and_shown_without_a_token(api: Api) -> None:
    schema = await api.client.get("/openapi.json")
    page = await api.client.get("/docs")

    assert schema.content == schema_bytes(api.app)
    assert page.status_code == 200
    assert "placeOrder" in page.text
    assert "//" not in page.text.replace("http://", "").split("<body>")[0]


def test_the_committed_schema_is_the_one_that_the_code_gives() -> None:
    assert COMMITTED.read_bytes() == schema_bytes(create_app(Settings())), "stale: run `make openapi`"


def test_every_operation_tells_its_id_summary_errors_and_security() -> None:
    document = json.loads(schema_bytes(create_app(Settings())))
    operations = [operation for item in document["paths"].values() for operation in item.values() if isinstance(operation, dict)]

    ids = [operation["operationId"] for operation in operations]
    assert len(ids) == len(set(ids))
    assert document["security"] == [{"bearer": []}]
    for operation in operations:
        assert operation["summary"]
        assert operation["description"]
        assert operation.get("security", document["security"]) in ([{}], [{"bearer": []}])
        if operation.get("security") != [{}]:
            assert "401" in operation["responses"]
        if "requestBody" in operation:
            assert {"400", "422"} <= operation["responses"].keys()
        for status, answer in operation["responses"].items():
            if int(status) >= 400 and operation["operationId"] != "getReadiness":
                assert "application/problem+json" in answer["content"]


def test_every_reference_in_the_schema_leads_somewhere() -> None:
    document = json.loads(schema_bytes(create_app(Settings())))

    def references(node: object) -> set[str]:
        if isinstance(node, list):
            return set[str]().union(*map(references, node))
        if not isinstance(node, dict):
            return set()
        own = {node["$ref"]} if isinstance(node.get("$ref"), str) else set()
        return own.union(*map(references, node.values()))

    assert {reference.removeprefix("#/components/schemas/") for reference in references(document)} <= document["components"][
        "schemas"
    ].keys()


def test_every_request_body_has_an_example() -> None:
    text = schema_bytes(create_app(Settings())).decode()
    document = json.loads(text)
    bodies = re.findall(
        r"#/components/schemas/(\w+)",
        json.dumps(
            [
                operation["requestBody"]
                for item in document["paths"].values()
                for operation in item.values()
                if isinstance(operation, dict) and "requestBody" in operation
            ]
        ),
    )

    assert bodies
    assert [name for name in bodies if not document["components"]["schemas"][name].get("examples")] == []


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_an_example_is_one_of_its_type(name: str) -> None:
    kinds = {kind.__name__: kind for kind in wire_types(create_app(Settings()))} | {"Fill": Fill}

    msgspec.convert(EXAMPLES[name], kinds[name])

    assert EXAMPLES[name].keys() <= {field.encode_name for field in msgspec.structs.fields(kinds[name])}


def test_the_schema_tells_the_limits_of_optional_fields() -> None:
    schemas = json.loads(schema_bytes(create_app(Settings())))["components"]["schemas"]

    price = schemas["PlaceOrder"]["properties"]["limit_price"]["anyOf"]

    assert [(choice["type"], choice.get("exclusiveMinimum")) for choice in price] == [("integer", 0), ("null", None)]
    assert schemas["PlaceOrder"]["additionalProperties"] is False
