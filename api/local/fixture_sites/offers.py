"""Invented offerings. Their figures hold together as on the real site: rates, shares, amounts and lock-ups can be recomputed from each other."""

import random
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import Literal

from api.local.fixture_sites.days import shift

Kind = Literal["stock", "spac", "reit", "foreign"]

ROWS = 120
"""Offerings on the schedule: four pages of 30."""

_FIRST_DAY = date(2024, 1, 2)
_SPACING_DAYS = 4
_AHEAD_DAYS = 48  # filings come about so long before the subscription
_FIRST_NUMBER = 2_000
_FIRST_NAMES = [
    "가람",
    "나래",
    "다온",
    "라온",
    "마루",
    "바다누리",
    "아라",
    "자람",
    "카온",
    "타래",
    "파란",
    "하늘",
    "누리",
    "도담",
    "미르",
    "보람",
    "새솔",
    "윤슬",
    "한별",
    "해솔",
    "슬기",
    "여울",
    "이든",
    "초아",
    "푸름",
    "한울",
    "그루",
    "단미",
    "로운",
]
_SECOND_NAMES = [
    "로보틱스",
    "바이오",
    "소재",
    "전자",
    "테크",
    "솔루션",
    "에너지",
    "헬스케어",
    "소프트",
    "푸드",
    "메디칼",
    "모빌리티",
    "화학",
    "반도체",
    "로직스",
    "데이터",
    "시스템",
]
_INDUSTRIES = (
    "의약품 제조업",
    "소프트웨어 개발 및 공급업",
    "특수 목적용 기계 제조업",
    "반도체 제조업",
    "기타 금융업",
    "전자부품 제조업",
    "자연과학 및 공학 연구개발업",
)
_BROKERS = ("한빛증권", "새롬투자증권", "미리내증권", "가온투자증권", "두레증권", "나루증권")
_SURNAMES, _GIVEN = "김이박최정강조윤장임", ("하늘", "바다", "슬기", "보람", "누리", "가온", "아름", "새롬")


@dataclass(frozen=True)
class Share:
    """One broker's part; ranges before the price is set."""

    broker: str
    shares: tuple[int, int]
    limit: tuple[int, int] | None
    role: str


@dataclass(frozen=True)
class Offer:
    """One offering, with all that will ever be known of it; the pages show what is known on their day. Won, shares, KST days."""

    site_no: int
    name: str
    former_name: str | None
    kind: Kind
    is_kospi: bool
    symbol: str
    industry: str
    representative: str
    revenue: int | None
    pretax: int | None
    net: int | None
    capital: int
    par: int | None
    offered: int
    existing: int
    employee: int
    retail: int
    band: tuple[int, int]
    price: int
    shares: tuple[Share, ...]
    has_broker_table: bool
    forecast: tuple[date, date]
    subscription: tuple[date, date]
    allotment: date
    listing: date
    requested: int
    participants: int
    lockups: tuple[int, int, int, int]
    subscription_rate: Decimal
    open_factor: Decimal
    note: str = ""

    @property
    def institution(self) -> int:
        """Shares for institutions."""
        return self.offered - self.retail - self.employee

    @property
    def institution_rate(self) -> Decimal:
        """Shares asked for in the forecast by those for institutions."""
        return cents(Decimal(self.requested) / self.institution)

    @property
    def lockup_pct(self) -> Decimal:
        """Of the shares asked for."""
        return cents(Decimal(sum(self.lockups) * 100) / self.requested)

    @property
    def proportional_rate(self) -> int:
        """Of the proportional half: twice the overall rate."""
        return int((self.subscription_rate * 2).to_integral_value(ROUND_HALF_UP))

    def amount(self, day: date) -> int:
        """Millions of won."""
        won = Decimal(self.offered * (self.price if self.is_priced(day) else self.band[0]))
        return int((won / 1_000_000).to_integral_value(ROUND_HALF_UP))

    def is_priced(self, day: date) -> bool:
        """Whether the price is set: after the forecast; for funds and SPACs from the start."""
        return self.kind in ("reit", "spac") or day > self.forecast[1]

    def is_forecast_done(self, day: date) -> bool:
        """Whether the forecast's result is known."""
        return day > self.forecast[1]

    def is_over(self, day: date) -> bool:
        """Whether the subscription is over."""
        return day > self.subscription[1]

    def is_open(self, day: date) -> bool:
        """Whether it can be subscribed to."""
        return self.subscription[0] <= day <= self.subscription[1]

    def is_listed(self, day: date) -> bool:
        """Whether it trades."""
        return day >= self.listing

    @property
    def open_price(self) -> int:
        """First price."""
        return int(self.price * self.open_factor) // 10 * 10

    def close(self, day: date) -> int:
        """Price at the end of a day of trading: a slow walk from the first price."""
        walk = 1.0
        for back in range(min(20, (day - self.listing).days + 1)):
            walk *= 1 + random.Random(f"{self.site_no}:{day - timedelta(days=back)}").uniform(-0.04, 0.038)
        return max(10, int(self.open_price * walk) // 10 * 10)


def cents(value: Decimal) -> Decimal:
    """Two decimals, half up."""
    return value.quantize(Decimal("0.01"), ROUND_HALF_UP)


@lru_cache(maxsize=8)
def offers_on(day: date, *, seed: str = "lucy", is_second_day: bool = False) -> tuple[Offer, ...]:
    """The offerings of the schedule, newest subscription first.

    Args:
        day: KST day of the pages.
        seed: Another one makes other companies.
        is_second_day: Some coming offerings have other dates, another band, words in place of a rate; one is gone, one withdrawn.
    """
    newest = ((day - _FIRST_DAY).days + _AHEAD_DAYS) // _SPACING_DAYS
    offers = [_offer(slot, seed) for slot in range(newest, max(-1, newest - ROWS), -1)]
    coming = [offer for offer in offers if offer.subscription[0] > day]
    notes = {coming[1].site_no: "정정신고서 제출 요구"} if len(coming) > 1 else {}
    if is_second_day:
        offers = _moved(offers, coming)
        notes = {offer.site_no: "공모철회" for offer in coming[2:3]}
    offers = [replace(offer, note=notes.get(offer.site_no, "")) for offer in offers]
    return tuple(sorted(offers, key=lambda offer: (offer.subscription[0], offer.site_no), reverse=True))


def _moved(offers: list[Offer], coming: list[Offer]) -> list[Offer]:
    gone = {offer.site_no for offer in coming[3:4]}
    moved = {offer.site_no for offer in coming[:2] + coming[4:5]}
    rebanded = {offer.site_no for offer in coming[5:6]}
    changed = []
    for offer in offers:
        if offer.site_no in moved:
            changed.append(_later(offer))
        elif offer.site_no in rebanded:
            changed.append(replace(offer, band=(offer.band[0] - 500, offer.band[1] - 500)))
        elif offer.site_no not in gone:
            changed.append(offer)
    return changed


def _later(offer: Offer) -> Offer:
    return replace(
        offer,
        forecast=(shift(offer.forecast[0], 7), shift(offer.forecast[1], 7)),
        subscription=(shift(offer.subscription[0], 7), shift(offer.subscription[1], 7)),
        allotment=shift(offer.allotment, 7),
        listing=shift(offer.listing, 7),
    )


def _offer(slot: int, seed: str) -> Offer:
    chance = random.Random(f"{seed}:{slot}")
    kind: Kind = "spac" if slot % 6 == 2 else "reit" if slot % 29 == 5 else "foreign" if slot % 31 == 7 else "stock"
    is_kospi = kind == "reit" or (kind == "stock" and slot % 9 == 4)
    start = shift(_FIRST_DAY + timedelta(days=slot * _SPACING_DAYS), 0)
    end = shift(start, 1)
    forecast_end = shift(start, -4)
    offered = chance.randrange(20, 200) * 20_000
    employee = offered // 5 if is_kospi and kind == "stock" else 0
    retail = offered // 4
    institution = offered - retail - employee
    low = {"spac": 2_000, "reit": 5_000}.get(kind, chance.randrange(60, 400) * 100)
    high = low if kind in ("spac", "reit") else low + low // 500 * 100
    price = low if kind in ("spac", "reit") else chance.choice([low, high, high, high + 500])
    requested = int(institution * chance.uniform(30, 1_400))
    lockups = tuple(int(requested * chance.choice([0, 0.01, 0.04])) if kind != "spac" else 0 for _ in range(4))
    size = 0 if kind == "spac" else chance.randrange(500, 90_000)
    return Offer(
        site_no=_FIRST_NUMBER + slot,
        name=_name(slot, kind),
        former_name=f"{_FIRST_NAMES[(slot + 3) % len(_FIRST_NAMES)]}산업" if kind == "stock" and slot % 8 == 1 else None,
        kind=kind,
        is_kospi=is_kospi,
        symbol=_symbol(slot, kind),
        industry="금융 지원 서비스업" if kind in ("spac", "reit") else chance.choice(_INDUSTRIES),
        representative=chance.choice(_SURNAMES) + chance.choice(_GIVEN),
        revenue=size or None,
        pretax=int(size * chance.uniform(-0.3, 0.2)) if size else None,
        net=int(size * chance.uniform(-0.35, 0.18)) if size else None,
        capital=chance.randrange(300, 9_000),
        par={"spac": 100, "foreign": None}.get(kind, 500),
        offered=offered,
        existing=offered // 5 if kind == "stock" and slot % 5 == 0 else 0,
        employee=employee,
        retail=retail,
        band=(low, high),
        price=price,
        shares=_shares(chance, slot, retail),
        has_broker_table=slot % 11 != 3,
        forecast=(shift(forecast_end, -1 if kind == "spac" else -4), forecast_end),
        subscription=(start, end),
        allotment=shift(end, 2),
        listing=shift(end, 8),
        requested=requested,
        participants=chance.randrange(150, 2_400),
        lockups=lockups,  # type: ignore[arg-type]  # four of them, as the range says
        subscription_rate=cents(Decimal(chance.randrange(150, 250_000)) / 100),
        open_factor=Decimal(chance.randrange(90, 260)) / 100,
    )


def _name(slot: int, kind: Kind) -> str:
    first = _FIRST_NAMES[slot % len(_FIRST_NAMES)]
    if kind == "spac":
        return f"{first}스팩{slot // len(_FIRST_NAMES) + 1}호"
    if kind == "reit":
        return f"{first}리츠{slot // len(_FIRST_NAMES) + 1}"
    if kind == "foreign":
        return f"{first}글로벌{slot // len(_FIRST_NAMES) + 1}(Reg.S)"
    second = "F&B" if slot % 37 == 9 else _SECOND_NAMES[slot // len(_FIRST_NAMES) % len(_SECOND_NAMES)]
    return ("똠" if slot % 41 == 11 else "") + first + second  # 똠: a letter that cp949 has and EUC-KR has not


def _symbol(slot: int, kind: Kind) -> str:
    if kind == "foreign":
        return f"9{slot:04d}0"
    return f"0{slot:03d}{'TKVW'[slot % 4]}0" if slot % 3 else f"4{slot:04d}0"


def _shares(chance: random.Random, slot: int, retail: int) -> tuple[Share, ...]:
    count = 3 if slot % 10 == 6 else 2 if slot % 4 == 3 else 1
    brokers = [_BROKERS[(slot + number) % len(_BROKERS)] for number in range(count)]
    parts = [retail // count // 10 * 10] * count
    parts[0] += retail - sum(parts)
    roles = ["대표", "공동", "인수"]
    limits = [(part // 40, part // 32) if number == 0 or chance.random() < 0.5 else None for number, part in enumerate(parts)]
    return tuple(Share(broker, (part, part), limit, role) for broker, part, limit, role in zip(brokers, parts, limits, roles, strict=False))
