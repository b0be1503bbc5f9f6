"""What goes over the wire, in LS's own names and spellings.

Whole numbers are JSON numbers and decimals are text in REST answers, and everything is text in websocket frames; `Number` takes either.
Answers may hold more than is listed here.
"""

from msgspec import Raw, Struct

Number = int | float | str


class NewOrderBlock(Struct, frozen=True, kw_only=True):
    """``CSPAT00601InBlock1``. ``IsuNo`` is ``A`` + code: paper requires it, the real server takes both. ``OrdPrc`` is 0 without a price."""

    IsuNo: str
    OrdQty: int
    OrdPrc: int
    BnsTpCode: str
    OrdprcPtnCode: str
    OrdCndiTpCode: str
    MbrNo: str
    MgntrnCode: str = "000"
    LoanDt: str = ""


class ReplaceBlock(Struct, frozen=True, kw_only=True):
    """``CSPAT00701InBlock1``. ``OrdQty`` may be no more than is open."""

    OrgOrdNo: int
    IsuNo: str
    OrdQty: int
    OrdprcPtnCode: str
    OrdCndiTpCode: str
    OrdPrc: int


class CancelBlock(Struct, frozen=True, kw_only=True):
    """``CSPAT00801InBlock1``. There is no "all": ``OrdQty`` says how many."""

    OrgOrdNo: int
    IsuNo: str
    OrdQty: int


class OrderTaken(Struct, frozen=True, kw_only=True):
    """``OutBlock2`` of the three order TRs. ``OrdTime`` is HHMMSSmmm, KST."""

    OrdNo: Number = 0
    OrdTime: Number | None = None


class OrdersBlock(Struct, frozen=True, kw_only=True):
    """``t0425InBlock``: all orders of today, oldest first."""

    cts_ordno: str
    expcode: str = ""
    chegb: str = "0"
    medosu: str = "0"
    sortgb: str = "2"


class OrdersTotal(Struct, frozen=True, kw_only=True):
    """``t0425OutBlock``: shares ordered and executed, won sold (``tmdamt``) and bought (``tmsamt``)."""

    tqty: Number = 0
    tcheqty: Number | None = None
    tmdamt: Number | None = None
    tmsamt: Number | None = None
    cts_ordno: Number = ""


class OrderRow(Struct, frozen=True, kw_only=True):
    """A row of ``t0425OutBlock1``: one order number. ``ordtime`` is HHMMSScc."""

    ordno: Number
    expcode: str
    medosu: str
    qty: Number
    price: Number
    cheqty: Number
    cheprice: Number
    ordrem: Number
    cfmqty: Number
    orgordno: Number
    ordtime: Number
    status: str = ""
    hogagb: str = ""
    exchname: str = ""


class HoldingsBlock(Struct, frozen=True, kw_only=True):
    """``t0424InBlock``: average price, trade basis, regular session, without costs."""

    cts_expcode: str
    prcgb: str = "1"
    chegb: str = "2"
    dangb: str = "0"
    charge: str = "0"


class HoldingsTotal(Struct, frozen=True, kw_only=True):
    """``t0424OutBlock``."""

    cts_expcode: str = ""


class HoldingRow(Struct, frozen=True, kw_only=True):
    """A row of ``t0424OutBlock1``; ``expcode`` is the short code here. ``jangb`` and ``loandt`` tell credit positions apart."""

    expcode: str
    janqty: Number
    mdposqt: Number
    pamt: Number
    mamt: Number
    hname: str
    price: Number
    appamt: Number
    dtsunik: Number
    jangb: str = ""
    loandt: str = ""


class DepositBlock(Struct, frozen=True, kw_only=True):
    """``CSPAQ12200InBlock1``."""

    BalCreTp: str = "0"


class Deposit(Struct, frozen=True, kw_only=True):
    """``CSPAQ12200OutBlock2``, won.

    Since 2026-04 ``RcvblUablOrdAbleAmt`` is what can be ordered without 미수 (unpaid credit), and ``MgnRat100pctOrdAbleAmt``, which said
    that before, includes it.
    """

    Dps: Number
    D2Dps: Number
    MgnRat100pctOrdAbleAmt: Number
    RcvblUablOrdAbleAmt: Number | None = None


class BuyableBlock(Struct, frozen=True, kw_only=True):
    """``CSPBQ00200InBlock1``."""

    BnsTpCode: str
    IsuNo: str
    OrdPrc: int


class Buyable(Struct, frozen=True, kw_only=True):
    """``CSPBQ00200OutBlock2``: with all of the price paid in cash, whatever the margin rate of the stock or the account is."""

    MgnRat100MnyOrdAbleAmt: Number
    MgnRat100MnyOrdAbleQty: Number


class PriceBlock(Struct, frozen=True, kw_only=True):
    """``t1102InBlock``; ``exchgubun`` K is KRX."""

    shcode: str
    exchgubun: str = "K"


class Price(Struct, frozen=True, kw_only=True):
    """``t1102OutBlock``. ``change`` has no sign, ``sign`` tells it; ``diff`` has one. ``value`` is in millions of won."""

    price: Number
    sign: str
    change: Number
    diff: Number
    open: Number
    high: Number
    low: Number
    uplmtprice: Number
    dnlmtprice: Number
    recprice: Number
    volume: Number
    value: Number


class MarketBlock(Struct, frozen=True, kw_only=True):
    """``t8436InBlock`` and ``t9945InBlock``; 0 all (t8436 only), 1 KOSPI, 2 KOSDAQ."""

    gubun: str


class InstrumentRow(Struct, frozen=True, kw_only=True):
    """A row of ``t8436OutBlock``. ``expcode`` is the ISIN; ``hname`` is cut at 20 bytes; ``memedan`` is the lot."""

    hname: str
    shcode: str
    expcode: str
    etfgubun: str
    uplmtprice: Number
    dnlmtprice: Number
    recprice: Number
    memedan: Number
    gubun: str


class InstrumentName(Struct, frozen=True, kw_only=True):
    """A row of ``t9945OutBlock``; ``hname`` has 40 bytes. ``nxt_chk`` 1: may be traded at NXT too, 0: not."""

    hname: str
    shcode: str
    nxt_chk: str = ""


class TokenAnswer(Struct, frozen=True, kw_only=True):
    """Answer of ``/oauth2/token``."""

    access_token: str
    expires_in: Number | None = None


class RegisterHeader(Struct, frozen=True, kw_only=True):
    """The token goes without ``Bearer``."""

    token: str
    tr_type: str


class RegisterBody(Struct, frozen=True, kw_only=True):
    """``tr_key`` is empty for account events."""

    tr_cd: str
    tr_key: str = ""


class Register(Struct, frozen=True, kw_only=True):
    """A websocket request."""

    header: RegisterHeader
    body: RegisterBody


class FrameHeader(Struct, frozen=True, kw_only=True):
    """An acknowledgement has ``rsp_cd`` and, for account events, a null ``tr_cd``; an event has ``tr_cd`` alone."""

    tr_cd: str | None = None
    rsp_cd: str | None = None
    rsp_msg: str | None = None


class Frame(Struct, frozen=True, kw_only=True):
    """A websocket text. ``trading_day`` is added by `stream.py`: events tell the time without the day. The body may be null."""

    header: FrameHeader
    body: Raw = Raw(b"null")
    trading_day: str = ""


class AcceptedBody(Struct, frozen=True, kw_only=True):
    """Body of SC0, as far as it is read. ``ordchegb`` 01 new, 02 modify, 03 cancel; ``ordtm`` is HHMMSSmmm."""

    ordchegb: str
    accno: str
    shtcode: str
    ordno: Number
    orgordno: Number
    ordqty: Number
    ordprice: Number
    bnstp: str
    ordtm: Number
    etfhogagb: str = ""


class ExecutionBody(Struct, frozen=True, kw_only=True):
    """Body of SC1 to SC4, as far as it is read; one layout for the four. ``exectime`` is HHMMSSmmm."""

    ordxctptncode: str
    accno: str
    shtnIsuno: str
    ordno: Number
    orgordno: Number
    execno: Number
    ordqty: Number
    ordprc: Number
    execqty: Number
    execprc: Number
    mdfycnfqty: Number
    mdfycnfprc: Number
    canccnfqty: Number
    rjtqty: Number
    unercqty: Number
    bnstp: str
    exectime: Number
    ordprcptncode: str = ""
    msgcode: str = ""
