"""Stored API keys. Refresh tokens are kept by `tokens.RefreshTokens`, which needs single atomic steps."""

from datetime import datetime

from odmantic import Field, Model
from odmantic.config import ODMConfigDict


class ApiKeyDocument(Model):
    """A key for a program. Only the SHA-256 of its 256 random bits is stored; ``hint`` is its end, to tell keys apart."""

    model_config = ODMConfigDict(collection="api_keys")

    id: str = Field(primary_field=True)
    user_id: str
    name: str
    secret_hash: str
    hint: str
    scopes: list[str]
    created_at: datetime
