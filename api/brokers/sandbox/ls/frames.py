"""The order notices as LS's websocket sends them: SC0 accepted, SC1 filled, SC2 modified, SC3 canceled, SC4 rejected.

All body values are strings; each frame has every field of its layout (113 in SC0, 130 in SC1 to SC4). What is not known of LS:
the remainder of an IOC or FOK order is told as SC3 under the order's own number (the likely form); SC4 follows SC1's layout, no frame
of it was ever published; a busted trade is told by no notice, only the order list shows it.
"""

from __future__ import annotations

from ..model import Account, Event, EventKind, Order, OrderKind
from .codes import (
    CASH_ORDER_CODES,
    CONDITION_CODES,
    MARKET_CODES,
    SIDE_CODES,
    is_paper,
    price_type_code,
)
from .gateway import encode
from .wire import TEMPLATES, clock_text

_ACCEPTED = {
    OrderKind.NEW: ("SONAT000", "01"),
    OrderKind.REPLACE: ("SONAT001", "02"),
    OrderKind.CANCEL: ("SONAT002", "03"),
}
_CONFIRMED = {
    EventKind.EXECUTED: ("SC1", "11"),
    EventKind.REPLACED: ("SC2", "12"),
    EventKind.CANCELED: ("SC3", "13"),
    EventKind.REMAINDER_DROPPED: ("SC3", "13"),
    EventKind.REJECTED: ("SC4", "14"),
}
_FIRST_LINE = 1_400_000_000
_LINES_BETWEEN_BURSTS = 7  # the counter is shared with other customers: it jumps between bursts, not within one
_PROCESSED_MODIFY = "6"

# what the paper server leaves out or fills in differently
_PAPER_COMMON = {"msgcode": "0000", "outgu": "", "mgempno": "", "cvrgordtp": ""}
_PAPER = {
    "SC0": TEMPLATES["SC0"]
    | _PAPER_COMMON
    | {
        "loandt": "",
        "procgb": "",
        "admbrchno": "",
        "futaccno": "",
        "futmarketgb": "",
        "lpgb": "",
        "orduserid": "",
        "crdtpldgruseamt": "0",
    },
    "SC1": TEMPLATES["SC1"]
    | _PAPER_COMMON
    | {
        "mgmtbrnno": "",
        "agrgbrnno": "",
        "regmktcode": "",
        "bfstdIsuno": "",
        "opdrtnno": "",
        "trtzxLevytp": "",
        "lptp": "",
        "frgrunqno": "",
    }
    | {"Loandt": "", "grpId": "0" * 20, "mnymgnrat": "20"},
}


class Frames:
    """Renders events; keeps the line counter that LS numbers its messages with."""

    def __init__(self) -> None:
        self._line = _FIRST_LINE

    def render(self, event: Event) -> str | None:
        """The frame that tells an event, None where LS sends none."""
        if event.kind is EventKind.ACCEPTED:
            self._line += _LINES_BETWEEN_BURSTS
            return _frame("SC0", self._accepted(event))
        confirmed = _CONFIRMED.get(event.kind)
        if confirmed is None:
            return None
        self._line += 1
        code, type_code = confirmed
        return _frame(code, self._confirmed(event, type_code))

    def _common(self, order: Order, template: str, at: str) -> dict[str, str]:
        account, is_paper_account = order.account, is_paper(order.account)
        base = _PAPER[template] if is_paper_account else TEMPLATES[template]
        line = str(self._line)
        return (
            base
            | {
                "lineseq": line,
                "accno": account.number,
                "accno1": account.number,
                "user": account.hts_id,
                "userid": account.hts_id,
                "seq": line[-9:] if is_paper_account else f"{order.number % 1_000_000_000:09d}",
                "trid": f"g{clock_text(order.received_at)}{order.number % 1_000_000:06d}",
                "proctm": at.lstrip("0") or "0",  # a number at LS: a leading zero is lost
                "ordno": str(order.number),
                "orgordno": str(order.original.number) if order.original is not None else "0",
                "ordqty": str(order.quantity),
                "bnstp": SIDE_CODES[order.side],
            }
            | _money(account)
        )

    def _accepted(self, event: Event) -> dict[str, str]:
        order, instrument = event.order, event.order.instrument
        transaction, check_code = _ACCEPTED[order.kind]
        at = clock_text(order.received_at)
        amount = order.price * order.quantity
        body = self._common(order, "SC0", at) | {
            "trcode": transaction,
            "ordchegb": check_code,
            "marketgb": MARKET_CODES[instrument.market],
            "ordgb": CASH_ORDER_CODES[order.side],
            "expcode": instrument.isin,
            "shtcode": f"A{instrument.symbol}",
            "hname": instrument.name,
            "ordprice": str(order.price),
            "hogagb": CONDITION_CODES[order.condition],
            "etfhogagb": price_type_code(order),
            "ordtm": at,
            "prntordno": str(order.root.number),
            "ordamt": str(amount),
            "mnyordamt": str(amount if is_paper(order.account) else order.reserved if order.side.value == "buy" else 0),
        }
        if not is_paper(order.account):
            body["orduserid"] = order.account.hts_id
            body["msgcode"] = _ACCEPTED_MESSAGES[order.kind] or ("0040" if body["bnstp"] == "2" else "0039")
        if order.kind is OrderKind.REPLACE:
            body["orgordmdfyqty"] = str(order.quantity)
        elif order.kind is OrderKind.CANCEL:
            body["ordordcancelqty"] = str(order.quantity)
        return body | _holding(order)

    def _confirmed(self, event: Event, type_code: str) -> dict[str, str]:
        order, instrument, account = (
            event.order,
            event.order.instrument,
            event.order.account,
        )
        is_paper_account = is_paper(account)
        at = clock_text(event.at)
        if is_paper_account:
            at = f"{at[:6]}000"
        short_code = f"A{instrument.symbol}"
        body = self._common(order, "SC1", at) | {
            "ordxctptncode": type_code,
            "ordmktcode": MARKET_CODES[instrument.market],
            "ordptncode": CASH_ORDER_CODES[order.side],
            "acntnm": account.name,
            "Isuno": instrument.isin,
            "stdIsuno": instrument.isin,
            "Isunm": instrument.name,
            "shtnIsuno": short_code,
            "ordprc": str(order.price),
            "ordcndi": CONDITION_CODES[order.condition],
            "ordprcptncode": price_type_code(order),
            "unercqty": str(event.leaves),
            "orgordunercqty": str(event.original_leaves),
            "ordavrexecprc": str(order.executed_amount // order.executed_quantity if order.executed_quantity else 0),
            "ordamt": str(order.price * order.quantity),
            "ordacntno": account.number,
            "orduserId": account.hts_id,
            "exectime": at,
            "rcptexectime": at,
        }
        if not is_paper_account:
            body["bfstdIsuno"] = instrument.isin
            body["regmktcode"] = body["ordmktcode"]
        quantity = str(event.quantity)
        match event.kind:
            case EventKind.EXECUTED if event.execution is not None:
                body["execno"] = str(event.execution.number)
                body["execqty"] = quantity
                body["execprc"] = str(event.price)
                if not is_paper_account:
                    body["flctqty"] = quantity
                    body["mnyexecamt"] = str(event.quantity * event.price)
            case EventKind.REPLACED:
                body["mdfycnfqty"] = body["orgordmdfyqty"] = quantity
                body["mdfycnfprc"] = str(order.price)
                body["ordtrxptncode"] = "0" if is_paper_account else _PROCESSED_MODIFY
            case EventKind.REJECTED:
                body["rjtqty"] = quantity
                body["unercqty"] = "0"
            case _:
                body["canccnfqty"] = body["orgordcancqty"] = quantity
                body["unercqty"] = quantity if is_paper_account else "0"  # paper repeats the canceled quantity here
                if is_paper_account:
                    body["ordprcptncode"] = ""
        if event.kind is not EventKind.EXECUTED and not is_paper_account:
            body["outgu"] = "1"
        return body | _holding(order)


_ACCEPTED_MESSAGES = {
    OrderKind.NEW: "",
    OrderKind.REPLACE: "0132",
    OrderKind.CANCEL: "0156",
}  # the tail of rsp_cd, as 0040 is of 00040


def _frame(code: str, body: dict[str, str]) -> str:
    return f'{{"header":{{"tr_cd":"{code}"}},"body":{encode(body).decode()}}}'


def _money(account: Account) -> dict[str, str]:
    power = str(account.buying_power)
    return {
        "deposit": str(account.deposit),
        "csgnmnymgn": str(account.reserved),
        "ordablemny": power,
    }


def _holding(order: Order) -> dict[str, str]:
    """The balance fields that only the paper server fills in; the real one says 0."""
    position = order.account.positions.get(order.instrument.symbol) if is_paper(order.account) else None
    if position is None:
        return {}
    quantity = str(position.quantity)
    return {
        "secbalqty": quantity,
        "secbalqtyd2": quantity,
        "sellableqty": str(position.sellable),
        "unercsellordqty": str(position.selling),
        "avrpchsprc": str(int(position.average_price)),
    }
