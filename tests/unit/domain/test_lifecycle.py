"""The table of transitions: every status, every execution type, every outcome."""

from itertools import product

import pytest

from api.domain.enums import ExecutionType as E
from api.domain.enums import OrderStatus as S
from api.domain.lifecycle import OUTCOMES, IllegalTransition, require_legal

COLUMNS = (
    S.PENDING_NEW,
    S.UNKNOWN,
    S.NEW,
    S.PARTIALLY_FILLED,
    S.PENDING_CANCEL,
    S.PENDING_REPLACE,
    S.FILLED,
    S.CANCELED,
    S.EXPIRED,
    S.REJECTED,
)
WORDS = {
    "n": S.NEW,
    "p": S.PARTIALLY_FILLED,
    "f": S.FILLED,
    "c": S.CANCELED,
    "e": S.EXPIRED,
    "r": S.REJECTED,
    "u": S.UNKNOWN,
    "S": S.PENDING_NEW,
    "C": S.PENDING_CANCEL,
    "R": S.PENDING_REPLACE,
}
# What each may lead to; a dot where it must not happen.     sent unkn new  part  pcan prepl fill  canc exp  rej
TABLE = {
    E.PENDING_NEW:      ". .   .   .   .   .    .   .   .   S",
    E.NEW:              "n n   n   p   C   R    f   c   e   n",
    E.TRADE:            "pf pf pf  pf  Cf  Rf   .   cpf epf .",
    E.TRADE_CANCEL:     ". .   .   np  C   R    np  c   e   .",
    E.TRADE_CORRECT:    ". .   .   p   C   R    f   c   e   .",
    E.PENDING_CANCEL:   ". .   C   C   .   .    .   .   .   .",
    E.CANCELED:         "c c   c   c   c   c    .   .   .   .",
    E.PENDING_REPLACE:  ". .   R   R   .   .    .   .   .   .",
    E.REPLACED:         ". .   npf npf C   Rnpf f   c   e   .",
    E.REJECTED:         "r r   r   .   r   r    .   .   .   .",
    E.EXPIRED:          "e e   e   e   e   e    .   .   .   .",
    E.CANCEL_REJECTED:  ". .   .   .   npf .    .   .   .   .",
    E.REPLACE_REJECTED: ". .   .   .   .   npf  .   .   .   .",
    E.UNKNOWN:          "u .   .   .   .   .    .   .   .   .",
    E.ORDER_STATUS:     ". u   n   p   C   R    f   c   e   .",
}  # fmt: skip


def _expected(execution_type: E, before: S) -> set[S]:
    entry = TABLE[execution_type].split()[COLUMNS.index(before)]
    return set() if entry == "." else {WORDS[letter] for letter in entry}


def test_the_expectation_names_every_status_and_every_execution_type() -> None:
    assert set(COLUMNS) == set(S)
    assert set(TABLE) == set(E) == set(OUTCOMES)
    assert {len(row.split()) for row in TABLE.values()} == {len(S)}


@pytest.mark.parametrize(("execution_type", "before"), list(product(E, S)))
def test_every_pair_of_event_and_status_leads_where_the_design_says_and_nowhere_else(execution_type: E, before: S) -> None:
    expected = _expected(execution_type, before)

    legal = set()
    for after in S:
        try:
            require_legal("order", execution_type, before, after)
        except IllegalTransition:
            continue
        legal.add(after)

    assert legal == expected


def test_only_a_trade_cancel_leads_back_from_filled() -> None:
    back = {kind for kind, rows in OUTCOMES.items() if set(rows.get(S.FILLED, ())) - {S.FILLED}}

    assert back == {E.TRADE_CANCEL}


def test_what_an_illegal_move_was_is_told() -> None:
    with pytest.raises(IllegalTransition, match="filled -> new by new"):
        require_legal("order", E.NEW, S.FILLED, S.NEW)
