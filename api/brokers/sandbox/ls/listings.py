"""Order lists: t0425 (today's orders, filled and open) and CSPAQ13700 (order and fill history).

How a canceled or changed *original* looks in t0425 is not known (only its child rows were seen): its ``ordrem`` is 0, its ``status``
names what became of it, and ``cfmqty`` stands on the child row alone. How many rows a page has is not known either, nor whether a
row of CSPAQ13700 is an order with its average price or an execution, nor whether paper has it: the variant ``ls_order_history`` makes its
rows executions, takes it away (01900), or lets it fail (IGW40013).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from ..doors import Doors
from ..model import Order, OrderKind, OrderState, Side
from .codes import (
    CASH_ORDER_CODES,
    CONDITION_CODES,
    KIND_NAMES,
    LISTED,
    MARKET_CODES,
    NOT_OFFERED,
    NOTHING_LISTED,
    PRICE_TYPES,
    QUERY_FAILED,
    SIDE_CODES,
    SIDE_NAMES,
    inquired,
    price_type_code,
    symbol_of,
    venue_code,
)
from .gateway import Blocks, Call, Refused, Reply, Tr
from .wire import TEMPLATES, Block, clock_text, day_text, decimal_text

PAGE_ROWS = 100
_HISTORY = "ls_order_history"
_ALL_SIDES = {"1": Side.SELL, "2": Side.BUY}
_HISTORY_PATTERNS = {"98": Side.SELL, "01": Side.SELL, "99": Side.BUY, "02": Side.BUY}
_STATUS = {
    OrderState.FILLED: "완료",
    OrderState.CANCELED: "취소확인",
    OrderState.REPLACED: "정정확인",
    OrderState.CONFIRMED: "취소확인",
    OrderState.REJECTED: "거부",
}


@dataclass(slots=True, frozen=True)
class _Filter:
    symbol: str
    fill: str  # 0 all, 1 filled, 2 open
    side: Side | None

    def takes(self, order: Order) -> bool:
        if self.symbol and order.instrument.symbol != self.symbol:
            return False
        if self.side is not None and order.side is not self.side:
            return False
        match self.fill:
            case "1":
                return order.executed_quantity > 0
            case "2" | "3":
                return order.leaves > 0
            case _:
                return True


class OrderLists:
    """Reads the ledger as LS's lists show it."""

    def __init__(self, doors: Doors) -> None:
        self._doors = doors
        self._exchange = doors.exchange
        doors.known_variants[_HISTORY] = ("orders", "executions", "not_offered", "failing")
        self._totals: dict[tuple[str, _Filter], tuple[int, Block]] = {}

    def trs(self) -> list[Tr]:
        """The list TRs of ``/stock/accno``."""
        history = {
            "OrdMktCode": "s",
            "BnsTpCode": "s",
            "IsuNo": "s",
            "ExecYn": "s",
            "OrdDt": "s",
            "SrtOrdNo2": "n",
            "BkseqTpCode": "s",
            "OrdPtnCode": "s",
        }
        return [
            Tr(
                "t0425",
                {
                    "expcode": "s",
                    "chegb": "s",
                    "medosu": "s",
                    "sortgb": "s",
                    "cts_ordno": "s",
                },
                self.today,
            ),
            Tr("CSPAQ13700", history, self.history),
        ]

    def today(self, call: Call) -> Reply:
        """t0425. The next page needs the header ``tr_cont: Y`` and the cursor ``cts_ordno`` in the body."""
        wanted = _Filter(
            symbol_of(call.text("expcode")),
            call.text("chegb"),
            _ALL_SIDES.get(call.text("medosu")),
        )
        is_newest_first = call.text("sortgb") == "1"
        cursor = _as_number(call.text("cts_ordno")) if call.is_continued else None
        orders = self._exchange.visible_orders(call.account)
        page = list(
            islice(
                _walk(orders, wanted, cursor, is_newest_first=is_newest_first),
                PAGE_ROWS + 1,
            )
        )
        if not page:
            return Reply(LISTED, continuation="" if cursor is None else "N")  # both blocks are absent
        has_more, page = len(page) > PAGE_ROWS, page[:PAGE_ROWS]
        next_cursor = str(page[-1].number) if has_more else ""
        totals = self._totals_of(call, wanted, orders)
        blocks: Blocks = {
            "t0425OutBlock": totals | {"cts_ordno": next_cursor},
            "t0425OutBlock1": [self._row(order) for order in page],
        }
        return Reply(LISTED, blocks, "Y" if has_more else "N", next_cursor)

    def _totals_of(self, call: Call, wanted: _Filter, orders: Iterable[Order]) -> Block:
        """Sums over the whole selection; the pages of one walk share those of its first page."""
        key = (call.account.number, wanted)
        known = self._totals.get(key)
        if known is None or (not call.is_continued and known[0] != call.account.changes):
            known = self._totals[key] = (
                call.account.changes,
                _sum_up(order for order in orders if wanted.takes(order)),
            )
        return known[1]

    def reset(self) -> None:
        """Forget the sums of accounts that a reset renewed."""
        self._totals.clear()

    def _row(self, order: Order) -> Block:
        type_code = price_type_code(order)
        is_child = order.kind is not OrderKind.NEW
        return TEMPLATES["t0425OutBlock1"] | {
            "ordno": order.number,
            "expcode": order.instrument.symbol,
            "medosu": SIDE_NAMES[order.side] + KIND_NAMES[order.kind],
            "qty": order.quantity,
            "price": order.price,
            "cheqty": order.executed_quantity,
            "cheprice": _average(order),
            "ordrem": order.leaves,
            "cfmqty": _confirmed(order),
            "status": _status(order),
            "orgordno": order.original.number if is_child and order.original is not None else 0,
            "ordgb": PRICE_TYPES[type_code].name,
            "ordtime": clock_text(order.received_at)[:8],
            "ordermtd": "HTS" if order.is_external else "OPEN API",
            "sysprocseq": order.number,
            "hogagb": type_code,
            "price1": self._exchange.last_price(order.instrument.symbol),
            "orggb": CASH_ORDER_CODES[order.side],
            "exchname": venue_code(order),
        }

    def history(self, call: Call) -> Reply:
        """CSPAQ13700, today only: the sandbox keeps no other day. The next page needs the headers of the last answer."""
        account = call.account
        if self._doors.variant(_HISTORY) == "failing":
            raise Refused(QUERY_FAILED)
        if self._doors.variant(_HISTORY) == "not_offered":
            return Reply(NOT_OFFERED)
        side = _ALL_SIDES.get(call.text("BnsTpCode")) or _HISTORY_PATTERNS.get(call.text("OrdPtnCode"))
        wanted = _Filter(symbol_of(call.text("IsuNo")), call.text("ExecYn"), side)
        market = call.text("OrdMktCode")
        is_newest_first = call.text("BkseqTpCode") != "1"
        day = call.text("OrdDt")
        today = day_text(self._exchange.now())
        orders: Sequence[Order] = self._exchange.visible_orders(account) if day in {"", today} else ()
        start = call.number("SrtOrdNo2") or None
        cursor = _as_number(call.continuation_key or "") if call.is_continued else None
        if cursor is None and start is not None:
            cursor = start + 1 if is_newest_first else start - 1  # the start itself belongs to the list
        walk = (
            order
            for order in _walk(orders, wanted, cursor, is_newest_first=is_newest_first)
            if market in {"", "00", MARKET_CODES[order.instrument.market]}
        )
        page = list(islice(walk, PAGE_ROWS + 1))
        has_more, page = len(page) > PAGE_ROWS, page[:PAGE_ROWS]
        echo = {
            "RecCnt": 1,
            "AcntNo": account.number,
            "InptPwd": "********",
            **call.fields,
        }
        totals = TEMPLATES["CSPAQ13700OutBlock2"] | _history_totals(orders, wanted)
        blocks: Blocks = {
            "CSPAQ13700OutBlock1": echo,
            "CSPAQ13700OutBlock2": totals,
            "CSPAQ13700OutBlock3": [row for order in page for row in self._history_rows(order, today)],
        }
        if not page:
            return Reply(NOTHING_LISTED, blocks)
        return Reply(
            inquired(account),
            blocks,
            "Y" if has_more else "N",
            str(page[-1].number) if has_more else "",
        )

    def _history_rows(self, order: Order, day: str) -> list[Block]:
        row = _history_row(order, day)
        trades = [execution for execution in order.executions if not execution.is_busted]
        if self._doors.variant(_HISTORY) != "executions" or not trades:
            return [row]
        return [
            row | {"ExecQty": trade.quantity, "ExecPrc": decimal_text(trade.price), "ExecTrxTime": clock_text(trade.at)} for trade in trades
        ]


def _walk(
    orders: Sequence[Order],
    wanted: _Filter,
    cursor: int | None,
    *,
    is_newest_first: bool,
) -> Iterator[Order]:
    """The wanted orders behind the cursor; ``orders`` ascend by number."""
    if is_newest_first:
        end = len(orders) if cursor is None else bisect_left(orders, cursor, key=_number_of)
        return (orders[index] for index in range(end - 1, -1, -1) if wanted.takes(orders[index]))
    start = 0 if cursor is None else bisect_right(orders, cursor, key=_number_of)
    return (orders[index] for index in range(start, len(orders)) if wanted.takes(orders[index]))


def _number_of(order: Order) -> int:
    return order.number


def _as_number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() else None


def _average(order: Order) -> int:
    filled = order.executed_quantity
    return (2 * order.executed_amount + filled) // (2 * filled) if filled else 0


def _confirmed(order: Order) -> int:
    if order.kind is OrderKind.NEW:  # what an IOC or FOK order dropped has no row of its own
        return order.canceled_quantity if order.condition.value != "none" else 0
    is_done = order.at_exchange and order.state is not OrderState.REJECTED
    return order.quantity if is_done else 0


def _status(order: Order) -> str:
    known = _STATUS.get(order.state)
    if known is not None:
        return known
    return "정정확인" if order.kind is OrderKind.REPLACE and order.at_exchange else "접수"


def _sum_up(orders: Iterable[Order]) -> Block:
    totals = TEMPLATES["t0425OutBlock"].copy()
    for order in orders:
        amount = order.executed_amount
        totals["tqty"] += order.quantity
        totals["tcheqty"] += order.executed_quantity
        totals["tordrem"] += order.leaves
        totals["cmss"] += amount * 15 // 100_000
        totals["tax"] += order.costs - amount * 15 // 100_000
        totals["tamt"] += order.price * order.quantity
        totals["tmdamt" if order.side is Side.SELL else "tmsamt"] += amount
    return totals


def _history_totals(orders: Iterable[Order], wanted: _Filter) -> Block:
    totals = dict.fromkeys(
        (
            "SellExecAmt",
            "BuyExecAmt",
            "SellExecQty",
            "BuyExecQty",
            "SellOrdQty",
            "BuyOrdQty",
        ),
        0,
    )
    for order in orders:
        if wanted.takes(order):
            side = "Sell" if order.side is Side.SELL else "Buy"
            totals[f"{side}ExecAmt"] += order.executed_amount
            totals[f"{side}ExecQty"] += order.executed_quantity
            totals[f"{side}OrdQty"] += order.quantity
    return totals


def _history_row(order: Order, day: str) -> Block:
    type_code = price_type_code(order)
    last = clock_text(order.executions[-1].at) if order.executions else ""
    average = order.executed_amount / order.executed_quantity if order.executed_quantity else 0.0
    kind = {OrderKind.NEW: "0", OrderKind.REPLACE: "1", OrderKind.CANCEL: "2"}[order.kind]
    return TEMPLATES["CSPAQ13700OutBlock3"] | {
        "OrdDt": day,
        "OrdMktCode": MARKET_CODES[order.instrument.market],
        "OrdNo": order.number,
        "OrgOrdNo": order.original.number if order.original is not None else 0,
        "IsuNo": f"A{order.instrument.symbol}",
        "IsuNm": order.instrument.name,
        "BnsTpCode": SIDE_CODES[order.side],
        "BnsTpNm": SIDE_NAMES[order.side],
        "OrdPtnCode": CASH_ORDER_CODES[order.side],
        "OrdPtnNm": f"현금{SIDE_NAMES[order.side]}",
        "OrdTrxPtnNm": "정상처리" if order.state is not OrderState.REJECTED else "거부",
        "MrcTpCode": kind,
        "MrcTpNm": KIND_NAMES[order.kind],
        "MrcQty": _confirmed(order),
        "MrcAbleQty": order.leaves,
        "OrdQty": order.quantity,
        "OrdPrc": decimal_text(order.price),
        "ExecQty": order.executed_quantity,
        "ExecPrc": decimal_text(average),
        "ExecTrxTime": last,
        "LastExecTime": last,
        "OrdprcPtnCode": type_code,
        "OrdprcPtnNm": PRICE_TYPES[type_code].name,
        "OrdCndiTpCode": CONDITION_CODES[order.condition],
        "AllExecQty": order.executed_quantity,
        "RegCommdaCode": "40",
        "CommdaNm": "HTS" if order.is_external else "OPEN API",
        "MbrNo": venue_code(order),
        "RsvOrdYn": "0",
        "OrdTime": clock_text(order.received_at),
        "OpDrtnNo": "0",
        "OdrrId": order.account.hts_id,
    }
