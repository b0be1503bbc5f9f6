"""Job: ask which of the coming days the exchange opens."""

from api.bootstrap import Services
from api.errors import NotOffered
from api.kit.clock import kst_day
from worker.jobs.context import market_sources
from worker.jobs.notes import RunNotes


async def load_trading_days(services: Services, notes: RunNotes) -> None:
    """Keep what a broker tells of the days from today on; raises its `BrokerError`."""
    try:
        found = await services.calendar.trading_days(await market_sources(services), kst_day(services.clock.now()))
    except NotOffered as error:
        notes.log(str(error))
        return
    notes.count("days", len(found.items))
    for each in found.items:
        if not each.is_open:
            notes.log(f"{each.day.isoformat()}: closed")
