"""Reconciliation of one account: the broker's own list against Lucy's orders.

Asked at stream start, three times a minute, after each unknown outcome and for each request that nobody confirmed. Safe to do at any time,
twice, and by two workers at once: every change is a compare-and-set, and the rules (`reconciliation.py`) give the same answer to the same
facts.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

import structlog
from msgspec import Struct

from api.accounts.service import AccountService, BrokerAccount
from api.brokers.base import BrokerAdapter, BrokerOrder
from api.brokers.registry import BrokerRegistry
from api.domain import ledger
from api.domain.enums import Exchange, ExecutionType, FillSource, OrderOrigin, OrderStatus, OrderType, TimeInForce
from api.domain.order import Change, Order, Stages
from api.kit.clock import Clock, kst_day
from api.orders.alerts import Alerts
from api.orders.engine import Conclusions, Facts, Step, conclude, is_never_received, settle_one
from api.orders.executions import ExecutionService
from api.orders.inbox import Frame, FrameState, Inbox
from api.orders.liveness import Liveness
from api.orders.publishing import OrderPublisher
from api.orders.reconciliation import Memory
from api.orders.repository import OrderRepository
from api.orders.service import fingerprint

log = structlog.get_logger(__name__)

ABANDONED = timedelta(seconds=3)
"""An order whose sender is dead and that is this old was cut off between storing and answering."""

LONGEST_SENDING = timedelta(seconds=25)
"""No sending takes longer, retries and waits included: past it an order is unknown even if its sender lives."""

REPEAT_GRACE = timedelta(seconds=5)
"""A held notice that the broker's total has not confirmed for this long was one told twice."""

CHANGED_MARGIN = timedelta(minutes=1)
"""How far back a round looks for orders that changed since the last one: well past what the clocks of two machines differ by."""

WHOLE_DAY_EVERY = timedelta(minutes=10)
"""How often a round reads all orders of the day, whatever it remembers."""

_AMENDING = (ExecutionType.TRADE_CANCEL, ExecutionType.TRADE_CORRECT)


class _Round(Struct, kw_only=True, frozen=True):
    """What a round leaves to the account's next one in this process; a process without it reads the whole day."""

    day: str
    read_at: datetime
    whole_day_at: datetime
    memory: Memory
    settled: Mapping[str, BrokerOrder]


class Reconciled(Struct, kw_only=True, frozen=True):
    """What a run did.

    Attributes:
        read_at: When the broker was asked.
        changed: Orders that changed.
        is_open: Something is still to be settled: another run soon will help.
        missed_fills: Shares that the stream had not told of.
    """

    read_at: datetime
    changed: int
    is_open: bool
    missed_fills: int


class Reconciler:
    """Settles orders by evidence."""

    def __init__(
        self,
        *,
        orders: OrderRepository,
        inbox: Inbox,
        executions: ExecutionService,
        accounts: AccountService,
        brokers: BrokerRegistry,
        publisher: OrderPublisher,
        alerts: Alerts,
        liveness: Liveness,
        clock: Clock,
        new_id: Callable[[], str],
    ) -> None:
        self._orders = orders
        self._inbox = inbox
        self._executions = executions
        self._accounts = accounts
        self._brokers = brokers
        self._publisher = publisher
        self._alerts = alerts
        self._liveness = liveness
        self._clock = clock
        self._new_id = new_id
        self._rounds: dict[str, _Round] = {}
        self._locks: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def reconcile(self, account_id: str) -> Reconciled:
        """Bring the account's orders of today in line with the broker's list.

        Raises:
            BrokerError: The list could not be read; nothing was concluded from that.
        """
        async with self._locks[account_id]:
            account = await self._accounts.get(account_id)
            adapter = self._brokers.adapter(await self._accounts.credentials(account))
            return await self._reconcile(account, adapter)

    async def expire_past_days(self) -> int:
        """End what is still open of KST days before today: Korean orders live for their day. Returns how many orders it ended.

        An order of unknown outcome that no list has shown by then never arrived.
        """
        today = kst_day(self._clock.now()).isoformat()
        ended = 0
        while batch := await self._orders.list_expirable(today, 500):
            for order in batch:
                await self._change(order, self._ended)
                ended += 1
        return ended

    def _ended(self, order: Order) -> Order:
        if order.status is OrderStatus.PENDING_NEW or _is_lost(order):
            return ledger.rejected(order, self._clock.now(), "", "", ledger.NEVER_RECEIVED)
        return ledger.expired(order, self._clock.now())

    async def _reconcile(self, account: BrokerAccount, adapter: BrokerAdapter) -> Reconciled:
        read_at = self._clock.now()
        day = kst_day(read_at).isoformat()
        rows = await adapter.list_orders(kst_day(read_at))
        frames = await self._inbox.list_open(account.id)
        held = self._executions.held_notices(account, adapter, frames)
        last = self._last_round(account.id, day, read_at)
        # The orders are read after the list: one that was placed in between is missing from the list, never taken for somebody else's.
        if last is None:
            orders = await self._orders.list_of_day(account.id, day)
        else:
            orders = await self._orders.list_unsettled(account.id, day, last.read_at - CHANGED_MARGIN, [*_moved(rows, last), *held])
        orders = [await self._give_up_abandoned(order) for order in orders]
        facts = Facts(
            orders=orders,
            rows=rows,
            held=held,
            memory=Memory() if last is None else last.memory,
            settled={} if last is None else last.settled,
            read_at=read_at,
            now=self._clock.now(),
        )
        found = conclude(facts)
        for order, problem in found.problems:
            self._alerts.raise_soon(order.account_id, "statement_contradicts_ledger", problem, order_id=order.id)
        afters = [await self._carry_out(step, facts) for step in found.steps]
        for row in found.strangers:
            await self._adopt_stranger(account, row)
        given_up = [await self._count_absence(account, order, read_at, len(rows)) for order in found.absent]
        self._rounds[account.id] = _Round(
            day=day,
            read_at=read_at,
            whole_day_at=read_at if last is None else last.whole_day_at,
            memory=found.memory,
            settled=found.settled,
        )
        await self._sort_out_held(frames, [*orders, *afters], read_at)
        applied = await self._executions.apply_open(account, adapter) if frames else None
        return Reconciled(
            read_at=read_at,
            changed=sum(after.version != step.before.version for after, step in zip(afters, found.steps, strict=True))
            + len(found.strangers)
            + sum(given_up),
            is_open=_is_open(found, orders) or bool(applied and (applied.waiting or applied.accepting or applied.has_held)),
            missed_fills=sum(_missed(step.before, after) for after, step in zip(afters, found.steps, strict=True)),
        )

    def _last_round(self, account_id: str, day: str, read_at: datetime) -> _Round | None:
        """What the last round left, unless it was of another day or it is time for a look at the whole day."""
        last = self._rounds.get(account_id)
        return None if last is None or last.day != day or read_at - last.whole_day_at > WHOLE_DAY_EVERY else last

    async def _carry_out(self, step: Step, facts: Facts) -> Order:
        """Write one order's changes; concluded anew where it changed meanwhile. The order as it is then."""
        if step.adopted is not None and not await self._orders.claim_number(step.before, step.adopted.order_number, facts.now):
            return step.before  # a person, or another worker, gave that number to another order

        def rule(current: Order) -> Order:
            return step.after if current is step.before else settle_one(current, step.adopted, step.rows, facts).order

        after = await self._change(step.before, rule)
        if step.adopted is not None and after is not step.before:
            log.info("unknown_order_found", order_id=after.id, broker_order_id=step.adopted.order_number)
            if ledger.is_dismissed(step.before):
                self._alerts.raise_soon(
                    after.account_id,
                    "dismissed_order_found",
                    f"The order was taken as not placed ({step.before.reason}), and the broker has it as {step.adopted.order_number}.",
                    order_id=after.id,
                )
        for change in after.history:
            if change.version > step.before.version and change.execution_type in _AMENDING:
                self._alerts.raise_soon(
                    after.account_id,
                    str(change.execution_type),
                    f"A trade was taken back or corrected: {change.cumulative_quantity} shares for {change.filled_amount} won remain.",
                    order_id=after.id,
                )
        return after

    async def _give_up_abandoned(self, order: Order) -> Order:
        """An order whose sender died, or that was being sent for far too long: its outcome is unknown."""
        if order.status is not OrderStatus.PENDING_NEW:
            return order
        age = self._clock.now() - order.updated_at
        if age < ABANDONED or (age < LONGEST_SENDING and await self._liveness.is_alive(order.sender)):
            return order
        return await self._change(order, lambda current: ledger.outcome_unknown(current, self._clock.now(), "sender_died"))

    async def _count_absence(self, account: BrokerAccount, order: Order, read_at: datetime, statement_size: int) -> bool:
        """An unknown order that the broker's list does not show: after enough readings over the account's horizon it never arrived."""
        if order.unknown_since is None or read_at < order.unknown_since:
            return False
        readings, _ = await self._orders.note_absence(order.id, read_at, statement_size)
        horizon = timedelta(seconds=account.settings.never_received_after_seconds)
        if not is_never_received(order, readings, read_at, horizon):
            return False
        log.warning("order_never_received", order_id=order.id, readings=readings)
        await self._change(
            order,
            lambda current: (
                ledger.rejected(current, self._clock.now(), "", "", ledger.NEVER_RECEIVED)
                if is_never_received(current, readings, read_at, horizon)
                else current
            ),
        )
        return True

    async def _adopt_stranger(self, account: BrokerAccount, row: BrokerOrder) -> None:
        """A broker order that was placed outside Lucy becomes an order of its own; the next round brings its fills."""
        order, is_new = await self._orders.insert_once(self._external(account, row))
        if is_new:
            log.info("external_order_adopted", order_id=order.id, broker_order_id=row.order_number)
            self._publisher.publish_soon(order)

    async def _sort_out_held(self, frames: Sequence[Frame], orders: Sequence[Order], read_at: datetime) -> None:
        """Held notices that the totals have confirmed are in the ledger now; those that they still do not confirm were told twice."""
        in_ledger = {fill.notice_id.partition(":")[0] for order in orders for fill in order.fills if fill.notice_id}
        repeated = [
            frame.id
            for frame in frames
            if frame.state is FrameState.HELD and frame.id not in in_ledger and read_at - frame.received_at > REPEAT_GRACE
        ]
        self._inbox.mark(repeated, FrameState.REPEATED)

    async def _change(self, order: Order, rule: Callable[[Order], Order]) -> Order:
        after = await self._orders.change(order, rule)
        if after.version > after.published_version and after is not order:
            self._publisher.publish_soon(after)
        return after

    def _external(self, account: BrokerAccount, row: BrokerOrder) -> Order:
        now = self._clock.now()
        day = kst_day(row.ordered_at).isoformat()
        first = Change(
            version=1,
            at=now,
            execution_type=ExecutionType.NEW,
            status=OrderStatus.NEW,
            quantity=row.quantity,
            limit_price=row.limit_price,
            cumulative_quantity=0,
            filled_amount=0,
            broker_code="",
            broker_message="",
            reason="external",
        )
        return Order(
            id=self._new_id(),
            client_order_id=f"external-{day}-{row.order_number}",
            account_id=account.id,
            broker=account.broker,
            symbol=row.symbol,
            exchange=row.exchange or Exchange.KRX,
            side=row.side,
            order_type=row.order_type or (OrderType.LIMIT if row.limit_price else OrderType.MARKET),
            time_in_force=TimeInForce.DAY,
            quantity=row.quantity,
            limit_price=row.limit_price,
            status=OrderStatus.NEW,
            trading_day=day,
            origin=OrderOrigin.EXTERNAL,
            created_by="external",
            created_at=row.ordered_at,
            updated_at=now,
            stages=Stages(received_at=now, stored_at=now),
            request_digest="external",
            fingerprint=fingerprint(account.id, row.symbol, row.side, row.quantity, row.limit_price),
            sender="",
            broker_order_ids=(row.order_number,),
            branch=row.branch,
            reason="external",
            history=(first,),
        )


def _is_lost(order: Order) -> bool:
    return order.status is OrderStatus.UNKNOWN and not order.broker_order_ids


def _moved(rows: Sequence[BrokerOrder], last: _Round) -> set[str]:
    """Numbers of rows that are not as they were when their order was found settled, and the numbers that they changed."""
    moved = [row for row in rows if last.settled.get(row.order_number) != row]
    return {row.order_number for row in moved} | {row.original_order_number for row in moved if row.original_order_number}


def _is_open(found: Conclusions, orders: Sequence[Order]) -> bool:
    waiting = (OrderStatus.UNKNOWN, OrderStatus.PENDING_NEW, OrderStatus.PENDING_CANCEL, OrderStatus.PENDING_REPLACE)
    return bool(found.memory.notes or found.strangers) or any(order.status in waiting for order in orders)


def _missed(before: Order, after: Order) -> int:
    """Shares that only the inquiry told of."""
    return sum(
        fill.quantity
        for fill in after.fills[len(before.fills) :]
        if fill.source is FillSource.RECONCILIATION and fill.quantity > 0 and fill.amends is None
    )
