"""The ground truth as rows: what the control API shows of orders, executions, accounts and the market."""

from __future__ import annotations

from typing import Any

from .exchange import Exchange
from .model import Account, Execution, Order


def order_row(order: Order) -> dict[str, Any]:
    """One order number, as the market sees it now."""
    return {
        "broker": order.broker,
        "account_number": order.account.number,
        "order_number": order.order_number,
        "original_order_number": order.original.order_number if order.original is not None else None,
        "kind": order.kind,
        "symbol": order.instrument.symbol,
        "side": order.side,
        "order_type": order.order_type,
        "condition": order.condition,
        "venue": order.venue,
        "quantity": order.quantity,
        "price": order.price,
        "executed_quantity": order.executed_quantity,
        "executed_amount": order.executed_amount,
        "canceled_quantity": order.canceled_quantity,
        "replaced_quantity": order.replaced_quantity,
        "rejected_quantity": order.rejected_quantity,
        "leaves_quantity": order.leaves,
        "state": order.state,
        "is_external": order.is_external,
        "received_at": order.received_at,
    }


def execution_row(order: Order, execution: Execution) -> dict[str, Any]:
    """One trade."""
    return {
        "broker": order.broker,
        "account_number": order.account.number,
        "order_number": order.order_number,
        "symbol": order.instrument.symbol,
        "side": order.side,
        "execution_number": execution.number,
        "index": execution.index,
        "quantity": execution.quantity,
        "price": execution.price,
        "at": execution.at,
        "is_busted": execution.is_busted,
    }


def account_row(exchange: Exchange, account: Account) -> dict[str, Any]:
    """An account with its credentials: this is a sandbox."""
    return {
        "broker": account.broker,
        "environment": account.environment,
        "account_number": account.number,
        "app_key": account.app_key,
        "app_secret": account.app_secret,
        "hts_id": account.hts_id,
        "name": account.name,
        "cash": account.deposit,
        "settled_cash": account.settled_cash,
        "reserved_cash": account.reserved,
        "buying_power": account.buying_power,
        "holdings_value": exchange.value_of(account),
        "positions": {p.symbol: p.quantity for p in account.positions.values() if p.quantity},
        "sellable": {p.symbol: p.sellable for p in account.positions.values() if p.quantity},
    }


def market_row(exchange: Exchange, symbol: str, *, with_book: bool = False) -> dict[str, Any]:
    """A name's price, limits and, if wanted, order book."""
    instrument, tape, book = exchange.instruments[symbol], exchange.tapes[symbol], exchange.books[symbol]
    row: dict[str, Any] = {
        "symbol": symbol,
        "isin": instrument.isin,
        "name": instrument.name,
        "english_name": instrument.english_name,
        "market": instrument.market,
        "kind": instrument.kind,
        "price": book.anchor,
        "last_price": tape.last,
        "reference_price": instrument.reference_price,
        "lower_limit": instrument.lower_limit,
        "upper_limit": instrument.upper_limit,
        "tick": instrument.tick(book.anchor),
        "volume": tape.volume,
        "halted": symbol in exchange.halted,
    }
    if with_book:
        asks, bids = book.levels()
        row |= {"asks": asks, "bids": bids}
    return row
