"""Finding instruments by what people type."""

import pytest

from api.market.search import entry_of, search
from tests.factories import an_instrument

ENTRIES = [
    entry_of(document)
    for document in (
        an_instrument(symbol="005930", name="삼성전자", english_name="Samsung Electronics", listed_shares=5_900_000_000),
        an_instrument(symbol="005935", name="삼성전자우", english_name="Samsung Electronics (Pref.)", listed_shares=800_000_000),
        an_instrument(symbol="000810", name="삼성화재", english_name="Samsung Fire & Marine"),
        an_instrument(symbol="000660", name="SK하이닉스", english_name="SK hynix"),
        an_instrument(symbol="069500", name="KODEX 200", english_name=""),
        an_instrument(symbol="0126Z0", name="삼성에피스홀딩스", english_name="Samsung Epis Holdings"),
    )
]


def found(query: str, limit: int = 10) -> list[str]:
    return [document.symbol for document in search(ENTRIES, query, limit)]


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("005930", "005930"),
        ("삼성전자", "005930"),
        ("삼성 전자", "005930"),
        ("ㅅㅅㅈㅈ", "005930"),
        ("삼성ㅈ", "005930"),
        ("ㅅ성전", "005930"),
        ("samsung", "005930"),
        ("SAMSUNG FIRE", "000810"),
        ("화재", "000810"),
        ("hynix", "000660"),
        ("sk하", "000660"),
        ("skㅎㅇ", "000660"),
        ("kodex200", "069500"),
        ("0126z0", "0126Z0"),
    ],
)
def test_an_instrument_is_found_by_each_way_of_naming_it(query: str, first: str) -> None:
    assert found(query)[:1] == [first]


@pytest.mark.parametrize("query", ["없는 종목", "ㅎㅎㅎ", "삼성ㅎㅎ", "999999", "삼성자ㅈ", "electronicssamsung"])
def test_what_fits_nothing_finds_nothing(query: str) -> None:
    assert found(query) == []


def test_the_very_name_comes_before_names_that_begin_so_and_these_before_names_that_hold_it() -> None:
    entries = [entry_of(an_instrument(symbol=symbol, name=name)) for symbol, name in (("1", "새한전자"), ("2", "한전자재"), ("3", "한전"))]

    assert [document.symbol for document in search(entries, "한전", 10)] == ["3", "2", "1"]


def test_of_equal_hits_the_larger_company_comes_first_then_the_lower_code() -> None:
    assert found("삼성") == ["005930", "005935", "000810", "0126Z0"]


def test_an_empty_query_gives_all_up_to_the_limit() -> None:
    assert len(found("")) == len(ENTRIES)
    assert found(" ", 2) == ["005930", "005935"]
