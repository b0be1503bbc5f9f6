"""What an admin sees of the settings."""

from pydantic import SecretStr

from api.settings import Settings
from api.system.settings_view import shown
from tests.http.api import Api


async def test_an_admin_sees_every_setting_and_no_secret(api: Api, admin: dict[str, str]) -> None:
    answer = await api.client.get("/settings", headers=admin)

    items = {each["name"]: each for each in answer.json()["items"]}
    assert items.keys() == Settings.model_fields.keys()
    assert (items["secret_key"]["value"], items["secret_key"]["is_secret"]) == (None, True)
    assert (items["encryption_keys"]["value"], items["encryption_keys"]["is_secret"]) == (None, True)
    assert items["database"]["value"] == api.services.settings.database
    secrets = [api.services.settings.secret_key, *api.services.settings.encryption_keys]
    assert not [secret for secret in secrets if secret.get_secret_value() in answer.text]


def test_a_password_within_an_address_is_not_shown() -> None:
    settings = Settings(mongodb_url="mongodb://lucy:p%40ss@db.example:27017/?tls=true", redis_url="redis://:secret@cache:6379/0")
    settings = settings.model_copy(update={"secret_key": SecretStr("hidden")})

    values = {each.name: each.value for each in shown(settings)}

    assert values["mongodb_url"] == "mongodb://lucy:…@db.example:27017/?tls=true"
    assert values["redis_url"] == "redis://:…@cache:6379/0"
