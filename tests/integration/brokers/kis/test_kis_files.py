"""Fetching KIS's master files: what a server of files can do wrong."""

import io
import zipfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from aiohttp import web

from api.brokers.errors import BrokerProtocolError, BrokerUnavailable
from api.brokers.kis.files import MasterFiles
from api.brokers.registry import BrokerRegistry, broker_endpoints
from api.brokers.sandbox.server import Sandbox
from api.domain.enums import Broker, Environment
from api.settings import Settings
from tests.integration.brokers.conftest import OpenAccount

NAMES = ["kospi_code.mst", "kosdaq_code.mst", "nxt_kospi_code.mst", "nxt_kosdaq_code.mst"]


@asynccontextmanager
async def file_server(files: dict[str, bytes | int]) -> AsyncIterator[str]:
    """Serves each file's bytes, or answers with its status; a folder's address."""

    async def handle(request: web.Request) -> web.Response:
        answer = files.get(request.path.removeprefix("/m/").removesuffix(".zip"), 404)
        return web.Response(status=answer) if isinstance(answer, int) else web.Response(body=answer)

    app = web.Application()
    app.router.add_get("/{path:.*}", handle)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/m"
    finally:
        await runner.cleanup()


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(trust_env=False) as client:
        yield client


@pytest.fixture
async def files(sandbox: Sandbox, http: httpx.AsyncClient) -> dict[str, bytes | int]:
    """The sandbox's own master files."""
    return {name: (await http.get(f"{sandbox.kis_url}/common/master/{name}.zip")).content for name in NAMES}


def zipped(name: str, inside: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(name, inside)
    return buffer.getvalue()


async def test_without_the_files_of_nxt_it_stays_open_what_is_traded_there(files: dict[str, bytes | int], http: httpx.AsyncClient) -> None:
    files["nxt_kosdaq_code.mst"] = 404

    async with file_server(files) as url:
        records = await MasterFiles(http, url).instruments()

    assert {record.is_nxt_tradable for record in records if record.market == "KOSDAQ"} == {None}
    assert {record.is_nxt_tradable for record in records if record.market == "KOSPI"} == {True, False}


@pytest.mark.parametrize("status", [404, 403, 500, 503])
async def test_a_market_that_cannot_be_fetched_is_no_empty_market(
    status: int, files: dict[str, bytes | int], http: httpx.AsyncClient
) -> None:
    files["kosdaq_code.mst"] = status

    async with file_server(files) as url:
        with pytest.raises(BrokerUnavailable):
            await MasterFiles(http, url).instruments()


async def test_a_server_that_is_not_there_is_unavailable(http: httpx.AsyncClient) -> None:
    async with file_server({}) as url:
        pass

    with pytest.raises(BrokerUnavailable):
        await MasterFiles(http, url).instruments()


@pytest.mark.parametrize(
    ("content", "field"),
    [
        (b"<html>maintenance</html>", "zip"),
        (zipped("other.mst", b"x"), "zip"),
        (zipped("kospi_code.mst", b""), "line"),
        (zipped("kospi_code.mst", "005930   KR7005930003삼성전자\n".encode("cp949")), "line"),
        (zipped("kospi_code.mst", "005930   KR7005930003삼성전자\n".encode() * 3), "line"),
    ],
    ids=["page", "other name", "empty", "short line", "utf-8"],
)
async def test_a_file_of_another_form_names_itself_and_the_field(
    content: bytes, field: str, files: dict[str, bytes | int], http: httpx.AsyncClient
) -> None:
    files["kospi_code.mst"] = content

    async with file_server(files) as url:
        with pytest.raises(BrokerProtocolError) as caught:
            await MasterFiles(http, url).instruments()

    assert (caught.value.tr, caught.value.field) == ("kospi_code.mst", field)


async def test_a_sandbox_account_reads_the_sandboxs_files(registry: BrokerRegistry, open_account: OpenAccount, sandbox: Sandbox) -> None:
    records = await registry.adapter(await open_account(Broker.KIS)).list_instruments()

    assert {record.symbol for record in records} == set(sandbox.doors.exchange.instruments)


def test_real_and_paper_read_the_address_of_the_setting(settings: Settings) -> None:
    for environment in (Environment.REAL, Environment.PAPER):
        assert broker_endpoints(settings, Broker.KIS, environment).master_url == settings.kis_master_url
    assert broker_endpoints(settings, Broker.LS, Environment.REAL).master_url == ""
