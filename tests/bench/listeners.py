"""Listeners to ``GET /events``, many in one process of their own: bare sockets that note what arrives when.

A listener counts as open once the API has said so (``: connected``): what is published before need not reach it.
"""

import asyncio
import re
import time
from array import array
from typing import Any, cast

import uvloop

from tests.bench.figures import percentile
from tests.bench.helper import Json, serve

_FRAME = re.compile(rb"id: (\d+-\d+)\nevent: (\w+)\ndata: ([^\n]*)\n\n")
_FILL = re.compile(rb'"order_version":(\d+),"fill":\{"id":"([^"]+)","order_id":"([^"]+)".*?"quantity":(\d+).*?"broker_order_id":"([^"]+)"')
_SENT = re.compile(rb'"sent":([0-9.]+)')
_CONNECTING = 100  # at once: fewer than the API's backlog
_OPEN_SECONDS = 60.0


class Listener(asyncio.Protocol):
    """One open event stream."""

    def __init__(self, request: bytes) -> None:
        self._request = request
        self._rest = b""
        self._transport: asyncio.Transport | None = None
        self.is_open: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.is_lost = False
        self.arrivals: dict[str, float] = {}  # fill id → when it came
        self.fills: list[tuple[str, str, int, str, int]] = []  # fill id, order id, version, broker order number, quantity
        self.repeats = 0
        self.count = 0
        self.delays = array("d")

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the events."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        """Note what came."""
        now = time.time()
        if not self.is_open.done():
            head = self._rest + data
            if not head.startswith(b"HTTP/1.1 200"):
                self.is_open.set_exception(ConnectionError(head[:200].decode(errors="replace")))
                return
            if b": connected" in head:
                self.is_open.set_result(None)
        data = self._rest + data
        end = 0
        for frame in _FRAME.finditer(data):
            end = frame.end()
            self.count += 1
            if (sent := _SENT.search(frame[3], 0, 60)) is not None:
                self.delays.append((now - float(sent[1])) * 1000)
            elif frame[2] == b"fill" and (fill := _FILL.search(frame[3])) is not None:
                fill_id = fill[2].decode()
                self.repeats += fill_id in self.arrivals
                self.arrivals[fill_id] = now
                self.fills.append((fill_id, fill[3].decode(), int(fill[1]), fill[5].decode(), int(fill[4])))
        blank = data.rfind(b"\n\n")  # the end of a comment or of a frame
        self._rest = data[max(end, blank + 2 if blank >= 0 else 0) :]

    def connection_lost(self, error: Exception | None) -> None:
        """A stream that ends is a finding, unless `close` ended it."""
        self.is_lost = True
        if not self.is_open.done():
            self.is_open.set_exception(ConnectionError(str(error)))

    def forget(self) -> None:
        """Start counting anew."""
        self.arrivals.clear()
        self.fills.clear()
        self.delays = array("d")
        self.count = self.repeats = 0

    def is_in_order(self) -> bool:
        """Whether every order's versions came in ascending order."""
        newest: dict[str, int] = {}
        for _, order_id, version, _, _ in self.fills:
            if newest.get(order_id, 0) > version:
                return False
            newest[order_id] = version
        return True

    def close(self) -> None:
        """End it."""
        if self._transport is not None:
            self._transport.abort()


class Listeners:
    """All listeners of this process."""

    def __init__(self) -> None:
        self._listeners: list[Listener] = []

    async def answer(self, command: Json) -> Any:
        """One of ``open``, ``forget``, ``counts``, ``fills``, ``delays``, ``close``."""
        match command["do"]:
            case "open":
                return await self._open(command["port"], command["token"], command["count"])
            case "forget":
                for listener in self._listeners:
                    listener.forget()
            case "counts":
                counts = [listener.count for listener in self._listeners]
                fills = [len(listener.arrivals) for listener in self._listeners]
                return {
                    "least": min(counts, default=0),
                    "least_fills": min(fills, default=0),
                    "lost": sum(listener.is_lost for listener in self._listeners),
                }
            case "fills":
                return self._fills()
            case "delays":
                values = sorted(delay for listener in self._listeners for delay in listener.delays)
                return {"count": len(values)} | {f"p{share}": percentile(values, share) for share in (50, 95, 99)}
            case _:
                for listener in self._listeners:
                    listener.close()
                self._listeners.clear()
        return {}

    async def _open(self, port: int, token: str, count: int) -> Json:
        loop = asyncio.get_running_loop()
        request = (
            f"GET /api/v1/events HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {token}\r\nAccept: text/event-stream\r\n\r\n"
        ).encode()
        gate = asyncio.Semaphore(_CONNECTING)
        failures: list[str] = []

        async def open_one() -> None:
            async with gate:
                try:
                    _, listener = await loop.create_connection(lambda: Listener(request), "127.0.0.1", port)
                    await asyncio.wait_for(listener.is_open, _OPEN_SECONDS)
                except (OSError, TimeoutError) as error:
                    failures.append(repr(error))
                else:
                    self._listeners.append(listener)

        began = loop.time()
        await asyncio.gather(*(open_one() for _ in range(count)))
        return {"opened": len(self._listeners), "failures": failures[:3], "seconds": loop.time() - began}

    def _fills(self) -> Json:
        """For every fill that any listener had: what it was, first and last arrival, and how many listeners had it."""
        found: dict[str, list[Any]] = {}
        for listener in self._listeners:
            for fill_id, order_id, _, broker_order_id, quantity in listener.fills:
                at = listener.arrivals[fill_id]
                entry = found.setdefault(fill_id, [order_id, broker_order_id, quantity, at, at, 0])
                entry[3], entry[4] = min(entry[3], at), max(entry[4], at)
                entry[5] += 1
        return {
            "fills": found,
            "repeats": sum(listener.repeats for listener in self._listeners),
            "out_of_order": sum(not listener.is_in_order() for listener in self._listeners),
            "lost": sum(listener.is_lost for listener in self._listeners),
        }


if __name__ == "__main__":
    uvloop.run(serve(Listeners().answer))
