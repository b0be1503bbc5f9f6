"""LS's REST answers in Lucy's words. Pure."""

import base64
import binascii
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock_time
from typing import TypeVar

import msgspec
from msgspec import Struct

from api.brokers.base import Acknowledgement, Balance, BrokerOrder, BrokerOrderKind, BuyingPower, Position
from api.brokers.errors import BrokerProtocolError, BrokerRejected
from api.brokers.ls import codes, messages
from api.brokers.ls.codes import LS, Tr
from api.brokers.ls.envelope import Answer, Verdict
from api.brokers.ls.fields import (
    count,
    decimal,
    decode,
    instant,
    optional_number,
    order_number,
    plain_text,
    problem,
    signed_change,
    symbol,
    whole,
)
from api.brokers.market_data import InstrumentRecord, Quote
from api.domain.enums import Side
from api.kit.clock import KST

_TOKEN_END = clock_time(7, 0, tzinfo=KST)
MILLION = 1_000_000
"""Won in the unit of LS's turnovers."""
_MARKETS = {"1": "KOSPI", "2": "KOSDAQ"}
_KINDS = {"0": "stock", "1": "etf", "2": "etn"}
_YES_OR_NO = {"1": True, "0": False}


R = TypeVar("R")


class _Claims(Struct):
    exp: int


def acknowledgement(answer: Answer, day: date) -> Acknowledgement:
    """Read the answer to an order, a replace or a cancel that LS did not leave open.

    Accepted is a code that starts with ``00`` *and* an order number: outside the hours some clients saw a success without one.

    Raises:
        BrokerRejected: LS or its gateway refused.
        BrokerProtocolError: Code and number contradict each other: what became of the order is unknown.
    """
    taken = _order_taken(answer)
    number = optional_number(answer.tr, "OrdNo", taken.OrdNo)
    if answer.verdict is Verdict.REFUSED:
        if number:
            raise problem(answer.tr, "OrdNo", f"refused with {answer.code}, and yet an order number: {number}")
        raise BrokerRejected(LS, answer.code, answer.message)
    if not number:
        raise problem(answer.tr, "OrdNo", f"accepted with {answer.code}, and no order number")
    return Acknowledgement(
        order_number=number, branch="", accepted_at=_accepted_at(answer.tr, taken.OrdTime, day), code=answer.code, message=answer.message
    )


def _order_taken(answer: Answer) -> messages.OrderTaken:
    raw = answer.blocks.get(f"{answer.tr}OutBlock2")
    if raw is None or bytes(raw) == b"null":
        return messages.OrderTaken()
    return decode(answer.tr, raw, messages.OrderTaken)


def _accepted_at(tr: str, text: messages.Number | None, day: date) -> datetime | None:
    try:
        return instant(tr, "OrdTime", text, day, digits=9) if text else None
    except BrokerProtocolError:
        return None  # the order is accepted, whatever its time reads


class OrdersPage(Struct, frozen=True):
    """A page of t0425. ``cursor`` is empty where the body names no next page; ``total`` is over the whole list."""

    rows: Sequence[messages.OrderRow]
    cursor: str
    total: messages.OrdersTotal


def orders_page(answer: Answer, *, is_first: bool) -> OrdersPage:
    """Read a page of the day's orders; LS leaves both blocks out where there are none."""
    raw_total = answer.blocks.get(Tr.ORDERS.out_block())
    total = messages.OrdersTotal() if raw_total is None else decode(answer.tr, raw_total, messages.OrdersTotal)
    rows = rows_of(answer, Tr.ORDERS.out_block(1), messages.OrderRow)
    if is_first and not rows and whole(answer.tr, "tqty", total.tqty or 0):
        raise problem(answer.tr, Tr.ORDERS.out_block(1), f"no rows, although {total.tqty} shares were ordered")
    return OrdersPage(rows, str(total.cts_ordno).strip(), total)


def rows_of(answer: Answer, name: str, row_type: type[R]) -> list[R]:
    """The rows of a t-series list, which LS leaves out where there are none."""
    raw = answer.blocks.get(name)
    if raw is not None:
        return decode(answer.tr, raw, list[row_type])  # type: ignore[valid-type]  # a type that is known at run time only
    if answer.code not in codes.EMPTY_LIST:
        raise problem(answer.tr, name, f"missing, and rsp_cd {answer.code} does not say that there is nothing")
    return []


def broker_orders(rows: Iterable[messages.OrderRow], day: date) -> list[BrokerOrder]:
    """Turn all rows of a day into broker orders, oldest first.

    What is gone from a row (ordered, and neither executed nor open) was moved to another number by a replace, refused by the exchange
    (status 거부), or canceled. Only the replacing rows tell how much was moved, hence all rows at once.

    ``filled_amount`` is ``cheqty`` x ``cheprice``. t0425 has no amount, and its price is a whole number, assumed to be the average: after
    executions at several prices the amount may be off by up to half a won a share; `amounts` mends that.

    Raises:
        BrokerProtocolError: A row cannot be read, or does not tell whether it replaces or cancels.
    """
    orders = [_broker_order(row, day) for row in rows]
    moved: dict[str, int] = {}
    for order in orders:
        if order.kind is BrokerOrderKind.REPLACE and order.original_order_number is not None:
            moved[order.original_order_number] = moved.get(order.original_order_number, 0) + order.quantity - order.rejected_quantity
    settled = [_without_moved(order, moved.get(order.order_number, 0)) for order in orders]
    return sorted(settled, key=lambda order: int(order.order_number))


def open_quantity(rows: Iterable[messages.OrderRow], number: str) -> int:
    """Shares that t0425 shows as open under an order number; 0 where it does not list it."""
    tr = Tr.ORDERS
    return sum(count(tr, "ordrem", row.ordrem) for row in rows if order_number(tr, "ordno", row.ordno) == number)


def _without_moved(order: BrokerOrder, moved: int) -> BrokerOrder:
    if order.kind is BrokerOrderKind.CANCEL or not moved:
        return order
    return msgspec.structs.replace(order, canceled_quantity=max(0, order.canceled_quantity - moved))


def _broker_order(row: messages.OrderRow, day: date) -> BrokerOrder:
    tr = Tr.ORDERS
    quantity, executed, open_now = count(tr, "qty", row.qty), count(tr, "cheqty", row.cheqty), count(tr, "ordrem", row.ordrem)
    if executed + open_now > quantity:
        raise problem(tr, "ordrem", f"{executed} executed and {open_now} open of {quantity}")
    original = optional_number(tr, "orgordno", row.orgordno)
    kind = _kind(row, original, is_alive=bool(executed or open_now))
    gone = quantity - executed - open_now
    refused = gone if "거부" in row.status else 0
    canceled = gone - refused
    if kind is BrokerOrderKind.CANCEL:
        # confirmed quantity; a cancel that is only received has confirmed nothing
        canceled = count(tr, "cfmqty", row.cfmqty) or (quantity if "확인" in row.status else 0)
        open_now = 0
    price = count(tr, "price", row.price)
    return BrokerOrder(
        order_number=order_number(tr, "ordno", row.ordno),
        original_order_number=original,
        kind=kind,
        symbol=symbol(tr, "expcode", row.expcode),
        side=_side_of_word(row.medosu),
        order_type=codes.ORDER_TYPES.get(row.hogagb.strip()),
        exchange=codes.EXCHANGES.get(row.exchname.strip()),
        quantity=quantity,
        limit_price=price or None,
        cumulative_quantity=executed,
        filled_amount=executed * whole(tr, "cheprice", row.cheprice),
        leaves_quantity=open_now,
        canceled_quantity=canceled,
        rejected_quantity=refused,
        ordered_at=instant(tr, "ordtime", row.ordtime, day, digits=8),
        branch="",
        order_type_code=row.hogagb.strip(),
    )


def _kind(row: messages.OrderRow, original: str | None, *, is_alive: bool) -> BrokerOrderKind:
    if original is None:
        return BrokerOrderKind.NEW
    # 매수정정 has been seen in `medosu`, 정정확인 in `status`; how a cancel looks is unsure, so both are asked
    for text in (row.medosu, row.status):
        if "취소" in text:
            return BrokerOrderKind.CANCEL
        if "정정" in text:
            return BrokerOrderKind.REPLACE
    if is_alive:
        return BrokerOrderKind.REPLACE  # a cancel is never open and never executed
    raise problem(Tr.ORDERS, "medosu", f"{row.medosu!r} with an original order tells neither 정정 nor 취소")


def _side_of_word(text: str) -> Side:
    for word, found in codes.SIDE_WORDS.items():
        if text.strip().startswith(word):
            return found
    raise problem(Tr.ORDERS, "medosu", f"{text!r} is no side")


class HoldingsPage(Struct, frozen=True):
    """A page of t0424."""

    rows: Sequence[messages.HoldingRow]
    cursor: str


def holdings_page(answer: Answer) -> HoldingsPage:
    """Read a page of the holdings; LS may leave the blocks out where there are none."""
    raw_total = answer.blocks.get(Tr.HOLDINGS.out_block())
    total = messages.HoldingsTotal() if raw_total is None else decode(answer.tr, raw_total, messages.HoldingsTotal)
    return HoldingsPage(rows_of(answer, Tr.HOLDINGS.out_block(1), messages.HoldingRow), total.cts_expcode.strip())


def sellable_quantity(rows: Iterable[messages.HoldingRow], code: str) -> int:
    """Shares of a symbol that a cash order may sell: ``mdposqt`` of t0424, without what is held on credit (it has a loan date)."""
    tr = Tr.HOLDINGS
    return sum(
        count(tr, "mdposqt", row.mdposqt)
        for row in rows
        if symbol(tr, "expcode", row.expcode) == code and not row.loandt.strip().strip("0")
    )


def positions(rows: Iterable[messages.HoldingRow]) -> list[Position]:
    """Holdings above 0. A stock held in cash and on credit has a row for each."""
    found = [_position(row) for row in rows]
    return [position for position in found if position.quantity > 0]


def _position(row: messages.HoldingRow) -> Position:
    tr = Tr.HOLDINGS
    return Position(
        symbol=symbol(tr, "expcode", row.expcode),
        name=row.hname.strip(),
        quantity=count(tr, "janqty", row.janqty),
        sellable_quantity=count(tr, "mdposqt", row.mdposqt),
        average_price=plain_text(decimal(tr, "pamt", row.pamt)),
        purchase_amount=whole(tr, "mamt", row.mamt),
        current_price=count(tr, "price", row.price),
        evaluation_amount=whole(tr, "appamt", row.appamt),
        profit_amount=whole(tr, "dtsunik", row.dtsunik),
    )


def balance(answer: Answer, held: Sequence[Position]) -> Balance:
    """Read CSPAQ12200; the holdings' amounts are added up from all of them, because t0424's totals may be those of one page."""
    tr = Tr.DEPOSIT
    deposit = decode(tr, block(answer, tr.out_block(2)), messages.Deposit)
    settled = whole(tr, "D2Dps", deposit.D2Dps)
    securities = sum(position.evaluation_amount for position in held)
    without_credit = deposit.RcvblUablOrdAbleAmt
    return Balance(
        cash=whole(tr, "Dps", deposit.Dps),
        settled_cash=settled,
        orderable_cash=whole(tr, "MgnRat100pctOrdAbleAmt", deposit.MgnRat100pctOrdAbleAmt)
        if without_credit is None
        else whole(tr, "RcvblUablOrdAbleAmt", without_credit),
        securities_amount=securities,
        total_amount=settled + securities,
        purchase_amount=sum(position.purchase_amount for position in held),
        profit_amount=sum(position.profit_amount for position in held),
    )


def buying_power(answer: Answer) -> BuyingPower:
    """Read CSPBQ00200."""
    tr = Tr.BUYING_POWER
    buyable = decode(tr, block(answer, tr.out_block(2)), messages.Buyable)
    return BuyingPower(
        orderable_cash=whole(tr, "MgnRat100MnyOrdAbleAmt", buyable.MgnRat100MnyOrdAbleAmt),
        orderable_quantity=whole(tr, "MgnRat100MnyOrdAbleQty", buyable.MgnRat100MnyOrdAbleQty),
    )


def quote(answer: Answer, code: str) -> Quote:
    """Read t1102. ``turnover_amount`` is told in millions of won, so its last six digits are zeros."""
    tr = Tr.PRICE
    price = decode(tr, block(answer, tr.out_block()), messages.Price)
    return Quote(
        symbol=code,
        price=count(tr, "price", price.price),
        change=signed_change(tr, price.sign, price.change),
        change_rate=plain_text(decimal(tr, "diff", price.diff)),
        open_price=count(tr, "open", price.open),
        high_price=count(tr, "high", price.high),
        low_price=count(tr, "low", price.low),
        upper_limit_price=count(tr, "uplmtprice", price.uplmtprice),
        lower_limit_price=count(tr, "dnlmtprice", price.dnlmtprice),
        reference_price=count(tr, "recprice", price.recprice),
        volume=count(tr, "volume", price.volume),
        turnover_amount=count(tr, "value", price.value) * MILLION,
    )


def instrument_names(answer: Answer) -> dict[str, messages.InstrumentName]:
    """Read t9945, by code. Its names are long enough not to be cut."""
    rows = decode(answer.tr, block(answer, Tr.INSTRUMENT_NAMES.out_block()), list[messages.InstrumentName])
    return {row.shcode.strip(): row for row in rows}


def instruments(answer: Answer, more: Mapping[str, messages.InstrumentName]) -> list[InstrumentRecord]:
    """Read t8436, with what t9945 tells besides. Neither tells of halts, 관리종목 or 정리매매, or has English names."""
    rows = decode(answer.tr, block(answer, Tr.INSTRUMENTS.out_block()), list[messages.InstrumentRow])
    return [_instrument(row, more) for row in rows]


def _instrument(row: messages.InstrumentRow, more: Mapping[str, messages.InstrumentName]) -> InstrumentRecord:
    tr = Tr.INSTRUMENTS
    code = symbol(tr, "shcode", row.shcode)
    known = more.get(code)
    market, kind = _MARKETS.get(row.gubun.strip()), _KINDS.get(row.etfgubun.strip())
    if market is None or kind is None:
        raise problem(tr, "gubun", f"{code}: unknown market {row.gubun!r} or kind {row.etfgubun!r}")
    return InstrumentRecord(
        symbol=code,
        isin=row.expcode.strip(),
        name=(known.hname.strip() if known is not None else "") or row.hname.strip(),
        english_name="",
        market=market,
        kind=kind,
        reference_price=count(tr, "recprice", row.recprice),
        upper_limit_price=count(tr, "uplmtprice", row.uplmtprice),
        lower_limit_price=count(tr, "dnlmtprice", row.dnlmtprice),
        lot_size=count(tr, "memedan", row.memedan) or 1,
        is_halted=None,
        is_nxt_tradable=None if known is None else _YES_OR_NO.get(known.nxt_chk.strip()),
    )


def block(answer: Answer, name: str) -> msgspec.Raw:
    """A block that must be there."""
    raw = answer.blocks.get(name)
    if raw is None:
        raise problem(answer.tr, name, f"missing (rsp_cd {answer.code})")
    return raw


def next_token_end(now: datetime) -> datetime:
    """When all of LS's tokens end next, aware UTC: 07:00 KST."""
    local = now.astimezone(KST)
    end = datetime.combine(local.date(), _TOKEN_END)
    return (end if end > local else end + timedelta(days=1)).astimezone(UTC)


def token_expiry(token: str, expires_in: messages.Number | None, now: datetime) -> datetime:
    """When an access token dies, aware UTC: its own ``exp`` claim.

    Where it has none that can be read: 07:00 KST, when LS's tokens end, or after ``expires_in`` seconds, whichever is earlier.
    ``expires_in`` alone says 86,400 whatever the hour.
    """
    try:
        payload = token.split(".")[1]
        claims = msgspec.json.decode(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)), type=_Claims)
        return datetime.fromtimestamp(claims.exp, UTC)
    except (IndexError, binascii.Error, msgspec.DecodeError, UnicodeError, OverflowError, OSError, ValueError):
        end = next_token_end(now)
        seconds = whole(codes.TOKEN_PATH, "expires_in", expires_in) if expires_in is not None else 86_400
        return min(end, now + timedelta(seconds=seconds))
