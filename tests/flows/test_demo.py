"""`lucy demo` as a person runs it: a process of its own against a running copy."""

import asyncio
import re
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from api.local.data_dir import DataDir
from api.local.demo_report import Json, Row
from api.local.running import announce
from api.settings import Settings
from tests.stack import ROOT, Stack, environment_of

pytestmark = pytest.mark.asyncio(loop_scope="session")

_LONGEST_SECONDS = 60.0


async def run_demo(settings: Settings, **environment: str) -> tuple[int, str, str]:
    """Exit code, output and errors of one run."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "api.cli",
        "demo",
        cwd=ROOT,
        env=environment_of(settings) | environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await asyncio.wait_for(process.communicate(), _LONGEST_SECONDS)
    return process.returncode or 0, output.decode(), errors.decode()


async def test_the_demo_agrees_with_the_market_each_time_it_is_run(stack: Stack) -> None:
    for side in ("buy", "sell"):  # of the large order: the second run sells what the first one bought
        code, output, errors = await run_demo(stack.settings)

        assert (code, errors) == (0, ""), output + errors
        assert len(re.findall(r"^\d\d:.*fill .*005930.* won$", output, re.MULTILINE)) >= 2, output
        assert f"place  at KIS: {side} 2," in output, output
        assert "pending_replace" in output, output
        assert "canceled" in output, output
        assert "DIFFER" not in output, output
        assert f"block: {side} 137" in output, output
        assert len(re.findall(r"Lucy demo [AB] .* shares .* won$", output, re.MULTILINE)) == 2, output
    executions = await stack.ledger_executions()
    assert sum(entry["quantity"] for entry in executions if entry["symbol"] == "005930" and entry["broker"] == "kis") > 4_000


async def test_the_demo_finds_the_copy_that_runs_from_the_data_folder(stack: Stack, tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec("sleep", "60")
    folder = tmp_path / "copy"
    announce(DataDir(folder), stack.settings, process.pid, {})

    code, output, errors = await run_demo(
        stack.settings, LUCY_DATA_DIR=str(folder), LUCY_API_PORT="", LUCY_SPA_PORT="", LUCY_SANDBOX_PORT=""
    )

    process.kill()
    await process.wait()
    assert (code, errors) == (0, ""), output + errors
    assert f"Lucy at {stack.settings.api_url}" in output


async def test_a_market_that_does_not_trade_gets_one_clear_line(stack: Stack) -> None:
    await stack.sandbox.post("/market/pause")

    code, _, errors = await run_demo(stack.settings)

    assert code == 1
    assert "not trading" in errors
    assert errors.count("\n") == 1


@pytest.mark.parametrize(
    "change",
    [
        {"order": {"filled_amount": 501}},
        {"order": {"cumulative_quantity": 4}},
        {"order": {"status": "partially_filled"}},
        {"heard": []},
        {"executions": []},
        {"executions": [{"quantity": 3, "price": 100}, {"quantity": 2, "price": 100}]},
        {"expected": "canceled"},
    ],
)
async def test_any_difference_between_lucy_and_the_market_shows(change: Json) -> None:
    order = {"status": "filled", "cumulative_quantity": 5, "filled_amount": 500}
    fill = {"id": "f", "quantity": 5, "price": 100, "source": "stream"}
    good = Row(name="", order=order | {"fills": [fill]}, heard=[fill], executions=[{"quantity": 5, "price": 100}], expected="filled")

    bad = replace(good, **(change | ({"order": good.order | change["order"]} if "order" in change else {})))

    assert good.agrees
    assert not bad.agrees


async def test_a_missing_copy_gets_one_clear_line(settings: Settings) -> None:
    code, _, errors = await run_demo(settings)

    assert code == 1
    assert "start `lucy up` first" in errors
    assert errors.count("\n") == 1


async def test_a_demo_user_who_cannot_sign_in_gets_one_clear_line(stack: Stack) -> None:
    answer = await stack.http.post("/auth/password", json={"current_password": "lucy-demo", "new_password": "quite-another-password"})
    assert answer.is_success, answer.text

    code, _, errors = await run_demo(stack.settings)

    assert code == 1
    assert "cannot sign in" in errors
    assert errors.count("\n") == 1
