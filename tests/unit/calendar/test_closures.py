"""Days on which the exchange is closed."""

from datetime import date, timedelta

from api.calendar.closures import closures

CHRISTMAS = date(2026, 12, 25)


def test_the_years_last_day_is_closed_and_weekends_are_not_named() -> None:
    found = closures(date(2026, 12, 1), date(2026, 12, 31), {})

    assert sorted(found) == [CHRISTMAS, date(2026, 12, 31)]
    assert all(found.values())


def test_a_broker_is_right_against_the_package() -> None:
    temporary = date(2026, 12, 3)

    found = closures(date(2026, 12, 1), date(2026, 12, 31), {temporary: False, CHRISTMAS: True})

    assert sorted(found) == [temporary, date(2026, 12, 31)]


def test_a_day_is_a_span_of_one() -> None:
    assert closures(CHRISTMAS, CHRISTMAS, {}).keys() == {CHRISTMAS}
    assert closures(CHRISTMAS + timedelta(days=1), CHRISTMAS, {}) == {}


def test_lunar_holidays_and_their_substitutes_are_known() -> None:
    seollal = closures(date(2027, 2, 1), date(2027, 2, 28), {})

    assert {
        date(2027, 2, 8),
        date(2027, 2, 9),
    } <= seollal.keys()  # Seollal is Sunday the 7th; Monday belongs to it, Tuesday is the substitute
