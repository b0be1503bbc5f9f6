"""The invented pages: what the real site's figures satisfy, these do too, and the parsers find every row of them."""

from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal

import pytest

from api.local.fixture_sites.offers import Offer, offers_on
from api.local.fixture_sites.server import FixtureSites, State
from api.local.fixture_sites.variants import VARIANTS, spoil
from worker.sites.errors import StructureChanged, UnknownOffering
from worker.sites.judal.stocks import parse_stock_list
from worker.sites.judal.themes import parse_side_bar, parse_theme_list
from worker.sites.site38.detail import parse_detail
from worker.sites.site38.forecasts import parse_forecasts
from worker.sites.site38.listings import parse_listings
from worker.sites.site38.rows import OfferingDetail, ScheduledOffering
from worker.sites.site38.schedule import parse_schedule

DAY = date(2026, 11, 23)
CENT = Decimal("0.01")


@pytest.fixture(scope="module")
def sites() -> FixtureSites:
    return FixtureSites(State(day=DAY))


def details_of(sites: FixtureSites) -> dict[int, OfferingDetail]:
    return {
        offer.site_no: parse_detail(sites.page38("v", 1, offer.site_no).encode("cp949"), site_no=offer.site_no) for offer in sites.offers()
    }


def schedule_of(sites: FixtureSites) -> dict[int, ScheduledOffering]:
    rows: list[ScheduledOffering] = []
    for number in range(1, 5):
        page = parse_schedule(sites.page38("k", number, 0).encode("cp949"), page=number, seen_on=sites.day)
        assert (page.unread, page.warnings, page.last_page) == ([], [], 4)
        rows += page.rows
    return {row.site_no: row for row in rows}


def test_the_schedule_holds_past_running_and_coming_offers_of_every_kind(sites: FixtureSites) -> None:
    rows = schedule_of(sites)

    assert list(rows) == [offer.site_no for offer in sites.offers()]
    assert len(rows) >= 90
    assert {row.color_hint for row in rows.values()} == {"coming", "open", "over"}
    assert {row.market_hint for row in rows.values()} == {"KOSPI", "KOSDAQ"}
    assert any(row.former_name for row in rows.values())
    assert any(row.is_spac for row in rows.values())
    assert any(len(row.underwriters) == 3 for row in rows.values())
    assert any(row.status_note for row in rows.values())
    assert any("똠" in row.name for row in rows.values())


def test_list_and_detail_say_the_same(sites: FixtureSites) -> None:
    rows, details = schedule_of(sites), details_of(sites)

    for number, row in rows.items():
        detail = details[number]
        shared = set(row.__struct_fields__) & set(detail.__struct_fields__) - {"underwriters", "status_note"}
        assert {name: getattr(row, name) for name in shared} == {name: getattr(detail, name) for name in shared}
        assert row.underwriters == tuple(broker.name for broker in detail.underwriters)
        assert row.market_hint == detail.market
        assert detail.warnings == ()


def test_the_figures_of_a_detail_hold_together_as_on_the_real_site(sites: FixtureSites) -> None:
    details = details_of(sites).values()
    done = [detail for detail in details if detail.institution_rate is not None]

    assert len(done) > 60
    for detail in done:
        assert detail.institution_shares is not None
        assert detail.institution_shares.single is not None
        assert detail.forecast_requested_shares is not None
        assert detail.lockup_total_shares is not None
        assert detail.institution_rate == cents(Decimal(detail.forecast_requested_shares) / detail.institution_shares.single)
        assert detail.lockup_pct == cents(Decimal(detail.lockup_total_shares * 100) / detail.forecast_requested_shares)
        assert detail.price_distribution[-1].shares == detail.forecast_requested_shares
    for detail in details:
        assert detail.offered_shares and detail.band_low and detail.band_high and detail.retail_shares and detail.institution_shares
        groups = (detail.retail_shares.low, detail.institution_shares.high, detail.employee_shares.low if detail.employee_shares else 0)
        assert sum(groups) == detail.offered_shares
        assert detail.offered_shares == (detail.new_shares or 0) + (detail.existing_shares or 0)
        amount = Decimal(detail.offered_shares * (detail.final_price or detail.band_low)) / 1_000_000
        assert detail.offering_amount_krw_million == int(amount.to_integral_value(ROUND_HALF_UP))
        assert detail.band_low <= detail.band_high
        if detail.subscription_rate is not None:
            assert detail.proportional_rate == (2 * detail.subscription_rate).to_integral_value(ROUND_HALF_UP)


def test_details_show_only_what_is_known_on_their_day(sites: FixtureSites) -> None:
    for detail in details_of(sites).values():
        assert detail.forecast_end and detail.subscription_end
        assert (detail.institution_rate is not None) == (detail.forecast_end < DAY)
        assert (detail.subscription_rate is not None) == (detail.subscription_end < DAY)
        assert (detail.listing_date is not None) == (detail.subscription_end < DAY)
        assert (detail.current_price is not None) == (detail.listing_date is not None and detail.listing_date <= DAY)


def test_underwriters_stand_alone_several_with_their_table_and_several_without(sites: FixtureSites) -> None:
    kinds = {(len(detail.underwriters) > 1, detail.underwriters[0].shares is not None) for detail in details_of(sites).values()}

    assert kinds == {(False, True), (True, True), (True, False)}


def test_forecast_results_and_listings_agree_with_the_details(sites: FixtureSites) -> None:
    details = details_of(sites)
    forecasts = [row for number in (1, 2, 3, 4) for row in parse_forecasts(sites.page38("r1", number, 0), page=number).rows]
    listings = [row for number in (1, 2, 3, 4) for row in parse_listings(sites.page38("nw", number, 0), page=number).rows]

    assert len(forecasts) > 90
    assert any(row.institution_rate is None for row in forecasts), "a SPAC before its forecast"
    for row in forecasts:
        detail = details[row.site_no]
        assert (row.institution_rate, row.final_price, row.forecast_end) == (
            detail.institution_rate,
            detail.final_price,
            detail.forecast_end,
        )
    assert {row.status_note for row in listings} >= {None, "예정"}
    for listing in listings:
        detail = details[listing.site_no]
        assert (listing.listing_date, listing.current_price) == (detail.listing_date, detail.current_price)


def test_an_offering_keeps_its_number_name_and_days_as_time_goes_by() -> None:
    today, tomorrow = ({offer.site_no: offer for offer in offers_on(day)} for day in (DAY, DAY + timedelta(days=1)))

    def facts(offer: Offer) -> tuple[object, ...]:
        return offer.name, offer.symbol, offer.subscription, offer.band, offer.offered

    shared = set(today) & set(tomorrow)
    assert len(shared) >= len(today) - 1
    assert all(facts(today[number]) == facts(tomorrow[number]) for number in shared)


def test_the_calendar_is_alive_on_any_day() -> None:
    for days in range(0, 400, 13):
        sites = FixtureSites(State(day=DAY + timedelta(days=days)))
        colors = {row.color_hint for row in schedule_of(sites).values()}
        assert {"coming", "over"} <= colors


def test_on_the_second_day_offers_have_moved_one_is_gone_and_one_withdrawn(sites: FixtureSites) -> None:
    before, after = schedule_of(sites), schedule_of(FixtureSites(State(day=DAY, variant="moved_dates")))

    gone = set(before) - set(after)
    moved = [number for number in after if before[number].subscription_start != after[number].subscription_start]
    banded = [number for number in after if before[number].band_low != after[number].band_low]
    assert (len(gone), len(moved), len(banded)) == (1, 3, 1)
    assert [row.status_note for row in after.values() if row.is_withdrawn] == ["공모철회"]


def test_an_unknown_number_answers_the_sites_own_words(sites: FixtureSites) -> None:
    with pytest.raises(UnknownOffering):
        parse_detail(sites.page38("v", 1, 1), site_no=1)


def test_every_theme_and_every_stock_is_found_in_both_generations_of_markup() -> None:
    for markup in ("old", "new"):
        sites = FixtureSites(State(day=DAY, markup=markup))
        side_bar = parse_side_bar(sites.page_judal("", "", None, 1))
        themes = {theme.index: theme for theme in sites.themes()}
        assert len(themes) >= 60
        assert {theme.theme_idx: theme.name for theme in side_bar.themes} == {index: theme.name for index, theme in themes.items()}
        listed = parse_theme_list(sites.page_judal("themeList", "", None, 1))
        assert {theme.theme_idx: theme.neglect_52w for theme in listed.themes} == {index: t.neglect for index, t in themes.items()}
        for link in side_bar.themes:
            page = parse_stock_list(sites.page_judal("stockList", "", link.theme_idx, 1), promised=link.stock_count)
            assert (page.warnings, page.unread) == ([], [])
            assert [(stock.symbol, stock.price) for stock in page.stocks] == [(s.symbol, s.price) for s in themes[link.theme_idx].stocks]


def test_the_figures_of_a_stock_hold_together_as_on_the_real_site(sites: FixtureSites) -> None:
    for theme in sites.themes()[:10]:
        for stock in parse_stock_list(sites.page_judal("stockList", "", theme.index, 1)).stocks:
            assert stock.price and stock.high_52w and stock.low_52w and stock.high_3y
            assert stock.neglect_52w == round((stock.price - stock.low_52w) / (stock.high_52w - stock.low_52w) * 100)
            assert stock.price_index_3y == round(stock.price / stock.high_3y * 100)
            expected = Decimal(100 * stock.high_52w) / stock.price - 100
            assert stock.expected_return_pct is not None and abs(stock.expected_return_pct - expected) < CENT
            assert (stock.per is None) == (stock.eps is not None and stock.eps < 0)


def test_lists_of_who_buys_have_their_column(sites: FixtureSites) -> None:
    page = parse_stock_list(sites.page_judal("stockList", "fundBuy", None, 1))

    assert page.head.base_date == DAY
    assert all(stock.trade_amount_krw_100m and stock.trade_streak_days for stock in page.stocks)


@pytest.mark.parametrize("variant", ["empty", "changed_structure"])
def test_spoiled_pages_are_refused_by_every_parser(sites: FixtureSites, variant: str) -> None:
    detail = sites.offers()[40].site_no

    def page38(kind: str) -> bytes:
        return spoil(sites.page38(kind, 1, detail), variant, "cp949")  # type: ignore[arg-type]  # one of the variants

    def judal(view: str) -> bytes:
        return spoil(sites.page_judal(view, "", sites.themes()[0].index, 1), variant, "utf-8")  # type: ignore[arg-type]

    refused = 0
    for parse, page in [
        (parse_schedule, page38("k")),
        (parse_forecasts, page38("r1")),
        (parse_listings, page38("nw")),
        (parse_side_bar, judal("")),
        (parse_theme_list, judal("themeList")),
        (parse_stock_list, judal("stockList")),
    ]:
        with pytest.raises(StructureChanged):
            parse(page)  # type: ignore[operator]  # parsers of one shape
        refused += 1
    assert refused == 6
    if variant == "changed_structure":
        with pytest.raises(StructureChanged):
            parse_detail(page38("v"), site_no=detail)


def test_missing_cells_cost_single_rows_and_no_value_moves(sites: FixtureSites) -> None:
    whole = {row.site_no: row for row in parse_schedule(sites.page38("k", 1, 0)).rows}
    page = parse_schedule(spoil(sites.page38("k", 1, 0), "missing_cells", "cp949"))

    assert 0 < len(page.unread) < 6
    assert len(page.rows) + len(page.unread) == len(whole)
    assert all(row == whole[row.site_no] for row in page.rows)


def test_a_broken_encoding_costs_letters_of_names_and_says_so(sites: FixtureSites) -> None:
    page = parse_schedule(spoil(sites.page38("k", 1, 0), "broken_encoding", "cp949"))

    assert len(page.rows) == 30
    assert {warning.field for warning in page.warnings} == {"name"}
    assert len(page.warnings) == 10


def test_every_variant_is_tried_somewhere() -> None:
    assert set(VARIANTS) == {
        "normal", "empty", "missing_cells", "changed_structure", "broken_encoding", "huge", "cut_off", "moved_dates", "unavailable"
    }  # fmt: skip


def cents(value: Decimal) -> Decimal:
    return value.quantize(CENT, ROUND_HALF_UP)
