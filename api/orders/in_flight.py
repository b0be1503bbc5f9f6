"""How many orders one process works on at once: beyond that they are turned away promptly, instead of piling up behind a slow broker.

Only new orders: a cancel is never turned away.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from api.errors import TooManyRequests

MOST = 400
"""In all. Some seconds' work of a process."""

MOST_PER_ACCOUNT = 150
"""No broker takes more in the time that an order may wait for its place and its answer together (KIS: 19 a second, 10 s)."""

_RETRY_SECONDS = 1.0


class OrdersInFlight:
    """Counts them."""

    def __init__(self, *, most: int = MOST, most_per_account: int = MOST_PER_ACCOUNT) -> None:
        self._most = most
        self._most_per_account = most_per_account
        self._by_account: Counter[str] = Counter()

    @contextmanager
    def one_more(self, account_id: str) -> Iterator[Callable[[], None]]:
        """Count an order of ``account_id`` for the length of a ``with`` block.

        Yields:
            Raises `TooManyRequests` where it is one too many. A function, for a repeat of an earlier request is to be answered all the
            same: the caller calls it before it stores anything.
        """
        is_full = self._by_account[account_id] >= self._most_per_account or self._by_account.total() >= self._most

        def require_room() -> None:
            if is_full:
                raise TooManyRequests(
                    "Too many orders are under way; nothing was stored or sent. The same request may be repeated.",
                    outcome="none",
                    retry_after_seconds=_RETRY_SECONDS,
                )

        self._by_account[account_id] += 1
        try:
            yield require_room
        finally:
            self._by_account[account_id] -= 1
            if not self._by_account[account_id]:
                del self._by_account[account_id]
