"""The gate: everything that would send something new to a broker passes here, called by `sending` alone, right before the adapter.

Cancels do not: they only take risk away, and must work while trading is halted.

``reducing`` lets an order leave only if it makes the account's position of its symbol smaller. At a cash account that is a sale of what is
held and not offered for sale yet. What is held is the broker's word, asked at that moment; from it goes what Lucy knows of and the broker
may not have counted yet: sales that are being sent or whose outcome is unknown. Two sales at once that together exceed the position may
both be refused, never both pass. Lowering an order's quantity is let through, whatever its side.
"""

from collections.abc import Awaitable, Callable, Sequence

import structlog
from pymongo.errors import PyMongoError

from api.accounts.service import BrokerAccount
from api.brokers.base import BrokerAdapter
from api.brokers.errors import BrokerError
from api.domain.enums import OrderStatus, Side, TradingState
from api.domain.order import Order
from api.errors import LucyError, PositionUnknown, ReducingOnly, TradingHalted
from api.orders.repository import OrderRepository
from api.risk.states import TradingStates, is_stricter, levels_of

log = structlog.get_logger(__name__)

Look = Callable[[], Awaitable[None]]

_WHERE = {
    "global": "Trading",
    "broker": "Trading at this broker",
    "account": "Trading at this account",
    "fund": "Trading for a fund of this order",
}
_NOT_AT_BROKER = (OrderStatus.PENDING_NEW, OrderStatus.UNKNOWN)


class Gate:
    """Decides what may leave, by the trading states of all levels."""

    def __init__(self, states: TradingStates, orders: OrderRepository) -> None:
        self._states = states
        self._orders = orders

    def prepare(self) -> None:
        """Something will soon want to pass: see that the states will be at hand."""
        self._states.prefetch()

    async def require_open(
        self, account: BrokerAccount, side: Side, fund_ids: Sequence[str] = (), *, lowers_quantity: bool = False
    ) -> None:
        """Refuse what certainly cannot pass now, before anything is stored of it. Passing here lets nothing out.

        Raises:
            TradingHalted, ReducingOnly: The trading state forbids it.
            TradingStateUnknown: It cannot be read.
        """
        await self._admit_state(levels_of(account.broker, account.id, fund_ids), side, lowers_quantity=lowers_quantity)

    async def admit_new(self, account: BrokerAccount, adapter: BrokerAdapter, order: Order) -> Look:
        """Let a new order pass, or raise.

        Returns:
            What looks a last time, after all waiting: it raises where a stricter state holds by then.

        Raises:
            TradingHalted, ReducingOnly: The trading state forbids it.
            TradingStateUnknown, PositionUnknown: What decides it cannot be read.
        """
        levels = levels_of(account.broker, account.id, order.fund_ids)
        state = await self._admit_state(levels, order.side, lowers_quantity=False)
        if state is TradingState.REDUCING:
            await self._require_reducing(adapter, order)
        return self._last_look(levels, state)

    async def admit_change(self, account: BrokerAccount, order: Order, *, lowers_quantity: bool) -> Look:
        """Let a replacement pass, or raise; as `admit_new`. A sale keeps its shares, so a new price of it needs no look at the position."""
        levels = levels_of(account.broker, account.id, order.fund_ids)
        return self._last_look(levels, await self._admit_state(levels, order.side, lowers_quantity=lowers_quantity))

    async def _admit_state(self, levels: Sequence[str], side: Side, *, lowers_quantity: bool) -> TradingState:
        state, level = (await self._states.known()).strictest(levels)
        if state is TradingState.HALTED:
            raise _refusal(state, level)
        if state is TradingState.REDUCING and side is not Side.SELL and not lowers_quantity:
            raise _refusal(state, level)
        return state

    def _last_look(self, levels: Sequence[str], admitted: TradingState) -> Look:
        async def look() -> None:
            state, level = (await self._states.known()).strictest(levels)
            if is_stricter(state, admitted):
                raise _refusal(state, level)

        return look

    async def _require_reducing(self, adapter: BrokerAdapter, order: Order) -> None:
        try:
            positions = await adapter.list_positions()
            others = [
                other
                for other in await self._orders.list_live([order.account_id])
                if other.symbol == order.symbol and other.side is Side.SELL and other.id != order.id
            ]
        except (BrokerError, PyMongoError) as error:
            log.warning("position_not_read", order_id=order.id, problem=str(error))
            raise PositionUnknown("What is held cannot be read, so nothing is sent.", outcome="none") from error
        held = [position for position in positions if position.symbol == order.symbol]
        sellable = sum(position.sellable_quantity for position in held)
        sellable -= sum(other.leaves_quantity for other in others if other.status in _NOT_AT_BROKER)
        unsold = sum(position.quantity for position in held) - sum(other.leaves_quantity for other in others)
        most = max(0, min(sellable, unsold))
        if order.quantity > most:
            raise ReducingOnly(
                f"Only orders that reduce a position are taken; of {order.symbol} {most} shares can be sold.", outcome="none"
            )


def _refusal(state: TradingState, level: str) -> LucyError:
    where = _WHERE[level.partition(":")[0]]
    if state is TradingState.HALTED:
        return TradingHalted(f"{where} is halted.", outcome="none")
    return ReducingOnly(f"{where} is reducing: only orders that make a position smaller are taken.", outcome="none")
