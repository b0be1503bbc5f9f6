"""The SPA's own server: the right file, cached the right way, with the right headers."""

import gzip
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from aiohttp import web

from api.local.process import choose_port
from api.local.spa_server import make_app
from api.settings import Settings

PAGE = "<!doctype html><title>Lucy</title>"
SCRIPT = "console.log('안녕');" * 200


@pytest.fixture
async def spa(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    build = tmp_path / "dist"
    (build / "assets").mkdir(parents=True)
    (build / "index.html").write_text(PAGE)
    (build / "assets" / "index-B1a2C3.js").write_text(SCRIPT)
    (build / "favicon.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    (tmp_path / "secret.txt").write_text("not for the web")
    port = choose_port()
    runner = web.AppRunner(make_app(Settings(api_port=9000), build))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        yield client
    await runner.cleanup()


async def test_the_api_address_is_told_at_run_time(spa: httpx.AsyncClient) -> None:
    response = await spa.get("/config.json")

    assert response.json() == {"apiUrl": "http://127.0.0.1:9000"}
    assert response.headers["cache-control"] == "no-store"


async def test_the_api_is_named_as_the_browser_names_this_machine(spa: httpx.AsyncClient) -> None:
    response = await spa.get("/config.json", headers={"Host": "localhost:8080"})

    assert response.json() == {"apiUrl": "http://localhost:9000"}
    assert "connect-src 'self' http://localhost:9000;" in response.headers["content-security-policy"]


@pytest.mark.parametrize("path", ["/", "/index.html", "/orders", "/orders/65f0c1", "/accounts/new?x=1"])
async def test_a_path_of_the_router_answers_the_page(spa: httpx.AsyncClient, path: str) -> None:
    response = await spa.get(path)

    assert (response.status_code, response.text) == (200, PAGE)
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert response.headers["cache-control"] == "no-cache"


async def test_a_hashed_file_may_be_kept_for_ever_and_comes_compressed(spa: httpx.AsyncClient) -> None:
    response = await spa.get("/assets/index-B1a2C3.js", headers={"Accept-Encoding": "gzip"})

    assert response.text == SCRIPT
    assert response.headers["content-encoding"] == "gzip"
    assert int(response.headers["content-length"]) < len(SCRIPT) / 2
    assert "immutable" in response.headers["cache-control"]
    assert response.headers["vary"] == "Accept-Encoding"


async def test_who_takes_no_compression_gets_none(spa: httpx.AsyncClient) -> None:
    response = await spa.get("/assets/index-B1a2C3.js", headers={"Accept-Encoding": "identity"})

    assert "content-encoding" not in response.headers
    assert response.content != gzip.compress(SCRIPT.encode())


async def test_an_unchanged_file_is_not_sent_again(spa: httpx.AsyncClient) -> None:
    first = await spa.get("/favicon.svg")
    second = await spa.get("/favicon.svg", headers={"If-None-Match": first.headers["etag"]})

    assert (second.status_code, second.content) == (304, b"")


@pytest.mark.parametrize("path", ["/assets/missing-A1.js", "/missing.png"])
async def test_a_missing_file_is_not_answered_with_the_page(spa: httpx.AsyncClient, path: str) -> None:
    assert (await spa.get(path)).status_code == 404


@pytest.mark.parametrize(
    "path",
    ["/%2e%2e/secret.txt", "/assets/%2e%2e/%2e%2e/secret.txt", "/..%2fsecret.txt", "/%00.txt", "//secret.txt", f"/{'a' * 5000}.txt"],
)
async def test_nothing_outside_the_build_is_served(spa: httpx.AsyncClient, path: str) -> None:
    response = await spa.get(path)

    assert "not for the web" not in response.text
    assert response.status_code < 500


@pytest.mark.parametrize("path", ["/", "/config.json", "/missing.png"])
async def test_every_answer_carries_the_security_headers(spa: httpx.AsyncClient, path: str) -> None:
    headers = (await spa.get(path)).headers

    assert "default-src 'self'" in headers["content-security-policy"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
