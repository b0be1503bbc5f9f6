"""The audit chain: whatever is done to a stored entry, the walk names it."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.audit.chain import NO_ENTRY, Break, Head, find_break, find_cut, hash_of, linked

AT = datetime(2026, 11, 23, 1, 2, 3, 456_000, tzinfo=UTC)


def a_chain(length: int) -> list[dict[str, Any]]:
    head, entries = NO_ENTRY, []
    for number in range(length):
        entry = linked(
            {
                "_id": f"id-{number}",
                "at": AT + timedelta(seconds=number),
                "actor": "user",
                "action": "account.change",
                "subject": "account:1",
                "before": {"name": "가", "limit": number},
                "after": {"name": "나", "members": [{"user_id": "1", "permission": "view"}]},
                "request_id": "r",
                "address": None,
            },
            head,
        )
        head = Head(sequence=entry["sequence"], hash=entry["hash"])
        entries.append(entry)
    return entries


def walk(entries: Sequence[dict[str, Any]], kept: Head) -> Break | None:
    last, at_kept = NO_ENTRY, None
    for entry in sorted(entries, key=lambda entry: int(entry["sequence"])):
        broken = find_break(entry, last)
        if broken is not None:
            return broken
        last = Head(sequence=entry["sequence"], hash=entry["hash"])
        at_kept = last.hash if last.sequence == kept.sequence else at_kept
    return find_cut(last, kept, at_kept)


def head_of(entries: Sequence[dict[str, Any]]) -> Head:
    return Head(sequence=entries[-1]["sequence"], hash=entries[-1]["hash"])


@given(length=st.integers(1, 12), behind=st.integers(0, 3))
def test_a_chain_as_it_was_written_is_whole_also_where_its_kept_head_lags(length: int, behind: int) -> None:
    entries = a_chain(length)
    kept = NO_ENTRY if behind >= length else head_of(entries[: length - behind])

    assert walk(entries, kept) is None


@given(length=st.integers(1, 8), data=st.data())
def test_a_changed_value_is_found_at_its_entry(length: int, data: st.DataObject) -> None:
    entries = a_chain(length)
    index = data.draw(st.integers(0, length - 1))
    name, value = data.draw(
        st.sampled_from(
            [
                ("actor", "other"),
                ("action", "account.none"),
                ("subject", "account:2"),
                ("at", AT - timedelta(milliseconds=1)),
                ("before", None),
                ("after", {"name": "다"}),
                ("request_id", None),
                ("address", "1.2.3.4"),
                ("_id", "id-x"),
                ("previous_hash", "1" * 64),
            ]
        )
    )
    kept = head_of(entries)
    entries[index] = entries[index] | {name: value}

    assert walk(entries, kept) == Break(sequence=index + 1, reason="changed")


@given(length=st.integers(2, 8), data=st.data())
def test_a_changed_entry_with_a_hash_of_its_own_is_found_at_the_next(length: int, data: st.DataObject) -> None:
    entries = a_chain(length)
    index = data.draw(st.integers(0, length - 2))
    kept = head_of(entries)
    forged = entries[index] | {"actor": "other"}
    entries[index] = forged | {"hash": hash_of(forged)}

    assert walk(entries, kept) == Break(sequence=index + 2, reason="not_linked")


@given(length=st.integers(2, 8), data=st.data())
def test_a_removed_entry_is_missed(length: int, data: st.DataObject) -> None:
    entries = a_chain(length)
    index = data.draw(st.integers(0, length - 1))
    kept = head_of(entries)
    del entries[index]

    assert walk(entries, kept) == Break(sequence=index + 1, reason="cut_off" if index == length - 1 else "missing")


@given(length=st.integers(1, 8))
def test_a_chain_written_anew_does_not_end_at_the_kept_head(length: int) -> None:
    kept = head_of(a_chain(length))
    anew: list[dict[str, Any]] = []
    head = NO_ENTRY
    for entry in a_chain(length):
        plain = {name: value for name, value in entry.items() if name not in ("sequence", "hash", "previous_hash")}
        anew.append(linked(plain | {"actor": "other"}, head))
        head = head_of(anew)

    assert walk(anew, kept) == Break(sequence=length, reason="head_differs")


def _swap(entries: list[dict[str, Any]]) -> None:
    entries[1], entries[2] = entries[1] | {"sequence": 3}, entries[2] | {"sequence": 2}


def _insert(entries: list[dict[str, Any]]) -> None:
    entries.append(entries[1] | {"_id": "id-new"})


@pytest.mark.parametrize(
    ("meddle", "expected"), [(_swap, Break(sequence=2, reason="changed")), (_insert, Break(sequence=3, reason="missing"))]
)
def test_swapped_and_added_entries_are_found(meddle: Callable[[list[dict[str, Any]]], None], expected: Break) -> None:
    entries = a_chain(4)
    kept = head_of(entries)
    meddle(entries)

    assert walk(entries, kept) == expected
