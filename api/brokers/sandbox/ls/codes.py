"""LS's codes: price types, answer codes of orders, refusals, rate limits. Real and paper (모의투자) servers differ in many.

Tables follow what was seen of LS's servers; where a code is only told by client libraries or unknown, the row says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from ..model import (
    Account,
    Condition,
    Environment,
    Order,
    OrderKind,
    OrderType,
    RejectReason,
    Side,
    Venue,
)


class Answer(NamedTuple):
    """``rsp_cd`` and ``rsp_msg``."""

    code: str
    message: str


class PriceType(NamedTuple):
    """호가유형코드: what it means and what LS calls it in lists."""

    order_type: OrderType
    name: str


PRICE_TYPES: Mapping[str, PriceType] = {
    "00": PriceType(OrderType.LIMIT, "보통"),
    "03": PriceType(OrderType.MARKET, "시장가"),
    "05": PriceType(OrderType.CONDITIONAL_LIMIT, "조건부지정가"),
    "06": PriceType(OrderType.BEST_LIMIT, "최유리지정가"),
    "07": PriceType(OrderType.FIRST_LIMIT, "최우선지정가"),
    "12": PriceType(OrderType.MID_PRICE, "중간가"),
    "61": PriceType(OrderType.OFF_HOURS, "장전시간외"),
    "81": PriceType(OrderType.OFF_HOURS, "시간외종가"),
    "82": PriceType(OrderType.LIMIT, "시간외단일가"),  # the sandbox has no single-price auctions: an ordinary limit order
}
NEW_ORDERS_ONLY = {"12"}
_TYPE_CODES = {PRICE_TYPES[code].order_type: code for code in reversed(list(PRICE_TYPES))}

SIDES: Mapping[str, Side] = {"1": Side.SELL, "2": Side.BUY}
SIDE_CODES: Mapping[Side, str] = {side: code for code, side in SIDES.items()}
CASH_ORDER_CODES: Mapping[Side, str] = {Side.SELL: "01", Side.BUY: "02"}
CONDITIONS: Mapping[str, Condition] = {
    "0": Condition.NONE,
    "1": Condition.IOC,
    "2": Condition.FOK,
}
CONDITION_CODES: Mapping[Condition, str] = {condition: code for code, condition in CONDITIONS.items()}
SIDE_NAMES: Mapping[Side, str] = {Side.SELL: "매도", Side.BUY: "매수"}
KIND_NAMES: Mapping[OrderKind, str] = {
    OrderKind.NEW: "",
    OrderKind.REPLACE: "정정",
    OrderKind.CANCEL: "취소",
}
MARKET_CODES: Mapping[str, str] = {"KOSPI": "10", "KOSDAQ": "20"}

PER_SECOND: Mapping[str, float] = {
    "CSPAT00601": 10,
    "CSPAT00701": 3,
    "CSPAT00801": 3,
    "t0424": 2,
    "t0425": 2,
    "CSPAQ12200": 1,
    "CSPAQ12300": 1,
    "CSPAQ13700": 1,
    "CSPAQ22200": 1,
    "CSPBQ00200": 1,
    "CDPCQ04700": 1,  # a library's figure, not the guide's
    "t1101": 10,
    "t1102": 10,
    "t8407": 5,
    "t8430": 2,
    "t8436": 2,
    "t9945": 2,
    "t8410": 1,
    "t8411": 1,
    "t8412": 1,
    "t1441": 1,
    "t1452": 2,
    "t1463": 1,
    "t1466": 1,
    "t1481": 1,
    "t1482": 1,
    "t1489": 1,
    "t1492": 1,
    "t1511": 10,
}
"""Calls a second and app key, personal customers (guide data of June 2026). TRs without a published figure are not limited."""

RATE_LIMITED = Answer("IGW00201", "호출 거래건수를 초과하였습니다.")
TOKEN_UNKNOWN = Answer("IGW00121", "유효하지 않은 token 입니다.")
TOKEN_MISSING = Answer("IGW00122", "token을 찾을 수 없습니다.")
TOKEN_EXPIRED = Answer("IGW00123", "기간이 만료된 token 입니다.")
UNKNOWN_TR = Answer("IGW00215", "유효하지 않은 TR CD 입니다.")
WRONG_TYPE = Answer("IGW40011", "요청 데이터의 형식이 올바르지 않습니다.")
WRONG_VALUE = Answer("IGW40014", "요청 데이터 처리 중 오류가 발생했습니다.")
QUERY_FAILED = Answer("IGW40013", "데이터 조회에 실패 했습니다.")
WRONG_BLOCK = Answer("IGW50004", "요청 블록이 올바르지 않습니다.")
UNKNOWN_APP_KEY = Answer("IGW00103", "유효하지 않은 AppKey입니다.")
WRONG_APP_SECRET = Answer("IGW00105", "유효하지 않은 AppSecret입니다.")

NO_MARGIN_TRADING = Answer("80001", "신용거래가 불가한 계좌입니다.")  # "account type" in community lists; HTTP status not recorded
NOT_OFFERED = Answer("01900", "모의투자에서는 해당업무가 제공되지 않습니다.")
_BELOW_LOWER_LIMIT = Answer("03181", "주문가격이 하한가 미달입니다.")
_BAD_PRICE = Answer("02705", "주문가격을 잘못 입력하셨습니다.")

# A row: (real, paper). 02xxx, 08677 and 904 stand in community lists only; reasons without a known code use the nearest one.
_REFUSALS: Mapping[RejectReason, tuple[Answer, Answer]] = {
    reason: (answers[0], answers[-1])
    for reason, answers in {
        RejectReason.UNKNOWN_SYMBOL: [Answer("01524", "종목코드를 확인하세요.")],
        RejectReason.NOT_TRADABLE: [Answer("01524", "거래정지 종목입니다.")],  # the real code is not known
        RejectReason.BAD_QUANTITY: [Answer("02714", "주문수량을 확인하세요.")],  # likewise
        RejectReason.BAD_PRICE: [_BAD_PRICE],
        RejectReason.BAD_TICK: [_BAD_PRICE],
        RejectReason.OUTSIDE_LIMITS: [
            _BAD_PRICE,
            Answer("01427", "모의투자 상/하한가를 확인하세요."),
        ],
        RejectReason.INSUFFICIENT_CASH: [Answer("08677", "증거금이 부족합니다.")],
        RejectReason.NO_HOLDINGS: [Answer("01478", "매도가능수량이 부족합니다.")],
        RejectReason.INSUFFICIENT_HOLDINGS: [Answer("01478", "매도가능수량이 부족합니다.")],
        RejectReason.UNKNOWN_ORDER: [Answer("03056", "원주문번호를 확인하세요.")],
        RejectReason.TOO_EARLY: [Answer("03056", "원주문이 접수되지 않았습니다.")],  # the real code is not known
        RejectReason.NOTHING_LEFT: [
            Answer("03416", "정정취소가능수량이 없습니다."),
            Answer("01433", "모의투자 정정/취소할 수량이 없습니다."),
        ],
        RejectReason.QUANTITY_EXCEEDS_OPEN: [Answer("01442", "정정수량이 정정가능수량을 초과하였습니다.")],  # seen on paper
        RejectReason.BEFORE_OPEN: [Answer("904", "장개시전입니다.")],
        RejectReason.MARKET_CLOSED: [Answer("904", "장종료")],
        RejectReason.ORDER_TYPE_NOT_ALLOWED: [Answer("02705", "호가유형을 확인하세요.")],  # the real code is not known
    }.items()
}
_CANCEL_TOO_LARGE = Answer("02661", "취소수량이 취소가능수량을 초과하였습니다.")


def is_paper(account: Account) -> bool:
    """Whether the account lives on the 모의투자 server."""
    return account.environment is Environment.PAPER


def refusal(
    account: Account,
    reason: RejectReason,
    *,
    is_below_lower_limit: bool = False,
    is_cancel: bool = False,
) -> Answer:
    """The broker's words for a refused order; HTTP 200 at LS.

    Args:
        is_below_lower_limit: The real server names this one case of a bad price.
        is_cancel: A cancel of too much has a code of its own.
    """
    if is_cancel and reason is RejectReason.QUANTITY_EXCEEDS_OPEN:
        return _CANCEL_TOO_LARGE
    if is_below_lower_limit and reason is RejectReason.OUTSIDE_LIMITS and not is_paper(account):
        return _BELOW_LOWER_LIMIT
    real, paper = _REFUSALS[reason]
    return paper if is_paper(account) else real


def accepted(order: Order) -> Answer:
    """The answer to an accepted order, change or cancel."""
    match order.kind, is_paper(order.account):
        case OrderKind.NEW, False:
            is_buy = order.side is Side.BUY
            return Answer("00040", "매수 주문이 완료되었습니다.") if is_buy else Answer("00039", "매도 주문이 완료되었습니다.")
        case OrderKind.NEW, True:
            is_buy = order.side is Side.BUY
            code, name = ("00040", "매수") if is_buy else ("00039", "매도")
            return Answer(code, f"모의투자 {name}주문이 완료 되었습니다.")
        case OrderKind.REPLACE, False:
            return Answer("00132", "정정주문이 완료되었습니다.")  # seen for futures; no frame of a stock order is known
        case OrderKind.REPLACE, True:
            return Answer("00462", "모의투자 정정주문이 완료 되었습니다.")
        case OrderKind.CANCEL, False:
            return Answer("00156", "취소주문이 완료되었습니다.")
        case _:
            return Answer("00463", "모의투자 취소주문이 완료 되었습니다.")


def inquired(account: Account) -> Answer:
    """The answer to a finished C-series inquiry; the word 모의투자 in it is how clients tell a paper key."""
    return Answer(
        "00136",
        "모의투자 조회가 완료되었습니다." if is_paper(account) else "조회가 완료되었습니다.",
    )


LISTED = Answer("00000", "조회가 완료되었습니다.")
QUOTED = Answer("00000", "정상적으로 조회가 완료되었습니다.")
NOTHING_LISTED = Answer("00200", "조회내역이 없습니다.")


def price_type_code(order: Order) -> str:
    """The price type as the client sent it; orders from outside the API carry none and get the plain code."""
    return order.type_code or _TYPE_CODES[order.order_type]


def venue_code(order: Order) -> str:
    """거래소명: LS's API knows KRX and NXT only."""
    return "NXT" if order.venue is Venue.NXT else "KRX"


def symbol_of(issue_number: str) -> str:
    """종목번호 as clients send it (``005930``, ``A005930``, an ISIN) → the short code of 6 characters."""
    text = issue_number.strip()
    if len(text) == 7 and text[0] in "AJQ":
        return text[1:]
    if len(text) == 12 and text.startswith("KR"):
        return text[3:9]
    return text
