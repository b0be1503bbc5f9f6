"""KIS's code lists: TR ids, order divisions, result codes. All facts as of 2026-11-23.

Sources: the official repository ``koreainvestment/open-trading-api`` (head 885dd4e, 2026-07-09), the portal's error sheet, and captured
answers. The TR ids of 2025-03 are used: the older ones may be shut off, and one was seen to answer an empty list for a full one.
"""

from collections.abc import Mapping
from enum import StrEnum

from api.domain.enums import Environment, Exchange, OrderType, Side, TimeInForce

TRADING = "/uapi/domestic-stock/v1/trading"
QUOTATIONS = "/uapi/domestic-stock/v1/quotations"
RANKING = "/uapi/domestic-stock/v1/ranking"
FINANCE = "/uapi/domestic-stock/v1/finance"

_LIMIT, _MARKET, _BEST, _TOP, _MIDPOINT = (
    OrderType.LIMIT,
    OrderType.MARKET,
    OrderType.BEST_LIMIT,
    OrderType.TOP_LIMIT,
    OrderType.MIDPOINT,
)
_AFTER_LIMIT, _AFTER_BEST, _AFTER_TOP = (
    OrderType.AFTER_MARKET_LIMIT,
    OrderType.AFTER_MARKET_BEST_LIMIT,
    OrderType.AFTER_MARKET_TOP_LIMIT,
)
_DAY, _IOC, _FOK, _GTP = TimeInForce.DAY, TimeInForce.IOC, TimeInForce.FOK, TimeInForce.GTP
_KRX, _NXT, _SOR = Exchange.KRX, Exchange.NXT, Exchange.SOR


class Tr(StrEnum):
    """TR ids of the real system; `tr_id` gives the one for an environment."""

    BUY = "TTTC0012U"
    SELL = "TTTC0011U"
    CHANGE = "TTTC0013U"
    DAILY_ORDERS = "TTTC0081R"
    OLD_DAILY_ORDERS = "CTSC9215R"
    BUYING_POWER = "TTTC8908R"
    BALANCE = "TTTC8434R"
    PRICE = "FHKST01010100"
    ORDER_BOOK = "FHKST01010200"
    LONG_BARS = "FHKST03010100"
    MINUTES_TODAY = "FHKST03010200"
    PAST_MINUTES = "FHKST03010230"
    SELLABLE = "TTTC8408R"
    VOLUME_RANK = "FHPST01710000"
    FLUCTUATION = "FHPST01700000"
    QUOTE_BALANCE = "FHPST01720000"
    OVERTIME_FLUCTUATION = "FHPST02340000"
    OVERTIME_VOLUME = "FHPST02350000"
    EXPECTED_CHANGE = "FHPST01820000"
    NET_BUYING = "FHPTJ04400000"
    BALANCE_SHEET = "FHKST66430100"
    INCOME_STATEMENT = "FHKST66430200"
    FINANCIAL_RATIO = "FHKST66430300"
    PROFIT_RATIO = "FHKST66430400"
    OTHER_RATIO = "FHKST66430500"
    STABILITY_RATIO = "FHKST66430600"
    GROWTH_RATIO = "FHKST66430800"
    INVESTORS = "FHKST01010900"
    FIRM_OPINIONS = "FHKST663400C0"
    CONDITIONS = "HHKST03900300"
    CONDITION_STOCKS = "HHKST03900400"
    INTEREST_GROUPS = "HHKCM113004C7"
    INTEREST_STOCKS = "HHKCM113004C6"
    OPINIONS = "FHKST663300C0"
    HOLIDAYS = "CTCA0903R"
    STOCK_INFO = "CTPF1002R"
    NOTICES = "H0STCNI0"
    TRADES = "H0STCNT0"


PAPER_NOTICES = "H0STCNI9"
NOTICE_TRS = frozenset({Tr.NOTICES.value, PAPER_NOTICES})


def tr_id(tr: Tr, environment: Environment) -> str:
    """The TR id to send: in paper a first letter T, J or C turns into V; quotes are the same in both.

    The sandbox has accounts of the real kind, so it is asked with the real ids.
    """
    if environment is not Environment.PAPER:
        return tr.value
    if tr is Tr.NOTICES:
        return PAPER_NOTICES
    return "V" + tr.value[1:] if tr.value[0] in "TJC" else tr.value


PLACE_TR: Mapping[Side, Tr] = {Side.BUY: Tr.BUY, Side.SELL: Tr.SELL}

SIDES: Mapping[str, Side] = {"01": Side.SELL, "02": Side.BUY}
"""``SLL_BUY_DVSN_CD`` and ``SELN_BYOV_CLS``."""

ORDER_DIVISIONS: Mapping[tuple[OrderType, TimeInForce], tuple[str, frozenset[Exchange]]] = {
    (_LIMIT, _DAY): ("00", frozenset({_KRX, _NXT, _SOR})),
    (_MARKET, _DAY): ("01", frozenset({_KRX, _SOR})),  # NXT knows no plain market order
    (OrderType.CONDITIONAL_LIMIT, _DAY): ("02", frozenset({_KRX})),
    (_BEST, _DAY): ("03", frozenset({_KRX, _NXT, _SOR})),
    (_TOP, _DAY): ("04", frozenset({_KRX, _NXT, _SOR})),
    (OrderType.PRE_OPEN_CLOSE, _DAY): ("05", frozenset({_KRX})),
    (OrderType.AFTER_CLOSE, _DAY): ("06", frozenset({_KRX})),
    (_LIMIT, _IOC): ("11", frozenset({_KRX, _NXT, _SOR})),
    (_LIMIT, _FOK): ("12", frozenset({_KRX, _NXT, _SOR})),
    (_MARKET, _IOC): ("13", frozenset({_KRX, _NXT, _SOR})),
    (_MARKET, _FOK): ("14", frozenset({_KRX, _NXT, _SOR})),
    (_BEST, _IOC): ("15", frozenset({_KRX, _NXT, _SOR})),
    (_BEST, _FOK): ("16", frozenset({_KRX, _NXT, _SOR})),
    (_MIDPOINT, _DAY): ("21", frozenset({_KRX, _NXT})),
    (_MIDPOINT, _IOC): ("23", frozenset({_KRX, _NXT})),
    (_MIDPOINT, _FOK): ("24", frozenset({_KRX, _NXT})),
    # since 2026-09-14: NXT's pre-market, and KRX's after-market without market orders and ETPs; whether SOR takes them is unsure
    (_LIMIT, _GTP): ("27", frozenset({_NXT})),
    (_BEST, _GTP): ("28", frozenset({_NXT})),
    (_TOP, _GTP): ("29", frozenset({_NXT})),
    (_AFTER_LIMIT, _DAY): ("41", frozenset({_KRX})),
    (_AFTER_LIMIT, _IOC): ("42", frozenset({_KRX})),
    (_AFTER_LIMIT, _FOK): ("43", frozenset({_KRX})),
    (_AFTER_BEST, _DAY): ("44", frozenset({_KRX})),
    (_AFTER_BEST, _IOC): ("45", frozenset({_KRX})),
    (_AFTER_BEST, _FOK): ("46", frozenset({_KRX})),
    (_AFTER_TOP, _DAY): ("47", frozenset({_KRX})),
}
"""``ORD_DVSN`` that Lucy sends, and where it is taken.

Not sent: 07 시간외 단일가 (ended on 2026-09-12), 22 stop-limit (Lucy has no such type).
"""

PAPER_DIVISIONS = frozenset({"00", "01", "02", "03", "04"})
"""What is known to work in paper, at KRX only; whether 05–07 and 11–16 do is unsure, so Lucy does not offer them there."""

ORDER_TYPES: Mapping[str, OrderType] = {
    **{code: order_type for (order_type, _), (code, _) in ORDER_DIVISIONS.items()},
    "07": OrderType.AFTER_HOURS_SINGLE,
}
"""``ORD_DVSN`` as read from lists and notices; others (stop-limit, treasury stock, block trades …) are no types of
Lucy's: they are kept as the broker's text."""

REPLACEABLE = frozenset({OrderType.LIMIT, OrderType.CONDITIONAL_LIMIT, OrderType.AFTER_MARKET_LIMIT})

TOKEN_REFUSED = frozenset({"EGW00121", "EGW00122", "EGW00123"})
"""Token not valid, not found, expired. They come with HTTP 500, by some accounts 401 or 200."""

RATE_REFUSED = frozenset({"EGW00133", "EGW00201", "EGW00215"})
"""One token a minute; calls a second at the gateway; the same at the ledger."""

TOKEN_PAUSE_SECONDS = 60.0
"""``tokenP`` answers once a minute per app key (since 2023-10-27)."""

REFUSAL_PAUSE_SECONDS = 0.25
"""Wait after EGW00201; whether the broker's window slides or follows the calendar second is unsure, so more than once if need be."""

GATEWAY_REFUSED = frozenset(
    {"EGW00003", "EGW00004", "EGW00115", "EGW00116", "EGW00213", "EGW00303", "EGW00304", "EGW02004", "EGW02006"}
    | {f"EGW00{number}" for number in (*range(101, 106), *range(124, 133), *range(205, 211))}
    | {"IGW00007", "OPSQ0002", "OPSQ2000", "OPSQ2001", "OPSQ2002"}
)
"""The gateway or the inquiry server would not take the request, whatever the HTTP status: access, keys, headers, wrong environment, a body
that could not be turned into a message (IGW00007)."""

OUTCOME_OPEN = frozenset({"EGW00001", "EGW00002", "EGW00202", "EGW00203", "EGW00300", "EGW00301", "EGW00302", "IGW00009"})
"""Temporary and server errors, routing errors, time-outs behind the gateway, an answer that could not be built: the request may have been
carried out. The sheet on 00301 and 00302: check the previous transaction before anything else. On 00202, 00203 and 00300 it says no more
than "routing error", so they are read as open too."""

NOTHING_FOUND = "70070000"
"""``msg_cd`` of an empty list, with ``rt_cd`` 0 (paper)."""

NO_STOCK_FOUND = "MCA05918"
"""``msg_cd`` of ``psearch-result`` where a saved search finds nothing (its docstring in the official repository)."""

AUCTION_EXPECTED = frozenset({"311", "121"})
"""``antc_mkop_cls_code`` while an auction collects orders: 311 started (portal), 121 seen at the close; 112 is ended, and then the expected
price and volume of the last auction stay in the answer."""

SUBSCRIBED = "OPSP0000"
ALREADY_SUBSCRIBED = "OPSP0002"
UNSUBSCRIBED = frozenset({"OPSP0001", "OPSP0003"})
"""Done, or there was nothing to do."""

NO_SLOT_LEFT = "OPSP0008"
BAD_APPROVAL = frozenset({"OPSP0011", "OPSP0010", "OPSP9994", "OPSP9996"})
KEY_IN_USE = "OPSP8996"
STREAM_REFUSED = frozenset({"OPSP0017", "OPSP8991", "OPSP8992", "OPSP8993"})
"""Wrong HTS id, TR id or key: repeating does not help."""
