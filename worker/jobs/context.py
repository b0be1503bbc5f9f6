"""What jobs find at hand."""

from typing import Any

from api.bootstrap import Services
from api.market.sources import Sources, of_one_market, sources_of


def services_of(context: dict[str, Any]) -> Services:
    """The process's services, put into arq's context at start-up."""
    services = context["services"]
    if not isinstance(services, Services):
        raise TypeError("the worker was started without services")
    return services


async def market_sources(services: Services) -> Sources:
    """Whom to ask for what is the same for everybody: the accounts at the exchange, or at the sandbox where there are no others."""
    accounts = of_one_market(await services.accounts.list_active())
    return await sources_of(accounts, services.accounts, services.brokers)
