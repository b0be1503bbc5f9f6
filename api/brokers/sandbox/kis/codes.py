"""KIS codes: TR ids, order types, refusals. Facts of the broker; where the real code is unknown a comment says so."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ..model import Condition, Environment, OrderType, RejectReason, Venue


class Call(StrEnum):
    """What a TR does."""

    BUY = "buy"
    SELL = "sell"
    REVISE_OR_CANCEL = "revise_or_cancel"
    OPEN_ORDERS = "open_orders"
    BUYING_POWER = "buying_power"
    SELLABLE = "sellable"
    DAY_ORDERS = "day_orders"
    BALANCE = "balance"
    PRICE = "price"
    ASKING_PRICE = "asking_price"
    LAST_TRADES = "last_trades"
    RECENT_CHART = "recent_chart"
    LONG_CHART = "long_chart"
    MINUTES_TODAY = "minutes_today"
    PAST_MINUTES = "past_minutes"
    VOLUME_RANK = "volume_rank"
    FLUCTUATION = "fluctuation"
    QUOTE_BALANCE = "quote_balance"
    OVERTIME_FLUCTUATION = "overtime_fluctuation"
    OVERTIME_VOLUME = "overtime_volume"
    EXPECTED_CHANGE = "expected_change"
    NET_BUYING = "net_buying"
    MANY_PRICES = "many_prices"
    BALANCE_SHEET = "balance_sheet"
    INCOME_STATEMENT = "income_statement"
    FINANCIAL_RATIOS = "financial_ratios"
    PROFIT_RATIO = "profit_ratio"
    OTHER_RATIOS = "other_ratios"
    STABILITY_RATIO = "stability_ratio"
    GROWTH_RATIO = "growth_ratio"
    INVESTORS = "investors"
    FIRM_OPINIONS = "firm_opinions"
    CONDITIONS = "conditions"
    CONDITION_STOCKS = "condition_stocks"
    INTEREST_GROUPS = "interest_groups"
    INTEREST_STOCKS = "interest_stocks"
    OPINIONS = "opinions"
    CALENDAR = "calendar"
    PRODUCT_INFO = "product_info"
    STOCK_INFO = "stock_info"
    OVERSEAS_BALANCE = "overseas_balance"
    OVERSEAS_PRESENT_BALANCE = "overseas_present_balance"
    OVERSEAS_ORDERS = "overseas_orders"


@dataclass(slots=True, frozen=True)
class Tr:
    """One TR id: what it does, where, and in which environment (None: both)."""

    call: Call
    method: str
    path: str
    environment: Environment | None


_TRADING = "/uapi/domestic-stock/v1/trading/"
_QUOTATIONS = "/uapi/domestic-stock/v1/quotations/"

# (call, method, path, ids of the real environment, is there a V-twin in paper?)
_TRADING_TRS = (
    (Call.BUY, "POST", "order-cash", ("TTTC0802U", "TTTC0012U"), True),
    (Call.SELL, "POST", "order-cash", ("TTTC0801U", "TTTC0011U"), True),
    (Call.REVISE_OR_CANCEL, "POST", "order-rvsecncl", ("TTTC0803U", "TTTC0013U"), True),
    (Call.OPEN_ORDERS, "GET", "inquire-psbl-rvsecncl", ("TTTC8036R", "TTTC0084R"), False),
    (Call.BUYING_POWER, "GET", "inquire-psbl-order", ("TTTC8908R",), True),
    (Call.SELLABLE, "GET", "inquire-psbl-sell", ("TTTC8408R",), False),
    (Call.DAY_ORDERS, "GET", "inquire-daily-ccld", ("TTTC8001R", "TTTC0081R", "CTSC9115R", "CTSC9215R"), True),
    (Call.BALANCE, "GET", "inquire-balance", ("TTTC8434R",), True),
)
_OVERSEAS = "/uapi/overseas-stock/v1/trading/"
# (call, path, id of the real environment): all with a V-twin in paper, though the official sample of inquire-nccs names none
_OVERSEAS_TRS = (
    (Call.OVERSEAS_BALANCE, _OVERSEAS + "inquire-balance", "TTTS3012R"),
    (Call.OVERSEAS_PRESENT_BALANCE, _OVERSEAS + "inquire-present-balance", "CTRP6504R"),
    (Call.OVERSEAS_ORDERS, _OVERSEAS + "inquire-nccs", "TTTS3018R"),
    (Call.OVERSEAS_ORDERS, _OVERSEAS + "inquire-ccnl", "TTTS3035R"),
)
_RANKING = "/uapi/domestic-stock/v1/ranking/"
_FINANCE = "/uapi/domestic-stock/v1/finance/"
_REAL_ONLY = Environment.REAL
# (call, path, id, environment): the table of the official README says what paper lacks
_QUOTE_TRS = (
    (Call.PRICE, _QUOTATIONS + "inquire-price", "FHKST01010100", None),
    (Call.ASKING_PRICE, _QUOTATIONS + "inquire-asking-price-exp-ccn", "FHKST01010200", None),
    (Call.LAST_TRADES, _QUOTATIONS + "inquire-ccnl", "FHKST01010300", None),
    (Call.RECENT_CHART, _QUOTATIONS + "inquire-daily-price", "FHKST01010400", None),
    (Call.LONG_CHART, _QUOTATIONS + "inquire-daily-itemchartprice", "FHKST03010100", None),
    (Call.MINUTES_TODAY, _QUOTATIONS + "inquire-time-itemchartprice", "FHKST03010200", None),
    (Call.PAST_MINUTES, _QUOTATIONS + "inquire-time-dailychartprice", "FHKST03010230", None),
    (Call.VOLUME_RANK, _QUOTATIONS + "volume-rank", "FHPST01710000", _REAL_ONLY),
    (Call.FLUCTUATION, _RANKING + "fluctuation", "FHPST01700000", _REAL_ONLY),
    (Call.QUOTE_BALANCE, _RANKING + "quote-balance", "FHPST01720000", _REAL_ONLY),
    (Call.OVERTIME_FLUCTUATION, _RANKING + "overtime-fluctuation", "FHPST02340000", _REAL_ONLY),
    (Call.OVERTIME_VOLUME, _RANKING + "overtime-volume", "FHPST02350000", _REAL_ONLY),
    (Call.EXPECTED_CHANGE, _RANKING + "exp-trans-updown", "FHPST01820000", _REAL_ONLY),
    (Call.NET_BUYING, _QUOTATIONS + "foreign-institution-total", "FHPTJ04400000", _REAL_ONLY),
    (Call.MANY_PRICES, _QUOTATIONS + "intstock-multprice", "FHKST11300006", _REAL_ONLY),
    (Call.BALANCE_SHEET, _FINANCE + "balance-sheet", "FHKST66430100", _REAL_ONLY),
    (Call.INCOME_STATEMENT, _FINANCE + "income-statement", "FHKST66430200", _REAL_ONLY),
    (Call.PROFIT_RATIO, _FINANCE + "profit-ratio", "FHKST66430400", _REAL_ONLY),
    (Call.OTHER_RATIOS, _FINANCE + "other-major-ratios", "FHKST66430500", _REAL_ONLY),
    (Call.STABILITY_RATIO, _FINANCE + "stability-ratio", "FHKST66430600", _REAL_ONLY),
    (Call.GROWTH_RATIO, _FINANCE + "growth-ratio", "FHKST66430800", _REAL_ONLY),
    (Call.INVESTORS, _QUOTATIONS + "inquire-investor", "FHKST01010900", None),
    (Call.FIRM_OPINIONS, _QUOTATIONS + "invest-opbysec", "FHKST663400C0", _REAL_ONLY),
    (Call.CONDITIONS, _QUOTATIONS + "psearch-title", "HHKST03900300", _REAL_ONLY),
    (Call.CONDITION_STOCKS, _QUOTATIONS + "psearch-result", "HHKST03900400", _REAL_ONLY),
    (Call.INTEREST_GROUPS, _QUOTATIONS + "intstock-grouplist", "HHKCM113004C7", _REAL_ONLY),
    (Call.INTEREST_STOCKS, _QUOTATIONS + "intstock-stocklist-by-group", "HHKCM113004C6", _REAL_ONLY),
    (Call.FINANCIAL_RATIOS, _FINANCE + "financial-ratio", "FHKST66430300", _REAL_ONLY),
    (Call.OPINIONS, _QUOTATIONS + "invest-opinion", "FHKST663300C0", _REAL_ONLY),
    (Call.CALENDAR, _QUOTATIONS + "chk-holiday", "CTCA0903R", _REAL_ONLY),
    (Call.PRODUCT_INFO, _QUOTATIONS + "search-info", "CTPF1604R", _REAL_ONLY),
    (Call.STOCK_INFO, _QUOTATIONS + "search-stock-info", "CTPF1002R", _REAL_ONLY),
)


def _table() -> dict[str, Tr]:
    table: dict[str, Tr] = {}
    for call, method, path, ids, in_paper in _TRADING_TRS:
        for tr_id in ids:
            table[tr_id] = Tr(call, method, _TRADING + path, Environment.REAL)
            if in_paper:
                table["V" + tr_id[1:]] = Tr(call, method, _TRADING + path, Environment.PAPER)
    for call, path, tr_id in _OVERSEAS_TRS:
        table[tr_id] = Tr(call, "GET", path, Environment.REAL)
        table["V" + tr_id[1:]] = Tr(call, "GET", path, Environment.PAPER)
    for call, path, tr_id, environment in _QUOTE_TRS:
        table[tr_id] = Tr(call, "GET", path, environment)
    return table


TRS: dict[str, Tr] = _table()
PATHS = {tr.path for tr in TRS.values()}

# ORD_DVSN → how it is priced and its condition. 22 (stop-limit) is not traded here.
ORDER_TYPES: dict[str, tuple[OrderType, Condition]] = {
    "00": (OrderType.LIMIT, Condition.NONE),
    "01": (OrderType.MARKET, Condition.NONE),
    "02": (OrderType.CONDITIONAL_LIMIT, Condition.NONE),
    "03": (OrderType.BEST_LIMIT, Condition.NONE),
    "04": (OrderType.FIRST_LIMIT, Condition.NONE),
    "05": (OrderType.OFF_HOURS, Condition.NONE),
    "06": (OrderType.OFF_HOURS, Condition.NONE),
    "07": (OrderType.LIMIT, Condition.NONE),
    "11": (OrderType.LIMIT, Condition.IOC),
    "12": (OrderType.LIMIT, Condition.FOK),
    "13": (OrderType.MARKET, Condition.IOC),
    "14": (OrderType.MARKET, Condition.FOK),
    "15": (OrderType.BEST_LIMIT, Condition.IOC),
    "16": (OrderType.BEST_LIMIT, Condition.FOK),
    "21": (OrderType.MID_PRICE, Condition.NONE),
    "23": (OrderType.MID_PRICE, Condition.IOC),
    "24": (OrderType.MID_PRICE, Condition.FOK),
    "27": (OrderType.LIMIT, Condition.NONE),
    "28": (OrderType.BEST_LIMIT, Condition.NONE),
    "29": (OrderType.FIRST_LIMIT, Condition.NONE),
    "41": (OrderType.LIMIT, Condition.NONE),
    "42": (OrderType.LIMIT, Condition.IOC),
    "43": (OrderType.LIMIT, Condition.FOK),
    "44": (OrderType.BEST_LIMIT, Condition.NONE),
    "45": (OrderType.BEST_LIMIT, Condition.IOC),
    "46": (OrderType.BEST_LIMIT, Condition.FOK),
    "47": (OrderType.FIRST_LIMIT, Condition.NONE),
}
ORDER_TYPE_NAMES = {
    "00": "지정가", "01": "시장가", "02": "조건부지정가", "03": "최유리지정가", "04": "최우선지정가", "05": "장전 시간외",
    "06": "장후 시간외", "07": "시간외 단일가", "11": "IOC지정가", "12": "FOK지정가", "13": "IOC시장가", "14": "FOK시장가",
    "15": "IOC최유리", "16": "FOK최유리", "21": "중간가", "23": "중간가IOC", "24": "중간가FOK",
    "27": "GTP 지정가", "28": "GTP 최유리", "29": "GTP 최우선", "41": "애프터마켓 지정가", "42": "애프터마켓 지정가IOC",
    "43": "애프터마켓 지정가FOK", "44": "애프터마켓 최유리", "45": "애프터마켓 최유리IOC", "46": "애프터마켓 최유리FOK",
    "47": "애프터마켓 최우선지정가",
}  # fmt: skip
_KRX_ONLY = {"02", "05", "06", "07", "41", "42", "43", "44", "45", "46", "47"}
NOT_AT_VENUE = {
    Venue.KRX: {"27", "28", "29"},
    Venue.NXT: _KRX_ONLY | {"01"},
    Venue.SOR: {"02", "05", "06", "07", "21", "23", "24"},
}
CONDITION_CODES = {Condition.NONE: "0", Condition.IOC: "1", Condition.FOK: "2"}
CONDITION_NAMES = {Condition.NONE: "없음", Condition.IOC: "IOC", Condition.FOK: "FOK"}


def type_code_of(order_type: OrderType, condition: Condition) -> str:
    """The ORD_DVSN of an order that came without one (entered outside the API)."""
    return next(code for code, meaning in ORDER_TYPES.items() if meaning == (order_type, condition))


@dataclass(slots=True, frozen=True)
class Refusal:
    """``rt_cd``, ``msg_cd``, ``msg1`` of a business rejection (HTTP 200)."""

    rt_cd: str
    msg_cd: str
    msg1: str


# Real-account codes for tick, band and halted names were never captured: APBK0918 is known to carry several texts.
_REAL: dict[RejectReason, Refusal] = {
    RejectReason.UNKNOWN_SYMBOL: Refusal("1", "APBK0656", "해당 종목정보가 없습니다."),
    RejectReason.NOT_TRADABLE: Refusal("1", "APBK0918", "매매거래정지 종목으로 주문이 불가합니다."),
    RejectReason.BAD_PRICE: Refusal("1", "APBK0918", "주문단가 오류입니다."),
    RejectReason.BAD_TICK: Refusal("1", "APBK0918", "호가단위 오류입니다."),
    RejectReason.OUTSIDE_LIMITS: Refusal("1", "APBK0918", "상/하한가 오류입니다."),
    RejectReason.INSUFFICIENT_CASH: Refusal("7", "APBK0952", "주문가능금액을 초과 했습니다"),
    RejectReason.NO_HOLDINGS: Refusal("7", "APBK0400", "주문 가능한 수량을 초과했습니다."),
    RejectReason.INSUFFICIENT_HOLDINGS: Refusal("7", "APBK0400", "주문 가능한 수량을 초과했습니다."),
    RejectReason.UNKNOWN_ORDER: Refusal("7", "APBK0927", "원주문번호가 존재하지 않습니다."),  # code unsure
    RejectReason.NOTHING_LEFT: Refusal("7", "APBK0927", "정정취소 가능수량이 없습니다."),
    RejectReason.QUANTITY_EXCEEDS_OPEN: Refusal("7", "APBK0927", "정정취소 가능수량을 초과하였습니다."),  # code unsure
    RejectReason.TOO_EARLY: Refusal("1", "APBK0918", "거래소 미접수로 정정취소주문이 불가합니다."),  # code unsure
    RejectReason.BEFORE_OPEN: Refusal("1", "APBK0918", "장운영시간이 아닙니다.(주문불가)"),
    RejectReason.MARKET_CLOSED: Refusal("1", "APBK0918", "장운영시간이 아닙니다.(주문불가)"),
    RejectReason.ORDER_TYPE_NOT_ALLOWED: Refusal("1", "APBK3013", "지정가, 최유리, 최우선 주문만 가능합니다."),
}
_PAPER: dict[RejectReason, Refusal] = {
    RejectReason.UNKNOWN_SYMBOL: Refusal("1", "40070000", "모의투자 주문처리가 안되었습니다(매매불가 종목)"),
    RejectReason.NOT_TRADABLE: Refusal("1", "40070000", "모의투자 주문처리가 안되었습니다(매매불가 종목)"),
    RejectReason.BAD_PRICE: Refusal("1", "40030000", "모의투자 주문처리가 안되었습니다(호가단위 오류)"),  # code unsure
    RejectReason.BAD_TICK: Refusal("1", "40030000", "모의투자 주문처리가 안되었습니다(호가단위 오류)"),
    RejectReason.OUTSIDE_LIMITS: Refusal("1", "40270000", "모의투자 상/하한가 오류"),
    RejectReason.INSUFFICIENT_CASH: Refusal("1", "40310000", "모의투자 주문가능금액이 부족합니다."),  # one of three codes seen
    RejectReason.NO_HOLDINGS: Refusal("1", "40240000", "모의투자 잔고내역이 없습니다."),
    RejectReason.INSUFFICIENT_HOLDINGS: Refusal("1", "40240000", "모의투자 잔고내역이 없습니다."),  # code unsure
    RejectReason.UNKNOWN_ORDER: Refusal("1", "40330000", "모의투자 원주문번호가 존재하지 않습니다."),  # code unsure
    RejectReason.NOTHING_LEFT: Refusal("1", "40330000", "모의투자 정정/취소할 수량이 없습니다."),
    RejectReason.QUANTITY_EXCEEDS_OPEN: Refusal("1", "40430000", "모의투자 정정/취소할 수량을 초과하였습니다."),  # text unsure
    RejectReason.TOO_EARLY: Refusal("1", "40330000", "거래소 미접수로 정정취소주문이 불가합니다."),  # code unsure
    RejectReason.BEFORE_OPEN: Refusal("1", "40570000", "모의투자 장시작전 입니다."),
    RejectReason.MARKET_CLOSED: Refusal("1", "40580000", "모의투자 장종료 입니다."),
    RejectReason.ORDER_TYPE_NOT_ALLOWED: Refusal("1", "40030000", "모의투자 주문처리가 안되었습니다(주문구분 오류)"),  # code unsure
}
BAD_ORDER_TYPE = Refusal("7", "APBK0963", "주문구분코드 오류입니다.")
MARKET_ORDER_NOT_ALLOWED = Refusal("1", "APBK1943", "시장가호가불가로 주문이 불가합니다.")
NOT_A_TRADING_DAY = {
    Environment.REAL: Refusal("1", "APBK0919", "장운영일자가 주문일과 상이합니다."),
    Environment.PAPER: Refusal("1", "40100000", "모의투자 영업일이 아닙니다."),
}
REFUSALS = {Environment.REAL: _REAL, Environment.PAPER: _PAPER}
BRANCH = {Environment.REAL: "06590", Environment.PAPER: "00950"}
# excg_dvsn_cd: 12 was seen for SOR among the open orders; clients of the day's orders do not know it there
EXCHANGE_CODES = {Venue.KRX: "02", Venue.NXT: "21", Venue.SOR: "02"}
OPEN_SOR_EXCHANGE_CODE = "12"
