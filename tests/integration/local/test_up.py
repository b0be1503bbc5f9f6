"""``lucy up`` and its companions as a user runs them: real processes, real signals."""

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.local.process import choose_port, command_line, wait_until

ROOT = Path(__file__).parents[3]
READY_SECONDS = 90.0  # beside other work on a small machine
HEALED_SECONDS = 60.0


def environment(folder: Path, **changed: str) -> dict[str, str]:
    plain = {name: value for name, value in os.environ.items() if not re.match(r"LUCY_|MONGODB_URL|REDIS_URL", name)}
    ports = {"LUCY_API_PORT": str(choose_port()), "LUCY_SPA_PORT": str(choose_port()), "LUCY_SANDBOX_PORT": str(choose_port(3))}
    return plain | ports | {"LUCY_DATA_DIR": str(folder), "PYTHONPATH": str(ROOT)} | changed


def lucy(*arguments: str, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "api.cli", *arguments], cwd=ROOT, env=env, capture_output=True, text=True, timeout=60, check=False
    )


class Up:
    """A running ``lucy up``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "lucy"
        self.env = environment(self.folder)
        self._output = folder / "output"
        self.process = self.start()

    def start(self) -> "subprocess.Popen[bytes]":
        with self._output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "api.cli", "up"], cwd=ROOT, env=self.env, stdout=output, stderr=output, start_new_session=True
            )
        return self.process

    @property
    def output(self) -> str:
        return self._output.read_text(errors="replace")

    @property
    def state(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads((self.folder / "run.json").read_text())
        return content

    async def ready(self) -> None:
        await wait_until(lambda: "Lucy is ready" in self.output or self.process.poll() is not None, READY_SECONDS)
        assert "Lucy is ready" in self.output, self.output

    async def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        self.process.send_signal(number)
        return await asyncio.to_thread(self.process.wait, 60)

    async def is_serving(self) -> bool:
        async with httpx.AsyncClient(timeout=5) as client:
            try:
                return (await client.get(f"{self.state['api_url']}/api/v1/health/ready")).status_code == 200
            except httpx.TransportError:
                return False


@pytest.fixture
async def up(tmp_path: Path) -> AsyncIterator[Up]:
    running = Up(tmp_path)
    yield running
    if running.process.poll() is None:
        running.process.kill()
        running.process.wait()


async def test_up_starts_heals_stops_and_starts_again_with_its_data(up: Up) -> None:
    await up.ready()
    state = up.state
    children: dict[str, int] = state["children"]
    login = {"username": "demo", "password": "lucy-demo"}
    async with httpx.AsyncClient(base_url=state["api_url"], timeout=10) as client:
        signed_in = await client.post("/api/v1/auth/login", json=login)
        assert signed_in.status_code < 300, signed_in.text
        accounts = await client.get("/api/v1/accounts", headers={"Authorization": f"Bearer {signed_in.json()['access_token']}"})
    assert sorted(account["broker"] for account in accounts.json()["items"]) == ["kis", "ls"]
    assert {"api", "worker", "sandbox", "mongod", "valkey"} <= set(children)

    for name in ("api", "worker", "mongod", "valkey"):
        os.kill(children[name], signal.SIGKILL)
    assert await wait_until(lambda: all(up.state["children"][name] != pid for name, pid in children.items() if name in _KILLED), 30)
    async with asyncio.timeout(HEALED_SECONDS):
        while not await up.is_serving():  # noqa: ASYNC110  # another process heals, there is no event to wait for
            await asyncio.sleep(0.1)
    pids = [*up.state["children"].values()]

    assert await up.stop() == 0, up.output
    assert not any(str(up.folder) in command_line(pid) or "api.cli" in command_line(pid) for pid in pids)
    assert not (up.folder / "run.json").exists()

    up.start()
    await up.ready()
    async with httpx.AsyncClient(base_url=up.state["api_url"], timeout=10) as client:
        assert (await client.post("/api/v1/auth/login", json=login)).status_code < 300
    assert await up.stop(signal.SIGTERM) == 0, up.output
    assert "Traceback" not in up.output


_KILLED = ("api", "worker", "mongod", "valkey")


@pytest.mark.parametrize("setting", ["LUCY_API_PORT", "LUCY_SPA_PORT", "LUCY_SANDBOX_PORT", "LUCY_MONGODB_PORT", "LUCY_REDIS_PORT"])
def test_a_port_in_use_is_one_line_before_anything_is_started(tmp_path: Path, setting: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])

        run = lucy("up", env=environment(tmp_path, **{setting: port}))

    assert run.returncode == 1
    assert run.stderr.startswith(f"lucy: port {port} is in use: set {setting} to a free one")
    assert run.stderr.count("\n") == 1
    assert "starting mongod" not in run.stdout


def test_a_wrong_setting_is_one_line(tmp_path: Path) -> None:
    run = lucy("up", env=environment(tmp_path, LUCY_API_PORT="http"))

    assert (run.returncode, run.stderr) == (1, "lucy: LUCY_API_PORT: a port is a whole number from 1 to 65535, not 'http'\n")


@pytest.mark.parametrize("command", ["api", "worker", "create-user someone", "demo"])
def test_a_command_that_finds_nothing_running_says_so_in_one_line(tmp_path: Path, command: str) -> None:
    run = lucy(*command.split(), env=environment(tmp_path))

    assert run.returncode == 1
    assert "Traceback" not in run.stderr + run.stdout


@pytest.mark.parametrize("command", ["sandbox", "seed"])
def test_sandbox_and_demo_accounts_do_not_exist_outside_local(tmp_path: Path, command: str) -> None:
    explicit = {
        "LUCY_MODE": "production",
        "LUCY_SECRET_KEY": "s" * 40,
        "LUCY_ENCRYPTION_KEYS": "A" * 43 + "=",
        "MONGODB_URL": "mongodb://127.0.0.1:1/?replicaSet=lucy",
        "REDIS_URL": "redis://127.0.0.1:1/0",
    }

    run = lucy(command, env=environment(tmp_path, **explicit))

    assert run.returncode == 1
    assert "LUCY_MODE=local" in run.stderr


def test_wrong_usage_is_exit_code_2(tmp_path: Path) -> None:
    assert lucy("fly", env=environment(tmp_path)).returncode == 2
    assert lucy(env=environment(tmp_path)).returncode == 2


def test_version_is_told(tmp_path: Path) -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+\S*\n", lucy("version", env=environment(tmp_path)).stdout)
