"""Working a block: sending its parts, acting on what was refused, and following its orders.

A part is sent by who holds its claim, and its account takes its client order id once. What is refused is replaced by other parts only after
that is stored, and a part looks at the stored block after its order is stored and right before it leaves: so even a process that was taken
for dead and comes back cannot send what others have replaced. Whatever a crash cuts off, `sweep` sees to.
"""

import asyncio
from collections.abc import Callable, Collection, Sequence
from datetime import timedelta
from fractions import Fraction

import msgspec
import structlog
from pymongo.errors import PyMongoError
from redis.exceptions import RedisError

from api.accounts.service import AccountService
from api.auth.principal import Principal
from api.blocks.block import (
    Block,
    BlockPart,
    Claim,
    PartStatus,
    claimed,
    client_order_id_of,
    given_up,
    may_leave,
    needs_care,
    open_failures,
    reclaimed,
    with_orders,
)
from api.blocks.facts import FactReader
from api.blocks.repository import BlockRepository
from api.blocks.schemas import BlockOrder, BlockOrderEvent
from api.domain.allocation.methods import Method
from api.domain.allocation.split import Split, Task, split
from api.domain.enums import OrderStatus, Permission, Role
from api.domain.order import Order
from api.errors import BlockUnknown, Forbidden, LucyError, NotFound, OrderBusy, PartWithdrawn
from api.events.publisher import EventBody, EventPublisher
from api.funds.service import FundService
from api.kit.clock import Clock, kst_day
from api.orders.liveness import Liveness
from api.orders.repository import OrderRepository, TooMuchContention
from api.orders.schemas import PlaceOrder
from api.orders.service import OrderService, PartOfBlock
from api.plans.schemas import OnRejection
from api.plans.service import PlanService
from api.users.service import UserService

log = structlog.get_logger(__name__)

_MOST_ROUNDS = 50
_SWEEP_AFTER = timedelta(seconds=3)
"""What is younger is most likely being seen to this moment."""


class BlockWorker:
    """Works blocks, in the name of who placed them."""

    def __init__(
        self,
        *,
        blocks: BlockRepository,
        plans: PlanService,
        funds: FundService,
        accounts: AccountService,
        facts: FactReader,
        orders: OrderService,
        order_repository: OrderRepository,
        users: UserService,
        publisher: EventPublisher,
        liveness: Liveness,
        clock: Clock,
        new_id: Callable[[], str],
    ) -> None:
        self._blocks = blocks
        self._plans = plans
        self._funds = funds
        self._accounts = accounts
        self._facts = facts
        self._orders = orders
        self._order_repository = order_repository
        self._users = users
        self._publisher = publisher
        self._liveness = liveness
        self._clock = clock
        self._new_id = new_id
        self._tasks: set[asyncio.Task[None]] = set()

    async def aclose(self) -> None:
        """Wait for what is under way."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def new_claim(self) -> Claim:
        """For parts that this process will send now."""
        return Claim(id=self._new_id(), process_id=self._liveness.process_id)

    async def work(self, principal: Principal, block: Block, claim: Claim) -> Block:
        """Send what was claimed, side by side, then see to what was refused."""
        return await self._see_to(principal, await self._send_claimed(principal, block, claim))

    async def work_again(self, principal: Principal, block: Block) -> Block:
        """What a repeat of the request does: what never left is sent on the same day, if nothing else follows from it."""
        block = await self._give_up_dead(await self.refresh(block))
        if block.trading_day == kst_day(self._clock.now()).isoformat():
            claim = self.new_claim()
            block = await self._send_claimed(principal, await self._blocks.change(block, lambda now: reclaimed(now, claim)), claim)
        return await self._see_to(principal, block)

    async def cancel_parts(self, principal: Principal, block: Block) -> Block:
        """Cancel every open order of the block; one whose last request is not settled yet, the sweep cancels once it is."""

        async def cancel(part: BlockPart) -> bool:
            try:
                await self._orders.cancel(principal, str(part.order_id))
            except LucyError as error:  # the order tells its own; asking again is harmless
                log.info("block_part_not_canceled", block_order_id=block.id, order_id=part.order_id, problem=str(error))
                return not isinstance(error, OrderBusy)
            return True

        live = [part for part in block.parts if part.order_id is not None and part.is_live]
        is_asked = await asyncio.gather(*map(cancel, live))
        asked = {part.number for part, is_done in zip(live, is_asked, strict=True) if is_done}
        return await self.refresh(await self._blocks.change(block, lambda now: _cancel_asked(now, asked)))

    async def order_changed(self, order: Order) -> None:
        """An order of a block has a new version. In the end the block has it, and everybody is told."""
        if order.block_order_id is None:
            return
        block = await self._blocks.find(order.block_order_id)
        if block is None:
            log.error("block_of_order_missing", order_id=order.id, block_order_id=order.block_order_id)
            return
        block = await self.refresh(block)
        if open_failures(block):
            task = asyncio.create_task(self._see_to_later(block))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def sweep(self) -> int:
        """See to what a process that died, or a Redis that was away, left undone; returns how many blocks."""
        count = 0
        for block in await self._blocks.list_unfinished(self._clock.now() - _SWEEP_AFTER):
            try:
                found = await self._give_up_dead(await self.refresh(block))
            except (PyMongoError, RedisError, TooMuchContention) as error:
                log.warning("block_not_swept", block_order_id=block.id, problem=str(error))
                continue
            await self._see_to_later(found)
            count += 1
        return count

    async def refresh(self, block: Block, problems: dict[int, LucyError | None] | None = None) -> Block:
        """The block as its orders are now, stored and told.

        Args:
            block: As stored at some time.
            problems: By number of a part, why it was not sent.
        """
        for _ in range(_MOST_ROUNDS):
            orders = {(order.account_id, order.client_order_id): order for order in await self._order_repository.list_of_block(block.id)}
            after = with_orders(_with_problems(block, problems or {}), orders, self._clock.now())
            if after == block:
                break
            if after.version == block.version:
                after = msgspec.structs.replace(after, version=block.version + 1)
            if await self._blocks.replace_if_unchanged(block, after):
                block = after
                break
            block = await self._blocks.get(block.id)
        else:
            raise TooMuchContention(block.id)
        if block.published_version < block.version:
            await self._tell(block)
        return block

    async def _give_up_dead(self, block: Block) -> Block:
        """Refuse parts whose sender is dead; read again afterwards, for one that was only slow may have stored its order meanwhile."""
        senders = {part.claim.process_id for part in block.parts if part.status is PartStatus.SENDING}
        dead = {process_id for process_id in senders if not await self._liveness.is_alive(process_id)}
        if not dead:
            return block
        return await self.refresh(await self._blocks.change(block, lambda now: given_up(now, dead)))

    async def _see_to_later(self, block: Block) -> None:
        """As `_see_to`, if who placed the block still may trade."""
        try:
            user = await self._users.get(block.created_by)
            if user.is_active:
                await self._see_to(Principal(user_id=user.id, username=user.username, role=Role(user.role)), block)
        except (LucyError, PyMongoError, RedisError, TooMuchContention) as error:  # the sweep comes back to it
            log.warning("block_not_seen_to", block_order_id=block.id, problem=str(error))

    async def _send_claimed(self, principal: Principal, block: Block, claim: Claim) -> Block:
        problems = dict(await asyncio.gather(*(self._send(principal, block, part) for part in claimed(block, claim))))
        return await self.refresh(block, problems) if problems else block

    async def _send(self, principal: Principal, block: Block, part: BlockPart) -> tuple[int, LucyError | None]:
        async def look() -> None:
            try:
                now = await self._blocks.get(block.id)
            except PyMongoError as error:
                raise BlockUnknown("The block cannot be read, so nothing is sent.", outcome="none") from error
            if not may_leave(now, part.number, part.claim):
                raise PartWithdrawn("The block was canceled or divided anew meanwhile.", outcome="none")

        as_part = PartOfBlock(block_order_id=block.id, fund_ids=funds_of(block, part), look=look)
        try:
            await self._orders.place(principal, order_of(block, part), as_part)
        except LucyError as error:
            return part.number, error
        return part.number, None

    async def _see_to(self, principal: Principal, block: Block) -> Block:
        """By the plan's policy: keep the rest, cancel it, or divide what is unfilled over the others."""
        for _ in range(_MOST_ROUNDS):
            if not (failed := open_failures(block)):
                break
            numbers = frozenset(part.number for part in failed)
            if block.plan["on_rejection"] == OnRejection.CANCEL:
                block = await self._blocks.change(block, lambda now: canceling(_handled(now, numbers)))  # noqa: B023 - called here
                break
            claim = self.new_claim()
            counts = await self._blocks.counts_of_funds([line.fund_id for line in block.lines])
            more = await self._resplit(principal, block, failed, claim)
            count = len(block.parts)
            block, is_mine = await self._blocks.change_counted(
                block.id,
                lambda now: _with_more(now, numbers, count, more),  # noqa: B023 - called here
                counts,
            )
            block = await (self._send_claimed(principal, block, claim) if is_mine else self.refresh(block))
        if block.is_canceling and needs_care(block):
            return await self.cancel_parts(principal, block)
        return block

    async def _resplit(self, principal: Principal, block: Block, failed: Sequence[BlockPart], claim: Claim) -> tuple[BlockPart, ...]:
        """Parts for what the failed ones leave unfilled, at the block's accounts that refused nothing and of which nothing is unknown.

        None on a later day, and none once the plan, a fund or an account of it is gone or is no longer the placer's to trade for.
        """
        left = sum(part.quantity - part.cumulative_quantity for part in failed)
        out = {part.account_id for part in block.parts if part.is_failed or part.order_status is OrderStatus.UNKNOWN}
        planned = {line.id: line for line in block.lines if line.account_id not in out and Fraction(line.ideal) > 0}
        if not planned or left <= 0 or block.trading_day != kst_day(self._clock.now()).isoformat():
            return ()
        try:
            plan = await self._plans.require(principal, block.plan["id"], Permission.TRADE)
            lines = [line for line in plan.lines if line.id in planned]
            fund_ids, account_ids = {line.fund_id for line in lines}, {line.account_id for line in lines}
            funds = {fund_id: await self._funds.require(principal, fund_id, Permission.TRADE) for fund_id in fund_ids}
            accounts = {account_id: await self._accounts.require(principal, account_id, Permission.TRADE) for account_id in account_ids}
        except (NotFound, Forbidden) as error:
            log.warning("block_not_divided_anew", block_order_id=block.id, problem=str(error))
            return ()
        if not lines:
            return ()
        facts = await self._facts.read(lines, funds, accounts, block.symbol, block.side, block.limit_price)
        room = [
            msgspec.structs.replace(
                line,
                value=Fraction(planned[line.id].ideal),
                minimum=0,
                maximum=None if line.maximum is None else max(0, line.maximum - planned[line.id].planned_quantity),
            )
            for line in facts.lines
        ]
        task = Task(
            block_id=f"{block.id}:{len(block.parts)}",
            method=Method.RATIO,
            side=block.side,
            quantity=left,
            amount=None,
            price=block.cash_price,
            cash_price=block.cash_price,
            fee_rate=Fraction(str(block.plan["fee_rate"])),
            unit=1,
            on_shortfall="reduce",
        )
        return parts_of(block.id, split(task, room, facts.capacities), len(block.parts), claim)

    async def _tell(self, block: Block) -> None:
        event = BlockOrderEvent(type="block_order", at=block.updated_at, block_order=BlockOrder.of(block))
        try:
            body = EventBody("block_order", msgspec.json.encode(event))
            await self._publisher.publish_versions(block.id, sorted(await self._audience(block)), [(block.version, [body])])
            await self._blocks.mark_published(block)
        except (RedisError, PyMongoError) as error:  # the sweep tells it
            log.warning("block_not_told", block_order_id=block.id, problem=str(error))

    async def _audience(self, block: Block) -> set[str]:
        """Who may see all of the block: members of every fund and every account of it."""
        groups = await self._funds.member_ids([*dict.fromkeys(line.fund_id for line in block.lines)])
        for account_id in dict.fromkeys(line.account_id for line in block.lines):
            groups.append(set(await self._accounts.member_ids(account_id)))
        return set.intersection(*groups)


def order_of(block: Block, part: BlockPart) -> PlaceOrder:
    """The request that places a part."""
    content = {
        "account_id": part.account_id,
        "symbol": block.symbol,
        "side": block.side.value,
        "quantity": part.quantity,
        "order_type": block.order_type.value,
        "time_in_force": block.time_in_force.value,
        "exchange": block.exchange.value,
        "limit_price": block.limit_price,
        "client_order_id": part.client_order_id,
    }
    return msgspec.convert(content | ({"confirm": list(block.confirm)} if block.confirm else {}), PlaceOrder)


def funds_of(block: Block, part: BlockPart) -> tuple[str, ...]:
    """The funds that a part has shares for."""
    return tuple(dict.fromkeys(line.fund_id for line in block.lines if line.id in part.shares))


def parts_of(block_id: str, outcome: Split, before: int, claim: Claim) -> tuple[BlockPart, ...]:
    """One part for each account of a split, numbered on from ``before``."""
    return tuple(
        BlockPart(
            number=number,
            account_id=account_id,
            quantity=quantity,
            shares={line.line_id: line.quantity for line in outcome.lines if line.account_id == account_id and line.quantity},
            client_order_id=client_order_id_of(block_id, number),
            claim=claim,
        )
        for number, (account_id, quantity) in enumerate(outcome.parts.items(), before + 1)
    )


def canceling(block: Block) -> Block:
    """Nothing of the block is sent any more."""
    return block if block.is_canceling else msgspec.structs.replace(block, is_canceling=True, version=block.version + 1)


def _handled(block: Block, numbers: Collection[int]) -> Block:
    parts = tuple(msgspec.structs.replace(part, is_handled=True) if part.number in numbers else part for part in block.parts)
    return msgspec.structs.replace(block, parts=parts, version=block.version + 1)


def _with_more(block: Block, numbers: frozenset[int], count: int, more: tuple[BlockPart, ...]) -> Block:
    """The failed parts are dealt with by further parts; the same object where somebody has done that meanwhile."""
    if frozenset(part.number for part in open_failures(block)) != numbers or len(block.parts) != count:
        return block
    block = _handled(block, numbers)
    return msgspec.structs.replace(block, parts=(*block.parts, *more))


def _cancel_asked(block: Block, numbers: Collection[int]) -> Block:
    if all(part.is_cancel_asked for part in block.parts if part.number in numbers):
        return block
    parts = tuple(msgspec.structs.replace(part, is_cancel_asked=True) if part.number in numbers else part for part in block.parts)
    return msgspec.structs.replace(block, parts=parts, version=block.version + 1)


def _with_problems(block: Block, problems: dict[int, LucyError | None]) -> Block:
    """Parts whose sending was refused before an order was stored."""
    parts = tuple(
        msgspec.structs.replace(part, status=PartStatus.REFUSED, problem=error.code, message=str(error))
        if (error := problems.get(part.number)) is not None and part.order_id is None
        else part
        for part in block.parts
    )
    return block if parts == block.parts else msgspec.structs.replace(block, parts=parts)
