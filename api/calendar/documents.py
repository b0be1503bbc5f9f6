"""Stored trading days."""

from odmantic import Field, Model
from odmantic.config import ODMConfigDict


class TradingDayDocument(Model):
    """What a broker said of one KST day.

    ``key`` is ``exchange:2026-11-23`` or ``sandbox:…``: the sandbox's calendar is its own. Days are ``YYYY-MM-DD``; ``asked_on``: KST day
    on which the broker was asked.
    """

    model_config = ODMConfigDict(collection="trading_days")

    key: str = Field(primary_field=True)
    day: str
    is_open: bool
    is_settlement_day: bool
    broker: str
    asked_on: str
