"""The OpenAPI schema: what it says besides the routes, and writing it to ``openapi.json``."""

from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, get_args

import msgspec
from litestar import Litestar
from litestar.openapi import OpenAPIConfig
from litestar.openapi.spec import Components, SecurityScheme, Tag
from litestar.routes import HTTPRoute
from litestar.serialization import encode_json

from api import __version__
from api.baskets.schemas import PlaceBasket
from api.blocks.schemas import BlockOrderEvent
from api.docs_page import DocsPage
from api.events.schemas import AlertEvent, FillEvent, JobEvent, OrderEvent, ResyncEvent, StreamEvent, WatchAlertEvent
from api.openapi_examples import EXAMPLES
from api.webhooks.schemas import WebhookTestEvent

_EVENTS = (OrderEvent, FillEvent, BlockOrderEvent, StreamEvent, AlertEvent, WatchAlertEvent, JobEvent, ResyncEvent)

_ALWAYS_THERE = {"getLiveness", "getMetrics"}
"""Operations that need neither MongoDB nor Redis."""

_DESCRIPTION = """\
Lucy places, changes and cancels stock orders at Korean brokers (KIS, LS) and tells of every fill by server-sent events.

Money is KRW won as integers, quantities are whole shares, times are ISO 8601 with offset, trading days are KST dates. Errors are
`application/problem+json` with a stable `code`. A repeated `client_order_id` never places a second order.
"""


_BASKET: dict[str, Any] = {
    "required": True,
    "content": {
        "application/json": {"schema": {"$ref": "#/components/schemas/PlaceBasket"}},
        "text/csv": {"schema": {"type": "string", "description": "UTF-8 or CP949, with a header; see `getBasketTemplate`."}},
    },
}
"""Two media types in one route, which Litestar cannot say."""

_WEBHOOK: dict[str, Any] = {
    "operationId": "receiveEvent",
    "summary": "What Lucy posts to a webhook",
    "description": (
        "An entry of `GET /events/log`, or `resync`, or `test`. Check `webhook-signature` (Standard Webhooks: `v1,` and the base64 of "
        "HMAC-SHA256 over `{webhook-id}.{webhook-timestamp}.{body}`; one of several, with spaces between, is enough), refuse an old "
        "`webhook-timestamp`, and drop a `webhook-id` seen before: an event comes at least once. Answer 2xx within 10 s."
    ),
    "tags": ["webhooks"],
    "security": [],
    "parameters": [
        {"name": name, "in": "header", "required": True, "schema": {"type": "string"}}
        for name in ("webhook-id", "webhook-timestamp", "webhook-signature")
    ],
    "requestBody": {"required": True, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/LoggedEvent"}}}},
    "responses": {"200": {"description": "Taken; any 2xx will do."}},
}


def openapi_config() -> OpenAPIConfig:
    """What Litestar generates the schema with. ``/api/v1/openapi.json`` is a route of `system`; here only the page for people is added."""
    return OpenAPIConfig(
        title="Lucy",
        version=__version__,
        description=_DESCRIPTION,
        path="/api/v1/docs",  # Litestar answers every unknown path below with a page of HTML, so not /api/v1 itself
        render_plugins=[DocsPage()],
        create_examples=False,
        use_handler_docstrings=True,
        security=[{"bearer": []}],
        components=Components(
            security_schemes={
                "bearer": SecurityScheme(
                    type="http",
                    scheme="bearer",
                    bearer_format="JWT",
                    description="Access token of `POST /auth/login`, or an API key `lucy_…`.",
                )
            }
        ),
        tags=[
            Tag(name="auth", description="Signing in, API keys"),
            Tag(name="users", description="User management"),
            Tag(name="accounts", description="Broker accounts, money, holdings"),
            Tag(name="orders", description="Orders and fills"),
            Tag(name="funds", description="Funds, allocation plans, block orders and what they gave to whom"),
            Tag(name="risk", description="Kill switches and risk limits"),
            Tag(name="market", description="Instruments, prices, books, charts, rankings, calendar"),
            Tag(name="watchlists", description="Watch lists, with prices to be told of"),
            Tag(name="ipos", description="Public offerings (공모주)"),
            Tag(name="themes", description="Themes (테마) and their stocks"),
            Tag(name="jobs", description="What runs by itself"),
            Tag(name="events", description="Server-sent events"),
            Tag(name="webhooks", description="Events posted to an address of one's own"),
            Tag(name="system", description="Health and figures"),
        ],
    )


def schema_document(app: Litestar) -> dict[str, Any]:
    """The schema with what Litestar cannot know or gets wrong.

    Litestar tells the routes. The types are told by msgspec, which reads and writes them: Litestar loses the limits of optional fields,
    that unknown fields are refused, and the events of the stream.
    """
    document: dict[str, Any] = msgspec.json.decode(encode_json(app.openapi_schema.to_schema()))
    schemas = document["components"]["schemas"]
    schemas |= _type_schemas(wire_types(app))
    for name, example in EXAMPLES.items():
        schemas[name]["examples"] = [example]
    document["paths"]["/api/v1/orders/basket"]["post"]["requestBody"] = _BASKET
    for path_item in document["paths"].values():
        for method, operation in path_item.items():
            _correct_answers(method, operation)
    events = [{"$ref": f"#/components/schemas/{event.__name__}"} for event in _EVENTS]
    test_event = {"$ref": f"#/components/schemas/{WebhookTestEvent.__name__}"}
    schemas["LoggedEvent"]["properties"]["data"] = {"oneOf": [*events, test_event]}
    frames = {"description": "The `data` of each frame; `event` is its `type`.", "oneOf": events}
    document["paths"]["/api/v1/events"]["get"]["responses"]["200"]["content"] = {"text/event-stream": {"schema": frames}}
    document["webhooks"] = {"event": {"post": _WEBHOOK}}
    return document


def wire_types(app: Litestar) -> list[type[msgspec.Struct]]:
    """Every Struct that a route takes or gives, in an order that is the same at each run."""
    found: dict[str, type[msgspec.Struct]] = {event.__name__: event for event in (*_EVENTS, WebhookTestEvent, PlaceBasket)}
    for route in app.routes:
        if not isinstance(route, HTTPRoute):
            continue
        for handler in route.route_handlers:
            if not handler.resolve_include_in_schema():
                continue
            body, answer = handler.parsed_data_field, handler.parsed_return_field
            candidates = [answer.annotation, *(inner.annotation for inner in answer.inner_types)]
            candidates += [spec.data_container for spec in (handler.responses or {}).values()]
            candidates += [body.annotation] if body is not None else []
            found |= {kind.__name__: kind for kind in candidates if isinstance(kind, type) and issubclass(kind, msgspec.Struct)}
    return [found[name] for name in sorted(found)]


def _type_schemas(types: list[type[msgspec.Struct]]) -> dict[str, Any]:
    _, definitions = msgspec.json.schema_components(types, ref_template="#/components/schemas/{name}")
    for definition in definitions.values():
        _complete(definition)
    for kind in _with_nested(types):
        for field in msgspec.structs.fields(kind):
            if datetime in (field.type, *get_args(field.type)):
                node = definitions[kind.__name__]["properties"][field.encode_name]
                for choice in (node, *node.get("anyOf", ())):
                    if choice.get("type") == "string":
                        choice["format"] = "date-time"
    return definitions


def _with_nested(types: Iterable[Any]) -> set[type[msgspec.Struct]]:
    found: set[type[msgspec.Struct]] = set()
    waiting = list(types)
    while waiting:
        kind = waiting.pop()
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            if kind not in found:
                found.add(kind)
                waiting += [field.type for field in msgspec.structs.fields(kind)]
        else:
            waiting += get_args(kind)
    return found


def _complete(node: Any) -> None:
    """In place: a type for each list of words; no defaults, which code generators take for "always there" in a request; any
    members where any are meant."""
    if isinstance(node, list):
        for item in node:
            _complete(item)
    elif isinstance(node, dict):
        node.pop("default", None)
        if node.get("type") == "object" and not node.keys() & {"properties", "additionalProperties"}:
            node["additionalProperties"] = True
        if all(isinstance(word, str) for word in node.get("enum", (0,))):
            node["type"] = "string"
        for item in node.values():
            _complete(item)


def _correct_answers(method: str, operation: dict[str, Any]) -> None:
    """Litestar adds a 400 of its own shape where there are parameters; Lucy answers 422 with a `Problem`. What any body, and any route that
    needs MongoDB or Redis, may be answered is added here."""
    answers = operation["responses"]
    problem = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    if "application/json" in answers.get("400", {}).get("content", {}):
        del answers["400"]
        answers.setdefault("422", {"description": "The request is not valid", "content": problem})
    if "requestBody" in operation:
        answers.setdefault("413", {"description": "The request is too large", "content": problem})
        answers.setdefault("415", {"description": "The request is not of a media type that the route takes", "content": problem})
    if method != "get" and operation.get("security") != [{}]:  # a key that may only read
        answers.setdefault("403", {"description": "Not allowed", "content": problem})
    if operation["operationId"] not in _ALWAYS_THERE:
        answers.setdefault("503", {"description": "Not available right now", "content": problem})


@lru_cache(maxsize=1)
def schema_bytes(app: Litestar) -> bytes:
    """The committed form: indented JSON with a final newline, the same at each run."""
    return msgspec.json.format(msgspec.json.encode(schema_document(app), order="sorted"), indent=2) + b"\n"


def write_schema(app: Litestar, path: Path) -> None:
    """Write ``openapi.json``."""
    path.write_bytes(schema_bytes(app))
