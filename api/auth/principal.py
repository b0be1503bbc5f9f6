"""Who makes a request."""

from datetime import datetime

from msgspec import Struct

from api.domain.enums import Role

READ, TRADE, ADMIN = "read", "trade", "admin"
ALL_SCOPES = frozenset({READ, TRADE, ADMIN})


class Principal(Struct, kw_only=True, frozen=True):
    """The caller, as their token or API key says.

    Attributes:
        scopes: What the key allows (``read``, ``trade``, ``admin``); all of them after a log-in.
        expires_at: When the access token ends, aware UTC; None for an API key.
        key_id: The API key; None after a log-in.
    """

    user_id: str
    username: str
    role: Role
    scopes: frozenset[str] = ALL_SCOPES
    expires_at: datetime | None = None
    key_id: str | None = None

    @property
    def may_trade(self) -> bool:
        """Whether role and key allow to change anything at a broker account."""
        return self.role is not Role.VIEWER and TRADE in self.scopes

    @property
    def is_admin(self) -> bool:
        """Whether role and key allow to manage users."""
        return self.role is Role.ADMIN and ADMIN in self.scopes
