"""An offering as it is stored, and how what a page says is put into it. Pure.

Days are KST dates; prices and amounts in won, ``_krw_million`` in millions; rates and percents as exact decimals. None: not known (yet).
Nothing that was known is lost because a page does not show it any more; what changed is noted with what it was before.
"""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import msgspec
from msgspec import Struct

MOST_CHANGES = 200

TRACKED = frozenset(
    {
        "name",
        "market",
        "symbol",
        "band_low",
        "band_high",
        "final_price",
        "offered_shares",
        "forecast_start",
        "forecast_end",
        "subscription_start",
        "subscription_end",
        "payment_date",
        "refund_date",
        "listing_date",
        "underwriters",
        "status_note",
        "is_withdrawn",
        "missing_since",
    }
)
"""Fields whose changes people want to know of."""

CORRECTABLE = ("final_price", "open_price", "first_close", "revenue_krw_million", "institution_rate", "lockup_pct")
"""Figures that the regression learns from, which a person may put right: pages lack some of past offerings, and err in others."""

_GOES = frozenset({"status_note", "missing_since"})
"""Fields that a page takes back by not showing them."""


class Underwriter(Struct, frozen=True, kw_only=True):
    """One broker's part: shares for the public and the most that one account may ask for, each as lowest and highest."""

    name: str
    shares_low: int | None = None
    shares_high: int | None = None
    limit_low: int | None = None
    limit_high: int | None = None
    role: str | None = None


class PriceBids(Struct, frozen=True, kw_only=True):
    """Bids of the demand forecast at one price; ``label`` as the site has it."""

    label: str
    count: int | None
    shares: int | None
    pct: Decimal | None


class Disclosure(Struct, frozen=True, kw_only=True):
    """A link to a disclosure."""

    title: str
    url: str


class FieldChange(Struct, frozen=True, kw_only=True):
    """One field's change, as text; null where it was, or is, not known. ``at`` aware UTC."""

    at: datetime
    field: str
    before: str | None
    after: str | None


class Offering(Struct, frozen=True, kw_only=True):
    """One offering, by the site's number.

    Attributes:
        missing_since: Since when the schedule has not shown it, although its subscription is still to come.
        highest_price: Highest price after the listing, typed in by a person: what the regression learns from.
        applicants: Accounts that asked for shares, by underwriter, typed in: nobody publishes them before the day's end.
        as_told: What pages say of the figures that a person has put right, by field: one of `CORRECTABLE`.
        detail_seen_at: When its own page was last read.
    """

    site_no: int
    name: str
    first_seen_at: datetime
    seen_at: datetime
    version: int = 1
    detail_seen_at: datetime | None = None
    missing_since: datetime | None = None

    former_name: str | None = None
    is_spac: bool = False
    is_withdrawn: bool = False
    status_note: str | None = None
    stage: str | None = None
    market: str | None = None
    symbol: str | None = None
    industry: str | None = None
    representative: str | None = None
    company_size: str | None = None
    address: str | None = None
    phone: str | None = None
    homepage_url: str | None = None
    largest_shareholder: str | None = None
    revenue_krw_million: int | None = None
    pretax_income_krw_million: int | None = None
    net_income_krw_million: int | None = None
    capital_krw_million: int | None = None
    offered_shares: int | None = None
    par_value: int | None = None
    new_shares: int | None = None
    existing_shares: int | None = None
    band_low: int | None = None
    band_high: int | None = None
    final_price: int | None = None
    offering_amount_krw_million: int | None = None
    subscription_rate: Decimal | None = None
    proportional_rate: Decimal | None = None
    institution_rate: Decimal | None = None
    lockup_pct: Decimal | None = None
    underwriters: tuple[Underwriter, ...] = ()
    forecast_start: date | None = None
    forecast_end: date | None = None
    subscription_start: date | None = None
    subscription_end: date | None = None
    allotment_date: date | None = None
    payment_date: date | None = None
    refund_date: date | None = None
    listing_date: date | None = None
    ir_date: date | None = None
    ir_place: str | None = None
    employee_shares_low: int | None = None
    employee_shares_high: int | None = None
    institution_shares_low: int | None = None
    institution_shares_high: int | None = None
    retail_shares_low: int | None = None
    retail_shares_high: int | None = None
    retail_deposit_rate_pct: Decimal | None = None
    retail_limit_min: int | None = None
    retail_limit_max: int | None = None
    retail_minimum_shares: int | None = None
    lockup_6m_shares: int | None = None
    lockup_3m_shares: int | None = None
    lockup_1m_shares: int | None = None
    lockup_15d_shares: int | None = None
    forecast_participants: int | None = None
    forecast_requested_shares: int | None = None
    price_distribution: tuple[PriceBids, ...] = ()
    disclosures: tuple[Disclosure, ...] = ()
    current_price: int | None = None
    open_price: int | None = None
    first_close: int | None = None
    highest_price: int | None = None
    applicants: dict[str, int] = {}
    notes: str = ""
    as_told: dict[str, int | Decimal | None] = {}
    changes: tuple[FieldChange, ...] = ()


_NOT_FROM_PAGES = frozenset(
    {"site_no", "first_seen_at", "seen_at", "version", "changes", "highest_price", "applicants", "notes", "as_told", "detail_seen_at"}
)
PAGE_FIELDS = frozenset(Offering.__struct_fields__) - _NOT_FROM_PAGES
"""Fields that a page may fill."""


def first_seen(site_no: int, facts: Mapping[str, Any], at: datetime) -> Offering:
    """A new offering. Raises as `merged`; ``facts`` must name it."""
    return merged(Offering(site_no=site_no, name=str(facts["name"]), first_seen_at=at, seen_at=at), facts, at, is_new=True)


def merged(before: Offering, facts: Mapping[str, Any], at: datetime, *, is_new: bool = False) -> Offering:
    """The offering with what a page says of it; the same object where it says nothing new.

    Args:
        before: As stored.
        facts: By field; None, an empty tuple or a field left out say nothing, but for a note, which goes when it is not shown any more.
        at: Aware UTC.
        is_new: The offering is made of this: nothing of it has changed.

    Raises:
        KeyError: A field that pages do not fill.
    """
    if unknown := facts.keys() - PAGE_FIELDS:
        raise KeyError(sorted(unknown))
    told = {name: facts[name] for name in before.as_told if facts.get(name) is not None}
    new = {
        name: value
        for name, value in facts.items()
        if name not in before.as_told
        and (value not in (None, ()) or name in _GOES)
        and value != getattr(before, name)
        and not _is_less(name, before, value)
    }
    if (as_told := before.as_told | told) != before.as_told:
        new["as_told"] = as_told
    if not new:
        return before
    changes = (
        ()
        if is_new
        else tuple(
            FieldChange(at=at, field=name, before=as_text(getattr(before, name)), after=as_text(value))
            for name, value in sorted(new.items())
            if name in TRACKED
        )
    )
    return msgspec.structs.replace(
        before, **new, changes=(*before.changes, *changes)[-MOST_CHANGES:], seen_at=at, version=before.version + (not is_new)
    )


def corrected(before: Offering, figures: Mapping[str, int | Decimal | None]) -> Offering:
    """The offering with figures put right; pages no longer change these. None has a figure be what the pages say again.

    Raises:
        KeyError: A figure that is none of `CORRECTABLE`.
    """
    if unknown := figures.keys() - set(CORRECTABLE):
        raise KeyError(sorted(unknown))
    as_told = dict(before.as_told)
    new: dict[str, Any] = {}
    for name, value in figures.items():
        if value is not None:
            as_told.setdefault(name, getattr(before, name))
            new[name] = value
        elif name in as_told:
            new[name] = as_told.pop(name)
    return msgspec.structs.replace(before, as_told=as_told, **new)


def as_text(value: Any) -> str | None:
    """A field's value as people read it; None where there is none."""
    if value in (None, ()):
        return None
    if isinstance(value, tuple):
        return ", ".join(getattr(entry, "name", str(entry)) for entry in value)
    return value.isoformat() if isinstance(value, date) else str(value)


def _is_less(name: str, before: Offering, value: Any) -> bool:
    """Whether a list's short word stands against what the offering's own page told: underwriters without their shares, ``False``."""
    if name == "underwriters":
        known = [each for each in before.underwriters if each.shares_low is not None or each.role is not None]
        return bool(known) and all(each.shares_low is None and each.role is None for each in value)
    return name in ("is_spac", "is_withdrawn") and value is False
