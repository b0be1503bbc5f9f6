"""Signatures by the Standard Webhooks convention, version 1.0.0 (standardwebhooks.com), so that receivers can use any of its libraries.

``webhook-signature`` is ``v1,`` and the base64 of HMAC-SHA256 over ``{webhook-id}.{webhook-timestamp}.{body}``; while a secret is being
changed it holds one for each, with a space between. A secret is ``whsec_`` and the base64 of its bytes, of which there are 24 to 64.
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Sequence

_PREFIX = "whsec_"
_SECRET_BYTES = 32


def new_secret() -> str:
    """A fresh secret."""
    return _PREFIX + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def message_id(webhook_id: str, event_id: str) -> str:
    """``webhook-id``: the same at each attempt, and no other's, even where two users' webhooks share a receiver; without a full stop."""
    return f"msg_{webhook_id}_{event_id}"


def signed_headers(signing_secrets: Sequence[str], message: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The three headers of one attempt.

    Args:
        signing_secrets: Each signs; the newest first.
        message: The `message_id`.
        timestamp: Of this attempt, Unix seconds.
        body: Exactly the bytes that are sent.
    """
    return {
        "webhook-id": message,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(_signature(secret, message, timestamp, body) for secret in signing_secrets),
    }


def _signature(secret: str, message: str, timestamp: int, body: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(_PREFIX))
    digest = hmac.digest(key, f"{message}.{timestamp}.".encode() + body, hashlib.sha256)
    return "v1," + base64.b64encode(digest).decode()
