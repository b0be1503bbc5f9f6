"""Publishing: one Redis Stream a user, written by one script that keeps the versions of an order or block in order and drops repeats.

Two processes may publish the same order at once, or one publish a later version before the other has published an earlier one. Each hands
over every version that it does not know to be out; the script writes those above the order's last published version and remembers it. So
each version comes to each listener once, in order, whoever was first. Script, streams and marks are one atomic step of one Redis.
A block is told as it is: only its newest version is handed over, and an older one that comes late is dropped.
"""

from collections.abc import Sequence
from hashlib import sha1
from typing import Any, NamedTuple

from redis.asyncio import Redis
from redis.exceptions import NoScriptError

from api.kit.batches import Batches
from api.kit.redis_client import as_awaitable

_MARK_SECONDS = 7 * 24 * 3600
"""How long an order's last published version is remembered: longer than anything sweeps."""

_PUBLISH_VERSIONS = """
local last = tonumber(redis.call('GET', KEYS[1]) or '0')
local top, count = last, 0
local kept = ARGV[1]
local position = 3
while ARGV[position] do
  local version, events = tonumber(ARGV[position]), tonumber(ARGV[position + 1])
  position = position + 2
  for _ = 1, events do
    if version > last then
      for member = 2, #KEYS do
        redis.call('XADD', KEYS[member], 'MAXLEN', '~', kept, '*', 'e', ARGV[position], 'd', ARGV[position + 1])
      end
      count = count + 1
    end
    position = position + 2
  end
  if version > top then top = version end
end
if top > last then redis.call('SET', KEYS[1], top, 'EX', ARGV[2]) end
return count
"""
_PUBLISH = """
for member = 1, #KEYS do
  redis.call('XADD', KEYS[member], 'MAXLEN', '~', ARGV[1], '*', 'e', ARGV[2], 'd', ARGV[3])
end
return #KEYS
"""


class EventBody(NamedTuple):
    """One event: its name and its data as JSON bytes."""

    event: str
    data: bytes


class EventPublisher:
    """Writes events to the streams of users.

    Args:
        redis: Shared by all processes.
        prefix: Put before every key.
        kept: About how many events a user's stream keeps for those who resume.
    """

    def __init__(self, redis: Redis, prefix: str, kept: int = 20_000) -> None:
        self._prefix = prefix
        self._kept = kept
        self._redis = redis
        self._publish_versions_sha = sha1(_PUBLISH_VERSIONS.encode(), usedforsecurity=False).hexdigest()
        self._versioned = Batches(self._publish_batch)
        self._publish = redis.register_script(_PUBLISH)

    async def publish_versions(self, subject_id: str, user_ids: Sequence[str], changes: Sequence[tuple[int, Sequence[EventBody]]]) -> int:
        """Publish those versions of one thing that are newer than what is out.

        Args:
            subject_id: The order, block or alert.
            user_ids: Who hears of it.
            changes: (version, its events), ascending.

        Returns:
            How many events went out; 0 where another process was faster.
        """
        arguments: list[bytes | int | str] = [self._kept, _MARK_SECONDS]
        for version, bodies in changes:
            arguments += [version, len(bodies)]
            for body in bodies:
                arguments += [body.event, body.data]
        keys = [f"{self._prefix}:published:{subject_id}", *(self.stream_key(user_id) for user_id in user_ids)]
        answer = await self._versioned.submit([len(keys), *keys, *arguments])
        if isinstance(answer, Exception):
            raise answer
        return int(answer)

    async def _publish_batch(self, calls: Sequence[list[Any]]) -> list[Any]:
        """One call of the script for each thing, in one message: an answer or an error for each."""
        answers = await self._send(calls)
        if any(isinstance(answer, NoScriptError) for answer in answers):  # a Redis that was restarted
            await as_awaitable(self._redis.script_load(_PUBLISH_VERSIONS))
            forgotten = [index for index, answer in enumerate(answers) if isinstance(answer, NoScriptError)]
            again = await self._send([calls[index] for index in forgotten])
            for index, answer in zip(forgotten, again, strict=True):
                answers[index] = answer
        return answers

    async def _send(self, calls: Sequence[list[Any]]) -> list[Any]:
        async with self._redis.pipeline(transaction=False) as pipeline:
            for call in calls:
                pipeline.execute_command("EVALSHA", self._publish_versions_sha, *call)
            answers: list[Any] = await pipeline.execute(raise_on_error=False)
        return answers

    async def publish(self, user_ids: Sequence[str], body: EventBody) -> None:
        """Publish one event that has no versions."""
        if user_ids:
            await self._publish(keys=[self.stream_key(user_id) for user_id in user_ids], args=[self._kept, body.event, body.data])

    def stream_key(self, user_id: str) -> str:
        """Key of the user's stream."""
        return f"{self._prefix}:events:{user_id}"
