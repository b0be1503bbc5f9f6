"""The audit log: who may read it, what it tells, and that tampering shows."""

import asyncio
from typing import Any

import pytest

from api.bootstrap import open_services
from tests.http.api import Api


async def create_users(api: Api, admin: dict[str, str], *names: str) -> None:
    for name in names:
        body = {"username": name, "password": "correct horse battery", "role": "viewer"}
        assert (await api.client.post("/users", json=body, headers=admin)).status_code == 201


async def verify(api: Api, admin: dict[str, str]) -> dict[str, Any]:
    answer = await api.client.get("/audit/verify", headers=admin)
    assert answer.status_code == 200
    document: dict[str, Any] = answer.json()
    return document


async def test_only_admins_read_and_verify_it(api: Api, trader: dict[str, str]) -> None:
    for path in ("/audit", "/audit/verify"):
        assert (await api.client.get(path)).status_code == 401
        assert (await api.client.get(path, headers=trader)).status_code == 403


async def test_an_entry_tells_who_what_and_from_where(api: Api, admin: dict[str, str]) -> None:
    await create_users(api, admin, "one.user")

    found = (await api.client.get("/audit", params={"action": "user.create"}, headers=admin)).json()["items"]

    assert found[0]["after"]["username"] == "one.user"
    assert (found[0]["address"], found[0]["before"], len(found[0]["hash"])) == ("127.0.0.1", None, 64)
    assert "password" not in str(found[0])
    numbers = [entry["sequence"] for entry in found]
    assert numbers == sorted(numbers, reverse=True)


async def test_entries_are_found_by_time(api: Api, admin: dict[str, str]) -> None:
    await create_users(api, admin, "first.user", "second.user")
    second, first = (await api.client.get("/audit", params={"limit": 2}, headers=admin)).json()["items"]

    later = await api.client.get("/audit", params={"from": second["at"]}, headers=admin)
    earlier = await api.client.get("/audit", params={"to": second["at"]}, headers=admin)

    assert [entry["id"] for entry in later.json()["items"]] == [second["id"]]
    assert earlier.json()["items"][0]["id"] == first["id"]


async def test_entries_written_by_several_processes_at_once_are_one_chain(api: Api, admin: dict[str, str]) -> None:
    async with open_services(api.services.settings) as second, open_services(api.services.settings) as third:
        services = (api.services, second, third)
        before = (await verify(api, admin))["entry_count"]
        entries = [
            services[number % 3].audit.record(actor="system", action="test", subject=f"test:{number}", before=None, after={"n": number})
            for number in range(60)
        ]
        await asyncio.gather(*entries)

    found = await verify(api, admin)

    assert (found["is_whole"], found["entry_count"], found["broken"]) == (True, before + 60, None)


@pytest.mark.parametrize(("meddling", "reason"), [("change", "changed"), ("remove", "missing"), ("cut", "cut_off")])
async def test_tampering_in_the_database_is_named(api: Api, admin: dict[str, str], meddling: str, reason: str) -> None:
    await create_users(api, admin, "user.a", "user.b", "user.c")
    collection = api.services.database["audit"]
    newest = (await verify(api, admin))["entry_count"]
    number = newest if meddling == "cut" else newest - 1
    if meddling == "change":
        await collection.update_one({"sequence": number}, {"$set": {"after.role": "admin"}})
    else:
        await collection.delete_one({"sequence": number})

    found = await verify(api, admin)

    assert (found["is_whole"], found["broken"]) == (False, {"sequence": number, "reason": reason})


async def test_entries_of_an_older_lucy_stay_readable_and_are_counted_apart(api: Api, admin: dict[str, str]) -> None:
    old = {"_id": "000000000000000000000001", "at": api.services.clock.now(), "actor": "system", "action": "old", "subject": "x:1"}
    await api.services.database["audit"].insert_one(old | {"before": None, "after": None, "request_id": None, "address": None})

    found = await verify(api, admin)
    listed = (await api.client.get("/audit", params={"action": "old"}, headers=admin)).json()["items"]

    assert (found["is_whole"], found["unchained_count"]) == (True, 1)
    assert [(entry["sequence"], entry["hash"]) for entry in listed] == [(None, None)]
