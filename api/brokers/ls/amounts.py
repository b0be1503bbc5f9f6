"""What the executions of an order came to, exact in won. Pure.

LS's lists tell average prices: t0425 in whole won, CSPAQ13700 with two decimals. Between them and the amount stand two facts: Korean prices
move in ticks, and a limit order trades at its limit or better. So often a single amount fits the average, and that is then the amount.
What stays open is settled by LS's totals where only one order of a side is open: they are exact, over all orders of the account. Where
several are, nothing that LS tells can settle them: they get the likeliest amounts that add up to the total.

Choice: prices from 20,000 won on are taken as multiples of 5, the smallest tick there is at such prices (ETFs), below as multiples of 1:
the tick changes at 2,000 won, and no single day moves a price tenfold. Orders that may trade off the grid (midpoint, types that Lucy has
no word for) have multiples of 1. Whether LS rounds or cuts its averages off is not known, so an amount must be the only one under both.
"""

from collections.abc import Iterable, Mapping, Sequence
from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal

from msgspec import Struct

from api.brokers.base import BrokerOrder
from api.brokers.ls.codes import Tr
from api.brokers.ls.envelope import Answer
from api.brokers.ls.fields import count, decimal, decode, order_number
from api.brokers.ls.market_messages import HistoryRow, HistoryTotals
from api.brokers.ls.messages import OrdersTotal
from api.brokers.ls.parse import block
from api.domain.enums import OrderType, Side

_WHOLE, _HUNDREDTH = Decimal(1), Decimal("0.01")
_COARSE_FROM = 20_000
_COARSE_STEP = 5
_OFF_GRID = frozenset({OrderType.MIDPOINT, None})
_LIMITED = frozenset({OrderType.LIMIT, OrderType.CONDITIONAL_LIMIT})


class Average(Struct, frozen=True):
    """An average price as told: rounded or cut off at ``unit`` won."""

    price: Decimal
    unit: Decimal


class Totals(Struct, frozen=True):
    """Won executed by side, over all of the account's orders, and the shares by which to see that they belong to the same moment."""

    amounts: Mapping[Side, int]
    quantities: Mapping[Side, int] | None = None
    quantity: int | None = None


def listed_average(order: BrokerOrder) -> Average:
    """The average that t0425 tells: ``filled_amount`` is the product of it."""
    return Average(Decimal(order.filled_amount // order.cumulative_quantity), _WHOLE)


def possible_amounts(order: BrokerOrder, average: Average) -> range:
    """All amounts in won that the executed quantity may have come to."""
    quantity = order.cumulative_quantity
    step = 1 if order.order_type in _OFF_GRID or average.price < _COARSE_FROM else _COARSE_STEP
    lowest = _ceiling(quantity * (average.price - average.unit / 2))
    beyond = _ceiling(quantity * (average.price + average.unit))  # the first amount whose average, even cut off, would be another
    if order.limit_price is not None and order.order_type in _LIMITED:
        at_limit = quantity * order.limit_price
        if order.side is Side.BUY:
            beyond = min(beyond, at_limit + 1)
        else:
            lowest = max(lowest, at_limit)
    return range(-(-lowest // step) * step, beyond, step)


def only_amount(order: BrokerOrder, average: Average) -> int | None:
    """The amount where only one is possible."""
    found = possible_amounts(order, average)
    return found[0] if len(found) == 1 else None


def likeliest_amounts(orders: Sequence[BrokerOrder], averages: Mapping[str, Average], rest: int | None) -> dict[str, int]:
    """The best guess where several amounts are possible, by order number: those nearest to the averages that add up to ``rest``.

    So what one order has too much another has too little, and the sum over the account is exact. Without ``rest``, or where it cannot be
    met, each gets the amount nearest to its own average.
    """
    possible = {order.order_number: possible_amounts(order, averages[order.order_number]) for order in orders}
    wanted = {order.order_number: order.cumulative_quantity * averages[order.order_number].price for order in orders}
    nearest = {number: _nearest(amounts, wanted[number]) for number, amounts in possible.items()}
    if rest is None:
        return nearest
    chosen = dict(nearest)
    while missing := rest - sum(chosen.values()):
        direction = 1 if missing > 0 else -1
        moves = [
            (-amounts.step, abs(chosen[number] + direction * amounts.step - wanted[number]), number)  # coarse steps before fine ones
            for number, amounts in possible.items()
            if abs(missing - direction * amounts.step) < abs(missing) and chosen[number] + direction * amounts.step in amounts
        ]
        if not moves:
            return nearest
        *_, number = min(moves)
        chosen[number] += direction * possible[number].step
    return chosen


def _nearest(amounts: range, wanted: Decimal) -> int:
    if not amounts:  # a price off the grid that was taken for one on it
        return int(wanted.to_integral_value(ROUND_HALF_UP))
    index = int(((wanted - amounts.start) / amounts.step).to_integral_value(ROUND_HALF_UP))
    return amounts[min(max(index, 0), len(amounts) - 1)]


def listed_totals(total: OrdersTotal) -> Totals | None:
    """The totals of t0425, where it tells them."""
    if total.tmdamt is None or total.tmsamt is None or total.tcheqty is None:
        return None
    tr = Tr.ORDERS
    amounts = {Side.SELL: count(tr, "tmdamt", total.tmdamt), Side.BUY: count(tr, "tmsamt", total.tmsamt)}
    return Totals(amounts, quantity=count(tr, "tcheqty", total.tcheqty))


def from_totals(orders: Iterable[BrokerOrder], averages: Mapping[str, Average], known: Mapping[str, int], totals: Totals) -> dict[str, int]:
    """Amounts of the orders that are the only unknown one of their side, by order number.

    Args:
        orders: All executed orders of the account and day.
        averages: The closest average known of each that is unknown, by order number.
        known: Exact amounts, by order number.
        totals: Taken only where its shares are those of ``orders``, and the rest fits the order's average.
    """
    executed = list(orders)
    found: dict[str, int] = {}
    for side in Side:
        unknown = [order for order in executed if order.side is side and order.order_number not in known]
        rest = unknown_rest(executed, known, totals, side)
        if len(unknown) == 1 and rest is not None and rest in possible_amounts(unknown[0], averages[unknown[0].order_number]):
            found[unknown[0].order_number] = rest
    return found


def unknown_rest(orders: Iterable[BrokerOrder], known: Mapping[str, int], totals: Totals, side: Side) -> int | None:
    """What the unknown orders of a side came to together; None where the totals are of another moment than ``orders``."""
    executed = list(orders)
    of_side = [order for order in executed if order.side is side]
    if totals.quantity is not None and totals.quantity != sum(order.cumulative_quantity for order in executed):
        return None
    if totals.quantities is not None and totals.quantities[side] != sum(order.cumulative_quantity for order in of_side):
        return None
    return totals.amounts[side] - sum(known[order.order_number] for order in of_side if order.order_number in known)


class HistoryPage(Struct, frozen=True):
    """A page of CSPAQ13700: (quantity, price) of the rows of each order number, and the totals of the day."""

    executions: Mapping[str, Sequence[tuple[int, Decimal]]]
    totals: Totals


def history_page(answer: Answer) -> HistoryPage:
    """Read a page of CSPAQ13700."""
    tr = Tr.HISTORY
    totals = decode(tr, block(answer, tr.out_block(2)), HistoryTotals)
    executions: dict[str, list[tuple[int, Decimal]]] = {}
    for row in decode(tr, block(answer, tr.out_block(3)), list[HistoryRow]):
        number = order_number(tr, "OrdNo", row.OrdNo)
        executions.setdefault(number, []).append((count(tr, "ExecQty", row.ExecQty), decimal(tr, "ExecPrc", row.ExecPrc)))
    return HistoryPage(
        executions,
        Totals(
            {
                Side.SELL: count(tr, "SellExecAmt", totals.SellExecAmt),
                Side.BUY: count(tr, "BuyExecAmt", totals.BuyExecAmt),
            },
            {
                Side.SELL: count(tr, "SellExecQty", totals.SellExecQty),
                Side.BUY: count(tr, "BuyExecQty", totals.BuyExecQty),
            },
        ),
    )


def read_history(order: BrokerOrder, rows: Sequence[tuple[int, Decimal]]) -> tuple[int | None, Average | None]:
    """The amount of an order by its rows in CSPAQ13700, or a closer average than t0425's.

    The documents show no row. Both readings are taken: one row an order, with its average price, and one an execution, with its own.

    Returns:
        Amount and None, None and the average, or twice None where the rows tell of another quantity: executed meanwhile.
    """
    told = [(quantity, price) for quantity, price in rows if quantity]
    if sum(quantity for quantity, _ in told) != order.cumulative_quantity:
        return None, None
    if len(told) > 1 and all(price == price.to_integral_value() for _, price in told):
        return int(sum(quantity * price for quantity, price in told)), None
    average = Average(sum((quantity * price for quantity, price in told), Decimal(0)) / order.cumulative_quantity, _HUNDREDTH)
    return only_amount(order, average), average


def _ceiling(value: Decimal) -> int:
    return int(value.to_integral_value(ROUND_CEILING))
