"""What an adapter can do, as data: one record for each broker and environment."""

from enum import StrEnum

from msgspec import Struct

from api.domain.enums import CandleInterval, Exchange, OrderType, RankingKind, TimeInForce


class Inquiry(StrEnum):
    """A function of the port that not every broker has in every environment; the others every adapter has."""

    SELLABLE_QUANTITY = "sellable_quantity"
    ORDER_BOOK = "order_book"
    FINANCIAL_RATIOS = "financial_ratios"
    INVESTMENT_OPINIONS = "investment_opinions"
    TRADING_DAYS = "trading_days"
    INSTRUMENTS = "instruments"
    INSTRUMENT_DETAIL = "instrument_detail"
    FINANCIALS = "financials"
    INVESTORS = "investors"
    FIRM_OPINIONS = "firm_opinions"
    CONDITIONS = "conditions"
    INTEREST_GROUPS = "interest_groups"


class Capabilities(Struct, kw_only=True, frozen=True):
    """What an adapter can do, as data.

    Attributes:
        order_kinds: The (order type, time in force, exchange) combinations that the broker takes in this environment.
        replaceable_order_types: Order types whose price may be changed.
        can_increase_quantity: Whether a replace may raise the quantity (neither KIS nor LS can).
        inquiries: What else it answers.
        candle_intervals: Bars it gives.
        rankings: Rankings it gives.
        has_quote_feed: Whether its execution stream tells trades of instruments too (`QuoteFeed`).
    """

    order_kinds: frozenset[tuple[OrderType, TimeInForce, Exchange]]
    replaceable_order_types: frozenset[OrderType]
    can_increase_quantity: bool
    inquiries: frozenset[Inquiry] = frozenset()
    candle_intervals: frozenset[CandleInterval] = frozenset()
    rankings: frozenset[RankingKind] = frozenset()
    has_quote_feed: bool = False
