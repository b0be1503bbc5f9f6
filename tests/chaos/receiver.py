"""A receiver of webhooks that stays while everything else is killed, now and then answers that it cannot, and keeps what it took."""

import random
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.chaos.desk import Desk, Json
from tests.receiver import Received, Receiver, receiving

_REFUSED_SHARE = 0.002
"""Each refusal holds the later events back for a second."""


class WebhookRecord:
    """What one receiver took: each message once, in the order of its first coming."""

    def __init__(self, secret: str, receiver: Receiver, rng: random.Random) -> None:
        self._secret = secret
        self._receiver = receiver
        self._rng = rng
        self._bodies: dict[str, bytes] = {}
        self._event_ids: dict[str, str] = {}
        self.versions: dict[str, list[int]] = defaultdict(list)
        self.fills: dict[str, list[str]] = defaultdict(list)
        self.resyncs = 0
        self.counts: Counter[str] = Counter()
        self.faults: list[str] = []
        receiver.on_request = self._note

    def _note(self, entry: Received) -> None:
        if not entry.is_signed_by(self._secret):
            self.faults.append(f"message {entry.message_id} has no valid signature")
        if self._rng.random() < _REFUSED_SHARE:
            self.counts["refused"] += 1
            self._receiver.answers = [503]
            return
        self._receiver.answers = []
        self.counts["taken"] += 1
        known = self._bodies.setdefault(entry.message_id, entry.raw)
        body = entry.body
        if known is not entry.raw:
            self.counts["repeated"] += 1
            if known != entry.raw and body["event"] != "resync":
                self.faults.append(f"message {entry.message_id} came with two bodies")
            return
        other = self._event_ids.setdefault(body["id"], entry.message_id)
        if other != entry.message_id:
            self.faults.append(f"event {body['id']} came as {other} and as {entry.message_id}")
        self._keep(body["event"], body["data"])

    def _keep(self, event: str, data: Json) -> None:
        if event == "order":
            self.versions[data["order"]["id"]].append(data["order"]["version"])
        elif event == "fill":
            self.fills[data["fill"]["order_id"]].append(data["fill"]["id"])
        elif event == "resync":
            self.resyncs += 1


@asynccontextmanager
async def recording(desk: Desk, rng: random.Random) -> AsyncIterator[WebhookRecord]:
    """A receiver, and a webhook that points to it."""
    async with receiving() as receiver:
        answer = await desk.stack.http.post("/webhooks", json={"url": receiver.url, "name": "chaos"})
        answer.raise_for_status()
        yield WebhookRecord(answer.json()["secret"], receiver, rng)
