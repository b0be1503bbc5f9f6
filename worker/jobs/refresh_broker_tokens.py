"""Job: keep the brokers' access tokens fresh."""

import structlog

from api.bootstrap import Services
from api.brokers.errors import BrokerError
from worker.jobs.notes import RunNotes

log = structlog.get_logger(__name__)

_MINIMUM_LIFE_SECONDS = 1800.0
"""A token with less than half an hour left is replaced, so that no order meets an expired one."""


async def refresh_broker_tokens(services: Services, notes: RunNotes) -> None:
    """See that each active account's token lives on; after all were tried, raises the `BrokerError` of one that could not be refreshed."""
    failure: BrokerError | None = None
    accounts = await services.accounts.list_active()
    for done, account in enumerate(accounts):
        notes.progress(done, len(accounts))
        adapter = services.brokers.adapter(await services.accounts.credentials(account))
        try:
            await adapter.ensure_token(valid_for_seconds=_MINIMUM_LIFE_SECONDS)
            notes.count("fresh")
        except BrokerError as error:
            failure = error
            notes.count("failed")
            notes.log(f"account {account.id}: {error}")
            log.warning("token_not_refreshed", account_id=account.id, problem=str(error))
    notes.progress(len(accounts), len(accounts))
    if failure is not None:
        raise failure
