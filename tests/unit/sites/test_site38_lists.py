"""Forecast results and new listings of 38: the worked examples, and columns by header."""

from datetime import date
from decimal import Decimal

import pytest

from tests.unit.sites.samples import changed, sample, sample38
from worker.sites.errors import StructureChanged
from worker.sites.site38.forecasts import parse_forecasts
from worker.sites.site38.listings import parse_listings
from worker.sites.site38.rows import ForecastResult, NewListing

PAGE = "forecasts_and_listings"


def test_the_worked_example_of_forecast_results_is_read_to_the_last_field() -> None:
    page = parse_forecasts(sample38(PAGE))

    assert page.rows == [
        ForecastResult(
            site_no=9102,
            name="마루바이오",
            former_name=None,
            is_spac=False,
            market_hint="KOSDAQ",
            status_note=None,
            is_withdrawn=False,
            forecast_start=None,
            forecast_end=date(2030, 10, 7),
            band_low=10_500,
            band_high=12_500,
            final_price=12_500,
            offering_amount_krw_million=25_000,
            institution_rate=Decimal("1200.00"),
            lockup_pct=Decimal("5.00"),
            underwriters=("한빛", "새롬투자"),
        ),
        ForecastResult(
            site_no=9103,
            name="다온스팩5호",
            former_name=None,
            is_spac=True,
            market_hint="KOSDAQ",
            status_note=None,
            is_withdrawn=False,
            forecast_start=None,
            forecast_end=date(2030, 10, 28),
            band_low=2_000,
            band_high=2_000,
            final_price=2_000,
            offering_amount_krw_million=10_000,
            institution_rate=Decimal("1123.4"),
            lockup_pct=None,
            underwriters=("새롬투자",),
        ),
    ]
    assert (page.unread, page.warnings, page.last_page) == ([], [], None)


def test_the_worked_example_of_new_listings_is_read_to_the_last_field() -> None:
    page = parse_listings(sample38(PAGE))

    assert page.rows == [
        NewListing(
            site_no=9102,
            name="마루바이오",
            former_name=None,
            is_spac=False,
            market_hint="KOSDAQ",
            status_note="예정",
            is_withdrawn=False,
            listing_date=date(2030, 10, 25),
            current_price=None,
            change_pct=None,
            offer_price=12_500,
            return_pct=None,
            open_price=None,
            open_return_pct=None,
            first_close=None,
        ),
        NewListing(
            site_no=9090,
            name="바다테크",
            former_name=None,
            is_spac=False,
            market_hint="KOSPI",
            status_note=None,
            is_withdrawn=False,
            listing_date=date(2030, 9, 20),
            current_price=31_500,
            change_pct=Decimal("-3.10"),
            offer_price=20_000,
            return_pct=Decimal("57.5"),
            open_price=40_000,
            open_return_pct=Decimal(100),
            first_close=33_200,
        ),
    ]
    assert (page.unread, page.warnings) == ([], [])


def test_a_forecast_of_several_days_has_a_start() -> None:
    row = parse_forecasts(changed(sample(PAGE), ("2030.10.07", "2030.10.01~10.07"))).rows[0]

    assert (row.forecast_start, row.forecast_end) == (date(2030, 10, 1), date(2030, 10, 7))


def test_the_first_day_of_a_listing_has_a_note_in_place_of_a_close() -> None:
    row = parse_listings(changed(sample(PAGE), ("<td>33,200</td>", "<td>상장</td>"))).rows[1]

    assert (row.first_close, row.status_note) == (None, "상장")


def test_a_listing_without_one_of_its_cells_is_not_read_as_if_it_were_whole() -> None:
    page = changed(sample(PAGE), ("<td>31,500</td>", ""))
    row = page[page.index('<tr><td><a href="./?o=v&no=9102">') : page.index('<tr><td><a href="./?o=v&no=9090">')]
    page = page.replace(row, "".join(row.replace("9102", str(number)) for number in range(9200, 9206)))

    read = parse_listings(page)

    assert [row.site_no for row in read.unread] == [9090]
    assert len(read.rows) == 6


@pytest.mark.parametrize("header", ["공모금액<br>(백만원)", "기관<br>경쟁률", "<th>공모가(원)</th><th>공모금액", "예측일"])
def test_another_header_among_the_forecasts_is_another_structure(header: str) -> None:
    with pytest.raises(StructureChanged):
        parse_forecasts(changed(sample(PAGE), (header, "<th>다른말")))


@pytest.mark.parametrize("header", ["신규상장일", "시초/공모(%)", "첫날종가(원)", "공모가대비 등락률(%)"])
def test_another_header_among_the_listings_is_another_structure(header: str) -> None:
    with pytest.raises(StructureChanged):
        parse_listings(changed(sample(PAGE), (header, "다른말")))


def test_a_first_page_without_rows_is_another_structure() -> None:
    start, end = sample(PAGE).index("<tbody>"), sample(PAGE).index("</tbody>")

    with pytest.raises(StructureChanged):
        parse_forecasts(sample(PAGE)[:start] + sample(PAGE)[end:])
