"""What a client library is asked to do, and what it saw; plain data that goes from process to process as JSON."""

import time
from collections.abc import Callable
from typing import Any

import msgspec

SYMBOL = "005930"
PRICE = 71_000  # won, where the test puts the market
MARKETABLE, LOW, LOWER = 71_500, 68_000, 67_900  # limit prices: filled at once; waits; what the waiting one is changed to
BOUGHT, WAITING = 3, 2  # shares


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """The account as the sandbox's control API tells it, and the ports of the sandbox's doors."""

    client: str
    account: dict[str, Any]
    kis_port: int
    ls_port: int


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What the library told its user. Order numbers without leading zeros, won and shares as int.

    Attributes:
        bought: Number of the order for `BOUGHT` shares at `MARKETABLE`.
        changed: Number that the order for `WAITING` shares had after its price was changed; it was cancelled then.
        fills: Number, shares and price of each fill notice of the websocket.
        day: Executed shares by order number, as the list of the day's orders has them.
        refused: What the broker said to a price off the tick.
    """

    price: int
    cash: int
    positions: dict[str, int]
    bought: int
    changed: int
    fills: list[tuple[int, int, int]]
    day: dict[int, int]
    refused: str


def until(condition: Callable[[], bool], what: str, *, seconds: float = 20.0) -> None:
    """Wait until ``condition()`` holds, as the client's own threads run; fails with ``what`` after ``seconds``."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:.0f} s: {what}")
        time.sleep(0.02)
