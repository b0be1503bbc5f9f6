"""What follows from an offering on a day. Pure. Prices in won."""

from collections.abc import Collection
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

from msgspec import Struct

from api.domain.ticks import tick_size
from api.ipos.model import Model
from api.ipos.offering import Offering, Underwriter

_USUAL_MINIMUM_SHARES = 10
_USUAL_DEPOSIT_PCT = Decimal(50)
_EQUAL_HALF = Fraction(1, 2)
"""At least half of a broker's retail shares go in equal parts to all who asked for the minimum (since 2021)."""


class IpoStatus(StrEnum):
    """Where an offering is. ``announced``: no dates yet; ``closed``: subscribed, not listed yet."""

    ANNOUNCED = "announced"
    UPCOMING = "upcoming"
    OPEN = "open"
    CLOSED = "closed"
    LISTED = "listed"
    WITHDRAWN = "withdrawn"


class EventKind(StrEnum):
    """What happens on a day of an offering."""

    FORECAST = "forecast"
    SUBSCRIPTION = "subscription"
    PAYMENT = "payment"
    REFUND = "refund"
    LISTING = "listing"


class ExpectedPrice(Struct, frozen=True, kw_only=True):
    """What the model expects: ``multiple`` of the offer price, and that as a price on KRX's ticks."""

    price: int
    multiple: float


class EqualShares(Struct, frozen=True, kw_only=True):
    """Shares that each account which asked for the minimum may expect by equal allocation; below 1 the chance in a draw."""

    underwriter: str
    applicants: int
    shares: float


def status_on(offering: Offering, day: date) -> IpoStatus:
    """By its dates; KST."""
    if offering.is_withdrawn:
        return IpoStatus.WITHDRAWN
    if offering.listing_date is not None and offering.listing_date <= day:
        return IpoStatus.LISTED
    start, end = offering.subscription_start, offering.subscription_end or offering.subscription_start
    if start is None or end is None:
        return IpoStatus.ANNOUNCED
    if day < start:
        return IpoStatus.UPCOMING
    return IpoStatus.OPEN if day <= end else IpoStatus.CLOSED


def subscription_days(offering: Offering, closed: Collection[date]) -> list[date]:
    """Days on which one can subscribe: those of the range that are no weekend and no holiday (``closed``)."""
    start, end = offering.subscription_start, offering.subscription_end or offering.subscription_start
    if start is None or end is None or (end - start).days > 31:
        return []
    days = [start + timedelta(days=number) for number in range((end - start).days + 1)]
    return [day for day in days if day.weekday() < 5 and day not in closed]


def minimum_deposit(offering: Offering) -> int | None:
    """Won that the smallest subscription takes: at the price, or the top of the band before it is set; 10 shares and 50 % are usual."""
    price = offering.final_price or offering.band_high
    if price is None:
        return None
    shares = offering.retail_minimum_shares or _USUAL_MINIMUM_SHARES
    rate = offering.retail_deposit_rate_pct or _USUAL_DEPOSIT_PCT
    return -(-shares * price * Fraction(rate) // 100)


def expected_price(offering: Offering, model: Model | None) -> ExpectedPrice | None:
    """By the model; None without one, or where the offering lacks a figure."""
    if model is None or offering.final_price is None or (multiple := model.multiple(offering)) is None:
        return None
    raw = int(offering.final_price * multiple)
    return ExpectedPrice(price=raw - raw % tick_size(raw, "stock"), multiple=round(multiple, 4))


def equal_shares(offering: Offering) -> list[EqualShares]:
    """For each underwriter whose applicants somebody has typed in, and whose shares are known."""
    found = []
    for underwriter in offering.underwriters:
        applicants, shares = offering.applicants.get(underwriter.name), _retail_shares(offering, underwriter)
        if applicants and shares:
            expected = float(shares * _EQUAL_HALF / applicants)
            found.append(EqualShares(underwriter=underwriter.name, applicants=applicants, shares=round(expected, 4)))
    return found


def _retail_shares(offering: Offering, underwriter: Underwriter) -> int | None:
    if underwriter.shares_low is not None:
        return underwriter.shares_low
    return offering.retail_shares_low if len(offering.underwriters) == 1 else None


def events_of(offering: Offering) -> list[tuple[date, date, EventKind]]:
    """First day, last day and kind, in the order of days; payment and refund are one where they are on one day."""
    if offering.is_withdrawn:
        return []
    found = []
    for start, end, kind in (
        (offering.forecast_start or offering.forecast_end, offering.forecast_end, EventKind.FORECAST),
        (offering.subscription_start, offering.subscription_end, EventKind.SUBSCRIPTION),
        (offering.payment_date, offering.payment_date, EventKind.PAYMENT),
        (None if offering.refund_date == offering.payment_date else offering.refund_date, offering.refund_date, EventKind.REFUND),
        (offering.listing_date, offering.listing_date, EventKind.LISTING),
    ):
        if start is not None:
            found.append((start, max(start, end or start), kind))
    return sorted(found)
