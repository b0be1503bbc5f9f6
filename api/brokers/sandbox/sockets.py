"""Websocket connections of a front door: frames leave in order, and a test can break or silence them all."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque

from aiohttp import web

_LONGEST_DRAIN_SECONDS = 1.0
_MAX_WAITING = 100_000  # frames; a client that reads nothing is cut off


class Connection:
    """One client's websocket, with an ordered queue of text frames and a writer of its own."""

    def __init__(self, request: web.Request, socket: web.WebSocketResponse) -> None:
        self.request = request
        self.socket = socket
        self.is_closed = False
        self.last_sent_at = asyncio.get_running_loop().time()
        self._frames: deque[str] = deque()
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._writer = asyncio.create_task(self._write())

    def push(self, text: str) -> None:
        """Queue a frame; it leaves after all that were queued before."""
        if self.is_closed:
            return
        if len(self._frames) >= _MAX_WAITING:
            self.abort()
            return
        self._frames.append(text)
        self._idle.clear()
        self._wake.set()

    async def drained(self) -> None:
        """Wait until all queued frames were written, or the connection is gone; a second at most."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._idle.wait(), _LONGEST_DRAIN_SECONDS)

    def abort(self) -> None:
        """Drop the TCP connection without a close frame."""
        self.is_closed = True
        self._idle.set()
        if self.request.transport is not None:
            self.request.transport.abort()

    async def close(self) -> None:
        """End the writer; the handler of the connection calls this when its reading loop is over."""
        self.is_closed = True
        self._idle.set()
        self._writer.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._writer

    async def _write(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._frames:
                try:
                    await self.socket.send_str(self._frames.popleft())
                except (ConnectionError, RuntimeError):  # the peer is gone; the reading loop ends the connection
                    self.is_closed = True
                    self._frames.clear()
                self.last_sent_at = loop.time()
            self._idle.set()


class Sockets:
    """All websockets of one front door."""

    def __init__(self) -> None:
        self.connections: set[Connection] = set()
        self.is_muted = False

    def drop(self) -> int:
        """Break all connections abruptly; how many there were."""
        connections = list(self.connections)
        for connection in connections:
            connection.abort()
        return len(connections)

    async def drained(self) -> None:
        """Wait until everything queued has been written."""
        for connection in list(self.connections):
            await connection.drained()
