"""Paging cursors."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.errors import InvalidCursor
from api.kit.cursors import decode_cursor, encode_cursor


@given(st.from_regex(r"[0-9A-Za-z_.:-]{1,128}", fullmatch=True))
def test_a_key_comes_back_as_it_was(key: str) -> None:
    assert decode_cursor(encode_cursor(key)) == key


def test_no_cursor_is_no_key() -> None:
    assert decode_cursor(None) is None


@given(st.text(max_size=50))
def test_any_other_text_is_refused_or_a_harmless_key(text: str) -> None:
    try:
        key = decode_cursor(text)
    except InvalidCursor as error:
        assert error.status == 422
    else:
        assert key is not None
        assert "$" not in key


@pytest.mark.parametrize("cursor", ["", "*", "eyIkZ3QiOiIifQ", "é", "A" * 400])
def test_what_this_api_never_gave_is_refused(cursor: str) -> None:
    with pytest.raises(InvalidCursor):
        decode_cursor(cursor)
