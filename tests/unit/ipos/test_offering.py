"""What pages say put together, and what follows from it on a day."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from api.ipos.ics import to_ics
from api.ipos.judging import IpoStatus, equal_shares, events_of, expected_price, minimum_deposit, status_on, subscription_days
from api.ipos.model import FEWEST, Model, fit
from api.ipos.offering import Offering, Underwriter, corrected, first_seen, merged

AT = datetime(2026, 11, 23, 3, tzinfo=UTC)
LATER = AT + timedelta(days=1)
FACTS: dict[str, Any] = {
    "name": "한빛소프트",
    "band_low": 10_000,
    "band_high": 12_000,
    "subscription_start": date(2026, 12, 1),
    "subscription_end": date(2026, 12, 2),
    "underwriters": (Underwriter(name="한빛증권"),),
}


def an_offering(**changes: Any) -> Offering:
    return msgspec.structs.replace(first_seen(2300, FACTS, AT), **changes)


def test_a_first_sight_is_no_change() -> None:
    offering = an_offering()

    assert (offering.version, offering.changes, offering.first_seen_at) == (1, (), AT)


def test_the_same_facts_change_nothing() -> None:
    offering = an_offering()

    assert merged(offering, FACTS, LATER) is offering


def test_a_moved_date_is_noted_with_what_it_was() -> None:
    moved = merged(an_offering(), {"subscription_start": date(2026, 12, 8), "final_price": 12_500}, LATER)

    assert [(change.field, change.before, change.after) for change in moved.changes] == [
        ("final_price", None, "12500"),
        ("subscription_start", "2026-12-01", "2026-12-08"),
    ]
    assert (moved.version, moved.first_seen_at, moved.seen_at) == (2, AT, LATER)


def test_what_a_page_does_not_show_stays_and_a_note_goes() -> None:
    noted = merged(an_offering(), {"status_note": "정정신고서 제출 요구"}, LATER)

    later = merged(noted, {"band_low": None, "underwriters": (), "status_note": None}, LATER)

    assert (later.band_low, later.underwriters, later.status_note) == (10_000, noted.underwriters, None)


def test_a_lists_short_word_does_not_take_the_brokers_shares_away() -> None:
    known = an_offering(underwriters=(Underwriter(name="한빛증권", shares_low=500, role="lead"),))

    assert merged(known, {"underwriters": (Underwriter(name="한빛"),)}, LATER) is known


def test_a_field_that_pages_do_not_fill_is_refused() -> None:
    with pytest.raises(KeyError):
        merged(an_offering(), {"notes": "mine"}, LATER)


@pytest.mark.parametrize(
    ("changes", "day", "status"),
    [
        ({}, date(2026, 11, 30), IpoStatus.UPCOMING),
        ({}, date(2026, 12, 1), IpoStatus.OPEN),
        ({}, date(2026, 12, 2), IpoStatus.OPEN),
        ({}, date(2026, 12, 3), IpoStatus.CLOSED),
        ({"listing_date": date(2026, 12, 10)}, date(2026, 12, 9), IpoStatus.CLOSED),
        ({"listing_date": date(2026, 12, 10)}, date(2026, 12, 10), IpoStatus.LISTED),
        ({"subscription_start": None, "subscription_end": None}, date(2026, 12, 1), IpoStatus.ANNOUNCED),
        ({"subscription_end": None}, date(2026, 12, 1), IpoStatus.OPEN),
        ({"subscription_end": None}, date(2026, 12, 2), IpoStatus.CLOSED),
        ({"is_withdrawn": True}, date(2026, 12, 1), IpoStatus.WITHDRAWN),
    ],
)
def test_the_status_follows_the_dates(changes: dict[str, Any], day: date, status: IpoStatus) -> None:
    assert status_on(an_offering(**changes), day) is status


def test_one_subscribes_on_days_on_which_the_exchange_opens() -> None:
    over_a_holiday = an_offering(subscription_start=date(2026, 5, 22), subscription_end=date(2026, 5, 26))

    assert subscription_days(over_a_holiday, {date(2026, 5, 25)}) == [date(2026, 5, 22), date(2026, 5, 26)]
    assert subscription_days(an_offering(subscription_end=date(2027, 12, 2)), ()) == []  # a typing error of the site's


@pytest.mark.parametrize(
    ("changes", "won"),
    [
        ({"final_price": 12_500}, 62_500),
        ({}, 60_000),
        ({"final_price": 12_500, "retail_minimum_shares": 20, "retail_deposit_rate_pct": Decimal(100)}, 250_000),
        ({"final_price": 12_345, "retail_deposit_rate_pct": Decimal("33.3")}, 41_109),
        ({"band_high": None, "band_low": None}, None),
    ],
)
def test_the_smallest_deposit(changes: dict[str, Any], won: int | None) -> None:
    assert minimum_deposit(an_offering(**changes)) == won


def test_half_of_the_brokers_shares_go_in_equal_parts_to_all_who_asked() -> None:
    brokers = (Underwriter(name="가", shares_low=1_000, shares_high=1_200), Underwriter(name="나", shares_low=600), Underwriter(name="다"))
    offering = an_offering(underwriters=brokers, applicants={"가": 100, "나": 1_000, "다": 50})

    found = {each.underwriter: each.shares for each in equal_shares(offering)}

    assert found == {"가": 5.0, "나": 0.3}  # below one: the chance in a draw; of the third the shares are not known


def test_payment_and_refund_on_one_day_are_one_event() -> None:
    day = date(2026, 12, 4)
    offering = an_offering(payment_date=day, refund_date=day, listing_date=date(2026, 12, 10))

    assert [kind.value for _, _, kind in events_of(offering)] == ["subscription", "payment", "listing"]
    assert events_of(an_offering(is_withdrawn=True)) == []


def test_a_calendar_program_gets_days_whose_end_is_the_day_after() -> None:
    offering = an_offering()
    text = to_ics([(offering, start, end, kind) for start, end, kind in events_of(offering)], AT).decode()

    assert "DTSTART;VALUE=DATE:20261201" in text
    assert "DTEND;VALUE=DATE:20261203" in text
    assert "한빛소프트" in text.replace("\r\n ", "")


def a_history(count: int, multiple: Any) -> list[Offering]:
    """Past offerings whose highest price is the offer price times ``multiple`` of their figures."""
    found = []
    for number in range(count):
        revenue, rate, lockup = 1_000 * (number % 7 + 1), 100 * (number % 5 + 1), 3 * (number % 11)
        facts = {"final_price": 10_000, "revenue_krw_million": revenue, "institution_rate": Decimal(rate), "lockup_pct": Decimal(lockup)}
        highest = round(10_000 * multiple(revenue / 100, rate, lockup))
        found.append(msgspec.structs.replace(an_offering(**facts), site_no=number + 1, highest_price=highest))
    return found


def test_a_model_finds_the_rule_that_the_history_follows() -> None:
    model = fit(a_history(60, lambda revenue, rate, lockup: 1.2 + 0.002 * revenue + 0.001 * rate + 0.01 * lockup), AT)

    assert model is not None
    found = (model.intercept, model.revenue, model.institution_rate, model.lockup)
    assert found == pytest.approx((1.2, 0.002, 0.001, 0.01), rel=1e-3)
    assert model.sample_size == 60
    assert model.r_squared == pytest.approx(1.0, abs=1e-6)
    assert model.out_of_sample_error < model.baseline_error / 100


def test_a_model_of_noise_says_that_it_knows_nothing() -> None:
    noise = iter([1.0, 2.7, 1.4, 3.1, 0.9, 2.2, 1.1, 2.9, 1.8, 3.3] * 6)

    model = fit(a_history(60, lambda *_: next(noise)), AT)

    assert model is not None
    assert model.out_of_sample_error > model.baseline_error * 0.8


def test_too_short_or_too_even_a_history_gives_no_model() -> None:
    assert fit(a_history(FEWEST - 1, lambda *_: 2.0), AT) is None
    same = [msgspec.structs.replace(a_history(1, lambda *_: 2.0)[0], site_no=number) for number in range(40)]
    assert fit(same, AT) is None


def a_model(**changes: Any) -> Model:
    fields: dict[str, Any] = {
        "intercept": 1.0,
        "revenue": 0.0,
        "institution_rate": 0.001,
        "lockup": 0.0,
        "sample_size": 40,
        "r_squared": 0.5,
    }
    fields |= {"out_of_sample_error": 0.3, "baseline_error": 0.5, "site_nos": (), "fitted_at": AT}
    return Model(**fields | changes)


def test_an_expected_price_lies_on_a_tick_and_within_what_a_first_day_allows() -> None:
    known = an_offering(final_price=12_300, revenue_krw_million=5_000, institution_rate=Decimal("777.7"), lockup_pct=Decimal(5))

    price = expected_price(known, a_model())
    high = expected_price(known, a_model(intercept=50.0))

    assert price is not None
    assert high is not None
    assert (price.price, price.multiple) == (21_850, 1.7777)
    assert (high.price, high.multiple) == (49_200, 4.0)


@pytest.mark.parametrize("missing", [{"final_price": None}, {"institution_rate": None}, {"is_spac": True}, {"revenue_krw_million": None}])
def test_nothing_is_expected_where_a_figure_is_missing(missing: dict[str, Any]) -> None:
    known = an_offering(final_price=12_300, revenue_krw_million=5_000, institution_rate=Decimal(700), lockup_pct=Decimal(5))

    assert expected_price(msgspec.structs.replace(known, **missing), a_model()) is None
    assert expected_price(known, None) is None


def test_a_figure_that_a_person_put_right_stays_so_until_they_take_it_back() -> None:
    before = an_offering(final_price=20_000, lockup_pct=Decimal("5.00"))

    right = corrected(before, {"final_price": 21_000, "first_close": 33_000})
    later = merged(right, {"final_price": 20_500, "first_close": 32_000, "lockup_pct": Decimal("6.00")}, LATER)
    again = corrected(later, {"final_price": 21_500})
    back = corrected(again, {"final_price": None, "first_close": None, "open_price": None})

    assert (later.final_price, later.first_close, later.lockup_pct) == (21_000, 33_000, Decimal("6.00"))
    assert later.version == right.version + 1
    assert merged(later, {"final_price": 20_500, "first_close": None}, LATER) is later
    assert (back.final_price, back.first_close, back.open_price, back.as_told) == (20_500, 32_000, None, {})
    assert [change.field for change in later.changes] == []
    with pytest.raises(KeyError):
        corrected(before, {"band_low": 1})
