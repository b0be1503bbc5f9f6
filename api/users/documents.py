"""Stored users."""

from datetime import datetime

from odmantic import Field, Model
from odmantic.config import ODMConfigDict


class UserDocument(Model):
    """One log-in. ``password_hash`` is argon2id; ``username`` is stored in lower case."""

    model_config = ODMConfigDict(collection="users")

    id: str = Field(primary_field=True)
    username: str
    name: str
    role: str
    password_hash: str
    is_active: bool
    created_at: datetime
    updated_at: datetime
