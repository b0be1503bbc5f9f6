"""Offerings on the wire. Days are KST dates; prices in won, ``_krw_million`` in millions of won; null is not known (yet)."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from api.ipos import judging
from api.ipos.judging import EventKind, IpoStatus
from api.ipos.model import Model
from api.ipos.offering import Offering

_COUNT = Annotated[int, Meta(ge=1, le=100_000_000)]
_MILLIONS = Annotated[int, Meta(ge=-1_000_000_000, le=1_000_000_000)]
_RATE = Annotated[float, Meta(ge=0, le=1_000_000)]
_PERCENT = Annotated[float, Meta(ge=0, le=100)]


class Ipo(Struct, kw_only=True, frozen=True):
    """An offering, as the list shows it.

    ``site_no`` is its number at 38커뮤니케이션. Rates are shares asked for one offered. ``minimum_deposit``: won that the smallest
    subscription takes, with 10 shares and 50 % where the page does not say otherwise. ``subscription_days`` are those of the range on which
    the exchange opens. ``expected_price`` is the model's guess of the highest price after the listing, rough as it is.
    """

    site_no: int
    name: str
    former_name: str | None
    status: IpoStatus
    status_note: Annotated[str | None, Meta(description="Words that the site shows in place of a value, verbatim.")]
    is_spac: bool
    market: str | None
    symbol: str | None
    industry: str | None
    band_low: int | None
    band_high: int | None
    final_price: int | None
    offered_shares: int | None
    offering_amount_krw_million: int | None
    subscription_rate: float | None
    proportional_rate: float | None
    institution_rate: float | None
    lockup_pct: float | None
    underwriters: list[str]
    forecast_start: date | None
    forecast_end: date | None
    subscription_start: date | None
    subscription_end: date | None
    subscription_days: list[date]
    payment_date: date | None
    refund_date: date | None
    listing_date: date | None
    current_price: int | None
    open_price: int | None
    first_close: int | None
    minimum_deposit: int | None
    expected_price: judging.ExpectedPrice | None
    missing_since: Annotated[datetime | None, Meta(description="The schedule has not shown it since then, although it was still to come.")]
    first_seen_at: datetime
    updated_at: datetime


class IpoPage(Struct, kw_only=True, frozen=True):
    """Offerings, newest subscription first. ``as_of``: when the schedule was last read; null before the first time."""

    items: list[Ipo]
    next_cursor: str | None
    as_of: datetime | None


class IpoUnderwriter(Struct, kw_only=True, frozen=True):
    """A broker's part: shares for the public, the most that one account may ask for, ``lead``, ``joint`` or ``underwriter``.

    ``equal_shares``: shares that each account which asked for the minimum may expect in equal parts, below 1 the chance in a draw; known
    once somebody typed in the ``applicants``.
    """

    name: str
    role: str | None
    shares_low: int | None
    shares_high: int | None
    limit_low: int | None
    limit_high: int | None
    applicants: int | None
    equal_shares: float | None


class IpoPriceBids(Struct, kw_only=True, frozen=True):
    """Bids of the demand forecast at one price; ``label`` as the site has it."""

    label: str
    count: int | None
    shares: int | None
    pct: float | None


class IpoDisclosure(Struct, kw_only=True, frozen=True):
    """A link to a disclosure."""

    title: str
    url: str


class IpoChange(Struct, kw_only=True, frozen=True):
    """What changed when, as text; null where it was, or is, not known."""

    at: datetime
    field: str
    before: str | None
    after: str | None


class IpoDetail(Ipo, kw_only=True, frozen=True):
    """All that is known of an offering, newest change first. Shares of groups as lowest and highest."""

    stage: str | None
    representative: str | None
    company_size: str | None
    address: str | None
    phone: str | None
    homepage_url: str | None
    source_url: Annotated[str, Meta(description="The offering's page at the site.")]
    largest_shareholder: str | None
    revenue_krw_million: int | None
    pretax_income_krw_million: int | None
    net_income_krw_million: int | None
    capital_krw_million: int | None
    par_value: int | None
    new_shares: int | None
    existing_shares: int | None
    allotment_date: date | None
    ir_date: date | None
    ir_place: str | None
    employee_shares_low: int | None
    employee_shares_high: int | None
    institution_shares_low: int | None
    institution_shares_high: int | None
    retail_shares_low: int | None
    retail_shares_high: int | None
    retail_deposit_rate_pct: float | None
    retail_limit_min: int | None
    retail_limit_max: int | None
    retail_minimum_shares: int | None
    lockup_6m_shares: int | None
    lockup_3m_shares: int | None
    lockup_1m_shares: int | None
    lockup_15d_shares: int | None
    forecast_participants: int | None
    forecast_requested_shares: int | None
    underwriter_details: list[IpoUnderwriter]
    price_distribution: list[IpoPriceBids]
    disclosures: list[IpoDisclosure]
    highest_price: Annotated[int | None, Meta(description="Highest price after the listing, typed in: what the model learns from.")]
    corrected: Annotated[list[str], Meta(description="Figures that a person has put right, by name: pages no longer change them.")]
    notes: str
    changes: list[IpoChange]
    detail_seen_at: datetime | None
    version: int


class ChangeIpo(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """What people know and no page tells, or tells wrongly; what is left out stays.

    ``applicants``: accounts that asked for shares, by underwriter; null takes one away, others stay. ``highest_price`` null takes it back.
    The figures from ``final_price`` to ``lockup_pct`` put right what the pages say; null has one be what they say again.
    """

    highest_price: _COUNT | UnsetType | None = UNSET
    final_price: _COUNT | UnsetType | None = UNSET
    open_price: _COUNT | UnsetType | None = UNSET
    first_close: _COUNT | UnsetType | None = UNSET
    revenue_krw_million: _MILLIONS | UnsetType | None = UNSET
    institution_rate: _RATE | UnsetType | None = UNSET
    lockup_pct: _PERCENT | UnsetType | None = UNSET
    applicants: Annotated[dict[Annotated[str, Meta(min_length=1, max_length=60)], _COUNT | None], Meta(max_length=50)] | UnsetType = UNSET
    notes: Annotated[str, Meta(max_length=2_000)] | UnsetType = UNSET


class IpoEvent(Struct, kw_only=True, frozen=True):
    """Something of an offering that happens from ``start`` to ``end``; ``payment`` stands for the refund too where both are on one day."""

    site_no: int
    name: str
    is_spac: bool
    kind: EventKind
    start: date
    end: date


class ClosedDay(Struct, kw_only=True, frozen=True):
    """A weekday on which the exchange is closed."""

    day: date
    name: str


class IpoCalendar(Struct, kw_only=True, frozen=True):
    """What happens in a span of days, and the closed weekdays in it."""

    first_day: date
    last_day: date
    events: list[IpoEvent]
    closed_days: list[ClosedDay]


class IpoModel(Struct, kw_only=True, frozen=True):
    """``multiple = intercept + revenue * (revenue in 100 million won) + institution_rate * rate + lockup * percent``.

    The expected price is that multiple of the offer price, between 0.6 and 4.
    ``out_of_sample_error`` is the mean absolute error of the multiple for offerings left out of the fit, ``baseline_error`` the same for a
    guess of the mean: a model that is no better knows nothing.
    """

    intercept: float
    revenue: float
    institution_rate: float
    lockup: float
    sample_size: int
    r_squared: float
    out_of_sample_error: float
    baseline_error: float
    fitted_at: datetime
    fewest_needed: int
    usable_now: Annotated[int, Meta(description="Kept offerings that have every figure by now.")]


def to_ipo(offering: Offering, day: date, closed: dict[date, str], model: Model | None) -> Ipo:
    """The list's entry."""
    return Ipo(**_members(Ipo, offering, day, closed, model))


def to_detail(offering: Offering, day: date, closed: dict[date, str], model: Model | None, source_url: str) -> IpoDetail:
    """The whole."""
    equal = {each.underwriter: each.shares for each in judging.equal_shares(offering)}
    return IpoDetail(
        **_members(IpoDetail, offering, day, closed, model)
        | {
            "source_url": source_url,
            "corrected": sorted(offering.as_told),
            "underwriter_details": [
                IpoUnderwriter(
                    **msgspec.structs.asdict(each), applicants=offering.applicants.get(each.name), equal_shares=equal.get(each.name)
                )
                for each in offering.underwriters
            ],
            "price_distribution": [IpoPriceBids(**_plain(each)) for each in offering.price_distribution],
            "disclosures": [IpoDisclosure(**_plain(each)) for each in offering.disclosures],
            "changes": [IpoChange(**_plain(each)) for each in reversed(offering.changes)],
        }
    )


def _members(kind: type[Ipo], offering: Offering, day: date, closed: dict[date, str], model: Model | None) -> dict[str, Any]:
    known = _plain(offering)
    return {name: known[name] for name in kind.__struct_fields__ if name in known} | {
        "status": judging.status_on(offering, day),
        "underwriters": [each.name for each in offering.underwriters],
        "subscription_days": judging.subscription_days(offering, closed),
        "minimum_deposit": judging.minimum_deposit(offering),
        "expected_price": judging.expected_price(offering, model),
        "updated_at": offering.seen_at,
    }


def _plain(value: Struct) -> dict[str, Any]:
    return {name: float(each) if isinstance(each, Decimal) else each for name, each in msgspec.structs.asdict(value).items()}
