import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.brokers.sandbox.exchange import Behavior, Exchange
from api.brokers.sandbox.model import Condition, EventKind, Order, OrderState, OrderType, Rejection, RejectReason, Side, Venue
from api.brokers.sandbox.session import Phase
from tests.unit.brokers.sandbox.market import PRICE, SYMBOL, Market


@pytest.fixture
async def market() -> Market:
    return Market()


async def test_marketable_order_is_accepted_then_filled_at_once(market: Market) -> None:
    order = market.order("buy", 10)

    assert market.kinds() == [EventKind.ACCEPTED, EventKind.EXECUTED]
    assert (order.state, order.executed_quantity, order.executed_amount) == (OrderState.FILLED, 10, 10 * PRICE)


async def test_both_sides_can_trade_at_the_set_price(market: Market) -> None:
    bought, sold = market.order("buy", 10, PRICE), market.order("sell", 10, PRICE)

    assert (bought.state, sold.state) == (OrderState.FILLED, OrderState.FILLED)


async def test_nothing_happens_at_the_exchange_before_the_request_has_arrived(market: Market) -> None:
    order = market.try_order("buy", 10)
    assert market.events == []

    assert isinstance(order, Order)
    await market.until(lambda: order.state is OrderState.FILLED)


async def test_large_market_order_sweeps_levels_and_then_fills_as_liquidity_grows_back(market: Market) -> None:
    market.set_level(3)
    order = market.order("buy", 40, 0, order_type=OrderType.MARKET)
    assert [(e.quantity, e.price) for e in order.executions] == [(3, PRICE + 100 * step) for step in range(11)]
    assert order.leaves == 7

    market.exchange.set_refill(0.01)
    await market.until(lambda: order.leaves == 0)

    assert order.executed_quantity == 40


async def test_large_limit_order_never_trades_above_its_price_and_rests(market: Market) -> None:
    market.set_level(3)

    order = market.order("buy", 10, PRICE + 100)

    assert [(e.quantity, e.price) for e in order.executions] == [(3, PRICE), (3, PRICE + 100)]
    assert (order.state, order.leaves) == (OrderState.PARTIALLY_FILLED, 4)
    assert market.exchange.books[SYMBOL].levels()[1][0] == (PRICE + 100, 4)


async def test_orders_at_one_price_trade_in_the_order_of_their_arrival(market: Market) -> None:
    first, second = market.order("buy", 5, PRICE - 100), market.order("buy", 5, PRICE - 100)
    market.set_level(0)

    market.order("sell", 7, PRICE - 100)

    assert (first.executed_quantity, second.executed_quantity) == (5, 2)


async def test_better_price_trades_first_and_at_the_price_of_the_resting_order(market: Market) -> None:
    market.set_level(0)
    low, high = market.order("buy", 5, PRICE - 200), market.order("buy", 5, PRICE - 100)

    seller = market.order("sell", 6, PRICE - 300)

    assert [(e.quantity, e.price) for e in seller.executions] == [(5, PRICE - 100), (1, PRICE - 200)]
    assert (low.leaves, high.leaves) == (4, 0)


async def test_setting_the_price_through_a_resting_order_fills_it_at_its_own_price(market: Market) -> None:
    order = market.order("buy", 10, PRICE - 1_000)
    assert order.state is OrderState.NEW

    market.exchange.set_price(SYMBOL, PRICE - 2_000)

    assert [(e.quantity, e.price) for e in order.executions] == [(10, PRICE - 1_000)]


async def test_pause_holds_all_matching_and_resume_lets_it_go(market: Market) -> None:
    market.exchange.pause()
    plain, immediate = market.order("buy", 10), market.order("sell", 10, condition=Condition.IOC)
    assert market.kinds() == [EventKind.ACCEPTED, EventKind.ACCEPTED]

    market.exchange.resume()

    assert (plain.state, immediate.state) == (OrderState.FILLED, OrderState.FILLED)


async def test_orders_that_cross_while_paused_trade_with_each_other_on_resume(market: Market) -> None:
    market.set_level(0)
    market.exchange.pause()
    buyer, seller = market.order("buy", 5, PRICE + 200), market.order("sell", 5, PRICE)

    market.exchange.resume()

    assert (buyer.executions[0].price, seller.state) == (PRICE + 200, OrderState.FILLED)


async def test_paused_order_can_be_canceled(market: Market) -> None:
    market.exchange.pause()
    held, plain = market.order("buy", 10, condition=Condition.FOK), market.order("buy", 10)

    for order in (held, plain):
        market.exchange.cancel(market.account, order.number, quantity=None)
    market.exchange.flush()
    market.exchange.resume()

    assert (held.state, plain.state) == (OrderState.CANCELED, OrderState.CANCELED)
    assert market.account.reserved == 0


async def test_ioc_drops_what_it_cannot_fill(market: Market) -> None:
    market.set_level(3)

    order = market.order("buy", 10, condition=Condition.IOC)

    assert market.kinds() == [EventKind.ACCEPTED, EventKind.EXECUTED, EventKind.REMAINDER_DROPPED]
    assert (order.state, order.executed_quantity, order.canceled_quantity) == (OrderState.CANCELED, 3, 7)


async def test_fok_fills_whole_or_not_at_all(market: Market) -> None:
    market.set_level(3)

    too_large = market.order("buy", 4, condition=Condition.FOK)
    fitting = market.order("buy", 3, condition=Condition.FOK)

    assert (too_large.executed_quantity, too_large.state) == (0, OrderState.CANCELED)
    assert fitting.state is OrderState.FILLED


async def test_replace_moves_the_open_quantity_to_a_new_number_and_loses_time_priority(market: Market) -> None:
    first, second = market.order("buy", 5, PRICE - 100), market.order("buy", 5, PRICE - 100)
    changed = market.exchange.replace(market.account, first.number, order_type=OrderType.LIMIT, price=PRICE - 100, quantity=None)
    market.exchange.flush()
    market.set_level(0)

    market.order("sell", 6, PRICE - 100)

    assert isinstance(changed, Order)
    assert (first.state, first.leaves, changed.original) == (OrderState.REPLACED, 0, first)
    assert (second.executed_quantity, changed.executed_quantity) == (5, 1)


async def test_partial_replace_leaves_the_rest_under_the_old_number(market: Market) -> None:
    order = market.order("buy", 10, PRICE - 1_000)

    changed = market.exchange.replace(market.account, order.number, order_type=OrderType.LIMIT, price=PRICE, quantity=4)
    market.exchange.flush()

    assert isinstance(changed, Order)
    assert (order.leaves, order.state, changed.state) == (6, OrderState.NEW, OrderState.FILLED)


async def test_partial_cancel_leaves_the_rest_open(market: Market) -> None:
    order = market.order("buy", 10, PRICE - 1_000)

    cancel = market.exchange.cancel(market.account, order.number, quantity=4)
    market.exchange.flush()

    assert isinstance(cancel, Order)
    assert (order.leaves, order.state, cancel.state) == (6, OrderState.NEW, OrderState.CONFIRMED)


async def test_cancel_that_loses_its_race_is_refused_by_the_exchange(market: Market) -> None:
    order = market.try_order("buy", 10)
    assert isinstance(order, Order)

    cancel = market.exchange.cancel(market.account, order.number, quantity=None)
    market.exchange.flush()

    assert isinstance(cancel, Order)
    assert (order.state, cancel.state) == (OrderState.FILLED, OrderState.REJECTED)
    assert market.kinds()[-1] is EventKind.REJECTED


@pytest.mark.parametrize(
    ("side", "quantity", "price", "extra", "reason"),
    [
        ("buy", 10, PRICE, {"symbol": "999999"}, RejectReason.UNKNOWN_SYMBOL),
        ("buy", 0, PRICE, {}, RejectReason.BAD_QUANTITY),
        ("buy", 10, 0, {}, RejectReason.BAD_PRICE),
        ("buy", 10, PRICE + 1, {}, RejectReason.BAD_TICK),
        ("buy", 10, 92_400, {}, RejectReason.OUTSIDE_LIMITS),
        ("buy", 10, 49_600, {}, RejectReason.OUTSIDE_LIMITS),
        ("buy", 100_000, PRICE, {}, RejectReason.INSUFFICIENT_CASH),
        ("buy", 11_000, 0, {"order_type": OrderType.MARKET}, RejectReason.INSUFFICIENT_CASH),
        ("sell", 1_001, PRICE, {}, RejectReason.INSUFFICIENT_HOLDINGS),
        ("sell", 1, 176_000, {"symbol": "068270"}, RejectReason.NO_HOLDINGS),
        ("buy", 10, 0, {"order_type": OrderType.MARKET, "venue": Venue.NXT}, RejectReason.ORDER_TYPE_NOT_ALLOWED),
    ],
)
async def test_broker_refuses_what_cannot_be_traded(
    market: Market, side: str, quantity: int, price: int, extra: dict[str, object], reason: RejectReason
) -> None:
    outcome = market.try_order(side, quantity, price, **extra)

    assert outcome == Rejection(reason)
    assert market.exchange.orders == []


async def test_open_orders_tie_up_cash_and_shares(market: Market) -> None:
    market.order("sell", 1_000, PRICE + 1_000)
    power = market.account.buying_power
    bought = market.order("buy", 10, PRICE - 1_000)
    tied_up = power - market.account.buying_power

    assert market.try_order("sell", 1) == Rejection(RejectReason.INSUFFICIENT_HOLDINGS)
    assert tied_up == 700_000 + 105  # commission 0.015 %
    market.exchange.cancel(market.account, bought.number, quantity=None)
    market.exchange.flush()
    assert market.account.buying_power == power


async def test_unpriced_buy_is_reserved_at_the_upper_limit_and_settled_at_the_fill_price(market: Market) -> None:
    market.set_level(0)
    market.order("buy", 10, 0, order_type=OrderType.MARKET)
    assert market.account.reserved == 10 * 92_300 + 138

    market.set_level(10)
    market.exchange.match_all()

    assert (market.account.reserved, market.account.settled_cash) == (0, 1_000_000_000 - 710_000 - 106)


async def test_busted_trade_is_taken_out_of_order_cash_and_holdings(market: Market) -> None:
    order = market.order("buy", 10)

    market.exchange.bust(order, 0)

    assert (order.executed_quantity, order.executed_amount, order.executions[0].is_busted) == (0, 0, True)
    assert market.account.settled_cash == 1_000_000_000
    assert market.account.positions[SYMBOL].quantity == 1_000


async def test_sale_realizes_its_profit_after_costs_and_a_bust_takes_it_back(market: Market) -> None:
    market.exchange.set_price(SYMBOL, PRICE + 1_000)
    order = market.order("sell", 10, PRICE + 1_000)
    assert market.account.realized_today == 10_000 - order.costs

    market.exchange.bust(order, 0)

    position = market.account.positions[SYMBOL]
    assert (market.account.realized_today, position.quantity, position.cost) == (0, 1_000, 1_000 * PRICE)


async def test_reset_gives_no_order_or_execution_number_again(market: Market) -> None:
    before = market.order("buy", 1)
    market.exchange.reset()
    market.account = market.exchange.accounts[1]

    after = market.order("buy", 1)

    assert after.number > before.number
    assert after.executions[0].number > before.executions[0].number


async def test_exchange_can_refuse_an_order_that_the_broker_had_accepted(market: Market) -> None:
    market.exchange.behavior = Behavior(reject_at_exchange=1)

    refused, accepted = market.order("buy", 10), market.order("buy", 10)

    assert (refused.state, refused.rejected_quantity, accepted.state) == (OrderState.REJECTED, 10, OrderState.FILLED)


async def test_cancel_before_arrival_is_refused_as_too_early_where_wanted(market: Market) -> None:
    market.exchange.behavior = Behavior(refuses_too_early=True)
    order = market.try_order("buy", 10, PRICE - 1_000)
    assert isinstance(order, Order)

    assert market.exchange.cancel(market.account, order.number, quantity=None) == Rejection(RejectReason.TOO_EARLY)
    market.exchange.flush()
    assert isinstance(market.exchange.cancel(market.account, order.number, quantity=None), Order)


async def test_another_accounts_order_cannot_be_canceled(market: Market) -> None:
    order = market.order("buy", 10, PRICE - 1_000)
    other = next(account for account in market.exchange.accounts if account is not market.account and account.broker is order.broker)

    assert market.exchange.cancel(other, order.number, quantity=None) == Rejection(RejectReason.UNKNOWN_ORDER)


async def test_auction_collects_orders_and_the_next_phase_matches_them(market: Market) -> None:
    market.exchange.set_phase(Phase.PRE_OPEN)
    order = market.order("buy", 10)
    assert order.executed_quantity == 0
    assert market.try_order("buy", 1, condition=Condition.IOC) == Rejection(RejectReason.ORDER_TYPE_NOT_ALLOWED)

    market.exchange.set_phase(Phase.REGULAR)

    assert order.state is OrderState.FILLED


async def test_closed_market_takes_no_orders(market: Market) -> None:
    market.exchange.set_phase(Phase.CLOSED)

    outcome = market.try_order("buy", 10)

    assert isinstance(outcome, Rejection)
    assert outcome.reason in {RejectReason.BEFORE_OPEN, RejectReason.MARKET_CLOSED}


async def test_conditional_limit_becomes_a_market_order_in_the_closing_auction(market: Market) -> None:
    order = market.order("buy", 10, PRICE - 1_000, order_type=OrderType.CONDITIONAL_LIMIT)

    market.exchange.set_phase(Phase.CLOSING_AUCTION)
    assert order.executed_quantity == 0
    market.exchange.set_phase(Phase.REGULAR)

    assert (order.state, order.executions[0].price) == (OrderState.FILLED, PRICE)


async def test_restarted_sandbox_knows_its_clients_and_repeats_no_order_number(market: Market) -> None:
    again = Exchange()

    assert [account.app_key for account in again.accounts] == [account.app_key for account in market.exchange.accounts]
    assert [len(account.app_secret) for account in again.accounts] == [180, 180, 32, 32]
    first, later = market.order("buy", 1), Exchange().place(again.accounts[1], SYMBOL, Side.BUY, OrderType.LIMIT, PRICE, 1)
    assert isinstance(later, Order)
    assert later.number >= first.number


_STEPS = st.lists(
    st.tuples(
        st.sampled_from(["buy", "sell", "cancel", "replace", "price", "flush"]),
        st.integers(min_value=1, max_value=30),
        st.integers(min_value=-6, max_value=6),
        st.sampled_from(list(Condition)),
    ),
    max_size=40,
)


@given(_STEPS)
@settings(max_examples=150)
def test_whatever_happens_quantities_cash_and_holdings_add_up(steps: list[tuple[str, int, int, Condition]]) -> None:
    async def play() -> Market:
        market = Market()
        market.set_level(7)
        for action, quantity, ticks, condition in steps:
            price = PRICE + 100 * ticks
            live = [order for order in market.exchange.orders if order.leaves]
            if action in {"buy", "sell"}:
                market.try_order(action, quantity, price, condition=condition)
            elif action == "price":
                market.exchange.set_price(SYMBOL, price)
            elif action == "flush":
                market.exchange.flush()
            elif live and action == "cancel":
                market.exchange.cancel(market.account, live[quantity % len(live)].number, quantity=None)
            elif live:
                number = live[quantity % len(live)].number
                market.exchange.replace(market.account, number, order_type=OrderType.LIMIT, price=price, quantity=None)
        market.exchange.flush()
        return market

    market = asyncio.run(play())

    account, position = market.account, market.account.positions[SYMBOL]
    bought = sum(e.quantity for o, e in market.exchange.executions if o.side is Side.BUY)
    sold = sum(e.quantity for o, e in market.exchange.executions if o.side is Side.SELL)
    assert position.quantity == 1_000 + bought - sold
    assert position.selling == sum(o.leaves for o in market.exchange.orders if o.side is Side.SELL and o.at_exchange)
    assert account.reserved == sum(o.reserved for o in market.exchange.orders if o.side is Side.BUY)
    for order in market.exchange.orders:
        assert order.executed_quantity == sum(e.quantity for e in order.executions)
        assert order.leaves >= 0
        assert (order.leaves > 0) == order.is_resting
    asks, bids = market.exchange.books[SYMBOL].levels()
    assert not asks or not bids or bids[0][0] < asks[0][0]
