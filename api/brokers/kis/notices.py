"""Execution notices (``H0STCNI0``, paper ``H0STCNI9``): data frames → `Notice`. Pure.

A stored frame is ``day|0|TR id|count|fields``: KIS's own frame, decrypted, with the KST day of its arrival (``YYYYMMDD``) in front, because
KIS tells only the time of day and a frame may be read again on a later day. KIS's own form without the day is read too.

KIS gives neither execution ids nor sequence numbers: two executions of one order with the same second, price and quantity look the same.
"""

from datetime import date

from api.brokers.base import Notice, NoticeKind
from api.brokers.errors import BrokerProtocolError
from api.brokers.kis.codes import NOTICE_TRS, ORDER_TYPES
from api.brokers.kis.envelope import KIS
from api.brokers.kis.parse import day, instant, order_number, side, symbol, whole

_DAY_LENGTH = 8
_FEWEST_FIELDS = 18  # captures have 23 fields, the sheet 26; the first 18 agree everywhere, and only they are used
_REMAINDER_DROPPED = "3"
_REFUSED = {"0": NoticeKind.REJECTED, "1": NoticeKind.REPLACE_REJECTED, "2": NoticeKind.CANCEL_REJECTED}

# (CNTG_YN, ACPT_YN, RCTF_CLS) of a notice that is no refusal
_KINDS: dict[tuple[str, str, str], NoticeKind | None] = {
    ("1", "1", "0"): NoticeKind.ACCEPTED,
    ("1", "1", "1"): None,  # a change or cancel merely received; unsure whether KIS sends it
    ("1", "1", "2"): None,
    ("1", "2", "0"): NoticeKind.ACCEPTED,  # "confirmed" for a new order is in the sheet, and never captured
    ("1", "2", "1"): NoticeKind.REPLACED,
    ("1", "2", "2"): NoticeKind.CANCELED,
    ("1", "3", "0"): NoticeKind.CANCELED,  # remainder of IOC or FOK dropped: from the sheet, RCTF_CLS unsure
    ("1", "3", "1"): NoticeKind.CANCELED,
    ("1", "3", "2"): NoticeKind.CANCELED,
}


def parse_frame(frame: str, today: date) -> list[Notice]:
    """Read one stored frame.

    Args:
        frame: See the module's docstring; not encrypted.
        today: KST day for a frame that does not carry its own.

    Returns:
        The notices in the order of the frame; empty for other TRs and for mere receipts of a change or cancel.

    Raises:
        BrokerProtocolError: The frame does not have the documented form, or holds an unknown code.
    """
    head, _, rest = frame.partition("|")
    if len(head) == _DAY_LENGTH:
        today, frame = day("notice", "day", head), rest
    parts = frame.split("|", 3)
    if len(parts) != 4:  # flag, TR id, count, fields
        raise BrokerProtocolError(KIS, "notice", "frame", "not flag|TR id|count|fields")
    flag, tr, count_text, payload = parts
    if tr not in NOTICE_TRS:
        return []
    if flag != "0":
        raise BrokerProtocolError(KIS, tr, "flag", f"frame is not decrypted: {flag!r}")
    fields = payload.split("^")
    count = whole(tr, "count", count_text)
    width, rest_fields = divmod(len(fields), count) if count > 0 else (0, 1)
    if rest_fields or width < _FEWEST_FIELDS:
        raise BrokerProtocolError(KIS, tr, "fields", f"{len(fields)} fields in {count} records")
    records = [fields[start : start + width] for start in range(0, len(fields), width)]
    return [notice for record in records if (notice := _notice(tr, record, today)) is not None]


def _notice(tr: str, record: list[str], today: date) -> Notice | None:
    _, account, number, original, side_code, change, order_kind, _, code, quantity, price, time, refused, executed, accepted = (
        field.strip() for field in record[:15]
    )
    kind = _kind(tr, change, refused, executed, accepted)
    if kind is None:
        return None
    won = whole(tr, "CNTG_UNPR", price, blank=0)
    ordered = record[16].strip()
    is_order = kind in (NoticeKind.ACCEPTED, NoticeKind.REJECTED)
    if kind is NoticeKind.TRADE and won <= 0:
        raise BrokerProtocolError(KIS, tr, "CNTG_UNPR", "an execution without a price")
    return Notice(
        kind=kind,
        account_number=account.replace("-", ""),
        order_number=order_number(tr, "ODER_NO", number),
        # a dropped remainder ends the order itself, also one that had changed another
        original_order_number=None if accepted == _REMAINDER_DROPPED else original.lstrip("0") or None,
        symbol=symbol(tr, "STCK_SHRN_ISCD", code),
        side=side(tr, "SELN_BYOV_CLS", side_code),
        quantity=whole(tr, "CNTG_QTY", quantity),
        price=won or None,
        # which quantity a cancel carries here is unsure
        order_quantity=whole(tr, "ODER_QTY", ordered) if ordered and (is_order or kind is NoticeKind.TRADE) else None,
        leaves_quantity=None,
        execution_id=None,
        executed_at=instant(tr, "STCK_CNTG_HOUR", today, time),
        order_type=ORDER_TYPES.get(order_kind) if is_order else None,  # fills and confirmations carry 00 whatever the order was
    )


def _kind(tr: str, change: str, refused: str, executed: str, accepted: str) -> NoticeKind | None:
    if refused == "1":
        if change not in _REFUSED:
            raise BrokerProtocolError(KIS, tr, "RCTF_CLS", f"unknown code {change!r}")
        return _REFUSED[change]
    if refused != "0":
        raise BrokerProtocolError(KIS, tr, "RFUS_YN", f"unknown code {refused!r}")
    if executed == "2":
        return NoticeKind.TRADE
    if (executed, accepted, change) not in _KINDS:
        raise BrokerProtocolError(KIS, tr, "CNTG_YN/ACPT_YN/RCTF_CLS", f"unknown codes {executed!r} {accepted!r} {change!r}")
    return _KINDS[executed, accepted, change]
