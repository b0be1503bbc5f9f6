"""Job: load the instrument masters."""

from api.bootstrap import Services
from worker.jobs.context import market_sources
from worker.jobs.notes import RunNotes


async def load_instruments(services: Services, notes: RunNotes) -> None:
    """Load the master of every broker that has one."""
    sources = await market_sources(services)
    if not sources.adapters:
        notes.log("There is no account to ask through.")
        return
    notes.count("instruments", await services.market.load_from(sources.adapters))
