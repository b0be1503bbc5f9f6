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
from api.kit.tls import trusted
from tests.integration.sandbox.kis_client import KisClient, KisSocket, eventually


@pytest.fixture
async def http(sandbox: Sandbox) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(verify=trusted(), base_url=sandbox.kis_url, timeout=10) as client:
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


# --- market data


async def test_a_book_comes_after_registration_and_again_when_it_has_changed(control: httpx.AsyncClient, real: KisClient) -> None:
    async with connected(real) as socket:
        await socket.subscribe()
        await socket.send("H0STASP0", "005930")
        first = (await socket.receive()).split("|", 3)
        (await control.put("/market/005930", json={"price": 71_500})).raise_for_status()
        second = (await socket.receive()).split("|", 3)

    fields, moved = first[3].split("^"), second[3].split("^")
    assert first[:3] == second[:3] == ["0", "H0STASP0", "001"]
    assert (len(fields), fields[0], fields[3], fields[13]) == (63, "005930", "71000", "70900")
    assert int(fields[43]) == sum(int(size) for size in fields[23:33])
    assert int(fields[44]) == sum(int(size) for size in fields[33:43])
    assert (moved[3], moved[50]) == ("71500", "500")


@pytest.mark.parametrize(("tr_id", "variant", "width"), [("H0STASP0", "63", 63), ("H0STASP0", "59", 59), ("H0UNASP0", "63", 66)])
async def test_books_have_their_documented_widths(
    tr_id: str, variant: str, width: int, control: httpx.AsyncClient, real: KisClient
) -> None:
    (await control.put("/variants", json={"kis_book_fields": variant})).raise_for_status()
    async with connected(real) as socket:
        await socket.subscribe()
        await socket.send(tr_id, "005930")

        assert len((await socket.receive()).split("|", 3)[3].split("^")) == width


async def test_trades_come_in_the_older_width_too(control: httpx.AsyncClient, real: KisClient) -> None:
    (await control.put("/variants", json={"kis_trade_fields": "46"})).raise_for_status()
    async with connected(real) as socket:
        socket.approval_key = await real.approval_key()
        await socket.send("H0UNCNT0", "005930")
        await real.place(quantity="2")
        flag, tr_id, count, text = (await socket.receive()).split("|", 3)

    assert (flag, tr_id, count, len(text.split("^"))) == ("0", "H0UNCNT0", "001", 46)


async def test_registrations_that_paper_lacks_are_refused_there(control: httpx.AsyncClient, http: httpx.AsyncClient) -> None:
    paper = await client_for(http, control, "paper")
    async with connected(paper) as socket:
        await socket.subscribe()
        codes = [(await socket.send(tr_id, "005930"))["body"]["msg_cd"] for tr_id in ("H0STASP0", "H0STCNT0", "H0UNCNT0", "H0STMKO0")]

    assert codes == ["OPSP0000", "OPSP0000", "OPSP8991", "OPSP8991"]


# --- variants of the wire


async def test_records_of_one_moment_can_share_a_frame(control: httpx.AsyncClient, real: KisClient) -> None:
    (await control.put("/variants", json={"kis_frame_records": "many"})).raise_for_status()
    async with connected(real) as socket:
        await socket.subscribe()
        await socket.send("H0STCNT0", "005930")
        await real.place(quantity="4")
        await control.post("/market/pause")
        for _ in range(3):
            await real.place(quantity="1", price="71100")

        async def all_rest() -> bool:  # an order comes to the book some milliseconds after its answer
            return [71_100, 3] in (await control.get("/market/005930")).json()["bids"]

        await eventually(all_rest)
        await control.post("/market/resume")
        widths: list[tuple[str, int]] = []
        while sum(int(count) for count, _ in widths) < 4:
            flag, _, count, payload = (await socket.receive()).split("|", 3)
            if flag == "0":
                widths.append((count, len(payload.split("^"))))

    assert all(width == int(count) * 47 for count, width in widths)
    assert max(int(count) for count, _ in widths) > 1


async def test_each_subscription_can_have_a_cipher_of_its_own(control: httpx.AsyncClient, real: KisClient) -> None:
    async with connected(real) as socket:
        await socket.subscribe()
        shared = socket.key
        await socket.send("H0STCNT0", "005930")
        assert socket.key == shared
        (await control.put("/variants", json={"kis_cipher": "subscription"})).raise_for_status()
        await socket.send("H0STCNT0", "000660")
        assert socket.key != shared


async def test_a_silent_client_can_be_dropped_and_a_pong_keeps_it(
    control: httpx.AsyncClient, real: KisClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "_PING_SECONDS", 0.1)
    monkeypatch.setattr(stream, "_PING_CHECK_SECONDS", 0.05)
    (await control.put("/variants", json={"kis_silence_seconds": "1"})).raise_for_status()
    async with connected(real) as answering, connected(real) as silent:
        for _ in range(15):  # 1.5 seconds of PINGPONG
            await answering.connection.pong((await answering.receive()).encode())
        with pytest.raises(websockets.ConnectionClosedError):
            while True:
                await silent.receive()


@pytest.mark.parametrize(
    ("header", "target", "code"),
    [
        ({"tr_type": "1"}, {"tr_id": "H0STCNT0", "tr_key": "005930"}, "OPSP9997"),
        ({"tr_type": "1", "custtype": "X"}, {"tr_id": "H0STCNT0", "tr_key": "005930"}, "OPSP8998"),
        ({"tr_type": "1", "custtype": "B"}, {"tr_id": "H0STCNT0", "tr_key": "005930"}, "OPSP8994"),
        ({"tr_type": "1", "custtype": "P"}, {"tr_id": "H0STCNT0"}, "OPSP9990"),
        ({"tr_type": "1", "custtype": "P"}, {"tr_id": "H0STCNT0", "tr_key": 5930}, "OPSP8993"),
        ({"tr_type": "1", "custtype": "P"}, {"tr_key": "005930"}, "OPSP8991"),
    ],
)
async def test_each_fault_of_a_request_has_its_code(real: KisClient, header: dict[str, str], target: dict[str, object], code: str) -> None:
    async with connected(real) as socket:
        full = {"approval_key": await real.approval_key(), "content-type": "utf-8"} | header
        await socket.connection.send(json.dumps({"header": full, "body": {"input": target}}))

        assert json.loads(await socket.receive())["body"]["msg_cd"] == code
