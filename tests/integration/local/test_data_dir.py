"""The data folder: secrets made once, one user at a time, damage never papered over."""

import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from pydantic import SecretStr

from api.local.data_dir import DataDir
from api.local.errors import LocalError
from api.local.running import announce, find_running, with_servers, withdraw
from api.settings import Settings

HOLDS_LOCK = """
import sys
from pathlib import Path
from api.local.data_dir import DataDir

with DataDir(Path(sys.argv[1])).lock():
    print("held", flush=True)
    sys.stdin.read()
"""


def test_secrets_are_made_once_and_stay(tmp_path: Path) -> None:
    first = DataDir(tmp_path).with_secrets(Settings())
    second = DataDir(tmp_path).with_secrets(Settings())

    assert first.secret_values == second.secret_values
    assert len(first.secret_values) == 2
    assert stat.S_IMODE((tmp_path / "secrets.json").stat().st_mode) == 0o600


def test_processes_that_start_together_agree_on_the_secrets(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: DataDir(tmp_path).with_secrets(Settings()).secret_values, range(32)))

    assert len(set(made)) == 1


def test_given_secrets_stand(tmp_path: Path) -> None:
    given = SecretStr("g" * 40)

    settings = DataDir(tmp_path).with_secrets(Settings(secret_key=given))

    assert settings.secret_key == given
    assert len(settings.encryption_keys) == 1


def test_damaged_secrets_are_reported_and_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "secrets.json").write_text('{"encryption_keys": ["abc')

    with pytest.raises(LocalError, match=r"secrets\.json cannot be read"):
        DataDir(tmp_path).with_secrets(Settings())

    assert (tmp_path / "secrets.json").read_text() == '{"encryption_keys": ["abc'


def test_a_folder_that_cannot_be_made_names_the_setting(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(LocalError, match=r"^LUCY_DATA_DIR="):
        DataDir(tmp_path / "file" / "lucy")


def test_two_copies_do_not_share_a_folder(tmp_path: Path) -> None:
    holder = subprocess.Popen([sys.executable, "-c", HOLDS_LOCK, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"

    with pytest.raises(LocalError, match=rf"process {holder.pid}\): stop it, or set LUCY_DATA_DIR"), DataDir(tmp_path).lock():
        pass
    holder.kill()
    holder.communicate()

    with DataDir(tmp_path).lock():
        pass


def test_a_second_terminal_finds_the_running_copy(tmp_path: Path) -> None:
    data = DataDir(tmp_path)
    up = Settings(data_dir=tmp_path, mongodb_url="mongodb://127.0.0.1:1/", redis_url="redis://127.0.0.1:2/0")
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        announce(data, up, process.pid, {"api": 1})

        found = with_servers(Settings(data_dir=tmp_path))

        assert (found.mongodb_url, found.redis_url) == (up.mongodb_url, up.redis_url)
        assert stat.S_IMODE((tmp_path / "run.json").stat().st_mode) == 0o600
        process.communicate(b"\n")

    assert find_running(data) is None, "it was killed: its file is out of date"
    with pytest.raises(LocalError, match="no `lucy up` runs"):
        with_servers(Settings(data_dir=tmp_path))
    withdraw(data)
    assert not (tmp_path / "run.json").exists()
