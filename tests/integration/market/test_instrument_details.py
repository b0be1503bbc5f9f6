"""Masters of all brokers and the English names that none of them has, against the sandbox."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from api.bootstrap import Services, open_services
from api.brokers.sandbox import server
from api.kit.tls import trusted
from api.local.seed import seed
from api.settings import Settings
from tests.notes import Notes
from worker.jobs.load_instrument_details import load_instrument_details
from worker.jobs.load_instruments import load_instruments


@pytest.fixture
async def market(settings: Settings) -> AsyncIterator[tuple[Services, httpx.AsyncClient]]:
    """Services with the demo's accounts and their masters loaded, and the sandbox's controls."""
    async with (
        server.serving(port=settings.sandbox_port) as sandbox,
        httpx.AsyncClient(verify=trusted(), base_url=sandbox.control_url) as control,
        open_services(settings) as services,
    ):
        await control.put("/limits", json={"enabled": False})
        await seed(services)
        yield services, control


async def _fill(services: Services, most: int) -> int:
    accounts = await services.accounts.list_active()
    adapters = [services.brokers.adapter(await services.accounts.credentials(account)) for account in accounts]
    return await services.market.fill_details(adapters, most=most, pause_seconds=0)


async def _named(services: Services) -> int:
    return await services.database["instruments"].count_documents({"english_name": {"$ne": ""}})


async def test_each_instrument_has_what_either_broker_tells_of_it(market: tuple[Services, Any]) -> None:
    services, _ = market

    samsung = await services.market.get("005930")

    assert samsung.upper_limit_price is not None  # LS alone tells limits
    assert samsung.is_nxt_tradable is not None  # KIS alone tells of NXT
    assert samsung.is_administrative is False


async def test_loading_again_changes_nothing(market: tuple[Services, Any]) -> None:
    services, _ = market
    before = await services.database["instruments"].find({}).to_list(None)

    notes = Notes()
    await load_instruments(services, notes)

    assert notes.counts["instruments"] == len(before) > 100
    assert await services.database["instruments"].find({}).to_list(None) == before


async def test_english_names_are_filled_in_a_few_at_a_time_and_found_by_search(market: tuple[Services, Any]) -> None:
    services, _ = market

    first = await _fill(services, most=30)
    named = await _named(services)
    second = await _fill(services, most=1_000)
    third = await _fill(services, most=1_000)

    total = await services.database["instruments"].count_documents({})
    assert (first, named, third) == (30, 30, 0)
    assert (first + second, await _named(services)) == (total, total)
    assert "005930" in [found.symbol for found in await services.market.search("samsung elec", 5)]


async def test_a_run_that_a_failing_broker_ended_is_taken_up_again(market: tuple[Services, Any]) -> None:
    services, control = market
    await _fill(services, most=10)
    fault = {"broker": "kis", "operation": "inquire", "kind": "error_500_before_taken", "count": 50}
    (await control.post("/faults", json=fault)).raise_for_status()

    interrupted = await _fill(services, most=10)
    (await control.delete("/faults")).raise_for_status()
    resumed = await _fill(services, most=10)

    assert (interrupted, resumed, await _named(services)) == (0, 10, 20)


async def test_a_master_read_anew_keeps_the_english_names(market: tuple[Services, Any]) -> None:
    services, _ = market
    await _fill(services, most=5)

    await load_instruments(services, Notes())

    assert await _named(services) == 5


async def test_two_runs_at_once_ask_about_each_instrument_once(market: tuple[Services, Any]) -> None:
    services, _ = market
    lease = await services.leases.acquire("instrument_details", "another worker", 60)
    assert lease is not None

    asked_meanwhile = await load_instrument_details({"services": services})

    assert (asked_meanwhile, await _named(services)) == (0, 0)


@pytest.mark.parametrize("broken", ["kis", "ls"])
async def test_one_brokers_master_is_enough(settings: Settings, broken: str) -> None:
    async with (
        server.serving(port=settings.sandbox_port) as sandbox,
        httpx.AsyncClient(verify=trusted(), base_url=sandbox.control_url) as control,
        open_services(settings) as services,
    ):
        await control.put("/limits", json={"enabled": False})
        await seed(services)
        await services.database["instruments"].delete_many({})
        (
            await control.post("/faults", json={"broker": broken, "operation": "any", "kind": "error_500_before_taken", "count": 50})
        ).raise_for_status()

        notes = Notes()
        await load_instruments(services, notes)

        instruments = await services.database["instruments"].find({}).to_list(None)
        assert notes.counts["instruments"] == len(instruments) > 100
        assert all((row["upper_limit_price"] is None) is (broken == "ls") for row in instruments)
