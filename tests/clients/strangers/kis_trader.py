"""kis-trader: requests and websockets."""

import datetime
from typing import Any

from kis_trader import KISClient
from kis_trader.account import StockAccount
from kis_trader.errors import OrderRejectedError
from kis_trader.realtime import RealtimeMessage, StockExecutionNotice

from tests.clients.seen import BOUGHT, LOW, LOWER, MARKETABLE, SYMBOL, WAITING, Seen, until

_NOTICES = {"real": "H0STCNI0", "paper": "H0STCNI9"}
_FILLED = "2"  # CNTG_YN of a fill; 1 is everything else that a notice tells
_KST = datetime.timezone(datetime.timedelta(hours=9))


def trade(account: dict[str, Any]) -> Seen:
    """The usual calls at a real or a paper account."""
    number, environment = account["account_number"], account["environment"]
    client = KISClient(
        app_key=account["app_key"], app_secret=account["app_secret"], account=f"{number[:8]}-{number[8:]}", environment=environment
    )
    notices: list[StockExecutionNotice] = []

    def on_notice(message: RealtimeMessage) -> None:
        assert isinstance(message.data, StockExecutionNotice)
        notices.append(message.data)

    stream = client.realtime()
    stream.subscribe(tr_id=_NOTICES[environment], tr_key=account["hts_id"], on=on_notice)
    stream.start()
    assert isinstance(client.account, StockAccount)  # not one for derivatives
    stock, book = client.domestic.stock(SYMBOL), client.account.domestic
    price, cash, positions = stock.quote().current_price, book.balance().deposit, book.positions()
    bought = stock.buy(quantity=BOUGHT, limit_price=MARKETABLE)
    waiting = stock.buy(quantity=WAITING, limit_price=LOW)
    changed = client.orders.modify(waiting.client_order_id, limit_price=LOWER)
    client.orders.cancel(waiting.client_order_id)
    refused = ""
    try:
        stock.buy(quantity=1, limit_price=MARKETABLE + 1)
    except OrderRejectedError as error:
        refused = str(error)
    today = datetime.datetime.now(_KST).strftime("%Y%m%d")
    day = book.order_history(start=today, end=today).orders
    until(lambda: any(notice.original_order_id == changed.order_id for notice in notices), "the notice of the cancel")
    assert bought.order_id is not None and changed.order_id is not None
    return Seen(
        price=int(price),
        cash=int(cash),
        positions={row.symbol: int(row.quantity) for row in positions},
        bought=int(bought.order_id),
        changed=int(changed.order_id),
        fills=[
            (int(notice.order_id), int(notice.filled_quantity), int(notice.filled_price))
            for notice in notices
            if notice.fill_status == _FILLED
        ],
        day={int(row.order_id): int(row.filled_quantity) for row in day},
        refused=refused,
    )
