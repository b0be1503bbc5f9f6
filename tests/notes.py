"""A run's notes, kept for a test to look at."""

from collections import Counter


class Notes:
    """What a run told: `worker.jobs.notes.RunNotes`."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.lines: list[str] = []
        self.steps: list[tuple[int, int]] = []

    def progress(self, done: int, total: int) -> None:
        self.steps.append((done, total))

    def count(self, name: str, n: int = 1) -> None:
        self.counts[name] += n

    def log(self, text: str) -> None:
        self.lines.append(text)
