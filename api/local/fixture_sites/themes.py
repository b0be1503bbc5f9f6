"""Invented themes over the sandbox's instruments, with figures that hold together as on 주달."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

from api.brokers.sandbox.instruments import Instrument, load_instruments

_NAMES = [
    "2차전지",
    "반도체",
    "인공지능",
    "원자재(구리)",
    "원자재(금)",
    "MSCI Korea",
    "자율주행",
    "로봇",
    "전기차",
    "수소차",
    "바이오시밀러",
    "제약",
    "의료기기",
    "화장품",
    "면세점",
    "여행",
    "항공",
    "해운",
    "조선",
    "철강",
    "건설",
    "시멘트",
    "방위산업",
    "우주항공",
    "원자력",
    "풍력",
    "태양광",
    "전력설비",
    "전선",
    "통신(5G)",
    "클라우드",
    "보안",
    "게임",
    "엔터테인먼트",
    "웹툰",
    "드라마",
    "전자결제",
    "인터넷은행",
    "증권",
    "보험",
    "은행",
    "지주회사",
    "음식료",
    "라면",
    "주류",
    "사료",
    "비료",
    "교육",
    "육아",
    "반려동물",
    "백화점",
    "편의점",
    "홈쇼핑",
    "의류",
    "제지",
    "정유",
    "화학",
    "디스플레이",
    "카메라모듈",
    "MLCC",
    "온디바이스 AI",
    "HBM",
    "초전도체",
    "비만치료제",
    "지역화폐",
    "남북경협",
    "ETF(배당)",
    "스팩",
]
_FIRST_INDEX = 21
_GAP = 7  # the site's numbers have gaps
_EXTRA = (("0099Z0", "누리전선", "KOSDAQ", 5_000), ("0156T0", "가온 C&C", "KOSPI", 10_000), ("0177K0", "마루바이오 F&B", "KOSDAQ", 12_500))


@dataclass(frozen=True)
class Stock:
    """A stock and its figures on one day. Won; percents as numbers."""

    symbol: str
    name: str
    market: str
    price: int
    change: int
    change_3d_pct: float
    year: tuple[int, int]
    years: tuple[int, int]
    pbr: float
    eps: int
    market_cap: int
    volume_day: float
    volume_week: float
    buffett: int | None
    reason: str


@dataclass(frozen=True)
class Theme:
    """A theme with its stocks on one day."""

    index: int
    name: str
    description: str
    stocks: tuple[Stock, ...]

    def mean(self, figure: str) -> float:
        """The mean of a percent over the stocks: ``change``, ``three_days``, ``rise``, ``fall``, ``expected``."""
        of_stock: dict[str, Callable[[Stock], float]] = {
            "change": lambda stock: 100 * stock.change / (stock.price - stock.change),
            "three_days": lambda stock: stock.change_3d_pct,
            "rise": lambda stock: 100 * (stock.price / stock.year[1] - 1),
            "fall": lambda stock: 100 * (stock.price / stock.year[0] - 1),
            "expected": lambda stock: 100 * (stock.year[0] / stock.price - 1),
        }
        return sum(map(of_stock[figure], self.stocks)) / len(self.stocks)

    @property
    def neglect(self) -> int:
        """Mean neglect index."""
        return round(sum(neglect(stock.price, stock.year) for stock in self.stocks) / len(self.stocks))


def neglect(price: int, ends: tuple[int, int]) -> int:
    """소외지수 of a price between high and low."""
    high, low = ends
    return round((price - low) / (high - low) * 100)


@lru_cache(maxsize=8)
def themes_on(day: date, *, is_second_day: bool = False) -> tuple[Theme, ...]:
    """All themes; on the second day one has another name, one is gone, one has a stock less."""
    stocks = [_stock(instrument, day) for instrument in load_instruments().values()] + [_extra(*extra, day) for extra in _EXTRA]
    themes = [_theme(number, name, stocks) for number, name in enumerate(_NAMES)]
    if is_second_day:
        first, second = themes[0], themes[1]
        themes[0] = Theme(first.index, f"{first.name}(양극재)", first.description, first.stocks)
        themes[1] = Theme(second.index, second.name, second.description, second.stocks[1:])
        del themes[2]
    return tuple(themes)


def _theme(number: int, name: str, stocks: list[Stock]) -> Theme:
    chance = random.Random(f"theme:{name}")
    members = chance.sample(stocks[:-3], chance.randrange(4, 16))
    if number % 5 == 3:
        members.append(stocks[-1 - number % 3])
    return Theme(_FIRST_INDEX + number * _GAP + number % 3, name, f"{name} <b>관련</b> 종목 & 테마", tuple(members))


def _stock(instrument: Instrument, day: date) -> Stock:
    return _figures(instrument.symbol, instrument.name, instrument.market, instrument.reference_price, instrument.listed_shares, day)


def _extra(symbol: str, name: str, market: str, price: int, day: date) -> Stock:
    return _figures(symbol, name, market, price, 30_000_000, day)


def _figures(symbol: str, name: str, market: str, reference: int, shares: int, day: date) -> Stock:
    always = random.Random(f"stock:{symbol}")
    prices = [_price(symbol, reference, day - timedelta(days=back)) for back in range(4)]
    year = (int(reference * always.uniform(1.12, 1.6)), int(reference * always.uniform(0.5, 0.88)))
    years = (int(year[0] * always.uniform(1, 1.8)), int(year[1] * always.uniform(0.5, 1)))
    loses = always.random() < 0.2
    pbr = always.uniform(0.3, 6)
    eps = -int(reference * 0.03) if loses else max(1, int(reference / always.uniform(5, 40)))
    return Stock(
        symbol=symbol,
        name=name,
        market=market,
        price=prices[0],
        change=prices[0] - prices[1],
        change_3d_pct=100 * (prices[0] / prices[3] - 1),
        year=year,
        years=years,
        pbr=pbr,
        eps=eps,
        market_cap=prices[0] * shares // 100_000_000,
        volume_day=always.uniform(0.01, 5),
        volume_week=always.uniform(-70, 150),
        buffett=always.randrange(1, 60) if always.random() < 0.15 else None,
        reason=f"{name}: <b>주요 제품</b>이 테마에 듦 (PER < 업종 & PBR)" if always.random() < 0.8 else "",
    )


def _price(symbol: str, reference: int, day: date) -> int:
    return max(1, int(reference * (1 + random.Random(f"{symbol}:{day}").uniform(-0.06, 0.06))))
