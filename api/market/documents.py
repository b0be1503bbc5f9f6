"""Stored instruments."""

from datetime import datetime

from odmantic import Field, Model
from odmantic.config import ODMConfigDict


class InstrumentDocument(Model):
    """One listed stock, ETF or ETN, as the broker's master had it last.

    ``symbol`` is the key. Prices in won; the limits are those of ``priced_day`` (KST, ``YYYY-MM-DD``). ``initials`` holds the initial
    consonants (초성) of the Korean name, for search.
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
    upper_limit_price: int
    lower_limit_price: int
    lot_size: int
    is_halted: bool
    priced_day: str
    updated_at: datetime
