"""Orders: place, replace, cancel, read.

The rule of one send (design §4): an order is stored durably before it leaves, it leaves once, and what the answer does not prove stays
open (`unknown`, `pending_cancel`, `pending_replace`) until evidence settles it. A crash between any two lines of `place` leaves a state
from which `reconcile` goes on without a second send.
"""

import asyncio
import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
import structlog
from msgspec import UNSET, Struct, UnsetType

from api.accounts.service import AccountService, BrokerAccount
from api.audit.service import AuditService
from api.auth.principal import Principal
from api.brokers.base import BrokerAdapter
from api.brokers.registry import BrokerRegistry
from api.calendar.service import CalendarService
from api.domain import ledger
from api.domain.enums import Environment, ExecutionType, OrderOrigin, OrderStatus, Permission
from api.domain.order import Change, Order, PendingRequest, Stages
from api.errors import ClientOrderIdReused, LucyError, MarketClosed, NotFound, PossibleDuplicate
from api.kit.clock import Clock, kst_day
from api.market.documents import InstrumentDocument
from api.market.service import MarketService
from api.orders.checks import check_live_trading, check_new_order, check_open, check_replacement
from api.orders.gate import Gate, Look
from api.orders.in_flight import OrdersInFlight
from api.orders.proposals import of_new_order, of_replacement
from api.orders.publishing import OrderPublisher
from api.orders.repository import OrderRepository
from api.orders.schemas import PlaceOrder, ReplaceOrder
from api.orders.sending import NOT_SENT, OrderSender, Outcome, Placed
from api.risk.checking import Claim, RiskChecks
from api.risk.limits import LimitCode

log = structlog.get_logger(__name__)

_CANCELS_AT_ONCE = 8
"""At one account. At three a second, the slowest limit known, the last of them waits less than the deadline of a sending."""


class PartOfBlock(Struct, kw_only=True, frozen=True):
    """What an order is of a block: the block, the funds that it is for, and what says at the last moment whether it may still leave."""

    block_order_id: str
    fund_ids: tuple[str, ...]
    look: Look


class OrderService:
    """All that a client can do with orders."""

    def __init__(
        self,
        *,
        orders: OrderRepository,
        accounts: AccountService,
        market: MarketService,
        calendar: CalendarService,
        brokers: BrokerRegistry,
        publisher: OrderPublisher,
        sender: OrderSender,
        gate: Gate,
        risk: RiskChecks,
        audit: AuditService,
        clock: Clock,
        new_id: Callable[[], str],
        process_id: str,
        is_live_trading_on: bool,
    ) -> None:
        self._orders = orders
        self._accounts = accounts
        self._market = market
        self._calendar = calendar
        self._brokers = brokers
        self._publisher = publisher
        self._sender = sender
        self._gate = gate
        self._risk = risk
        self._audit = audit
        self._clock = clock
        self._new_id = new_id
        self._process_id = process_id
        self._is_live_trading_on = is_live_trading_on
        self._in_flight = OrdersInFlight()

    async def check(self, principal: Principal, request: PlaceOrder, *, fund_ids: Sequence[str] = ()) -> None:
        """Raise what `place` would raise before it stores anything, except for risk limits, which are counted only as an order leaves."""
        account = await self._accounts.require(principal, request.account_id, Permission.TRADE)
        await self._check_request(account, await self._adapter(account), request, self._clock.now())
        await self._gate.require_open(account, request.side, fund_ids)

    async def place(self, principal: Principal, request: PlaceOrder, part: PartOfBlock | None = None) -> Placed:
        """Place one order; the same client_order_id with the same body gives back the stored order.

        Args:
            principal: Who places it.
            request: The order.
            part: What it is of which block, where it is.

        Raises:
            NotFound, Forbidden: Not the caller's account, or not enough permission.
            InvalidRequest: A leaf of it; nothing is stored.
            TradingHalted, ReducingOnly, Uncertain: The trading state forbids it, or cannot be read.
            RiskLimitExceeded, RiskConfirmationRequired: What it exceeds; nothing is stored.
            ClientOrderIdReused: Another body under the same client_order_id.
            TooManyRequests, BrokerProblem: Certainly not sent; the order is stored as ``rejected`` (``not_sent``), if at all, and the same
                request again sends it.
            PartWithdrawn, BlockUnknown: What ``part.look`` says; stored as ``rejected`` (``not_sent``).
        """
        account = await self._accounts.require(principal, request.account_id, Permission.TRADE)
        with self._in_flight.one_more(account.id) as require_room:
            order = self._pending(account, principal, request)
            if part is not None:
                order = msgspec.structs.replace(order, block_order_id=part.block_order_id, fund_ids=part.fund_ids)
            return await self._place(account, request, order, require_room, None if part is None else part.look)

    async def _place(
        self, account: BrokerAccount, request: PlaceOrder, order: Order, require_room: Callable[[], None], look: Look | None
    ) -> Placed:
        self._gate.prepare()
        claim = None
        try:
            require_room()
            adapter = await self._adapter(account)
            order, claim = await self._check_new(account, adapter, order, request)
            stored, is_new = await self._orders.insert_once(order)
        except LucyError:
            # A repeat is answered from the store, even where the market has moved on and would refuse the order now.
            replay = await self._orders.find_by_client_order_id(account.id, order.client_order_id)
            if replay is None:
                raise
            stored, is_new = replay, False
        if is_new and claim is not None:
            return await self._send_claimed(account, adapter, self._stamped(stored), claim, look)
        if claim is not None:
            await self._risk.release(claim, was_sent=False)
        if stored.request_digest != order.request_digest or stored.block_order_id != order.block_order_id:
            raise ClientOrderIdReused(f"{stored.client_order_id} names another order.", order_id=stored.id)
        if stored.status is OrderStatus.REJECTED and stored.reason == NOT_SENT:
            return await self._send_again(account, stored, _codes(request.confirm), look)
        return Placed(stored, Outcome.REPLAYED)

    async def cancel(self, principal: Principal, order_id: str) -> Placed:
        """Cancel all that is open. The order stays ``pending_cancel`` until the exchange confirms; asking again changes nothing."""
        order, account = await self._tradable_order(principal, order_id)
        return await self._cancel(account, order)

    async def _cancel(self, account: BrokerAccount, order: Order) -> Placed:
        if order.status is OrderStatus.PENDING_CANCEL:
            return Placed(order, Outcome.REPLAYED)
        check_open(order)
        adapter = await self._adapter(account)
        order = await self._claim(order, PendingRequest(kind="cancel", requested_at=self._clock.now()))
        return await self._sender.send_cancel(adapter, order)

    async def replace(self, principal: Principal, order_id: str, request: ReplaceOrder) -> Placed:
        """Change quantity (down only) or price. The order stays ``pending_replace`` until the exchange confirms.

        KIS and LS take the quantity down by a partial cancel and change the price by a new order number: with both asked for, the quantity
        goes first, and the price only once that is taken.
        """
        order, account = await self._tradable_order(principal, order_id)
        check_open(order)
        adapter = await self._adapter(account)
        instrument = await self._market.get(order.symbol)
        check_live_trading(account.environment, is_live_trading_on=self._is_live_trading_on)
        check_replacement(order, request, instrument, adapter.capabilities, self._clock.now())
        quantity = request.quantity if request.quantity != order.quantity else None
        price = request.limit_price if request.limit_price != order.limit_price else None
        await self._gate.require_open(account, order.side, order.fund_ids, lowers_quantity=price is None)
        claim = None
        if price is not None:  # a smaller quantity alone takes risk away
            key = f"{order.id}:{self._new_id()}"
            proposal = of_replacement(order, instrument, principal.user_id, key=key, quantity=quantity, limit_price=price)
            claim = await self._risk.claim(proposal, _codes(request.confirm))
            await self._note_confirmed(principal.user_id, order, claim)
        try:
            placed = await self._replace(account, adapter, order, quantity, price)
        except LucyError:  # refused, or certainly not sent: the order goes on as it was
            if claim is not None:
                await self._risk.release(claim, was_sent=False)
            raise
        return placed

    async def _replace(
        self, account: BrokerAccount, adapter: BrokerAdapter, order: Order, quantity: int | None, price: int | None
    ) -> Placed:
        pending = PendingRequest(kind="replace", requested_at=self._clock.now(), quantity=quantity, limit_price=price)
        order = await self._claim(order, pending)
        if quantity is not None:
            less = order.quantity - quantity
            placed = await self._sender.send_less(account, adapter, order, less)
            order = placed.order
            if placed.outcome is Outcome.UNKNOWN or price is None or order.is_terminal:
                return placed
        if price is None:
            return Placed(order, Outcome.DONE)
        return await self._sender.send_price(account, adapter, order, price)

    async def cancel_all(self, principal: Principal, account_id: str | None) -> list[tuple[Order, Placed | LucyError]]:
        """Cancel every open order of one account, or of all that the caller may trade: one result an order, none stops another."""
        if account_id is None:
            account_ids = await self._accounts.visible_account_ids(principal, Permission.TRADE)
        else:
            account_ids = [account_id]
        accounts = {account_id: await self._accounts.require(principal, account_id, Permission.TRADE) for account_id in account_ids}
        return await self._cancel_live(accounts, await self._orders.list_live(list(accounts)))

    async def cancel_at(self, accounts: Sequence[BrokerAccount]) -> list[tuple[Order, Placed | LucyError]]:
        """Cancel every open order at these accounts, for who halts them: no account's permission is asked."""
        by_id = {account.id: account for account in accounts}
        return await self._cancel_live(by_id, await self._orders.list_live(list(by_id)))

    async def cancel_for_fund(self, fund_id: str) -> list[tuple[Order, Placed | LucyError]]:
        """Cancel every open order with shares for this fund, also those of other funds in it: a broker's order is one."""
        live = await self._orders.list_live_for_fund(fund_id)
        accounts = {account.id: account for account in await self._accounts.list_active()}
        return await self._cancel_live(accounts, [order for order in live if order.account_id in accounts])

    async def _cancel_live(self, accounts: Mapping[str, BrokerAccount], live: Sequence[Order]) -> list[tuple[Order, Placed | LucyError]]:
        # A few at a time: hundreds at once would wait for the broker's call limit until their deadline is past.
        room = {account_id: asyncio.Semaphore(_CANCELS_AT_ONCE) for account_id in accounts}

        async def cancel(order: Order) -> Placed | LucyError:
            async with room[order.account_id]:
                try:
                    return await self._cancel(accounts[order.account_id], order)
                except LucyError as error:
                    return error

        return list(zip(live, await asyncio.gather(*map(cancel, live)), strict=True))

    async def get(self, principal: Principal, order_id: str) -> Order:
        """One order; `NotFound` where it does not exist or is another's."""
        account_ids = await self._accounts.visible_account_ids(principal, Permission.VIEW)
        order = await self._orders.find_visible(order_id, account_ids)
        if order is None:
            raise NotFound("There is no such order.")
        return order

    async def list_page(
        self, principal: Principal, query: dict[str, Any], *, account_id: str | None, limit: int, before_id: str | None
    ) -> list[Order]:
        """The caller's orders, newest first; one more than ``limit`` where there are more."""
        if account_id is not None:
            await self._accounts.require(principal, account_id, Permission.VIEW)
            return await self._orders.list_page({"account_id": account_id} | query, limit=limit, before_id=before_id)
        account_ids = await self._accounts.visible_account_ids(principal, Permission.VIEW)
        return await self._orders.list_page({"account_id": {"$in": account_ids}} | query, limit=limit, before_id=before_id)

    async def list_live(self, principal: Principal) -> list[Order]:
        """The caller's orders with something open or unsettled, oldest first: the snapshot of a new listener."""
        return await self._orders.list_live(await self._accounts.visible_account_ids(principal, Permission.VIEW))

    async def _check_request(self, account: BrokerAccount, adapter: BrokerAdapter, request: PlaceOrder, at: datetime) -> InstrumentDocument:
        """The instrument, if the order can be right at ``at``."""
        instrument = await self._market.tradable(request.symbol)
        is_live_on = self._is_live_trading_on
        check_new_order(request, instrument, adapter.capabilities, account.environment, at, is_live_trading_on=is_live_on)
        # The sandbox keeps its own days.
        if account.environment is not Environment.SANDBOX and not await self._calendar.is_trading_day(day := kst_day(at)):
            raise MarketClosed(f"The exchange is closed on {day}.")
        return instrument

    async def _check_new(self, account: BrokerAccount, adapter: BrokerAdapter, order: Order, request: PlaceOrder) -> tuple[Order, Claim]:
        """The order with what it counts with against its limits, and its claim on them."""
        instrument = await self._check_request(account, adapter, request, order.created_at)
        await self._gate.require_open(account, request.side, order.fund_ids)
        if account.settings.on_possible_duplicate == "refuse" and await self._orders.has_twin_in_flight(order):
            raise PossibleDuplicate("An order of the same account, symbol, side, quantity and price is in flight or unknown.")
        proposal = of_new_order(order, instrument)
        claim = await self._risk.claim(proposal, _codes(request.confirm))
        exceeded = tuple(dict.fromkeys(violation.code.value for violation in claim.exceeded))
        return msgspec.structs.replace(order, risk_amount=proposal.added_amount, confirmed_limits=exceeded), claim

    async def _send_claimed(self, account: BrokerAccount, adapter: BrokerAdapter, order: Order, claim: Claim, look: Look | None) -> Placed:
        """Send an order that is stored and counted; what the broker does not take is given back to the limits."""
        await self._note_confirmed(order.created_by, order, claim)
        try:
            placed = await self._sender.send_new(account, adapter, order, look)
        except LucyError:  # certainly not sent
            await self._risk.release(claim, was_sent=False)
            raise
        if placed.order.status is OrderStatus.REJECTED:
            await self._risk.release(claim, was_sent=True)
        return placed

    async def _note_confirmed(self, user_id: str, order: Order, claim: Claim) -> None:
        if claim.exceeded:
            exceeded = [msgspec.to_builtins(violation) for violation in claim.exceeded]
            await self._audit.record(
                actor=user_id, action="order.risk_confirmed", subject=f"order:{order.id}", before=None, after={"exceeded": exceeded}
            )

    async def _send_again(self, account: BrokerAccount, order: Order, confirmed: frozenset[str], look: Look | None) -> Placed:
        check_live_trading(account.environment, is_live_trading_on=self._is_live_trading_on)
        await self._gate.require_open(account, order.side, order.fund_ids)
        adapter = await self._adapter(account)
        instrument = await self._market.tradable(order.symbol)
        claim = await self._risk.claim(of_new_order(order, instrument), confirmed)
        revived = ledger.revived(order, self._clock.now(), self._process_id)
        if not await self._orders.replace_if_unchanged(order, revived):  # another repeat sends it, under the same claim
            return Placed(await self._orders.get(order.id), Outcome.REPLAYED)
        return await self._send_claimed(account, adapter, revived, claim, look)

    async def _claim(self, order: Order, request: PendingRequest) -> Order:
        """Note the request durably before it is sent; refused where the order changed meanwhile and is not open any more."""

        def rule(current: Order) -> Order:
            check_open(current)
            return ledger.request_pending(current, self._clock.now(), request)

        order = await self._orders.change(order, rule)
        self._publisher.publish_soon(order)
        return order

    async def _tradable_order(self, principal: Principal, order_id: str) -> tuple[Order, BrokerAccount]:
        order = await self.get(principal, order_id)
        return order, await self._accounts.require(principal, order.account_id, Permission.TRADE)

    async def _adapter(self, account: BrokerAccount) -> BrokerAdapter:
        return self._brokers.adapter(await self._accounts.credentials(account))

    def _stamped(self, order: Order) -> Order:
        stages = msgspec.structs.replace(order.stages, stored_at=self._clock.now())
        return msgspec.structs.replace(order, stages=stages)

    def _pending(self, account: BrokerAccount, principal: Principal, request: PlaceOrder) -> Order:
        now = self._clock.now()
        order_id = self._new_id()
        first = Change(
            version=1,
            at=now,
            execution_type=ExecutionType.PENDING_NEW,
            status=OrderStatus.PENDING_NEW,
            quantity=request.quantity,
            limit_price=request.limit_price,
            cumulative_quantity=0,
            filled_amount=0,
            broker_code="",
            broker_message="",
            reason="",
        )
        return Order(
            id=order_id,
            client_order_id=request.client_order_id or order_id,
            account_id=account.id,
            broker=account.broker,
            symbol=request.symbol,
            exchange=request.exchange,
            side=request.side,
            order_type=request.order_type,
            time_in_force=request.time_in_force,
            quantity=request.quantity,
            limit_price=request.limit_price,
            status=OrderStatus.PENDING_NEW,
            trading_day=kst_day(now).isoformat(),
            origin=OrderOrigin.API,
            created_by=principal.user_id,
            created_at=now,
            updated_at=now,
            stages=Stages(received_at=now),
            request_digest=_digest(request),
            fingerprint=fingerprint(account.id, request.symbol, request.side, request.quantity, request.limit_price),
            sender=self._process_id,
            history=(first,),
        )


def fingerprint(account_id: str, symbol: str, side: str, quantity: int, limit_price: int | None) -> str:
    """What twins share: account, symbol, side, quantity and price."""
    return f"{account_id}|{symbol}|{side}|{quantity}|{limit_price or 0}"


def _digest(request: PlaceOrder) -> str:
    plain = msgspec.structs.replace(request, client_order_id=None, confirm=UNSET)  # with or without a confirmation it is the same order
    return hashlib.sha256(msgspec.json.encode(plain)).hexdigest()


def _codes(confirm: list[LimitCode] | UnsetType) -> frozenset[str]:
    return frozenset() if confirm is UNSET else frozenset(code.value for code in confirm)
