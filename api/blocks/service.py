"""Block orders: preview, place, cancel, replace, and following their orders.

What is decided is stored before the first order leaves: the split with its inputs and its digest, and every part with the client order id
that it will be sent under. So a repeat of the request, or a crash between two sendings, never doubles a part: `place` of the same request
sends what certainly never left, where the plan keeps the rest of a refused block. What became of the block is computed from its orders
whenever one of them changes, before that change is marked as published, so that a crash in between has it computed again (`blocks.work`).
"""

import asyncio
import hashlib
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any

import msgspec
from msgspec import UNSET

from api.accounts.service import AccountService, BrokerAccount
from api.audit.service import AuditService
from api.auth.principal import Principal
from api.blocks.block import Block, BlockLine, BlockStatus, PartStatus
from api.blocks.facts import FactReader, Facts, Prices, prices_of
from api.blocks.report import AllocationReport, report_of
from api.blocks.repository import BlockRepository
from api.blocks.schemas import (
    BlockPreview,
    BlockReduction,
    PlaceBlock,
    PreviewLine,
    PreviewPart,
    ReplaceBlock,
)
from api.blocks.work import BlockWorker, canceling, funds_of, order_of, parts_of
from api.domain.allocation.methods import InvalidPlan, Method, cost
from api.domain.allocation.split import Split, Task, digest, split
from api.domain.enums import Permission, Side
from api.errors import BlockDoesNotFit, ClientOrderIdReused, Conflict, InvalidRequest, LucyError, NotFound, OrderNotOpen
from api.funds.documents import FundDocument
from api.funds.service import FundService
from api.kit.clock import Clock, kst_day
from api.market.service import MarketService
from api.orders.schemas import ReplaceOrder
from api.orders.service import OrderService
from api.plans.documents import PlanDocument
from api.plans.service import PlanService

_MOST_OF_A_DAY = 5_000
_MOST_TRIES = 20


class Reckoned(msgspec.Struct, kw_only=True, frozen=True):
    """A split with all that it was computed from."""

    plan: PlanDocument
    prices: Prices
    task: Task
    facts: Facts
    outcome: Split
    digest: str


class BlockService:
    """All that a client can do with block orders."""

    def __init__(
        self,
        *,
        blocks: BlockRepository,
        plans: PlanService,
        funds: FundService,
        accounts: AccountService,
        facts: FactReader,
        market: MarketService,
        orders: OrderService,
        worker: BlockWorker,
        audit: AuditService,
        clock: Clock,
        new_id: Callable[[], str],
    ) -> None:
        self._blocks = blocks
        self._plans = plans
        self._funds = funds
        self._accounts = accounts
        self._facts = facts
        self._market = market
        self._orders = orders
        self._worker = worker
        self._audit = audit
        self._clock = clock
        self._new_id = new_id

    # -- what a client asks

    async def preview(self, principal: Principal, request: PlaceBlock) -> BlockPreview:
        """What the block would do now; nothing is stored or sent. Raises as `place` does, but for what does not fit: that is shown."""
        plan = await self._plans.require(principal, request.plan_id, Permission.VIEW)
        found = await self._reckon(principal, plan, request, "preview", Permission.VIEW)
        price, fee_rate = found.prices.price, found.task.fee_rate

        def fee(quantity: int) -> int:
            return cost(quantity, price, fee_rate) - quantity * price if request.side is Side.BUY else 0

        lines = [
            PreviewLine(
                line_id=line.line_id,
                fund_id=line.fund_id,
                account_id=line.account_id,
                ideal=str(line.ideal),
                quantity=line.quantity,
                amount=line.quantity * price,
                fee=fee(line.quantity),
            )
            for line in found.outcome.lines
        ]
        total = found.outcome.quantity
        return BlockPreview(
            price=price,
            cash_price=found.prices.cash_price,
            wanted=found.outcome.wanted,
            quantity=total,
            amount=total * price,
            fee=sum(line.fee for line in lines),
            cash_needed=sum(cost(quantity, found.prices.cash_price, fee_rate) for quantity in found.outcome.parts.values())
            if request.side is Side.BUY
            else 0,
            is_rejected=found.outcome.is_rejected,
            lines=lines,
            parts=[PreviewPart(account_id=account, quantity=part, amount=part * price) for account, part in found.outcome.parts.items()],
            reductions=[BlockReduction(**msgspec.structs.asdict(reduction)) for reduction in found.outcome.reductions],
            digest=found.digest,
        )

    async def place(self, principal: Principal, request: PlaceBlock) -> tuple[Block, bool]:
        """Place a block; the same client_order_id with the same body goes on where it stopped, and doubles nothing.

        Returns:
            The block after its parts were sent, and whether it is new.

        Raises:
            NotFound, Forbidden: A plan, fund or account that is not the caller's to trade for.
            InvalidRequest: The plan cannot divide this, or an order of it could not be placed; nothing is stored.
            BlockDoesNotFit: Something does not fit, and the plan wants all or nothing; or nothing fits at all.
            ClientOrderIdReused: Another body under the same client_order_id.
        """
        if request.client_order_id is not None:
            stored = await self._blocks.find_by_client_order_id(principal.user_id, request.client_order_id)
            if stored is not None:
                return await self._go_on(principal, request, stored), False
        plan = await self._plans.require(principal, request.plan_id, Permission.TRADE)
        block_id = self._new_id()
        for _ in range(_MOST_TRIES):
            counts = await self._blocks.counts_of_funds([line.fund_id for line in plan.lines])
            stored, is_new = await self._try_to_place(principal, plan, request, block_id, counts)
            if stored is not None and is_new:
                return await self._worker.work(principal, stored, stored.parts[0].claim), True
            if stored is not None:
                return await self._go_on(principal, request, stored), False
        raise Conflict("Other blocks of the same funds are being placed. Try again in a moment.")

    async def _try_to_place(
        self, principal: Principal, plan: PlanDocument, request: PlaceBlock, block_id: str, counts: Mapping[str, int]
    ) -> tuple[Block | None, bool]:
        """Reckon and store; None where another block took of the same funds' money meanwhile."""
        found = await self._reckon(principal, plan, request, block_id, Permission.TRADE)
        if found.outcome.quantity == 0:
            listed = [msgspec.to_builtins(reduction) for reduction in found.outcome.reductions]
            raise BlockDoesNotFit("What does not fit is listed; nothing was sent.", reductions=listed, outcome="none")
        block = self._new_block(principal, block_id, request, found)
        for part in block.parts:  # before anything is stored: what no broker would take
            await self._orders.check(principal, order_of(block, part), fund_ids=funds_of(block, part))
        stored, is_new = await self._blocks.insert_once(block, counts)
        if stored is None or not is_new:
            return stored, False
        await self._audit.record(
            actor=principal.user_id,
            action="block.place",
            subject=f"block:{block.id}",
            before=None,
            after={
                "plan_id": plan.id,
                "symbol": block.symbol,
                "side": block.side.value,
                "quantity": block.quantity,
                "digest": block.digest,
            },
        )
        return stored, True

    async def cancel(self, principal: Principal, block_id: str) -> Block:
        """Cancel all that is open; parts that were not sent never are."""
        block = await self._require(principal, block_id, Permission.TRADE)
        if block.is_open and not block.is_canceling:
            block = await self._blocks.change(block, canceling)
            await self._audit.record(
                actor=principal.user_id, action="block.cancel", subject=f"block:{block.id}", before=None, after={"is_canceling": True}
            )
        return await self._worker.cancel_parts(principal, block)

    async def replace(self, principal: Principal, block_id: str, request: ReplaceBlock) -> Block:
        """A new price for every open part; raises the first refusal where no part took it."""
        block = await self._require(principal, block_id, Permission.TRADE)
        change = ReplaceOrder(limit_price=request.limit_price)
        if any(part.status is PartStatus.SENDING for part in block.parts):
            raise Conflict("Parts of the block are being sent. Try again in a moment.")
        live = [part.order_id for part in block.parts if part.order_id is not None and part.is_live]

        async def replace(order_id: str) -> LucyError | None:
            try:
                await self._orders.replace(principal, order_id, change)
            except LucyError as error:
                return error
            return None

        errors = await asyncio.gather(*map(replace, live))
        if not live:
            raise OrderNotOpen("Nothing of the block is open.")
        if (first := errors[0]) is not None and all(errors):
            raise first
        return await self._worker.refresh(await self._blocks.change(block, lambda current: _repriced(current, request.limit_price)))

    async def get(self, principal: Principal, block_id: str) -> Block:
        """One block, as its orders are now; `NotFound` unless the caller may see all its funds and accounts."""
        return await self._worker.refresh(await self._require(principal, block_id, Permission.VIEW))

    async def list_page(
        self, principal: Principal, *, fund_id: str | None, day: str | None, limit: int, before_id: str | None
    ) -> list[Block]:
        """The blocks that the caller may see, newest first; one more than ``limit`` where there are more."""
        funds = {fund.id for fund in await self._funds.list_visible(principal)}
        accounts = set(await self._accounts.visible_account_ids(principal, Permission.VIEW))
        query: dict[str, Any] = {"lines.fund_id": {"$in": list(funds)}}
        if fund_id is not None:
            await self._funds.require(principal, fund_id, Permission.VIEW)
            query = {"lines.fund_id": fund_id}
        if day is not None:
            query["trading_day"] = day
        found: list[Block] = []
        while len(found) <= limit:
            page = await self._blocks.list_page(query, limit=limit + 1, before_id=before_id)
            found += [block for block in page if all(line.fund_id in funds and line.account_id in accounts for line in block.lines)]
            if len(page) <= limit:
                break
            before_id = page[-1].id
        return [await self._worker.refresh(block) if block.is_open else block for block in found[: limit + 1]]

    async def report(self, principal: Principal, *, block_id: str | None, day: str | None) -> AllocationReport:
        """The allocation report of one block, or of all that the caller may see of a KST day."""
        if block_id is not None:
            blocks = [await self.get(principal, block_id)]
        else:
            blocks = await self.list_page(principal, fund_id=None, day=day, limit=_MOST_OF_A_DAY, before_id=None)
        funds = {fund.id: fund.name for fund in await self._funds.list_visible(principal)}
        accounts = {account.id: account.name for account in await self._accounts.list_active()}
        symbols = {symbol: (await self._market.get(symbol)).name for symbol in {block.symbol for block in blocks}}
        return report_of(blocks[::-1], funds, accounts, symbols)

    # -- reckoning

    async def _go_on(self, principal: Principal, request: PlaceBlock, stored: Block) -> Block:
        if stored.request_digest != _digest(request):
            raise ClientOrderIdReused(f"{stored.client_order_id} names another block.", order_id=stored.id)
        await self._parties(principal, stored.lines, Permission.TRADE)
        return await self._worker.work_again(principal, stored)

    async def _reckon(
        self, principal: Principal, plan: PlanDocument, request: PlaceBlock, block_id: str, permission: Permission
    ) -> Reckoned:
        instrument = await self._market.tradable(request.symbol)
        prices = prices_of(instrument, request.limit_price, kst_day(self._clock.now()).isoformat())
        funds, accounts = await self._parties(principal, plan.lines, permission)
        facts = await self._facts.read(plan.lines, funds, accounts, request.symbol, request.side, request.limit_price)
        task = Task(
            block_id=block_id,
            method=Method(plan.method),
            side=request.side,
            quantity=request.quantity,
            amount=request.amount,
            price=prices.price,
            cash_price=prices.cash_price,
            fee_rate=Fraction(plan.fee_rate),
            unit=instrument.lot_size,
            on_shortfall="reject" if plan.on_shortfall == "reject" else "reduce",
        )
        try:
            outcome = split(task, facts.lines, facts.capacities)
        except InvalidPlan as error:
            raise InvalidRequest(str(error)) from error
        return Reckoned(
            plan=plan,
            prices=prices,
            task=task,
            facts=facts,
            outcome=outcome,
            digest=digest(msgspec.structs.replace(task, block_id=""), facts.lines, facts.capacities, outcome),
        )

    async def _parties(
        self, principal: Principal, lines: Sequence[Any], permission: Permission
    ) -> tuple[dict[str, FundDocument], dict[str, BrokerAccount]]:
        funds = {
            fund_id: await self._funds.require(principal, fund_id, permission) for fund_id in dict.fromkeys(line.fund_id for line in lines)
        }
        accounts = {
            account_id: await self._accounts.require(principal, account_id, permission)
            for account_id in dict.fromkeys(line.account_id for line in lines)
        }
        return funds, accounts

    async def _require(self, principal: Principal, block_id: str, permission: Permission) -> Block:
        block = await self._blocks.find(block_id)
        if block is None:
            raise NotFound("There is no such block.")
        try:
            await self._require_rights(principal, block, Permission.VIEW)
        except NotFound as error:
            raise NotFound("There is no such block.") from error
        await self._require_rights(principal, block, permission)
        return block

    async def _require_rights(self, principal: Principal, block: Block, permission: Permission) -> None:
        await self._parties(principal, block.lines, permission)

    def _new_block(self, principal: Principal, block_id: str, request: PlaceBlock, found: Reckoned) -> Block:
        now = self._clock.now()
        inputs = {"task": found.task, "lines": found.facts.lines, "capacities": found.facts.capacities}
        return Block(
            id=block_id,
            client_order_id=request.client_order_id or block_id,
            plan={
                "id": found.plan.id,
                "name": found.plan.name,
                "method": found.plan.method,
                "on_shortfall": found.plan.on_shortfall,
                "on_rejection": found.plan.on_rejection,
                "fee_rate": found.plan.fee_rate,
            },
            symbol=request.symbol,
            exchange=request.exchange,
            side=request.side,
            order_type=request.order_type,
            time_in_force=request.time_in_force,
            limit_price=request.limit_price,
            cash_price=found.prices.cash_price,
            wanted=found.outcome.wanted,
            quantity=found.outcome.quantity,
            lines=tuple(
                BlockLine(
                    id=share.line_id,
                    fund_id=share.fund_id,
                    account_id=share.account_id,
                    ideal=str(share.ideal),
                    planned_quantity=share.quantity,
                    open_quantity=share.quantity,
                    reserved_amount=cost(share.quantity, found.prices.cash_price, found.task.fee_rate) if request.side is Side.BUY else 0,
                )
                for share in found.outcome.lines
            ),
            parts=parts_of(block_id, found.outcome, 0, self._worker.new_claim()),
            reductions=found.outcome.reductions,
            inputs=msgspec.json.encode(inputs, enc_hook=str, order="sorted").decode(),
            digest=found.digest,
            confirm=() if request.confirm is UNSET else tuple(code.value for code in request.confirm),
            request_digest=_digest(request),
            status=BlockStatus.WORKING,
            trading_day=kst_day(now).isoformat(),
            created_by=principal.user_id,
            created_at=now,
            updated_at=now,
        )


def _repriced(block: Block, limit_price: int) -> Block:
    if block.limit_price == limit_price:
        return block
    cash_price = max(block.cash_price, limit_price)
    return msgspec.structs.replace(block, limit_price=limit_price, cash_price=cash_price, version=block.version + 1)


def _digest(request: PlaceBlock) -> str:
    plain = msgspec.structs.replace(request, client_order_id=None, confirm=UNSET)
    return hashlib.sha256(msgspec.json.encode(plain)).hexdigest()
