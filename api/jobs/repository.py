"""Schedules and runs in MongoDB.

Three unique indexes hold the rules, whoever asks and however often: a job has one live run at most, one run for each time of its
schedule, and a run is repeated once at most. What a worker writes of a run it writes only while the run is its own.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pymongo import ASCENDING, DESCENDING, ReturnDocument
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import DuplicateKeyError

from api.jobs.documents import JobDocument, JobRunDocument
from api.jobs.schemas import RunStatus
from api.orders.repository import DURABLE

_RUNS_KEPT = 300
_WITHOUT_LOG = {"log": {"$slice": 0}}


class JobRepository:
    """The collections ``jobs`` and ``job_runs``."""

    def __init__(self, database: AsyncDatabase[dict[str, Any]]) -> None:
        self._jobs = database[JobDocument.__collection__].with_options(write_concern=DURABLE)
        self._runs = database[JobRunDocument.__collection__].with_options(write_concern=DURABLE)

    async def create_indexes(self) -> None:
        """The three rules, and what the planner and the lists look for."""
        await self._runs.create_index([("job", ASCENDING)], name="one_live", partialFilterExpression={"is_live": True}, unique=True)
        scheduled = {"scheduled_for": {"$type": "date"}}
        await self._runs.create_index(
            [("job", ASCENDING), ("scheduled_for", ASCENDING)], name="one_a_time", partialFilterExpression=scheduled, unique=True
        )
        repeated = {"retry_of": {"$type": "string"}}
        await self._runs.create_index([("retry_of", ASCENDING)], name="one_repeat", partialFilterExpression=repeated, unique=True)
        await self._runs.create_index([("job", ASCENDING), ("_id", DESCENDING)])
        await self._runs.create_index([("status", ASCENDING), ("lease_until", ASCENDING)])
        await self._runs.create_index([("retry_at", ASCENDING)], partialFilterExpression={"retry_at": {"$type": "date"}})

    # -- schedules

    async def add_job(self, job: JobDocument) -> None:
        """Add a job that is not there yet; leave one that is."""
        row = job.model_dump_doc()
        await self._jobs.update_one({"_id": row.pop("_id")}, {"$setOnInsert": row}, upsert=True)

    async def jobs(self) -> dict[str, JobDocument]:
        """All, by name."""
        return {raw["_id"]: JobDocument.model_validate_doc(raw) async for raw in self._jobs.find({})}

    async def replace_schedule_if_unchanged(self, job: JobDocument) -> bool:
        """Write the schedule, with a revision more, if it is still the one that was read."""
        fields = {"schedule": job.schedule, "is_enabled": job.is_enabled, "next_run_at": job.next_run_at, "revision": job.revision + 1}
        return (await self._jobs.update_one({"_id": job.id, "revision": job.revision}, {"$set": fields})).modified_count == 1

    async def note_alert(self, job: str, now: datetime, not_since: datetime) -> bool:
        """Note that an alert of the job goes out now; False where one did after ``not_since``."""
        is_due = {"$or": [{"alerted_at": None}, {"alerted_at": {"$lte": not_since}}]}
        return (await self._jobs.update_one({"_id": job, **is_due}, {"$set": {"alerted_at": now}})).modified_count == 1

    async def note_success(self, job: str) -> None:
        """The job works: its next failure is worth an alert."""
        await self._jobs.update_one({"_id": job, "alerted_at": {"$ne": None}}, {"$set": {"alerted_at": None}})

    # -- runs

    async def insert_run(self, run: JobRunDocument) -> bool:
        """Add a run; False where one of the three rules forbids it."""
        try:
            await self._runs.insert_one(run.model_dump_doc())
        except DuplicateKeyError:
            return False
        return True

    async def find_run(self, run_id: str) -> JobRunDocument | None:
        """One run."""
        return _run(await self._runs.find_one({"_id": run_id}))

    async def live_run(self, job: str) -> JobRunDocument | None:
        """The run that waits or runs now."""
        return _run(await self._runs.find_one({"job": job, "is_live": True}))

    async def is_repeated(self, run_id: str) -> bool:
        """Whether the run has been repeated."""
        return await self._runs.find_one({"retry_of": run_id}, {"_id": 1}) is not None

    async def has_run_for(self, job: str, scheduled_for: datetime) -> bool:
        """Whether that time of the schedule has its run."""
        return await self._runs.find_one({"job": job, "scheduled_for": scheduled_for}, {"_id": 1}) is not None

    async def has_newer(self, run: JobRunDocument) -> bool:
        """Whether the job was queued again after this run."""
        return await self._runs.find_one({"job": run.job, "queued_at": {"$gt": run.queued_at}}, {"_id": 1}) is not None

    async def list_page(self, job: str | None, *, limit: int, before_id: str | None) -> list[JobRunDocument]:
        """Runs, newest first, without their logs."""
        query: dict[str, Any] = {} if job is None else {"job": job}
        if before_id is not None:
            query["_id"] = {"$lt": before_id}
        found = self._runs.find(query, _WITHOUT_LOG).sort("_id", DESCENDING).limit(limit)
        return [JobRunDocument.model_validate_doc(raw) async for raw in found]

    async def live_and_last(self, job: str) -> tuple[JobRunDocument | None, JobRunDocument | None]:
        """The run that waits or runs, and the newest that has ended."""
        last = await self._runs.find_one({"job": job, "is_live": False}, _WITHOUT_LOG, sort=[("_id", DESCENDING)])
        return _run(await self._runs.find_one({"job": job, "is_live": True}, _WITHOUT_LOG)), _run(last)

    async def queued_runs(self) -> list[JobRunDocument]:
        """Runs that no worker has taken."""
        return await self._list({"is_live": True, "status": RunStatus.QUEUED.value})

    async def runs_silent_since(self, now: datetime) -> list[JobRunDocument]:
        """Runs whose workers should have said something before now."""
        return await self._list({"status": RunStatus.RUNNING.value, "lease_until": {"$lt": now}})

    async def runs_to_repeat(self, now: datetime) -> list[JobRunDocument]:
        """Runs whose time to be repeated has come."""
        return await self._list({"retry_at": {"$lte": now}})

    async def change_run(self, run_id: str, where: Mapping[str, Any], fields: Mapping[str, Any]) -> JobRunDocument | None:
        """Set fields of a run as long as ``where`` holds of it; the run after that, None where it did not hold."""
        query = {"_id": run_id, **where}
        return _run(await self._runs.find_one_and_update(query, {"$set": dict(fields)}, return_document=ReturnDocument.AFTER))

    async def drop_old_runs(self, job: str) -> None:
        """Forget all but the newest 300 runs of a job."""
        found = self._runs.find({"job": job, "is_live": False}, {"_id": 1}).sort("_id", DESCENDING).skip(_RUNS_KEPT)
        if old := [raw["_id"] async for raw in found]:
            await self._runs.delete_many({"_id": {"$in": old}, "retry_at": None})

    async def _list(self, query: dict[str, Any]) -> list[JobRunDocument]:
        return [JobRunDocument.model_validate_doc(raw) async for raw in self._runs.find(query, _WITHOUT_LOG)]


def _run(raw: dict[str, Any] | None) -> JobRunDocument | None:
    return None if raw is None else JobRunDocument.model_validate_doc(raw)
