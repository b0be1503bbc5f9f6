"""Reconciliation of one account: the broker's own list against Lucy's orders.

Asked at stream start, three times a minute, after each unknown outcome and for each request that nobody confirmed. Safe to do at any time,
twice, and by two workers at once: every change is a compare-and-set, and the rules (`reconciliation.py`) give the same answer to the same
facts.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial

import structlog
from msgspec import Struct

from api.accounts.service import AccountService, BrokerAccount
from api.brokers.base import BrokerAdapter, BrokerOrder
from api.brokers.registry import BrokerRegistry
from api.domain import ledger
from api.domain.enums import Exchange, ExecutionType, OrderOrigin, OrderStatus, OrderType, TimeInForce
from api.domain.ledger import Contradiction, TradeNotice
from api.domain.lifecycle import IllegalTransition
from api.domain.order import Change, Order, Stages
from api.kit.clock import Clock, kst_day
from api.orders.alerts import Alerts
from api.orders.executions import ExecutionService
from api.orders.inbox import Frame, FrameState, Inbox
from api.orders.liveness import Liveness
from api.orders.publishing import OrderPublisher
from api.orders.reconciliation import Reading, adopt, claim_chains, match_unknown, settle
from api.orders.repository import OrderRepository
from api.orders.service import fingerprint

log = structlog.get_logger(__name__)

ABANDONED = timedelta(seconds=3)
"""An order whose sender is dead and that is this old was cut off between storing and answering."""

LONGEST_SENDING = timedelta(seconds=25)
"""No sending takes longer, retries and waits included: past it an order is unknown even if its sender lives."""

ENOUGH_READINGS = 3
"""Successful readings that must agree before an absent order is taken as never received."""

EXTERNAL_GRACE = timedelta(seconds=10)
"""How long a broker order that nothing claims is left alone: its answer or its order may be on its way."""

REPEAT_GRACE = timedelta(seconds=5)
"""A held notice that the broker's total has not confirmed for this long was one told twice."""


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
        self._differing: dict[str, dict[str, datetime]] = {}
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
            return ledger.rejected(order, self._clock.now(), "", "", "never_received")
        return ledger.expired(order, self._clock.now())

    async def _reconcile(self, account: BrokerAccount, adapter: BrokerAdapter) -> Reconciled:
        read_at = self._clock.now()
        day = kst_day(read_at).isoformat()
        rows = await adapter.list_orders(kst_day(read_at))
        # The orders are read after the list: one that was placed in between is missing from the list, never taken for somebody else's.
        orders = await self._orders.list_of_day(account.id, day)
        orders = [await self._give_up_abandoned(order) for order in orders]
        frames = await self._inbox.list_open(account.id)
        held = self._executions.held_notices(account, adapter, frames)

        claimed = claim_chains(orders, rows)
        taken = {row.order_number for chain in claimed.values() for row in chain}
        unclaimed = [row for row in rows if row.order_number not in taken]
        unknown = [order for order in orders if order.status is OrderStatus.UNKNOWN and not order.broker_order_ids]
        in_flight = [order for order in orders if order.status is OrderStatus.PENDING_NEW]
        matches, strangers = match_unknown(unknown, in_flight, unclaimed)
        changed = 0
        for match in matches:
            log.info("unknown_order_found", order_id=match.order.id, broker_order_id=match.row.order_number)
            order = await self._change(match.order, partial(self._adopted, match.row))
            claimed[order.id].append(match.row)
            orders = [order if known.id == order.id else known for known in orders]
            changed += 1
        for order in await self._adopt_strangers(account, strangers, in_flight + unknown, read_at):
            claimed[order.id] = [row for row in strangers if row.order_number in order.broker_order_ids]
            orders.append(order)
            changed += 1

        missed = 0
        still_differing: dict[str, datetime] = {}
        for order in orders:
            if order.id not in claimed:
                continue
            after = await self._settle(order, claimed[order.id], held, still_differing, read_at)
            changed += after.version != order.version
            missed += after.cumulative_quantity - order.cumulative_quantity
        self._differing[account.id] = still_differing
        matched = {match.order.id for match in matches}
        for order in unknown:
            if order.id not in matched:
                changed += await self._count_absence(account, order, read_at, len(rows))
        await self._sort_out_held(frames, orders, read_at)
        applied = await self._executions.apply_open(account, adapter) if frames else None
        is_open = bool(still_differing or in_flight or (applied and (applied.waiting or applied.accepting or applied.has_held))) or any(
            order.status in (OrderStatus.UNKNOWN, OrderStatus.PENDING_CANCEL, OrderStatus.PENDING_REPLACE) for order in orders
        )
        return Reconciled(read_at=read_at, changed=changed, is_open=is_open, missed_fills=missed)

    def _adopted(self, row: BrokerOrder, order: Order) -> Order:
        return adopt(order, row, self._clock.now())

    async def _give_up_abandoned(self, order: Order) -> Order:
        """An order whose sender died, or that was being sent for far too long: its outcome is unknown."""
        if order.status is not OrderStatus.PENDING_NEW:
            return order
        age = self._clock.now() - order.updated_at
        if age < ABANDONED or (age < LONGEST_SENDING and await self._liveness.is_alive(order.sender)):
            return order
        return await self._change(order, lambda current: ledger.outcome_unknown(current, self._clock.now(), "sender_died"))

    async def _settle(
        self,
        order: Order,
        rows: Sequence[BrokerOrder],
        held: Mapping[str, Sequence[TradeNotice]],
        still_differing: dict[str, datetime],
        read_at: datetime,
    ) -> Order:
        since = self._differing.get(order.account_id, {})
        seen: list[Reading] = []

        def rule(current: Order) -> Order:
            seen.append(settle(current, rows, held, since, read_at=read_at, now=self._clock.now()))
            return seen[-1].order

        try:
            after = await self._change(order, rule)
        except (Contradiction, IllegalTransition) as error:
            self._alerts.raise_soon(order.account_id, "statement_contradicts_ledger", str(error), order_id=order.id)
            return order
        for number in seen[-1].differing:
            still_differing[number] = since.get(number, self._clock.now())
        return after

    async def _count_absence(self, account: BrokerAccount, order: Order, read_at: datetime, statement_size: int) -> int:
        """An unknown order that the broker's list does not show: after enough readings over the account's horizon it never arrived."""
        if order.unknown_since is None or read_at < order.unknown_since:
            return 0
        readings, _ = await self._orders.note_absence(order.id, read_at, statement_size)
        horizon = timedelta(seconds=account.settings.never_received_after_seconds)
        if readings < ENOUGH_READINGS or read_at - order.unknown_since < horizon:
            return 0
        log.warning("order_never_received", order_id=order.id, readings=readings)
        await self._change(
            order, lambda current: ledger.rejected(current, self._clock.now(), "", "", "never_received") if _is_lost(current) else current
        )
        return 1

    async def _adopt_strangers(
        self, account: BrokerAccount, rows: Sequence[BrokerOrder], waiting: Sequence[Order], read_at: datetime
    ) -> list[Order]:
        """Broker orders that were placed outside Lucy become orders of their own, once nothing of ours could be meant."""
        adopted = []
        for row in rows:
            could_be_ours = any(order.symbol == row.symbol and order.side is row.side for order in waiting)
            if could_be_ours or read_at - row.ordered_at < EXTERNAL_GRACE:
                continue
            order, is_new = await self._orders.insert_once(self._external(account, row))
            if is_new:
                log.info("external_order_adopted", order_id=order.id, broker_order_id=row.order_number)
                self._publisher.publish_soon(order)
                adopted.append(order)
        return adopted

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
