"""Where a broker's system is reached."""

from msgspec import Struct


class BrokerEndpoints(Struct, frozen=True, kw_only=True):
    """Addresses of one broker in one environment, without a trailing slash. ``master_url``: folder of KIS's master files."""

    rest_url: str
    websocket_url: str
    master_url: str = ""
