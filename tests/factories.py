"""Good defaults, one thing varied."""

from datetime import UTC, datetime
from typing import Any

import msgspec

from api.brokers.base import BrokerOrder, BrokerOrderKind
from api.domain.enums import Broker, Exchange, ExecutionType, OrderOrigin, OrderStatus, OrderType, Side, TimeInForce
from api.domain.hangul import initials
from api.domain.ledger import TradeNotice
from api.domain.order import Change, Order, Stages
from api.market.documents import InstrumentDocument

NOON = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
"""12:00 KST on a Monday."""


def an_order(**changes: Any) -> Order:
    """A buy of 10 shares of 005930 at 71,000 won, stored and not yet sent."""
    order = Order(
        id="6650f1c2a4b3c2d1e0f9a8b7",
        client_order_id="desk-1",
        account_id="6650f1c2a4b3c2d1e0f90001",
        broker=Broker.KIS,
        symbol="005930",
        exchange=Exchange.KRX,
        side=Side.BUY,
        order_type=OrderType.LIMIT,
        time_in_force=TimeInForce.DAY,
        quantity=10,
        limit_price=71_000,
        status=OrderStatus.PENDING_NEW,
        trading_day="2026-11-23",
        origin=OrderOrigin.API,
        created_by="6650f1c2a4b3c2d1e0f90002",
        created_at=NOON,
        updated_at=NOON,
        stages=Stages(received_at=NOON),
        request_digest="digest",
        fingerprint="print",
        sender="process",
        history=(
            Change(
                version=1,
                at=NOON,
                execution_type=ExecutionType.PENDING_NEW,
                status=OrderStatus.PENDING_NEW,
                quantity=10,
                limit_price=71_000,
                cumulative_quantity=0,
                filled_amount=0,
                broker_code="",
                broker_message="",
                reason="",
            ),
        ),
    )
    return msgspec.structs.replace(order, **changes)


def a_live_order(**changes: Any) -> Order:
    """The same, taken by the broker under the number 1562."""
    return an_order(**{"status": OrderStatus.NEW, "broker_order_ids": ("1562",)} | changes)


def a_trade(**changes: Any) -> TradeNotice:
    """An execution of 3 shares at 71,000 won under 1562, without an id, as KIS tells it."""
    notice = TradeNotice(notice_id="n1:0", broker_order_id="1562", quantity=3, price=71_000, executed_at=NOON, execution_id=None)
    return msgspec.structs.replace(notice, **changes)


def a_row(**changes: Any) -> BrokerOrder:
    """The broker's list entry of `a_live_order`, nothing filled."""
    row = BrokerOrder(
        order_number="1562",
        original_order_number=None,
        kind=BrokerOrderKind.NEW,
        symbol="005930",
        side=Side.BUY,
        order_type=OrderType.LIMIT,
        exchange=Exchange.KRX,
        quantity=10,
        limit_price=71_000,
        cumulative_quantity=0,
        filled_amount=0,
        leaves_quantity=10,
        canceled_quantity=0,
        rejected_quantity=0,
        ordered_at=NOON,
        branch="06590",
    )
    return msgspec.structs.replace(row, **changes)


def an_instrument(**changes: Any) -> InstrumentDocument:
    """Samsung Electronics as it is stored before a broker has told its English name."""
    fields: dict[str, Any] = {
        "symbol": "005930",
        "isin": "KR7005930003",
        "name": "삼성전자",
        "english_name": "",
        "market": "KOSPI",
        "kind": "stock",
        "reference_price": 71_000,
        "upper_limit_price": 92_300,
        "lower_limit_price": 49_700,
        "lot_size": 1,
        "is_halted": False,
        "priced_day": "2026-11-23",
        "updated_at": NOON,
    } | changes
    fields.setdefault("initials", initials(fields["name"]))
    return InstrumentDocument.model_validate_doc({"_id": fields.pop("symbol")} | fields)
