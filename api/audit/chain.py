"""The chain of audit entries: each carries the hash of the one before, so that a later change of any of them shows. Pure.

What is hashed is the canonical JSON of the whole entry, its number and the hash before it included. Changing, removing, adding or swapping
entries breaks the chain at the first entry concerned. Cutting off the end, or writing the whole chain anew, shows only against a head
(number and hash of the newest entry) that is kept elsewhere: Lucy keeps one in a second collection, and `GET /audit/verify` tells it, so
that an operator can note it outside of Lucy, where whoever can write the database cannot reach it.
"""

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct

ORIGIN = "0" * 64
"""What the first entry has for a hash before it."""

_HASHED = ("sequence", "at", "actor", "action", "subject", "before", "after", "request_id", "address", "previous_hash")


class Head(Struct, kw_only=True, frozen=True):
    """Number and hash of the newest entry."""

    sequence: int
    hash: str


class Break(Struct, kw_only=True, frozen=True):
    """The first entry at which the chain is broken, and how: ``missing``, ``changed``, ``not_linked``, ``cut_off`` or ``head_differs``."""

    sequence: int
    reason: str


NO_ENTRY = Head(sequence=0, hash=ORIGIN)


def hash_of(entry: Mapping[str, Any]) -> str:
    """SHA-256 (hex) of an entry, as stored, but for its id and its own hash."""
    values = {"id": entry["_id"], **{name: entry[name] for name in _HASHED}}
    text = json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_instant)
    return hashlib.sha256(text.encode()).hexdigest()


def linked(entry: Mapping[str, Any], head: Head) -> dict[str, Any]:
    """The entry as the next one of the chain."""
    document = dict(entry) | {"sequence": head.sequence + 1, "previous_hash": head.hash}
    return document | {"hash": hash_of(document)}


def find_break(entry: Mapping[str, Any], before: Head) -> Break | None:
    """Whether the chain breaks at this entry.

    Args:
        entry: As stored.
        before: Number and hash of the entry before it, which was found good.
    """
    expected = before.sequence + 1
    if entry["sequence"] != expected:
        return Break(sequence=expected, reason="missing")
    if entry["hash"] != hash_of(entry):
        return Break(sequence=expected, reason="changed")
    if entry["previous_hash"] != before.hash:
        return Break(sequence=expected, reason="not_linked")
    return None


def find_cut(last: Head, kept: Head, at_kept: str | None) -> Break | None:
    """Whether the end of a chain that is good in itself is not the end that was.

    Args:
        last: Of the chain's newest entry.
        kept: The head that was kept elsewhere; a crash may have left it behind the chain.
        at_kept: The hash of the chain's entry of that number, None where there is none.
    """
    if last.sequence < kept.sequence:
        return Break(sequence=last.sequence + 1, reason="cut_off")
    if kept.sequence and at_kept != kept.hash:
        return Break(sequence=kept.sequence, reason="head_differs")
    return None


def _instant(value: object) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="milliseconds")
    raise TypeError(f"{type(value).__name__} has no place in an audit entry")
