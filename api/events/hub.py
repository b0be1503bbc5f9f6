"""The hub: one Redis reader a process, many listeners.

A listener is registered before its past is read, so nothing falls between what it catches up and what the tail brings; what both
bring is told apart by id. A listener that does not keep up is cut off: it comes back with its last id and loses nothing.
"""

import asyncio
import re
from collections import deque
from collections.abc import AsyncIterator, Mapping
from typing import Any, NoReturn
from weakref import WeakSet

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

log = structlog.get_logger(__name__)

_WAITING_FRAMES = 2_000
"""Frames that a listener may be behind before it is cut off."""

_BLOCK_MILLISECONDS = 5_000
_BATCH = 1_000
_KEEP_ALIVE_SECONDS = 15.0
_KEEP_ALIVE = b": keep-alive\n\n"
_FIRST = "0-0"
_STREAM_ID = re.compile(r"([0-9]{1,19})(?:-([0-9]{1,19}))?")

StreamId = tuple[int, int]


def parse_id(text: str) -> StreamId | None:
    """``1763866800000-0`` as numbers that compare; None where it is no stream id. A bare number counts as its first entry."""
    found = _STREAM_ID.fullmatch(text)
    return None if found is None else (int(found[1]), int(found[2] or 0))


def encode_frame(event_id: str, event: str, data: bytes) -> bytes:
    """One SSE frame; ``data`` is JSON on one line."""
    return b"id: %b\nevent: %b\ndata: %b\n\n" % (event_id.encode(), event.encode(), data)


class Listener:
    """One open event stream: frames that wait to be written."""

    __slots__ = ("__weakref__", "_frames", "_ready", "is_cut_off")

    def __init__(self) -> None:
        self._frames: deque[tuple[StreamId | None, bytes]] = deque()
        self._ready = asyncio.Event()
        self.is_cut_off = False

    def push(self, stream_id: StreamId | None, frame: bytes) -> None:
        """Hand over a frame; None for one without an id."""
        if self.is_cut_off:
            return
        if len(self._frames) >= _WAITING_FRAMES:
            self.is_cut_off = True
            self._frames.clear()
        else:
            self._frames.append((stream_id, frame))
        self._ready.set()

    async def frames(self, after: StreamId) -> AsyncIterator[bytes]:
        """All frames past ``after``, joined as they have come; ends when the listener was cut off."""
        while not self.is_cut_off:
            if not self._frames:
                self._ready.clear()
                await self._ready.wait()
            chunk = []
            while self._frames:
                stream_id, frame = self._frames.popleft()
                if stream_id is None:
                    chunk.append(frame)
                elif stream_id > after:
                    after = stream_id
                    chunk.append(frame)
            if chunk:
                yield b"".join(chunk)


class Bell(Listener):
    """A listener that keeps nothing: it only tells that something has come, for one who reads the stream by itself (`EventHub.past`)."""

    __slots__ = ()

    def push(self, stream_id: StreamId | None, frame: bytes) -> None:
        """Ring."""
        if stream_id is not None:
            self._ready.set()

    def hush(self) -> None:
        """Ring again only for what comes from now on."""
        self._ready.clear()

    async def rung(self) -> None:
        """Wait until something has come since `hush`."""
        await self._ready.wait()


class EventHub:
    """Reads the streams of all users who listen here, and hands each entry to their listeners."""

    def __init__(self, redis: Redis, prefix: str, process_id: str) -> None:
        self._redis = redis
        self._prefix = prefix
        self._wake_key = f"{prefix}:hub:{process_id}"
        self._positions: dict[str, str] = {}
        # Weak: a client may leave before its answer begins, and then nobody gives the listener back.
        self._listeners: dict[str, WeakSet[Listener]] = {}
        self._wake_position = "$"

    @property
    def listener_count(self) -> int:
        """Open event streams of this process."""
        return sum(len(listeners) for listeners in self._listeners.values())

    async def subscribe(self, user_id: str, listener: Listener | None = None) -> Listener:
        """Register a listener, a new one by default, for the user's events from now on; give it back to `unsubscribe`."""
        key = self._key(user_id)
        listener = listener or Listener()
        listeners = self._listeners.setdefault(key, WeakSet())
        listeners.add(listener)
        if key not in self._positions:
            try:
                position = await self.last_id(user_id)
            except RedisError:
                self.unsubscribe(user_id, listener)
                raise
            # A second listener of the same user may have set it meanwhile: the earlier position stands.
            self._positions.setdefault(key, position)
            await self._redis.xadd(self._wake_key, {"w": "1"}, maxlen=1)
        return listener

    def unsubscribe(self, user_id: str, listener: Listener) -> None:
        """Forget a listener, and the user's stream with the last of them."""
        key = self._key(user_id)
        if (listeners := self._listeners.get(key)) is not None:
            listeners.discard(listener)
        self._forget_if_silent(key)

    def _forget_if_silent(self, key: str) -> None:
        if not self._listeners.get(key):
            self._listeners.pop(key, None)
            self._positions.pop(key, None)

    async def last_id(self, user_id: str) -> str:
        """Id of the newest entry of the user's stream, ``0-0`` where there is none."""
        newest = await self._redis.xrevrange(self._key(user_id), count=1)
        return newest[0][0].decode() if newest else _FIRST

    async def can_resume(self, user_id: str, after: str) -> bool:
        """Whether every event past ``after`` is still kept: it is an entry itself, or the beginning of a stream that was never cut."""
        key = self._key(user_id)
        if parse_id(after) == (0, 0):
            if not await self._redis.exists(key):
                return True
            info: Mapping[str, Any] = await self._redis.xinfo_stream(key)
            return bool(info["length"] == info["entries-added"])
        return bool(await self._redis.xrange(key, min=after, max=after, count=1))

    async def past(self, user_id: str, after: str, count: int) -> list[tuple[str, str, bytes]]:
        """Up to ``count`` entries past ``after``: (id, event name, data)."""
        entries = await self._redis.xrange(self._key(user_id), min=f"({after}", count=count)
        return [(entry_id.decode(), fields[b"e"].decode(), fields[b"d"]) for entry_id, fields in entries]

    async def find(self, user_id: str, event_id: str) -> tuple[str, bytes] | None:
        """Name and data of one entry, None where it is not kept."""
        found = await self._redis.xrange(self._key(user_id), min=event_id, max=event_id, count=1)
        return (found[0][1][b"e"].decode(), found[0][1][b"d"]) if found else None

    async def run(self) -> NoReturn:
        """Read and hand out until cancelled. A Redis that is away is waited for; nothing is lost, for positions are kept here."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._keep_alive())
            me = asyncio.current_task()
            # Before Python 3.12 redis-py's asyncio.wait_for swallows a cancellation that comes as a write ends.
            while me is None or not me.cancelling():
                try:
                    await self._read_once()
                except (RedisError, OSError) as error:
                    log.warning("event_reader_waits", problem=str(error))
                    await asyncio.sleep(0.3)
            raise asyncio.CancelledError

    async def _read_once(self) -> None:
        if self._wake_position == "$":
            newest = await self._redis.xrevrange(self._wake_key, count=1)
            self._wake_position = newest[0][0].decode() if newest else _FIRST
        streams: dict[Any, Any] = {self._wake_key: self._wake_position} | self._positions
        answer = await self._redis.xread(streams, count=_BATCH, block=_BLOCK_MILLISECONDS)
        for raw_key, entries in answer:
            key = raw_key.decode()
            if key == self._wake_key:
                self._wake_position = entries[-1][0].decode()
                continue
            if key not in self._positions:
                continue
            self._hand_out(key, entries)

    def _hand_out(self, key: str, entries: list[tuple[bytes, dict[bytes, bytes]]]) -> None:
        listeners = tuple(self._listeners.get(key, ()))
        for entry_id, fields in entries:
            text = entry_id.decode()
            stream_id = parse_id(text)
            frame = encode_frame(text, fields[b"e"].decode(), fields[b"d"])
            for listener in listeners:
                listener.push(stream_id, frame)
            self._positions[key] = text

    async def _keep_alive(self) -> NoReturn:
        while True:
            await asyncio.sleep(_KEEP_ALIVE_SECONDS)
            for key, listeners in list(self._listeners.items()):
                for listener in list(listeners):
                    listener.push(None, _KEEP_ALIVE)
                self._forget_if_silent(key)

    def _key(self, user_id: str) -> str:
        return f"{self._prefix}:events:{user_id}"
