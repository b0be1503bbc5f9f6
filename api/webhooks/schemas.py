"""Webhooks on the wire."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self

from msgspec import UNSET, Meta, Struct, UnsetType

from api.webhooks.documents import WebhookDocument

EventName = Literal["order", "fill", "block_order", "stream", "job", "alert", "watch_alert"]
"""Events that can be chosen; ``resync`` and ``test`` always come."""

WebhookStatus = Literal["active", "retrying", "disabled"]

Url = Annotated[str, Meta(min_length=8, max_length=2000, description="https; http and private addresses only in the profile `local`.")]
Name = Annotated[str, Meta(max_length=60)]
Events = Annotated[list[EventName], Meta(min_length=1, max_length=7, description="Only these events; null: all.")]
AccountId = Annotated[str, Meta(pattern="^[0-9a-f]{24}$")]
Accounts = Annotated[
    list[AccountId],
    Meta(min_length=1, max_length=200, description="Only events of these accounts, and those that belong to no single account; null: all."),
]


class CreateWebhook(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Where to send which events. The first that comes is the first to happen after this."""

    url: Url
    name: Name = ""
    events: Events | None = None
    account_ids: Accounts | None = None


class ChangeWebhook(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """What to change; what is left out stays. ``is_active: true`` goes on where it stopped."""

    url: Url | UnsetType = UNSET
    name: Name | UnsetType = UNSET
    events: Events | UnsetType | None = UNSET
    account_ids: Accounts | UnsetType | None = UNSET
    is_active: bool | UnsetType = UNSET


class Webhook(Struct, kw_only=True, frozen=True):
    """A webhook, without its secret.

    ``status``: ``retrying``: the receiver has not taken the event after ``last_event_id``; it is tried again at ``next_attempt_at``, and
    later ones wait. ``disabled_reason``: ``by_user``, ``failing`` (nothing taken for a day) or ``gone`` (the receiver answered 410).
    """

    id: str
    name: str
    url: str
    events: list[EventName] | None
    account_ids: list[str] | None
    status: WebhookStatus
    disabled_reason: Literal["by_user", "failing", "gone"] | None
    failed_attempts: int
    failing_since: datetime | None
    next_attempt_at: datetime | None
    last_error: str | None
    last_event_id: str
    last_delivered_at: datetime | None
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, document: WebhookDocument) -> Self:
        """The wire form of a stored webhook."""
        return cls(**_members(document))


class NewWebhook(Webhook, kw_only=True, frozen=True):
    """A new webhook with its secret, which is shown this once."""

    secret: str

    @classmethod
    def with_secret(cls, document: WebhookDocument, secret: str) -> Self:
        """The wire form of a webhook just made."""
        return cls(**_members(document), secret=secret)


def _members(document: WebhookDocument) -> dict[str, Any]:
    status: WebhookStatus = "disabled" if not document.is_active else "retrying" if document.attempt else "active"
    return {
        "id": document.id,
        "name": document.name,
        "url": document.url,
        "events": document.events,
        "account_ids": document.account_ids,
        "status": status,
        "disabled_reason": document.disabled_reason,
        "failed_attempts": document.attempt,
        "failing_since": document.failing_since,
        "next_attempt_at": document.next_attempt_at if document.is_active else None,
        "last_error": document.last_error,
        "last_event_id": document.cursor,
        "last_delivered_at": document.last_delivered_at,
        "created_at": document.created_at,
        "updated_at": document.updated_at,
    }


class WebhookPage(Struct, kw_only=True, frozen=True):
    """The caller's webhooks, oldest first."""

    items: list[Webhook]
    next_cursor: str | None


class RotatedSecret(Struct, kw_only=True, frozen=True):
    """The new secret, shown this once. Until ``previous_until`` each message carries a signature by the old one as well."""

    secret: str
    previous_until: datetime


class WebhookDelivery(Struct, kw_only=True, frozen=True):
    """One attempt. ``message_id`` is its ``webhook-id``: the same at each attempt at an event.

    ``kind``: ``event`` by itself, ``retry`` or ``test`` by a call. ``next_attempt_at`` as it was planned right after this attempt.
    """

    id: str
    webhook_id: str
    kind: Literal["event", "retry", "test"]
    event_id: str
    message_id: str
    event: str
    attempt: int
    status: Literal["delivered", "failed"]
    status_code: int | None
    duration_ms: float
    error: str | None
    at: datetime
    next_attempt_at: datetime | None


class WebhookDeliveryPage(Struct, kw_only=True, frozen=True):
    """Attempts, newest first; kept for a week."""

    items: list[WebhookDelivery]
    next_cursor: str | None


class WebhookTestEvent(Struct, kw_only=True, frozen=True):
    """What ``POST /webhooks/{id}/test`` sends."""

    type: Literal["test"]
    at: datetime
    webhook_id: str
