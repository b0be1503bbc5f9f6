"""order-cash and order-rvsecncl: strict bodies in, acknowledgements or business rejections out."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web

from ..calendar import is_open_day
from ..doors import Doors
from ..model import Account, Condition, Environment, Order, OrderType, Rejection, RejectReason, Side, Venue
from .codes import (
    BAD_ORDER_TYPE,
    BRANCH,
    MARKET_ORDER_NOT_ALLOWED,
    NOT_A_TRADING_DAY,
    NOT_AT_VENUE,
    ORDER_TYPES,
    REFUSALS,
    Refusal,
)
from .wire import BAD_BODY, WRONG_ACCOUNT, kst_time, reply

Body = Mapping[str, object]

_CASH_REQUIRED = ("CANO", "ACNT_PRDT_CD", "PDNO", "ORD_DVSN", "ORD_QTY", "ORD_UNPR")
_REVISE_REQUIRED = (
    "CANO", "ACNT_PRDT_CD", "ORGN_ODNO", "ORD_DVSN", "RVSE_CNCL_DVSN_CD", "ORD_QTY", "ORD_UNPR", "QTY_ALL_ORD_YN",
)  # fmt: skip
_OPTIONAL = ("EXCG_ID_DVSN_CD", "SLL_TYPE", "CNDT_PRIC")
_REVISE_OPTIONAL = ("KRX_FWDG_ORD_ORGNO", "EXCG_ID_DVSN_CD", "CNDT_PRIC")
_OLD_SHEET = ("CTAC_TLNO", "SLL_TYPE", "ALGO_NO")  # in the sheet of the TR ids before 2025-03, all optional
_SYMBOL_DIGITS = 6

_ACCEPTED = {
    "buy": ("40600000", "모의투자 매수주문이 완료 되었습니다."),
    "sell": ("40590000", "모의투자 매도주문이 완료 되었습니다."),
    "modify": ("40620000", "모의투자 정정주문이 완료 되었습니다."),
    "cancel": ("40630000", "모의투자 취소주문이 완료 되었습니다."),
}
_ACCEPTED_REAL = ("APBK0013", "주문 전송 완료 되었습니다.")


def is_cancel(body: object) -> bool:
    """Whether an order-rvsecncl body is a cancel, for telling the operations apart."""
    return isinstance(body, Mapping) and body.get("RVSE_CNCL_DVSN_CD") == "02"


def place(doors: Doors, account: Account, tr_id: str, side: Side, body: object) -> web.Response:
    """order-cash."""
    fields = _fields(doors, body, _CASH_REQUIRED, _OPTIONAL + _OLD_SHEET, account)
    code = fields["ORD_DVSN"]
    if code not in ORDER_TYPES:
        return _refused(tr_id, BAD_ORDER_TYPE)
    order_type, condition = ORDER_TYPES[code]
    venue = _venue(fields)
    quantity, price = _whole(fields["ORD_QTY"]), _whole(fields["ORD_UNPR"])
    if (refusal := _venue_refusal(account, venue, code)) is not None:
        return _refused(tr_id, refusal)
    symbol = fields["PDNO"].strip()
    if len(symbol) > _SYMBOL_DIGITS and symbol[0] in "AQJ":
        symbol = symbol[1:]
    outcome = doors.exchange.place(account, symbol, side, order_type, price, quantity, condition=condition, venue=venue, type_code=code)
    return _answer(doors, account, tr_id, outcome, side.value, order_type=order_type, condition=condition)


def revise_or_cancel(doors: Doors, account: Account, tr_id: str, body: object) -> web.Response:
    """order-rvsecncl: what clients send along with a cancel (price, quantity, branch) varies widely and does not matter."""
    fields = _fields(doors, body, _REVISE_REQUIRED, _REVISE_OPTIONAL + _OLD_SHEET, account)
    number = fields["ORGN_ODNO"].strip()
    original_number = int(number) if number.isdecimal() else 0
    original = doors.exchange.find_order(account.broker, original_number)
    if original is not None and original.venue is not _venue(fields):
        return _refused(tr_id, REFUSALS[account.environment][RejectReason.UNKNOWN_ORDER])
    quantity = None if fields["QTY_ALL_ORD_YN"] == "Y" else _whole(fields["ORD_QTY"])
    if fields["RVSE_CNCL_DVSN_CD"] == "02":
        return _answer(doors, account, tr_id, doors.exchange.cancel(account, original_number, quantity=quantity), "cancel")
    if fields["RVSE_CNCL_DVSN_CD"] != "01":
        raise BAD_BODY
    code = fields["ORD_DVSN"]
    if code not in ORDER_TYPES:
        return _refused(tr_id, BAD_ORDER_TYPE)
    order_type, condition = ORDER_TYPES[code]
    outcome = doors.exchange.replace(
        account,
        original_number,
        order_type=order_type,
        price=_whole(fields["ORD_UNPR"]),
        quantity=quantity,
        condition=condition,
        type_code=code,
    )
    return _answer(doors, account, tr_id, outcome, "modify", order_type=order_type, condition=condition)


def _fields(doors: Doors, body: object, required: tuple[str, ...], optional: tuple[str, ...], account: Account) -> dict[str, str]:
    """The body with every rule of the gateway applied: published upper-case keys only, every value a string."""
    if not isinstance(body, dict):
        raise BAD_BODY
    fields: dict[str, str] = {}
    for name, value in body.items():
        if (name not in required and name not in optional) or not isinstance(value, str):
            raise BAD_BODY
        fields[name] = value
    published = required + tuple(name for name in optional if name not in _OLD_SHEET or name == "SLL_TYPE")
    if any(name not in fields for name in (published if doors.variant("kis_optional_keys") == "required" else required)):
        raise BAD_BODY
    if fields["CANO"] + fields["ACNT_PRDT_CD"] != account.number:
        raise WRONG_ACCOUNT
    return fields


def _whole(text: str) -> int:
    """A whole number in a string; decimals, signs and blanks are a malformed body."""
    if not text.strip().isascii() or not text.strip().isdecimal():
        raise BAD_BODY
    return int(text)


def _venue(fields: Mapping[str, str]) -> Venue:
    text = fields.get("EXCG_ID_DVSN_CD", "").strip() or Venue.KRX.value
    if text not in set(Venue):
        raise BAD_BODY
    return Venue(text)


def _venue_refusal(account: Account, venue: Venue, code: str) -> Refusal | None:
    if account.environment is Environment.PAPER and venue is not Venue.KRX:
        return REFUSALS[account.environment][RejectReason.ORDER_TYPE_NOT_ALLOWED]
    return BAD_ORDER_TYPE if code in NOT_AT_VENUE[venue] else None


def _answer(
    doors: Doors,
    account: Account,
    tr_id: str,
    outcome: Order | Rejection,
    what: str,
    *,
    order_type: OrderType | None = None,
    condition: Condition = Condition.NONE,
) -> web.Response:
    if isinstance(outcome, Rejection):
        return _refused(tr_id, _refusal_of(doors, account, outcome, order_type, condition))
    msg_cd, msg1 = _ACCEPTED_REAL if account.environment is Environment.REAL else _ACCEPTED[what]
    number = str(outcome.number) if doors.variant("kis_odno") == "unpadded" else outcome.order_number
    output = {
        "KRX_FWDG_ORD_ORGNO": BRANCH[account.environment],
        "ODNO": number,
        "ORD_TMD": kst_time(outcome.received_at),
    }
    return reply(tr_id, {"rt_cd": "0", "msg_cd": msg_cd, "msg1": msg1, "output": output})


def _refusal_of(doors: Doors, account: Account, rejection: Rejection, order_type: OrderType | None, condition: Condition) -> Refusal:
    if rejection.reason is RejectReason.BAD_QUANTITY:  # no code for it is known; the gateway checks the shape of values
        raise BAD_BODY
    is_market = order_type is OrderType.MARKET and condition is Condition.NONE
    if rejection.reason is RejectReason.ORDER_TYPE_NOT_ALLOWED and is_market and account.environment is Environment.REAL:
        return MARKET_ORDER_NOT_ALLOWED
    is_shut = rejection.reason in {RejectReason.BEFORE_OPEN, RejectReason.MARKET_CLOSED}
    if is_shut and doors.exchange.session.follows_clock and not is_open_day(doors.history.today):
        return NOT_A_TRADING_DAY[account.environment]
    return REFUSALS[account.environment][rejection.reason]


def _refused(tr_id: str, refusal: Refusal) -> web.Response:
    return reply(tr_id, {"rt_cd": refusal.rt_cd, "msg_cd": refusal.msg_cd, "msg1": refusal.msg1})
