"""A receiver of webhooks on a real port, as a stranger would write one from the Standard Webhooks pages; it shares no code with Lucy's."""

import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

Answer = Callable[[], Awaitable[web.Response]]


@dataclass(frozen=True, kw_only=True)
class Received:
    """One request that came."""

    message_id: str
    timestamp: int
    signature: str
    headers: dict[str, str]
    raw: bytes

    @property
    def body(self) -> dict[str, Any]:
        """The envelope."""
        document: dict[str, Any] = json.loads(self.raw)
        return document

    def is_signed_by(self, secret: str) -> bool:
        """Whether one of its signatures is by this secret."""
        key = base64.b64decode(secret.removeprefix("whsec_"))
        signed = b".".join([self.message_id.encode(), str(self.timestamp).encode(), self.raw])
        wanted = "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
        return any(hmac.compare_digest(wanted, given) for given in self.signature.split(" "))


@dataclass(kw_only=True)
class Receiver:
    """Keeps what comes, and answers 204, or what stands first in ``answers``: a status, or a function that answers."""

    port: int = 0
    received: list[Received] = field(default_factory=list)
    taken: list[Received] = field(default_factory=list)
    answers: list[int | Answer] = field(default_factory=list)
    on_request: Callable[[Received], None] = lambda _: None

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}/hook"

    def bodies(self) -> list[dict[str, Any]]:
        """What was taken, each message once, in the order of its first coming."""
        seen: dict[str, dict[str, Any]] = {}
        for entry in self.taken:
            seen.setdefault(entry.message_id, entry.body)
        return list(seen.values())

    async def handle(self, request: web.Request) -> web.Response:
        """Take one request."""
        entry = Received(
            message_id=request.headers["webhook-id"],
            timestamp=int(request.headers["webhook-timestamp"]),
            signature=request.headers["webhook-signature"],
            headers=dict(request.headers),
            raw=await request.read(),
        )
        self.received.append(entry)
        self.on_request(entry)
        answer = self.answers.pop(0) if self.answers else 204
        response = web.Response(status=answer) if isinstance(answer, int) else await answer()
        if 200 <= response.status < 300:
            self.taken.append(entry)
        return response


@asynccontextmanager
async def receiving(port: int = 0) -> AsyncIterator[Receiver]:
    """A receiver for the length of a ``with`` block, on a free port by default."""
    receiver = Receiver()
    application = web.Application()
    application.router.add_post("/hook", receiver.handle)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        receiver.port = runner.addresses[0][1]
        yield receiver
    finally:
        await runner.cleanup()
