"""The process that delivers webhooks: a child of the worker, which starts it (`worker.webhooks.process`)."""

import asyncio
import os
import signal
import sys

import structlog

from api.bootstrap import open_services
from api.kit.loop import new_event_loop, settle_memory
from api.settings import Settings
from worker.webhooks.supervisor import WebhookSupervisor

log = structlog.get_logger(__name__)

_NICE = 5
"""Orders and fills go first: beside a busy process this one gets about a quarter of a core."""


async def serve(settings: Settings) -> None:
    """Deliver until SIGTERM, SIGINT, or the end of the parent: nothing is ever written to standard input, it only ends with it."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.add_reader(sys.stdin.fileno(), stop.set)
    async with open_services(settings) as services:
        tasks = [
            asyncio.create_task(services.event_hub.run(), name="events"),
            asyncio.create_task(WebhookSupervisor(services).run(), name="webhooks"),
        ]
        stopping = asyncio.create_task(stop.wait())
        settle_memory()
        log.info("webhooks_ready", process_id=services.process_id)
        try:
            done, _ = await asyncio.wait({*tasks, stopping}, return_when=asyncio.FIRST_COMPLETED)
            for task in done - {stopping}:
                task.result()  # none of them ends by itself: its error ends the process, and the worker starts it again
        finally:
            loop.remove_reader(sys.stdin.fileno())  # at its end it stays readable for ever
            for task in (*tasks, stopping):
                task.cancel()
            await asyncio.gather(*tasks, stopping, return_exceptions=True)


def run(settings: Settings) -> None:
    """Entry of ``lucy webhooks``."""
    if hasattr(os, "nice"):
        os.nice(_NICE)
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(serve(settings))
