"""The routes of webhooks. What the worker delivers by itself: `tests/integration/webhooks` and `tests/flows/test_webhooks.py`."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from api.domain.enums import Role
from tests.http.api import Api, SignIn
from tests.receiver import Receiver, receiving


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """A receiver on a free port."""
    async with receiving() as found:
        yield found


async def made(api: Api, headers: dict[str, str], receiver: Receiver, **members: Any) -> dict[str, Any]:
    """A new webhook, with its secret."""
    answer = await api.client.post("/webhooks", json={"url": receiver.url, **members}, headers=headers)
    assert answer.status_code == 201, answer.text
    document: dict[str, Any] = answer.json()
    return document


async def test_a_webhook_is_made_listed_changed_and_removed(api: Api, trader: dict[str, str], receiver: Receiver) -> None:
    webhook = await made(api, trader, receiver, name="AssetERP", events=["order", "fill"])
    path = f"/webhooks/{webhook['id']}"

    listed = (await api.client.get("/webhooks", headers=trader)).json()["items"]
    changed = (await api.client.patch(path, json={"events": None, "is_active": False}, headers=trader)).json()
    again = (await api.client.patch(path, json={"is_active": True}, headers=trader)).json()
    removed = await api.client.delete(path, headers=trader)

    assert [item["id"] for item in listed] == [webhook["id"]]
    assert (webhook["status"], webhook["events"]) == ("active", ["fill", "order"])
    assert (changed["status"], changed["disabled_reason"], changed["events"]) == ("disabled", "by_user", None)
    assert (again["status"], again["disabled_reason"]) == ("active", None)
    assert removed.status_code == 204
    assert (await api.client.get(path, headers=trader)).status_code == 404


async def test_the_secret_is_shown_once_and_stored_encrypted(api: Api, trader: dict[str, str], receiver: Receiver) -> None:
    webhook = await made(api, trader, receiver)

    later = [(await api.client.get(path, headers=trader)).text for path in ("/webhooks", f"/webhooks/{webhook['id']}", "/audit")]
    stored = await api.services.database["webhooks"].find_one({"_id": webhook["id"]})

    assert webhook["secret"].startswith("whsec_")
    assert all(webhook["secret"] not in text for text in [*later, str(stored)])


async def test_a_test_event_comes_signed_and_its_delivery_stands_in_the_log(api: Api, trader: dict[str, str], receiver: Receiver) -> None:
    webhook = await made(api, trader, receiver, events=["fill"])

    delivery = (await api.client.post(f"/webhooks/{webhook['id']}/test", headers=trader)).json()
    log = (await api.client.get(f"/webhooks/{webhook['id']}/deliveries", headers=trader)).json()["items"]

    assert receiver.received[0].is_signed_by(webhook["secret"])
    assert receiver.received[0].message_id == delivery["message_id"]
    assert receiver.bodies()[0] == {"id": delivery["event_id"], "event": "test", "data": receiver.bodies()[0]["data"]}
    assert (delivery["status"], delivery["status_code"], delivery["attempt"]) == ("delivered", 204, 1)
    assert log == [delivery]


async def test_a_failed_delivery_can_be_repeated_under_the_same_id(api: Api, trader: dict[str, str], receiver: Receiver) -> None:
    webhook = await made(api, trader, receiver)
    receiver.answers = [500]
    failed = (await api.client.post(f"/webhooks/{webhook['id']}/test", headers=trader)).json()

    repeated = (await api.client.post(f"/webhooks/{webhook['id']}/deliveries/{failed['id']}/retry", headers=trader)).json()

    assert (failed["status"], failed["error"]) == ("failed", "the receiver answered 500")
    assert (repeated["status"], repeated["kind"], repeated["attempt"]) == ("delivered", "retry", 2)
    assert len({entry.message_id for entry in receiver.received}) == 1
    assert len(receiver.received) == 2


async def test_an_event_that_is_not_kept_any_more_cannot_be_repeated(api: Api, trader: dict[str, str], receiver: Receiver) -> None:
    webhook = await made(api, trader, receiver)
    test = (await api.client.post(f"/webhooks/{webhook['id']}/test", headers=trader)).json()
    await api.services.database["webhook_deliveries"].update_one({"_id": test["id"]}, {"$set": {"event": "order", "event_id": "1-1"}})

    answer = await api.client.post(f"/webhooks/{webhook['id']}/deliveries/{test['id']}/retry", headers=trader)

    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    assert len(receiver.received) == 1


async def test_after_a_rotation_both_secrets_sign(api: Api, trader: dict[str, str], receiver: Receiver) -> None:
    webhook = await made(api, trader, receiver)

    rotated = (await api.client.post(f"/webhooks/{webhook['id']}/rotate-secret", headers=trader)).json()
    await api.client.post(f"/webhooks/{webhook['id']}/test", headers=trader)

    assert rotated["secret"] != webhook["secret"]
    assert receiver.received[0].is_signed_by(rotated["secret"])
    assert receiver.received[0].is_signed_by(webhook["secret"])


async def test_the_log_pages_newest_first_and_can_be_narrowed(api: Api, trader: dict[str, str], receiver: Receiver) -> None:
    webhook = await made(api, trader, receiver)
    receiver.answers = [204, 500, 204]
    path = f"/webhooks/{webhook['id']}/deliveries"
    sent = [(await api.client.post(f"/webhooks/{webhook['id']}/test", headers=trader)).json()["id"] for _ in range(3)]

    first = (await api.client.get(path, params={"limit": 2}, headers=trader)).json()
    second = (await api.client.get(path, params={"limit": 2, "cursor": first["next_cursor"]}, headers=trader)).json()
    failed = (await api.client.get(path, params={"status": "failed"}, headers=trader)).json()

    assert [item["id"] for item in first["items"] + second["items"]] == sent[::-1]
    assert second["next_cursor"] is None
    assert [item["id"] for item in failed["items"]] == [sent[1]]


async def test_another_users_webhook_is_not_there(api: Api, trader: dict[str, str], sign_in: SignIn, receiver: Receiver) -> None:
    webhook = await made(api, trader, receiver)
    delivery = (await api.client.post(f"/webhooks/{webhook['id']}/test", headers=trader)).json()
    other = await sign_in(Role.ADMIN, "other.admin")
    path = f"/webhooks/{webhook['id']}"

    answers = [
        await api.client.get(path, headers=other),
        await api.client.patch(path, json={"url": receiver.url}, headers=other),
        await api.client.post(f"{path}/rotate-secret", headers=other),
        await api.client.post(f"{path}/test", headers=other),
        await api.client.get(f"{path}/deliveries", headers=other),
        await api.client.post(f"{path}/deliveries/{delivery['id']}/retry", headers=other),
        await api.client.delete(path, headers=other),
    ]
    mine = await made(api, other, receiver)
    crossed = await api.client.post(f"/webhooks/{mine['id']}/deliveries/{delivery['id']}/retry", headers=other)

    assert [answer.status_code for answer in [*answers, crossed]] == [404] * 8
    assert (await api.client.get(path, headers=trader)).status_code == 200
    assert len(receiver.received) == 1


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"url": "ftp://127.0.0.1/"},
        {"url": "http://user@127.0.0.1/"},
        {"url": "http://127.0.0.1:9/", "events": []},
        {"url": "http://127.0.0.1:9/", "events": ["resync"]},
        {"url": "http://127.0.0.1:9/", "account_ids": ["x"]},
        {"url": "http://127.0.0.1:9/", "secret": "mine"},
        {"url": "http://127.0.0.1:9/" + "a" * 2_000},
    ],
)
async def test_what_is_not_valid_is_refused(api: Api, trader: dict[str, str], members: dict[str, Any]) -> None:
    answer = await api.client.post("/webhooks", json=members, headers=trader)

    assert answer.status_code == 422
    assert (await api.client.get("/webhooks", headers=trader)).json()["items"] == []


async def test_a_filter_names_accounts_of_ones_own_alone(api: Api, trader: dict[str, str], receiver: Receiver) -> None:
    members = {"url": receiver.url, "account_ids": ["6650f1c2a4b3c2d1e0f9a8b7"]}

    answer = await api.client.post("/webhooks", json=members, headers=trader)

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_there_is_an_end_to_how_many_one_may_have(api: Api, trader: dict[str, str], receiver: Receiver) -> None:
    for _ in range(20):
        await made(api, trader, receiver)

    answer = await api.client.post("/webhooks", json={"url": receiver.url}, headers=trader)

    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")


async def test_every_change_stands_in_the_audit_log(api: Api, trader: dict[str, str], admin: dict[str, str], receiver: Receiver) -> None:
    webhook = await made(api, trader, receiver)
    path = f"/webhooks/{webhook['id']}"
    await api.client.patch(path, json={"name": "renamed"}, headers=trader)
    await api.client.post(f"{path}/rotate-secret", headers=trader)
    await api.client.delete(path, headers=trader)

    entries = (await api.client.get("/audit", params={"subject": f"webhook:{webhook['id']}"}, headers=admin)).json()["items"]

    assert [entry["action"] for entry in entries] == ["webhook.delete", "webhook.rotate_secret", "webhook.change", "webhook.create"]
