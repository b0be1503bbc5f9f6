"""Orders in a real MongoDB: compare-and-set and unique keys hold for writes that share one command."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
import pytest_asyncio
from bson import ObjectId
from pymongo import AsyncMongoClient
from pymongo.asynchronous.database import AsyncDatabase

from api.domain import ledger
from api.domain.order import Order
from api.orders.inbox import Frame, FrameState, Inbox
from api.orders.repository import OrderRepository
from api.settings import Settings
from tests.factories import a_live_order, a_trade

NOW = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)


@pytest_asyncio.fixture
async def database(settings: Settings) -> AsyncIterator[AsyncDatabase[dict[str, Any]]]:
    async with AsyncMongoClient[dict[str, Any]](settings.mongodb_url, tz_aware=True) as client:
        yield client[settings.database]


@pytest_asyncio.fixture
async def repository(database: AsyncDatabase[dict[str, Any]]) -> AsyncIterator[OrderRepository]:
    made = OrderRepository(database)
    await made.create_indexes()
    yield made
    await made.aclose()


def an_order(**changes: Any) -> Order:
    order_id = str(ObjectId())
    return a_live_order(id=order_id, client_order_id=order_id, **changes)


def filled(order: Order, notice_id: str) -> Order:
    """One of ten shares bought, told by this notice, at one and the same instant."""
    after, _ = ledger.on_trades(order, [a_trade(notice_id=notice_id, quantity=1, execution_id=notice_id)], NOW)
    return after


async def test_of_changes_to_one_version_that_share_a_command_exactly_one_is_written(repository: OrderRepository) -> None:
    orders = [an_order() for _ in range(20)]
    for order in orders:
        await repository.insert_once(order)

    # every pair looks alike but for its notices: same instant, quantity, price and state
    changes = [(order, filled(order, f"{order.id}-{twin}")) for order in orders for twin in ("a", "b", "c")]
    written = await asyncio.gather(*(repository.replace_if_unchanged(before, after) for before, after in changes))

    for order in orders:
        winners = [after for (before, after), is_written in zip(changes, written, strict=True) if before is order and is_written]
        assert len(winners) == 1
        assert (await repository.get(order.id)).fills == winners[0].fills


@pytest.mark.parametrize("alike", [2, 12])
async def test_rules_applied_at_once_to_one_order_are_all_applied(repository: OrderRepository, alike: int) -> None:
    order = an_order(quantity=100)
    await repository.insert_once(order)

    def rule(name: str) -> Callable[[Order], Order]:
        return lambda current: filled(current, name)

    await asyncio.gather(*(repository.change(order, rule(f"n{name}")) for name in range(alike)))

    stored = await repository.get(order.id)
    assert sorted(fill.notice_id or "" for fill in stored.fills) == sorted(f"n{name}" for name in range(alike))
    assert (stored.cumulative_quantity, len(stored.history)) == (alike, len(order.history) + alike)


async def test_a_change_that_adds_no_history_is_told_apart_too(repository: OrderRepository) -> None:
    order, other = an_order(), an_order()
    await repository.insert_once(order)
    await repository.insert_once(other)
    flagged = msgspec.structs.replace(order, is_possible_duplicate=True)

    written = await asyncio.gather(
        repository.replace_if_unchanged(order, flagged),
        repository.replace_if_unchanged(other, filled(other, "a")),
        repository.replace_if_unchanged(other, filled(other, "b")),
    )

    assert written[0] is True
    assert sorted(written[1:]) == [False, True]
    assert (await repository.get(order.id)).is_possible_duplicate


async def test_orders_stored_at_once_under_one_client_order_id_are_one_order(repository: OrderRepository) -> None:
    alike = [msgspec.structs.replace(an_order(), client_order_id="the-same") for _ in range(30)]
    others = [an_order() for _ in range(30)]

    stored = await asyncio.gather(*(repository.insert_once(order) for pair in zip(alike, others, strict=True) for order in pair))

    assert [is_new for _, is_new in stored[1::2]] == [True] * 30
    assert sum(is_new for _, is_new in stored[::2]) == 1
    assert len({order.id for order, _ in stored[::2]}) == 1


async def test_twins_in_flight_are_found_for_each_asker(repository: OrderRepository) -> None:
    twins = [msgspec.structs.replace(an_order(), status="pending_new", fingerprint="alike") for _ in range(2)]
    single = msgspec.structs.replace(an_order(), status="pending_new", fingerprint="alone")
    for order in (*twins, single):
        await repository.insert_once(order)

    assert await asyncio.gather(*(repository.has_twin_in_flight(order) for order in (*twins, single))) == [True, True, False]


async def test_orders_are_found_by_number_for_their_own_account_and_day(repository: OrderRepository) -> None:
    mine, theirs = (an_order(account_id=account, broker_order_ids=("77",)) for account in ("mine", "theirs"))
    for order in (mine, theirs):
        await repository.insert_once(order)

    found = await asyncio.gather(
        repository.find_by_broker_order_ids("mine", mine.trading_day, ["77", "78"]),
        repository.find_by_broker_order_ids("theirs", mine.trading_day, ["77"]),
        repository.find_by_broker_order_ids("mine", "2020-01-02", ["77"]),
    )

    assert [[order.id for order in orders] for orders in found] == [[mine.id], [theirs.id], []]


async def test_a_published_order_is_not_swept_and_a_later_version_is(repository: OrderRepository) -> None:
    order = an_order()
    await repository.insert_once(order)
    repository.mark_published(order.id, order.version)
    repository.mark_published(order.id, order.version - 1)  # an earlier version is published late
    await repository.aclose()
    soon = order.updated_at + timedelta(days=1)
    assert [found.id async for found in repository.list_unpublished(soon, 10)] == []

    await repository.change(order, lambda current: filled(current, "n"))

    assert [found.id async for found in repository.list_unpublished(NOW + timedelta(days=1), 10)] == [order.id]


async def test_frames_of_many_accounts_stored_at_once_are_all_there_in_order_and_marks_are_seen_at_once(
    database: AsyncDatabase[dict[str, Any]],
) -> None:
    inbox = Inbox(database)
    frames = {
        account: [
            Frame(id=str(ObjectId()), account_id=account, text=f"{number}", received_at=NOW, state=FrameState.RECEIVED)
            for number in range(20)
        ]
        for account in ("a", "b", "c")
    }
    await asyncio.gather(*(inbox.store(own) for own in frames.values()))
    assert {account: await inbox.list_open(account) for account in frames} == frames

    inbox.mark([frame.id for frame in frames["a"][:19]], FrameState.APPLIED)
    inbox.mark([frames["a"][19].id], FrameState.HELD)

    assert [(frame.text, frame.state) for frame in await inbox.list_open("a")] == [("19", FrameState.HELD)]
    await inbox.aclose()
