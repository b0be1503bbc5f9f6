"""One attempt at a message, and what is told of it: the worker's by itself and the owner's by a call go the same way."""

from collections.abc import Callable
from typing import Literal

from api.kit.clock import Clock
from api.kit.crypto import Cipher, DecryptionFailed
from api.webhooks.documents import WebhookDocument
from api.webhooks.messages import Message
from api.webhooks.schemas import WebhookDelivery
from api.webhooks.sender import Outcome, Sender

Kind = Literal["event", "retry", "test"]


class Attempts:
    """Signs and sends, once each time."""

    def __init__(self, sender: Sender, cipher: Cipher, clock: Clock, new_id: Callable[[], str]) -> None:
        self._sender = sender
        self._cipher = cipher
        self._clock = clock
        self._new_id = new_id

    async def make(self, webhook: WebhookDocument, message: Message, *, kind: Kind, attempt: int) -> WebhookDelivery:
        """Send ``message`` once; the attempt as it goes into the log, with no next one planned."""
        at = self._clock.now()
        try:
            outcome = await self._sender.send(webhook.url, self._secrets_of(webhook), message.id, message.body)
        except DecryptionFailed:
            outcome = Outcome(status_code=None, duration_ms=0.0, error="the secret cannot be read: rotate it")
        return WebhookDelivery(
            id=self._new_id(),
            webhook_id=webhook.id,
            kind=kind,
            event_id=message.event_id,
            message_id=message.id,
            event=message.event,
            attempt=attempt,
            status="delivered" if outcome.error is None else "failed",
            status_code=outcome.status_code,
            duration_ms=outcome.duration_ms,
            error=outcome.error,
            at=at,
            next_attempt_at=None,
        )

    def _secrets_of(self, webhook: WebhookDocument) -> list[str]:
        found = [self._cipher.decrypt(webhook.secret_encrypted)]
        until = webhook.previous_secret_until
        if webhook.previous_secret_encrypted is not None and until is not None and self._clock.now() < until:
            found.append(self._cipher.decrypt(webhook.previous_secret_encrypted))
        return found
