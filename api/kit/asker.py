"""For whom this process works at the moment: what fairness between users is measured by."""

from contextvars import ContextVar

NOBODY = "lucy"
"""Lucy herself: the worker's streams, jobs and reconciliation."""

_asker: ContextVar[str] = ContextVar("asker", default=NOBODY)


def asker() -> str:
    """The user whose request runs in this task, or `NOBODY`."""
    return _asker.get()


def set_asker(user_id: str) -> None:
    """This task, and those it starts, work for ``user_id`` from now on."""
    _asker.set(user_id)
