"""Stored watch lists and the alerts that came of them. Prices in won."""

from datetime import datetime

from odmantic import EmbeddedModel, Field, Model
from odmantic.config import ODMConfigDict

from api.watchlists.crossing import Level


class LevelDocument(EmbeddedModel):
    """A price to be told of, and what was last seen of it.

    Attributes:
        level: `crossing.Level`.
        side: `crossing.Side`.
        since: When ``side`` became so, or the price was set: what was asked of a broker before that says nothing any more.
    """

    level: str
    price: int
    side: str
    since: datetime


class WatchItemDocument(EmbeddedModel):
    """One instrument of a list, with at most one level of each kind.

    A list of holdings has one only for what its owner wrote something about, and keeps it where that is sold.
    """

    symbol: str
    note: str = ""
    levels: list[LevelDocument] = Field(default_factory=list)
    added_at: datetime

    def level_price(self, level: Level) -> int | None:
        """The price set for a level; None where none is."""
        return next((stored.price for stored in self.levels if stored.level == level), None)


class DueAlertDocument(EmbeddedModel):
    """A crossing that is stored and not yet told."""

    id: str
    symbol: str
    level: str
    level_price: int
    price: int
    note: str
    at: datetime


class WatchlistDocument(Model):
    """One list of one user, its items in their order.

    Attributes:
        due_alerts: Written in the same step as the crossing, taken out once told: a crash between the two loses none.
        is_watched: Whether the worker has anything to do with it.
        version: Grows with each change by the user.
        revision: Grows with each write by anybody; every write asks for the one that it read.
    """

    model_config = ODMConfigDict(collection="watchlists")

    id: str = Field(primary_field=True)
    user_id: str
    name: str
    kind: str
    items: list[WatchItemDocument]
    due_alerts: list[DueAlertDocument]
    is_watched: bool
    created_at: datetime
    updated_at: datetime
    version: int
    revision: int


class WatchAlertDocument(Model):
    """A crossing as it was told."""

    model_config = ODMConfigDict(collection="watch_alerts")

    id: str = Field(primary_field=True)
    user_id: str
    watchlist_id: str
    watchlist_name: str
    symbol: str
    name: str
    level: str
    level_price: int
    price: int
    note: str
    at: datetime
