"""One websocket session of the KIS door: who it is, what it has registered, and how records are put into frames."""

from __future__ import annotations

import asyncio
import secrets
import string
from dataclasses import dataclass, field

from ..model import Account
from ..sockets import Connection
from . import frames

Registration = tuple[str, str]
"""A TR id and its key: a symbol, or an HTS id for notices."""

_KEY_CHARACTERS = string.ascii_lowercase + string.digits
_MOST_RECORDS = 999  # the count has three digits


@dataclass(slots=True, frozen=True)
class Cipher:
    """AES material as the acknowledgement tells it: 16 and 32 characters."""

    iv: str
    key: str

    @classmethod
    def fresh(cls) -> Cipher:
        """New random material."""
        return cls(_random_text(16), _random_text(32))


@dataclass(slots=True, eq=False)
class Session:
    """``registrations`` maps each to the cipher that its acknowledgement told; ``last_heard_at`` is in the loop's time."""

    connection: Connection
    last_heard_at: float
    cipher: Cipher = field(default_factory=Cipher.fresh)
    account: Account | None = None
    registrations: dict[Registration, Cipher] = field(default_factory=dict)
    _waiting: dict[Registration, list[str]] = field(default_factory=dict)

    def deliver(self, registration: Registration, record: str, *, encrypted: bool, together: bool) -> None:
        """Send a record, in a frame of its own or ``together`` with the others of this moment."""
        if not together:
            self._push(registration, [record], encrypted)
            return
        records = self._waiting.setdefault(registration, [])
        if not records:
            asyncio.get_running_loop().call_soon(self._flush, registration, encrypted)
        records.append(record)

    def _flush(self, registration: Registration, encrypted: bool) -> None:
        records = self._waiting.pop(registration, [])
        for start in range(0, len(records), _MOST_RECORDS):
            self._push(registration, records[start : start + _MOST_RECORDS], encrypted)

    def _push(self, registration: Registration, records: list[str], encrypted: bool) -> None:
        cipher = self.registrations.get(registration)
        if cipher is None:  # unregistered while the record waited
            return
        payload = "^".join(records)
        if encrypted:
            payload = frames.encrypt(payload, cipher.key, cipher.iv)
        self.connection.push(f"{int(encrypted)}|{registration[0]}|{len(records):03d}|{payload}")


def _random_text(length: int) -> str:
    return "".join(secrets.choice(_KEY_CHARACTERS) for _ in range(length))
