"""What goes over the wire, in KIS's own names. Every value is text, also numbers.

Answers are read with lower-case names whatever the case on the wire (order acknowledgements come in upper case), and may hold more
than is listed here.
"""

from msgspec import Struct, field


class OrderCash(Struct, frozen=True, kw_only=True, rename="upper"):
    """Body of ``order-cash``. The side is in the TR id alone. All published keys are sent: leaving some out has been refused (IGW00007)."""

    cano: str
    acnt_prdt_cd: str
    pdno: str
    ord_dvsn: str
    ord_qty: str
    ord_unpr: str
    excg_id_dvsn_cd: str
    sll_type: str = ""
    cndt_pric: str = ""


class OrderChange(Struct, frozen=True, kw_only=True, rename="upper"):
    """Body of ``order-rvsecncl``; ``rvse_cncl_dvsn_cd`` 01 changes, 02 cancels."""

    cano: str
    acnt_prdt_cd: str
    krx_fwdg_ord_orgno: str
    orgn_odno: str
    ord_dvsn: str
    rvse_cncl_dvsn_cd: str
    ord_qty: str
    ord_unpr: str
    qty_all_ord_yn: str
    cndt_pric: str = ""
    excg_id_dvsn_cd: str = "KRX"


class OrderTaken(Struct, frozen=True, kw_only=True):
    """``output`` of both order calls. ``ord_tmd`` is HHMMSS, KST."""

    odno: str
    krx_fwdg_ord_orgno: str = ""
    ord_tmd: str = ""


class DailyOrder(Struct, frozen=True, kw_only=True):
    """A row of ``inquire-daily-ccld`` ``output1``: one order number, its executions added up."""

    ord_dt: str
    ord_tmd: str
    odno: str
    orgn_odno: str
    sll_buy_dvsn_cd: str
    pdno: str
    ord_qty: str
    ord_unpr: str
    tot_ccld_qty: str
    tot_ccld_amt: str
    rmn_qty: str
    cncl_cfrm_qty: str
    rjct_qty: str
    ord_gno_brno: str = ""
    sll_buy_dvsn_cd_name: str = ""
    ord_dvsn_cd: str = ""
    excg_id_dvsn_cd: str = ""


class DailyTotal(Struct, frozen=True, kw_only=True):
    """``output2`` of ``inquire-daily-ccld``."""

    tot_ord_qty: str = "0"


class Holding(Struct, frozen=True, kw_only=True):
    """A row of ``inquire-balance`` ``output1``. ``pchs_avg_pric`` has four decimals."""

    pdno: str
    prdt_name: str
    hldg_qty: str
    ord_psbl_qty: str
    pchs_avg_pric: str
    pchs_amt: str
    prpr: str
    evlu_amt: str
    evlu_pfls_amt: str


class BalanceTotal(Struct, frozen=True, kw_only=True):
    """The one element of ``inquire-balance`` ``output2``, won."""

    dnca_tot_amt: str
    prvs_rcdl_excc_amt: str
    scts_evlu_amt: str
    pchs_amt_smtl_amt: str
    evlu_pfls_smtl_amt: str


class Buyable(Struct, frozen=True, kw_only=True):
    """``output`` of ``inquire-psbl-order``: without borrowing."""

    nrcvb_buy_amt: str
    nrcvb_buy_qty: str


class Price(Struct, frozen=True, kw_only=True):
    """``output`` of ``inquire-price``; ``prdy_vrss`` is signed already, and there is no name."""

    stck_prpr: str
    prdy_vrss: str
    prdy_ctrt: str
    stck_oprc: str
    stck_hgpr: str
    stck_lwpr: str
    stck_mxpr: str
    stck_llam: str
    stck_sdpr: str
    acml_vol: str
    acml_tr_pbmn: str


class SubscribeHeader(Struct, frozen=True, kw_only=True):
    """``tr_type`` 1 subscribes, 2 unsubscribes."""

    approval_key: str
    custtype: str
    tr_type: str
    content_type: str = field(name="content-type", default="utf-8")


class SubscribeInput(Struct, frozen=True, kw_only=True):
    """``tr_key`` is the HTS id for notices, case-sensitive, and the symbol for trades."""

    tr_id: str
    tr_key: str


class SubscribeBody(Struct, frozen=True, kw_only=True):
    """Wraps the input, as KIS wants it."""

    input: SubscribeInput


class Subscribe(Struct, frozen=True, kw_only=True):
    """A websocket request."""

    header: SubscribeHeader
    body: SubscribeBody


class ControlHeader(Struct, frozen=True, kw_only=True):
    """``tr_id`` may be the literal ``(null)`` in an error; ``tr_key`` is a symbol, or the HTS id."""

    tr_id: str = ""
    tr_key: str = ""


class CipherParts(Struct, frozen=True, kw_only=True):
    """AES-256 material of one subscription, as text: key 32 characters, iv 16."""

    iv: str = ""
    key: str = ""


class ControlBody(Struct, frozen=True, kw_only=True):
    """Outcome of a websocket request."""

    rt_cd: str = ""
    msg_cd: str = ""
    msg1: str = ""
    output: CipherParts | None = None


class Control(Struct, frozen=True, kw_only=True):
    """A JSON text from the websocket server: an acknowledgement, an error or a heartbeat (``PINGPONG``, no body)."""

    header: ControlHeader
    body: ControlBody | None = None
