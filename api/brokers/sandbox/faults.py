"""Faults that a front door injects: what a client may see between sending a request and reading its answer."""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum

from aiohttp import web

from .model import Broker


class Operation(StrEnum):
    """What a request is about; a fault on ``any`` hits all of them."""

    PLACE = "place"
    REPLACE = "replace"
    CANCEL = "cancel"
    INQUIRE = "inquire"
    TOKEN = "token"
    ANY = "any"


class FaultKind(StrEnum):
    """``…_before_taken``: the broker never saw the request. ``…_after_taken``: it did all of it, only the answer is lost."""

    CUT_BEFORE_TAKEN = "cut_before_taken"
    CUT_AFTER_TAKEN = "cut_after_taken"
    TIMEOUT_BEFORE_TAKEN = "timeout_before_taken"
    TIMEOUT_AFTER_TAKEN = "timeout_after_taken"
    ERROR_500_BEFORE_TAKEN = "error_500_before_taken"
    ERROR_500_AFTER_TAKEN = "error_500_after_taken"
    RATE_LIMITED = "rate_limited"
    TOKEN_REFUSED = "token_refused"
    MALFORMED_ANSWER = "malformed_answer"  # HTTP 200 with half of the JSON; the request was carried out
    LATENCY = "latency"  # the request waits so long before it is carried out


_AFTER = {FaultKind.CUT_AFTER_TAKEN, FaultKind.TIMEOUT_AFTER_TAKEN, FaultKind.ERROR_500_AFTER_TAKEN, FaultKind.MALFORMED_ANSWER}
_LONGEST_SILENCE_SECONDS = 120.0
_POLL_SECONDS = 0.05
_SERVER_ERROR_PAGE = "<html><head><title>500 Internal Server Error</title></head><body>Internal Server Error</body></html>"

Answer = Callable[[], Awaitable[web.StreamResponse]]
Refuse = Callable[[FaultKind], web.StreamResponse]


@dataclass(slots=True)
class Fault:
    """One injected fault.

    Attributes:
        count: How many more requests it hits; None: all, until deleted.
        probability: The share of matching requests that it hits.
        milliseconds: The delay of ``latency``, the longest silence of a time-out.
    """

    id: int
    broker: Broker
    operation: Operation
    kind: FaultKind
    count: int | None
    probability: float
    milliseconds: int | None
    hits: int = 0

    def matches(self, broker: Broker, operation: Operation) -> bool:
        """Whether it concerns a request at all."""
        return self.broker is broker and self.operation in {operation, Operation.ANY} and (self.count is None or self.count > 0)


class Faults:
    """The faults in force, in the order in which they were set; the first that hits decides, latencies add up before it."""

    def __init__(self, random_source: random.Random | None = None) -> None:
        self._random = random_source or random.Random()
        self._faults: list[Fault] = []
        self._next_id = 1

    def add(
        self,
        broker: Broker,
        operation: Operation,
        kind: FaultKind,
        *,
        count: int | None,
        probability: float = 1.0,
        milliseconds: int | None = None,
    ) -> Fault:
        """Put a fault in force."""
        fault = Fault(self._next_id, broker, operation, kind, count, probability, milliseconds)
        self._next_id += 1
        self._faults.append(fault)
        return fault

    def all(self) -> list[Fault]:
        """The faults in force."""
        return list(self._faults)

    def clear(self) -> None:
        """No faults any more."""
        self._faults.clear()

    def take(self, broker: Broker, operation: Operation) -> tuple[float, Fault | None]:
        """The latency in seconds and the fault that this request meets; counts it."""
        latency = 0.0
        if not self._faults:
            return latency, None
        for fault in list(self._faults):
            if not fault.matches(broker, operation) or self._random.random() >= fault.probability:
                continue
            fault.hits += 1
            if fault.count is not None:
                fault.count -= 1
                if fault.count == 0:
                    self._faults.remove(fault)
            if fault.kind is not FaultKind.LATENCY:
                return latency, fault
            latency += (fault.milliseconds or 0) / 1_000
        return latency, None

    async def guard(self, request: web.Request, broker: Broker, operation: Operation, answer: Answer, refuse: Refuse) -> web.StreamResponse:
        """Carry out a request with whatever fault is due.

        Args:
            answer: Carries the request out.
            refuse: The broker's real refusal for ``rate_limited`` and ``token_refused``.
        """
        latency, fault = self.take(broker, operation)
        if latency > 0:
            await asyncio.sleep(latency)
        if fault is None:
            return await answer()
        if fault.kind in {FaultKind.RATE_LIMITED, FaultKind.TOKEN_REFUSED}:
            return refuse(fault.kind)
        response = await answer() if fault.kind in _AFTER else None
        match fault.kind:
            case FaultKind.ERROR_500_BEFORE_TAKEN | FaultKind.ERROR_500_AFTER_TAKEN:
                return web.Response(status=500, text=_SERVER_ERROR_PAGE, content_type="text/html")
            case FaultKind.MALFORMED_ANSWER if isinstance(response, web.Response):
                return _halved(response)
            case FaultKind.TIMEOUT_BEFORE_TAKEN | FaultKind.TIMEOUT_AFTER_TAKEN:
                silence = _LONGEST_SILENCE_SECONDS if fault.milliseconds is None else fault.milliseconds / 1_000
                await _wait_until_gone(request, silence)
        if request.transport is not None:
            request.transport.abort()
        return web.Response(status=500)  # never leaves: the connection is gone


def _halved(response: web.Response) -> web.Response:
    body = response.body if isinstance(response.body, bytes) else b""
    return web.Response(status=200, body=body[: len(body) // 2], headers={"Content-Type": "application/json; charset=utf-8"})


async def _wait_until_gone(request: web.Request, longest_seconds: float) -> None:
    # polled: aiohttp tells a handler of a lost peer only by cancelling it, and a request that was taken must not be cancelled
    for _ in range(math.ceil(longest_seconds / _POLL_SECONDS)):
        if request.transport is None or request.transport.is_closing():
            return
        await asyncio.sleep(_POLL_SECONDS)
