"""The KIS door's websocket, seen by a plain websocket client."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator

import httpx
import pytest
import websockets

from api.brokers.sandbox.kis import stream
from api.brokers.sandbox.server import Sandbox
from tests.integration.sandbox.kis_client import KisClient, KisSocket, eventually


@pytest.fixture
async def http(sandbox: Sandbox) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=sandbox.kis_url, timeout=10) as client:
        yield client


@pytest.fixture(params=["real", "paper"])
async def client(http: httpx.AsyncClient, control: httpx.AsyncClient, request: pytest.FixtureRequest) -> KisClient:
    return await client_for(http, control, request.param)


@pytest.fixture
async def real(http: httpx.AsyncClient, control: httpx.AsyncClient) -> KisClient:
    return await client_for(http, control, "real")


async def client_for(http: httpx.AsyncClient, control: httpx.AsyncClient, environment: str) -> KisClient:
    await control.put("/limits", json={"enabled": False})
    account = (await control.post("/accounts", json={"broker": "kis", "environment": environment})).json()
    await control.put("/liquidity", json={"symbol": "005930", "level_quantity": 6, "refill_milliseconds": 5})
    made = KisClient(http, account)
    assert (await made.login()).status_code == 200
    return made


@contextlib.asynccontextmanager
async def connected(client: KisClient, path: str = "/tryitout") -> AsyncIterator[KisSocket]:
    async with websockets.connect(str(client.http.base_url).replace("http", "ws").rstrip("/") + path) as connection:
        yield KisSocket(connection, client)


@pytest.mark.parametrize("path", ["/", "/tryitout", "/tryitout/H0STCNI0"])
async def test_fills_come_encrypted_on_any_path(client: KisClient, path: str) -> None:
    async with connected(client, path) as socket:
        reply = await socket.subscribe()
        assert reply["body"]["msg_cd"] == "OPSP0000"
        assert (len(socket.iv), len(socket.key), reply["header"]["encrypt"]) == (16, 32, "Y")

        number = (await client.place(quantity="10")).json()["output"]["ODNO"]
        accepted, first, second = [await socket.notice() for _ in range(3)]

    assert [len(fields) for fields in (accepted, first, second)] == [26, 26, 26]
    assert {fields[2] for fields in (accepted, first, second)} == {number}
    assert {fields[0] for fields in (accepted, first, second)} == {client.account["hts_id"]}
    assert (accepted[13], accepted[14], int(accepted[9])) == ("1", "1", 10)
    assert [(fields[13], int(fields[9])) for fields in (first, second)] == [("2", 6), ("2", 4)]


async def test_change_and_cancel_are_confirmed_by_notice(client: KisClient) -> None:
    async with connected(client) as socket:
        await socket.subscribe()
        first = (await client.place(price="70000")).json()["output"]["ODNO"]
        second = (await client.change(first, "replace", ORD_UNPR="70500")).json()["output"]["ODNO"]
        third = (await client.change(second, "cancel")).json()["output"]["ODNO"]
        notices = [await socket.notice() for _ in range(3)]

    assert [(fields[2], fields[3], fields[5], fields[14]) for fields in notices] == [
        (first, "", "0", "1"),
        (second, first, "1", "2"),
        (third, second, "2", "2"),
    ]


async def test_orders_from_outside_and_accounts_under_the_same_hts_id_are_told_too(control: httpx.AsyncClient, real: KisClient) -> None:
    body = {"broker": "kis", "environment": "real", "hts_id": real.account["hts_id"]}
    other = (await control.post("/accounts", json=body)).json()
    async with connected(real) as socket:
        await socket.subscribe()
        outside = {"broker": "kis", "symbol": "005930", "side": "buy", "quantity": 1, "price": 70_000}
        for account in (real.account, other):
            answer = await control.post("/orders", json=outside | {"account_number": account["account_number"]})
            assert answer.status_code == 201
        notices = [await socket.notice() for _ in range(2)]

    assert [fields[1] for fields in notices] == [real.account["account_number"], other["account_number"]]


async def test_wrong_approval_key_is_not_found(real: KisClient) -> None:
    async with connected(real) as socket:
        socket.approval_key = "nonsense"
        reply = await socket.send("H0STCNI0", real.account["hts_id"])

    assert (reply["header"]["tr_id"], reply["body"]["msg_cd"]) == ("(null)", "OPSP0011")


async def test_wrong_hts_id_is_told_and_the_connection_dropped(real: KisClient) -> None:
    async with connected(real) as socket:
        socket.approval_key = await real.approval_key()
        reply = await socket.send("H0STCNI0", real.account["hts_id"].upper())
        assert (reply["header"], reply["body"]["msg_cd"]) == ({"tr_id": "(null)"}, "OPSP0017")

        with pytest.raises(websockets.ConnectionClosedError):
            await socket.receive()


async def test_second_session_of_an_app_key_is_refused(real: KisClient) -> None:
    async with connected(real) as first, connected(real) as second:
        await first.subscribe()
        reply = await second.subscribe()

    assert (reply["body"]["rt_cd"], reply["body"]["msg_cd"]) == ("9", "OPSP8996")


async def test_session_is_free_again_after_the_first_has_closed(real: KisClient) -> None:
    async with connected(real) as first:
        await first.subscribe()

    async with connected(real) as second:

        async def is_free() -> bool:
            return bool((await second.subscribe())["body"]["msg_cd"] == "OPSP0000")

        await eventually(is_free)


async def test_subscriptions_have_their_own_answers(real: KisClient) -> None:
    async with connected(real) as socket:
        await socket.subscribe()
        codes = [
            (await socket.send(tr_id, tr_key, tr_type))["body"]["msg_cd"]
            for tr_id, tr_key, tr_type in [
                ("H0STCNI0", real.account["hts_id"], "1"),
                ("H0STCNT0", "005930", "1"),
                ("H0STCNT0", "005930", "2"),
                ("H0STCNT0", "005930", "2"),
                ("H0XXXXX0", "005930", "1"),
                ("H0STCNT0", "999999", "1"),
                ("H0STCNT0", "005930", "7"),
                ("H0STCNI9", real.account["hts_id"], "1"),
            ]
        ]

    assert codes == ["OPSP0002", "OPSP0000", "OPSP0001", "OPSP0003", "OPSP8991", "OPSP8992", "OPSP8997", "OPSP8991"]


async def test_forty_second_registration_is_refused(sandbox: Sandbox, real: KisClient) -> None:
    symbols = list(sandbox.doors.exchange.instruments)[:41]
    async with connected(real) as socket:
        await socket.subscribe()
        codes = [(await socket.send("H0STCNT0", symbol))["body"]["msg_cd"] for symbol in symbols]

    assert codes == ["OPSP0000"] * 40 + ["OPSP0008"]


@pytest.mark.parametrize(
    ("text", "code"),
    [("nonsense", "OPSP9999"), ("{}", "OPSP9998"), ('{"header":{}}', "OPSP9992"), ('{"header":{},"body":{}}', "OPSP9991")],
)
async def test_broken_frames_are_answered(real: KisClient, text: str, code: str) -> None:
    async with connected(real) as socket:
        await socket.connection.send(text)

        assert json.loads(await socket.receive())["body"]["msg_cd"] == code


async def test_idle_connection_gets_pingpong_and_needs_no_echo(real: KisClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "_PING_SECONDS", 0.02)
    monkeypatch.setattr(stream, "_PING_CHECK_SECONDS", 0.02)
    async with connected(real) as socket:
        pings = [json.loads(await socket.receive()) for _ in range(2)]
        await socket.connection.send(json.dumps(pings[0]))
        pings.append(json.loads(await socket.receive()))

    assert {ping["header"]["tr_id"] for ping in pings} == {"PINGPONG"}
    assert len(pings[0]["header"]["datetime"]) == 14


async def test_trades_are_sent_to_those_who_asked(real: KisClient) -> None:
    async with connected(real) as socket:
        await socket.subscribe()
        await socket.send("H0STCNT0", "005930", "1")
        await real.place(quantity="2")
        frames = [await socket.receive() for _ in range(3)]

    trade = next(frame for frame in frames if frame.startswith("0|H0STCNT0|001|")).split("|", 3)[3].split("^")
    assert (len(trade), trade[0], trade[2], trade[12], trade[21]) == (47, "005930", "71000", "2", "1")


async def test_drop_breaks_the_connection_without_a_close_frame(control: httpx.AsyncClient, real: KisClient) -> None:
    async with connected(real) as socket:
        await socket.subscribe()
        assert (await control.post("/streams/kis/drop")).json()["dropped"] == 1

        with pytest.raises(websockets.ConnectionClosedError) as caught:
            await socket.receive()

    assert caught.value.rcvd is None


async def test_muted_stream_loses_notices_and_looks_healthy(control: httpx.AsyncClient, real: KisClient) -> None:
    async with connected(real) as socket:
        await socket.subscribe()
        await control.post("/streams/kis/mute")
        await real.place(price="70000")

        async def has_arrived() -> bool:
            bids = (await control.get("/market/005930")).json()["bids"]
            return any(price == 70_000 and quantity >= 10 for price, quantity in bids)

        await eventually(has_arrived)
        await control.post("/streams/kis/unmute")
        number = (await real.place(price="70100")).json()["output"]["ODNO"]

        assert (await socket.notice())[2] == number


async def test_duplicate_mode_sends_each_notice_twice(control: httpx.AsyncClient, real: KisClient) -> None:
    await control.post("/notices", json={"broker": "kis", "mode": "duplicate"})
    async with connected(real) as socket:
        await socket.subscribe()
        await real.place(price="70000")

        assert await socket.notice() == await socket.notice()


async def test_before_answer_mode_sends_the_fill_before_the_rest_answer(control: httpx.AsyncClient, real: KisClient) -> None:
    await control.put("/behavior", json={"arrival_milliseconds": 60_000})
    await control.post("/notices", json={"broker": "kis", "mode": "before_answer"})
    async with connected(real) as socket:
        await socket.subscribe()
        answer = await real.place(quantity="2")

        notices = [await socket.notice() for _ in range(2)]

    assert [fields[13] for fields in notices] == ["1", "2"]
    assert {fields[2] for fields in notices} == {answer.json()["output"]["ODNO"]}


@pytest.mark.parametrize(("layout", "width"), [("26", 26), ("23-paper", 23), ("23-2024", 23)])
async def test_notice_layout_can_be_chosen(control: httpx.AsyncClient, real: KisClient, layout: str, width: int) -> None:
    assert (await control.put("/variants", json={"kis_notice_layout": layout})).status_code == 200
    async with connected(real) as socket:
        await socket.subscribe()
        await real.place(price="70000")

        assert len(await socket.notice()) == width
