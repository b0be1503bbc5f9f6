"""Audit entries on the wire."""

from datetime import datetime
from typing import Any, Self

from msgspec import Struct


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
        )


class AuditPage(Struct, kw_only=True, frozen=True):
    """Entries, newest first."""

    items: list[AuditEntry]
    next_cursor: str | None
