"""What follows from a block's parts, without a database."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from api.blocks.block import (
    NOT_SENT,
    Block,
    BlockLine,
    BlockPart,
    BlockStatus,
    Claim,
    PartStatus,
    claimed,
    given_up,
    may_leave,
    needs_care,
    open_failures,
    reclaimed,
    with_orders,
)
from api.domain.enums import Broker, Exchange, OrderOrigin, OrderStatus, OrderType, Side, TimeInForce
from api.domain.order import Order, Stages

NOW = datetime(2026, 11, 23, 1, tzinfo=UTC)
MINE, OTHERS = Claim(id="c1", process_id="p1"), Claim(id="c2", process_id="p2")


def part(number: int, account: str, shares: dict[str, int], **changes: Any) -> BlockPart:
    made = BlockPart(
        number=number,
        account_id=account,
        quantity=sum(shares.values()),
        shares=shares,
        client_order_id=f"block:b1:{number}",
        claim=MINE,
    )
    return msgspec.structs.replace(made, **changes)


def block(*parts: BlockPart, policy: str = "keep", **changes: Any) -> Block:
    names = list(dict.fromkeys(name for entry in parts for name in entry.shares))
    quantity = sum(entry.quantity for entry in parts)
    made = Block(
        id="b1",
        client_order_id="desk-1",
        plan={"id": "p", "name": "plan", "method": "equal", "on_shortfall": "reduce", "on_rejection": policy, "fee_rate": "0.001"},
        symbol="005930",
        exchange=Exchange.KRX,
        side=Side.BUY,
        order_type=OrderType.LIMIT,
        time_in_force=TimeInForce.DAY,
        limit_price=1_000,
        cash_price=1_000,
        wanted=quantity,
        quantity=quantity,
        lines=tuple(BlockLine(id=name, fund_id=f"f-{name}", account_id="a", ideal="1", planned_quantity=0) for name in names),
        parts=parts,
        reductions=(),
        inputs="{}",
        digest="",
        confirm=(),
        request_digest="",
        status=BlockStatus.WORKING,
        trading_day="2026-11-23",
        created_by="u",
        created_at=NOW,
        updated_at=NOW,
    )
    return msgspec.structs.replace(made, **changes)


def order_of(entry: BlockPart, status: OrderStatus, filled: int = 0, price: int = 1_000, **changes: Any) -> dict[tuple[str, str], Order]:
    made = Order(
        id=f"o{entry.number}",
        client_order_id=entry.client_order_id,
        account_id=entry.account_id,
        broker=Broker.KIS,
        symbol="005930",
        exchange=Exchange.KRX,
        side=Side.BUY,
        order_type=OrderType.LIMIT,
        time_in_force=TimeInForce.DAY,
        quantity=entry.quantity,
        limit_price=1_000,
        status=status,
        trading_day="2026-11-23",
        origin=OrderOrigin.API,
        created_by="u",
        created_at=NOW,
        updated_at=NOW,
        stages=Stages(received_at=NOW),
        request_digest="",
        fingerprint="",
        sender="p1",
        cumulative_quantity=filled,
        filled_amount=filled * price,
    )
    return {(entry.account_id, entry.client_order_id): msgspec.structs.replace(made, **changes)}


REFUSED = {"status": PartStatus.REFUSED, "problem": NOT_SENT}


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ([(OrderStatus.NEW, 0), (OrderStatus.FILLED, 7)], BlockStatus.WORKING),
        ([(OrderStatus.UNKNOWN, 0), (OrderStatus.NEW, 0)], BlockStatus.UNKNOWN),
        ([(OrderStatus.FILLED, 5), (OrderStatus.FILLED, 7)], BlockStatus.FILLED),
        ([(OrderStatus.FILLED, 5), (OrderStatus.REJECTED, 0)], BlockStatus.PARTIALLY_FILLED),
        ([(OrderStatus.CANCELED, 2), (OrderStatus.EXPIRED, 0)], BlockStatus.PARTIALLY_FILLED),
        ([(OrderStatus.CANCELED, 0), (OrderStatus.REJECTED, 0)], BlockStatus.CANCELED),
        ([(OrderStatus.REJECTED, 0), (OrderStatus.REJECTED, 0)], BlockStatus.REJECTED),
    ],
)
def test_a_blocks_status_follows_from_its_orders(states: list[tuple[OrderStatus, int]], expected: BlockStatus) -> None:
    first, second = part(1, "a1", {"x": 5}), part(2, "a2", {"y": 7})
    (one, filled_one), (two, filled_two) = states

    after = with_orders(block(first, second), order_of(first, one, filled_one) | order_of(second, two, filled_two), NOW)

    assert after.status is expected
    assert sum(line.filled_quantity for line in after.lines) == after.filled_quantity == filled_one + filled_two


def test_a_trade_that_is_canceled_leaves_the_lines_as_if_it_had_never_been() -> None:
    entry = part(1, "a1", {"x": 5, "y": 8})
    before = with_orders(block(entry), order_of(entry, OrderStatus.PARTIALLY_FILLED, 4), NOW)
    filled = with_orders(before, order_of(entry, OrderStatus.PARTIALLY_FILLED, 9), NOW)
    busted = with_orders(filled, order_of(entry, OrderStatus.PARTIALLY_FILLED, 4), NOW)

    assert [line.filled_quantity for line in filled.lines] != [line.filled_quantity for line in before.lines]
    assert (busted.lines, busted.filled_amount) == (before.lines, before.filled_amount)


def test_nothing_changed_is_the_same_object() -> None:
    entry = part(1, "a1", {"x": 5})
    once = with_orders(block(entry), order_of(entry, OrderStatus.NEW), NOW)

    assert with_orders(once, order_of(entry, OrderStatus.NEW), NOW) is once


def test_money_is_reserved_for_what_is_open_or_being_sent_and_for_nothing_else() -> None:
    sending, live, refused = part(1, "a1", {"x": 5}), part(2, "a2", {"x": 7}), part(3, "a3", {"x": 11}, **REFUSED)

    after = with_orders(block(sending, live, refused), order_of(live, OrderStatus.PARTIALLY_FILLED, 3), NOW)

    [line] = after.lines
    assert (line.open_quantity, line.reserved_amount, line.planned_quantity) == (5 + 4, 9_009, 12)


def test_only_who_holds_the_claim_sends_a_part() -> None:
    entry, others = part(1, "a1", {"x": 5}), part(2, "a2", {"x": 7}, claim=OTHERS)

    assert claimed(block(entry, others), MINE) == [entry]
    assert may_leave(block(entry, others), 1, MINE)
    assert not may_leave(block(entry, others), 2, MINE)


@pytest.mark.parametrize("changes", [{"is_handled": True}, REFUSED, {"claim": OTHERS}])
def test_a_part_that_was_given_up_or_taken_over_does_not_leave(changes: dict[str, Any]) -> None:
    assert not may_leave(block(part(1, "a1", {"x": 5}, **changes)), 1, MINE)


def test_no_part_of_a_canceled_block_leaves() -> None:
    assert not may_leave(block(part(1, "a1", {"x": 5}), is_canceling=True), 1, MINE)


def test_parts_of_a_dead_sender_are_given_up_and_no_others() -> None:
    sending, others, sent = part(1, "a1", {"x": 1}), part(2, "a2", {"x": 1}, claim=OTHERS), part(3, "a3", {"x": 1}, status=PartStatus.SENT)

    after = given_up(block(sending, others, sent), {"p1"})

    assert [entry.status for entry in after.parts] == [PartStatus.REFUSED, PartStatus.SENDING, PartStatus.SENT]
    assert given_up(after, {"p1"}) is after


def test_an_order_that_turns_up_after_its_part_was_given_up_counts() -> None:
    entry = part(1, "a1", {"x": 5})
    gone = given_up(block(entry), {"p1"})

    after = with_orders(gone, order_of(entry, OrderStatus.FILLED, 5), NOW)

    assert (after.parts[0].status, after.status, after.parts[0].problem) == (PartStatus.SENT, BlockStatus.FILLED, None)


@pytest.mark.parametrize(
    ("policy", "is_canceling", "is_sent_again"), [("keep", False, True), ("keep", True, False), ("cancel", False, False)]
)
def test_a_repeat_sends_what_never_left_only_where_nothing_else_follows(policy: str, is_canceling: bool, is_sent_again: bool) -> None:
    stored = block(part(1, "a1", {"x": 5}, **REFUSED), policy=policy, is_canceling=is_canceling)

    again = reclaimed(stored, OTHERS)

    assert bool(claimed(again, OTHERS)) is is_sent_again
    assert (again is stored) is not is_sent_again


def test_what_a_broker_refused_is_not_sent_again() -> None:
    refused = part(1, "a1", {"x": 5}, status=PartStatus.SENT, order_status=OrderStatus.REJECTED, problem="broker")
    stored = block(refused)

    assert reclaimed(stored, OTHERS) is stored


@pytest.mark.parametrize(("policy", "failures"), [("keep", 0), ("cancel", 1), ("resplit", 1)])
def test_something_follows_from_a_refusal_unless_the_rest_is_kept(policy: str, failures: int) -> None:
    stored = block(part(1, "a1", {"x": 5}, **REFUSED), policy=policy)

    assert (len(open_failures(stored)), needs_care(stored)) == (failures, bool(failures))


def test_a_block_that_is_being_canceled_needs_care_until_each_open_order_was_asked_to() -> None:
    live = {"status": PartStatus.SENT, "order_status": OrderStatus.NEW}
    asked = part(1, "a1", {"x": 5}, **live, is_cancel_asked=True)

    assert needs_care(block(part(1, "a1", {"x": 5}, **live), is_canceling=True))
    assert not needs_care(block(asked, is_canceling=True))
    assert not needs_care(block(part(1, "a1", {"x": 5}, **live)))
