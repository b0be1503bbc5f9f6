"""A client of the event stream that reconnects with Last-Event-ID for as long as it takes, and keeps what it heard."""

import asyncio
from collections import defaultdict

import httpx

from tests.chaos.desk import Desk
from tests.http.sse import listening


class Listener:
    """What one client heard."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._last_id = ""
        self.versions: dict[str, list[int]] = defaultdict(list)
        self.fills: dict[str, list[str]] = defaultdict(list)
        self.blocks: dict[str, int] = {}
        self.resyncs = 0
        self.connections = 0
        self.events = 0

    async def run(self) -> None:
        """Listen until cancelled."""
        stack = self._desk.stack
        async with httpx.AsyncClient(base_url=stack.http.base_url) as http:
            while True:
                headers = {"Authorization": stack.http.headers["Authorization"]}
                if self._last_id:
                    headers["Last-Event-ID"] = self._last_id
                try:
                    async with listening(http, headers) as frames:
                        self.connections += 1
                        async for frame in frames:
                            self._last_id = frame.id
                            self._note(frame.event, frame.data)
                except (httpx.HTTPError, AssertionError):
                    await asyncio.sleep(0.1)

    def _note(self, event: str, data: dict[str, object]) -> None:
        self.events += 1
        if event == "order":
            order = data["order"]
            assert isinstance(order, dict)
            self.versions[order["id"]].append(order["version"])
        elif event == "fill":
            fill = data["fill"]
            assert isinstance(fill, dict)
            self.fills[fill["order_id"]].append(fill["id"])
        elif event == "block_order":
            block = data["block_order"]
            assert isinstance(block, dict)
            self.blocks[block["id"]] = max(block["version"], self.blocks.get(block["id"], 0))
        elif event == "resync":
            self.resyncs += 1
