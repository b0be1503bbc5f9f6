"""Job: ask for what the instrument masters lack, English names above all."""

from typing import Any

from worker.jobs.context import market_sources, services_of

_MOST_AT_ONCE = 200
_PAUSE_SECONDS = 0.15
"""Six a second at most, of KIS's 19: 200 take two thirds of the minute until the next run, 4,000 instruments some 20 minutes."""

_LEASE = "instrument_details"
_LEASE_SECONDS = 105.0
"""Longer than the job may run, so that no second one runs beside it; given back at its end."""


async def load_instrument_details(context: dict[str, Any]) -> int:
    """Fill in some of the missing details; returns how many instruments were asked about. The next run goes on from there."""
    services = services_of(context)
    lease = await services.leases.acquire(_LEASE, services.process_id, _LEASE_SECONDS)
    if lease is None:
        return 0
    try:
        adapters = (await market_sources(services)).adapters
        return await services.market.fill_details(adapters, most=_MOST_AT_ONCE, pause_seconds=_PAUSE_SECONDS)
    finally:
        await lease.release()
