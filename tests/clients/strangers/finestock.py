"""finestock: requests and websockets with TLS; registers for SC0 alone, and reads Korean status texts."""

import asyncio
import queue
from typing import Any

import finestock

from tests.clients.seen import BOUGHT, LOW, LOWER, MARKETABLE, SYMBOL, WAITING, Seen, until

_FLAGS = {"ORDER", "COMPLETE", "MODIFY", "CANCLE"}


def trade(account: dict[str, Any]) -> Seen:
    """The usual calls at a real account; it takes a paper account's answer to a cancel for a failure."""
    return asyncio.run(_trade(account))


async def _trade(account: dict[str, Any]) -> Seen:
    client = finestock.APIFactory.create_api(finestock.APIProvider.LS, mode="live")
    heard: queue.Queue[Any] = queue.Queue()
    client.set_data_queue(heard)
    client.set_oauth_info(account["app_key"], account["app_secret"])
    token = await asyncio.to_thread(client.request_token)
    assert token.token, token.error
    await client.connect()
    receiving = asyncio.create_task(client.run())
    await client.recv_order_status()
    seen = await asyncio.to_thread(_orders, client, heard)
    client.stop()
    await receiving
    return seen


def _orders(client: Any, heard: "queue.Queue[Any]") -> Seen:
    price, balance = client.get_price(SYMBOL).price, client.get_balance()
    bought = client.do_order(SYMBOL, finestock.ORDER_FLAG.BUY, MARKETABLE, BOUGHT).order
    waiting = client.do_order(SYMBOL, finestock.ORDER_FLAG.BUY, LOW, WAITING).order
    changed = client.do_order_modify(waiting.order_num, SYMBOL, LOWER, WAITING)
    assert client.do_order_cancel(changed.order_num, SYMBOL, WAITING) is not None
    refused = client.do_order(SYMBOL, finestock.ORDER_FLAG.BUY, MARKETABLE + 1, 1).error
    day = client.get_order_status(SYMBOL)
    until(lambda: {trade.trade_flag.name for trade in list(heard.queue)} >= _FLAGS, "all kinds of notices")
    fills = [trade for trade in heard.queue if trade.trade_flag is finestock.TRADE_FLAG.COMPLETE]
    return Seen(
        price=int(price),
        cash=balance.deposit,
        positions={row.code: row.qty for row in balance.hold},
        bought=int(bought.order_num),
        changed=int(changed.order_num),
        fills=[(int(fill.order_num), int(fill.trade_qty), int(fill.trade_price)) for fill in fills],
        day={int(row.order_num): row.trade_qty for row in day},
        refused=refused.broker_message,
    )
