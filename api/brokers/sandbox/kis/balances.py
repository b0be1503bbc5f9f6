"""Account inquiries: buying power, sellable quantity, balance."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web

from .. import settlement
from ..doors import Doors
from ..model import Account, Environment, OrderType, Position
from .codes import ORDER_TYPES
from .query import DONE_TEXT, Query
from .wire import Row, context_keys, page_mark, percent, reply

_BALANCE_PAGE = {Environment.REAL: 50, Environment.PAPER: 20}


def buying_power(doors: Doors, account: Account, tr_id: str, request: web.Request) -> web.Response:
    """inquire-psbl-order: unpriced order types count at the upper limit, the others at the price that was named."""
    query = Query(request, account)
    symbol, price_text = query.get("PDNO"), query.get("ORD_UNPR")
    instrument = doors.exchange.instruments.get(symbol)
    order_type = ORDER_TYPES.get(query.get("ORD_DVSN") or "00", (OrderType.LIMIT,))[0]
    price = int(price_text) if price_text.isdecimal() else 0
    if instrument is not None and (price == 0 or not order_type.has_price):
        price = instrument.upper_limit
    quantity = settlement.max_buy_quantity(account, price) if instrument is not None and price > 0 else 0
    power = account.buying_power
    output: Mapping[str, str] = {
        "ord_psbl_cash": str(power),
        "ord_psbl_sbst": "0",
        "ruse_psbl_amt": "0",
        "fund_rpch_chgs": "0",
        "psbl_qty_calc_unpr": str(price),
        "nrcvb_buy_amt": str(power),
        "nrcvb_buy_qty": str(quantity),
        "max_buy_amt": str(power),
        "max_buy_qty": str(quantity),
        "cma_evlu_amt": "0",
        "ovrs_re_use_amt_wcrc": "0",
        "ord_psbl_frcr_amt_wcrc": "0",
    }
    return reply(tr_id, {"output": output, "rt_cd": "0", "msg_cd": "KIOK0510", "msg1": DONE_TEXT})


def sellable(doors: Doors, account: Account, tr_id: str, request: web.Request) -> web.Response:
    """inquire-psbl-sell."""
    query = Query(request, account)
    symbol = query.require("PDNO")
    position = account.positions.get(symbol, Position(symbol))
    instrument = doors.exchange.instruments.get(symbol)
    price = doors.exchange.last_price(symbol) if instrument is not None else 0
    value = position.quantity * price
    output = {
        "pdno": symbol,
        "prdt_name": instrument.name if instrument is not None else "",
        "buy_qty": str(position.bought_today),
        "sll_qty": str(position.sold_today),
        "cblc_qty": str(position.quantity),
        "nsvg_qty": "0",
        "ord_psbl_qty": str(max(0, position.sellable)),
        "pchs_avg_pric": f"{position.average_price:.4f}",
        "pchs_amt": str(position.cost),
        "now_pric": str(price),
        "evlu_amt": str(value),
        "evlu_pfls_amt": str(value - position.cost),
        "evlu_pfls_rt": percent(value - position.cost, position.cost),
    }
    # the sheet says output1, the official sample reads output
    return reply(tr_id, {"output1": output, "output": output, "rt_cd": "0", "msg_cd": "KIOK0510", "msg1": DONE_TEXT})


def balance(doors: Doors, account: Account, tr_id: str, request: web.Request) -> web.Response:
    """inquire-balance: holdings (sold-out ones stay listed until settlement) and one row of totals."""
    query = Query(request, account)
    held = [p for p in account.positions.values() if p.quantity or p.sold_today or p.bought_today]
    size = _BALANCE_PAGE[account.environment]
    start = query.cursor(0)
    has_more = start + size < len(held)
    body = {
        **context_keys(query.values(), start + size if has_more else None),
        "output1": [_holding(doors, position) for position in held[start : start + size]],
        "output2": [_totals(doors, account)],
        "rt_cd": "0",
        "msg_cd": "KIOK0510",
        "msg1": DONE_TEXT,
    }
    return reply(tr_id, body, tr_cont=page_mark(is_first=not query.is_continued, has_more=has_more))


def _holding(doors: Doors, position: Position) -> Row:
    instrument = doors.exchange.instruments[position.symbol]
    price = doors.exchange.last_price(position.symbol)
    value = position.quantity * price
    change = price - instrument.reference_price
    return {
        "pdno": position.symbol,
        "prdt_name": instrument.name,
        "trad_dvsn_name": "현금",
        "bfdy_buy_qty": "0",
        "bfdy_sll_qty": "0",
        "thdt_buyqty": str(position.bought_today),
        "thdt_sll_qty": str(position.sold_today),
        "hldg_qty": str(position.quantity),
        "ord_psbl_qty": str(max(0, position.sellable)),
        "pchs_avg_pric": f"{position.average_price:.4f}",
        "pchs_amt": str(position.cost),
        "prpr": str(price),
        "evlu_amt": str(value),
        "evlu_pfls_amt": str(value - position.cost),
        "evlu_pfls_rt": percent(value - position.cost, position.cost),
        "evlu_erng_rt": "0.00000000",
        "loan_dt": "",
        "loan_amt": "0",
        "stln_slng_chgs": "0",
        "expd_dt": "",
        "fltt_rt": f"{change / instrument.reference_price * 100:.8f}",
        "bfdy_cprs_icdc": str(change),
        "item_mgna_rt_name": "20%",
        "grta_rt_name": "",
        "sbst_pric": str(instrument.reference_price * 7 // 10),
        "stck_loan_unpr": "0.0000",
    }


def _totals(doors: Doors, account: Account) -> Row:
    value, cost = doors.exchange.value_of(account), sum(p.cost for p in account.positions.values())
    opening = account.deposit + cost - account.bought_today + account.sold_today
    worth = account.settled_cash + value
    return {
        "dnca_tot_amt": str(account.deposit),
        "nxdy_excc_amt": str(account.deposit),
        "prvs_rcdl_excc_amt": str(account.settled_cash),
        "cma_evlu_amt": "0",
        "bfdy_buy_amt": "0",
        "thdt_buy_amt": str(account.bought_today),
        "nxdy_auto_rdpt_amt": "0",
        "bfdy_sll_amt": "0",
        "thdt_sll_amt": str(account.sold_today),
        "d2_auto_rdpt_amt": "0",
        "bfdy_tlex_amt": "0",
        "thdt_tlex_amt": str(account.costs_today),
        "tot_loan_amt": "0",
        "scts_evlu_amt": str(value),
        "tot_evlu_amt": str(worth),
        "nass_amt": str(worth),
        "fncg_gld_auto_rdpt_yn": "",
        "pchs_amt_smtl_amt": str(cost),
        "evlu_amt_smtl_amt": str(value),
        "evlu_pfls_smtl_amt": str(value - cost),
        "tot_stln_slng_chgs": "0",
        "bfdy_tot_asst_evlu_amt": str(opening),
        "asst_icdc_amt": str(worth - opening),
        "asst_icdc_erng_rt": "0.00000000",
    }
