"""What was traded and earned: t0150 and t0151 (trade diary with fees), CDPCQ04700 (account transactions), FOCCQ33600 (returns by period).

The sandbox keeps no past: other days than today have no trades. FOCCQ33600 is also what public clients ask to tell a paper key from a real
one, with an empty block: its ``rsp_msg`` holds 모의투자 then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ..exchange import Exchange
from ..instruments import Instrument
from ..model import Account, Execution, Order, Side
from ..settlement import commission
from .codes import LISTED, NOTHING_LISTED, SIDE_CODES, SIDE_NAMES, inquired, symbol_of
from .gateway import Blocks, Call, Reply, Tr
from .wire import TEMPLATES, Block, clock_text, day_text, decimal_text

_PAGE_ROWS = 20  # how many rows a page of t0150 and CDPCQ04700 has at LS is not known
_ALL, _TRADES = "0", "3"
_ALL_KINDS, _STOCKS = {"", "00"}, "01"
_SUBTOTAL = "종목소계"
_MEDIA = {"40": "OPEN API", "10": "HTS"}  # cts_middiv has two digits; the code of the HTS is not known


@dataclass(slots=True)
class _Sum:
    """Trades of one group, won."""

    quantity: int = 0
    amount: int = 0
    fee: int = 0
    tax: int = 0

    def add(self, execution: Execution) -> None:
        amount = execution.quantity * execution.price
        fee = commission(amount)
        self.quantity += execution.quantity
        self.amount += amount
        self.fee += fee
        self.tax += execution.cost - fee

    def settled(self, side: Side) -> int:
        """정산금액: what is paid for a purchase, what is got for a sale."""
        costs = self.fee + self.tax
        return self.amount + costs if side is Side.BUY else self.amount - costs


class DiaryDesk:
    """Reads the sandbox's executions as LS's diaries show them."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def trs(self) -> list[Tr]:
        """The diary TRs of ``/stock/accno``."""
        cursor = dict.fromkeys(("cts_medosu", "cts_expcode", "cts_price", "cts_middiv"), "s")
        period = {"QrySrtDt": "s", "QryEndDt": "s"}
        kinds = {"QryTp": "s", "SrtNo": "n", "PdptnCode": "s", "IsuLgclssCode": "s", "IsuNo": "s"}
        return [
            Tr("t0150", cursor, self.today),
            Tr("t0151", {"date": "s"} | cursor, self.of_day),
            Tr("CDPCQ04700", kinds | period, self.transactions),
            Tr("FOCCQ33600", period | {"TermTp": "s"}, self.returns),
        ]

    def today(self, call: Call) -> Reply:
        """t0150; nothing but the code without trades."""
        return self._diary(call, "t0150")

    def of_day(self, call: Call) -> Reply:
        """t0151."""
        if call.text("date") not in {"", day_text(self._exchange.now())}:
            return Reply(LISTED)
        return self._diary(call, "t0151")

    def _diary(self, call: Call, code: str) -> Reply:
        rows = [(key, row) for key, row in _diary_rows(call.account)]
        if not rows:
            return Reply(LISTED)
        after = tuple(call.text(name) for name in ("cts_medosu", "cts_expcode", "cts_price", "cts_middiv")) if call.is_continued else None
        keys = [key for key, _ in rows]
        start = keys.index(after) + 1 if after in keys else 0
        page, rest = rows[start : start + _PAGE_ROWS], rows[start + _PAGE_ROWS :]
        cursor = page[-1][0] if rest else ("", "", "", "")
        head = TEMPLATES["t0150OutBlock"] | _diary_totals(call.account)
        head |= dict(zip(("cts_medosu", "cts_expcode", "cts_price", "cts_middiv"), cursor, strict=True))
        blocks: Blocks = {f"{code}OutBlock": head, f"{code}OutBlock1": [row for _, row in page]}
        return Reply(LISTED, blocks, "Y" if rest else "N", "".join(cursor)[:18])

    def transactions(self, call: Call) -> Reply:
        """CDPCQ04700: today's trades; deposits and withdrawals there are none."""
        account, today = call.account, day_text(self._exchange.now())
        is_asked = (call.text("QrySrtDt") or today) <= today <= (call.text("QryEndDt") or today)
        is_asked = is_asked and call.text("QryTp") in {"", _ALL, _TRADES} and call.text("IsuLgclssCode") in {*_ALL_KINDS, _STOCKS}
        symbol = symbol_of(call.text("IsuNo"))
        trades = [
            (order, execution)
            for order, execution in (_executions(account) if is_asked else ())
            if not symbol or order.instrument.symbol == symbol
        ]
        start = _as_number(call.continuation_key or "") if call.is_continued else call.number("SrtNo")
        rest = [(order, execution) for order, execution in trades if execution.number > start]
        page, has_more = rest[:_PAGE_ROWS], len(rest) > _PAGE_ROWS
        sums = {side: _Sum() for side in Side}
        for order, execution in trades:
            sums[order.side].add(execution)
        bought, sold = sums[Side.BUY], sums[Side.SELL]
        blocks: Blocks = {
            "CDPCQ04700OutBlock1": {"RecCnt": 1, "AcntNo": account.number, "Pwd": "********", **call.fields},
            "CDPCQ04700OutBlock2": {"RecCnt": 1, "AcntNm": account.name},
            "CDPCQ04700OutBlock3": [_transaction(order, execution, today) for order, execution in page],
            "CDPCQ04700OutBlock4": TEMPLATES["CDPCQ04700OutBlock4"]
            | {
                "PnlSumAmt": sum(execution.profit for _, execution in trades),
                "CtrctAsm": bought.amount + sold.amount,
                "CmsnAmtSumAmt": bought.fee + sold.fee,
            },
            "CDPCQ04700OutBlock5": TEMPLATES["CDPCQ04700OutBlock5"]
            | {
                "SellQty": sold.quantity,
                "SellAmt": sold.amount,
                "SellCmsn": sold.fee,
                "EvrTax": sold.tax,
                "BuyQty": bought.quantity,
                "BuyAmt": bought.amount,
                "BuyCmsn": bought.fee,
                "ExecTax": bought.tax,
            },
        }
        if not page:
            return Reply(NOTHING_LISTED, blocks)
        return Reply(inquired(account), blocks, "Y" if has_more else "N", str(page[-1][1].number) if has_more else "")

    def returns(self, call: Call) -> Reply:
        """FOCCQ33600: one row, of today."""
        account = call.account
        worth = account.settled_cash + self._exchange.value_of(account)
        before = worth - account.realized_today - self._unrealized(account)
        earned = worth - before
        traded = account.bought_today + account.sold_today
        rate = 100 * earned / before if before else 0.0
        total = TEMPLATES["FOCCQ33600OutBlock2"] | {
            "AcntNm": account.name,
            "BnsctrAmt": traded,
            "InvstAvrbalPramt": before,
            "InvstPlAmt": earned,
            "InvstErnrat": decimal_text(rate),
        }
        row = TEMPLATES["FOCCQ33600OutBlock3"] | {
            "BaseDt": day_text(self._exchange.now()),
            "FdEvalAmt": before,
            "EotEvalAmt": worth,
            "InvstAvrbalPramt": before,
            "BnsctrAmt": traded,
            "EvalPnlAmt": earned,
            "TermErnrat": decimal_text(rate, 3),
        }
        blocks: Blocks = {
            "FOCCQ33600OutBlock1": {"RecCnt": 1, "AcntNo": account.number, "Pwd": "********", **call.fields},
            "FOCCQ33600OutBlock2": total,
            "FOCCQ33600OutBlock3": [row],
        }
        return Reply(inquired(account), blocks)

    def _unrealized(self, account: Account) -> int:
        return self._exchange.value_of(account) - sum(position.cost for position in account.positions.values())


def _executions(account: Account) -> Iterator[tuple[Order, Execution]]:
    """The account's trades that stand, oldest first."""
    trades = [(order, execution) for order in account.orders for execution in order.executions if not execution.is_busted]
    trades.sort(key=_execution_number)
    return iter(trades)


def _execution_number(trade: tuple[Order, Execution]) -> int:
    return trade[1].number


def _medium(order: Order) -> str:
    return "10" if order.is_external else "40"


def _grouped(account: Account, key: Callable[[Order, Execution], tuple[str, ...]]) -> dict[tuple[str, ...], _Sum]:
    groups: dict[tuple[str, ...], _Sum] = {}
    for order, execution in _executions(account):
        groups.setdefault(key(order, execution), _Sum()).add(execution)
    return dict(sorted(groups.items()))


def _diary_rows(account: Account) -> Iterator[tuple[tuple[str, ...], Block]]:
    """A row for each side, code, price and medium; fees stand on the row that sums up a side and code, as in LS's example."""
    details = _grouped(account, lambda order, trade: (*_side_and_code(order), str(trade.price), _medium(order)))
    for (side_code, symbol), whole in _grouped(account, lambda order, _: _side_and_code(order)).items():
        side = Side.BUY if side_code == SIDE_CODES[Side.BUY] else Side.SELL
        for key, part in details.items():
            if key[:2] == (side_code, symbol):
                texts = {"medosu": SIDE_NAMES[side], "expcode": symbol, "middiv": _MEDIA[key[3]]}
                yield key, TEMPLATES["t0150OutBlock1"] | texts | _sums(part.quantity, part.amount) | {"adjamt": part.amount}
        costs = {"fee": whole.fee, "tax": whole.tax, "adjamt": whole.settled(side)}
        yield (side_code, symbol, "", ""), TEMPLATES["t0150OutBlock1"] | {"medosu": _SUBTOTAL} | _sums(whole.quantity, whole.amount) | costs


def _side_and_code(order: Order) -> tuple[str, str]:
    return SIDE_CODES[order.side], order.instrument.symbol


def _sums(quantity: int, amount: int) -> Block:
    return {"qty": quantity, "price": round(amount / quantity), "amt": amount}


def _diary_totals(account: Account) -> Block:
    sums = {side: _Sum() for side in Side}
    for order, execution in _executions(account):
        sums[order.side].add(execution)
    bought, sold = sums[Side.BUY], sums[Side.SELL]
    return {
        "mdqty": sold.quantity,
        "mdamt": sold.amount,
        "mdfee": sold.fee,
        "mdtax": sold.tax,
        "tmdtax": sold.fee + sold.tax,
        "mdadjamt": sold.settled(Side.SELL),
        "msqty": bought.quantity,
        "msamt": bought.amount,
        "msfee": bought.fee,
        "tmstax": bought.fee + bought.tax,
        "msadjamt": bought.settled(Side.BUY),
        "tqty": bought.quantity + sold.quantity,
        "tamt": bought.amount + sold.amount,
        "tfee": bought.fee + sold.fee,
        "tottax": bought.tax + sold.tax,
        "ttax": bought.fee + bought.tax + sold.fee + sold.tax,
        "tadjamt": sold.settled(Side.SELL) - bought.settled(Side.BUY),
    }


def _transaction(order: Order, execution: Execution, day: str) -> Block:
    instrument: Instrument = order.instrument
    one = _Sum()
    one.add(execution)
    return TEMPLATES["CDPCQ04700OutBlock3"] | {
        "AcntNo": order.account.number,
        "TrdDt": day,
        "TrdNo": execution.number,
        "TpCodeNm": f"주식{SIDE_NAMES[order.side]}",
        "SmryNm": f"{instrument.market}{SIDE_NAMES[order.side]}",
        "TrdQty": execution.quantity,
        "Trtax": one.tax,
        "AdjstAmt": one.settled(order.side),
        "TrdmdaNm": _MEDIA[_medium(order)],
        "IsuNm": instrument.name,
        "TrdUprc": decimal_text(execution.price),
        "CmsnAmt": one.fee,
        "TrxTime": clock_text(execution.at),
        "IsuNo": instrument.isin,
        "TrdAmt": one.amount,
        "TaxSumAmt": one.tax,
        "EvrTax": one.tax,
        "BnsplAmt": execution.profit,
        "CrcyCode": "KRW",
        "OrdDt": day,
    }


def _as_number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() else 0
