"""From an account's credentials to its adapter: the only importer of the brokers' folders."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import httpx
from redis.asyncio import Redis

from api.brokers.base import BrokerAdapter, Credentials
from api.brokers.capabilities import Capabilities
from api.brokers.endpoints import BrokerEndpoints
from api.brokers.kis import adapter as kis
from api.brokers.kis import limits as kis_limits
from api.brokers.limits import CallLimitRow
from api.brokers.ls import adapter as ls
from api.brokers.ls import limits as ls_limits
from api.brokers.tokens import TokenStore
from api.domain.enums import Broker, Environment
from api.kit.call_scheduler import CallScheduler
from api.kit.clock import Clock
from api.kit.crypto import Cipher
from api.kit.tls import trusted
from api.settings import Settings

if TYPE_CHECKING:
    from motor.motor_asyncio import AsyncIOMotorDatabase

_POOL = httpx.Limits(max_connections=100, max_keepalive_connections=100, keepalive_expiry=20.0)

_ADAPTERS: dict[Broker, Callable[..., BrokerAdapter]] = {Broker.KIS: kis.KisAdapter, Broker.LS: ls.LsAdapter}
_CAPABILITIES: dict[Broker, Callable[[Environment], Capabilities]] = {Broker.KIS: kis.capabilities_of, Broker.LS: ls.capabilities_of}
_CALL_LIMITS: dict[Broker, Callable[[Environment], list[CallLimitRow]]] = {
    Broker.KIS: kis_limits.call_limits,
    Broker.LS: ls_limits.call_limits,
}


def broker_endpoints(settings: Settings, broker: Broker, environment: Environment) -> BrokerEndpoints:
    """Addresses of a broker in an environment, as the settings have them. LS has one REST address for real and paper."""
    rest_url, websocket_url = {
        (Broker.KIS, Environment.REAL): (settings.kis_real_url, settings.kis_real_ws_url),
        (Broker.KIS, Environment.PAPER): (settings.kis_paper_url, settings.kis_paper_ws_url),
        (Broker.KIS, Environment.SANDBOX): (settings.kis_sandbox_url, settings.kis_sandbox_ws_url),
        (Broker.LS, Environment.REAL): (settings.ls_url, settings.ls_real_ws_url),
        (Broker.LS, Environment.PAPER): (settings.ls_url, settings.ls_paper_ws_url),
        (Broker.LS, Environment.SANDBOX): (settings.ls_sandbox_url, settings.ls_sandbox_ws_url),
    }[broker, environment]
    master_url = ""
    if broker is Broker.KIS:
        master_url = f"{rest_url}/common/master" if environment is Environment.SANDBOX else settings.kis_master_url
    return BrokerEndpoints(rest_url=rest_url, websocket_url=websocket_url, master_url=master_url)


class BrokerRegistry:
    """Makes adapters and holds what they share: HTTP clients, tokens, the call scheduler.

    Args:
        settings: Addresses and the Redis prefix.
        database: Motor database for the tokens, made with ``tz_aware=True``.
        redis: Leases and call limits.
        cipher: Encrypts the tokens at rest.
        clock: Current time.
    """

    def __init__(self, settings: Settings, database: "AsyncIOMotorDatabase[Any]", redis: Redis, cipher: Cipher, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._tokens = TokenStore(database, redis, cipher, clock, settings.redis_prefix)
        self._scheduler = CallScheduler(redis, settings.redis_prefix, clock)
        self._clients: dict[str, httpx.AsyncClient] = {}
        self._adapters: dict[str, tuple[Credentials, BrokerAdapter]] = {}

    def adapter(self, credentials: Credentials) -> BrokerAdapter:
        """The adapter of an account; a new one once its credentials have changed."""
        cached = self._adapters.get(credentials.account_id)
        if cached is not None and cached[0] == credentials:
            return cached[1]
        urls = broker_endpoints(self._settings, credentials.broker, credentials.environment)
        made = _ADAPTERS[credentials.broker](credentials, self._client(urls.rest_url), urls, self._tokens, self._scheduler, self._clock)
        self._adapters[credentials.account_id] = (credentials, made)
        return made

    def capabilities(self, broker: Broker, environment: Environment) -> Capabilities:
        """What a broker takes in an environment, without an account."""
        return _CAPABILITIES[broker](environment)

    def call_limits(self, broker: Broker, environment: Environment) -> list[CallLimitRow]:
        """The call limits that Lucy keeps to at a broker in an environment, with their dates and sources."""
        return _CALL_LIMITS[broker](environment)

    async def aclose(self) -> None:
        """Close every adapter and HTTP client."""
        for _, adapter in self._adapters.values():
            await adapter.aclose()
        self._adapters.clear()
        for client in self._clients.values():
            await client.aclose()
        self._clients.clear()
        await self._scheduler.aclose()

    def _client(self, rest_url: str) -> httpx.AsyncClient:
        # trust_env off: a proxy of the environment must not see orders
        if rest_url not in self._clients:
            self._clients[rest_url] = httpx.AsyncClient(verify=trusted(), limits=_POOL, trust_env=False, follow_redirects=False)
        return self._clients[rest_url]
