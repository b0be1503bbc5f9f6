"""What can be set from outside, and how a wrong value is told."""

import os
import re
import secrets
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr, ValidationError

from api.settings import Settings, SettingsError, load_settings

KEY = secrets.token_urlsafe(48)
FERNET = Fernet.generate_key().decode()
EXPLICIT = {
    "LUCY_SECRET_KEY": KEY,
    "LUCY_ENCRYPTION_KEYS": FERNET,
    "MONGODB_URL": "mongodb://db:27017/?replicaSet=lucy",
    "REDIS_URL": "redis://:hunter2-hunter2@cache:6379/0",
}


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("LUCY_") or name in ("MONGODB_URL", "REDIS_URL"):
            monkeypatch.delenv(name)


def set_all(monkeypatch: pytest.MonkeyPatch, values: dict[str, str]) -> None:
    for name, value in values.items():
        monkeypatch.setenv(name, value)


def test_local_needs_nothing(tmp_path: Path) -> None:
    settings = load_settings(tmp_path)

    assert (settings.is_local, settings.mongodb_url, settings.live_trading) == (True, "", False)
    assert settings.api_url == "http://127.0.0.1:8000"
    assert settings.cors_origins == ("http://127.0.0.1:8080", "http://localhost:8080")
    assert settings.kis_sandbox_url == "http://127.0.0.1:8101"
    assert settings.ls_sandbox_ws_url == "ws://127.0.0.1:8102"


def test_addresses_follow_the_ports(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    set_all(monkeypatch, {"LUCY_API_PORT": "9000", "LUCY_SPA_PORT": "9080", "LUCY_SANDBOX_PORT": "9100"})

    settings = load_settings(tmp_path)

    assert settings.api_url == "http://127.0.0.1:9000"
    assert settings.cors_origins[0] == "http://127.0.0.1:9080"
    assert settings.kis_sandbox_ws_url == "ws://127.0.0.1:9101"


def test_the_environment_wins_over_the_profiles_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env.local").write_text("LUCY_API_PORT=9000\nLUCY_SPA_PORT=9080\nLUCY_ENCRYPTION_KEYS=\n")
    monkeypatch.setenv("LUCY_API_PORT", "9001")

    settings = load_settings(tmp_path)

    assert (settings.api_port, settings.spa_port, settings.encryption_keys) == (9001, 9080, ())


def test_the_mode_chooses_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env.local").write_text("LUCY_API_PORT=9000\n")
    (tmp_path / ".env.production").write_text("".join(f"{name}={value}\n" for name, value in EXPLICIT.items()))
    monkeypatch.setenv("LUCY_MODE", "production")

    settings = load_settings(tmp_path)

    assert (settings.api_port, settings.is_local, settings.log_format) == (8000, False, "json")
    assert settings.cors_origins == ()


@pytest.mark.parametrize("missing", sorted(EXPLICIT))
def test_outside_local_a_missing_secret_or_address_stops_the_start_by_name(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, missing: str
) -> None:
    set_all(monkeypatch, {name: value for name, value in EXPLICIT.items() if name != missing} | {"LUCY_MODE": "production"})

    with pytest.raises(SettingsError, match=f"^{missing} must be set"):
        load_settings(tmp_path)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("LUCY_API_PORT", "eighty", "LUCY_API_PORT: a port is a whole number from 1 to 65535, not 'eighty'"),
        ("LUCY_API_PORT", "0", "LUCY_API_PORT: a port is a whole number from 1 to 65535, not '0'"),
        ("LUCY_SPA_PORT", "65536", "LUCY_SPA_PORT: a port is a whole number from 1 to 65535, not '65536'"),
        ("LUCY_SANDBOX_PORT", "65534", "LUCY_SANDBOX_PORT: a port is a whole number"),
        ("LUCY_LIVE_TRADING", "perhaps", "LUCY_LIVE_TRADING: "),
        ("LUCY_LOG_LEVEL", "loud", "LUCY_LOG_LEVEL: "),
        ("LUCY_API_URL", "example", "LUCY_API_URL: "),
        ("LUCY_CORS_ORIGINS", "*", "LUCY_CORS_ORIGINS: "),
        ("LUCY_ACCESS_TOKEN_LIFETIME", "0", "LUCY_ACCESS_TOKEN_LIFETIME: "),
        ("LUCY_SECRET_KEY", "short-secret", "LUCY_SECRET_KEY is shorter than 32 characters"),
        ("LUCY_ENCRYPTION_KEYS", "not-a-fernet-key", "LUCY_ENCRYPTION_KEYS: each key"),
        ("MONGODB_URL", "user:my-password@host", "MONGODB_URL: "),
        ("LUCY_MODE", "../../etc/passwd", "LUCY_MODE="),
    ],
)
def test_a_wrong_value_is_one_line_that_names_the_setting(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, value: str, message: str
) -> None:
    monkeypatch.setenv(name, value)

    with pytest.raises(SettingsError) as error:
        load_settings(tmp_path)

    assert str(error.value).startswith(message)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(("name", "value"), [("LUCY_SECRET_KEY", "short-secret"), ("MONGODB_URL", "user:my-password@host")])
def test_an_error_never_repeats_a_secret(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)

    with pytest.raises(SettingsError) as error:
        load_settings(tmp_path)

    assert value not in str(error.value)
    assert error.value.__cause__ is None


def test_lists_and_durations_are_read_from_text(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    older = Fernet.generate_key().decode()
    set_all(
        monkeypatch,
        {
            "LUCY_ENCRYPTION_KEYS": f" {FERNET}, {older} ",
            "LUCY_CORS_ORIGINS": "https://lucy.example,https://desk.example",
            "LUCY_ACCESS_TOKEN_LIFETIME": "600",
            "LUCY_REFRESH_TOKEN_LIFETIME": "P7D",
            "LUCY_API_URL": "https://api.lucy.example/",
        },
    )

    settings = load_settings(tmp_path)

    assert [key.get_secret_value() for key in settings.encryption_keys] == [FERNET, older]
    assert settings.cors_origins == ("https://lucy.example", "https://desk.example")
    assert (settings.access_token_lifetime, settings.refresh_token_lifetime) == (timedelta(minutes=10), timedelta(days=7))
    assert settings.api_url == "https://api.lucy.example"


def test_settings_made_directly_do_not_look_at_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LUCY_API_PORT", "9000")

    assert Settings().api_port == 8000


def test_settings_do_not_change() -> None:
    settings = Settings()

    with pytest.raises(ValidationError, match="frozen"):
        settings.api_port = 1


def test_the_printed_form_holds_no_secret() -> None:
    settings = Settings(secret_key=SecretStr(KEY), encryption_keys=(SecretStr(FERNET),), redis_url=EXPLICIT["REDIS_URL"])

    shown = repr(settings)

    assert not any(secret in shown for secret in settings.secret_values)
    assert set(settings.secret_values) == {KEY, FERNET, "hunter2-hunter2"}


def test_every_setting_of_the_sample_file_exists() -> None:
    sample = Path(__file__).parents[2] / ".env.sample"
    names = set(re.findall(r"^(?:# )?([A-Z_]+)=", sample.read_text(), flags=re.MULTILINE))

    known = {"MONGODB_URL", "REDIS_URL"} | {f"LUCY_{field.upper()}" for field in Settings.model_fields}

    assert len(names) > 20
    assert names - known == set()
