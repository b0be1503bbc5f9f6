"""What a job tells of itself while it runs."""

from collections.abc import Callable, Coroutine
from typing import Any, Protocol, TypeAlias

from api.bootstrap import Services


class RunNotes(Protocol):
    """Takes notes of a run; each call returns at once and never fails."""

    def progress(self, done: int, total: int) -> None:
        """How much is done."""

    def count(self, name: str, n: int = 1) -> None:
        """Add to a figure of the run, ``new`` or ``changed``."""

    def log(self, text: str) -> None:
        """A line for whoever looks at the run."""


Work: TypeAlias = Callable[[Services, RunNotes], Coroutine[Any, Any, None]]
"""What a job is: it ends well or raises."""
