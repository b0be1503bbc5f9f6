"""Ids and frames of the event stream."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.events.hub import encode_frame, parse_id

NUMBERS = st.integers(min_value=0, max_value=2**63 - 1)


@given(NUMBERS, NUMBERS)
def test_an_id_is_two_numbers(left: int, right: int) -> None:
    assert parse_id(f"{left}-{right}") == (left, right)
    assert parse_id(str(left)) == (left, 0)


@given(st.text(max_size=45))
def test_any_text_is_an_id_or_none(text: str) -> None:
    found = parse_id(text)

    assert found is None or (text.isascii() and len(text) <= 39)


@pytest.mark.parametrize("text", ["", "-", "1-", "-1", "1-2-3", "+1", " 1", "1\n", "1.0", "$", "²", "٣", "9" * 20])
def test_what_the_store_would_not_take_is_none(text: str) -> None:
    assert parse_id(text) is None


def test_a_frame_is_one_event_with_its_id() -> None:
    assert encode_frame("5-1", "fill", b'{"a":1}') == b'id: 5-1\nevent: fill\ndata: {"a":1}\n\n'
