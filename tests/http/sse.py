"""Reading server-sent events as a client does."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx


@dataclass(frozen=True, kw_only=True)
class Frame:
    """One event of a stream."""

    id: str
    event: str
    data: dict[str, Any]


@asynccontextmanager
async def listening(client: httpx.AsyncClient, headers: dict[str, str], **query: str) -> AsyncIterator[AsyncIterator[Frame]]:
    """An open event stream; from here on nothing that is published is missed."""
    async with client.stream("GET", "/events", headers=headers, params=query, timeout=30) as response:
        assert response.status_code == 200, (await response.aread()).decode()
        assert response.headers["content-type"].startswith("text/event-stream")
        yield _frames(response)


async def _frames(response: httpx.Response) -> AsyncIterator[Frame]:
    fields: dict[str, str] = {}
    async for line in response.aiter_lines():
        name, _, value = line.partition(": ")
        if name in ("id", "event", "data"):
            fields[name] = value
        elif not line and "data" in fields:
            yield Frame(id=fields["id"], event=fields["event"], data=json.loads(fields["data"]))
            fields = {}


async def take(frames: AsyncIterator[Frame], count: int) -> list[Frame]:
    """The next frames; fewer where the stream ends first."""
    taken: list[Frame] = []
    if count:
        async for frame in frames:
            taken.append(frame)
            if len(taken) == count:
                break
    return taken
