"""The closed word lists of trading, named after FIX.

The string values are wire values: they stand in the API, in MongoDB and in events, and never change.
"""

from enum import StrEnum


class Side(StrEnum):
    """FIX Side (54)."""

    BUY = "buy"
    SELL = "sell"


class OrderType(StrEnum):
    """FIX OrdType (40), with the order types that KRX adds.

    ``conditional_limit`` 조건부지정가 turns into a market order at the closing auction; ``best_limit`` 최유리지정가 takes the
    best price of the other side as its limit; ``top_limit`` 최우선지정가 that of its own side; ``midpoint`` 중간가;
    ``pre_open_close`` 장전 시간외 and ``after_close`` 장후 시간외 trade at a closing price; ``after_hours_single`` 시간외 단일가 (until
    2026-09-12); ``after_market_…`` are the limit types of KRX's after-market (16:00-20:00 since 2026-09-14).
    """

    LIMIT = "limit"
    MARKET = "market"
    CONDITIONAL_LIMIT = "conditional_limit"
    BEST_LIMIT = "best_limit"
    TOP_LIMIT = "top_limit"
    MIDPOINT = "midpoint"
    PRE_OPEN_CLOSE = "pre_open_close"
    AFTER_CLOSE = "after_close"
    AFTER_HOURS_SINGLE = "after_hours_single"
    AFTER_MARKET_LIMIT = "after_market_limit"
    AFTER_MARKET_BEST_LIMIT = "after_market_best_limit"
    AFTER_MARKET_TOP_LIMIT = "after_market_top_limit"


PRICED_ORDER_TYPES = frozenset({OrderType.LIMIT, OrderType.CONDITIONAL_LIMIT, OrderType.AFTER_HOURS_SINGLE, OrderType.AFTER_MARKET_LIMIT})
"""Order types that carry a limit price; all others carry none."""


class TimeInForce(StrEnum):
    """FIX TimeInForce (59), with ``gtp``: until the end of NXT's pre-market (08:50), when the rest is canceled."""

    DAY = "day"
    IOC = "ioc"
    FOK = "fok"
    GTP = "gtp"


class Exchange(StrEnum):
    """Where an order may be executed: KRX, the alternative venue NXT, or the broker's smart order routing."""

    KRX = "KRX"
    NXT = "NXT"
    SOR = "SOR"


class OrderStatus(StrEnum):
    """FIX OrdStatus (39), with ``unknown``: sent, outcome not known."""

    PENDING_NEW = "pending_new"
    UNKNOWN = "unknown"
    NEW = "new"
    PARTIALLY_FILLED = "partially_filled"
    FILLED = "filled"
    PENDING_CANCEL = "pending_cancel"
    PENDING_REPLACE = "pending_replace"
    CANCELED = "canceled"
    REJECTED = "rejected"
    EXPIRED = "expired"


class ExecutionType(StrEnum):
    """FIX ExecType (150): what happened to an order."""

    PENDING_NEW = "pending_new"
    NEW = "new"
    TRADE = "trade"
    TRADE_CANCEL = "trade_cancel"
    TRADE_CORRECT = "trade_correct"
    PENDING_CANCEL = "pending_cancel"
    CANCELED = "canceled"
    PENDING_REPLACE = "pending_replace"
    REPLACED = "replaced"
    REJECTED = "rejected"
    EXPIRED = "expired"
    CANCEL_REJECTED = "cancel_rejected"
    REPLACE_REJECTED = "replace_rejected"
    UNKNOWN = "unknown"
    ORDER_STATUS = "order_status"


class FillSource(StrEnum):
    """Who told of a fill: the broker's websocket notice or its order inquiry."""

    STREAM = "stream"
    RECONCILIATION = "reconciliation"


class OrderOrigin(StrEnum):
    """Where an order was entered."""

    API = "api"
    EXTERNAL = "external"


class CandleInterval(StrEnum):
    """Length of a bar of a price chart."""

    MINUTE = "1m"
    DAY = "1d"
    WEEK = "1w"
    MONTH = "1mo"
    YEAR = "1y"


class RankingKind(StrEnum):
    """What instruments are ranked by today.

    Shares traded, won traded, the change against the reference price, up or down; the growth of the volume against the day before; shares
    wanted beyond those offered in the order book, and the other way round; change and volume after hours; the change that the coming
    auction is expected to bring; net buying by foreigners and by institutions.
    """

    VOLUME = "volume"
    TURNOVER = "turnover"
    GAINERS = "gainers"
    LOSERS = "losers"
    VOLUME_SURGE = "volume_surge"
    BID_BALANCE = "bid_balance"
    ASK_BALANCE = "ask_balance"
    AFTER_HOURS_GAINERS = "after_hours_gainers"
    AFTER_HOURS_LOSERS = "after_hours_losers"
    AFTER_HOURS_VOLUME = "after_hours_volume"
    EXPECTED_GAINERS = "expected_gainers"
    EXPECTED_LOSERS = "expected_losers"
    FOREIGN_NET_BUYING = "foreign_net_buying"
    INSTITUTION_NET_BUYING = "institution_net_buying"


class Broker(StrEnum):
    """The brokers that Lucy has an adapter for."""

    KIS = "kis"
    LS = "ls"


class Environment(StrEnum):
    """Which of a broker's systems an account lives in; ``sandbox`` is Lucy's own market behind the broker's protocol."""

    SANDBOX = "sandbox"
    PAPER = "paper"
    REAL = "real"


class Permission(StrEnum):
    """What a member may do at a broker account; each includes those before it."""

    VIEW = "view"
    TRADE = "trade"
    MANAGE = "manage"


class Role(StrEnum):
    """What a user may do in Lucy as a whole."""

    VIEWER = "viewer"
    TRADER = "trader"
    ADMIN = "admin"


class TradingState(StrEnum):
    """``active``; ``reducing``: only orders that shrink a position; ``halted``: nothing leaves."""

    ACTIVE = "active"
    REDUCING = "reducing"
    HALTED = "halted"


class StreamState(StrEnum):
    """State of an account's execution stream."""

    STOPPED = "stopped"
    CONNECTING = "connecting"
    LIVE = "live"
    RECONNECTING = "reconnecting"
