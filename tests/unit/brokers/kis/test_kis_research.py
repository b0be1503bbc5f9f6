"""What is refused before KIS is asked."""

from collections.abc import Awaitable, Callable
from datetime import date
from typing import cast

import pytest

from api.brokers.base import Credentials
from api.brokers.errors import BrokerUnsupported
from api.brokers.kis.adapter import capabilities_of
from api.brokers.kis.files import MasterFiles
from api.brokers.kis.research import KisResearch
from api.brokers.kis.rest import KisRest
from api.domain.enums import Broker, Environment
from api.domain.financials import FinancialKind
from api.errors import HtsIdMissing

Ask = Callable[[KisResearch], Awaitable[object]]
OF_THE_TERMINAL: dict[str, Ask] = {
    "conditions": lambda research: research.list_conditions(),
    "found": lambda research: research.list_condition_stocks("0"),
    "groups": lambda research: research.list_interest_groups(),
    "listed": lambda research: research.list_interest_stocks("001"),
}
NOT_IN_PAPER: dict[str, Ask] = OF_THE_TERMINAL | {
    "financials": lambda research: research.list_financials("005930", FinancialKind.BALANCE_SHEET, is_quarterly=False),
    "firms": lambda research: research.list_firms(),
    "opinions": lambda research: research.list_firm_opinions("901", first=date(2026, 11, 1), last=date(2026, 11, 23)),
}


def research(environment: Environment, hts_id: str = "") -> KisResearch:
    """With nothing to send by: whatever is sent fails in another way than the tests expect."""
    credentials = Credentials(
        account_id="6650f1c2a4b3c2d1e0f9a8b7",
        broker=Broker.KIS,
        environment=environment,
        account_number="1234567801",
        app_key="key",
        app_secret="secret",
        hts_id=hts_id,
    )
    return KisResearch(cast(KisRest, None), cast(MasterFiles, None), credentials, capabilities_of(environment))


@pytest.mark.asyncio
@pytest.mark.parametrize("ask", OF_THE_TERMINAL.values(), ids=OF_THE_TERMINAL)
async def test_lists_of_the_terminal_want_an_hts_id(ask: Ask) -> None:
    with pytest.raises(HtsIdMissing) as caught:
        await ask(research(Environment.REAL))

    assert (caught.value.status, caught.value.code) == (422, "hts_id_missing")


@pytest.mark.asyncio
@pytest.mark.parametrize("ask", NOT_IN_PAPER.values(), ids=NOT_IN_PAPER)
async def test_paper_has_none_of_it(ask: Ask) -> None:
    with pytest.raises(BrokerUnsupported):
        await ask(research(Environment.PAPER, "hong1"))
