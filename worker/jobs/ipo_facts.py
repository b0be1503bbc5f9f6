"""What 38's pages say of an offering, as facts for `api.ipos.offering.merged`. Pure.

A list is short and its words are shortened: once the offering's own page was read, a list tells of it only what moves.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from api.ipos.offering import PAGE_FIELDS, Disclosure, PriceBids, Underwriter
from worker.sites.site38.rows import ForecastResult, ListedRow, NewListing, OfferingDetail, ScheduledOffering
from worker.sites.text import IntRange

Facts = dict[str, Any]

_RANGES = ("employee_shares", "institution_shares", "retail_shares")
_ANEW = ("underwriters", "price_distribution", "disclosures", "is_withdrawn", "status_note")


def of_rows(rows: Sequence[ListedRow], *, has_detail: bool) -> Facts:
    """Of an offering's rows in several lists; what comes later counts more, so the schedule belongs last."""
    facts: Facts = {}
    for row in rows:
        match row:
            case ScheduledOffering():
                told = _of_schedule(row, has_detail=has_detail)
            case ForecastResult():
                told = _of_forecast(row, has_detail=has_detail)
            case NewListing():
                told = _of_listing(row, has_detail=has_detail)
            case _:
                raise TypeError(type(row))
        facts = together(facts, told)
    return facts


def _of_schedule(row: ScheduledOffering, *, has_detail: bool) -> Facts:
    """Of a row of the subscription schedule, which is the one list that tells of words and withdrawals."""
    facts = {
        "subscription_start": row.subscription_start,
        "subscription_end": row.subscription_end,
        "final_price": row.final_price,
        "band_low": row.band_low,
        "band_high": row.band_high,
        "subscription_rate": row.subscription_rate,
        "is_withdrawn": row.is_withdrawn,
        "status_note": row.status_note,
        "missing_since": None,
    }
    return facts if has_detail else _identity(row) | facts | {"underwriters": tuple(Underwriter(name=name) for name in row.underwriters)}


def _of_forecast(row: ForecastResult, *, has_detail: bool) -> Facts:
    """Of a row of the forecasts' results."""
    facts = {
        "forecast_end": row.forecast_end,
        "final_price": row.final_price,
        "institution_rate": row.institution_rate,
        "lockup_pct": row.lockup_pct,
    }
    if has_detail:
        return facts
    return _identity(row) | facts | {"forecast_start": row.forecast_start, "band_low": row.band_low, "band_high": row.band_high}


def _of_listing(row: NewListing, *, has_detail: bool) -> Facts:
    """Of a row of the new listings; its words ``예정`` and ``상장`` are no news."""
    facts = {
        "listing_date": row.listing_date,
        "current_price": row.current_price,
        "open_price": row.open_price,
        "first_close": row.first_close,
        "final_price": row.offer_price,
    }
    return facts if has_detail else _identity(row) | facts


def of_detail(page: OfferingDetail) -> Facts:
    """Of the offering's own page."""
    known = msgspec.structs.asdict(page)
    facts = {name: value for name, value in known.items() if name in PAGE_FIELDS and name not in _ANEW}
    for name in _RANGES:
        span: IntRange | None = known[name]
        facts |= {f"{name}_low": span.low if span else None, f"{name}_high": span.high if span else None}
    facts["underwriters"] = tuple(
        Underwriter(
            name=each.name,
            shares_low=each.shares.low if each.shares else None,
            shares_high=each.shares.high if each.shares else None,
            limit_low=each.limit.low if each.limit else None,
            limit_high=each.limit.high if each.limit else None,
            role=each.role,
        )
        for each in page.underwriters
    )
    facts["price_distribution"] = tuple(PriceBids(**msgspec.structs.asdict(each)) for each in page.price_distribution)
    facts["disclosures"] = tuple(Disclosure(title=each.title, url=each.url) for each in page.disclosures)
    facts["is_withdrawn"] = page.is_withdrawn
    facts["status_note"] = page.status_note
    if len(page.underwriters) == 1 and page.underwriters[0].shares is None:  # one underwriter: what stands beside 주간사 is its own
        shares, limit = page.underwriter_shares, page.underwriter_limit
        facts["underwriters"] = (
            Underwriter(
                name=page.underwriters[0].name,
                role=page.underwriters[0].role,
                shares_low=shares.low if shares else None,
                shares_high=shares.high if shares else None,
                limit_low=limit.low if limit else None,
                limit_high=limit.high if limit else None,
            ),
        )
    return facts


def together(first: Mapping[str, Any], then: Mapping[str, Any]) -> Facts:
    """Both; where both say something, what comes later counts, and words of both are kept."""
    said = {name: value for name, value in then.items() if value not in (None, ())}
    facts = {**then, **first, **said}
    notes = [each["status_note"] for each in (first, then) if each.get("status_note")]
    if "status_note" in facts:
        facts["status_note"] = " / ".join(dict.fromkeys(notes)) or None
    if "is_withdrawn" in facts:
        facts["is_withdrawn"] = bool(first.get("is_withdrawn") or then.get("is_withdrawn"))
    return facts


def _identity(row: ListedRow) -> Facts:
    return {
        "name": row.name,
        "former_name": row.former_name,
        "is_spac": row.is_spac,
        "market": row.market_hint,
        "is_withdrawn": row.is_withdrawn,
    }
