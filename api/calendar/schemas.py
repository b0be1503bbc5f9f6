"""Trading days and sessions on the wire."""

from datetime import date, datetime
from typing import Annotated

from msgspec import Meta, Struct

from api.domain.enums import Broker, Exchange
from api.domain.sessions import Phase


class TradingDay(Struct, kw_only=True, frozen=True):
    """One KST day."""

    day: date
    is_open: Annotated[bool, Meta(description="Whether the exchange opens.")]
    is_settlement_day: Annotated[bool, Meta(description="Whether trades settle.")]


class TradingDayList(Struct, kw_only=True, frozen=True):
    """Consecutive days as a broker tells of them: some three weeks."""

    items: list[TradingDay]
    broker: Broker
    asked_on: Annotated[date, Meta(description="KST day on which the broker was asked; it is asked once a day.")]


class SessionOfDay(Struct, kw_only=True, frozen=True):
    """One session of a venue: from when to when it takes orders, with the offset of Seoul."""

    exchange: Exchange
    phase: Phase
    opens_at: datetime
    closes_at: datetime
    is_open: Annotated[bool, Meta(description="Whether it takes orders now; false on a day that is known to be no trading day.")]


class SessionList(Struct, kw_only=True, frozen=True):
    """Today's sessions by the rules of the venues."""

    day: date
    is_trading_day: Annotated[
        bool, Meta(description="False on weekends; else what a broker said of today (`GET /holidays`), or the exchange's known holidays.")
    ]
    items: list[SessionOfDay]
    at: datetime
