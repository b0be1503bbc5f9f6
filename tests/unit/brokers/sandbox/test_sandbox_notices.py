import asyncio

import pytest

from api.brokers.sandbox.model import Broker
from api.brokers.sandbox.notices import NoticeMode, NoticePlan, Notices


async def sent(mode: NoticeMode, count: int, *, milliseconds: int = 10) -> list[int]:
    """What leaves at once, then what leaves later, for notices 0 … count-1."""
    notices, seen = Notices(), list[int]()
    notices.set_plan(Broker.KIS, NoticePlan(mode, 1.0, milliseconds))
    for number in range(count):
        notices.dispatch(Broker.KIS, lambda number=number: seen.append(number))  # type: ignore[misc]
    await asyncio.sleep(0)
    seen.append(-1)
    await asyncio.sleep(milliseconds / 1_000 * 3)
    return seen


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        (NoticeMode.NORMAL, [0, 1, 2, -1]),
        (NoticeMode.BEFORE_ANSWER, [0, 1, 2, -1]),
        (NoticeMode.DUPLICATE, [0, 0, 1, 1, 2, 2, -1]),
        (NoticeMode.LOSE, [-1]),
        (NoticeMode.DELAY, [-1, 0, 1, 2]),
        (NoticeMode.REORDER, [1, 0, -1, 2]),
    ],
)
async def test_notices_travel_as_their_mode_says(mode: NoticeMode, expected: list[int]) -> None:
    assert await sent(mode, 3) == expected


async def test_one_brokers_mode_does_not_touch_the_other() -> None:
    notices, seen = Notices(), list[str]()
    notices.set_plan(Broker.LS, NoticePlan(NoticeMode.LOSE))

    notices.dispatch(Broker.KIS, lambda: seen.append("kis"))
    notices.dispatch(Broker.LS, lambda: seen.append("ls"))

    assert seen == ["kis"]


async def test_held_notice_leaves_when_the_mode_changes() -> None:
    notices, seen = Notices(), list[int]()
    notices.set_plan(Broker.KIS, NoticePlan(NoticeMode.REORDER, 1.0, 60_000))
    notices.dispatch(Broker.KIS, lambda: seen.append(1))
    assert seen == []

    notices.set_plan(Broker.KIS, NoticePlan())

    assert seen == [1]
