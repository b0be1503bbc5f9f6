"""Job: end the orders of past trading days."""

from typing import Any

from worker.jobs.context import services_of


async def expire_orders(context: dict[str, Any]) -> int:
    """Expire live orders of KST days before today; returns how many."""
    return await services_of(context).reconciler.expire_past_days()
