"""Job: see to blocks that a crash left half done."""

from typing import Any

from worker.jobs.context import services_of


async def sweep_blocks(context: dict[str, Any]) -> int:
    """Give up parts whose sender died, act on refusals, cancel what is to be canceled, tell what nobody was told; returns how many."""
    return await services_of(context).block_worker.sweep()
