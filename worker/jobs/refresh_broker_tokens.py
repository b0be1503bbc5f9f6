"""Job: keep the brokers' access tokens fresh."""

from typing import Any

import structlog

from api.brokers.errors import BrokerError
from worker.jobs.context import services_of

log = structlog.get_logger(__name__)

_MINIMUM_LIFE_SECONDS = 1800.0
"""A token with less than half an hour left is replaced, so that no order meets an expired one."""


async def refresh_broker_tokens(context: dict[str, Any]) -> int:
    """See that each active account's token lives on; returns how many could not be refreshed."""
    services = services_of(context)
    failed = 0
    for account in await services.accounts.list_active():
        adapter = services.brokers.adapter(await services.accounts.credentials(account))
        try:
            await adapter.ensure_token(valid_for_seconds=_MINIMUM_LIFE_SECONDS)
        except BrokerError as error:
            failed += 1
            log.warning("token_not_refreshed", account_id=account.id, problem=str(error))
    return failed
