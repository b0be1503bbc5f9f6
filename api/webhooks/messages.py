"""Messages: an event as a webhook sends it, and which events a webhook wants; pure."""

from typing import Any, Self

import msgspec
from msgspec import Struct

from api.webhooks.documents import WebhookDocument
from api.webhooks.signing import message_id

_ALWAYS_SENT = frozenset({"resync", "test"})


class Message(Struct, kw_only=True, frozen=True):
    """One event for one webhook.

    Attributes:
        id: ``webhook-id``: the same at each attempt.
        event_id: As in ``GET /events/log`` and on the SSE line.
        data: JSON, as published.
    """

    id: str
    event_id: str
    event: str
    data: bytes

    @classmethod
    def of(cls, webhook_id: str, event_id: str, event: str, data: bytes) -> Self:
        """The message of an event."""
        return cls(id=message_id(webhook_id, event_id), event_id=event_id, event=event, data=data)

    @property
    def body(self) -> bytes:
        """The envelope: an entry of ``GET /events/log``."""
        envelope: dict[str, Any] = {"id": self.event_id, "event": self.event, "data": msgspec.Raw(self.data)}
        return msgspec.json.encode(envelope)


class _Owned(Struct):
    account_id: str | None = None


class _Data(Struct):
    """Where an event's data names its account: at the top, or in its resource."""

    account_id: str | None = None
    order: _Owned | None = None
    fill: _Owned | None = None


_decoder = msgspec.json.Decoder(_Data)


def account_of(data: bytes) -> str | None:
    """The account that an event is about; None where it belongs to no single one."""
    try:
        found = _decoder.decode(data)
    except msgspec.ValidationError:  # an event of another shape, which its user's stream holds all the same
        return None
    resource = found.order or found.fill
    return found.account_id if resource is None else resource.account_id


def wants(webhook: WebhookDocument, event: str, account_id: str | None) -> bool:
    """Whether the webhook's filters let the event pass."""
    if event in _ALWAYS_SENT:
        return True
    if webhook.events is not None and event not in webhook.events:
        return False
    return webhook.account_ids is None or account_id is None or account_id in webhook.account_ids
