"""What arq hands to a job."""

from typing import Any

from api.bootstrap import Services
from api.brokers.base import BrokerAdapter
from api.market.sources import adapters_of, of_one_market


def services_of(context: dict[str, Any]) -> Services:
    """The process's services, put there at start-up."""
    services = context["services"]
    if not isinstance(services, Services):
        raise TypeError("the worker was started without services")
    return services


async def market_adapters(context: dict[str, Any]) -> list[BrokerAdapter]:
    """Adapters to ask for what is the same for everybody: of the accounts at the exchange, or at the sandbox where there are no others."""
    services = services_of(context)
    accounts = of_one_market(await services.accounts.list_active())
    return await adapters_of(accounts, services.accounts, services.brokers)
