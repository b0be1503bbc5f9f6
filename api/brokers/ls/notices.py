"""LS's execution notices (SC0 to SC4) in Lucy's words. Pure.

| frame | tells | becomes |
|---|---|---|
| SC0 | LS took a new order, a modify or a cancel | `ACCEPTED` for a new order; nothing for the others: SC2 and SC3 tell their end |
| SC1 | an execution | `TRADE` |
| SC2 | a modify is confirmed | `REPLACED` |
| SC3 | a cancel is confirmed; probably also the rest of an IOC or FOK order | `CANCELED` |
| SC4 | the exchange refused | `REJECTED`, `REPLACE_REJECTED`, `CANCEL_REJECTED` |
"""

from collections.abc import Mapping
from datetime import date

from api.brokers.base import Notice, NoticeKind
from api.brokers.ls import codes
from api.brokers.ls.fields import count, decode, instant, optional_number, order_number, problem, side, symbol
from api.brokers.ls.messages import AcceptedBody, ExecutionBody, Frame

_NEW_ORDER = "01"
_NOT_TOLD = frozenset({"02", "03", "A1", "AC"})  # modify, cancel, being received, received

_EXECUTION_KINDS: Mapping[str, tuple[str, NoticeKind]] = {
    "SC1": ("11", NoticeKind.TRADE),
    "SC2": ("12", NoticeKind.REPLACED),
    "SC3": ("13", NoticeKind.CANCELED),
    "SC4": ("14", NoticeKind.REJECTED),
}
"""TR → its ``ordxctptncode``, and what it is."""


def parse_notices(frame: str, today: date) -> list[Notice]:
    """Read one frame as `stream.py` hands it on.

    Args:
        frame: The JSON text; ``trading_day`` in it says which KST day its times belong to.
        today: The day where the frame names none.

    Raises:
        BrokerProtocolError: A field is missing or unparsable, or a code is unknown.
    """
    envelope = decode("websocket", frame.encode(), Frame)
    tr = envelope.header.tr_cd or ""
    if tr not in codes.NOTICE_TRS:
        return []
    day = _day(tr, envelope.trading_day) or today
    if tr == "SC0":
        return _accepted(decode(tr, envelope.body, AcceptedBody), day)
    return [_execution(tr, decode(tr, envelope.body, ExecutionBody), day)]


def _day(tr: str, text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise problem(tr, "trading_day", f"{text!r} is no day") from error


def _accepted(body: AcceptedBody, day: date) -> list[Notice]:
    what = body.ordchegb.strip()
    if what in _NOT_TOLD:
        return []
    if what != _NEW_ORDER:
        raise problem("SC0", "ordchegb", f"{body.ordchegb!r} is not known")
    quantity = count("SC0", "ordqty", body.ordqty)
    return [
        Notice(
            kind=NoticeKind.ACCEPTED,
            account_number=body.accno.strip(),
            order_number=order_number("SC0", "ordno", body.ordno),
            original_order_number=optional_number("SC0", "orgordno", body.orgordno),
            symbol=symbol("SC0", "shtcode", body.shtcode),
            side=side("SC0", "bnstp", body.bnstp),
            quantity=quantity,
            price=count("SC0", "ordprice", body.ordprice) or None,
            order_quantity=quantity,
            leaves_quantity=None,
            execution_id=None,
            executed_at=instant("SC0", "ordtm", body.ordtm, day, digits=9),
            order_type=codes.ORDER_TYPES.get(body.etfhogagb.strip()),
        )
    ]


def _execution(tr: str, body: ExecutionBody, day: date) -> Notice:
    code, kind = _EXECUTION_KINDS[tr]
    if body.ordxctptncode.strip() != code:
        raise problem(tr, "ordxctptncode", f"{body.ordxctptncode!r} instead of {code}")
    original = optional_number(tr, "orgordno", body.orgordno)
    if kind is NoticeKind.REJECTED:
        kind = _kind_of_rejection(body, original)
    quantity, price = _quantity_and_price(tr, body, kind)
    return Notice(
        kind=kind,
        account_number=body.accno.strip(),
        order_number=order_number(tr, "ordno", body.ordno),
        original_order_number=original,
        symbol=symbol(tr, "shtnIsuno", body.shtnIsuno),
        side=side(tr, "bnstp", body.bnstp),
        quantity=quantity,
        price=price,
        order_quantity=count(tr, "ordqty", body.ordqty),
        # in SC3 it is 0 at the real server and the canceled quantity at the paper server
        leaves_quantity=count(tr, "unercqty", body.unercqty) if kind in (NoticeKind.TRADE, NoticeKind.REPLACED) else None,
        execution_id=optional_number(tr, "execno", body.execno) if kind is NoticeKind.TRADE else None,
        executed_at=instant(tr, "exectime", body.exectime, day, digits=9),
        order_type=codes.ORDER_TYPES.get(body.ordprcptncode.strip()),
        reject_code=body.msgcode.strip() if tr == "SC4" else "",
    )


def _kind_of_rejection(body: ExecutionBody, original: str | None) -> NoticeKind:
    """Nobody has captured an SC4. Assumed: SC1's layout, and as in SC0 a cancel has no price, whereas a modify names its new one."""
    if original is None:
        return NoticeKind.REJECTED
    return NoticeKind.REPLACE_REJECTED if count("SC4", "ordprc", body.ordprc) else NoticeKind.CANCEL_REJECTED


def _quantity_and_price(tr: str, body: ExecutionBody, kind: NoticeKind) -> tuple[int, int | None]:
    ordered_price = count(tr, "ordprc", body.ordprc) or None
    match kind:
        case NoticeKind.TRADE:
            return _above_zero(tr, "execqty", body.execqty), _above_zero(tr, "execprc", body.execprc)
        case NoticeKind.REPLACED:
            return _above_zero(tr, "mdfycnfqty", body.mdfycnfqty), count(tr, "mdfycnfprc", body.mdfycnfprc) or ordered_price
        case NoticeKind.CANCELED:
            return _above_zero(tr, "canccnfqty", body.canccnfqty), ordered_price
        case _:
            return count(tr, "rjtqty", body.rjtqty) or count(tr, "ordqty", body.ordqty), ordered_price


def _above_zero(tr: str, field: str, value: int | float | str) -> int:
    number = count(tr, field, value)
    if number == 0:
        raise problem(tr, field, "is 0")
    return number
