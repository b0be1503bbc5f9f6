"""What executions came to, out of averages and totals."""

from datetime import UTC, datetime
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.brokers.base import BrokerOrder, BrokerOrderKind
from api.brokers.errors import BrokerProtocolError
from api.brokers.ls import amounts
from api.brokers.ls.amounts import Average, Totals
from api.brokers.ls.codes import Tr
from api.brokers.ls.envelope import Answer, read_answer
from api.domain.enums import Exchange, OrderType, Side
from api.domain.ticks import tick_size

UNITS = {"whole": Decimal(1), "hundredth": Decimal("0.01")}


def an_order(**changes: Any) -> BrokerOrder:
    order = BrokerOrder(
        order_number="7",
        original_order_number=None,
        kind=BrokerOrderKind.NEW,
        symbol="005930",
        side=Side.BUY,
        order_type=OrderType.MARKET,
        exchange=Exchange.KRX,
        quantity=10,
        limit_price=None,
        cumulative_quantity=10,
        filled_amount=710_000,
        leaves_quantity=0,
        canceled_quantity=0,
        rejected_quantity=0,
        ordered_at=datetime(2026, 11, 23, tzinfo=UTC),
        branch="",
    )
    return msgspec.structs.replace(order, **changes)


@st.composite
def executed_orders(draw: st.DrawFn) -> tuple[BrokerOrder, int]:
    """An order and what its executions truly came to: prices on the grid of a stock or a fund, near each other."""
    kind = draw(st.sampled_from(["stock", "etf"]))
    base = draw(st.integers(500, 900_000))
    trades = draw(st.lists(st.tuples(st.integers(1, 3_000), st.integers(0, 12)), min_size=1, max_size=8))
    tick = tick_size(base, kind)
    prices = [(base // tick + step) * tick for _, step in trades]
    prices = [price - price % tick_size(price, kind) for price in prices]
    quantity = sum(shares for shares, _ in trades)
    amount = sum(shares * price for (shares, _), price in zip(trades, prices, strict=True))
    side = draw(st.sampled_from(Side))
    is_limit = draw(st.booleans())
    limit = (max(prices) if side is Side.BUY else min(prices)) if is_limit else None
    order_type = OrderType.LIMIT if is_limit else draw(st.sampled_from([OrderType.MARKET, OrderType.MIDPOINT, None]))
    order = an_order(side=side, order_type=order_type, limit_price=limit, quantity=quantity, cumulative_quantity=quantity)
    return order, amount


def told(order: BrokerOrder, amount: int, unit: Decimal, rounding: str) -> Average:
    return Average((Decimal(amount) / order.cumulative_quantity).quantize(unit, rounding), unit)


@given(executed_orders(), st.sampled_from(sorted(UNITS)), st.sampled_from([ROUND_HALF_UP, ROUND_DOWN]))
def test_the_true_amount_is_always_among_the_possible_ones(case: tuple[BrokerOrder, int], unit: str, rounding: str) -> None:
    order, amount = case
    average = told(order, amount, UNITS[unit], rounding)

    assert amount in amounts.possible_amounts(order, average)
    assert amounts.only_amount(order, average) in (None, amount)


def numbered(cases: list[tuple[BrokerOrder, int]]) -> tuple[list[BrokerOrder], dict[str, int]]:
    """Orders with numbers of their own, and their true amounts by number."""
    orders = [msgspec.structs.replace(order, order_number=str(number)) for number, (order, _) in enumerate(cases, 1)]
    return orders, {order.order_number: amount for order, (_, amount) in zip(orders, cases, strict=True)}


@given(st.lists(executed_orders(), max_size=6), st.sampled_from([ROUND_HALF_UP, ROUND_DOWN]))
def test_the_likeliest_amounts_add_up_and_are_off_by_hundredths_a_share(cases: list[tuple[BrokerOrder, int]], rounding: str) -> None:
    orders, truth = numbered(cases)
    averages = {order.order_number: told(order, truth[order.order_number], UNITS["hundredth"], rounding) for order in orders}

    guesses = amounts.likeliest_amounts(orders, averages, sum(truth.values()))

    if len({amounts.possible_amounts(order, averages[order.order_number]).step for order in orders}) <= 1:
        assert sum(guesses.values()) == sum(truth.values())
    for order in orders:
        assert abs(guesses[order.order_number] - truth[order.order_number]) <= order.cumulative_quantity * 0.015


@given(executed_orders(), st.integers(-(10**9), 10**9))
def test_a_sum_that_cannot_be_met_changes_no_guess(case: tuple[BrokerOrder, int], off: int) -> None:
    (order,), truth = numbered([case])
    averages = {"1": told(order, truth["1"], UNITS["hundredth"], ROUND_HALF_UP)}

    guesses = amounts.likeliest_amounts([order], averages, truth["1"] + off)

    assert guesses["1"] == truth["1"] + off or guesses == amounts.likeliest_amounts([order], averages, None)


@given(st.lists(executed_orders(), min_size=1, max_size=6))
def test_totals_settle_the_one_open_amount_of_a_side(cases: list[tuple[BrokerOrder, int]]) -> None:
    orders, truth = numbered(cases)
    averages = {order.order_number: told(order, truth[order.order_number], UNITS["whole"], ROUND_HALF_UP) for order in orders}
    totals = Totals(
        {side: sum(truth[order.order_number] for order in orders if order.side is side) for side in Side},
        quantity=sum(order.cumulative_quantity for order in orders),
    )
    open_orders = {next((order.order_number for order in orders if order.side is side), "") for side in Side} - {""}
    known = {number: amount for number, amount in truth.items() if number not in open_orders}

    assert amounts.from_totals(orders, averages, known, totals) == {number: truth[number] for number in open_orders}


def test_totals_of_another_moment_settle_nothing() -> None:
    order = an_order()
    averages = {"7": Average(Decimal(71_000), Decimal(1))}

    assert amounts.from_totals([order], averages, {}, Totals({Side.BUY: 710_005, Side.SELL: 0}, quantity=11)) == {}
    by_side = Totals({Side.BUY: 710_005, Side.SELL: 0}, {Side.BUY: 9, Side.SELL: 0})
    assert amounts.from_totals([order], averages, {}, by_side) == {}


def test_totals_that_contradict_the_average_settle_nothing() -> None:
    totals = Totals({Side.BUY: 720_000, Side.SELL: 0}, quantity=10)

    assert amounts.from_totals([an_order()], {"7": Average(Decimal(71_000), Decimal(1))}, {}, totals) == {}


def test_an_average_at_the_limit_of_a_buy_is_the_limit() -> None:
    # some shares a tick of 100 below would pull the average of 150 shares down by more than half a won
    order = an_order(order_type=OrderType.LIMIT, limit_price=71_000, cumulative_quantity=9)

    assert amounts.only_amount(order, Average(Decimal(71_000), Decimal(1))) == 639_000


def test_midpoint_prices_stand_on_no_grid() -> None:
    order = an_order(order_type=OrderType.MIDPOINT, cumulative_quantity=2)

    assert len(amounts.possible_amounts(order, Average(Decimal(71_000), Decimal(1)))) == 3


def history(rows: list[dict[str, Any]], **totals: Any) -> Answer:
    blocks = {
        "rsp_cd": "00136",
        "CSPAQ13700OutBlock1": {"RecCnt": 1},
        "CSPAQ13700OutBlock2": {"RecCnt": 1, "SellExecAmt": 0, "BuyExecAmt": 0, "SellExecQty": 0, "BuyExecQty": 0} | totals,
        "CSPAQ13700OutBlock3": rows,
    }
    return read_answer(Tr.HISTORY, 200, msgspec.json.encode(blocks), {})


def test_a_row_an_order_gives_its_average_and_a_row_an_execution_its_price() -> None:
    page = amounts.history_page(
        history(
            [
                {"OrdNo": 7, "ExecQty": 3, "ExecPrc": "71033.33"},
                {"OrdNo": 8, "ExecQty": 1, "ExecPrc": "71000.00"},
                {"OrdNo": 8, "ExecQty": 2, "ExecPrc": "71100.00"},
            ],
            BuyExecAmt=426_300,
            BuyExecQty=6,
        )
    )

    assert amounts.read_history(an_order(cumulative_quantity=3), page.executions["7"])[0] == 213_100
    assert amounts.read_history(an_order(cumulative_quantity=3), page.executions["8"]) == (213_200, None)
    assert page.totals.amounts == {Side.BUY: 426_300, Side.SELL: 0}


def test_rows_of_another_quantity_tell_nothing() -> None:
    rows = [(4, Decimal("71025.00"))]

    assert amounts.read_history(an_order(cumulative_quantity=3), rows) == (None, None)
    assert amounts.read_history(an_order(cumulative_quantity=3), []) == (None, None)


def test_totals_without_rows_are_read_as_in_the_guides_example() -> None:
    page = amounts.history_page(history([], BuyExecAmt=180_000, BuyExecQty=3))

    assert (page.executions, page.totals.amounts[Side.BUY]) == ({}, 180_000)


@pytest.mark.parametrize(
    ("field", "value"), [("OrdNo", 0), ("OrdNo", "x"), ("ExecQty", -1), ("ExecQty", "1.5"), ("ExecPrc", "?"), ("ExecPrc", "NaN")]
)
def test_an_unreadable_row_names_its_field(field: str, value: Any) -> None:
    row = {"OrdNo": 7, "ExecQty": 3, "ExecPrc": "71033.33"} | {field: value}

    with pytest.raises(BrokerProtocolError, match=f"CSPAQ13700.{field}"):
        amounts.history_page(history([row]))
