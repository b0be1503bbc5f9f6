"""From stored frames to changed orders: parse, find the order by its broker number, apply, publish.

Everything that one batch of frames says of one order becomes one write, however many fills it holds: a burst costs the database as much as
a single fill. Applying is safe to repeat: a notice that is in the ledger is known there by its id.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence

import structlog
from msgspec import Struct

from api.accounts.service import BrokerAccount
from api.brokers.base import BrokerAdapter, Notice, NoticeKind
from api.brokers.errors import BrokerProtocolError
from api.domain import ledger
from api.domain.ledger import Contradiction, TradeNotice, TradeVerdict
from api.domain.lifecycle import IllegalTransition
from api.domain.order import PENDING_CHANGE, Order
from api.kit.clock import Clock, kst_day
from api.orders.alerts import Alerts
from api.orders.cancel_notices import on_cancel
from api.orders.inbox import Frame, FrameState, Inbox
from api.orders.publishing import OrderPublisher
from api.orders.repository import OrderRepository

log = structlog.get_logger(__name__)

_CACHED_ORDERS = 2_000


class _Read(Struct, frozen=True):
    """One notice of a frame, with an id of its own."""

    id: str
    frame: Frame
    notice: Notice


class Applied(Struct, frozen=True):
    """What a batch came to.

    Attributes:
        waiting: Frames whose order number no order has yet: the answer that brings it may be on its way.
        accepting: The same, of frames that only tell of an acceptance, which that answer tells too: no hurry.
        has_held: Whether a possible repeat was held back: the broker's inquiry must decide.
    """

    waiting: list[Frame]
    accepting: list[Frame]
    has_held: bool


class ExecutionService:
    """Applies execution notices to orders."""

    def __init__(
        self,
        *,
        orders: OrderRepository,
        inbox: Inbox,
        publisher: OrderPublisher,
        alerts: Alerts,
        clock: Clock,
        new_id: Callable[[], str],
    ) -> None:
        self._orders = orders
        self._inbox = inbox
        self._publisher = publisher
        self._alerts = alerts
        self._clock = clock
        self._new_id = new_id
        self._cache: dict[tuple[str, str, str], Order] = {}

    async def receive(self, account: BrokerAccount, adapter: BrokerAdapter, texts: Sequence[str]) -> Applied:
        """Store raw frames durably, then apply them."""
        now = self._clock.now()
        frames = [Frame(id=self._new_id(), account_id=account.id, text=text, received_at=now, state=FrameState.RECEIVED) for text in texts]
        await self._inbox.store(frames)
        return await self.apply(account, adapter, frames)

    async def apply_open(self, account: BrokerAccount, adapter: BrokerAdapter) -> Applied:
        """Take up what is not dealt with: after a start, and once an order's number has become known."""
        return await self.apply(account, adapter, await self._inbox.list_open(account.id))

    async def apply(self, account: BrokerAccount, adapter: BrokerAdapter, frames: Sequence[Frame]) -> Applied:
        """Apply stored frames in the order given; safe to repeat."""
        states: dict[str, FrameState] = {}
        reads = self._read(account, adapter, frames, states)
        owners = await self._find_orders(account.id, reads)
        by_order: dict[str, list[_Read]] = defaultdict(list)
        orders: dict[str, Order] = {}
        for read in reads:
            order = owners.get(read.notice.order_number) or owners.get(read.notice.original_order_number or "")
            if order is None:
                states[read.frame.id] = FrameState.WAITING
            else:
                orders[order.id] = order
                by_order[order.id].append(read)
        done = await asyncio.gather(
            *(self._apply_to(orders[order_id], batch, states) for order_id, batch in by_order.items()), return_exceptions=True
        )
        for error in done:
            if error is not None:
                raise error
        self._mark(frames, states)
        waiting = [frame for frame in frames if states.get(frame.id) is FrameState.WAITING]
        urgent = {read.frame.id for read in reads if read.notice.kind is not NoticeKind.ACCEPTED}
        return Applied(
            [frame for frame in waiting if frame.id in urgent],
            [frame for frame in waiting if frame.id not in urgent],
            FrameState.HELD in states.values(),
        )

    def held_notices(self, account: BrokerAccount, adapter: BrokerAdapter, frames: Sequence[Frame]) -> dict[str, list[TradeNotice]]:
        """The trade notices of held frames, by broker order number, oldest first."""
        held: dict[str, list[TradeNotice]] = defaultdict(list)
        for read in self._read(account, adapter, [frame for frame in frames if frame.state is FrameState.HELD], {}):
            if read.notice.kind is NoticeKind.TRADE:
                trade = _trade(read)
                held[trade.broker_order_id].append(trade)
        return held

    def _read(self, account: BrokerAccount, adapter: BrokerAdapter, frames: Sequence[Frame], states: dict[str, FrameState]) -> list[_Read]:
        reads: list[_Read] = []
        for frame in frames:
            try:
                notices = adapter.parse_notices(frame.text)
            except BrokerProtocolError as error:
                states[frame.id] = FrameState.UNREADABLE
                self._alerts.raise_soon(account.id, "unreadable_notice", f"{error} (notice {frame.id})")
                continue
            own = [(number, notice) for number, notice in enumerate(notices) if _is_of(account, notice)]
            states[frame.id] = FrameState.APPLIED if own or not notices else FrameState.FOREIGN
            reads.extend(_Read(f"{frame.id}:{number}", frame, notice) for number, notice in own)
        return reads

    async def _find_orders(self, account_id: str, reads: Sequence[_Read]) -> dict[str, Order]:
        days = {kst_day(read.frame.received_at).isoformat() for read in reads}
        owners: dict[str, Order] = {}
        for day in days:
            numbers = {read.notice.order_number for read in reads} | {
                read.notice.original_order_number for read in reads if read.notice.original_order_number
            }
            missing = []
            for number in numbers:
                known = self._cache.get((account_id, day, number))
                if known is None:
                    missing.append(number)
                else:
                    owners[number] = known
            if missing:
                for order in await self._orders.find_by_broker_order_ids(account_id, day, missing):
                    self._remember(order)
                    owners |= dict.fromkeys(order.broker_order_ids, order)
        return owners

    def _remember(self, order: Order) -> None:
        """Keep the order at hand, or forget it once it is done. A stale copy costs one failed compare-and-set, never a wrong write."""
        for number in order.broker_order_ids:
            key = (order.account_id, order.trading_day, number)
            self._cache.pop(key, None)
            if not order.is_terminal:
                self._cache[key] = order
        while len(self._cache) > _CACHED_ORDERS:
            self._cache.pop(next(iter(self._cache)))

    async def _apply_to(self, order: Order, batch: Sequence[_Read], states: dict[str, FrameState]) -> None:
        outcome: dict[str, FrameState] = {}
        if any(read.notice.kind not in (NoticeKind.TRADE, NoticeKind.ACCEPTED) for read in batch):
            # A cancel or replace is judged by what is pending, which the copy at hand may not know yet; the others are not.
            order = await self._orders.get(order.id)

        def rule(current: Order) -> Order:
            outcome.clear()
            return self._fold(current, batch, outcome)

        after = await self._orders.change(order, rule)
        self._remember(after)
        for frame_id, state in outcome.items():
            if states.get(frame_id) is not FrameState.HELD:
                states[frame_id] = state
        if after.version > after.published_version:
            await self._publisher.publish_now(after)

    def _fold(self, order: Order, batch: Sequence[_Read], outcome: dict[str, FrameState]) -> Order:
        run: list[_Read] = []
        for read in batch:
            if read.notice.kind is NoticeKind.TRADE:
                run.append(read)
                continue
            order = self._fold_trades(order, run, outcome)
            run = []
            order = self._fold_one(order, read, outcome)
        return self._fold_trades(order, run, outcome)

    def _fold_trades(self, order: Order, run: Sequence[_Read], outcome: dict[str, FrameState]) -> Order:
        if not run:
            return order
        try:
            after, verdicts = ledger.on_trades(order, [_trade(read) for read in run], self._clock.now())
        except (Contradiction, IllegalTransition) as error:
            if len(run) > 1:
                for read in run:
                    order = self._fold_trades(order, [read], outcome)
                return order
            self._contradicted(order, run[0], error, outcome)
            return order
        for read, verdict in zip(run, verdicts, strict=True):
            state = FrameState.HELD if verdict is TradeVerdict.HELD else FrameState.APPLIED
            if outcome.get(read.frame.id) is not FrameState.HELD:
                outcome[read.frame.id] = state
        return after

    def _fold_one(self, order: Order, read: _Read, outcome: dict[str, FrameState]) -> Order:
        try:
            after = _apply_event(order, read.notice, self._clock)
        except (Contradiction, IllegalTransition) as error:
            self._contradicted(order, read, error, outcome)
            return order
        outcome.setdefault(read.frame.id, FrameState.APPLIED)
        return after

    def _contradicted(self, order: Order, read: _Read, error: Exception, outcome: dict[str, FrameState]) -> None:
        log.error("notice_contradicts_ledger", order_id=order.id, notice_id=read.id, problem=str(error))
        self._alerts.raise_soon(order.account_id, "notice_contradicts_ledger", str(error), order_id=order.id)
        outcome[read.frame.id] = FrameState.CONTRADICTED

    def _mark(self, frames: Sequence[Frame], states: dict[str, FrameState]) -> None:
        by_state: dict[FrameState, list[str]] = defaultdict(list)
        for frame in frames:
            state = states.get(frame.id, FrameState.RECEIVED)
            if state is not frame.state:
                by_state[state].append(frame.id)
        for state, ids in by_state.items():
            self._inbox.mark(ids, state)


def _is_of(account: BrokerAccount, notice: Notice) -> bool:
    """A KIS stream carries all accounts of a customer; LS shows account numbers in forms of other lengths, and only the token's own."""
    return len(notice.account_number) != len(account.account_number) or notice.account_number == account.account_number


def _trade(read: _Read) -> TradeNotice:
    notice = read.notice
    if notice.price is None:
        raise Contradiction(notice.order_number, "a trade without a price")
    return TradeNotice(
        notice_id=read.id,
        broker_order_id=notice.order_number,
        quantity=notice.quantity,
        price=notice.price,
        executed_at=notice.executed_at,
        execution_id=notice.execution_id,
    )


def _apply_event(order: Order, notice: Notice, clock: Clock) -> Order:
    now = clock.now()
    match notice.kind:
        case NoticeKind.ACCEPTED:
            is_new = notice.order_number in order.broker_order_ids
            return ledger.acknowledged(order, now, notice.order_number, order.branch, "", "", order.sending_began_at) if is_new else order
        case NoticeKind.REPLACED:
            return ledger.replaced(order, now, quantity=order.quantity, limit_price=notice.price, broker_order_id=notice.order_number)
        case NoticeKind.CANCELED:
            return on_cancel(order, notice.quantity, now)
        case NoticeKind.REJECTED:
            return ledger.rejected(order, now, notice.reject_code, "", "exchange")
        case NoticeKind.CANCEL_REJECTED | NoticeKind.REPLACE_REJECTED:
            return ledger.request_refused(order, now, notice.reject_code, "", "exchange") if order.status in PENDING_CHANGE else order
        case _:
            return order
