"""Job: load the instrument master."""

from typing import Any

import structlog

from worker.jobs.context import services_of

log = structlog.get_logger(__name__)


async def load_instruments(context: dict[str, Any]) -> int:
    """Load the master from the first account whose broker gives one; returns how many instruments it had."""
    services = services_of(context)
    return await services.market.load_from(
        [services.brokers.adapter(await services.accounts.credentials(account)) for account in await services.accounts.list_active()]
    )
