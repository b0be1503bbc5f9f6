"""Telling admins of runs, as events; and of a job that failed for good, as an alert."""

import msgspec
import structlog
from pymongo.errors import PyMongoError
from redis.exceptions import RedisError

from api.events.publisher import EventBody, EventPublisher
from api.events.schemas import JobEvent
from api.jobs.documents import JobRunDocument
from api.jobs.schemas import JobRun
from api.kit.clock import Clock
from api.orders.alerts import Alerts
from api.users.service import UserService

log = structlog.get_logger(__name__)


class JobTeller:
    """Tells; a run goes on whether anybody hears of it or not."""

    def __init__(self, publisher: EventPublisher, users: UserService, alerts: Alerts, clock: Clock) -> None:
        self._publisher = publisher
        self._users = users
        self._alerts = alerts
        self._clock = clock

    async def tell(self, run: JobRunDocument) -> None:
        """Send the run as it is now."""
        event = JobEvent(type="job", at=self._clock.now(), run=JobRun.of(run))
        try:
            await self._publisher.publish(await self._users.admin_ids(), EventBody("job", msgspec.json.encode(event)))
        except (RedisError, PyMongoError) as error:  # the list of runs has it
            log.warning("job_run_not_told", run_id=run.id, problem=str(error))

    async def alert(self, run: JobRunDocument) -> None:
        """Tell that the job has failed and is not tried again before its next time."""
        reason = run.error["message"] if run.error else run.status
        self._alerts.raise_for(await self._users.admin_ids(), "job_failed", f"{run.job}: {reason}")
