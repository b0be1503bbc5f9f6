"""How far a webhook is delivered, written a moment later: many deliveries, one durable write.

A crash repeats what was delivered within that moment, under the same ``webhook-id``; it never skips anything, for nothing is noted before
the receiver has taken it.
"""

from datetime import datetime

import structlog
from pymongo.errors import PyMongoError

from api.kit.batches import Deferred
from api.webhooks.repository import WebhookRepository
from api.webhooks.schemas import WebhookDelivery

log = structlog.get_logger(__name__)

_WRITE_SECONDS = 0.05
"""Twenty writes a second at most for each busy webhook: the journal belongs to the orders."""

_CURSOR = "cursor"
_Step = tuple[str, datetime | None]


class Progress:
    """Writes cursor and log of one webhook, in the name of one fence."""

    def __init__(self, webhooks: WebhookRepository, webhook_id: str, fence: int) -> None:
        self._webhooks = webhooks
        self._webhook_id = webhook_id
        self._fence = fence
        self._notes: Deferred[str, _Step | WebhookDelivery] = Deferred(self._write, delay_seconds=_WRITE_SECONDS)
        self._delivered_at: datetime | None = None
        self.is_superseded = False

    def note(self, cursor: str, delivery: WebhookDelivery | None) -> None:
        """All up to ``cursor`` is dealt with, by ``delivery``, or because nobody wanted it."""
        if delivery is not None:
            self._delivered_at = delivery.at
            self._notes.put(delivery.id, delivery)
        self._notes.put(_CURSOR, (cursor, self._delivered_at))

    async def flush(self) -> None:
        """Write what was noted so far; what MongoDB does not take is tried again a moment later."""
        await self._notes.flush()

    async def aclose(self) -> None:
        """Write what is left, and end."""
        await self._notes.aclose()

    async def _write(self, notes: dict[str, _Step | WebhookDelivery]) -> None:
        deliveries = [note for note in notes.values() if isinstance(note, WebhookDelivery)]
        try:
            if deliveries:
                await self._webhooks.log(deliveries)
            step = notes.get(_CURSOR)
            if isinstance(step, tuple) and not await self._webhooks.advance(self._webhook_id, self._fence, *step):
                self.is_superseded = True
        except PyMongoError as error:
            log.warning("webhook_progress_postponed", webhook_id=self._webhook_id, problem=str(error))
            for key, note in notes.items():
                if self._notes.waiting(key) is None:
                    self._notes.put(key, note)
