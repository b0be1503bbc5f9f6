"""Keeps the delivering process running, from the first webhook on.

Webhooks have a process of their own, for a delivery costs more processor time than a fill: in the worker's event loop a burst of 300 fills
took 2.1 s with one webhook and 4.6 s with five, where it takes 0.8 s without (2 cores). It costs some 90 MB, which a Lucy without webhooks
does not spend. It ends with its worker however that ends, for then its standard input ends.
"""

import asyncio
import contextlib
import sys
from typing import NoReturn

import structlog
from pymongo.errors import PyMongoError

from api.webhooks.repository import WebhookRepository

log = structlog.get_logger(__name__)

_LOOK_SECONDS = 1.0
_STOP_SECONDS = 8.0


class WebhookProcess:
    """``lucy webhooks`` as a child process; it reads its settings where this one has them from."""

    def __init__(self, webhooks: WebhookRepository) -> None:
        self._webhooks = webhooks

    async def run(self) -> NoReturn:
        """Keep it running until cancelled, then end it."""
        while True:
            await self._until_wanted()
            process = await asyncio.create_subprocess_exec(sys.executable, "-m", "api.cli", "webhooks", stdin=asyncio.subprocess.PIPE)
            try:
                code = await process.wait()
            finally:
                await _end(process)
            log.error("webhooks_ended", exit_code=code)
            await asyncio.sleep(_LOOK_SECONDS)

    async def _until_wanted(self) -> None:
        while True:
            try:
                if await self._webhooks.has_active():
                    return
            except PyMongoError as error:
                log.warning("webhooks_not_looked_for", problem=str(error))
            await asyncio.sleep(_LOOK_SECONDS)


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.stdin is not None:
        process.stdin.close()
    try:
        async with asyncio.timeout(_STOP_SECONDS):
            await process.wait()
    except TimeoutError:
        log.error("webhooks_do_not_end", pid=process.pid)
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
