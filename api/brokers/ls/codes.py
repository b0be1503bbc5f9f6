"""LS's TR codes and code lists, as tables.

Sources: the LS Open API guide (openapi.ls-sec.co.kr, as scraped 2025-12 and 2026-06), frames and answers captured at the real server (2024)
and the paper server (2024-2026).
"""

from collections.abc import Mapping
from enum import StrEnum

from api.domain.enums import Broker, Environment, Exchange, OrderType, Side, TimeInForce

LS = Broker.LS.value

TOKEN_PATH = "/oauth2/token"
REVOKE_PATH = "/oauth2/revoke"
WEBSOCKET_PATH = "/websocket"

_LIMIT, _MARKET, _BEST, _TOP, _MIDPOINT = (
    OrderType.LIMIT,
    OrderType.MARKET,
    OrderType.BEST_LIMIT,
    OrderType.TOP_LIMIT,
    OrderType.MIDPOINT,
)
_DAY, _IOC, _FOK = TimeInForce.DAY, TimeInForce.IOC, TimeInForce.FOK
_KRX, _NXT = Exchange.KRX, Exchange.NXT


class Tr(StrEnum):
    """TR codes; the same at the real and the paper server, where the app key tells the environment."""

    PLACE = "CSPAT00601"
    REPLACE = "CSPAT00701"
    CANCEL = "CSPAT00801"
    ORDERS = "t0425"
    HOLDINGS = "t0424"
    DEPOSIT = "CSPAQ12200"
    BUYING_POWER = "CSPBQ00200"
    PRICE = "t1102"
    INSTRUMENTS = "t8436"
    INSTRUMENT_NAMES = "t9945"
    HISTORY = "CSPAQ13700"
    ORDER_BOOK = "t1101"
    LONG_BARS = "t8410"
    MINUTE_BARS = "t8412"
    TOP_VOLUME = "t1452"
    TOP_TURNOVER = "t1463"
    TOP_CHANGE = "t1441"

    @property
    def path(self) -> str:
        """Path of the TR's group."""
        return _PATHS[self]

    @property
    def in_block(self) -> str:
        """Name of the block that wraps the request: t-series ``InBlock``, C-series ``InBlock1``."""
        return f"{self}InBlock" if self.startswith("t") else f"{self}InBlock1"

    def out_block(self, number: int = 0) -> str:
        """Name of an answer's block; number 0 is the plain ``OutBlock``."""
        return f"{self}OutBlock{number or ''}"


_PATHS: Mapping[Tr, str] = {
    Tr.PLACE: "/stock/order",
    Tr.REPLACE: "/stock/order",
    Tr.CANCEL: "/stock/order",
    Tr.ORDERS: "/stock/accno",
    Tr.HOLDINGS: "/stock/accno",
    Tr.DEPOSIT: "/stock/accno",
    Tr.BUYING_POWER: "/stock/accno",
    Tr.PRICE: "/stock/market-data",
    Tr.INSTRUMENTS: "/stock/etc",
    Tr.INSTRUMENT_NAMES: "/stock/market-data",
    Tr.HISTORY: "/stock/accno",
    Tr.ORDER_BOOK: "/stock/market-data",
    Tr.LONG_BARS: "/stock/chart",
    Tr.MINUTE_BARS: "/stock/chart",
    Tr.TOP_VOLUME: "/stock/high-item",
    Tr.TOP_TURNOVER: "/stock/high-item",
    Tr.TOP_CHANGE: "/stock/high-item",
}

SIDES: Mapping[str, Side] = {"1": Side.SELL, "2": Side.BUY}
"""``BnsTpCode`` and ``bnstp``."""

SIDE_CODES: Mapping[Side, str] = {side: code for code, side in SIDES.items()}

SIDE_WORDS: Mapping[str, Side] = {"매도": Side.SELL, "매수": Side.BUY}
"""What ``medosu`` of t0425 starts with; 정정 or 취소 may follow."""

PRICE_TYPES: Mapping[OrderType, str] = {
    _LIMIT: "00",
    _MARKET: "03",
    OrderType.CONDITIONAL_LIMIT: "05",
    _BEST: "06",
    _TOP: "07",
    _MIDPOINT: "12",
    OrderType.PRE_OPEN_CLOSE: "61",
    OrderType.AFTER_CLOSE: "81",
    OrderType.AFTER_HOURS_SINGLE: "82",
}
"""``OrdprcPtnCode``. 12 is for new orders only."""

ORDER_TYPES: Mapping[str, OrderType] = {
    **{code: order_type for order_type, code in PRICE_TYPES.items()},
    "10": _LIMIT,
    "13": _MARKET,
    "16": _BEST,
    "20": _LIMIT,
    "23": _MARKET,
    "26": _BEST,
}
"""Price types as read (``hogagb`` of t0425, ``etfhogagb`` of SC0, ``ordprcptncode`` of SC1-SC4). The second group are IOC (1x) and FOK (2x)
variants: 13, 16 and 26 are in LS's lists, 10, 20 and 23 follow their pattern."""

CONDITIONS: Mapping[TimeInForce, str] = {_DAY: "0", _IOC: "1", _FOK: "2"}
"""``OrdCndiTpCode``."""

VENUES: Mapping[Exchange, str] = {_KRX: "KRX", _NXT: "NXT"}
"""``MbrNo`` and ``exchname``. LS documents no smart order routing, and takes any other value as KRX."""

EXCHANGES: Mapping[str, Exchange] = {code: exchange for exchange, code in VENUES.items()}

_EVERY_CONDITION = (_DAY, _IOC, _FOK)

_ORDER_KINDS = frozenset(
    [(_LIMIT, condition, venue) for condition in _EVERY_CONDITION for venue in (_KRX, _NXT)]
    + [(_BEST, condition, venue) for condition in _EVERY_CONDITION for venue in (_KRX, _NXT)]
    + [(_MIDPOINT, condition, venue) for condition in _EVERY_CONDITION for venue in (_KRX, _NXT)]
    + [(_MARKET, condition, _KRX) for condition in _EVERY_CONDITION]
    + [(_MARKET, condition, _NXT) for condition in (_IOC, _FOK)]  # NXT knows no plain market order
    + [(_TOP, _DAY, venue) for venue in (_KRX, _NXT)]
    + [(order_type, _DAY, _KRX) for order_type in (OrderType.CONDITIONAL_LIMIT, OrderType.PRE_OPEN_CLOSE, OrderType.AFTER_CLOSE)]
)
"""What Lucy sends: LS's codes crossed with what the venues take (KRX and NXT rules of 2026). 82 시간외 단일가 ended on 2026-09-12."""

ORDER_KINDS: Mapping[Environment, frozenset[tuple[OrderType, TimeInForce, Exchange]]] = {
    Environment.REAL: _ORDER_KINDS,
    Environment.SANDBOX: _ORDER_KINDS,
    # whether paper routes to NXT is unsure, and an unknown venue silently means KRX: so it is not offered
    Environment.PAPER: frozenset(kind for kind in _ORDER_KINDS if kind[2] is _KRX),
}

REPLACEABLE = frozenset({_LIMIT, OrderType.CONDITIONAL_LIMIT})

SUCCESS_PREFIX = "00"
"""``rsp_cd`` of all that was not refused: 00000, 00039 sell, 00040 buy, 00132 and 00462 modify, 00156 and 00463 cancel, 00136 inquiry …"""

EMPTY_LIST = frozenset({"00000", "00200", "00707", "00009"})
"""Codes with which the blocks of a t-series list may be missing: there is nothing. t0425 says 00000; the others say it in words."""

TOKEN_REFUSED = frozenset({"IGW00121", "IGW00122", "IGW00123"})
"""Token not valid, not found, expired. They come with HTTP 500, by some accounts 401, 403 or 200."""

RATE_REFUSED = frozenset({"IGW00201"})
"""호출 거래건수를 초과하였습니다: HTTP 500."""

GATEWAY_REFUSED = frozenset({"IGW00103", "IGW00105", "IGW00215", "IGW40011", "IGW50004"})
"""The gateway would not take the request, whatever the HTTP status: app key, app secret, TR code, wrong JSON type, wrong block wrapping.

Any other IGW code (40013 query failed, 40014 value or serialisation error, 50008 routing error, 00124-00126 session keys …) does not prove
that nothing was done: for an order its outcome is open.
"""

QUANTITY_TOO_LARGE = frozenset({"01442", "02661"})
"""A modify (01442, seen at paper) or cancel (02661, an old code list) asked for more than is open: a fill came in between."""

ACK_OK = "00000"

NOTICE_TRS = frozenset({"SC0", "SC1", "SC2", "SC3", "SC4"})
REGISTERED_TR = "SC0"
"""Registering any one of the five turns on all of them."""

REGISTER = "1"
"""``tr_type`` of account events. Sent with ``3`` (market data) they would be acknowledged and never come."""
