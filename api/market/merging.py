"""One instrument out of what several brokers' masters tell of it. Pure.

Choice: field by field, a broker's word beats another's silence, and a master of the day's live prices (with limits: LS t8436) beats one
that is a file (KIS). Limits that nobody tells are not reckoned out of the reference price: +-30 % is wrong for leveraged ETFs, for a first
trading day and for 정리매매, and would refuse orders that the exchange takes. Without limits the broker decides.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from api.brokers.market_data import InstrumentDetail, InstrumentRecord
from api.domain.hangul import initials
from api.market.documents import InstrumentDocument

_PRICED = ("reference_price", "upper_limit_price", "lower_limit_price")
_WARNINGS = ("is_halted", "is_administrative", "is_liquidation")
"""One broker's word is enough for these."""

_NOTHING = (None, "")


def by_symbol(masters: Iterable[Iterable[InstrumentRecord]]) -> dict[str, list[InstrumentRecord]]:
    """The records of each instrument, those with price limits first."""
    found: dict[str, list[InstrumentRecord]] = {}
    for record in (record for master in masters for record in master):
        found.setdefault(record.symbol, []).append(record)
    for records in found.values():
        records.sort(key=lambda record: record.upper_limit_price is None)
    return found


def merged(records: Sequence[InstrumentRecord], known: InstrumentDocument | None, day: str) -> dict[str, Any]:
    """What to store of an instrument after its masters were read.

    Args:
        records: At least one, the most trusted first.
        known: As stored before.
        day: KST day of the reading, ``YYYY-MM-DD``.

    Returns:
        Fields of `InstrumentDocument`. What no record tells stays as it was; limits stay only within their own day.
    """
    told: dict[str, Any] = {}
    for field in InstrumentRecord.__struct_fields__:
        if field != "symbol":
            told[field] = next((value for record in records if (value := getattr(record, field)) not in _NOTHING), None)
    told |= {field: True for field in _WARNINGS if any(getattr(record, field) for record in records)}
    kept: Mapping[str, Any] = {} if known is None else known.model_dump()
    is_same_day = known is not None and known.priced_day == day
    fields = {field: value if value is not None or field in _PRICED else kept.get(field) for field, value in told.items()}
    if is_same_day:
        fields |= {field: kept[field] for field in _PRICED if fields[field] is None}
    return fields | {
        "english_name": fields["english_name"] or "",
        "isin": fields["isin"] or "",
        "is_halted": bool(fields["is_halted"]),
        "initials": initials(fields["name"] or ""),
        "priced_day": day,
    }


def detailed(detail: InstrumentDetail, known: InstrumentDocument) -> dict[str, Any]:
    """What a broker's detail adds to a stored instrument: names and numbers that the masters lack. It overrules none of theirs."""
    added: dict[str, Any] = {
        "english_name": detail.english_name,
        "isin": known.isin or detail.isin,
        "listed_shares": detail.listed_shares,
        "par_value": detail.par_value,
        "listed_on": None if detail.listed_on is None else detail.listed_on.isoformat(),
        "is_administrative": detail.is_administrative if known.is_administrative is None else known.is_administrative,
        "is_nxt_tradable": detail.is_nxt_tradable if known.is_nxt_tradable is None else known.is_nxt_tradable,
    }
    return {field: value for field, value in added.items() if value not in _NOTHING}
