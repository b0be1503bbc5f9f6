"""What the LS adapter makes of answers that the sandbox does not give, from a server that follows a script."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import msgspec
import pytest
from aiohttp import web

from api.brokers.base import Credentials, NewOrder
from api.brokers.errors import BrokerProtocolError, BrokerRejected, BrokerUnavailable
from api.brokers.ls import rest
from api.brokers.ls.adapter import LsAdapter
from api.brokers.registry import BrokerRegistry
from api.domain.enums import Broker, Environment, Exchange, OrderType, Side, TimeInForce
from api.kit.clock import SystemClock, kst_day

TAKEN = {"rsp_cd": "00040", "rsp_msg": "매수 주문이 완료되었습니다.", "CSPAT00601OutBlock2": {"OrdNo": 7, "OrdTime": "150227914"}}
ORDER = NewOrder(
    symbol="005930",
    side=Side.BUY,
    order_type=OrderType.LIMIT,
    time_in_force=TimeInForce.DAY,
    exchange=Exchange.KRX,
    quantity=10,
    limit_price=50_000,
)


def row(number: int) -> dict[str, Any]:
    return {
        "ordno": number,
        "expcode": "005930",
        "medosu": "매수",
        "qty": 1,
        "price": 50_000,
        "cheqty": 0,
        "cheprice": 0,
        "ordrem": 1,
        "cfmqty": 0,
        "status": "접수",
        "orgordno": 0,
        "ordtime": "09000000",
        "hogagb": "00",
    }


def page(*numbers: int, cursor: str = "") -> dict[str, Any]:
    total = {"tqty": len(numbers), "cts_ordno": cursor}
    return {"rsp_cd": "00000", "rsp_msg": "", "t0425OutBlock": total, "t0425OutBlock1": [row(number) for number in numbers]}


class ScriptedLs:
    """Answers the token, and then one entry of the script after the other; the last one for good. Keeps what it was sent."""

    def __init__(self) -> None:
        self.script: list[web.Response | Callable[[web.Request], Any]] = []
        self.received: list[tuple[dict[str, str], dict[str, Any]]] = []
        self.port = 0

    def answers(self, body: object, status: int = 200, **headers: str) -> None:
        content = body if isinstance(body, bytes) else msgspec.json.encode(body)
        self.script.append(lambda _: web.Response(status=status, body=content, headers=headers))

    async def serve(self, request: web.Request) -> web.StreamResponse:
        if request.path == "/oauth2/token":
            form = await request.post()
            assert form["scope"] == "oob"
            return web.json_response({"access_token": "opaque", "scope": "oob", "token_type": "Bearer", "expires_in": 86400})
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.received.append((headers, msgspec.json.decode(await request.read())))
        step = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        answer = step(request) if callable(step) else step
        made: web.StreamResponse = await answer if asyncio.iscoroutine(answer) else answer
        return made


@pytest.fixture
async def server() -> AsyncIterator[ScriptedLs]:
    scripted = ScriptedLs()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", scripted.serve)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    scripted.port = runner.addresses[0][1]
    yield scripted
    await runner.cleanup()


@pytest.fixture
def scripted(make_registry: Callable[[int], BrokerRegistry], server: ScriptedLs) -> LsAdapter:
    credentials = Credentials(
        account_id="6650f1c2a4b3c2d1e0f9a8b7",
        broker=Broker.LS,
        environment=Environment.SANDBOX,
        account_number="12345678901",
        app_key="key",
        app_secret="secret",
    )
    made = make_registry(server.port).adapter(credentials)
    assert isinstance(made, LsAdapter)
    return made


async def test_order_goes_out_in_the_words_of_ls(scripted: LsAdapter, server: ScriptedLs) -> None:
    server.answers(TAKEN)

    await scripted.place(ORDER, deadline=5)

    ((headers, body),) = server.received
    assert (headers["tr_cd"], headers["tr_cont"], headers["authorization"]) == ("CSPAT00601", "N", "Bearer opaque")
    assert body == {
        "CSPAT00601InBlock1": {
            "IsuNo": "A005930",
            "OrdQty": 10,
            "OrdPrc": 50_000,
            "BnsTpCode": "2",
            "OrdprcPtnCode": "00",
            "OrdCndiTpCode": "0",
            "MbrNo": "KRX",
            "MgntrnCode": "000",
            "LoanDt": "",
        }
    }


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, {"rsp_cd": "IGW40014", "rsp_msg": "처리 오류"}),
        (500, {"rsp_cd": "IGW50008", "rsp_msg": "라우팅 오류"}),
        (500, {"rsp_cd": "01524", "rsp_msg": "종목코드를 확인하세요."}),
        (502, b"<html>Bad Gateway</html>"),
        (404, b"not found"),
        (302, b""),
        (503, TAKEN),
    ],
)
async def test_answer_that_proves_nothing_leaves_the_order_open(scripted: LsAdapter, server: ScriptedLs, status: int, body: object) -> None:
    server.answers(body, status)

    with pytest.raises(BrokerUnavailable) as caught:
        await scripted.place(ORDER, deadline=5)

    assert caught.value.sent
    assert len(server.received) == 1


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        {"rsp_msg": "완료"},
        {"rsp_cd": "00040", "rsp_msg": "완료"},
        {"rsp_cd": "00040", "rsp_msg": "완료", "CSPAT00601OutBlock2": {"OrdNo": 0}},
        {"rsp_cd": "00040", "rsp_msg": "완료", "CSPAT00601OutBlock2": {"OrdNo": [7]}},
        {"rsp_cd": "01524", "rsp_msg": "오류", "CSPAT00601OutBlock2": {"OrdNo": 7}},
    ],
)
async def test_answer_that_cannot_be_understood_leaves_the_order_open(scripted: LsAdapter, server: ScriptedLs, body: object) -> None:
    server.answers(body)

    with pytest.raises(BrokerProtocolError):
        await scripted.place(ORDER, deadline=5)

    assert len(server.received) == 1


@pytest.mark.parametrize(("status", "code"), [(500, "IGW40011"), (500, "IGW50004"), (200, "01491"), (400, "01900")])
async def test_refusal_is_proof(scripted: LsAdapter, server: ScriptedLs, status: int, code: str) -> None:
    server.answers({"rsp_cd": code, "rsp_msg": " 거부 "}, status)

    with pytest.raises(BrokerRejected) as caught:
        await scripted.place(ORDER, deadline=5)

    assert (caught.value.code, caught.value.message) == (code, "거부")


async def test_silence_leaves_the_order_open_and_it_is_not_repeated(
    scripted: LsAdapter, server: ScriptedLs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rest, "_ORDER_SECONDS", 0.3)

    async def never(_: web.Request) -> web.Response:
        await asyncio.sleep(60)
        return web.Response()

    server.script.append(never)

    with pytest.raises(BrokerUnavailable) as caught:
        await scripted.place(ORDER, deadline=5)

    assert caught.value.sent
    assert len(server.received) == 1


async def test_answer_that_trickles_does_not_hold_the_order_forever(
    scripted: LsAdapter, server: ScriptedLs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rest, "_WHOLE_ANSWER_SECONDS", 0.5)

    async def trickle(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "100000"})
        await response.prepare(request)
        for _ in range(100):
            await response.write(b" ")
            await asyncio.sleep(0.05)
        return response

    server.script.append(trickle)

    with pytest.raises(BrokerUnavailable) as caught:
        await scripted.place(ORDER, deadline=5)

    assert caught.value.sent


async def list_today(adapter: LsAdapter) -> list[str]:
    return [order.order_number for order in await adapter.list_orders(kst_day(SystemClock().now()))]


async def test_next_page_is_asked_for_in_the_header_and_in_the_body(scripted: LsAdapter, server: ScriptedLs) -> None:
    server.answers(page(1, 2, cursor="2"), tr_cont="Y", tr_cont_key="K2")
    server.answers(page(3), tr_cont="N")

    assert await list_today(scripted) == ["1", "2", "3"]
    headers, body = server.received[1]
    assert (headers["tr_cont"], headers["tr_cont_key"], body["t0425InBlock"]["cts_ordno"]) == ("Y", "K2", "2")


@pytest.mark.parametrize("tr_cont", ["N", "0", ""])
async def test_cursor_alone_is_no_next_page(scripted: LsAdapter, server: ScriptedLs, tr_cont: str) -> None:
    server.answers(page(1, 2, cursor="2"), tr_cont=tr_cont)

    assert await list_today(scripted) == ["1", "2"]


async def test_cursor_that_does_not_advance_is_no_list(scripted: LsAdapter, server: ScriptedLs) -> None:
    server.answers(page(1, 2, cursor="2"), tr_cont="Y")

    with pytest.raises(BrokerProtocolError, match="cursor"):
        await list_today(scripted)


async def test_missing_cursor_ends_the_list_once_nothing_new_comes(scripted: LsAdapter, server: ScriptedLs) -> None:
    server.answers(page(1, 2), tr_cont="Y")

    assert await list_today(scripted) == ["1", "2"]
    assert len(server.received) == 2


async def test_walk_without_end_is_no_list(scripted: LsAdapter, server: ScriptedLs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.brokers.ls.adapter.MAX_PAGES", 3)
    for number in (1, 2, 3):
        server.answers(page(number, cursor=str(number)), tr_cont="Y")

    with pytest.raises(BrokerProtocolError, match="cursor"):
        await list_today(scripted)


async def test_row_read_twice_counts_once(scripted: LsAdapter, server: ScriptedLs) -> None:
    server.answers(page(1, 2, cursor="2"), tr_cont="Y")
    server.answers(page(2, 3), tr_cont="N")

    assert await list_today(scripted) == ["1", "2", "3"]


async def test_refused_inquiry_is_a_rejection(scripted: LsAdapter, server: ScriptedLs) -> None:
    server.answers({"rsp_cd": "01900", "rsp_msg": "모의투자에서는 해당업무가 제공되지 않습니다."})

    with pytest.raises(BrokerRejected, match="01900"):
        await scripted.get_quote("005930")


async def test_nothing_found_in_words_is_an_empty_list(scripted: LsAdapter, server: ScriptedLs) -> None:
    server.answers({"rsp_cd": "00707", "rsp_msg": "조회할 내역이 없습니다."})

    assert await list_today(scripted) == []
