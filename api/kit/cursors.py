"""Opaque paging cursors."""

import base64
import binascii
import re

from api.errors import InvalidCursor

_KEY = re.compile(r"[0-9A-Za-z_.:-]{1,128}")


def encode_cursor(key: str) -> str:
    """A cursor that goes on after the entry with this sort key."""
    return base64.urlsafe_b64encode(key.encode()).decode().rstrip("=")


def decode_cursor(cursor: str | None) -> str | None:
    """The sort key again; None for no cursor; `InvalidCursor` for one that this API did not give."""
    if cursor is None:
        return None
    try:
        key = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
    except (binascii.Error, ValueError) as error:
        raise InvalidCursor("The cursor is not one that this API gave.") from error
    if not _KEY.fullmatch(key):
        raise InvalidCursor("The cursor is not one that this API gave.")
    return key
