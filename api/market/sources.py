"""Which accounts to ask for market data.

Choice: prices of the sandbox never mix with those of the exchange. Accounts are asked in one market only: that of the account named, else
the exchange's where one of them trades there, else the sandbox's.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Annotated, TypeVar

import structlog
from litestar.di import NamedDependency
from litestar.params import QueryParameter
from redis.exceptions import RedisError

from api.accounts.service import AccountService, BrokerAccount
from api.auth.principal import Principal
from api.brokers.base import BrokerAdapter
from api.brokers.capabilities import Capabilities, Inquiry
from api.brokers.errors import BrokerError
from api.brokers.market_data import Quote
from api.brokers.registry import BrokerRegistry
from api.domain.enums import Broker, Environment, Permission
from api.errors import NotFound, NotOffered
from api.market.live import LiveQuotes

log = structlog.get_logger(__name__)

Told = TypeVar("Told")

_TRUST = (Environment.REAL, Environment.PAPER, Environment.SANDBOX)


def of_one_market(accounts: Iterable[BrokerAccount], first: BrokerAccount | None = None) -> list[BrokerAccount]:
    """The accounts at the market of ``first``, it first; without one those at the exchange, else the sandbox's. Real before paper."""
    first_id = None if first is None else first.id
    ranked = sorted(accounts, key=lambda account: (account.id != first_id, _TRUST.index(account.environment)))
    is_sandbox = bool(ranked) and ranked[0].environment is Environment.SANDBOX
    return [account for account in ranked if (account.environment is Environment.SANDBOX) is is_sandbox]


async def adapters_of(accounts: Iterable[BrokerAccount], account_service: AccountService, brokers: BrokerRegistry) -> list[BrokerAdapter]:
    """The accounts' adapters, in their order."""
    return [brokers.adapter(await account_service.credentials(account)) for account in accounts]


class Sources:
    """Adapters that may be asked, the preferred first.

    Attributes:
        adapters: The preferred first; none where there is no account.
        is_sandbox: Whether they tell of the sandbox's market, not of the exchange.
    """

    def __init__(
        self, adapters: Sequence[BrokerAdapter], *, is_sandbox: bool, live: LiveQuotes | None = None, feeding: BrokerAccount | None = None
    ) -> None:
        self.adapters = adapters
        self.is_sandbox = is_sandbox
        self._live = live
        self._feeding = feeding

    async def quote(self, symbol: str, *, start: int = 0) -> tuple[Quote, Broker]:
        """The price now, as a feed tells it where one does, else as `ask`; the symbol is followed from now on where there is room."""
        if self._live is not None and self._feeding is not None:
            try:
                quote = await self._live.look(self._feeding.id, symbol)
            except RedisError as error:
                log.warning("live_quote_not_read", symbol=symbol, problem=str(error))
                quote = None
            if quote is not None:
                return quote, Broker(self._feeding.broker)
        return await self.ask("quotes", always, lambda adapter: adapter.get_quote(symbol), start=start)

    async def ask(
        self,
        what: str,
        is_offered: Callable[[Capabilities], bool],
        call: Callable[[BrokerAdapter], Awaitable[Told]],
        *,
        start: int = 0,
    ) -> tuple[Told, Broker]:
        """Ask one broker after the other until one answers.

        Args:
            what: What is asked, for the message.
            is_offered: Whether a broker has it.
            call: Asks it.
            start: Number of the adapter to begin with, to spread many questions; counted round.

        Returns:
            The answer, and the broker that gave it.

        Raises:
            NotOffered: No broker has it; nothing was sent.
            BrokerError: None of those that have it answered; the error is the first one's.
        """
        offering = [adapter for adapter in self.adapters if is_offered(adapter.capabilities)]
        if not offering:
            known = ", ".join(sorted({adapter.broker.value for adapter in self.adapters}))
            raise NotOffered(
                f"None of your accounts' brokers ({known}) offers {what} in its environment; GET /brokers lists what each offers."
            )
        first_error: BrokerError | None = None
        for number in range(len(offering)):
            adapter = offering[(start + number) % len(offering)]
            try:
                return await call(adapter), adapter.broker
            except BrokerError as error:
                log.warning("source_failed", what=what, broker=adapter.broker, problem=str(error))
                first_error = first_error or error
        raise first_error or NotOffered()


async def sources_of(
    accounts: Sequence[BrokerAccount],
    account_service: AccountService,
    brokers: BrokerRegistry,
    *,
    live: LiveQuotes | None = None,
) -> Sources:
    """Accounts of one market as sources, in their order.

    Args:
        accounts: See `of_one_market`.
        account_service: Gives their credentials.
        brokers: Gives their adapters.
        live: For prices that are shown: the first account with a feed follows them.
    """
    adapters = await adapters_of(accounts, account_service, brokers)
    feeding = next((account for account, adapter in zip(accounts, adapters, strict=True) if adapter.capabilities.has_quote_feed), None)
    is_sandbox = any(account.environment is Environment.SANDBOX for account in accounts)
    return Sources(adapters, is_sandbox=is_sandbox, live=live, feeding=feeding)


def has(inquiry: Inquiry) -> Callable[[Capabilities], bool]:
    """Whether a broker answers this inquiry."""
    return lambda capabilities: inquiry in capabilities.inquiries


def always(_: Capabilities) -> bool:
    """For what every adapter has."""
    return True


async def provide_sources(
    principal: NamedDependency[Principal],
    account_service: NamedDependency[AccountService],
    broker_registry: NamedDependency[BrokerRegistry],
    live_quotes: NamedDependency[LiveQuotes],
    account_id: Annotated[
        str | None,
        QueryParameter(
            pattern=r"^[0-9a-f]{24}$",
            description="Ask through this account first, and in its market: the sandbox's prices are its own. Without it any of the "
            "caller's accounts answers, those at the exchange before those of the sandbox.",
        ),
    ] = None,
) -> Sources:
    """The caller's accounts as sources.

    Raises:
        NotFound: The caller has no account, or not this one.
    """
    first = None if account_id is None else await account_service.require(principal, account_id, Permission.VIEW)
    ids = await account_service.visible_account_ids(principal, Permission.VIEW)
    if not ids:
        raise NotFound("Connect a broker account first: market data comes from it.")
    accounts = of_one_market([await account_service.get(each) for each in sorted(ids)], first)
    return await sources_of(accounts, account_service, broker_registry, live=live_quotes)
