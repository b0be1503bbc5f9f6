"""Audit entries on the wire."""

from datetime import datetime
from typing import Annotated, Any, Self

from msgspec import Meta, Struct

from api.audit.chain import Break, Head


class AuditEntry(Struct, kw_only=True, frozen=True):
    """One change of money or rights: who, when, from where, what. ``before`` is null for a creation, ``after`` for a deletion."""

    id: str
    at: datetime
    actor: str
    action: str
    subject: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    request_id: str | None
    address: str | None
    sequence: Annotated[int | None, Meta(description="Its number in the chain; null for an entry of an older Lucy, which has no hash.")]
    hash: Annotated[str | None, Meta(description="SHA-256 of the entry and of the hash before it.")]

    @classmethod
    def of(cls, raw: dict[str, Any]) -> Self:
        """The wire form of a stored entry."""
        return cls(
            id=raw["_id"],
            at=raw["at"],
            actor=raw["actor"],
            action=raw["action"],
            subject=raw["subject"],
            before=raw["before"],
            after=raw["after"],
            request_id=raw["request_id"],
            address=raw["address"],
            sequence=raw.get("sequence"),
            hash=raw.get("hash"),
        )


class AuditPage(Struct, kw_only=True, frozen=True):
    """Entries, newest first."""

    items: list[AuditEntry]
    next_cursor: str | None


class AuditVerification(Struct, kw_only=True, frozen=True):
    """Whether the chain of entries is whole.

    ``broken`` names the first entry that is not as it was written: ``missing``, ``changed``, ``not_linked`` (the entry before is another),
    ``cut_off`` (the newest are gone) or ``head_differs`` (the chain was written anew). Note ``head`` outside of Lucy: a chain that was
    rewritten as a whole, second copy included, shows only against a head that was noted before.
    """

    is_whole: bool
    entry_count: int
    unchained_count: Annotated[int, Meta(description="Entries of an older Lucy, without a hash.")]
    head: Head
    broken: Break | None
