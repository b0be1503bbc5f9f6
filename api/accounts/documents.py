"""Stored broker accounts."""

from datetime import datetime

from odmantic import EmbeddedModel, Field, Model
from odmantic.config import ODMConfigDict


class MemberDocument(EmbeddedModel):
    """Who may do what. ``permission``: ``view``, ``trade`` or ``manage``."""

    user_id: str
    permission: str


class AccountSettingsDocument(EmbeddedModel):
    """How the account wants doubtful orders treated; see `schemas.AccountSettings`."""

    on_possible_duplicate: str = "flag"
    never_received_after_seconds: int


class AccountDocument(Model):
    """One account at one broker. Secrets are ciphertext (`kit.crypto.Cipher`)."""

    model_config = ODMConfigDict(collection="accounts")

    id: str = Field(primary_field=True)
    name: str
    broker: str
    environment: str
    account_number: str
    app_key_encrypted: str
    app_secret_encrypted: str
    hts_id_encrypted: str
    members: list[MemberDocument]
    trading_state: str
    settings: AccountSettingsDocument
    is_active: bool
    created_by: str
    created_at: datetime
    updated_at: datetime
    version: int
