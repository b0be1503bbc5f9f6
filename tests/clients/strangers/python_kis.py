"""python-kis: requests and websocket-client.

It keeps the approval key for every message, asks for product information before anything else, and opens a second websocket.
"""

import datetime
from typing import Any

import pykis
from pykis.client.exceptions import KisAPIError

from tests.clients.seen import BOUGHT, LOW, LOWER, MARKETABLE, SYMBOL, WAITING, Seen, until

_KST = datetime.timezone(datetime.timedelta(hours=9))


def trade(account: dict[str, Any]) -> Seen:
    """The usual calls at a real account; it cannot change an order at a paper one."""
    number = account["account_number"]
    client = pykis.PyKis(
        id=account["hts_id"],
        account=f"{number[:8]}-{number[8:]}",
        appkey=account["app_key"],
        secretkey=account["app_secret"],
        keep_token=False,
    )
    stock, scope, notices = client.stock(SYMBOL), client.account(), list[Any]()
    ticket = scope.on("execution", lambda _sender, event: notices.append(event.response))
    registered = client.websocket._registered_subscriptions  # what KIS has acknowledged; the public list tells what was asked for
    until(lambda: any(entry.id == "H0STCNI0" for entry in registered), "its registration for notices")
    price, balance = stock.quote().price, scope.balance()
    bought = stock.buy(price=MARKETABLE, qty=BOUGHT)
    waiting = stock.buy(price=LOW, qty=WAITING)
    changed = waiting.modify(price=LOWER)
    pending = [order.number for order in scope.pending_orders().orders]
    assert changed.number in pending, (pending, changed.number)  # the first may be there too until the exchange has confirmed
    changed.cancel()
    refused = ""
    try:
        stock.buy(price=MARKETABLE + 1, qty=1)
    except KisAPIError as error:
        refused = str(error)
    day = scope.daily_orders(datetime.datetime.now(_KST).date()).orders
    until(lambda: any(_tells_of_a_fill(notice) for notice in notices), "the notice of the fill")
    ticket.unsubscribe()
    return Seen(
        price=int(price),
        cash=int(balance.deposit("KRW").amount),
        positions={row.symbol: int(row.qty) for row in balance.stocks},
        bought=int(bought.number),
        changed=int(changed.number),
        fills=[
            (int(notice.order_number.number), int(notice.executed_qty), int(notice.price)) for notice in notices if _tells_of_a_fill(notice)
        ],
        day={int(row.number): int(row.executed_qty) for row in day},
        refused=refused,
    )


def _tells_of_a_fill(notice: Any) -> bool:
    # it takes the confirmation of a change (ACPT_YN 2) for a fill too: CNTG_YN in the fields that it keeps tells them apart
    return bool(notice.__data__[13] == "2")
