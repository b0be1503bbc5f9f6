"""Job: end the orders of past trading days."""

from api.bootstrap import Services
from worker.jobs.notes import RunNotes


async def expire_orders(services: Services, notes: RunNotes) -> None:
    """Expire live orders of KST days before today."""
    notes.count("expired", await services.reconciler.expire_past_days())
