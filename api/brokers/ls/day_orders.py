"""LS's list of the day's orders, with exact amounts.

t0425 lists the orders; its amounts are only as good as an average rounded to the won (`amounts`). Where several amounts fit, and LS's
totals do not settle which, CSPAQ13700 is asked for averages with decimals: once for each state of an order, because that TR gives one
answer a second and a reconciliation must not wait. It is asked from the newest open number downwards, ten pages at most. What it does not
settle gets the likeliest amount (off by a hundredth of a won a share at worst, and by nothing in sum); what could not be asked is asked
the next time.
"""

from datetime import date
from decimal import Decimal

import msgspec
import structlog

from api.brokers.base import BrokerOrder
from api.brokers.errors import BrokerError, BrokerProtocolError, BrokerRejected
from api.brokers.ls import amounts, messages, parse
from api.brokers.ls.amounts import Average, Totals
from api.brokers.ls.codes import LS, Tr
from api.brokers.ls.limits import MAX_PAGES
from api.brokers.ls.market_messages import HistoryBlock
from api.brokers.ls.rest import LsRest
from api.domain.enums import Side

log = structlog.get_logger()

_MOST_HISTORY_PAGES = 10

_State = tuple[str, int, int]
"""Order number, shares executed, and what t0425's average makes of them: a busted trade changes the last two."""


class LsDayOrders:
    """Reads one account's orders of today; keeps the amounts found out, for the day."""

    def __init__(self, rest: LsRest, account_id: str) -> None:
        self._rest = rest
        self._account_id = account_id
        self._day: date | None = None
        self._settled: dict[_State, int] = {}

    async def list_orders(self, today: date) -> list[BrokerOrder]:
        """All orders of today (KST), oldest first, with amounts as exact as LS's data allow."""
        rows, total = await self._read()
        orders = parse.broker_orders(rows, today)
        for order in orders:
            if order.order_type is None:
                log.warning("ls_unknown_order_type", order_number=order.order_number, code=order.order_type_code)
        if self._day != today:
            self._day = today
            self._settled.clear()
        found = await self._amounts([order for order in orders if order.cumulative_quantity], total)
        return [msgspec.structs.replace(order, filled_amount=found.get(order.order_number, order.filled_amount)) for order in orders]

    async def rows(self) -> list[messages.OrderRow]:
        """Every page of t0425."""
        rows, _ = await self._read()
        return rows

    async def _read(self) -> tuple[list[messages.OrderRow], Totals | None]:
        """A walk that does not come to an end is an error, never a cut list. Totals only of a list of one page: of one moment."""
        rows: dict[str, messages.OrderRow] = {}
        cursor = next_key = ""
        for number in range(MAX_PAGES):
            answer = await self._rest.inquire(Tr.ORDERS, messages.OrdersBlock(cts_ordno=cursor), is_next_page=number > 0, next_key=next_key)
            page = parse.orders_page(answer, is_first=number == 0)
            known = len(rows)
            rows.update({str(row.ordno): row for row in page.rows})
            # no cursor although the header says "more": what comes next shows whether there is any
            if not answer.has_more or (len(rows) == known and not page.cursor):
                return list(rows.values()), amounts.listed_totals(page.total) if number == 0 else None
            if len(rows) == known:
                break
            cursor, next_key = page.cursor, answer.next_key
        raise BrokerProtocolError(LS, Tr.ORDERS, "cts_ordno", f"the cursor does not end ({len(rows)} rows)")

    async def _amounts(self, executed: list[BrokerOrder], total: Totals | None) -> dict[str, int]:
        averages = {order.order_number: amounts.listed_average(order) for order in executed}
        known: dict[str, int] = {}
        for order in executed:
            amount = self._settled.get(_state(order))
            if amount is None:
                amount = amounts.only_amount(order, averages[order.order_number])
            if amount is not None:
                known[order.order_number] = amount
        if len(known) < len(executed) and total is not None:
            known |= amounts.from_totals(executed, averages, known, total)
        if len(known) < len(executed):
            known |= await self._ask_history(executed, averages, known)
        self._settled |= {_state(order): known[order.order_number] for order in executed if order.order_number in known}
        return known

    async def _ask_history(self, executed: list[BrokerOrder], averages: dict[str, Average], known: dict[str, int]) -> dict[str, int]:
        wanted = {order.order_number: order for order in executed if order.order_number not in known}
        try:
            rows, totals = await self._read_history(max(map(int, wanted)), min(map(int, wanted)))
        except BrokerRejected as refusal:  # LS does not offer it here (paper: 01900): asking again would tell no more
            log.warning("ls_amounts_not_told", account_id=self._account_id, code=refusal.code, orders=len(wanted))
            return {number: order.filled_amount for number, order in wanted.items()}
        except BrokerError as error:  # quantities count more than half a won a share: the list stands without
            log.warning("ls_amounts_unread", account_id=self._account_id, problem=str(error), orders=len(wanted))
            return {}
        found: dict[str, int] = {}
        closer: dict[str, Average] = {}
        for number, order in wanted.items():
            amount, average = amounts.read_history(order, rows.get(number, ()))
            if amount is not None:
                found[number] = amount
            elif average is not None:
                closer[number] = average
        found |= amounts.from_totals(executed, averages | closer, known | found, totals)
        rounded: dict[str, int] = {}
        for side in Side:
            of_side = [wanted[number] for number in closer if number not in found and wanted[number].side is side]
            are_all = len(of_side) == sum(order.side is side and number not in found for number, order in wanted.items())
            rest = amounts.unknown_rest(executed, known | found, totals, side) if are_all else None
            rounded |= amounts.likeliest_amounts(of_side, closer, rest)
        if rounded:
            log.info("ls_amounts_rounded", account_id=self._account_id, orders=sorted(rounded))
        return found | rounded

    async def _read_history(self, newest: int, oldest: int) -> tuple[dict[str, list[tuple[int, Decimal]]], Totals]:
        """CSPAQ13700 from ``newest`` down to ``oldest``; it goes on by the headers alone."""
        block = HistoryBlock(SrtOrdNo2=newest + 1)  # whether the start itself is listed is not known
        rows: dict[str, list[tuple[int, Decimal]]] = {}
        next_key = ""
        for number in range(_MOST_HISTORY_PAGES):
            answer = await self._rest.inquire(Tr.HISTORY, block, is_next_page=number > 0, next_key=next_key)
            page = amounts.history_page(answer)
            for order_number, executions in page.executions.items():
                rows.setdefault(order_number, []).extend(executions)
            # the rows of one order may go on over the page's end, hence "below" and not "down to"
            if not answer.has_more or not page.executions or min(map(int, page.executions)) < oldest:
                break
            next_key = answer.next_key
        return rows, page.totals


def _state(order: BrokerOrder) -> _State:
    return order.order_number, order.cumulative_quantity, order.filled_amount
