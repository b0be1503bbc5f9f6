"""Money and holdings: what an order ties up, what a trade moves. All in KRW won, integers.

The rates are the sandbox's own choice (neither broker publishes them in its API): commission 0.015 % of the amount on both sides,
transaction tax 0.20 % on sales of stocks, none on ETFs; each rounded down per execution.
"""

from __future__ import annotations

from .model import Account, Execution, Order, RejectReason, Side

_COMMISSION_PER_100_000 = 15
_TAX_PER_100_000 = 200


def commission(amount: int) -> int:
    """수수료 on an amount."""
    return amount * _COMMISSION_PER_100_000 // 100_000


def trade_cost(side: Side, amount: int, *, is_etf: bool) -> int:
    """제비용 (commission and tax) of one execution."""
    tax = amount * _TAX_PER_100_000 // 100_000 if side is Side.SELL and not is_etf else 0
    return commission(amount) + tax


def cost_of_buying(price: int, quantity: int) -> int:
    """What a buy takes from the cash, commission included."""
    amount = price * quantity
    return amount + commission(amount)


def max_buy_quantity(account: Account, price: int) -> int:
    """미수없는매수수량: shares that the account can buy at a price without borrowing."""
    quantity = account.buying_power // price
    while quantity > 0 and cost_of_buying(price, quantity) > account.buying_power:
        quantity -= 1
    return quantity


def check_funds(account: Account, symbol: str, side: Side, price: int, quantity: int, *, released: int = 0) -> RejectReason | None:
    """Whether cash or holdings allow the order; ``released`` is what a replaced order gives back (won or shares)."""
    if side is Side.BUY:
        affordable = account.buying_power + released
        return None if cost_of_buying(price, quantity) <= affordable else RejectReason.INSUFFICIENT_CASH
    held = account.positions.get(symbol)
    if held is None or held.quantity == 0:
        return RejectReason.NO_HOLDINGS
    return None if quantity <= held.sellable + released else RejectReason.INSUFFICIENT_HOLDINGS


def tie_up(order: Order) -> None:
    """Make the account's reservation follow the order's open quantity: call it after each change of the order."""
    account = order.account
    if order.side is Side.BUY:
        wanted = cost_of_buying(order.reserve_price, order.leaves)
        account.reserved += wanted - order.reserved
    else:
        wanted = order.leaves
        account.position(order.instrument.symbol).selling += wanted - order.reserved
    order.reserved = wanted
    account.changes += 1


def apply_trade(order: Order, execution: Execution) -> None:
    """Book an execution to cash and holdings."""
    account, amount = order.account, execution.quantity * execution.price
    position = account.position(order.instrument.symbol)
    if order.side is Side.BUY:
        account.bought_today += amount
        position.quantity += execution.quantity
        position.cost += amount
        position.bought_today += execution.quantity
        position.bought_amount_today += amount
    else:
        account.sold_today += amount
        sold_cost = _share_of_cost(position.cost, execution.quantity, position.quantity)
        position.cost -= sold_cost
        execution.profit = amount - sold_cost - execution.cost
        account.realized_today += execution.profit
        position.quantity -= execution.quantity
        position.sold_today += execution.quantity
        position.sold_amount_today += amount
    account.costs_today += execution.cost
    order.costs += execution.cost


def undo_trade(order: Order, execution: Execution) -> None:
    """Take a busted execution out of cash and holdings; sold shares come back at what they had cost."""
    account, amount = order.account, execution.quantity * execution.price
    position = account.position(order.instrument.symbol)
    if order.side is Side.BUY:
        account.bought_today -= amount
        position.quantity -= execution.quantity
        position.cost = max(0, position.cost - amount)
        position.bought_today -= execution.quantity
        position.bought_amount_today -= amount
    else:
        account.sold_today -= amount
        account.realized_today -= execution.profit
        position.quantity += execution.quantity
        position.cost += amount - execution.cost - execution.profit
        position.sold_today -= execution.quantity
        position.sold_amount_today -= amount
    account.costs_today -= execution.cost
    order.costs -= execution.cost
    account.changes += 1


def _share_of_cost(cost: int, quantity: int, held: int) -> int:
    return cost if quantity >= held else cost * quantity // held
