"""New, modify and cancel orders: CSPAT00601, CSPAT00701, CSPAT00801."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from ..doors import Doors
from ..faults import Operation
from ..model import Account, Order, OrderType, Rejection, RejectReason, Venue
from .codes import (
    CASH_ORDER_CODES,
    CONDITIONS,
    MARKET_CODES,
    NEW_ORDERS_ONLY,
    NO_MARGIN_TRADING,
    PRICE_TYPES,
    SIDE_CODES,
    SIDES,
    WRONG_VALUE,
    Answer,
    accepted,
    is_paper,
    refusal,
    symbol_of,
)
from .gateway import Call, Refused, Reply, Tr
from .wire import TEMPLATES, Block, clock_text, decimal_text

T = TypeVar("T")

_VENUES = {"NXT": Venue.NXT}  # blank and all others are KRX
_CASH = {"", "000"}
_PAPER_PASSWORD = "0000"


_ISSUE_NUMBERS = "ls_paper_issue_number"


class OrderDesk:
    """Takes orders for the exchange and answers in LS's words.

    LS's guide says that paper needs ``A`` before the code. Public clients send bare codes there too, so the sandbox takes both, unless
    the variant ``ls_paper_issue_number`` is ``prefixed``.
    """

    def __init__(self, doors: Doors) -> None:
        self._doors = doors
        self._exchange = doors.exchange
        doors.known_variants[_ISSUE_NUMBERS] = ("any", "prefixed")

    def trs(self) -> list[Tr]:
        """The TRs of ``/stock/order``."""
        new = {
            "IsuNo": "s",
            "OrdQty": "n",
            "OrdPrc": "n",
            "BnsTpCode": "s",
            "OrdprcPtnCode": "s",
            "MgntrnCode": "s",
            "LoanDt": "s",
            "OrdCndiTpCode": "s",
            "MbrNo": "s",
        }
        modify = {
            "OrgOrdNo": "n",
            "IsuNo": "s",
            "OrdQty": "n",
            "OrdprcPtnCode": "s",
            "OrdCndiTpCode": "s",
            "OrdPrc": "n",
        }
        cancel = {"OrgOrdNo": "n", "IsuNo": "s", "OrdQty": "n"}
        return [
            Tr("CSPAT00601", new, self.place, Operation.PLACE),
            Tr("CSPAT00701", modify, self.modify, Operation.REPLACE),
            Tr("CSPAT00801", cancel, self.cancel, Operation.CANCEL),
        ]

    def place(self, call: Call) -> Reply:
        """New order. A refusal carries no block at all."""
        account, fields = call.account, call.fields
        symbol, price = self._symbol(call), fields["OrdPrc"]
        type_code = call.text("OrdprcPtnCode")
        side = _look_up(SIDES, call.text("BnsTpCode"))
        condition = _look_up(CONDITIONS, call.text("OrdCndiTpCode") or "0")
        order_type = _look_up(PRICE_TYPES, type_code).order_type
        if call.text("MgntrnCode") not in _CASH:
            return Reply(NO_MARGIN_TRADING)
        placed = self._exchange.place(
            account,
            symbol,
            side,
            order_type,
            _whole_won(price),
            call.number("OrdQty"),
            condition=condition,
            venue=_VENUES.get(call.text("MbrNo"), Venue.KRX),
            type_code=type_code,
        )
        if isinstance(placed, Rejection):
            return Reply(self._refusal(account, placed, symbol, price))
        echo = _echo(account, "CSPAT00601", call)
        echo["MbrNo"] = call.text("MbrNo") or "000"
        if is_paper(account):
            echo["OpDrtnNo"] = "000000000000"
        numbers = _numbers("CSPAT00601", placed)
        numbers["OrdAmt"] = _order_amount(placed)
        numbers["MnyOrdAmt"] = 0 if is_paper(account) else placed.reserved
        if placed.venue is Venue.NXT:
            numbers["SpareOrdNo"] = placed.number
        return Reply(
            accepted(placed),
            {"CSPAT00601OutBlock1": echo, "CSPAT00601OutBlock2": numbers},
        )

    def modify(self, call: Call) -> Reply:
        """Modify order. ``OrdQty`` of the open quantity moves to the new number; a refusal has an empty OutBlock2."""
        symbol, price = self._symbol(call), call.fields["OrdPrc"]
        type_code = call.text("OrdprcPtnCode")
        order_type = _look_up(PRICE_TYPES, type_code).order_type
        condition = _look_up(CONDITIONS, call.text("OrdCndiTpCode") or "0")
        replaced: Order | Rejection
        if type_code in NEW_ORDERS_ONLY:
            replaced = Rejection(RejectReason.ORDER_TYPE_NOT_ALLOWED)
        else:
            replaced = self._exchange.replace(
                call.account,
                call.number("OrgOrdNo"),
                order_type=order_type,
                price=_whole_won(price),
                quantity=call.number("OrdQty"),
                condition=condition,
                type_code=type_code,
                symbol=symbol,
            )
        if isinstance(replaced, Rejection):
            return self._refused_change(call, "CSPAT00701", self._refusal(call.account, replaced, symbol, price))
        numbers = _numbers("CSPAT00701", replaced)
        numbers["PrntOrdNo"] = replaced.root.number  # root or predecessor of a longer chain: unsure; SC0 shows the root
        numbers["OrdAmt"] = numbers["MnyOrdAmt"] = _order_amount(replaced)
        return Reply(
            accepted(replaced),
            {
                "CSPAT00701OutBlock1": _echo(call.account, "CSPAT00701", call),
                "CSPAT00701OutBlock2": numbers,
            },
        )

    def cancel(self, call: Call) -> Reply:
        """Cancel order, whole or in part. A refusal has an empty OutBlock2."""
        symbol = self._symbol(call)
        canceled = self._exchange.cancel(
            call.account,
            call.number("OrgOrdNo"),
            quantity=call.number("OrdQty"),
            symbol=symbol,
        )
        if isinstance(canceled, Rejection):
            return self._refused_change(
                call,
                "CSPAT00801",
                refusal(call.account, canceled.reason, is_cancel=True),
            )
        numbers = _numbers("CSPAT00801", canceled)
        numbers["PrntOrdNo"] = canceled.root.number
        return Reply(
            accepted(canceled),
            {
                "CSPAT00801OutBlock1": _echo(call.account, "CSPAT00801", call),
                "CSPAT00801OutBlock2": numbers,
            },
        )

    def _symbol(self, call: Call) -> str:
        issue_number = call.text("IsuNo")
        is_strict = is_paper(call.account) and self._doors.variant(_ISSUE_NUMBERS) == "prefixed"
        return "" if is_strict and not issue_number.startswith("A") else symbol_of(issue_number)

    def _refusal(self, account: Account, rejection: Rejection, symbol: str, price: float) -> Answer:
        instrument = self._exchange.instruments.get(symbol)
        is_low = instrument is not None and price < instrument.lower_limit
        return refusal(account, rejection.reason, is_below_lower_limit=is_low)

    def _refused_change(self, call: Call, code: str, answer: Answer) -> Reply:
        empty: Block = {name: 0 if isinstance(value, int) else "" for name, value in TEMPLATES[f"{code}OutBlock2"].items()}
        empty["RecCnt"] = 1
        return Reply(
            answer,
            {
                f"{code}OutBlock1": _echo(call.account, code, call),
                f"{code}OutBlock2": empty,
            },
        )


def _look_up(table: Mapping[str, T], code: str) -> T:
    found = table.get(code)
    if found is None:
        raise Refused(WRONG_VALUE)  # LS's code for an unknown code value is not known
    return found


def _whole_won(price: float) -> int:
    return int(price) if float(price).is_integer() else -1  # no KRX price has a fraction: refused as a bad price


def _echo(account: Account, code: str, call: Call) -> Block:
    block = TEMPLATES[f"{code}OutBlock1"] | {name: value for name, value in call.fields.items() if name != "OrdPrc"}
    block["AcntNo"] = account.number
    if is_paper(account):
        block["InptPwd"] = _PAPER_PASSWORD
    if "OrdPrc" in call.fields:
        block["OrdPrc"] = decimal_text(call.fields["OrdPrc"])
    return block


def _numbers(code: str, order: Order) -> Block:
    block = TEMPLATES[f"{code}OutBlock2"] | {
        "OrdNo": order.number,
        "OrdTime": clock_text(order.received_at),
        "OrdMktCode": MARKET_CODES[order.instrument.market],
        "OrdPtnCode": CASH_ORDER_CODES[order.side],
        "ShtnIsuNo": f"A{order.instrument.symbol}",
        "AcntNm": order.account.name,
        "IsuNm": order.instrument.name,
    }
    if "BnsTpCode" in block:
        block["BnsTpCode"] = SIDE_CODES[order.side]
    if is_paper(order.account):
        block["OrdMktCode"], block["OrdPtnCode"], block["MgempNo"] = (
            "40",
            order.type_code,
            "",
        )
    return block


def _order_amount(order: Order) -> int:
    if order.order_type.has_price:
        return order.price * order.quantity
    # an unpriced order: the real server says 0, the paper server counts the upper limit
    return order.instrument.upper_limit * order.quantity if is_paper(order.account) and order.order_type is OrderType.MARKET else 0
