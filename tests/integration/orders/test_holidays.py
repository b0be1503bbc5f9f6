"""On a day on which the exchange is closed nothing is sent there."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from api.accounts.schemas import CreateAccount
from api.auth.principal import Principal
from api.bootstrap import Services, open_services
from api.domain.enums import Broker, Environment, OrderType, Role, Side
from api.errors import MarketClosed
from api.kit.clock import ManualClock
from api.orders.schemas import PlaceOrder
from api.settings import Settings
from api.users.schemas import CreateUser
from tests.factories import an_instrument

CHRISTMAS_EVE = datetime(2026, 12, 24, 1, tzinfo=UTC)  # 10:00 in Korea, Thursday


async def ask(services: Services, environment: Environment) -> None:
    """Judge an order at an account of this environment; nothing is sent."""
    user = await services.users.create("system", CreateUser(username="trader", password="correct horse battery", role=Role.TRADER))
    principal = Principal(user_id=user.id, username=user.username, role=Role.TRADER)
    await services.database["instruments"].insert_one(an_instrument().model_dump_doc())
    account = await services.accounts.create(
        principal,
        CreateAccount(
            name="desk",
            broker=Broker.LS,
            environment=environment,
            account_number="00101123401",
            app_key="k" * 36,
            app_secret="s" * 32,
        ),
    )
    request = PlaceOrder(account_id=account.id, symbol="005930", side=Side.BUY, quantity=1, order_type=OrderType.LIMIT, limit_price=71_000)
    await services.order_service.check(principal, request)


@pytest.mark.parametrize("told", [None, True, False])
async def test_an_order_on_a_holiday_is_refused_unless_a_broker_says_that_the_exchange_opens(settings: Settings, told: bool | None) -> None:
    clock = ManualClock(CHRISTMAS_EVE)
    async with open_services(settings, clock) as services:
        if told is not None:
            await tell(services, date(2026, 12, 25), is_open=told)
        clock.advance(86_400)
        if told:
            await ask(services, Environment.PAPER)
        else:
            with pytest.raises(MarketClosed):
                await ask(services, Environment.PAPER)


async def test_a_temporary_holiday_that_a_broker_told_of_counts(settings: Settings) -> None:
    async with open_services(settings, ManualClock(CHRISTMAS_EVE)) as services:
        await tell(services, date(2026, 12, 24), is_open=False)
        with pytest.raises(MarketClosed):
            await ask(services, Environment.PAPER)


async def test_a_trading_day_and_the_sandbox_are_open(settings: Settings) -> None:
    async with open_services(settings, ManualClock(CHRISTMAS_EVE)) as services:
        await ask(services, Environment.PAPER)


async def test_the_sandbox_keeps_its_own_days(settings: Settings) -> None:
    clock = ManualClock(CHRISTMAS_EVE)
    clock.advance(86_400)
    async with open_services(settings, clock) as services:
        await ask(services, Environment.SANDBOX)


async def tell(services: Services, day: date, **fields: Any) -> None:
    """What a broker said of a day, as `CalendarService` keeps it."""
    row = {
        "_id": f"exchange:{day.isoformat()}",
        "day": day.isoformat(),
        "is_settlement_day": True,
        "broker": "kis",
        "asked_on": "2026-12-24",
    }
    await services.database["trading_days"].insert_one(row | fields)
