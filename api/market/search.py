"""Finding instruments by code, Korean or English name, or initial consonants. Pure; some 4,000 instruments take a few milliseconds."""

from collections.abc import Iterable, Sequence

from msgspec import Struct

from api.domain.hangul import initials
from api.market.documents import InstrumentDocument


class Entry(Struct, frozen=True):
    """One instrument with its texts in lower case and without blanks."""

    document: InstrumentDocument
    symbol: str
    name: str
    english_name: str
    initials: str
    texts: str
    """All of them, to rule out most instruments with one look."""

    weight: int
    """Market value in won, 0 where it is not known: of equal hits the larger company comes first."""


def entry_of(document: InstrumentDocument) -> Entry:
    """Prepare an instrument for search."""
    texts = (_plain(document.symbol), _plain(document.name), _plain(document.english_name), document.initials)
    return Entry(document, *texts, "\n".join(texts), (document.listed_shares or 0) * document.reference_price)


def search(entries: Iterable[Entry], query: str, limit: int) -> Sequence[InstrumentDocument]:
    """Instruments that fit: the very text first, then those that begin with it, then those that hold it; all for an empty query.

    A name half typed (``삼성ㅈ``, as Korean keyboards give it on the way) fits too.
    """
    wanted, sounds = _plain(query), initials(query)
    ranked = []
    for entry in entries:
        if wanted in entry.texts:
            rank = _rank(entry, wanted)
        elif sounds in entry.initials and _is_half_typed(entry, wanted, sounds):
            rank = 3
        else:
            continue
        ranked.append((rank, -entry.weight, entry.symbol, entry.document))
    ranked.sort(key=lambda found: found[:3])
    return [document for *_, document in ranked[:limit]]


def _rank(entry: Entry, wanted: str) -> int:
    texts = (entry.symbol, entry.name, entry.english_name, entry.initials)
    if not wanted or wanted in texts:
        return 0
    return 1 if any(text.startswith(wanted) for text in texts) else 2


def _is_half_typed(entry: Entry, wanted: str, sounds: str) -> bool:
    at = entry.initials.find(sounds)
    while at >= 0:
        syllables = entry.name[at : at + len(sounds)]
        if all(typed in (syllable, sound) for typed, syllable, sound in zip(wanted, syllables, sounds, strict=False)):
            return True
        at = entry.initials.find(sounds, at + 1)
    return False


def _plain(text: str) -> str:
    return "".join(text.lower().split())
