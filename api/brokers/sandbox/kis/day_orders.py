"""Order inquiries: the orders of the day, and those that can still be changed."""

from __future__ import annotations

from datetime import datetime, timedelta

from aiohttp import web

from ..doors import Doors
from ..model import Account, Environment, Order, OrderKind, OrderState, Side, Venue
from ..session import KST
from .codes import BRANCH, CONDITION_NAMES, EXCHANGE_CODES, OPEN_SOR_EXCHANGE_CODE, ORDER_TYPE_NAMES, ORDER_TYPES, type_code_of
from .query import DONE_TEXT, Query
from .wire import Row, average, context_keys, kst_date, kst_time, missing_input, page_mark, reply

_DAY_PAGE = {Environment.REAL: 100, Environment.PAPER: 15}
_OPEN_PAGE = 50
_ALL = {"", "00", "ALL"}
_SIDE_CODES = {Side.SELL: "01", Side.BUY: "02"}
_SIDE_NAMES = {Side.SELL: "매도", Side.BUY: "매수"}
_KIND_NAMES = {OrderKind.REPLACE: "정정", OrderKind.CANCEL: "취소"}
_LAST_PAGE = "조회 되었습니다. (마지막 자료)".ljust(80)


def day_orders(doors: Doors, account: Account, tr_id: str, request: web.Request) -> web.Response:
    """inquire-daily-ccld: one row per order number, changes and cancels included."""
    query = Query(request, account)
    wanted = _DayFilter(query)
    orders = doors.exchange.visible_orders(account)
    newest_first = query.get("INQR_DVSN") != "01"
    step = -1 if newest_first else 1
    index = query.cursor(len(orders) - 1 if newest_first else 0)
    rows: list[Order] = []
    size = _DAY_PAGE[account.environment]
    while 0 <= index < len(orders) and len(rows) < size:
        if wanted.wants(orders[index]):
            rows.append(orders[index])
        index += step
    while 0 <= index < len(orders) and not wanted.wants(orders[index]):
        index += step
    has_more = 0 <= index < len(orders)
    body: dict[str, object] = {
        **context_keys(query.values(), index if has_more else None),
        "output1": [_day_row(order) for order in rows],
        "output2": _day_totals(account, orders, wanted),
        "rt_cd": "0",
        "msg_cd": "KIOK0510" if has_more else "KIOK0460",
        "msg1": DONE_TEXT if has_more else _LAST_PAGE,
    }
    if not rows and account.environment is Environment.PAPER:
        body |= {"msg_cd": "70070000", "msg1": "모의투자 조회할 내역(자료)이 없습니다."}
    return reply(tr_id, body, tr_cont=page_mark(is_first=not query.is_continued, has_more=has_more))


class _DayFilter:
    """Which orders an inquire-daily-ccld query wants."""

    def __init__(self, query: Query) -> None:
        self._start = _midnight(query, "INQR_STRT_DT")
        self._end = _midnight(query, "INQR_END_DT") + timedelta(days=1)
        self._side, self._symbol, self._filled = query.get("SLL_BUY_DVSN_CD"), query.get("PDNO"), query.get("CCLD_DVSN")
        self._number, self._venue = query.get("ODNO").lstrip("0"), query.get("EXCG_ID_DVSN_CD")

    def wants(self, order: Order) -> bool:
        return (
            self._start <= order.received_at < self._end
            and (self._side in _ALL or self._side == _SIDE_CODES[order.side])
            and (not self._symbol or self._symbol == order.instrument.symbol)
            and (self._filled in _ALL or (order.executed_quantity > 0 if self._filled == "01" else order.leaves > 0))
            and (not self._number or self._number == str(order.number))
            and (self._venue in _ALL or self._venue == order.venue)
        )

    def wants_all(self, account: Account) -> bool:
        """Whether the account's running totals answer it: after a day of load nobody should walk all orders for each page."""
        orders = account.orders
        return (
            self._side in _ALL
            and self._filled in _ALL
            and not self._symbol
            and not self._number
            and (self._venue in _ALL or account.venues <= {self._venue})
            and (not orders or (self._start <= orders[0].received_at and orders[-1].received_at < self._end))
        )


def _midnight(query: Query, name: str) -> datetime:
    text = query.require(name)
    try:
        return datetime.strptime(text, "%Y%m%d").replace(tzinfo=KST)
    except ValueError:
        raise missing_input(name) from None


def _type_code(order: Order) -> str:
    return order.type_code if order.type_code in ORDER_TYPES else type_code_of(order.order_type, order.condition)


def _day_row(order: Order) -> Row:
    is_cancel = order.kind is OrderKind.CANCEL
    confirmed = order.quantity if order.state is OrderState.CONFIRMED else order.canceled_quantity + order.replaced_quantity
    code = _type_code(order)
    rejected = order.quantity if order.state is OrderState.REJECTED else order.rejected_quantity
    return {
        "ord_dt": kst_date(order.received_at),
        "ord_gno_brno": BRANCH[order.account.environment],
        "odno": order.order_number,
        "orgn_odno": order.original.order_number if order.original is not None else "",
        "ord_dvsn_name": ORDER_TYPE_NAMES.get(code, ""),
        "sll_buy_dvsn_cd": _SIDE_CODES[order.side],
        "sll_buy_dvsn_cd_name": _SIDE_NAMES[order.side] + _KIND_NAMES[order.kind]
        if order.kind in _KIND_NAMES
        else "현금" + _SIDE_NAMES[order.side],
        "pdno": order.instrument.symbol,
        "prdt_name": order.instrument.name,
        "ord_qty": str(order.quantity),
        "ord_unpr": str(order.price),
        "ord_tmd": kst_time(order.received_at),
        "tot_ccld_qty": str(order.executed_quantity),
        "avg_prvs": average(order.executed_amount, order.executed_quantity),
        "cncl_yn": "Y" if is_cancel or order.state is OrderState.CANCELED else "",
        "tot_ccld_amt": str(order.executed_amount),
        "loan_dt": "",
        "ordr_empno": "MTS" if order.is_external else "OpnAPI",
        "ord_dvsn_cd": code,
        "cncl_cfrm_qty": str(confirmed),
        "cnc_cfrm_qty": str(confirmed),  # as the sheet misspells it
        "rmn_qty": str(order.leaves),
        "rjct_qty": str(rejected),
        "ccld_cndt_name": CONDITION_NAMES[order.condition],
        "inqr_ip_addr": "",
        "cpbc_ordp_ord_rcit_dvsn_cd": "",
        "cpbc_ordp_infm_mthd_dvsn_cd": "",
        "infm_tmd": "",
        "ctac_tlno": "",
        "prdt_type_cd": "300",
        "excg_dvsn_cd": EXCHANGE_CODES[order.venue],
        "cpbc_ordp_mtrl_dvsn_cd": "",
        "ord_orgno": "00000",
        "rsvn_ord_end_dt": "",
        "excg_id_dvsn_cd": order.venue.value,
        "excg_id_dvsn_Cd": order.venue.value,  # as the sheet types it
        "stpm_cndt_pric": "0",
        "stpm_efct_occr_dtmd": "",
    }


def _day_totals(account: Account, orders: list[Order], wanted: _DayFilter) -> Row:
    if orders is account.orders and wanted.wants_all(account):
        ordered, costs = account.ordered_quantity, account.costs_today
        executed = sum(p.bought_today + p.sold_today for p in account.positions.values())
        amount = account.bought_today + account.sold_today
    else:
        chosen = [order for order in orders if wanted.wants(order)]
        ordered = sum(order.quantity for order in chosen if order.kind is OrderKind.NEW)
        executed = sum(order.executed_quantity for order in chosen)
        amount = sum(order.executed_amount for order in chosen)
        costs = sum(order.costs for order in chosen)
    return {
        "tot_ord_qty": str(ordered),
        "tot_ccld_qty": str(executed),
        "tot_ccld_amt": str(amount),
        "prsm_tlex_smtl": str(costs),
        "pchs_avg_pric": f"{amount / executed if executed else 0:.4f}",
    }


def open_orders(doors: Doors, account: Account, tr_id: str, request: web.Request) -> web.Response:
    """inquire-psbl-rvsecncl: what can still be changed or canceled, newest first."""
    query = Query(request, account)
    side = {"1": Side.SELL, "2": Side.BUY}.get(query.get("INQR_DVSN_2"))
    orders = [
        order for order in reversed(doors.exchange.visible_orders(account)) if order.leaves > 0 and (side is None or order.side is side)
    ]
    start = query.cursor(0)
    page = orders[start : start + _OPEN_PAGE]
    has_more = start + _OPEN_PAGE < len(orders)
    body = {
        **context_keys(query.values(), start + _OPEN_PAGE if has_more else None),
        "output": [_open_row(order) for order in page],
        "rt_cd": "0",
        "msg_cd": "KIOK0510",
        "msg1": DONE_TEXT,
    }
    return reply(tr_id, body, tr_cont=page_mark(is_first=not query.is_continued, has_more=has_more))


def _open_row(order: Order) -> Row:
    row = _day_row(order)
    copied = ("ord_gno_brno", "odno", "orgn_odno", "ord_dvsn_name", "pdno", "prdt_name", "ord_qty", "ord_unpr", "ord_tmd",
              "tot_ccld_qty", "tot_ccld_amt", "sll_buy_dvsn_cd", "ord_dvsn_cd", "excg_id_dvsn_cd")  # fmt: skip
    return {name: row[name] for name in copied} | {
        "rvse_cncl_dvsn_name": row["sll_buy_dvsn_cd_name"],
        "psbl_qty": str(order.leaves),
        "mgco_aptm_odno": "",
        "excg_id_dvsn_name": order.venue.value,
        "stpm_cndt_pric": "0",
        "stpm_efct_occr_yn": "",
        "excg_dvsn_cd": OPEN_SOR_EXCHANGE_CODE if order.venue is Venue.SOR else EXCHANGE_CODES[order.venue],
    }
