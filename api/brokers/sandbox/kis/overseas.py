"""The overseas side of an account, which the sandbox does not trade: empty lists, as for an account that never bought abroad.

Clients ask for it beside the Korean side (python-kis for each balance and each list of orders without a country), and take a refusal for
a failure of the whole. Source of ids and fields: koreainvestment/open-trading-api, ``examples_llm/overseas_stock``.
"""

from __future__ import annotations

from aiohttp import web

from ..doors import Doors
from ..model import Account
from .query import DONE_TEXT, Query
from .wire import Row, page_mark, reply

_CONTEXT_WIDTH = 200
_TOTALS = (
    "frcr_pchs_amt1", "ovrs_rlzt_pfls_amt", "ovrs_tot_pfls", "rlzt_erng_rt", "tot_evlu_pfls_amt", "tot_pftrt",
    "frcr_buy_amt_smtl1", "ovrs_rlzt_pfls_amt2", "frcr_buy_amt_smtl2",
)  # fmt: skip
_PRESENT_TOTALS = (
    "pchs_amt_smtl", "evlu_amt_smtl", "evlu_pfls_amt_smtl", "dncl_amt", "cma_evlu_amt", "tot_dncl_amt", "etc_mgna",
    "wdrw_psbl_tot_amt", "frcr_evlu_tota", "evlu_erng_rt1", "pchs_amt_smtl_amt", "evlu_amt_smtl_amt", "tot_evlu_pfls_amt",
    "tot_asst_amt", "buy_mgn_amt", "mgna_tota", "frcr_use_psbl_amt", "ustl_sll_amt_smtl", "ustl_buy_amt_smtl",
    "tot_frcr_cblc_smtl", "tot_loan_amt",
)  # fmt: skip


def balance(_: Doors, account: Account, tr_id: str, request: web.Request) -> web.Response:
    """inquire-balance: no holdings."""
    return _answer(account, tr_id, request, {"output1": [], "output2": _zeros(_TOTALS)})


def present_balance(_: Doors, account: Account, tr_id: str, request: web.Request) -> web.Response:
    """inquire-present-balance: no holdings, no currencies."""
    return _answer(account, tr_id, request, {"output1": [], "output2": [], "output3": _zeros(_PRESENT_TOTALS)})


def orders(_: Doors, account: Account, tr_id: str, request: web.Request) -> web.Response:
    """inquire-nccs and inquire-ccnl: no orders."""
    return _answer(account, tr_id, request, {"output": []})


def _zeros(names: tuple[str, ...]) -> Row:
    return dict.fromkeys(names, "0")


def _answer(account: Account, tr_id: str, request: web.Request, outputs: dict[str, object]) -> web.Response:
    query = Query(request, account)
    asked = "!^".join(query.values())[: _CONTEXT_WIDTH - 1]
    keys = {"ctx_area_fk200": asked.ljust(_CONTEXT_WIDTH), "ctx_area_nk200": " " * _CONTEXT_WIDTH}
    body = {**keys, **outputs, "rt_cd": "0", "msg_cd": "KIOK0510", "msg1": DONE_TEXT}  # the code of an empty list is unsure
    return reply(tr_id, body, tr_cont=page_mark(is_first=True, has_more=False))
