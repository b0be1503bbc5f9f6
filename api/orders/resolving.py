"""Orders of unknown outcome before a person: what was looked for, what it could be, and the person's word on it.

The reconciler settles nearly all of them by itself. What is left for a person are broker orders that resemble the unknown one and do not
fit it, and orders that nobody wants to wait for.
"""

from collections.abc import Callable
from datetime import date, datetime

import structlog
from msgspec import Struct

from api.accounts.service import AccountService, BrokerAccount
from api.audit.service import AuditService
from api.auth.principal import Principal
from api.brokers.base import BrokerOrder, BrokerOrderKind
from api.brokers.registry import BrokerRegistry
from api.domain import ledger
from api.domain.enums import OrderStatus, Permission
from api.domain.order import Order
from api.errors import Conflict, NotFound
from api.kit.clock import Clock
from api.orders.publishing import OrderPublisher
from api.orders.reconciliation import adopt, claim_chains, shape_of_order, shape_of_row
from api.orders.repository import Check, OrderRepository

log = structlog.get_logger(__name__)

_Rule = Callable[[datetime, Order], Order]
_WAITING = (OrderStatus.UNKNOWN, OrderStatus.PENDING_NEW)


class Evidence(Struct, frozen=True):
    """What is known of an unknown order.

    Attributes:
        check: The readings of the broker's list that did not show it.
        candidates: Broker orders of the same symbol and side that no order of Lucy's claims.
    """

    order: Order
    check: Check
    candidates: list[BrokerOrder]


class OrderResolver:
    """Shows the evidence and carries out what a person decides."""

    def __init__(
        self,
        *,
        orders: OrderRepository,
        accounts: AccountService,
        brokers: BrokerRegistry,
        publisher: OrderPublisher,
        audit: AuditService,
        clock: Clock,
    ) -> None:
        self._orders = orders
        self._accounts = accounts
        self._brokers = brokers
        self._publisher = publisher
        self._audit = audit
        self._clock = clock

    async def evidence(self, principal: Principal, order_id: str) -> Evidence:
        """What was checked, and what the broker's list has now that the order could be.

        Raises:
            NotFound: Not the caller's order.
            Conflict: Its outcome is not unknown.
            BrokerError: The list cannot be read now.
        """
        order, account = await self._unknown(principal, order_id, Permission.VIEW)
        candidates, _ = await self._look(account, order)
        return Evidence(order, await self._orders.find_check(order.id), candidates)

    async def adopt(self, principal: Principal, order_id: str, order_number: str, note: str) -> Order:
        """The order is the broker's ``order_number``; its fills follow with the next reconciliation.

        Raises:
            Conflict: It is settled already, the number is none of the candidates, or another open order fits it better.
        """
        order, account = await self._unknown(principal, order_id, Permission.TRADE)
        candidates, others = await self._look(account, order)
        row = next((row for row in candidates if row.order_number == order_number), None)
        if row is None:
            raise Conflict(f"{order_number} is no order at the broker that this one could be.", order_id=order.id)
        if any(shape_of_order(other) == shape_of_row(row) for other in others):
            raise Conflict("Another order that waits for its outcome fits that number; Lucy settles both by herself.", order_id=order.id)
        if not await self._orders.claim_number(order, order_number, self._clock.now()):
            raise Conflict(f"Another order is {order_number}, or is just being found to be.", order_id=order.id)
        return await self._settle(principal, order, {"adopt": order_number, "note": note}, lambda now, current: adopt(current, row, now))

    async def declare_not_placed(self, principal: Principal, order_id: str, note: str, *, is_forced: bool) -> Order:
        """The order never arrived. Should the broker show it later after all, an alert says so and it is taken up again, never lost.

        Args:
            principal: May trade at the account; with ``is_forced``, may manage it.
            order_id: The order.
            note: Why; for the audit log.
            is_forced: Declare it although the broker has an order just like it, or cannot be asked.

        Raises:
            Forbidden: Less permission than that.
            Conflict: It is settled already, or the broker has an order just like it.
            BrokerError: The list cannot be read now.
        """
        order, account = await self._unknown(principal, order_id, Permission.MANAGE if is_forced else Permission.TRADE)
        if not is_forced:
            candidates, _ = await self._look(account, order)
            if any(shape_of_row(row) == shape_of_order(order) for row in candidates):
                raise Conflict("The broker has an order just like it that nothing claims: adopt it, or wait.", order_id=order.id)
        decision = {"declare": "not_placed", "note": note} | ({"force": "true"} if is_forced else {})
        return await self._settle(
            principal, order, decision, lambda now, current: ledger.rejected(current, now, "", "", ledger.DECLARED_NOT_PLACED)
        )

    async def _unknown(self, principal: Principal, order_id: str, permission: Permission) -> tuple[Order, BrokerAccount]:
        account_ids = await self._accounts.visible_account_ids(principal, Permission.VIEW)
        order = await self._orders.find_visible(order_id, account_ids)
        if order is None:
            raise NotFound("There is no such order.")
        account = await self._accounts.require(principal, order.account_id, permission)
        _require_unknown(order)
        return order, account

    async def _look(self, account: BrokerAccount, order: Order) -> tuple[list[BrokerOrder], list[Order]]:
        """What the order could be, and the account's other orders that wait for their outcome."""
        adapter = self._brokers.adapter(await self._accounts.credentials(account))
        rows = await adapter.list_orders(date.fromisoformat(order.trading_day))
        # read after the list, as the reconciler does: an order placed in between is never taken for somebody else's
        orders = await self._orders.list_of_day(account.id, order.trading_day)
        claimed = {row.order_number for chain in claim_chains(orders, rows).values() for row in chain}
        candidates = [
            row
            for row in rows
            if row.kind is BrokerOrderKind.NEW and row.order_number not in claimed and (row.symbol, row.side) == (order.symbol, order.side)
        ]
        return candidates, [other for other in orders if other.id != order.id and other.status in _WAITING and not other.broker_order_ids]

    async def _settle(
        self, principal: Principal, order: Order, decision: dict[str, str], rule: Callable[[datetime, Order], Order]
    ) -> Order:
        def change(current: Order) -> Order:
            _require_unknown(current)
            return rule(self._clock.now(), current)

        after = await self._orders.change(order, change)
        self._publisher.publish_soon(after)
        log.warning("order_resolved_by_hand", order_id=order.id, **decision)
        await self._audit.record(
            actor=principal.user_id,
            action="order.resolve",
            subject=f"order:{order.id}",
            before={"status": order.status.value},
            after=decision | {"status": after.status.value},
        )
        return after


def _require_unknown(order: Order) -> None:
    if order.status is not OrderStatus.UNKNOWN or order.broker_order_ids:
        raise Conflict(f"The order is {order.status}, not unknown: there is nothing to resolve.", order_id=order.id)
