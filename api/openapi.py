"""The OpenAPI schema: what it says besides the routes, and writing it to ``openapi.json``."""

from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec
from litestar import Litestar
from litestar.openapi import OpenAPIConfig
from litestar.openapi.spec import Components, SecurityScheme, Tag
from litestar.serialization import encode_json

from api import __version__
from api.docs_page import DocsPage
from api.events.schemas import AlertEvent, FillEvent, OrderEvent, ResyncEvent, StreamEvent

_EVENTS = (OrderEvent, FillEvent, StreamEvent, AlertEvent, ResyncEvent)

_DESCRIPTION = """\
Lucy places, changes and cancels stock orders at Korean brokers (KIS, LS) and tells of every fill by server-sent events.

Money is KRW won as integers, quantities are whole shares, times are ISO 8601 with offset, trading days are KST dates. Errors are
`application/problem+json` with a stable `code`. A repeated `client_order_id` never places a second order.
"""

_EXAMPLES: dict[str, Any] = {
    "PlaceOrder": {
        "account_id": "6650f1c2a4b3c2d1e0f9a8b7",
        "client_order_id": "desk-1-0001",
        "symbol": "005930",
        "side": "buy",
        "order_type": "limit",
        "time_in_force": "day",
        "quantity": 10,
        "limit_price": 71000,
        "exchange": "KRX",
    },
    "ReplaceOrder": {"limit_price": 70900},
    "LogIn": {"username": "demo", "password": "lucy-demo"},
    "CancelAll": {"account_id": "6650f1c2a4b3c2d1e0f9a8b7"},
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
            Tag(name="market", description="Instruments and quotes"),
            Tag(name="events", description="Server-sent events"),
            Tag(name="system", description="Health and figures"),
        ],
    )


def schema_document(app: Litestar) -> dict[str, Any]:
    """The schema with the event types and examples that Litestar cannot know."""
    document: dict[str, Any] = msgspec.json.decode(encode_json(app.openapi_schema.to_schema()))
    schemas = document["components"]["schemas"]
    _, definitions = msgspec.json.schema_components(_EVENTS, ref_template="#/components/schemas/{name}")
    for name, definition in sorted(definitions.items()):
        schemas.setdefault(name, definition)
    listen = document["paths"]["/api/v1/events"]["get"]["responses"]["200"]
    listen["content"] = {
        "text/event-stream": {
            "schema": {
                "description": "The `data` of each frame; `event` is its `type`.",
                "oneOf": [{"$ref": f"#/components/schemas/{event.__name__}"} for event in _EVENTS],
            }
        }
    }
    for name, example in _EXAMPLES.items():
        schemas[name]["examples"] = [example]
    return document


@lru_cache(maxsize=1)
def schema_bytes(app: Litestar) -> bytes:
    """The committed form: indented JSON with a final newline, the same at each run."""
    return msgspec.json.format(msgspec.json.encode(schema_document(app), order="sorted"), indent=2) + b"\n"


def write_schema(app: Litestar, path: Path) -> None:
    """Write ``openapi.json``."""
    path.write_bytes(schema_bytes(app))
