"""Who may call next, under limits that all processes share through Redis.

Choice: callers stand in a line in Redis, in which only living processes keep their places, and each process fetches the places of its own
callers. While nobody waits, a call takes its place in one round trip. Else its ticket stays in the line and its process looks again when
the next place falls free, once for all its tickets: no polling, and nothing to be lost on the way.

The rules, first to last:

- *The limit.* A call holds a place from when it is let go until a window after its **answer**: the broker counted it at some time before
  that, so no delay on the way, here or there, can squeeze two windows into one. A call whose answer nobody reports (its process died, or
  the line is nearly empty and a report not worth a message) counts as if the broker had counted it `LATE_SECONDS` after it was let go.
- *Rank.* Cancels (0) before orders (1) before reconciliation (2) before inquiries (3). A rank leaves ``reserves`` of a window to those
  above it. Nobody starves: a rank that was passed over `PATIENCE` times in a row while it waited is served next, reserves or not.
- *Askers.* Within a rank askers go round, each with its own tickets in order.
- *Deadline.* Who cannot be served in time is told at once; who is in line when it passes leaves the line. Neither has called.
- *Death.* A process that has not looked for `OWNER_SECONDS` loses its tickets.
- *Refusals.* When a gateway refuses, `pause` holds everybody up for a moment.

Refused: a token bucket, which lets up to twice the limit through in one window; booking places in the future, which nobody can overtake.
"""

import asyncio
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from itertools import count
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
import structlog
from msgspec import Struct
from redis.asyncio import Redis
from redis.exceptions import RedisError

from api.kit.clock import Clock, SystemClock
from api.kit.merged_reads import MergedReads

log = structlog.get_logger(__name__)

LATE_SECONDS = 0.5
"""How long after it was let go a call may reach the broker, should nobody report its answer."""

OWNER_SECONDS = 1.0
"""How long a process that waits and does not look keeps its place in the line; it looks four times as often."""

PATIENCE = (20, 10, 10)
"""How often in a row ranks 1, 2 and 3 may be passed over while they wait."""

_STALE_SECONDS = LATE_SECONDS / 2
"""A place that was let go longer ago than this (the event loop hung) is given back."""

_REPORT_SECONDS = 0.02
_REDIS_SECONDS = 3.0
_SOON_SECONDS = 0.02
_MICROSECONDS = 1_000_000
_REFUSED, _LET_GO, _WAITING = 0, 1, 2
_FOLDER = Path(__file__).parent
_SCRIPT = (_FOLDER / "call_scheduler.lua").read_text(encoding="utf-8")
_TELL_SCRIPT = (_FOLDER / "call_scheduler_tell.lua").read_text(encoding="utf-8")


class PastDeadline(TimeoutError):
    """No place before the caller's deadline; nothing was counted.

    Attributes:
        wait_seconds: How far off a place is, as far as can be told.
    """

    def __init__(self, wait_seconds: float) -> None:
        super().__init__(f"the next free place is {wait_seconds:.3f} s away")
        self.wait_seconds = wait_seconds


class SchedulerUnavailable(Exception):
    """Redis did not answer, so whether there is a place is not known: the call must not be made."""


_Outcome = float | SchedulerUnavailable | None
"""What a waiting ticket meets: when the place that it got was asked for; Redis is away; None: it is not in the line any more."""


class CallRule(Struct, frozen=True):
    """``calls`` in any ``window_seconds``.

    Attributes:
        reserves: By rank: places of a window left to the ranks above; a rank always keeps at least one.
        burst_calls: Once so many calls were let go within ``burst_seconds``, ranks 1 and below wait; 0 for no such rule.
    """

    calls: int
    window_seconds: float
    reserves: tuple[int, int, int, int] = (0, 0, 0, 0)
    burst_calls: int = 0
    burst_seconds: float = 0.0

    def packed(self) -> bytes:
        """For the script."""
        numbers = [
            self.calls,
            round(self.window_seconds * _MICROSECONDS),
            round(LATE_SECONDS * _MICROSECONDS),
            self.burst_calls,
            round(self.burst_seconds * _MICROSECONDS),
            *(max(1, self.calls - reserve) for reserve in self.reserves),
            *PATIENCE,
            round(OWNER_SECONDS * _MICROSECONDS),
        ]
        return msgspec.msgpack.encode(numbers)


class Place:
    """Leave to make one call now. `answered` once the answer is there, or the call has failed."""

    __slots__ = ("_is_needed", "_line", "_ticket")

    def __init__(self, line: "_Line", ticket: str, *, is_needed: bool) -> None:
        self._line = line
        self._ticket = ticket
        self._is_needed = is_needed

    def answered(self) -> None:
        """The call is over, so its place falls free a window from now. Told to Redis in the background, soon or when it matters."""
        self._line.answered(self._ticket, is_needed=self._is_needed)


class CallScheduler:
    """Hands out places under limits that the callers name.

    Args:
        redis: Shared by all processes that share the limits. The instants are those of its own clock.
        prefix: Put before every key.
        clock: Measures deadlines.

    Attributes:
        reads: Answers that all callers may share, so that they need no place at all.
    """

    def __init__(self, redis: Redis, prefix: str, clock: Clock | None = None) -> None:
        self._redis = redis
        self._prefix = prefix
        self._clock = clock or SystemClock()
        self.reads = MergedReads(self._clock)
        self._script = redis.register_script(_SCRIPT)
        self._tell_script = redis.register_script(_TELL_SCRIPT)
        self.owner = uuid4().hex[:12]
        self._serial = count()
        self._lines: dict[tuple[str, CallRule], _Line] = {}
        self._answered: dict[_Line, list[tuple[str, float]]] = defaultdict(list)
        self._dropped: dict[_Line, list[str]] = defaultdict(list)
        self._report_timer: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def acquire(self, key: str, rule: CallRule, *, rank: int = 0, asker: str = "", deadline_seconds: float) -> Place:
        """Return when one call may go out under ``key``.

        Args:
            key: What is limited, such as one app key.
            rule: The limit; every process must name the same.
            rank: 0 (most urgent) to 3.
            asker: For whom: askers of a rank take turns.
            deadline_seconds: Longest wait from now; 0 takes a free place or none.

        Raises:
            PastDeadline: A `TimeoutError`: there is no place in time. Raised at once where that can be foreseen.
            SchedulerUnavailable: Redis did not answer.
        """
        line = self._lines.get((key, rule))
        if line is None:
            line = self._lines[key, rule] = _Line(self, f"{self._prefix}:calls:{{{key}}}", rule)
        return await line.acquire(rank, asker, self._clock.monotonic() + deadline_seconds)

    async def pause(self, key: str, seconds: float) -> None:
        """Let nobody go under ``key`` for so long: a gateway refused. Best effort."""
        try:
            now_seconds, now_micros = await self._redis.time()
            until = now_seconds * _MICROSECONDS + now_micros + round(seconds * _MICROSECONDS)
            await self._redis.set(f"{self._prefix}:calls:{{{key}}}:pause", until, px=max(1, round(seconds * 1000)))
        except RedisError as error:
            log.warning("call_pause_not_told", problem=str(error))

    async def aclose(self) -> None:
        """Leave every line and tell what is still to be told."""
        if self._report_timer is not None:
            self._report_timer.cancel()
            self._report_timer = None
        for line in self._lines.values():
            line.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._report()

    def monotonic(self) -> float:
        """This scheduler's clock."""
        return self._clock.monotonic()

    def next_ticket(self) -> str:
        """A new ticket; the part before the point names its process."""
        return f"{self.owner}.{next(self._serial)}"

    async def visit(self, line: "_Line", ticket: str, rank: int, asker: str, wait_seconds: float) -> tuple[int, int, list[str]]:
        """One run of the script: state, number, tickets let go.

        Raises:
            SchedulerUnavailable: Redis did not answer within a few seconds.
        """
        arguments: list[str | int | bytes] = [ticket, rank, asker, max(0, round(wait_seconds * _MICROSECONDS)), line.packed_rule]
        try:
            async with asyncio.timeout(_REDIS_SECONDS):
                state, number, *tickets = await self._script(keys=[line.name], args=arguments)
        except (RedisError, TimeoutError) as error:
            raise SchedulerUnavailable(str(error) or type(error).__name__) from error
        return int(state), int(number), [ticket.decode() if isinstance(ticket, bytes) else str(ticket) for ticket in tickets]

    def report_answered(self, line: "_Line", calls: Iterable[tuple[str, float]]) -> None:
        """Tell Redis soon which calls were answered, and when by `monotonic`."""
        self._answered[line].extend(calls)
        self._report_soon()

    def report_dropped(self, line: "_Line", ticket: str) -> None:
        """Tell Redis soon that a ticket is given back: it waits no longer, and no call is made with it."""
        self._dropped[line].append(ticket)
        self._report_soon()

    def start(self, work: Callable[[], Awaitable[None]]) -> None:
        """Run something beside the callers, until `aclose`."""
        task = asyncio.ensure_future(work())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _report_soon(self) -> None:
        if self._report_timer is None:
            self._report_timer = asyncio.get_running_loop().call_later(_REPORT_SECONDS, self._start_report)

    def _start_report(self) -> None:
        self._report_timer = None
        self.start(self._report)

    async def _report(self) -> None:
        lines = list(self._answered.keys() | self._dropped.keys())
        if not lines:
            return
        now = self._clock.monotonic()
        arguments: list[Any] = []
        for line in lines:
            answered, dropped = self._answered.get(line, []), self._dropped.get(line, [])
            arguments += [round(line.rule.window_seconds * _MICROSECONDS), len(answered)]
            for ticket, answered_at in answered:
                arguments += [ticket, int((now - answered_at) * _MICROSECONDS)]
            arguments += [len(dropped), *dropped]
        self._answered.clear()
        self._dropped.clear()
        try:
            async with asyncio.timeout(_REDIS_SECONDS):
                await self._tell_script(keys=[line.name for line in lines], args=arguments)
        except (RedisError, TimeoutError) as error:
            # the places fall free by themselves, a little later
            log.warning("calls_not_reported", problem=str(error))


class _Line:
    """This process's callers under one key."""

    def __init__(self, scheduler: CallScheduler, name: str, rule: CallRule) -> None:
        self.name = name
        self.rule = rule
        self.packed_rule = rule.packed()
        self._report_from = rule.calls // 3
        self._scheduler = scheduler
        self._unreported: deque[tuple[str, float]] = deque(maxlen=max(1, self._report_from))
        self._waiting: dict[str, asyncio.Future[_Outcome]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._looks_at = float("inf")
        self._is_looking = False
        self._seen_at = 0.0

    async def acquire(self, rank: int, asker: str, give_up_at: float) -> Place:
        scheduler = self._scheduler
        while True:
            ticket = scheduler.next_ticket()
            future: asyncio.Future[_Outcome] = asyncio.get_running_loop().create_future()
            self._waiting[ticket] = future  # before the visit: another's look may let this ticket go while our answer is under way
            is_out = False
            used = self.rule.calls
            try:
                asked_at = scheduler.monotonic()
                state, number, tickets = await scheduler.visit(self, ticket, rank, asker, give_up_at - asked_at)
                self._seen_at = scheduler.monotonic()
                is_out = state == _REFUSED
                if state == _REFUSED:
                    raise PastDeadline(number / _MICROSECONDS)
                self._let_go(tickets, asked_at)
                outcome: _Outcome
                if state == _LET_GO:
                    outcome, used = asked_at, number
                else:
                    self._report_all()
                    self._look_within(number / _MICROSECONDS)
                    outcome = await self._wait(future, give_up_at)
                if isinstance(outcome, SchedulerUnavailable):
                    raise outcome
                if outcome is not None and scheduler.monotonic() - outcome <= _STALE_SECONDS:
                    is_out = True
                    return Place(self, ticket, is_needed=used >= self._report_from)
            finally:
                del self._waiting[ticket]
                if not is_out:
                    scheduler.report_dropped(self, ticket)
            if scheduler.monotonic() >= give_up_at:
                raise PastDeadline(_SOON_SECONDS)

    async def _wait(self, future: "asyncio.Future[_Outcome]", give_up_at: float) -> _Outcome:
        try:
            async with asyncio.timeout(max(0.0, give_up_at - self._scheduler.monotonic())):
                return await future
        except TimeoutError:
            raise PastDeadline(self.rule.window_seconds) from None

    def answered(self, ticket: str, *, is_needed: bool) -> None:
        call = (ticket, self._scheduler.monotonic())
        if is_needed or self._waiting:
            self._scheduler.report_answered(self, [call])
        else:
            self._unreported.append(call)  # few places are taken: it is told when one is missing

    def _report_all(self) -> None:
        if self._unreported:
            self._scheduler.report_answered(self, self._unreported)
            self._unreported.clear()

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._fail(SchedulerUnavailable("closed"))

    def _let_go(self, tickets: Sequence[str], asked_at: float) -> None:
        for ticket in tickets:
            future = self._waiting.get(ticket)
            if future is None:  # it left the line while Redis let it go
                self._scheduler.report_dropped(self, ticket)
            elif not future.done():
                future.set_result(asked_at)

    def _look_within(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        at = loop.time() + seconds
        if self._is_looking or at >= self._looks_at:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._looks_at = at
        self._timer = loop.call_at(at, self._start_look)

    def _start_look(self) -> None:
        self._timer = None
        self._looks_at = float("inf")
        if any(not future.done() for future in self._waiting.values()):
            self._is_looking = True
            self._scheduler.start(self._look)

    async def _look(self) -> None:
        asked_at = self._scheduler.monotonic()
        try:
            if asked_at - self._seen_at > OWNER_SECONDS * 0.8:  # our tickets may be gone
                for future in self._waiting.values():
                    if not future.done():
                        future.set_result(None)
                return
            _, number, tickets = await self._scheduler.visit(self, f"{self._scheduler.owner}.", 0, "", 0)
        except SchedulerUnavailable as error:
            self._fail(error)
            return
        finally:
            self._is_looking = False
        self._seen_at = asked_at
        self._let_go(tickets, asked_at)
        if any(not future.done() for future in self._waiting.values()):
            self._look_within(number / _MICROSECONDS)

    def _fail(self, error: SchedulerUnavailable) -> None:
        for future in self._waiting.values():
            if not future.done():
                future.set_result(error)
