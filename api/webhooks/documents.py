"""Stored webhooks. Their delivery log is a collection of plain documents (`repository`)."""

from datetime import datetime

from odmantic import Field, Model
from odmantic.config import ODMConfigDict


class WebhookDocument(Model):
    """One webhook of one user: what they want, and how far it is delivered.

    Attributes:
        events: Names of the events wanted; None: all.
        account_ids: Accounts whose events are wanted; None: all. What belongs to no single account always comes.
        secret_encrypted: ``whsec_…`` (`kit.crypto.Cipher`). The one before it also signs until ``previous_secret_until``.
        disabled_reason: ``by_user``, ``failing`` or ``gone``; None while active.
        cursor: Id of the last event that is dealt with, in the user's stream.
        fence: Grows with each worker that takes the webhook over; only the newest may move the cursor.
        attempt: Attempts at the event after ``cursor`` that failed.
        version: Grows with each change by the user, never with a delivery.
    """

    model_config = ODMConfigDict(collection="webhooks")

    id: str = Field(primary_field=True)
    user_id: str
    name: str
    url: str
    events: list[str] | None = None
    account_ids: list[str] | None = None
    secret_encrypted: str
    previous_secret_encrypted: str | None = None
    previous_secret_until: datetime | None = None
    is_active: bool
    disabled_reason: str | None = None
    cursor: str
    fence: int = 0
    attempt: int = 0
    failing_since: datetime | None = None
    next_attempt_at: datetime | None = None
    last_error: str | None = None
    last_delivered_at: datetime | None = None
    created_at: datetime
    updated_at: datetime
    version: int
