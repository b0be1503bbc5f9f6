"""Encryption of secrets at rest, with keys that can be rotated."""

from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet


class DecryptionFailed(Exception):
    """None of the keys opens this secret."""


class Cipher:
    """Encrypts with the first key, decrypts with any: put a new key in front to rotate.

    Args:
        keys: Fernet keys (32 bytes, urlsafe base64), newest first, at least one.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        self._fernet = MultiFernet([Fernet(key) for key in keys])

    def encrypt(self, secret: str) -> str:
        """Ciphertext of ``secret``, as text."""
        return self._fernet.encrypt(secret.encode()).decode()

    def decrypt(self, ciphertext: str) -> str:
        """The secret again; raises `DecryptionFailed`."""
        try:
            return self._fernet.decrypt(ciphertext.encode()).decode()
        except InvalidToken as error:
            raise DecryptionFailed("no encryption key opens this secret") from error

    def rotate(self, ciphertext: str) -> str:
        """The same secret under the newest key."""
        try:
            return self._fernet.rotate(ciphertext.encode()).decode()
        except InvalidToken as error:
            raise DecryptionFailed("no encryption key opens this secret") from error
