"""The worker process: arq's jobs, the execution streams and the watching of prices in one event loop; webhooks in a child process."""

import asyncio
import signal
from datetime import timedelta, timezone

import msgspec
import structlog
from arq import Worker
from arq.connections import RedisSettings, create_pool

from api.bootstrap import open_services
from api.kit.loop import new_event_loop, settle_memory
from api.settings import Settings
from worker.schedule import CRON_JOBS, FUNCTIONS, MOST_AT_ONCE
from worker.streams.supervisor import StreamSupervisor
from worker.watch import PriceWatcher
from worker.webhooks.process import WebhookProcess

log = structlog.get_logger(__name__)

_KOREA = timezone(timedelta(hours=9), "KST")
"""Korea has had no daylight saving since 1988."""

_ENCODE = msgspec.msgpack.Encoder(enc_hook=repr).encode
"""Jobs travel as MessagePack, not as arq's default pickle, which runs code when it is read. A failed job's exception becomes text."""


async def serve(settings: Settings) -> None:
    """Run until SIGTERM or SIGINT, then hand the streams over and finish."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with open_services(settings) as services:
        redis = await create_pool(
            RedisSettings.from_dsn(settings.redis_url),
            job_serializer=_ENCODE,
            job_deserializer=msgspec.msgpack.decode,
            default_queue_name=f"{settings.redis_prefix}:jobs",
        )
        worker = Worker(
            functions=FUNCTIONS,
            cron_jobs=CRON_JOBS,
            redis_pool=redis,
            queue_name=f"{settings.redis_prefix}:jobs",
            handle_signals=False,
            timezone=_KOREA,
            job_serializer=_ENCODE,
            job_deserializer=msgspec.msgpack.decode,
            ctx={"services": services},
            log_results=False,
            max_jobs=MOST_AT_ONCE,
        )
        await services.job_runs.queue_at_start()
        tasks = [
            asyncio.create_task(services.liveness.run(), name="liveness"),
            asyncio.create_task(StreamSupervisor(services).run(), name="streams"),
            asyncio.create_task(WebhookProcess(services.webhook_repository).run(), name="webhooks"),
            asyncio.create_task(PriceWatcher(services).run(), name="watch"),
            asyncio.create_task(worker.async_run(), name="jobs"),
        ]
        stopping = asyncio.create_task(stop.wait())
        settle_memory()
        log.info("worker_ready", process_id=services.process_id)
        try:
            done, _ = await asyncio.wait({*tasks, stopping}, return_when=asyncio.FIRST_COMPLETED)
            for task in done - {stopping}:
                task.result()  # none of them ends by itself: its error ends the process, and the supervisor starts it again
        finally:
            for task in (*tasks, stopping):
                task.cancel()
            await asyncio.gather(*tasks, stopping, return_exceptions=True)
            await worker.close()


def run(settings: Settings) -> None:
    """Entry of ``lucy worker``."""
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(serve(settings))
