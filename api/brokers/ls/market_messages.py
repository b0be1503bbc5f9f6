"""What goes over the wire of LS's market inquiries, in its own names; see `messages` for the forms of values."""

from msgspec import Struct

from api.brokers.ls.messages import Number

PAGE_ROWS = 500
"""Most bars of an answer without compression, which the Open API does not offer."""


class BookBlock(Struct, frozen=True, kw_only=True):
    """``t1101InBlock``."""

    shcode: str


class BookTotals(Struct, frozen=True, kw_only=True):
    """``t1101OutBlock`` without its ten steps a side. ``hotime`` is HHMMSScc; ``ho_status`` 1 is the continuous session."""

    offer: Number
    bid: Number
    hotime: Number
    yeprice: Number
    yevolume: Number
    ho_status: str


class LongBarsBlock(Struct, frozen=True, kw_only=True):
    """``t8410InBlock``. ``gubun`` 2 day, 3 week, 4 month, 5 year; dates YYYYMMDD; ``sujung`` Y: adjusted prices."""

    shcode: str
    gubun: str
    sdate: str
    edate: str
    cts_date: str = ""
    qrycnt: int = PAGE_ROWS
    comp_yn: str = "N"
    sujung: str = "Y"


class MinuteBarsBlock(Struct, frozen=True, kw_only=True):
    """``t8412InBlock``: minutes of one. ``stime`` and ``etime`` are not in use at LS."""

    shcode: str
    sdate: str
    edate: str
    cts_date: str = ""
    cts_time: str = ""
    ncnt: int = 1
    qrycnt: int = PAGE_ROWS
    nday: str = "0"
    stime: str = ""
    etime: str = ""
    comp_yn: str = "N"


class BarsCursor(Struct, frozen=True, kw_only=True):
    """``OutBlock`` of both charts: what to ask for next, blank at the end."""

    cts_date: str = ""
    cts_time: str = ""


class BarRow(Struct, frozen=True, kw_only=True):
    """A row of both charts. ``value`` is in millions of won; ``time``, of minutes only, is HHMMSS of the bar's *end*."""

    date: str
    open: Number
    high: Number
    low: Number
    close: Number
    jdiff_vol: Number
    value: Number
    time: str = ""


class TopVolumeBlock(Struct, frozen=True, kw_only=True):
    """``t1452InBlock``: all markets, today (which is 1 here and 0 in the others), nothing left out."""

    gubun: str = "0"
    jnilgubun: str = "1"
    sdiff: int = 0
    ediff: int = 0
    jc_num: int = 0
    sprice: int = 0
    eprice: int = 0
    volume: int = 0
    idx: int = 0


class TopTurnoverBlock(Struct, frozen=True, kw_only=True):
    """``t1463InBlock``: all markets, today, KRX, nothing left out."""

    gubun: str = "0"
    jnilgubun: str = "0"
    jc_num: int = 0
    sprice: int = 0
    eprice: int = 0
    volume: int = 0
    idx: int = 0
    jc_num2: int = 0
    exchgubun: str = "K"


class TopChangeBlock(Struct, frozen=True, kw_only=True):
    """``t1441InBlock``: all markets, today, KRX, nothing left out. ``gubun2`` 0 up, 1 down."""

    gubun2: str
    gubun1: str = "0"
    gubun3: str = "0"
    jc_num: int = 0
    sprice: int = 0
    eprice: int = 0
    volume: int = 0
    idx: int = 0
    jc_num2: int = 0
    exchgubun: str = "K"


class RankRow(Struct, frozen=True, kw_only=True):
    """A row of the rankings. ``hname`` is cut at 20 bytes; ``value`` is in millions of won and missing in t1452."""

    hname: str
    price: Number
    sign: str
    change: Number
    diff: Number
    volume: Number
    shcode: str
    value: Number | None = None


class HistoryBlock(Struct, frozen=True, kw_only=True):
    """``CSPAQ13700InBlock1``: what was executed today, all markets, newest order first from ``SrtOrdNo2`` (999999999: the newest)."""

    SrtOrdNo2: int = 999_999_999
    OrdMktCode: str = "00"
    BnsTpCode: str = "0"
    IsuNo: str = ""
    ExecYn: str = "1"
    OrdDt: str = ""
    BkseqTpCode: str = "0"
    OrdPtnCode: str = "00"


class HistoryTotals(Struct, frozen=True, kw_only=True):
    """``CSPAQ13700OutBlock2``: won and shares executed, over the whole selection and not the page (the guide's example has totals with no
    row at all).
    """

    SellExecAmt: Number
    BuyExecAmt: Number
    SellExecQty: Number
    BuyExecQty: Number


class HistoryRow(Struct, frozen=True, kw_only=True):
    """A row of ``CSPAQ13700OutBlock3``. ``ExecPrc`` has two decimals."""

    OrdNo: Number
    ExecQty: Number
    ExecPrc: Number
