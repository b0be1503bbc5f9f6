"""Routes for those who operate Lucy, or write against it: health, figures, the schema."""

import asyncio
from typing import Any, Literal

from litestar import Controller, Request, Response, get
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from msgspec import Struct
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, generate_latest
from pymongo.errors import PyMongoError
from redis.exceptions import RedisError

from api.auth.middleware import OPEN
from api.auth.principal import Principal
from api.errors import Forbidden
from api.events.hub import EventHub
from api.openapi import schema_bytes
from api.problems import problems
from api.system.metrics import LISTENERS

_PING_SECONDS = 2.0


class Health(Struct, kw_only=True, frozen=True):
    """Whether the process works."""

    status: Literal["ok", "unavailable"]


class Readiness(Struct, kw_only=True, frozen=True):
    """Whether the process can serve, part by part: ``ok`` or what is wrong."""

    status: Literal["ok", "unavailable"]
    mongodb: str
    redis: str


class HealthController(Controller):
    """Is it alive, is it ready."""

    path = "/health"
    tags = ["system"]  # noqa: RUF012 - Litestar declares it so

    @get("/live", operation_id="getLiveness", summary="Is the process alive", security=[{}], opt=OPEN)
    async def live(self) -> Health:
        """Answers as long as the process does."""
        return Health(status="ok")

    @get(
        "/ready",
        operation_id="getReadiness",
        summary="Can the process serve",
        security=[{}],
        opt=OPEN,
        responses={503: ResponseSpec(data_container=Readiness, description="Not ready: which part is missing", generate_examples=False)},
    )
    async def ready(self, state: State) -> Response[Readiness]:
        """200 when MongoDB and Redis answer, else 503."""
        services = state.services
        mongodb, redis = await asyncio.gather(_ping(services.database.command("ping")), _ping(services.redis.ping()))
        is_ready = (mongodb, redis) == ("ok", "ok")
        answer = Readiness(status="ok" if is_ready else "unavailable", mongodb=mongodb, redis=redis)
        return Response(answer, status_code=200 if is_ready else 503)


class MetricsController(Controller):
    """Prometheus figures and the schema."""

    path = "/"
    tags = ["system"]  # noqa: RUF012 - Litestar declares it so

    @get(
        "/metrics",
        operation_id="getMetrics",
        summary="Figures for Prometheus (admin)",
        media_type="text/plain",
        responses=problems(401, 403),
    )
    async def metrics(self, principal: NamedDependency[Principal], event_hub: NamedDependency[EventHub]) -> Response[bytes]:
        """Process figures, requests and open event streams of the process that answers. A scraper uses an API key of an admin."""
        if not principal.is_admin:
            raise Forbidden("Only admins may read the figures.")
        LISTENERS.set(event_hub.listener_count)
        return Response(generate_latest(REGISTRY), media_type=CONTENT_TYPE_LATEST)

    @get("/openapi.json", include_in_schema=False, opt=OPEN, sync_to_thread=False)
    def schema(self, request: Request[Any, Any, Any]) -> Response[bytes]:
        """The OpenAPI schema, the same bytes as the committed ``openapi.json``."""
        return Response(schema_bytes(request.app), media_type="application/json")


async def _ping(call: Any) -> str:
    try:
        async with asyncio.timeout(_PING_SECONDS):
            await call
    except (PyMongoError, RedisError, OSError, TimeoutError) as error:
        return type(error).__name__
    return "ok"
