"""The table of values: every form that the two sites were seen to use, and what it means."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.sites import text
from worker.sites.text import IntRange, NotAValue, PercentRange, Rates

PARSERS: list[Callable[[str], Any]] = [
    text.parse_won,
    text.parse_million,
    text.parse_count,
    text.parse_whole,
    text.parse_decimal,
    text.parse_percent,
    text.parse_rate,
    text.parse_rates,
    text.parse_won_range,
    text.parse_count_range,
    text.parse_percent_range,
    text.parse_date,
    text.parse_date_range,
    text.parse_market_cap,
]


@pytest.mark.parametrize("parse", PARSERS)
@pytest.mark.parametrize("nothing", ["", "-", "- 원", "- 주", "주", "- (백만원)", "%", "- 원 (%)", "원", "\xa0", "\u3000 -\r\n\t", "–"])
def test_nothing_is_none_in_every_kind(parse: Callable[[str], Any], nothing: str) -> None:
    assert parse(nothing) is None


@pytest.mark.parametrize(
    ("parse", "raw", "value"),
    [
        (text.parse_won, "12,000", 12_000),
        (text.parse_won, "\xa0 12,000\t원 ", 12_000),
        (text.parse_won, "1,162,640,000", 1_162_640_000),
        (text.parse_won, "-50", -50),
        (text.parse_million, "-2,898 (백만원)", -2_898),
        (text.parse_million, "0 (백만원)", 0),
        (text.parse_million, "20,000", 20_000),
        (text.parse_count, "641250 주", 641_250),
        (text.parse_count, "1.533.250", 1_533_250),
        (text.parse_count, "2,233건", 2_233),
        (text.parse_count, "1,800,000,000주", 1_800_000_000),
        (text.parse_won_range, "1,000~2,000", IntRange(1_000, 2_000)),
        (text.parse_won_range, "7,500 ~ 10,000 원", IntRange(7_500, 10_000)),
        (text.parse_won_range, "2,000", IntRange(2_000, 2_000)),
        (text.parse_won_range, "10,500             ～ 12,500 원", IntRange(10_500, 12_500)),
        (text.parse_count_range, "1,000 ~ 2,000 주", IntRange(1_000, 2_000)),
        (text.parse_count_range, "1,250,000DR~1,500,000DR 주", IntRange(1_250_000, 1_500_000)),
        (text.parse_rate, "1234.56:1", Decimal("1234.56")),
        (text.parse_rate, "1,234:1", Decimal(1234)),
        (text.parse_rate, "1,375.34 :1", Decimal("1375.34")),
        (text.parse_rate, "714.52", Decimal("714.52")),
        (text.parse_rate, "2013:1", Decimal(2013)),
        (text.parse_rate, "1160,70:1", Decimal("1160.70")),
        (text.parse_rates, "1,375.34 :1 (비례 2,751:1)", Rates(Decimal("1375.34"), Decimal(2751))),
        (text.parse_rates, "1510.57:1 (비례 3021:1)", Rates(Decimal("1510.57"), Decimal(3021))),
        (text.parse_percent, "6.92%", Decimal("6.92")),
        (text.parse_percent, "-10.89%", Decimal("-10.89")),
        (text.parse_percent, "99%", Decimal(99)),
        (text.parse_percent, "0.00_", Decimal("0.00")),
        (text.parse_percent_range, "75.0%", PercentRange(Decimal("75.0"), Decimal("75.0"))),
        (text.parse_percent_range, "70.00~75.00%", PercentRange(Decimal("70.00"), Decimal("75.00"))),
        (text.parse_date, "2026.06.29", date(2026, 6, 29)),
        (text.parse_date, "2026/07/24", date(2026, 7, 24)),
        (text.parse_date, "2026.06.29      (주간사 홈페이지 참조)", date(2026, 6, 29)),
        (text.parse_date_range, "2024.07.08~07.09", (date(2024, 7, 8), date(2024, 7, 9))),
        (text.parse_date_range, "2024.12.30~01.02", (date(2024, 12, 30), date(2025, 1, 2))),
        (text.parse_date_range, "2025.12.15~2026.01.02", (date(2025, 12, 15), date(2026, 1, 2))),
        (text.parse_date_range, "2026.06.24 \t ~ \xa0 2026.06.25", (date(2026, 6, 24), date(2026, 6, 25))),
        (text.parse_date_range, "2027.12.31~02.29", (date(2027, 12, 31), date(2028, 2, 29))),
        (text.parse_date_range, "2026.09.07", (date(2026, 9, 7), date(2026, 9, 7))),
        (text.parse_date_range, " ~ ", None),
        (text.parse_whole, "12 위", 12),
        (text.parse_decimal, "-2,120", Decimal(-2120)),
        (text.parse_market_cap, "9조8176억원", 98_176),
        (text.parse_market_cap, "3조 917억원", 30_917),
        (text.parse_market_cap, "8176억원", 8_176),
        (text.parse_market_cap, "2조원", 20_000),
    ],
)
def test_every_form_of_a_value_is_read(parse: Callable[[str], Any], raw: str, value: Any) -> None:
    assert parse(raw) == value


@pytest.mark.parametrize(
    ("parse", "raw"),
    [
        (text.parse_rate, "정정신고서 제출 요구"),
        (text.parse_rate, "12,34,567:1"),
        (text.parse_rate, "1234:2"),
        (text.parse_won, "1.533.250"),  # dots for thousands stand in counts only
        (text.parse_won, "12,00"),
        (text.parse_won, "12,000 (백만원)"),
        (text.parse_won, "9" * 16),
        (text.parse_million, "148 (억원)"),
        (text.parse_million, "12,000 원"),
        (text.parse_count, "1.53"),
        (text.parse_count, "-5 주"),
        (text.parse_won_range, "28,400~24,800"),
        (text.parse_won_range, "24,800~"),
        (text.parse_won_range, "1~2~3"),
        (text.parse_percent, "약 3%"),
        (text.parse_date, "2026.02.30"),
        (text.parse_date, "08.12"),
        (text.parse_date, "미정"),
        (text.parse_date, "0026.02.03"),
        (text.parse_date_range, "08.11~08.12"),
        (text.parse_date_range, "2026.08.11~2026.08.10"),
        (text.parse_date_range, "2026.08.11~미정"),
        (text.parse_market_cap, "억"),
        (text.parse_market_cap, "120만원"),
    ],
)
def test_what_cannot_be_read_with_certainty_is_no_value(parse: Callable[[str], Any], raw: str) -> None:
    with pytest.raises(NotAValue):
        parse(raw)


@pytest.mark.parametrize("parse", PARSERS)
@given(raw=st.text(alphabet="0123456789,.:~-%원주()백만 비례DR\xa0조억위년٣가", max_size=24) | st.text())
def test_any_text_gives_a_value_or_not_a_value(parse: Callable[[str], Any], raw: str) -> None:
    try:
        value = parse(raw)
    except NotAValue:
        return
    assert value is None or any(character in "0123456789" for character in raw), "only digits make a value"


@given(st.integers(0, 10**14))
def test_a_count_comes_back_however_it_is_grouped(count: int) -> None:
    assert text.parse_count(f"{count:,} 주") == text.parse_count(str(count)) == text.parse_count(f"{count:,}".replace(",", ".")) == count


@given(st.dates(date(1991, 1, 1), date(2098, 12, 31)), st.integers(0, 300))
def test_a_range_without_the_second_year_ends_within_a_year(start: date, days: int) -> None:
    end = date.fromordinal(start.toordinal() + days)

    assert text.parse_date_range(f"{start:%Y.%m.%d}~{end:%m.%d}") == (start, end)


def test_ranges_tell_whether_they_are_one_number() -> None:
    assert (IntRange(5, 5).single, IntRange(5, 6).single) == (5, None)
    assert PercentRange(Decimal(5), Decimal(6)).single is None
