"""The detail page of one offering: ``/html/fund/?o=v&no=NNNN``."""

import re
from typing import Any

from worker.sites.errors import StructureChanged, UnknownOffering
from worker.sites.html import Node, attribute, find_by_summary, parse_html, text_of
from worker.sites.reading import Reading
from worker.sites.site38.brokers import read_underwriters
from worker.sites.site38.demand import read_demand
from worker.sites.site38.labels import Block, split_label
from worker.sites.site38.names import market_of, split_name
from worker.sites.site38.pages import decode
from worker.sites.site38.rows import Disclosure, Market, OfferingDetail
from worker.sites.text import (
    IntRange,
    NotAValue,
    PercentRange,
    is_nothing,
    normalise,
    parse_count,
    parse_count_range,
    parse_date,
    parse_date_range,
    parse_million,
    parse_percent,
    parse_percent_range,
    parse_rate,
    parse_rates,
    parse_won,
    parse_won_range,
    squeeze,
)

_COMPANY, _OFFER, _SCHEDULE, _DISCLOSURES = "기업개요", "공모정보", "공모청약일정", "공시자료"
_COMPANY_LABELS = (
    "종목명", "진행상황", "시장구분", "종목코드", "업종", "대표자", "기업구분", "본점소재지", "홈페이지", "대표전화", "최대주주",
    "매출액", "법인세비용차감전계속사업이익", "순이익", "자본금",
)  # fmt: skip
_OFFER_LABELS = ("총공모주식수", "액면가", "상장공모", "희망공모가액", "청약경쟁률", "확정공모가", "공모금액", "주간사")
_DATE_LABELS = ("수요예측일", "공모청약일", "배정공고일(신문)", "납입일", "환불일", "상장일")
_OTHER_LABELS = (
    "확정공모가", "총공모주식수", "우리사주조합", "기관투자자등", "일반청약자", "IR일자", "IR장소/시간", "기관경쟁률", "의무보유확약",
    "신규상장일", "현재가",
)  # fmt: skip
_UNKNOWN = "해당정보가없습니다"
_SYMBOL = re.compile(r"[0-9A-Z]{6}")
_PARTS = re.compile(r"(신주모집|구주매출)\s*[:：]\s*([^(/]*)(?:\(([^()]*)\))?")
_SHARES_AND_PCT = re.compile(r"([^(]*)(?:\(([^()]*)\))?(.*)")
_PRICE_AND_PCT = re.compile(r"([^(]*)(?:\(([^()]*)\))?")
_LONGEST_NOTE = 200


def parse_detail(html: bytes | str, *, site_no: int, url: str = "") -> OfferingDetail:
    """Read one detail page. Blocks that are not there yet leave their fields None.

    Args:
        html: The page; bytes are decoded as cp949.
        site_no: The offering's number; the page does not repeat it.
        url: For errors.

    Raises:
        UnknownOffering: The site has no offering with this number.
        StructureChanged: 기업개요 or 공모청약일정, or what they must hold, is missing.
    """
    root = parse_html(decode(html))
    company_table, schedule_table = find_by_summary(root, _COMPANY), find_by_summary(root, _SCHEDULE)
    if company_table is None and _UNKNOWN in squeeze(root.text()):
        raise UnknownOffering(f'a table with summary "{_COMPANY}"', "해당 정보가 없습니다", url)
    if company_table is None or schedule_table is None:
        missing = _COMPANY if company_table is None else _SCHEDULE
        found = ", ".join(attribute(table, "summary") for table in root.css("table[summary]"))
        raise StructureChanged(f'a table with summary "{missing}"', found or text_of(root), url)
    reading = Reading()
    words: list[str] = []
    company = Block(company_table, _COMPANY_LABELS, reading, words)
    offer_table = find_by_summary(root, _OFFER)
    offer = Block(offer_table, _OFFER_LABELS, reading, words)
    schedule = Block(schedule_table, (*_DATE_LABELS, *_OTHER_LABELS), reading, words)
    if not company.text("종목명"):
        raise StructureChanged(f'the label 종목명 and a name in "{_COMPANY}"', text_of(company_table), url)
    if not schedule.has("공모청약일"):
        raise StructureChanged(f'the label 공모청약일 in "{_SCHEDULE}"', text_of(schedule_table), url)
    _warn_of_missing(reading, company, _COMPANY, _COMPANY_LABELS)
    _warn_of_missing(reading, schedule, _SCHEDULE, _DATE_LABELS)
    if offer_table is None:
        reading.warn(_OFFER, "", "the table is missing")
    else:
        _warn_of_missing(reading, offer, _OFFER, _OFFER_LABELS)
    fields = {
        **_company(company, words),
        **_dates(schedule),
        **_groups(schedule),
        **read_underwriters(root, offer_table, schedule_table, offer, reading),
    }
    figures = _offer(offer, schedule, reading)
    demand = read_demand(root, reading)
    forecast = _forecast(schedule, demand.institution_rate, demand.lockup_pct, reading)
    note = " / ".join(dict.fromkeys(words))
    return OfferingDetail(
        site_no=site_no,
        status_note=note[:_LONGEST_NOTE] or None,
        is_withdrawn="철회" in note or "철회" in (company.text("진행상황")),
        **fields,
        **figures,
        **forecast,
        lockup_6m_shares=demand.lockup_6m_shares,
        lockup_3m_shares=demand.lockup_3m_shares,
        lockup_1m_shares=demand.lockup_1m_shares,
        lockup_15d_shares=demand.lockup_15d_shares,
        lockup_total_shares=demand.lockup_total_shares,
        forecast_participants=demand.forecast_participants,
        forecast_requested_shares=demand.forecast_requested_shares,
        price_distribution=demand.price_distribution,
        disclosures=_disclosures(root),
        warnings=tuple(reading.warnings),
    )


def _warn_of_missing(reading: Reading, block: Block, name: str, labels: tuple[str, ...]) -> None:
    for label in labels:
        if not block.has(label):
            reading.warn(name, "", f"the label {label} is missing")


def _company(block: Block, words: list[str]) -> dict[str, Any]:
    name = split_name(block.text("종목명"))
    if name.note:
        words.append(name.note)
    return {
        "name": name.name,
        "former_name": name.former_name,
        "is_spac": name.is_spac,
        "stage": block.words("진행상황"),
        "market": block.value(_market, "시장구분", "market"),
        "symbol": block.value(_symbol, "종목코드", "symbol"),
        "industry": block.words("업종"),
        "representative": block.words("대표자"),
        "company_size": block.words("기업구분"),
        "address": block.words("본점소재지"),
        "phone": block.words("대표전화"),
        "homepage_url": _homepage(block.cell("홈페이지")),
        "largest_shareholder": block.words("최대주주"),
        "revenue_krw_million": block.value(parse_million, "매출액", "revenue_krw_million"),
        "pretax_income_krw_million": block.value(parse_million, "법인세비용차감전계속사업이익", "pretax_income_krw_million"),
        "net_income_krw_million": block.value(parse_million, "순이익", "net_income_krw_million"),
        "capital_krw_million": block.value(parse_million, "자본금", "capital_krw_million"),
    }


def _offer(offer: Block, schedule: Block, reading: Reading) -> dict[str, Any]:
    """공모정보; what it leaves out is taken from 공모사항, which repeats most of it."""
    inner = {label: value for label, value in (split_label(text_of(leaf)) for leaf in reversed(schedule.leaves)) if label}
    rates = offer.value(parse_rates, "청약경쟁률", "subscription_rate")
    band = offer.value(parse_won_range, "희망공모가액", "band_low")
    band_again = schedule.read(parse_won_range, inner.get("희망공모가액", ""), "희망공모가액", "band_low")
    _compare(reading, "band_low", band, band_again)
    band = band or band_again
    parts = {match[1]: (match[2], match[3] or "") for match in _PARTS.finditer(offer.text("상장공모"))}
    new, existing = parts.get("신주모집", ("", "")), parts.get("구주매출", ("", ""))
    if not parts and not is_nothing(offer.text("상장공모")):
        reading.warn("상장공모", "new_shares", offer.text("상장공모"))
    par = offer.value(parse_won, "액면가", "par_value")
    par_again = schedule.read(parse_won, inner.get("주당액면가", ""), "주당액면가", "par_value")
    price = offer.value(parse_won, "확정공모가", "final_price")
    price_again = schedule.value(parse_won, "확정공모가", "final_price")
    shares = offer.value(parse_count, "총공모주식수", "offered_shares")
    shares_again = schedule.value(parse_count, "총공모주식수", "offered_shares")
    amount = offer.value(parse_million, "공모금액", "offering_amount_krw_million")
    amount_again = schedule.read(parse_million, inner.get("공모금액", ""), "공모금액", "offering_amount_krw_million")
    return {
        "offered_shares": _first(reading, "offered_shares", shares, shares_again),
        "par_value": _first(reading, "par_value", par, par_again),
        "new_shares": offer.read(parse_count, new[0], "상장공모", "new_shares"),
        "new_shares_pct": offer.read(parse_percent, new[1], "상장공모", "new_shares_pct"),
        "existing_shares": offer.read(parse_count, existing[0], "상장공모", "existing_shares"),
        "existing_shares_pct": offer.read(parse_percent, existing[1], "상장공모", "existing_shares_pct"),
        "band_low": band.low if band else None,
        "band_high": band.high if band else None,
        "subscription_rate": rates.overall if rates else None,
        "proportional_rate": rates.proportional if rates else None,
        "final_price": _first(reading, "final_price", price, price_again),
        "offering_amount_krw_million": _first(reading, "offering_amount_krw_million", amount, amount_again),
    }


def _dates(block: Block) -> dict[str, Any]:
    forecast = block.value(parse_date_range, "수요예측일", "forecast_start")
    subscription = block.value(parse_date_range, "공모청약일", "subscription_start")
    listing = block.value(parse_date, "상장일", "listing_date")
    return {
        "forecast_start": forecast[0] if forecast else None,
        "forecast_end": forecast[1] if forecast else None,
        "subscription_start": subscription[0] if subscription else None,
        "subscription_end": subscription[1] if subscription else None,
        "allotment_date": block.value(parse_date, "배정공고일(신문)", "allotment_date"),
        "payment_date": block.value(parse_date, "납입일", "payment_date"),
        "refund_date": block.value(parse_date, "환불일", "refund_date"),
        "listing_date": listing or block.value(parse_date, "신규상장일", "listing_date"),
        "ir_date": block.value(parse_date, "IR일자", "ir_date"),
        "ir_place": block.spaced_text("IR장소/시간") or None,
    }


def _groups(block: Block) -> dict[str, Any]:
    """그룹별배정. The row of 일반청약자 spans two: what follows its label is the public's, in the order of the page."""
    fields: dict[str, Any] = {
        "retail_deposit_rate_pct": None,
        "retail_limit_min": None,
        "retail_limit_max": None,
        "retail_minimum_shares": None,
    }
    for group, label in (("employee", "우리사주조합"), ("institution", "기관투자자등"), ("retail", "일반청약자")):
        fields[f"{group}_shares"], fields[f"{group}_pct"] = _shares_and_pct(block, label, group)
    is_retail = False
    for leaf in block.leaves:
        label, value = split_label(text_of(leaf))
        if squeeze(text_of(leaf)) in ("일반청약자", "우리사주조합", "기관투자자등"):
            is_retail = squeeze(text_of(leaf)) == "일반청약자"
        elif is_retail and label == "청약증거금율" and fields["retail_deposit_rate_pct"] is None:
            fields["retail_deposit_rate_pct"] = block.read(parse_percent, value, label, "retail_deposit_rate_pct")
        elif is_retail and label == "청약최고한도" and fields["retail_limit_min"] is None:
            limit = block.read(parse_count_range, value, label, "retail_limit_min")
            fields["retail_limit_min"], fields["retail_limit_max"] = (limit.low, limit.high) if limit else (None, None)
        elif is_retail and label == "최저" and fields["retail_minimum_shares"] is None:
            fields["retail_minimum_shares"] = block.read(parse_count, value, label, "retail_minimum_shares")
    return fields


def _shares_and_pct(block: Block, label: str, group: str) -> tuple[IntRange | None, PercentRange | None]:
    match = _SHARES_AND_PCT.fullmatch(block.text(label))
    shares, pct = (match[1], match[2] or "") if match else ("", "")
    return (
        block.read(parse_count_range, shares, label, f"{group}_shares"),
        block.read(parse_percent_range, pct, label, f"{group}_pct"),
    )


def _forecast(block: Block, rate_below: Any, lockup_below: Any, reading: Reading) -> dict[str, Any]:
    """수요예측결과 and 신규상장; the blocks below them repeat rate and lock-up."""
    rate = block.value(parse_rate, "기관경쟁률", "institution_rate")
    rate = _first(reading, "institution_rate", rate, rate_below)
    lockup = _first(reading, "lockup_pct", block.value(parse_percent, "의무보유확약", "lockup_pct"), lockup_below)
    match = _PRICE_AND_PCT.fullmatch(block.text("현재가"))
    price, change = (match[1], match[2] or "") if match else (block.text("현재가"), "")
    return {
        "institution_rate": rate,
        # 0.00% beside a blank rate says that the forecast is not done, not that nobody locks up
        "lockup_pct": None if rate is None and lockup == 0 else lockup,
        "current_price": block.read(parse_won, price, "현재가", "current_price"),
        "current_change_pct": block.read(parse_percent, change, "현재가", "current_change_pct"),
    }


def _first(reading: Reading, field: str, value: Any, again: Any) -> Any:
    """The value, or what stands in its other place; a contradiction is a warning."""
    _compare(reading, field, value, again)
    return again if value is None else value


def _compare(reading: Reading, field: str, value: object, again: object) -> None:
    if value is not None and again is not None and value != again:
        reading.warn("detail", field, f"stands on the page as {value} and as {again}; the first counts")


def _market(text: str) -> Market | None:
    if is_nothing(text):
        return None
    market = market_of(text)
    if market is None:
        raise NotAValue(normalise(text))
    return market


def _symbol(text: str) -> str | None:
    if is_nothing(text):
        return None
    symbol = squeeze(text).upper()
    if not _SYMBOL.fullmatch(symbol):
        raise NotAValue(normalise(text))
    return symbol


def _homepage(cell: Node | None) -> str | None:
    link = cell.css_first("a[href]") if cell is not None else None
    if link is None:
        return None
    url = squeeze(attribute(link, "href"))
    return url if re.match(r"https?://[^/]", url) else None


def _disclosures(root: Node) -> tuple[Disclosure, ...]:
    table = find_by_summary(root, _DISCLOSURES)
    links = table.css("a[href]") if table is not None else []
    found = (Disclosure(title=text_of(link), url=normalise(attribute(link, "href"))) for link in links)
    return tuple(link for link in found if link.title and link.url)
