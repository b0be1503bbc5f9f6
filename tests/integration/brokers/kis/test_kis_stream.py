"""KIS's websocket: what the contract suite cannot know. Oddities come from a small server of the test's own."""

import asyncio
import base64
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import httpx
import msgspec
import pytest
from cryptography.hazmat.primitives.ciphers import Cipher as BlockCipher
from cryptography.hazmat.primitives.ciphers import algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7
from websockets.asyncio.server import ServerConnection, serve

from api.brokers.base import BrokerAdapter, Credentials, NoticeKind
from api.brokers.errors import BrokerRejected, BrokerUnavailable
from api.brokers.kis import stream as stream_module
from api.brokers.kis.rest import KisRest
from api.brokers.kis.stream import KisStream, open_stream
from api.brokers.registry import BrokerRegistry
from api.brokers.sandbox.kis import stream as sandbox_stream
from api.domain.enums import Broker, Environment
from api.kit.clock import SystemClock
from api.kit.crypto import Cipher

OpenAccount = Callable[..., Awaitable[Credentials]]
MakeAdapter = Callable[[Credentials], BrokerAdapter]
Script = Callable[[ServerConnection], Awaitable[None]]
PAYLOADS = Path(__file__).parents[3] / "unit" / "brokers" / "kis" / "payloads"
SUBSCRIBED = (PAYLOADS / "subscribed.json").read_text(encoding="utf-8")
KEY_IN_USE = (PAYLOADS / "key_in_use.json").read_text(encoding="utf-8")
KEY, IV = b"abcdefghijklmnopqrstuvwxyzabcdef", b"0123456789abcdef"
PINGPONG = '{"header":{"tr_id":"PINGPONG","datetime":"20261123103623"}}'


def encrypted(name: str) -> str:
    """A documented notice as a data frame under the documented key."""
    padder = PKCS7(128).padder()
    clear = (PAYLOADS / f"notice_{name}.txt").read_text(encoding="utf-8").strip("\n").rpartition("|")[2].encode()
    encryptor = BlockCipher(algorithms.AES(KEY), modes.CBC(IV)).encryptor()
    payload = encryptor.update(padder.update(clear) + padder.finalize()) + encryptor.finalize()
    return f"1|H0STCNI0|001|{base64.b64encode(payload).decode()}"


class ApprovalKeys:
    """Stands in for the REST side: hands out numbered keys and remembers which were dropped."""

    def __init__(self) -> None:
        self.dropped: list[str] = []

    async def approval_key(self) -> str:
        return f"key-{len(self.dropped)}"

    async def drop_approval_key(self, key: str) -> None:
        self.dropped.append(key)


@pytest.fixture
def keys() -> ApprovalKeys:
    return ApprovalKeys()


@pytest.fixture
def kis_credentials() -> Credentials:
    return Credentials(
        account_id="a",
        broker=Broker.KIS,
        environment=Environment.REAL,
        account_number="1234567801",
        app_key="k",
        app_secret="s",
        hts_id="id",
    )


@asynccontextmanager
async def kis_server(script: Script) -> AsyncIterator[str]:
    """A websocket server that runs ``script`` for each connection."""
    async with serve(script, "127.0.0.1", 0) as server:
        yield f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}"


async def opened(url: str, credentials: Credentials, keys: ApprovalKeys) -> KisStream:
    return await open_stream(credentials, url, cast(KisRest, keys), SystemClock())


async def test_the_subscription_names_key_tr_and_hts_id(kis_credentials: Credentials, keys: ApprovalKeys) -> None:
    requests: list[dict[str, Any]] = []

    async def script(socket: ServerConnection) -> None:
        requests.append(msgspec.json.decode(await socket.recv()))
        await socket.send(SUBSCRIBED)
        requests.append(msgspec.json.decode(await socket.recv()))

    async with kis_server(script) as url:
        await (await opened(url, kis_credentials, keys)).aclose()

    assert requests[0] == {
        "header": {"approval_key": "key-0", "custtype": "P", "tr_type": "1", "content-type": "utf-8"},
        "body": {"input": {"tr_id": "H0STCNI0", "tr_key": "id"}},
    }
    assert requests[1]["header"]["tr_type"] == "2"


async def test_notices_that_overtake_the_acknowledgement_are_kept(kis_credentials: Credentials, keys: ApprovalKeys) -> None:
    async def script(socket: ServerConnection) -> None:
        await socket.recv()
        await socket.send(encrypted("accepted"))
        await socket.send(PINGPONG)
        await socket.send(SUBSCRIBED)
        await socket.send(encrypted("partial_fill"))
        await socket.wait_closed()

    async with kis_server(script) as url:
        stream = await opened(url, kis_credentials, keys)
        frames = aiter(stream.frames())
        first, second = await anext(frames), await anext(frames)
        await stream.aclose()

    day, _, frame = first.partition("|")
    assert (len(day), frame.split("^")[9], second.split("^")[9]) == (8, "0000000010", "0000000003")


async def test_a_heartbeat_is_answered_and_yields_nothing(kis_credentials: Credentials, keys: ApprovalKeys) -> None:
    answers = 0

    async def script(socket: ServerConnection) -> None:
        nonlocal answers
        await socket.recv()
        await socket.send(SUBSCRIBED)
        for _ in range(3):
            await socket.send(PINGPONG)
        # the client's pong carries the text; one that reads echoed texts would see it as a message
        await socket.ping()
        answers += 1
        await socket.send(encrypted("partial_fill"))
        await socket.wait_closed()

    async with kis_server(script) as url:
        stream = await opened(url, kis_credentials, keys)
        frame = await anext(aiter(stream.frames()))
        await stream.aclose()

    assert (answers, frame.split("|")[1:4]) == (1, ["0", "H0STCNI0", "001"])


async def test_a_refused_approval_key_is_replaced_once(kis_credentials: Credentials, keys: ApprovalKeys) -> None:
    async def script(socket: ServerConnection) -> None:
        request = msgspec.json.decode(await socket.recv())
        if request["header"]["approval_key"] == "key-0":
            await socket.send(
                '{"header":{"tr_id":"(null)"},"body":{"rt_cd":"9","msg_cd":"OPSP0011","msg1":"invalid approval : NOT FOUND"}}'
            )
        else:
            await socket.send(SUBSCRIBED)
        await socket.wait_closed()

    async with kis_server(script) as url:
        await (await opened(url, kis_credentials, keys)).aclose()

    assert keys.dropped == ["key-0"]


@pytest.mark.parametrize(
    "answer",
    [
        KEY_IN_USE,
        '{"header":{"tr_id":"H0STCNI0"},"body":{"rt_cd":"1","msg_cd":"OPSP0002","msg1":"ALREADY IN SUBSCRIBE"}}',
        "not JSON",
        None,
    ],
)
async def test_a_subscription_that_is_not_acknowledged_is_unavailable(
    answer: str | None, kis_credentials: Credentials, keys: ApprovalKeys
) -> None:
    async def script(socket: ServerConnection) -> None:
        await socket.recv()
        if answer is not None:
            await socket.send(answer)
        else:
            await socket.close()
        await socket.wait_closed()

    async with kis_server(script) as url:
        with pytest.raises(BrokerUnavailable):
            await opened(url, kis_credentials, keys)

    assert keys.dropped == []


async def test_silence_after_the_request_ends_in_unavailable(
    kis_credentials: Credentials, keys: ApprovalKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream_module, "_OPEN_SECONDS", 0.3)

    async with kis_server(lambda socket: socket.wait_closed()) as url:
        with pytest.raises(BrokerUnavailable):
            await opened(url, kis_credentials, keys)


async def test_no_server_is_unavailable_and_nothing_sent(kis_credentials: Credentials, keys: ApprovalKeys) -> None:
    async with kis_server(lambda socket: socket.wait_closed()) as url:
        pass

    with pytest.raises(BrokerUnavailable) as caught:
        await opened(url, kis_credentials, keys)

    assert not caught.value.sent


OPENED = encrypted("partial_fill")
UNOPENED = "1|H0STCNI0|001|" + base64.b64encode(b"x" * 48).decode()


async def test_a_frame_that_the_key_does_not_open_is_handed_on_as_it_came(kis_credentials: Credentials, keys: ApprovalKeys) -> None:
    async def script(socket: ServerConnection) -> None:
        await socket.recv()
        await socket.send(SUBSCRIBED)
        for _ in range(5):
            await socket.send(UNOPENED)
            await socket.send(UNOPENED)
            await socket.send(OPENED)
        await socket.wait_closed()

    async with kis_server(script) as url:
        stream = await opened(url, kis_credentials, keys)
        frames = stream.frames()
        read = [(await anext(frames)).partition("|")[2] for _ in range(15)]
        await stream.aclose()

    assert [text.startswith("0|H0STCNI0|001|myhtsid^") for text in read] == [False, False, True] * 5
    assert read[0] == read[1] == UNOPENED


async def test_a_key_that_opens_nothing_any_more_ends_the_stream(kis_credentials: Credentials, keys: ApprovalKeys) -> None:
    async def script(socket: ServerConnection) -> None:
        await socket.recv()
        await socket.send(SUBSCRIBED)
        for _ in range(5):
            await socket.send(UNOPENED)
        await socket.wait_closed()

    async with kis_server(script) as url:
        stream = await opened(url, kis_credentials, keys)
        frames = stream.frames()
        assert [(await anext(frames)).partition("|")[2] for _ in range(3)] == [UNOPENED] * 3
        with pytest.raises(BrokerUnavailable):
            await anext(frames)
        await stream.aclose()


@pytest.mark.parametrize(
    "garbage",
    ["", "nonsense", "{", "{}", "[]", "null", '{"header":{"tr_id":7}}', '{"header":{}}', "0", "1", "1|", "0|H0STCNI0|001|x^y", b"\xff\xfe"],
)
async def test_no_text_ends_a_stream(garbage: str | bytes, kis_credentials: Credentials, keys: ApprovalKeys) -> None:
    async def script(socket: ServerConnection) -> None:
        await socket.recv()
        await socket.send(garbage)
        await socket.send(SUBSCRIBED)
        await socket.send(garbage)
        await socket.send(OPENED)
        await socket.wait_closed()

    async with kis_server(script) as url:
        stream = await opened(url, kis_credentials, keys)
        async for frame in stream.frames():
            if "myhtsid^" in frame:
                break
        await stream.aclose()


async def test_a_wrong_hts_id_is_rejected(registry: BrokerRegistry, open_account: OpenAccount) -> None:
    account = msgspec.structs.replace(await open_account(Broker.KIS), hts_id="somebody")

    with pytest.raises(BrokerRejected) as caught:
        await registry.adapter(account).open_execution_stream()

    assert caught.value.code == "OPSP0017"


async def test_a_second_session_of_a_key_is_unavailable_until_the_first_ends(registry: BrokerRegistry, open_account: OpenAccount) -> None:
    adapter = registry.adapter(await open_account(Broker.KIS))
    first = await adapter.open_execution_stream()

    with pytest.raises(BrokerUnavailable, match="OPSP8996"):
        await adapter.open_execution_stream()

    await first.aclose()
    await (await adapter.open_execution_stream()).aclose()


async def test_an_approval_key_that_the_broker_forgot_is_renewed(
    kis_adapter: MakeAdapter, open_account: OpenAccount, database: Any, cipher: Cipher
) -> None:
    account = await open_account(Broker.KIS)
    await (await kis_adapter(account).open_execution_stream()).aclose()
    await database["broker_tokens"].update_one({"_id": {"$regex": ":approval:"}}, {"$set": {"token": cipher.encrypt("forgotten")}})

    await (await kis_adapter(account).open_execution_stream()).aclose()

    stored = await database["broker_tokens"].find_one({"_id": {"$regex": ":approval:"}})
    assert cipher.decrypt(stored["token"]) != "forgotten"


async def test_a_mute_stream_ends(
    registry: BrokerRegistry, open_account: OpenAccount, control: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream_module, "_MUTE_SECONDS", 0.4)
    stream = await registry.adapter(await open_account(Broker.KIS)).open_execution_stream()
    (await control.post("/streams/kis/mute")).raise_for_status()

    with pytest.raises(BrokerUnavailable, match="silent"):
        async with asyncio.timeout(5):
            await anext(aiter(stream.frames()))
    await stream.aclose()


async def test_heartbeats_keep_an_idle_stream_alive(
    registry: BrokerRegistry, open_account: OpenAccount, control: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sandbox_stream, "_PING_SECONDS", 0.2)
    monkeypatch.setattr(sandbox_stream, "_PING_CHECK_SECONDS", 0.05)
    monkeypatch.setattr(stream_module, "_MUTE_SECONDS", 0.6)
    account = await open_account(Broker.KIS)
    stream = await registry.adapter(account).open_execution_stream()
    reader = asyncio.ensure_future(anext(aiter(stream.frames())))

    done, _ = await asyncio.wait([reader], timeout=1.5)
    outside = {"broker": "kis", "account_number": account.account_number, "symbol": "005930", "side": "buy", "order_type": "market"}
    await control.post("/orders", json={**outside, "quantity": 1})
    frame = await asyncio.wait_for(reader, 5)
    await stream.aclose()

    assert not done and "^005930^" in frame


@pytest.mark.parametrize("layout", ["26", "23-paper", "23-2024"])
@pytest.mark.parametrize("environment", ["real", "paper"])
async def test_every_notice_layout_is_read_in_both_environments(
    layout: str, environment: str, control: httpx.AsyncClient, kis_adapter: MakeAdapter
) -> None:
    (await control.put("/variants", json={"kis_notice_layout": layout})).raise_for_status()
    account = (await control.post("/accounts", json={"broker": "kis", "environment": environment, "cash": 10_000_000})).json()
    credentials = Credentials(
        account_id="a",
        broker=Broker.KIS,
        environment=Environment(environment),
        account_number=account["account_number"],
        app_key=account["app_key"],
        app_secret=account["app_secret"],
        hts_id=account["hts_id"],
    )
    adapter = kis_adapter(credentials)
    stream = await adapter.open_execution_stream()
    outside = {"broker": "kis", "account_number": credentials.account_number, "symbol": "005930", "side": "buy", "order_type": "market"}
    (await control.post("/orders", json={**outside, "quantity": 3})).raise_for_status()

    notices = []
    async with asyncio.timeout(5):
        async for frame in stream.frames():
            notices += adapter.parse_notices(frame)
            if any(notice.kind is NoticeKind.TRADE for notice in notices):
                break
    await stream.aclose()

    assert [(notice.kind, notice.quantity) for notice in notices] == [(NoticeKind.ACCEPTED, 3), (NoticeKind.TRADE, 3)]
    assert {notice.account_number for notice in notices} == {credentials.account_number}
