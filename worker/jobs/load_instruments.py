"""Job: load the instrument masters."""

from typing import Any

from worker.jobs.context import market_adapters, services_of


async def load_instruments(context: dict[str, Any]) -> int:
    """Load the master of every broker that has one; returns how many instruments they had."""
    return await services_of(context).market.load_from(await market_adapters(context))
