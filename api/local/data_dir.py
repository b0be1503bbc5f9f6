"""The folder ``LUCY_DATA_DIR``: data of the embedded servers, generated secrets, remembered ports, and who is running.

All of it belongs to one user alone (folders 0700, files 0600). A lock on the folder makes sure that one ``lucy up`` at a time uses it, so
whatever still runs from it when the lock is free is an orphan of a killed run.
"""

import fcntl
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cryptography.fernet import Fernet
from pydantic import SecretStr

from api.local.errors import LocalError
from api.settings import Settings

_SECRETS = "secrets.json"


class DataDir:
    """The folder and its small files.

    Args:
        path: Made if missing.

    Raises:
        LocalError: The folder cannot be made or written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        try:
            self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.path.chmod(0o700)
        except OSError as error:
            raise LocalError(f"LUCY_DATA_DIR={path}: {error.strerror}") from error

    def is_new(self) -> bool:
        """Whether nothing was ever kept here."""
        return not (self.path / _SECRETS).exists()

    def folder(self, name: str) -> Path:
        """A sub-folder of its own for one server."""
        folder = self.path / name
        folder.mkdir(exist_ok=True, mode=0o700)
        return folder

    def read(self, name: str) -> dict[str, Any]:
        """The contents of a small JSON file; empty if it is missing.

        Raises:
            LocalError: The file is damaged. It is never replaced silently: it may hold the only key to stored secrets.
        """
        try:
            content = json.loads((self.path / name).read_text())
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise LocalError(f"{self.path / name} cannot be read ({error}): repair it or restore it from a copy") from error
        if not isinstance(content, dict):
            raise LocalError(f"{self.path / name} is not a JSON object: repair it or restore it from a copy")
        return content

    def write(self, name: str, content: dict[str, Any]) -> None:
        """Replace a small JSON file, whole or not at all, readable by this user alone."""
        target = self.path / name
        draft = target.with_name(f".{name}.{os.getpid()}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(descriptor, "w") as file:
            json.dump(content, file, indent=2)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(target)

    def remove(self, name: str) -> None:
        """Remove a small file, if it is there."""
        (self.path / name).unlink(missing_ok=True)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the folder; the system lets go of it however this process ends.

        Raises:
            LocalError: Another process holds it.
        """
        with open(self.path / "lock", "a+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.seek(0)
                owner = file.read().strip() or "unknown"
                raise LocalError(
                    f"Lucy already runs from {self.path} (process {owner}): stop it, or set LUCY_DATA_DIR for a second copy"
                ) from None
            file.truncate(0)
            file.write(str(os.getpid()))
            file.flush()
            yield

    def password(self, name: str) -> str:
        """A password for an embedded server, generated once."""
        return str(self._generated({name: secrets.token_urlsafe(32)})[name])

    def with_secrets(self, settings: Settings) -> Settings:
        """The settings with secrets: given ones stand, missing ones are generated once and kept."""
        if settings.secret_key.get_secret_value() and settings.encryption_keys:
            return settings
        stored = self._generated({"secret_key": secrets.token_urlsafe(48), "encryption_keys": [Fernet.generate_key().decode()]})
        update: dict[str, Any] = {}
        if not settings.secret_key.get_secret_value():
            update["secret_key"] = SecretStr(str(stored["secret_key"]))
        if not settings.encryption_keys:
            update["encryption_keys"] = tuple(SecretStr(str(key)) for key in stored["encryption_keys"])
        return settings.model_copy(update=update)

    def _generated(self, fresh: dict[str, Any]) -> dict[str, Any]:
        """The stored secrets, with those of ``fresh`` added that are missing; processes that start together agree on them."""
        with open(self.path / "secrets.lock", "a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            stored = self.read(_SECRETS)
            merged = fresh | stored
            if merged != stored:
                self.write(_SECRETS, merged)
            return merged
