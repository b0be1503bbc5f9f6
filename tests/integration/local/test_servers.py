"""The embedded servers: durable, private, and not stopped by what a killed run leaves behind."""

import asyncio
import os
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from pymongo import MongoClient
from redis import AuthenticationError, Redis

from api.local import mongod as mongod_module
from api.local import valkey as valkey_module
from api.local.data_dir import DataDir
from api.local.errors import LocalError
from api.local.process import choose_port, command_line, wait_until
from api.local.servers import embedded, make_mongod, make_valkey

STARTS_BOTH = """
import asyncio, sys
from pathlib import Path
from api.local.data_dir import DataDir
from api.local.servers import embedded

async def main():
    async with embedded(DataDir(Path(sys.argv[1]))) as (mongod, valkey):
        print(mongod.pid, valkey.pid, flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


def insert(url: str, value: int) -> None:
    with MongoClient[dict[str, int]](url) as client:
        client["lucy"]["things"].insert_one({"value": value})


def values(url: str) -> list[int]:
    with MongoClient[dict[str, int]](url) as client:
        return [row["value"] for row in client["lucy"]["things"].find().sort("value")]


async def test_data_and_addresses_survive_a_restart(tmp_path: Path) -> None:
    data = DataDir(tmp_path)
    async with embedded(data) as (mongod, valkey):
        first = mongod.url, valkey.url
        insert(mongod.url, 1)
        with Redis.from_url(valkey.url) as redis:
            redis.set("kept", "yes")

    async with embedded(data) as (mongod, valkey):
        with Redis.from_url(valkey.url) as redis:
            kept = redis.get("kept")

        assert (mongod.url, valkey.url) == first
        assert (values(mongod.url), kept) == ([1], b"yes")


async def test_a_killed_run_leaves_nothing_that_stops_the_next(tmp_path: Path) -> None:
    run = subprocess.Popen([sys.executable, "-c", STARTS_BOTH, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert run.stdout is not None
    pids = [int(pid) for pid in (await asyncio.to_thread(run.stdout.readline)).split()]
    run.kill()
    run.communicate()

    async with embedded(DataDir(tmp_path)) as (mongod, valkey):
        insert(mongod.url, 2)

        assert values(mongod.url) == [2]
        assert {mongod.pid, valkey.pid}.isdisjoint(pids)


@pytest.mark.skipif(sys.platform != "linux", reason="the death signal of a parent is Linux's")
async def test_the_servers_end_with_their_parent_even_by_sigkill(tmp_path: Path) -> None:
    run = subprocess.Popen([sys.executable, "-c", STARTS_BOTH, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert run.stdout is not None
    pids = [int(pid) for pid in (await asyncio.to_thread(run.stdout.readline)).split()]

    run.kill()
    run.communicate()

    assert len(pids) == 2
    assert await wait_until(lambda: not any(str(tmp_path) in command_line(pid) for pid in pids), 20)


async def test_a_killed_server_starts_again_with_what_it_had_confirmed(tmp_path: Path) -> None:
    async with embedded(DataDir(tmp_path)) as (mongod, valkey):
        insert(mongod.url, 3)
        with Redis.from_url(valkey.url) as redis:
            redis.set("confirmed", 3)
        os.kill(mongod.pid, signal.SIGKILL)
        os.kill(valkey.pid, signal.SIGKILL)
        assert await wait_until(lambda: not mongod.is_alive() and not valkey.is_alive(), 5)

        await asyncio.gather(mongod.start(), valkey.start())

        with Redis.from_url(valkey.url) as redis:
            assert (values(mongod.url), redis.get("confirmed")) == ([3], b"3")


async def test_a_pid_file_that_names_a_stranger_harms_nobody(tmp_path: Path) -> None:
    data = DataDir(tmp_path)
    stranger = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        (data.folder("valkey") / "pid").write_text(str(stranger.pid))
        valkey = await make_valkey(data)
        await valkey.start()
        await valkey.stop()

        assert stranger.poll() is None
    finally:
        stranger.communicate(b"\n")


async def test_a_remembered_port_that_somebody_took_is_replaced(tmp_path: Path) -> None:
    data = DataDir(tmp_path)
    first = await make_mongod(data)
    await first.start()
    insert(first.url, 4)
    await first.stop()
    with socket.socket() as other:
        other.bind(("127.0.0.1", first.port))
        second = await make_mongod(data)
        await second.start()
        try:
            assert second.port != first.port
            assert values(second.url) == [4]
        finally:
            await second.stop()


async def test_a_port_that_the_setting_names_and_somebody_has_is_one_line(tmp_path: Path) -> None:
    data = DataDir(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        with pytest.raises(LocalError, match=f"^port {port} is in use: set LUCY_MONGODB_PORT"):
            await make_mongod(data, port)
        with pytest.raises(LocalError, match=f"^port {port} is in use: set LUCY_REDIS_PORT"):
            await make_valkey(data, port)


async def test_valkey_asks_for_its_password(tmp_path: Path) -> None:
    valkey = await make_valkey(DataDir(tmp_path))
    await valkey.start()
    try:
        with Redis(host="127.0.0.1", port=valkey.port) as redis, pytest.raises(AuthenticationError):
            redis.ping()
    finally:
        await valkey.stop()


async def test_nothing_in_the_folder_is_readable_by_others(tmp_path: Path) -> None:
    data = DataDir(tmp_path / "lucy")
    async with embedded(data):
        pass

    assert stat.S_IMODE(data.path.stat().st_mode) == 0o700
    for name in ("secrets.json", "valkey/valkey.conf", "valkey/valkey.log", "mongo/mongod.log"):
        assert stat.S_IMODE((data.path / name).stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("kill -ILL $$", "needs a newer processor"),
        ("echo 'mongod: error while loading shared libraries: libcrypto.so.3: cannot open' >&2; exit 127", "libcrypto.so.3"),
        ("echo 'no space left' >&2; exit 100", "no space left"),
    ],
)
async def test_a_server_that_cannot_run_here_says_why_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, words: str
) -> None:
    broken = tmp_path / "mongod"
    broken.write_text(f"#!/bin/sh\n{script}\n")
    broken.chmod(0o700)
    monkeypatch.setattr(mongod_module, "_find_binary", lambda _folder: broken)
    mongod = await make_mongod(DataDir(tmp_path / "lucy"))

    with pytest.raises(LocalError) as error:
        await mongod.start()

    assert words in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("module", [mongod_module, valkey_module])
async def test_a_system_without_the_wheel_is_pointed_to_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: object
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    data = DataDir(tmp_path)
    server = await (make_mongod(data) if module is mongod_module else make_valkey(data))

    with pytest.raises(LocalError, match=r"MONGODB_URL and REDIS_URL .* docker-compose\.yml"):
        await server.start()


def test_chosen_ports_lie_in_a_row() -> None:
    first = choose_port(count=3)

    with socket.create_server(("127.0.0.1", first + 2)):
        assert choose_port(count=3) != first
