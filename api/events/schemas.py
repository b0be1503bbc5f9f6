"""What an event's data holds: JSON with ``type``, ``at`` and the resource. The event's id is its stream's, on the SSE line."""

from datetime import datetime
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from api.domain.enums import ExecutionType, StreamState
from api.jobs.schemas import JobRun
from api.orders.schemas import Fill, Order
from api.watchlists.schemas import WatchAlert


class OrderEvent(Struct, kw_only=True, frozen=True):
    """An order changed: what happened, and the order as it was right after. Tell repeats by ``order.version``."""

    type: Literal["order"]
    at: datetime
    execution_type: ExecutionType
    order: Order


class FillEvent(Struct, kw_only=True, frozen=True):
    """An execution was recorded; the order of the same ``order_version`` follows as an `OrderEvent`."""

    type: Literal["fill"]
    at: datetime
    order_version: int
    fill: Fill


class StreamEvent(Struct, kw_only=True, frozen=True):
    """The state of an account's execution stream changed."""

    type: Literal["stream"]
    at: datetime
    account_id: str
    state: StreamState
    detail: str | None


class AlertEvent(Struct, kw_only=True, frozen=True):
    """Something a person must look at. ``code`` is stable, ``message`` for people."""

    type: Literal["alert"]
    at: datetime
    account_id: str | None
    code: str
    message: str
    order_id: str | None


class WatchAlertEvent(Struct, kw_only=True, frozen=True):
    """A price crossed a level that the user had set in a watch list: once for each crossing. Tell repeats by ``alert.id``."""

    type: Literal["watch_alert"]
    at: datetime
    alert: WatchAlert


class JobEvent(Struct, kw_only=True, frozen=True):
    """A run of a job changed, for admins: at most two a second of one run. The last state of a run always comes."""

    type: Literal["job"]
    at: datetime
    run: JobRun


class ResyncEvent(Struct, kw_only=True, frozen=True):
    """The id to resume from is not in the kept window: reload by REST; events go on from here."""

    type: Literal["resync"]
    at: datetime


class LoggedEvent(Struct, kw_only=True, frozen=True):
    """One event, as `GET /events` sends it: ``id`` and ``event`` of the SSE frame, and its data."""

    id: Annotated[str, Meta(examples=["1763866800000-0"])]
    event: str
    data: Any


class EventLog(Struct, kw_only=True, frozen=True):
    """Events after the given id, oldest first. ``is_resync``: the id is not in the kept window, reload by REST."""

    items: list[LoggedEvent]
    last_id: str
    is_resync: bool


class Ticket(Struct, kw_only=True, frozen=True):
    """Opens `GET /events?ticket=` once, within ``expires_in`` seconds."""

    ticket: str
    expires_in: int
