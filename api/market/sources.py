"""Which accounts to ask for market data.

Choice: prices of the sandbox never mix with those of the exchange. Accounts are asked in one market only: that of the account named, else
the exchange's where one of them trades there, else the sandbox's.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Annotated, TypeVar

import structlog
from litestar.di import NamedDependency
from litestar.params import QueryParameter

from api.accounts.service import AccountService, BrokerAccount
from api.auth.principal import Principal
from api.brokers.base import BrokerAdapter, Capabilities, Inquiry
from api.brokers.errors import BrokerError
from api.brokers.registry import BrokerRegistry
from api.domain.enums import Broker, Environment, Permission
from api.errors import NotFound, NotOffered

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
        is_sandbox: Whether they tell of the sandbox's market, not of the exchange.
    """

    def __init__(self, adapters: Sequence[BrokerAdapter], *, is_sandbox: bool) -> None:
        self._adapters = adapters
        self.is_sandbox = is_sandbox

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
        offering = [adapter for adapter in self._adapters if is_offered(adapter.capabilities)]
        if not offering:
            known = ", ".join(sorted({adapter.broker.value for adapter in self._adapters}))
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
    is_sandbox = accounts[0].environment is Environment.SANDBOX
    return Sources(await adapters_of(accounts, account_service, broker_registry), is_sandbox=is_sandbox)
