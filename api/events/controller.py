"""Routes of events: the stream (SSE), the log, and tickets for clients that cannot send a header."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated

import msgspec
from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import HeaderParameter, QueryParameter
from litestar.response import Stream
from redis.exceptions import RedisError

from api.auth.principal import Principal
from api.auth.service import AuthService
from api.domain.enums import ExecutionType
from api.errors import InvalidRequest
from api.events.hub import EventHub, Listener, encode_frame, parse_id
from api.events.schemas import EventLog, LoggedEvent, OrderEvent, ResyncEvent, Ticket
from api.kit.clock import Clock
from api.orders.schemas import Order
from api.orders.service import OrderService
from api.problems import problems

_PAGE = 500
_TICKET_SECONDS = 30
_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


class EventController(Controller):
    """Listen to what happens."""

    path = "/events"
    tags = ["events"]  # noqa: RUF012 - Litestar declares it so

    @get(
        operation_id="listenToEvents",
        summary="Listen to events (server-sent events)",
        media_type="text/event-stream",
        responses=problems(400, 401, 422),
    )
    async def listen(
        self,
        principal: NamedDependency[Principal],
        event_hub: NamedDependency[EventHub],
        order_service: NamedDependency[OrderService],
        auth_service: NamedDependency[AuthService],
        clock: NamedDependency[Clock],
        snapshot: Annotated[bool, QueryParameter(description="First the caller's live orders, then what happens.")] = False,
        last_event_id_header: Annotated[
            str | None, HeaderParameter(name="Last-Event-ID", description="Go on after this event; nothing is lost or repeated.")
        ] = None,
        last_event_id: Annotated[str | None, QueryParameter(description="The same for clients that cannot send the header.")] = None,
        ticket: Annotated[
            str | None, QueryParameter(description="From `POST /events/ticket`, in place of the Authorization header.")
        ] = None,
    ) -> Stream:
        """Events `order`, `fill`, `stream`, `alert`, `resync`; a comment line every 15 s keeps proxies from closing.

        `resync` means that the id to resume from is not kept any more: reload by REST, events go on from there.
        """
        after = last_event_id_header or last_event_id
        if after is not None and parse_id(after) is None:
            raise InvalidRequest(
                "Last-Event-ID is not an id that this API gave.", errors=[{"field": "last_event_id", "message": "malformed"}]
            )
        # Registered before the first byte of the answer: what happens once the client sees the stream open is never missed.
        listener = await event_hub.subscribe(principal.user_id)
        try:
            is_resync = after is not None and not await event_hub.can_resume(principal.user_id, after)
            position = after if after is not None and not is_resync else await event_hub.last_id(principal.user_id)
        except RedisError:
            event_hub.unsubscribe(principal.user_id, listener)
            raise
        beginning = _resync(position, clock) if is_resync else _past(principal, event_hub, position) if after is not None else None
        if beginning is None and snapshot:
            beginning = _snapshot(principal, order_service, position, clock)
        frames = _frames(principal, event_hub, auth_service, clock, listener, position, beginning)
        return Stream(frames, media_type="text/event-stream; charset=utf-8", headers=_HEADERS)

    @get("/log", operation_id="listEvents", summary="Past events", responses=problems(400, 401, 422))
    async def log(
        self,
        principal: NamedDependency[Principal],
        event_hub: NamedDependency[EventHub],
        after: Annotated[str, QueryParameter(description="Id of the last event known; `0` for all that is kept.")] = "0",
        limit: Annotated[int, QueryParameter(ge=1, le=1000)] = 200,
    ) -> EventLog:
        """The same events with the same ids, by REST."""
        if parse_id(after) is None:
            raise InvalidRequest("`after` is not an id that this API gave.", errors=[{"field": "after", "message": "malformed"}])
        if not await event_hub.can_resume(principal.user_id, after):
            return EventLog(items=[], last_id=await event_hub.last_id(principal.user_id), is_resync=True)
        entries = await event_hub.past(principal.user_id, after, limit)
        items = [LoggedEvent(id=entry_id, event=event, data=msgspec.Raw(data)) for entry_id, event, data in entries]
        return EventLog(items=items, last_id=items[-1].id if items else after, is_resync=False)

    @post("/ticket", operation_id="createEventTicket", summary="A ticket for one event stream", responses=problems(401))
    async def ticket(self, principal: NamedDependency[Principal], auth_service: NamedDependency[AuthService]) -> Ticket:
        """For an `EventSource` in a browser, which cannot send a header: opens one stream, once, within 30 s."""
        return Ticket(ticket=await auth_service.create_ticket(principal), expires_in=_TICKET_SECONDS)


Beginning = AsyncIterator[tuple[str, bytes]]
"""What a listener gets before the tail: (id to go on from, frames)."""


async def _frames(
    principal: Principal,
    hub: EventHub,
    auth: AuthService,
    clock: Clock,
    listener: Listener,
    position: str,
    beginning: Beginning | None,
) -> AsyncIterator[bytes]:
    opened_at = clock.now()
    try:
        yield b"retry: 1000\n: connected\n\n"
        if beginning is not None:
            async for reached, chunk in beginning:
                position = reached
                yield chunk
        async for chunk in listener.frames(parse_id(position) or (0, 0)):
            if await auth.has_ended(principal, opened_at):
                return
            yield chunk
            if principal.expires_at is not None and clock.now() >= principal.expires_at:
                return  # the client comes back with a fresh token and its last id
    finally:
        hub.unsubscribe(principal.user_id, listener)


async def _resync(position: str, clock: Clock) -> Beginning:
    yield position, encode_frame(position, "resync", msgspec.json.encode(ResyncEvent(type="resync", at=clock.now())))


async def _past(principal: Principal, hub: EventHub, position: str) -> Beginning:
    while entries := await hub.past(principal.user_id, position, _PAGE):
        position = entries[-1][0]
        yield position, b"".join(encode_frame(*entry) for entry in entries)
        if len(entries) < _PAGE:
            return


async def _snapshot(principal: Principal, orders: OrderService, position: str, clock: Clock) -> Beginning:
    for order in await orders.list_live(principal):
        yield position, encode_frame(position, "order", _order_event(Order.of(order), clock.now()))


def _order_event(order: Order, at: datetime) -> bytes:
    return msgspec.json.encode(OrderEvent(type="order", at=at, execution_type=ExecutionType.ORDER_STATUS, order=order))
