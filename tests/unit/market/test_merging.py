"""One instrument out of several masters."""

from datetime import date
from typing import Any

import msgspec

from api.brokers.market_data import InstrumentDetail, InstrumentRecord
from api.market.merging import by_symbol, detailed, merged
from tests.factories import an_instrument

DAY = "2026-11-23"

LS = InstrumentRecord(
    symbol="005930",
    isin="KR7005930003",
    name="삼성전자",
    english_name="",
    market="KOSPI",
    kind="stock",
    reference_price=71_000,
    upper_limit_price=92_300,
    lower_limit_price=49_700,
    lot_size=1,
    is_halted=None,
)
KIS = InstrumentRecord(
    symbol="005930",
    isin="KR7005930003",
    name="삼성전자보통",
    english_name="",
    market="KOSPI",
    kind="stock",
    reference_price=70_900,
    upper_limit_price=None,
    lower_limit_price=None,
    lot_size=1,
    is_halted=True,
    is_administrative=False,
    is_liquidation=False,
    is_nxt_tradable=True,
)


def a_record(record: InstrumentRecord, **changes: Any) -> InstrumentRecord:
    return msgspec.structs.replace(record, **changes)


def test_what_one_broker_does_not_tell_comes_from_the_other_whatever_their_order() -> None:
    one, other = (merged(by_symbol(masters)["005930"], None, DAY) for masters in ([[LS], [KIS]], [[KIS], [LS]]))

    assert one == other
    assert (one["name"], one["reference_price"], one["upper_limit_price"]) == ("삼성전자", 71_000, 92_300)
    assert (one["is_halted"], one["is_administrative"], one["is_nxt_tradable"]) == (True, False, True)
    assert (one["initials"], one["priced_day"]) == ("ㅅㅅㅈㅈ", DAY)


def test_one_brokers_warning_is_enough() -> None:
    calm = a_record(LS, is_halted=False, is_administrative=False, is_liquidation=False)
    warning = a_record(KIS, is_halted=True, is_administrative=True, is_liquidation=True)

    fields = merged(by_symbol([[calm], [warning]])["005930"], None, DAY)

    assert (fields["is_halted"], fields["is_administrative"], fields["is_liquidation"]) == (True, True, True)


def test_an_instrument_that_one_broker_alone_lists_is_there() -> None:
    found = by_symbol([[LS], [a_record(KIS, symbol="000660")]])

    assert {symbol: len(records) for symbol, records in found.items()} == {"005930": 1, "000660": 1}


def test_silence_never_overwrites_what_is_known() -> None:
    known = an_instrument(english_name="Samsung Electronics", is_administrative=True, is_nxt_tradable=True, is_halted=True)

    fields = merged([LS], known, DAY)

    assert (fields["english_name"], fields["is_administrative"], fields["is_nxt_tradable"]) == ("Samsung Electronics", True, True)
    assert fields["is_halted"] is True


def test_a_halt_that_ended_is_over() -> None:
    assert merged([a_record(KIS, is_halted=False)], an_instrument(is_halted=True), DAY)["is_halted"] is False


def test_limits_that_no_master_tells_stay_for_their_own_day_only() -> None:
    known = an_instrument(priced_day=DAY, upper_limit_price=92_300, lower_limit_price=49_700)

    same_day, next_day = merged([KIS], known, DAY), merged([KIS], known, "2026-11-24")

    assert (same_day["upper_limit_price"], same_day["lower_limit_price"]) == (92_300, 49_700)
    assert (next_day["upper_limit_price"], next_day["lower_limit_price"], next_day["reference_price"]) == (None, None, 70_900)


def test_details_fill_gaps_and_overrule_nothing() -> None:
    detail = InstrumentDetail(
        symbol="005930",
        isin="KR0000000000",
        name="삼성전자보통주",
        english_name="Samsung Electronics",
        listed_shares=5_919_637_922,
        par_value=100,
        listed_on=date(1975, 6, 11),
        is_halted=True,
        is_administrative=True,
        is_nxt_tradable=None,
    )
    known = an_instrument(is_administrative=False, is_nxt_tradable=None)

    fields = detailed(detail, known)

    assert fields == {
        "english_name": "Samsung Electronics",
        "isin": known.isin,
        "listed_shares": 5_919_637_922,
        "par_value": 100,
        "listed_on": "1975-06-11",
        "is_administrative": False,
    }


def test_a_broker_without_an_english_name_leaves_the_field_alone() -> None:
    detail = InstrumentDetail(
        symbol="005930",
        isin="",
        name="",
        english_name="",
        listed_shares=None,
        par_value=None,
        listed_on=None,
        is_halted=False,
        is_administrative=False,
        is_nxt_tradable=None,
    )

    assert "english_name" not in detailed(detail, an_instrument(english_name=""))
