"""Which accounts are asked for market data: one market at a time."""

import pytest

from api.accounts.schemas import AccountSettings
from api.accounts.service import BrokerAccount
from api.domain.enums import Broker, Environment, TradingState
from api.market.sources import of_one_market
from tests.factories import NOON


def an_account(name: str, environment: Environment) -> BrokerAccount:
    return BrokerAccount(
        id=name,
        name=name,
        broker=Broker.KIS,
        environment=environment,
        account_number="1234567801",
        members={},
        trading_state=TradingState.ACTIVE,
        settings=AccountSettings(on_possible_duplicate="flag", never_received_after_seconds=600),
        created_at=NOON,
        updated_at=NOON,
        version=1,
    )


SANDBOX, PAPER, REAL, OTHER = (
    an_account(name, environment)
    for name, environment in (
        ("sandbox", Environment.SANDBOX),
        ("paper", Environment.PAPER),
        ("real", Environment.REAL),
        ("other", Environment.SANDBOX),
    )
)


@pytest.mark.parametrize(
    ("first", "expected"),
    [
        (None, ["real", "paper"]),
        (PAPER, ["paper", "real"]),
        (REAL, ["real", "paper"]),
        (SANDBOX, ["sandbox", "other"]),
        (OTHER, ["other", "sandbox"]),
    ],
)
def test_the_sandbox_and_the_exchange_are_never_asked_together(first: BrokerAccount | None, expected: list[str]) -> None:
    assert [account.name for account in of_one_market([SANDBOX, PAPER, REAL, OTHER], first)] == expected


def test_the_sandbox_is_asked_where_there_is_nothing_else() -> None:
    assert of_one_market([SANDBOX, OTHER]) == [SANDBOX, OTHER]
    assert of_one_market([]) == []
