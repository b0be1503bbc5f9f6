"""Fills back to the lines."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.domain.allocation.fills import allocate_shares, allocate_won, average_price
from api.domain.allocation.split import tie_key

ORDERS = st.lists(st.integers(0, 60), min_size=1, max_size=7).filter(any)


def keys_of(count: int) -> list[bytes]:
    return [tie_key("block", str(index)) for index in range(count)]


@given(ordered=ORDERS)
def test_every_share_is_a_step_that_nobody_loses_by_and_within_one_of_the_exact_part(ordered: list[int]) -> None:
    keys = keys_of(len(ordered))
    before = [0] * len(ordered)

    for cumulative in range(sum(ordered) + 1):
        given_now = allocate_shares(ordered, keys, cumulative)
        assert sum(given_now) == cumulative
        assert all(now >= then for now, then in zip(given_now, before, strict=True))
        for now, quantity in zip(given_now, ordered, strict=True):
            assert abs(now - Fraction(quantity * cumulative, sum(ordered))) < 1
        before = given_now

    assert before == ordered


@given(ordered=ORDERS, data=st.data())
def test_only_the_sum_counts_and_the_order_of_lines_does_not(ordered: list[int], data: st.DataObject) -> None:
    keys = keys_of(len(ordered))
    cumulative = data.draw(st.integers(0, sum(ordered)))
    turned = list(range(len(ordered)))[::-1]

    result = allocate_shares(ordered, keys, cumulative)
    mixed = allocate_shares([ordered[index] for index in turned], [keys[index] for index in turned], cumulative)

    assert [mixed[turned.index(index)] for index in range(len(ordered))] == result


def test_the_alabama_paradox_does_not_happen() -> None:
    # Largest remainders of 10 and 11 shares over 6 : 6 : 2 give the third line 2 and then 1.
    keys = keys_of(3)

    thirds = [allocate_shares([6, 6, 2], keys, cumulative)[2] for cumulative in range(15)]

    assert thirds == sorted(thirds)


def test_a_million_shares_in_odd_parts_are_no_trouble() -> None:
    ordered = [333_331, 333_337, 333_332]

    given_now = allocate_shares(ordered, keys_of(3), 999_999)

    assert sum(given_now) == 999_999


@pytest.mark.parametrize("cumulative", [-1, 11])
def test_more_than_was_ordered_cannot_be_filled(cumulative: int) -> None:
    with pytest.raises(ValueError, match="of 10 shares"):
        allocate_shares([4, 6], keys_of(2), cumulative)


@given(shares=st.lists(st.integers(0, 10**6), min_size=1, max_size=9), price=st.integers(1, 10**6), odd=st.integers(0, 999))
def test_the_won_of_all_lines_are_what_was_paid(shares: list[int], price: int, odd: int) -> None:
    total = sum(shares)
    amount = total * price + (odd if total else 0)

    won = allocate_won(amount, shares, keys_of(len(shares)))

    assert sum(won) == amount
    for part, quantity in zip(won, shares, strict=True):
        assert not total or abs(part - Fraction(amount * quantity, total)) < 1


@pytest.mark.parametrize(
    ("amount", "quantity", "text"),
    [(0, 0, None), (710_000, 10, "71000.0000"), (10, 3, "3.3333"), (20, 3, "6.6667"), (100_005, 100_000, "1.0001"), (1, 20_000, "0.0001")],
)
def test_an_average_has_four_decimals_half_up(amount: int, quantity: int, text: str | None) -> None:
    assert average_price(amount, quantity) == text
