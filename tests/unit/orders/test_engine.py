"""Reconciliation of a whole account, by properties: whatever the facts, what follows from them holds these."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from random import Random

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from api.brokers.base import BrokerOrder
from api.domain import ledger
from api.domain.enums import ExecutionType, FillSource, OrderStatus
from api.domain.ledger import TradeNotice
from api.domain.order import Order
from api.orders.engine import Conclusions, Facts, conclude, is_never_received
from api.orders.reconciliation import FALL_PATIENCE, LAG_PATIENCE, Memory, shape_of_order, shape_of_row
from tests.factories import NOON, a_live_order, a_row, a_trade, an_order

ROUND = timedelta(seconds=2)


class Scene(Struct, frozen=True):
    """An account's orders, the broker's statement of them, and the notices held back."""

    orders: tuple[Order, ...]
    rows: tuple[BrokerOrder, ...]
    held: dict[str, list[TradeNotice]]


class Account:
    """Carries conclusions out round by round, as the reconciler does."""

    def __init__(self, scene: Scene, at: datetime = NOON + timedelta(seconds=30)) -> None:
        self.orders = {order.id: order for order in scene.orders}
        self.held = scene.held
        self.memory = Memory()
        self.settled: dict[str, BrokerOrder] = {}
        self.at = at

    def read(self, rows: Sequence[BrokerOrder], after: timedelta = ROUND) -> Conclusions:
        self.at += after
        found = conclude(self.facts(rows))
        self.orders |= {step.after.id: step.after for step in found.steps}
        self.memory, self.settled = found.memory, dict(found.settled)
        return found

    def facts(self, rows: Sequence[BrokerOrder]) -> Facts:
        return Facts(
            orders=list(self.orders.values()),
            rows=rows,
            held=self.held,
            memory=self.memory,
            settled=self.settled,
            read_at=self.at,
            now=self.at,
        )

    def read_until_quiet(self, rows: Sequence[BrokerOrder]) -> None:
        for _ in range(30):
            found = self.read(rows, ROUND)
            if not found.steps and not found.memory.notes:
                return
        raise AssertionError(f"still open: {found}")


def row_of(order: Order, number: str, executions: Sequence[tuple[int, int]]) -> BrokerOrder:
    """The statement's row of an order with these (shares, price) executed."""
    shares = sum(quantity for quantity, _ in executions)
    return a_row(
        order_number=number,
        quantity=order.quantity,
        limit_price=order.limit_price,
        cumulative_quantity=shares,
        filled_amount=sum(quantity * price for quantity, price in executions),
        leaves_quantity=order.quantity - shares,
        ordered_at=order.created_at + timedelta(seconds=1),
    )


@st.composite
def scenes(draw: st.DrawFn) -> Scene:
    """Orders of few shapes, so that there are twins: live, unknown, in flight or given up, arrived or not, told of in part."""
    orders: list[Order] = []
    rows: list[BrokerOrder] = []
    held: dict[str, list[TradeNotice]] = {}
    for index in range(draw(st.integers(1, 7))):
        number = str(1_000 + index)
        quantity, price = draw(st.sampled_from([10, 20])), draw(st.sampled_from([70_900, 71_000]))
        order = an_order(id=f"{index:024x}", quantity=quantity, limit_price=price, created_at=NOON + timedelta(milliseconds=300 * index))
        fate = draw(st.sampled_from(["live", "unknown", "given up", "in flight"]))
        executions = draw(st.lists(st.tuples(st.integers(1, 5), st.integers(price - 500, price)), max_size=3))
        if executions and sum(part for part, _ in executions) > quantity:
            executions = executions[:1]
        if fate == "live":
            order = ledger.acknowledged(order, NOON, number, "", "", "", NOON)
            notices = [
                a_trade(notice_id=f"{number}-{n}:0", broker_order_id=number, quantity=part, price=at)
                for n, (part, at) in enumerate(executions)
            ]
            told = draw(st.integers(0, len(notices)))
            order, verdicts = ledger.on_trades(order, notices[:told], NOON)
            held[number] = [n for n, verdict in zip(notices, verdicts, strict=False) if verdict is ledger.TradeVerdict.HELD]
            # and one told twice, that is no execution of its own
            held[number] += [
                msgspec.structs.replace(notice, notice_id=f"{number}-again:0") for notice in notices[: draw(st.integers(0, 1))]
            ]
        elif fate != "in flight":
            order = ledger.outcome_unknown(order, NOON, "no_answer")
            order = ledger.rejected(order, NOON, "", "", ledger.DECLARED_NOT_PLACED) if fate == "given up" else order
        orders.append(order)
        if fate == "live" or draw(st.booleans()):
            rows.append(row_of(order, number, executions))
    return Scene(tuple(orders), tuple(rows), held)


@given(scene=scenes())
def test_concluding_again_from_what_was_concluded_changes_nothing(scene: Scene) -> None:
    account = Account(scene)
    account.read(scene.rows)
    assert conclude(account.facts(scene.rows)).steps == []

    account.read_until_quiet(scene.rows)

    again = account.read(scene.rows)
    assert (again.steps, again.problems) == ([], [])


@given(scene=scenes(), seed=st.integers(0, 2**32))
def test_the_order_of_rows_orders_and_notices_makes_no_difference(scene: Scene, seed: int) -> None:
    random = Random(seed)
    orders, rows = list(scene.orders), list(scene.rows)
    held = {number: list(notices) for number, notices in scene.held.items()}
    random.shuffle(orders)
    random.shuffle(rows)
    for notices in held.values():
        random.shuffle(notices)
    straight, other = Account(scene), Account(Scene(tuple(orders), (), held))

    for _ in range(3):
        first, second = straight.read(scene.rows), other.read(rows)
        assert [step.after for step in first.steps] == [step.after for step in second.steps]
        assert {row.order_number for row in first.strangers} == {row.order_number for row in second.strangers}
        assert {order.id for order in first.absent} == {order.id for order in second.absent}


@given(scene=scenes())
def test_every_ledger_comes_to_the_statement_share_by_share_and_won_by_won_and_nothing_is_invented(scene: Scene) -> None:
    account = Account(scene)

    account.read_until_quiet(scene.rows)

    by_number = {row.order_number: row for row in scene.rows}
    for order in account.orders.values():
        rows = [by_number[number] for number in order.broker_order_ids]
        assert (order.cumulative_quantity, order.filled_amount) == (
            sum(row.cumulative_quantity for row in rows),
            sum(row.filled_amount for row in rows),
        )
        assert order.cumulative_quantity == sum(fill.quantity for fill in order.fills) <= order.quantity
        assert order.filled_amount == sum(fill.quantity * fill.price for fill in order.fills)
        assert all(change.cumulative_quantity <= change.quantity for change in order.history)


@given(scene=scenes())
def test_twins_are_matched_by_count_and_no_number_has_two_orders(scene: Scene) -> None:
    account = Account(scene)
    waiting = {shape_of_order(order) for order in scene.orders if order.status is OrderStatus.PENDING_NEW}
    known = {number for order in scene.orders for number in order.broker_order_ids}
    lost = Counter(shape_of_order(o) for o in scene.orders if not o.broker_order_ids and o.status is not OrderStatus.PENDING_NEW)
    free = Counter(shape_of_row(row) for row in scene.rows if row.order_number not in known)

    account.read_until_quiet(scene.rows)

    numbers = [number for order in account.orders.values() for number in order.broker_order_ids]
    assert len(numbers) == len(set(numbers))
    found = Counter(shape_of_order(o) for o in account.orders.values() if o.broker_order_ids and not set(o.broker_order_ids) & known)
    assert found == Counter({shape: min(lost[shape], free[shape]) for shape in lost if shape not in waiting and free[shape]})


@given(scene=scenes())
def test_an_order_that_is_settled_and_not_read_again_leaves_its_row_alone(scene: Scene) -> None:
    account = Account(scene)
    account.read_until_quiet(scene.rows)
    account.read(scene.rows)
    everything = dict(account.orders)

    account.orders = {order.id: order for order in everything.values() if not set(order.broker_order_ids) & set(account.settled)}
    less = account.read(scene.rows)

    assert (less.steps, less.problems) == ([], [])
    assert {row.order_number for row in less.strangers} <= {row.order_number for row in scene.rows} - set(account.settled)
    ended = [order for order in everything.values() if order.status is OrderStatus.FILLED]
    assert all(set(order.broker_order_ids) <= set(account.settled) for order in ended)


def a_filled_account() -> tuple[Account, BrokerOrder]:
    """Ten shares bought in two trades, told by the stream alone so far."""
    notices = [a_trade(quantity=6), a_trade(notice_id="n2:0", quantity=4, price=70_900)]
    order, _ = ledger.on_trades(a_live_order(), notices, NOON)
    return Account(Scene((order,), (), {})), row_of(order, "1562", [(6, 71_000), (4, 70_900)])


FALLEN = {"cumulative_quantity": 6, "filled_amount": 426_000, "leaves_quantity": 0, "canceled_quantity": 4}


def test_a_total_that_fell_is_a_trade_cancel_once_two_readings_agree() -> None:
    account, row = a_filled_account()
    fallen = msgspec.structs.replace(row, **FALLEN)
    account.read([row])

    first = account.read([fallen])
    too_soon = account.read([fallen], FALL_PATIENCE - timedelta(milliseconds=1))
    second = account.read([fallen], timedelta(milliseconds=1))

    assert (first.steps, too_soon.steps) == ([], [])
    after = second.steps[0].after
    assert (after.status, after.cumulative_quantity, after.filled_amount) == (OrderStatus.CANCELED, 6, 426_000)
    assert [change.execution_type for change in after.history[-2:]] == [ExecutionType.TRADE_CANCEL, ExecutionType.CANCELED]
    assert after.fills[-1].amends == after.fills[1].id
    assert account.read([fallen]).steps == []


def test_readings_that_disagree_begin_anew() -> None:
    account, row = a_filled_account()
    account.read([row])
    account.read([msgspec.structs.replace(row, **FALLEN)])

    other = account.read([msgspec.structs.replace(row, cumulative_quantity=4, filled_amount=283_600)], timedelta(minutes=5))
    back = account.read([row])

    assert (other.steps, back.steps, back.memory.notes) == ([], [], {})


def test_an_old_copy_of_the_list_between_two_new_ones_takes_nothing_back() -> None:
    account, row = a_filled_account()
    fallen = msgspec.structs.replace(row, **FALLEN)

    for rows in ([row], [fallen], [row], [fallen], [row]):
        assert account.read(rows, FALL_PATIENCE * 2).steps == []


def test_less_than_the_stream_told_and_never_shown_is_a_lagging_list_until_long_after() -> None:
    account, row = a_filled_account()
    behind = msgspec.structs.replace(row, cumulative_quantity=6, filled_amount=426_000, leaves_quantity=4)

    early = [account.read([behind], timedelta(seconds=seconds)).steps for seconds in (2, 20, 9)]
    late = account.read([behind], LAG_PATIENCE)
    caught_up = [account.read([row]), account.read([row])][-1]

    assert early == [[], [], []]
    assert late.steps[0].after.cumulative_quantity == 6
    assert caught_up.steps[0].after.cumulative_quantity == 10
    assert caught_up.steps[0].after.filled_amount == 709_600


@given(
    parts=st.lists(st.tuples(st.integers(1, 9), st.integers(70_000, 71_000)), min_size=1, max_size=8),
    lags=st.lists(st.integers(0, 25), min_size=20, max_size=20),
)
def test_a_list_that_lags_behind_the_stream_never_takes_back_a_trade(parts: list[tuple[int, int]], lags: list[int]) -> None:
    order = a_live_order(quantity=sum(part for part, _ in parts))
    account = Account(Scene((order,), (), {}), at=NOON)
    executed = [(timedelta(seconds=3 * n), part) for n, part in enumerate(parts)]
    shown_until = NOON
    for number, lag in enumerate(lags):
        now = NOON + timedelta(seconds=3 * number)
        if number < len(parts):
            quantity, price = parts[number]
            notice = a_trade(notice_id=f"{number}:0", quantity=quantity, price=price, executed_at=now)
            current = account.orders[order.id]
            account.orders[order.id], _ = ledger.on_trades(current, [notice], now)
        shown_until = max(shown_until, now - timedelta(seconds=lag))
        seen = [part for at, part in executed if at <= shown_until - NOON and at <= now - NOON]
        account.read([row_of(order, "1562", seen)], timedelta(seconds=3))

    final = account.orders[order.id]
    assert all(change.execution_type is not ExecutionType.TRADE_CANCEL for change in final.history)
    assert all(fill.source is FillSource.STREAM for fill in final.fills)


def test_a_price_that_the_broker_corrected_is_corrected() -> None:
    account, row = a_filled_account()
    corrected = msgspec.structs.replace(row, filled_amount=row.filled_amount - 400)
    account.read([row])
    account.read([corrected])

    after = account.read([corrected], FALL_PATIENCE).steps[0].after

    assert (after.status, after.cumulative_quantity, after.filled_amount) == (OrderStatus.FILLED, 10, 709_200)
    assert after.history[-1].execution_type is ExecutionType.TRADE_CORRECT


def test_an_amount_that_differs_by_the_rounding_of_an_average_is_none() -> None:
    account, row = a_filled_account()
    rounded = msgspec.structs.replace(row, filled_amount=row.filled_amount + 5)

    assert [account.read([rounded], timedelta(minutes=1)).steps for _ in range(3)] == [[], [], []]


def test_a_held_notice_that_makes_up_the_shares_and_not_the_amount_is_one_told_twice() -> None:
    order, _ = ledger.on_trades(a_live_order(), [a_trade()], NOON)
    account = Account(Scene((order,), (), {"1562": [a_trade(notice_id="again:0")]}))
    row = row_of(order, "1562", [(3, 71_000), (3, 69_000)])

    account.read_until_quiet([row])

    assert account.orders[order.id].filled_amount == 3 * 71_000 + 3 * 69_000


def test_what_was_declared_not_placed_is_taken_up_when_the_broker_shows_it() -> None:
    given_up = ledger.rejected(ledger.outcome_unknown(an_order(), NOON, "no_answer"), NOON, "", "", ledger.DECLARED_NOT_PLACED)
    account = Account(Scene((given_up,), (), {}))

    found = account.read([row_of(given_up, "1562", [])])

    assert (found.steps[0].after.status, found.steps[0].after.broker_order_ids) == (OrderStatus.NEW, ("1562",))
    assert found.strangers == []


def test_an_unknown_order_goes_before_one_that_was_given_up() -> None:
    given_up = ledger.rejected(ledger.outcome_unknown(an_order(), NOON, "no_answer"), NOON, "", "", ledger.NEVER_RECEIVED)
    waiting = ledger.outcome_unknown(an_order(id="f" * 24), NOON, "no_answer")
    account = Account(Scene((given_up, waiting), (), {}))

    found = account.read([row_of(waiting, "1562", [])])

    assert [step.after.id for step in found.steps] == [waiting.id]


@given(readings=st.integers(0, 6), waited=st.integers(0, 1_200), horizon=st.integers(15, 600))
def test_absence_counts_only_with_enough_readings_over_the_horizon(readings: int, waited: int, horizon: int) -> None:
    order = ledger.outcome_unknown(an_order(), NOON, "no_answer")

    ends = is_never_received(order, readings, NOON + timedelta(seconds=waited), timedelta(seconds=horizon))

    assert ends == (readings >= 3 and waited >= horizon)


def test_absence_never_ends_an_order_that_was_found_meanwhile() -> None:
    found = ledger.acknowledged(ledger.outcome_unknown(an_order(), NOON, "no_answer"), NOON, "1562", "", "", "", NOON)

    assert not is_never_received(found, 100, NOON + timedelta(days=1), timedelta(seconds=15))
