"""What the pages of 38커뮤니케이션 say, typed. Prices in KRW won, counts in shares, days in KST; None is "not on the page".

``site_no`` is the identity of an offering on every page. ``status_note`` holds words that stood where a value belongs, verbatim, joined by
`` / ``. The status of an offering follows from its days and is not stored here.
"""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Literal

from msgspec import Struct

from worker.sites.reading import PageWarning
from worker.sites.text import IntRange, PercentRange

Market = Literal["KOSPI", "KOSDAQ", "KONEX"]
Role = Literal["lead", "joint", "underwriter"]
ColorHint = Literal["coming", "open", "over"]


class ListedRow(Struct, frozen=True, kw_only=True):
    """What every row of every list has.

    Attributes:
        name: The issuer's name without the former one.
        former_name: From ``이름(구.옛이름)``.
        is_spac: Whether the name says 스팩.
        market_hint: KOSPI where the row says (유가); without a mark the site means KOSDAQ.
        status_note: Words in a column of values, as ``정정신고서 제출 요구``; or what stands beside the name.
        is_withdrawn: Whether any words say 철회.
    """

    site_no: int
    name: str
    former_name: str | None
    is_spac: bool
    market_hint: Market
    status_note: str | None
    is_withdrawn: bool


class ScheduledOffering(ListedRow, frozen=True, kw_only=True):
    """A row of the subscription schedule (공모청약일정).

    Attributes:
        subscription_rate: Shares asked for one offered, over all.
        underwriters: Names as the site shortens them.
        color_hint: What the colour of the name says about the day of the page; a check, not a source.
    """

    subscription_start: date | None
    subscription_end: date | None
    final_price: int | None
    band_low: int | None
    band_high: int | None
    subscription_rate: Decimal | None
    underwriters: tuple[str, ...]
    color_hint: ColorHint | None


class ForecastResult(ListedRow, frozen=True, kw_only=True):
    """A row of the demand forecasts' results (수요예측결과). ``forecast_start`` is None where the page gives the last day alone."""

    forecast_start: date | None
    forecast_end: date | None
    band_low: int | None
    band_high: int | None
    final_price: int | None
    offering_amount_krw_million: int | None
    institution_rate: Decimal | None
    lockup_pct: Decimal | None
    underwriters: tuple[str, ...]


class NewListing(ListedRow, frozen=True, kw_only=True):
    """A row of the new listings (신규상장). Percents against the day before and against the offer price.

    Attributes:
        status_note: ``예정`` before the first day and ``상장`` on it stand here too; ``first_close`` is None then.
    """

    listing_date: date | None
    current_price: int | None
    change_pct: Decimal | None
    offer_price: int | None
    return_pct: Decimal | None
    open_price: int | None
    open_return_pct: Decimal | None
    first_close: int | None


class UnreadRow(Struct, frozen=True, kw_only=True):
    """A row that is there and cannot be trusted: cells are missing, so values may stand under the wrong header.

    Whoever stores rows leaves what is known of this offering as it is, and does not take it for gone.
    """

    site_no: int | None
    name: str
    reason: str


class SchedulePage(Struct, frozen=True, kw_only=True):
    """One page of the subscription schedule. ``last_page`` as the pager says, None where it has no such link."""

    rows: Sequence[ScheduledOffering]
    unread: Sequence[UnreadRow]
    last_page: int | None
    warnings: Sequence[PageWarning]


class ForecastPage(Struct, frozen=True, kw_only=True):
    """One page of forecast results."""

    rows: Sequence[ForecastResult]
    unread: Sequence[UnreadRow]
    last_page: int | None
    warnings: Sequence[PageWarning]


class ListingPage(Struct, frozen=True, kw_only=True):
    """One page of new listings."""

    rows: Sequence[NewListing]
    unread: Sequence[UnreadRow]
    last_page: int | None
    warnings: Sequence[PageWarning]


class Underwriter(Struct, frozen=True, kw_only=True):
    """One broker's part.

    Attributes:
        shares: Shares that it sells to the public; None where the split is not known.
        limit: Most shares that one account may ask for (청약한도).
        role: 대표, 공동, 인수; None where the page does not say.
    """

    name: str
    shares: IntRange | None
    limit: IntRange | None
    role: Role | None


class PriceBids(Struct, frozen=True, kw_only=True):
    """A row of 수요예측 신청가격분포: bids at a price. ``label`` verbatim: ``12,500원 (상단)``, ``가격미제시``, ``합계``."""

    label: str
    count: int | None
    shares: int | None
    pct: Decimal | None


class Disclosure(Struct, frozen=True, kw_only=True):
    """A link to a disclosure (공시자료), as on the page."""

    title: str
    url: str


class OfferingDetail(Struct, frozen=True, kw_only=True):
    """The detail page of one offering.

    Attributes:
        stage: 진행상황 verbatim: ``공모주``, ``신규상장``.
        symbol: Six characters, may hold letters; None early.
        revenue_krw_million: Millions of won, as every ``_krw_million``; negative for a loss.
        offered_shares: 총공모주식수.
        par_value: 액면가; None for shares without par (foreign issuers).
        new_shares, existing_shares: 신주모집 and 구주매출.
        subscription_rate, proportional_rate: Over all, and of the proportional half.
        offering_amount_krw_million: Before the price is set, the low end of the band times the shares.
        underwriters: With the split where the page has it.
        underwriter_shares, underwriter_limit: What stands beside 주간사; totals where there are several.
        employee_shares, institution_shares, retail_shares: Ranges before the price is set.
        retail_deposit_rate_pct: 청약증거금율 of the public.
        retail_limit_min, retail_limit_max: Most shares that one account may ask for: the lowest and the highest such limit.
        retail_minimum_shares: 최저.
        institution_rate: Of the demand forecast.
        lockup_pct: Of the shares asked for in the forecast; None where the page says ``0.00%`` before there is a rate.
        current_change_pct: Against the day before.
        lockup_6m_shares: Shares asked for with a lock-up of six months, and so on.
        forecast_participants: Bids.
        status_note: Words in place of values, as in lists.
    """

    site_no: int
    name: str
    former_name: str | None
    is_spac: bool
    is_withdrawn: bool
    status_note: str | None
    stage: str | None
    market: Market | None
    symbol: str | None
    industry: str | None
    representative: str | None
    company_size: str | None
    address: str | None
    phone: str | None
    homepage_url: str | None
    largest_shareholder: str | None
    revenue_krw_million: int | None
    pretax_income_krw_million: int | None
    net_income_krw_million: int | None
    capital_krw_million: int | None

    offered_shares: int | None
    par_value: int | None
    new_shares: int | None
    new_shares_pct: Decimal | None
    existing_shares: int | None
    existing_shares_pct: Decimal | None
    band_low: int | None
    band_high: int | None
    subscription_rate: Decimal | None
    proportional_rate: Decimal | None
    final_price: int | None
    offering_amount_krw_million: int | None
    underwriters: tuple[Underwriter, ...]
    underwriter_shares: IntRange | None
    underwriter_limit: IntRange | None

    forecast_start: date | None
    forecast_end: date | None
    subscription_start: date | None
    subscription_end: date | None
    allotment_date: date | None
    payment_date: date | None
    refund_date: date | None
    listing_date: date | None
    employee_shares: IntRange | None
    employee_pct: PercentRange | None
    institution_shares: IntRange | None
    institution_pct: PercentRange | None
    retail_shares: IntRange | None
    retail_pct: PercentRange | None
    retail_deposit_rate_pct: Decimal | None
    retail_limit_min: int | None
    retail_limit_max: int | None
    retail_minimum_shares: int | None
    ir_date: date | None
    ir_place: str | None
    institution_rate: Decimal | None
    lockup_pct: Decimal | None
    current_price: int | None
    current_change_pct: Decimal | None

    lockup_6m_shares: int | None
    lockup_3m_shares: int | None
    lockup_1m_shares: int | None
    lockup_15d_shares: int | None
    lockup_total_shares: int | None
    forecast_participants: int | None
    forecast_requested_shares: int | None
    price_distribution: tuple[PriceBids, ...]
    disclosures: tuple[Disclosure, ...]
    warnings: tuple[PageWarning, ...]
