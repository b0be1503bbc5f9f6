"""One attempt to hand a message to a receiver.

aiohttp, not httpx: an attempt takes half the processor time beside the fills in the worker's loop, and its sockets can be looked at one by
one before they connect (`targets`), while name, ``Host`` and TLS stay those of the URL.
"""

import time
from collections.abc import Sequence

import aiohttp
from msgspec import Struct

from api import __version__
from api.kit.clock import Clock
from api.webhooks.signing import signed_headers
from api.webhooks.targets import checked_socket

_ANSWER_SECONDS = 10.0
"""A receiver should note the message and answer; work can wait."""

_CONNECT_SECONDS = 4.0

_MOST_OF_ANSWER = 64 * 1024
_KEEP_ALIVE_SECONDS = 4.0
"""Below the 5 s after which common servers close: who closes first is not asked in vain."""

_CONNECTIONS = 256
_TOLD = 200
"""Characters of an error that are kept."""


class Outcome(Struct, kw_only=True, frozen=True):
    """What came of an attempt.

    Attributes:
        status_code: The receiver's, None without an answer.
        duration_ms: From the sending to the end of the answer.
        error: None: the receiver took it (any 2xx).
    """

    status_code: int | None
    duration_ms: float
    error: str | None


class Sender:
    """Posts signed messages; redirects are not followed, no more than 64 KiB of an answer is read, an attempt ends after 10 s."""

    def __init__(self, *, is_local: bool, clock: Clock, answer_seconds: float = _ANSWER_SECONDS) -> None:
        self._clock = clock
        self._timeout = aiohttp.ClientTimeout(total=answer_seconds, sock_connect=_CONNECT_SECONDS)
        self._is_local = is_local
        self._session: aiohttp.ClientSession | None = None

    async def send(self, url: str, signing_secrets: Sequence[str], message: str, body: bytes) -> Outcome:
        """Post ``body`` once, signed for this moment.

        A kept connection that the receiver closes just then is no failure of the receiver: the message goes once more at once.

        Args:
            url: Checked by `targets.require_good_url` when it was stored.
            signing_secrets: Newest first.
            message: ``webhook-id``.
            body: The envelope.
        """
        headers = signed_headers(signing_secrets, message, int(self._clock.now().timestamp()), body)
        began = time.perf_counter()
        try:
            try:
                status = await self._post(url, headers, body)
            except (aiohttp.ServerDisconnectedError, ConnectionResetError):
                status = await self._post(url, headers, body)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            return Outcome(status_code=None, duration_ms=_since(began), error=_words(error))
        return Outcome(status_code=status, duration_ms=_since(began), error=_refusal(status))

    async def aclose(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()

    async def _post(self, url: str, headers: dict[str, str], body: bytes) -> int:
        read = 0
        async with self._open().post(url, data=body, headers=headers, allow_redirects=False) as response:
            async for chunk in response.content.iter_any():
                read += len(chunk)
                if read > _MOST_OF_ANSWER:
                    response.close()
                    break
            return response.status

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector = aiohttp.TCPConnector(
                limit=_CONNECTIONS, keepalive_timeout=_KEEP_ALIVE_SECONDS, socket_factory=None if self._is_local else checked_socket
            )
            self._session = aiohttp.ClientSession(
                connector=connector,
                timeout=self._timeout,
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                headers={"Content-Type": "application/json", "User-Agent": f"Lucy/{__version__}", "Accept-Encoding": "identity"},
            )
        return self._session


def _since(began: float) -> float:
    return round((time.perf_counter() - began) * 1000, 1)


def _refusal(status: int) -> str | None:
    if 200 <= status < 300:
        return None
    return f"the receiver answered {status}" + ("; redirects are not followed" if 300 <= status < 400 else "")


def _words(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time" if not isinstance(error, aiohttp.ConnectionTimeoutError) else "no connection in time"
    return (str(error) or type(error).__name__)[:_TOLD]
