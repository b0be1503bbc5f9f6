"""Sending: what leaves for a broker, leaves once, and what its answer proves is stored.

This is the only module that calls an adapter's `place`, `replace` or `cancel` (a test walks the tree), and all but cancels pass the `gate`
first. It never repeats a call; what may be repeated without doubt (a refused connection, a gateway's refusal) the adapter repeats itself.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from enum import StrEnum
from typing import NoReturn

import msgspec
import structlog
from msgspec import Struct
from pymongo.errors import PyMongoError

from api.accounts.service import BrokerAccount
from api.brokers.base import Acknowledgement, BrokerAdapter, LiveOrder, NewOrder
from api.brokers.errors import (
    BrokerError,
    BrokerRateLimited,
    BrokerRejected,
    BrokerTokenExpired,
    BrokerUnavailable,
)
from api.domain import ledger
from api.domain.enums import OrderStatus
from api.domain.order import Order
from api.errors import BrokerProblem, ChangeRefused, LucyError, TooManyRequests
from api.kit.clock import Clock
from api.kit.departure import looked_after
from api.orders.gate import Gate, Look
from api.orders.publishing import OrderPublisher
from api.orders.repository import OrderRepository

log = structlog.get_logger(__name__)

SEND_DEADLINE = 5.0
"""Seconds after which an order that waits for its place under the broker's call limit is not sent any more, and said so."""

_RECORD_TRIES = 120
_RECORD_PAUSE = 0.5
"""An answer that could not be stored is tried for a minute; after that the reconciler finds the order by its shape."""

NOT_SENT = "not_sent"
"""Reason of an order that certainly never left; the same client_order_id may send it."""


class Outcome(StrEnum):
    """What came of a request."""

    DONE = "done"
    REPLAYED = "replayed"
    UNKNOWN = "unknown"


class Placed(Struct, frozen=True):
    """An order, and what came of the request for it."""

    order: Order
    outcome: Outcome


class OrderSender:
    """Sends orders and changes, and stores what came of them."""

    def __init__(self, gate: Gate, orders: OrderRepository, publisher: OrderPublisher, clock: Clock) -> None:
        self._gate = gate
        self._orders = orders
        self._publisher = publisher
        self._clock = clock
        self._tasks: set[asyncio.Task[None]] = set()

    async def send_new(self, account: BrokerAccount, adapter: BrokerAdapter, order: Order, look: Look | None = None) -> Placed:
        """Send an order that is stored as ``pending_new``; ``look`` says first, by raising, that it may not leave.

        Raises:
            TradingHalted, ReducingOnly, Uncertain: The gate kept it here; it is stored as ``rejected`` (``not_sent``).
            TooManyRequests, BrokerProblem: It certainly was not sent, and is stored so too.
        """
        sent_at = self._clock.now()
        twin = asyncio.create_task(self._has_twin(order))  # beside the sending: the answer carries the flag
        try:
            if look is not None:
                await look()
            with looked_after(await self._gate.admit_new(account, adapter, order)):
                answer = await adapter.place(_new_order(order), deadline=SEND_DEADLINE)
        except BrokerError as error:
            return await self._settle_failure(order, error, is_twin=await twin)
        except LucyError as refusal:  # of the gate, or of an adapter that cannot say the order in its broker's words: before it sends
            await twin
            order = await self._store_rejection(order, "", refusal.detail, NOT_SENT)
            refusal.extra |= {"order_id": order.id, "outcome": "none"}
            raise
        log.info("order_sent", order_id=order.id, account_id=order.account_id, broker=order.broker, broker_order_id=answer.order_number)
        is_twin = await twin
        order = await self._record(
            order,
            lambda current: _flagged(
                ledger.acknowledged(current, self._clock.now(), answer.order_number, answer.branch, answer.code, answer.message, sent_at),
                is_twin=is_twin,
            ),
        )
        return Placed(order, Outcome.DONE)

    async def _record(self, order: Order, rule: Callable[[Order], Order]) -> Order:
        """Store what the broker answered. A database that is away must not make Lucy forget it: it is tried again until it is stored."""
        try:
            order = await self._orders.change(order, rule)
        except PyMongoError as error:
            log.error("answer_not_stored", order_id=order.id, problem=str(error))
            task = asyncio.create_task(self._record_later(order, rule))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            raise
        self._publisher.publish_soon(order)
        return order

    async def _record_later(self, order: Order, rule: Callable[[Order], Order]) -> None:
        for _ in range(_RECORD_TRIES):
            await asyncio.sleep(_RECORD_PAUSE)
            try:
                self._publisher.publish_soon(await self._orders.change(order, rule))
            except PyMongoError:
                continue
            log.info("answer_stored_late", order_id=order.id)
            return

    async def _has_twin(self, order: Order) -> bool:
        try:
            return await self._orders.has_twin_in_flight(order)
        except PyMongoError as error:  # the flag is a warning; the broker's answer must be stored all the same
            log.warning("twin_not_checked", order_id=order.id, problem=str(error))
            return False

    async def aclose(self) -> None:
        """Wait for answers that are still to be stored."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _settle_failure(self, order: Order, error: BrokerError, *, is_twin: bool) -> Placed:
        if isinstance(error, BrokerRejected):
            order = await self._store_rejection(order, error.code, error.message, "broker")
            return Placed(order, Outcome.DONE)
        if _certainly_not_sent(error):
            order = await self._store_rejection(order, "", str(error.message), NOT_SENT)
            _raise_not_sent(order, error)
        log.warning("order_outcome_unknown", order_id=order.id, broker=error.broker, problem=str(error))
        order = await self._record(
            order, lambda current: _flagged(ledger.outcome_unknown(current, self._clock.now(), "no_answer"), is_twin=is_twin)
        )
        return Placed(order, Outcome.UNKNOWN if order.status is OrderStatus.UNKNOWN else Outcome.DONE)

    async def _store_rejection(self, order: Order, code: str, message: str, reason: str) -> Order:
        return await self._record(order, lambda current: ledger.rejected(current, self._clock.now(), code, message, reason))

    async def send_cancel(self, adapter: BrokerAdapter, order: Order) -> Placed:
        """Cancel all that is open of an order that is stored as ``pending_cancel``; no gate stands in its way. Raises: `_send_change`."""
        return await self._send_change(order, lambda live: adapter.cancel(live, quantity=None, deadline=SEND_DEADLINE), None)

    async def send_less(self, account: BrokerAccount, adapter: BrokerAdapter, order: Order, shares: int) -> Placed:
        """Take ``shares`` out of an order that is stored as ``pending_replace``. Raises: the gate's, and `_send_change`."""
        look = await self._admit_change(account, order, lowers_quantity=True)
        return await self._send_change(order, lambda live: adapter.cancel(live, quantity=shares, deadline=SEND_DEADLINE), look)

    async def send_price(self, account: BrokerAccount, adapter: BrokerAdapter, order: Order, limit_price: int) -> Placed:
        """Change the price (won) of an order that is stored as ``pending_replace``. Raises: the gate's, and `_send_change`."""
        look = await self._admit_change(account, order, lowers_quantity=False)
        return await self._send_change(
            order, lambda live: adapter.replace(live, limit_price=limit_price, deadline=SEND_DEADLINE), look, adds_number=True
        )

    async def _admit_change(self, account: BrokerAccount, order: Order, *, lowers_quantity: bool) -> Look:
        try:
            return await self._gate.admit_change(account, order, lowers_quantity=lowers_quantity)
        except LucyError as refusal:
            await self._keep_here(order, refusal)
            raise

    async def _keep_here(self, order: Order, refusal: LucyError) -> None:
        await self._record(order, lambda current: ledger.request_refused(current, self._clock.now(), "", refusal.detail, refusal.code))
        refusal.extra |= {"order_id": order.id, "outcome": "none"}

    async def _send_change(
        self, order: Order, send: Callable[[LiveOrder], Awaitable[Acknowledgement]], look: Look | None, *, adds_number: bool = False
    ) -> Placed:
        """Send a cancel or replace that is stored as pending.

        Args:
            order: The order, ``pending_cancel`` or ``pending_replace``.
            send: One call of an adapter.
            look: What the gate gave; None for a cancel.
            adds_number: The broker runs the order under the acknowledgement's number from now on.

        Raises:
            ChangeRefused: The broker refused; the order goes on as it was.
            TradingHalted, ReducingOnly, Uncertain: It was kept here at the last look; the order goes on as it was.
            TooManyRequests, BrokerProblem: It certainly was not sent.
        """
        try:
            with nullcontext() if look is None else looked_after(look):
                answer = await send(_live_order(order))
        except LucyError as refusal:
            await self._keep_here(order, refusal)
            raise
        except BrokerError as error:
            if isinstance(error, BrokerRejected) or _certainly_not_sent(error):
                code, words = (error.code, error.message) if isinstance(error, BrokerRejected) else ("", error.message)
                order = await self._record(order, lambda current: ledger.request_refused(current, self._clock.now(), code, words, "broker"))
                if isinstance(error, BrokerRejected):
                    raise ChangeRefused(words, order_id=order.id, broker_code=code, broker_message=words) from error
                _raise_not_sent(order, error)
            log.warning("change_outcome_unknown", order_id=order.id, broker=error.broker, problem=str(error))
            return Placed(await self._orders.get(order.id), Outcome.UNKNOWN)
        order = await self._record(
            order,
            lambda current: ledger.request_acknowledged(
                current,
                self._clock.now(),
                answer.order_number if adds_number else None,
                answer.branch if adds_number else None,
                answer.code,
                answer.message,
            ),
        )
        return Placed(order, Outcome.DONE)


def _flagged(order: Order, *, is_twin: bool) -> Order:
    return msgspec.structs.replace(order, is_possible_duplicate=True) if is_twin and not order.is_possible_duplicate else order


def _new_order(order: Order) -> NewOrder:
    return NewOrder(
        symbol=order.symbol,
        side=order.side,
        order_type=order.order_type,
        time_in_force=order.time_in_force,
        exchange=order.exchange,
        quantity=order.quantity,
        limit_price=order.limit_price,
    )


def _live_order(order: Order) -> LiveOrder:
    return LiveOrder(
        order_number=order.broker_order_ids[-1],
        branch=order.branch,
        symbol=order.symbol,
        side=order.side,
        order_type=order.order_type,
        time_in_force=order.time_in_force,
        exchange=order.exchange,
        leaves_quantity=order.leaves_quantity,
        limit_price=order.limit_price,
    )


def _certainly_not_sent(error: BrokerError) -> bool:
    """Whether the error proves that the broker did nothing."""
    if isinstance(error, BrokerUnavailable):
        return not error.sent
    return isinstance(error, BrokerRateLimited | BrokerTokenExpired)


def _raise_not_sent(order: Order, error: BrokerError) -> NoReturn:
    if isinstance(error, BrokerRateLimited):
        raise TooManyRequests(
            "The broker's call limit left no room in time; nothing was sent. The same request may be repeated.",
            order_id=order.id,
            outcome="none",
            retry_after_seconds=error.retry_after,
        ) from error
    raise BrokerProblem(
        f"Nothing was sent: {error.message}. The same request may be repeated.", order_id=order.id, outcome="none"
    ) from error
