"""Job: keep the day's reconciliation reports."""

from api.bootstrap import Services
from worker.jobs.notes import RunNotes


async def keep_reconciliation_reports(services: Services, notes: RunNotes) -> None:
    """Compare every account's day with its broker's list and keep the reports."""
    notes.count("red", await services.reports.keep_todays())
