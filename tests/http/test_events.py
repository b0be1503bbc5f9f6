"""The event stream: each event once and in order, whatever happens to the connection; and nothing of another's."""

import asyncio
import socket
from collections.abc import AsyncIterator
from typing import Any

import httpx
import msgspec
import pytest
import pytest_asyncio
from jose import jwt

from api.domain.enums import Role
from api.events import hub
from api.events.publisher import EventBody
from api.local.process import choose_port
from tests.http.api import Api, Desk, serving
from tests.http.sse import Frame, listening, take
from tests.stack import until

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def second(desk: Desk) -> AsyncIterator[Api]:
    """Another API process over the same MongoDB and Redis."""
    async with serving(desk.api.services.settings.model_copy(update={"api_port": choose_port()})) as api:
        yield api


def user_id_of(headers: dict[str, str]) -> str:
    return str(jwt.get_unverified_claims(headers["Authorization"].split()[1])["sub"])


def an_event(number: int, size: int = 0) -> EventBody:
    """A numbered alert."""
    message = f"{number} {'x' * size}"
    document = {"type": "alert", "at": "2026-11-23T03:00:00Z", "account_id": None, "code": "test", "message": message, "order_id": None}
    return EventBody("alert", msgspec.json.encode(document))


async def publish(desk: Desk, headers: dict[str, str], *numbers: int, size: int = 0) -> None:
    for number in numbers:
        await desk.api.services.event_publisher.publish([user_id_of(headers)], an_event(number, size))


def numbers_of(frames: list[Frame]) -> list[int]:
    return [int(frame.data["message"].split()[0]) for frame in frames]


async def past(api: Api, headers: dict[str, str], **query: str) -> dict[str, Any]:
    answer = await api.client.get("/events/log", params=query, headers=headers)
    assert answer.status_code == 200, answer.text
    log: dict[str, Any] = answer.json()
    return log


async def test_what_is_published_after_the_stream_opened_arrives_in_order(desk: Desk) -> None:
    user = await desk.api.add_user(Role.TRADER, "in.order")

    async with listening(desk.api.client, user) as frames:
        await publish(desk, user, *range(50))
        seen = await asyncio.wait_for(take(frames, 50), 10)

    assert numbers_of(seen) == list(range(50))


async def test_a_listener_that_changes_connection_and_process_in_a_burst_gets_each_order_event_once_in_order(
    desk: Desk, second: Api
) -> None:
    user = await desk.api.add_user(Role.TRADER, "in.a.burst")
    clients = [desk.api.client, second.client]
    publishers = [desk.api.services.event_publisher, second.services.event_publisher]

    async def publish_twice(order_id: str) -> None:
        for version in range(1, 51):  # both processes tell it, and each tells the version before again
            changes = [(known, [an_event(known)._replace(event=order_id)]) for known in (version - 1, version) if known]
            await asyncio.gather(*(publisher.publish_versions(order_id, [user_id_of(user)], changes) for publisher in publishers))

    seen: list[Frame] = []
    last_id: dict[str, str] = {}
    publishing: asyncio.Future[list[None]] | None = None
    for turn in range(20):
        async with listening(clients[turn % 2], user | last_id) as frames:
            if publishing is None:
                publishing = asyncio.ensure_future(asyncio.gather(*(publish_twice(f"order-{number}") for number in range(4))))
            seen += await asyncio.wait_for(take(frames, min(13 + turn, 200 - len(seen))), 20)
        last_id = {"Last-Event-ID": seen[-1].id}
        if len(seen) == 200:
            break
    assert publishing is not None
    await publishing

    for number in range(4):
        assert numbers_of([frame for frame in seen if frame.event == f"order-{number}"]) == list(range(1, 51))
    ids = [hub.parse_id(frame.id) for frame in seen]
    assert ids == sorted(set(ids), key=lambda entry: entry or (0, 0))
    assert [item["id"] for item in (await past(second, user, limit="1000"))["items"]] == [frame.id for frame in seen]


async def test_the_id_to_resume_from_may_stand_in_the_query(desk: Desk) -> None:
    user = await desk.api.add_user(Role.TRADER, "by.query")
    await publish(desk, user, 1, 2, 3)
    first = (await past(desk.api, user))["items"][0]["id"]

    async with listening(desk.api.client, user, last_event_id=first) as frames:
        seen = await asyncio.wait_for(take(frames, 2), 10)

    assert numbers_of(seen) == [2, 3]


@pytest.mark.parametrize("last_id", ["1-1", "9999999999999-0", "1763866800000-0"])
async def test_an_id_that_is_not_kept_gives_one_resync_and_goes_on(desk: Desk, last_id: str) -> None:
    user = await desk.api.add_user(Role.TRADER, f"resync.{last_id}")
    await publish(desk, user, 1)

    async with listening(desk.api.client, user | {"Last-Event-ID": last_id}) as frames:
        await publish(desk, user, 2)
        seen = await asyncio.wait_for(take(frames, 2), 10)

    assert [frame.event for frame in seen] == ["resync", "alert"]
    assert numbers_of(seen[1:]) == [2]
    async with listening(desk.api.client, user | {"Last-Event-ID": seen[0].id}) as frames:
        assert numbers_of(await asyncio.wait_for(take(frames, 1), 10)) == [2]


@pytest.mark.parametrize("last_id", ["x", "1-", "-1", "1-2-3", "1e3", "٣", "²", "1_0", " 1", "9" * 30, "0-0; FLUSHALL"])
async def test_what_is_no_id_is_refused(desk: Desk, last_id: str) -> None:
    answers = [
        await desk.api.client.get("/events", params={"last_event_id": last_id}, headers=desk.demo),
        await desk.api.client.get("/events/log", params={"after": last_id}, headers=desk.demo),
    ]

    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(422, "invalid_request")] * 2


async def test_a_snapshot_shows_the_live_orders_and_then_what_happens(desk: Desk) -> None:
    orders = [await desk.placed() for _ in range(3)]
    await desk.api.client.delete(f"/orders/{orders[0]['id']}", headers=desk.demo)

    async with listening(desk.api.client, desk.demo, snapshot="true") as frames:
        seen = await asyncio.wait_for(take(frames, 3), 10)
        later = await desk.placed()
        while seen[-1].data["order"]["id"] != later["id"]:
            seen += await asyncio.wait_for(take(frames, 1), 10)

    shown = {frame.data["order"]["id"]: frame.data for frame in seen}
    assert {orders[1]["id"], orders[2]["id"]} <= shown.keys()
    assert shown[orders[1]["id"]]["execution_type"] == "order_status"
    assert shown[orders[0]["id"]]["order"]["status"] == "pending_cancel"


async def test_an_order_reaches_a_listener_by_every_step_with_growing_versions(desk: Desk) -> None:
    async with listening(desk.api.client, desk.demo) as frames:
        order = await desk.placed("ls")
        await desk.api.client.delete(f"/orders/{order['id']}", headers=desk.demo)
        seen: list[Frame] = []
        while not seen or seen[-1].data["order"]["status"] != "pending_cancel":
            seen += await asyncio.wait_for(take(frames, 1), 10)

    versions = [frame.data["order"]["version"] for frame in seen]
    assert [frame.data["execution_type"] for frame in seen] == ["pending_new", "new", "pending_cancel"]
    assert versions == sorted(set(versions))


async def test_the_log_is_the_stream_by_rest_page_by_page(desk: Desk) -> None:
    user = await desk.api.add_user(Role.TRADER, "reads.the.log")
    await publish(desk, user, *range(7))
    found: list[Any] = []
    after = "0"

    while page := (await past(desk.api, user, after=after, limit="3"))["items"]:
        found += page
        after = page[-1]["id"]
    async with listening(desk.api.client, user | {"Last-Event-ID": "0"}) as frames:
        streamed = await asyncio.wait_for(take(frames, 7), 10)

    assert [(item["id"], item["event"], item["data"]) for item in found] == [(frame.id, frame.event, frame.data) for frame in streamed]
    assert (await past(desk.api, user, after=after)) == {"items": [], "last_id": after, "is_resync": False}
    assert (await past(desk.api, user, after="1-1"))["is_resync"] is True


async def test_nobody_hears_of_anothers_events(desk: Desk) -> None:
    stranger = await desk.api.add_user(Role.ADMIN, "hears.nothing")

    async with listening(desk.api.client, stranger, snapshot="true") as frames:
        await desk.placed()
        await publish(desk, stranger, 1)
        seen = await asyncio.wait_for(take(frames, 1), 10)

    assert numbers_of(seen) == [1]
    assert len((await past(desk.api, stranger))["items"]) == 1


async def test_a_ticket_opens_one_stream_once(desk: Desk, second: Api) -> None:
    user = await desk.api.add_user(Role.VIEWER, "by.ticket")
    ticket = (await desk.api.client.post("/events/ticket", headers=user)).json()

    async with listening(second.client, {}, ticket=ticket["ticket"]) as frames:
        await publish(desk, user, 1)
        seen = await asyncio.wait_for(take(frames, 1), 10)
    again = await desk.api.client.get("/events", params={"ticket": ticket["ticket"]})

    assert numbers_of(seen) == [1]
    assert ticket["expires_in"] == 30
    assert (again.status_code, again.json()["code"]) == (401, "not_authenticated")


@pytest.mark.parametrize("path", ["/orders", "/auth/me", "/events/log", "/accounts", "/metrics"])
async def test_a_ticket_opens_nothing_else(desk: Desk, path: str) -> None:
    ticket = (await desk.api.client.post("/events/ticket", headers=desk.demo)).json()["ticket"]

    assert (await desk.api.client.get(path, params={"ticket": ticket})).status_code == 401


async def test_an_old_ticket_opens_nothing(desk: Desk) -> None:
    ticket = (await desk.api.client.post("/events/ticket", headers=desk.demo)).json()["ticket"]
    redis, prefix = desk.api.services.redis, desk.api.services.settings.redis_prefix
    (key,) = [key async for key in redis.scan_iter(f"{prefix}:ticket:*")][-1:]
    assert 0 < await redis.ttl(key) <= 30
    async for name in redis.scan_iter(f"{prefix}:ticket:*"):
        await redis.delete(name)

    assert (await desk.api.client.get("/events", params={"ticket": ticket})).status_code == 401


async def test_a_stream_opened_with_a_key_ends_when_the_key_is_revoked(desk: Desk, second: Api) -> None:
    user = await desk.api.add_user(Role.TRADER, "revokes")
    made = (await desk.api.client.post("/api-keys", json={"name": "erp", "scopes": ["read"]}, headers=user)).json()

    async with listening(second.client, {"Authorization": f"Bearer {made['secret']}"}) as frames:
        await desk.api.client.delete(f"/api-keys/{made['id']}", headers=user)
        await until(lambda: _is_told(second, f"key:{made['id']}"), "the other process knows", seconds=5)
        await publish(desk, user, 1)
        seen = await asyncio.wait_for(take(frames, 1), 10)

    assert seen == []


async def test_a_deactivated_users_streams_end(desk: Desk) -> None:
    user = await desk.api.add_user(Role.TRADER, "is.let.go")

    async with listening(desk.api.client, user) as frames:
        await desk.api.client.delete(f"/users/{user_id_of(user)}", headers=desk.demo)
        await publish(desk, user, 1)
        seen = await asyncio.wait_for(take(frames, 1), 10)

    assert seen == []


async def _is_told(api: Api, name: str) -> bool:
    await api.client.get("/auth/me", headers={"Authorization": "Bearer x"})
    revocations = api.services.auth._revocations
    revocations._read_at = None
    await revocations.is_revoked(name, api.services.clock.now())
    return name in revocations._revoked


async def test_a_slow_listener_is_cut_off_without_harm_to_others_and_resumes(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "_WAITING_FRAMES", 100)
    user = await desk.api.add_user(Role.TRADER, "is.slow")
    url = httpx.URL(desk.api.services.settings.api_url)
    slow = socket.socket()
    slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    slow.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(slow, (url.host, url.port))
    request = f"GET /api/v1/events HTTP/1.1\r\nHost: {url.host}\r\nAuthorization: {user['Authorization']}\r\n\r\n"
    await loop.sock_sendall(slow, request.encode())
    received = await loop.sock_recv(slow, 200)
    assert received.startswith(b"HTTP/1.1 200")

    async with listening(desk.api.client, user) as frames:
        publishing = asyncio.create_task(publish(desk, user, *range(800), size=16_000))
        seen = await asyncio.wait_for(take(frames, 800), 60)
        await publishing
    received += await asyncio.wait_for(_read_to_end(slow), 30)
    slow.close()
    arrived = [part for part in received.split(b"\n\n") if part.rstrip().endswith(b"}")]
    last_id = arrived[-1].split(b"id: ")[1].split(b"\n")[0].decode()
    async with listening(desk.api.client, user | {"Last-Event-ID": last_id}) as frames:
        rest = await asyncio.wait_for(take(frames, 800 - len(arrived)), 30)

    assert numbers_of(seen) == list(range(800))
    assert 0 < len(arrived) < 800
    assert numbers_of(rest) == list(range(len(arrived), 800))


async def _read_to_end(source: socket.socket) -> bytes:
    """All that comes until the other side closes."""
    parts = []
    while part := await asyncio.get_running_loop().sock_recv(source, 1 << 20):
        parts.append(part)
    return b"".join(parts)


async def test_300_idle_listeners_all_hear_and_leave_nothing_behind(desk: Desk) -> None:
    users = [await desk.api.add_user(Role.VIEWER, f"idle.{number}") for number in range(3)]
    limits = httpx.Limits(max_connections=None)
    open_now = asyncio.Semaphore(0)

    async def listen(client: httpx.AsyncClient, headers: dict[str, str]) -> list[Frame]:
        async with listening(client, headers) as frames:
            open_now.release()
            return await asyncio.wait_for(take(frames, 1), 60)

    async with httpx.AsyncClient(base_url=desk.api.client.base_url, timeout=60, limits=limits) as client:
        tasks = [asyncio.create_task(listen(client, users[number % 3])) for number in range(300)]
        for _ in tasks:
            await asyncio.wait_for(open_now.acquire(), 60)
        count = desk.api.services.event_hub.listener_count
        for number, user in enumerate(users):
            await publish(desk, user, number)
        seen = await asyncio.gather(*tasks)

    assert count == 300
    assert [numbers_of(frames) for frames in seen] == [[number % 3] for number in range(300)]
    await until(lambda: _has_listeners(desk, 0), "all are forgotten", seconds=10)


async def test_who_leaves_at_once_is_forgotten(desk: Desk) -> None:
    user = await desk.api.add_user(Role.VIEWER, "leaves")
    url = httpx.URL(desk.api.services.settings.api_url)
    request = f"GET /api/v1/events HTTP/1.1\r\nHost: {url.host}\r\nAuthorization: {user['Authorization']}\r\n\r\n".encode()

    for _ in range(50):
        _, writer = await asyncio.open_connection(url.host, url.port)
        writer.write(request)
        await writer.drain()
        writer.transport.abort()

    await until(lambda: _has_listeners(desk, 0), "all are forgotten", seconds=20)


async def _has_listeners(desk: Desk, count: int) -> bool:
    return desk.api.services.event_hub.listener_count == count
