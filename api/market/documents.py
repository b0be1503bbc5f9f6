"""Stored instruments."""

from datetime import datetime

from odmantic import Field, Model
from odmantic.config import ODMConfigDict


class InstrumentDocument(Model):
    """One listed stock, ETF or ETN, as the brokers' masters had it last; None is what none of them tells.

    ``symbol`` is the key. Prices in won; reference price and limits are those of ``priced_day`` (KST, ``YYYY-MM-DD``). ``initials`` holds
    the initial consonants (초성) of the Korean name, for search. ``detailed_at``: when a broker was last asked for what the masters lack
    (English name, listed shares, par value in won, listing day ``YYYY-MM-DD``).
    """

    model_config = ODMConfigDict(collection="instruments")

    symbol: str = Field(primary_field=True)
    isin: str
    name: str
    english_name: str
    initials: str
    market: str
    kind: str
    reference_price: int
    upper_limit_price: int | None
    lower_limit_price: int | None
    lot_size: int
    is_halted: bool
    is_administrative: bool | None = None
    is_liquidation: bool | None = None
    is_nxt_tradable: bool | None = None
    listed_shares: int | None = None
    par_value: int | None = None
    listed_on: str | None = None
    priced_day: str
    detailed_at: datetime | None = None
    updated_at: datetime
