"""Job: publish again what a crash cut off."""

from typing import Any

from worker.jobs.context import services_of


async def sweep_unpublished(context: dict[str, Any]) -> int:
    """Publish versions of orders that are committed and not marked as published; returns how many orders."""
    return await services_of(context).order_publisher.sweep()
