"""KIS's answers → Lucy's words. Pure. A missing or unparsable field is a `BrokerProtocolError`, never a guess.

Execution notices are read in `notices`.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any, TypeVar

import msgspec

from api.brokers.base import Acknowledgement, Balance, BrokerOrder, BrokerOrderKind, BuyingPower, Position
from api.brokers.errors import BrokerProtocolError
from api.brokers.kis.codes import NOTHING_FOUND, ORDER_TYPES, SIDES
from api.brokers.kis.envelope import KIS, Envelope
from api.brokers.kis.messages import BalanceTotal, Buyable, DailyOrder, DailyTotal, Holding, OrderTaken, Price
from api.brokers.market_data import Quote
from api.domain.enums import Exchange, Side
from api.kit.clock import KST

_Row = TypeVar("_Row", bound=msgspec.Struct)
_MISSING_FIELD = re.compile(r"field `(\w+)`")
_PATH = re.compile(r"`\$\.?(\w+)")
_SYMBOL_LENGTH = 6
_DAY_DIGITS, _TIME_DIGITS = 8, 6
_EXCHANGES: Mapping[str, Exchange] = {exchange.value: exchange for exchange in Exchange}
_MISSPELLED = {"cnc_cfrm_qty": "cncl_cfrm_qty"}  # as the portal's sheet has it


def parse_acknowledgement(envelope: Envelope, today: date) -> Acknowledgement:
    """Read the answer to an order, a change or a cancel.

    Args:
        envelope: A successful answer.
        today: KST day, because KIS tells the time of day only.
    """
    taken = row_of(envelope.tr, envelope.members.get("output"), OrderTaken)
    return Acknowledgement(
        order_number=order_number(envelope.tr, "odno", taken.odno),
        branch=taken.krx_fwdg_ord_orgno.strip(),
        accepted_at=instant(envelope.tr, "ord_tmd", today, taken.ord_tmd) if taken.ord_tmd.strip() else None,
        code=envelope.code,
        message=envelope.message,
    )


def parse_daily_orders(envelope: Envelope) -> list[BrokerOrder]:
    """Read one page of ``inquire-daily-ccld``."""
    rows = envelope.members.get("output1")
    if rows is None and envelope.code == NOTHING_FOUND:
        return []
    return [_broker_order(envelope.tr, row) for row in rows_of(envelope.tr, "output1", rows)]


def parse_ordered_total(envelope: Envelope) -> int:
    """Shares ordered over all rows, as ``inquire-daily-ccld`` sums them; 0 where it gives no sum."""
    total = envelope.members.get("output2")
    return whole(envelope.tr, "tot_ord_qty", row_of(envelope.tr, total, DailyTotal).tot_ord_qty, blank=0) if total else 0


def _broker_order(tr: str, source: Mapping[str, Any]) -> BrokerOrder:
    row = row_of(tr, source, DailyOrder)
    cumulative = whole(tr, "tot_ccld_qty", row.tot_ccld_qty)
    leaves = whole(tr, "rmn_qty", row.rmn_qty)
    price = whole(tr, "ord_unpr", row.ord_unpr, blank=0)
    original = row.orgn_odno.strip().lstrip("0") or None
    return BrokerOrder(
        order_number=order_number(tr, "odno", row.odno),
        original_order_number=original,
        kind=_kind(row, cumulative, leaves) if original else BrokerOrderKind.NEW,
        symbol=symbol(tr, "pdno", row.pdno),
        side=side(tr, "sll_buy_dvsn_cd", row.sll_buy_dvsn_cd),
        order_type=ORDER_TYPES.get(row.ord_dvsn_cd.strip()),
        exchange=_EXCHANGES.get(row.excg_id_dvsn_cd.strip()),
        quantity=whole(tr, "ord_qty", row.ord_qty),
        limit_price=price or None,
        cumulative_quantity=cumulative,
        filled_amount=whole(tr, "tot_ccld_amt", row.tot_ccld_amt, blank=0 if cumulative == 0 else None),
        leaves_quantity=leaves,
        canceled_quantity=whole(tr, "cncl_cfrm_qty", row.cncl_cfrm_qty, blank=0),
        rejected_quantity=whole(tr, "rjct_qty", row.rjct_qty, blank=0),
        ordered_at=instant(tr, "ord_tmd", day(tr, "ord_dt", row.ord_dt), row.ord_tmd),
        branch=row.ord_gno_brno.strip(),
        order_type_code=row.ord_dvsn_cd.strip(),
    )


def _kind(row: DailyOrder, cumulative: int, leaves: int) -> BrokerOrderKind:
    # The names (매수취소, 매수정정) are conventional, not captured. Where they tell nothing the quantities do: only a changed order can
    # trade or stay open. One that did neither is over, so reading it as a cancel claims no live order that is not there.
    name = row.sll_buy_dvsn_cd_name
    if "취소" in name and "정정" not in name:
        return BrokerOrderKind.CANCEL
    if "정정" in name and "취소" not in name:
        return BrokerOrderKind.REPLACE
    return BrokerOrderKind.REPLACE if cumulative or leaves else BrokerOrderKind.CANCEL


def parse_positions(envelope: Envelope) -> list[Position]:
    """Read one page of holdings; rows of 0 shares, which stay until settlement, are left out."""
    tr = envelope.tr
    rows = envelope.members.get("output1")
    if rows is None and envelope.code == NOTHING_FOUND:
        return []
    positions = []
    for source in rows_of(tr, "output1", rows):
        row = row_of(tr, source, Holding)
        quantity = whole(tr, "hldg_qty", row.hldg_qty)
        if quantity == 0:
            continue
        positions.append(
            Position(
                symbol=symbol(tr, "pdno", row.pdno),
                name=row.prdt_name.strip(),
                quantity=quantity,
                sellable_quantity=whole(tr, "ord_psbl_qty", row.ord_psbl_qty),
                average_price=row.pchs_avg_pric.strip(),
                purchase_amount=whole(tr, "pchs_amt", row.pchs_amt),
                current_price=whole(tr, "prpr", row.prpr),
                evaluation_amount=whole(tr, "evlu_amt", row.evlu_amt),
                profit_amount=whole(tr, "evlu_pfls_amt", row.evlu_pfls_amt),
            )
        )
    return positions


def parse_balance(envelope: Envelope, orderable: BuyingPower) -> Balance:
    """Read the totals of ``inquire-balance``; what may be ordered comes from another call."""
    tr = envelope.tr
    totals = envelope.members.get("output2")
    row = row_of(tr, totals[0] if isinstance(totals, list) and totals else totals, BalanceTotal, "output2")
    settled = whole(tr, "prvs_rcdl_excc_amt", row.prvs_rcdl_excc_amt)
    securities = whole(tr, "scts_evlu_amt", row.scts_evlu_amt)
    return Balance(
        cash=whole(tr, "dnca_tot_amt", row.dnca_tot_amt),
        settled_cash=settled,
        orderable_cash=orderable.orderable_cash,
        securities_amount=securities,
        total_amount=settled + securities,
        purchase_amount=whole(tr, "pchs_amt_smtl_amt", row.pchs_amt_smtl_amt),
        profit_amount=whole(tr, "evlu_pfls_smtl_amt", row.evlu_pfls_smtl_amt),
    )


def parse_buying_power(envelope: Envelope) -> BuyingPower:
    """Read ``inquire-psbl-order``: the figures without borrowing."""
    row = row_of(envelope.tr, envelope.members.get("output"), Buyable)
    return BuyingPower(
        orderable_cash=whole(envelope.tr, "nrcvb_buy_amt", row.nrcvb_buy_amt),
        orderable_quantity=whole(envelope.tr, "nrcvb_buy_qty", row.nrcvb_buy_qty, blank=0),
    )


def parse_quote(envelope: Envelope, asked_symbol: str) -> Quote:
    """Read ``inquire-price``."""
    tr = envelope.tr
    row = row_of(tr, envelope.members.get("output"), Price)
    return Quote(
        symbol=asked_symbol,
        price=whole(tr, "stck_prpr", row.stck_prpr),
        change=whole(tr, "prdy_vrss", row.prdy_vrss),
        change_rate=row.prdy_ctrt.strip(),
        open_price=whole(tr, "stck_oprc", row.stck_oprc),
        high_price=whole(tr, "stck_hgpr", row.stck_hgpr),
        low_price=whole(tr, "stck_lwpr", row.stck_lwpr),
        upper_limit_price=whole(tr, "stck_mxpr", row.stck_mxpr),
        lower_limit_price=whole(tr, "stck_llam", row.stck_llam),
        reference_price=whole(tr, "stck_sdpr", row.stck_sdpr),
        volume=whole(tr, "acml_vol", row.acml_vol),
        turnover_amount=whole(tr, "acml_tr_pbmn", row.acml_tr_pbmn),
    )


def parse_token(tr: str, members: Mapping[str, Any], now: datetime) -> tuple[str, datetime]:
    """Read a token answer: the token and its end (aware UTC), from the KST text or else the seconds."""
    token = members.get("access_token")
    if not isinstance(token, str) or not token:
        raise BrokerProtocolError(KIS, tr, "access_token", "missing")
    until = members.get("access_token_token_expired")
    if isinstance(until, str) and until.strip():
        try:
            return token, datetime.strptime(until.strip(), "%Y-%m-%d %H:%M:%S").replace(tzinfo=KST).astimezone(UTC)
        except ValueError as error:
            raise BrokerProtocolError(KIS, tr, "access_token_token_expired", f"not a time: {until!r}") from error
    seconds = members.get("expires_in")
    if seconds is None:
        raise BrokerProtocolError(KIS, tr, "expires_in", "missing")
    return token, now + timedelta(seconds=whole(tr, "expires_in", str(seconds)))


def order_number(tr: str, field: str, text: str) -> str:
    """An order number without spaces and leading zeros: KIS pads it to ten digits, but not everywhere."""
    number = text.strip().lstrip("0")
    if not number:
        raise BrokerProtocolError(KIS, tr, field, "no order number")
    return number


def side(tr: str, field: str, code: str) -> Side:
    """01 sell, 02 buy."""
    found = SIDES.get(code.strip())
    if found is None:
        raise BrokerProtocolError(KIS, tr, field, f"unknown side {code!r}")
    return found


def symbol(tr: str, field: str, text: str) -> str:
    """The six characters of a stock code; longer fields hold them last (ETN: ``Q`` before them)."""
    code = text.strip()
    if len(code) < _SYMBOL_LENGTH:
        raise BrokerProtocolError(KIS, tr, field, f"not a stock code: {text!r}")
    return code[-_SYMBOL_LENGTH:]


def whole(tr: str, field: str, text: str, *, blank: int | None = None) -> int:
    """A padded number as int; a fraction of a won, as averages carry, is rounded half up. ``blank`` is what an empty text means."""
    stripped = text.strip()
    if not stripped and blank is not None:
        return blank
    try:
        return int(stripped)
    except ValueError:
        pass
    try:
        number = Decimal(stripped)
    except InvalidOperation as error:
        raise BrokerProtocolError(KIS, tr, field, f"not a number: {text!r}") from error
    if not number.is_finite():
        raise BrokerProtocolError(KIS, tr, field, f"not a number: {text!r}")
    return int(number.to_integral_value(ROUND_HALF_UP))


def day(tr: str, field: str, text: str) -> date:
    """A ``YYYYMMDD`` text."""
    stripped = text.strip()
    try:
        if len(stripped) != _DAY_DIGITS:  # strptime would read fewer as something else
            raise ValueError(stripped)
        return datetime.strptime(stripped, "%Y%m%d").date()
    except ValueError as error:
        raise BrokerProtocolError(KIS, tr, field, f"not a day: {text!r}") from error


def instant(tr: str, field: str, kst_day: date, text: str) -> datetime:
    """A ``HHMMSS`` text of a KST day, as aware UTC; five digits are one without its leading zero."""
    stripped = text.strip()
    try:
        if len(stripped) not in (_TIME_DIGITS - 1, _TIME_DIGITS):  # strptime would read fewer as something else
            raise ValueError(stripped)
        time = datetime.strptime(stripped.zfill(_TIME_DIGITS), "%H%M%S").time()
    except ValueError as error:
        raise BrokerProtocolError(KIS, tr, field, f"not a time of day: {text!r}") from error
    return datetime.combine(kst_day, time, KST).astimezone(UTC)


def rows_of(tr: str, field: str, value: object) -> Sequence[Mapping[str, Any]]:
    """A list of objects, as an output of several rows is."""
    if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
        raise BrokerProtocolError(KIS, tr, field, "not a list of objects")
    return value


def row_of(tr: str, value: object, form: type[_Row], field: str = "output") -> _Row:
    """One object as a Struct of texts, whatever the case of its names."""
    if not isinstance(value, dict):
        raise BrokerProtocolError(KIS, tr, field, "missing" if value is None else "not an object")
    named = {}
    for name, entry in value.items():
        lower = str(name).lower()
        named[_MISSPELLED.get(lower, lower)] = "" if entry is None else entry if isinstance(entry, str) else str(entry)
    try:
        return msgspec.convert(named, form)
    except msgspec.ValidationError as error:
        found = _MISSING_FIELD.search(str(error)) or _PATH.search(str(error))
        raise BrokerProtocolError(KIS, tr, found[1] if found else field, str(error)) from error
