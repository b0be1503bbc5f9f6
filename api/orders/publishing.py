"""From an order's unpublished versions to events, in order, each once (design §6).

Whoever publishes an order publishes every version that is not out yet, rebuilt from its history: so a process that is overtaken by another
neither loses nor reorders anything. The publisher's script drops what is out already.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta

import msgspec
import structlog
from pymongo.errors import PyMongoError
from redis.exceptions import RedisError

from api.accounts.service import AccountService
from api.domain.enums import ExecutionType
from api.domain.order import Change, Order
from api.events.publisher import EventBody, EventPublisher
from api.events.schemas import FillEvent, OrderEvent
from api.kit.clock import Clock
from api.orders.repository import OrderRepository
from api.orders.schemas import Fill as FillResource
from api.orders.schemas import Order as OrderResource

log = structlog.get_logger(__name__)

_encode = msgspec.json.Encoder()

_SWEEP_AFTER = timedelta(seconds=1.5)
"""Younger versions are most likely being published this moment."""

_SWEEP_LIMIT = 500


class OrderPublisher:
    """Publishes orders in the background; what a crash cuts off, `sweep` repeats."""

    def __init__(self, publisher: EventPublisher, accounts: AccountService, orders: OrderRepository, clock: Clock) -> None:
        self._publisher = publisher
        self._clock = clock
        self._accounts = accounts
        self._orders = orders
        self._tasks: set[asyncio.Task[None]] = set()
        self.on_block_part: Callable[[Order], Awaitable[None]] | None = None
        """Hears of each change of an order that is part of a block, at least once."""

    def publish_soon(self, order: Order) -> None:
        """Publish after the caller has gone on; `aclose` waits for it."""
        task = asyncio.create_task(self._publish_and_mark(order))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def publish(self, order: Order) -> None:
        """Publish all versions of ``order`` that are not out yet; raises `redis.RedisError`."""
        members = await self._accounts.member_ids(order.account_id)
        changes = [(change.version, _events(order, change)) for change in order.history if change.version > order.published_version]
        await self._publisher.publish_versions(order.id, members, changes)

    async def publish_now(self, order: Order) -> None:
        """Publish, and mark in the background; a Redis that is away is left to the sweep."""
        try:
            await self.publish(order)
            await self._tell_block(order)
        except RedisError as error:
            log.warning("publish_postponed", order_id=order.id, problem=str(error))
            return
        self._orders.mark_published(order.id, order.version)

    async def sweep(self) -> int:
        """Publish again what was committed a while ago and never marked as published; returns how many orders."""
        count = 0
        async for order in self._orders.list_unpublished(self._clock.now() - _SWEEP_AFTER, _SWEEP_LIMIT):
            await self._publish_and_mark(order)
            count += 1
        return count

    async def aclose(self) -> None:
        """Wait for what is under way."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _publish_and_mark(self, order: Order) -> None:
        try:
            await self.publish(order)
            await self._tell_block(order)
            self._orders.mark_published(order.id, order.version)
        except (RedisError, PyMongoError) as error:  # the sweep repeats it
            log.warning("publish_postponed", order_id=order.id, problem=str(error))

    async def _tell_block(self, order: Order) -> None:
        # Before the version is marked as published: after a crash in between the sweep does both again.
        if order.block_order_id is not None and self.on_block_part is not None:
            await self.on_block_part(order)


def as_of(order: Order, change: Change) -> Order:
    """The order as it was right after ``change``, rebuilt from its history."""
    if change.version == order.version:
        return order
    return msgspec.structs.replace(
        order,
        version=change.version,
        updated_at=change.at,
        status=change.status,
        quantity=change.quantity,
        limit_price=change.limit_price,
        cumulative_quantity=change.cumulative_quantity,
        filled_amount=change.filled_amount,
        broker_code=change.broker_code,
        broker_message=change.broker_message,
        reason=change.reason,
        fills=tuple(fill for fill in order.fills if fill.version <= change.version),
    )


def _events(order: Order, change: Change) -> Sequence[EventBody]:
    then = as_of(order, change)
    bodies = [
        EventBody(
            "fill", _encode.encode(FillEvent(type="fill", at=change.at, order_version=change.version, fill=FillResource.of(then, fill)))
        )
        for fill in then.fills
        if fill.version == change.version
    ]
    event = OrderEvent(type="order", at=change.at, execution_type=ExecutionType(change.execution_type), order=OrderResource.of(then))
    return [*bodies, EventBody("order", _encode.encode(event))]
