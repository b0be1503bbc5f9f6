"""The LS front door's websocket: registration, the order notices SC0 to SC4, trades, and how notices can misbehave."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import websockets

from api.brokers.sandbox.server import Sandbox
from tests.integration.sandbox.ls.ls_client import LsClient, LsSocket, ls_socket

pytestmark = pytest.mark.usefixtures("unlimited")


@pytest.fixture
async def socket(sandbox: Sandbox, real: LsClient) -> AsyncIterator[LsSocket]:
    """A socket that hears of the real account."""
    async with ls_socket(sandbox.ls_url) as opened:
        await opened.register(real.token, "SC1")
        yield opened


async def test_a_registration_is_acknowledged_with_null_tr_and_body(sandbox: Sandbox, real: LsClient) -> None:
    async with ls_socket(sandbox.ls_url) as socket:
        ack = await socket.register(real.token, "SC0")

    assert ack == {"header": {"tr_type": "1", "tr_cd": None, "rsp_cd": "00000", "rsp_msg": "정상처리되었습니다"}, "body": None}


@pytest.mark.parametrize("path", ["/websocket", "/websocket/stock", "/"])
async def test_any_path_opens_the_websocket(sandbox: Sandbox, real: LsClient, path: str) -> None:
    async with ls_socket(sandbox.ls_url, path) as socket:
        ack = await socket.register(real.token, "SC1")

    assert ack["header"]["rsp_cd"] == "00000"


async def test_a_dead_token_is_acknowledged_with_another_code_and_hears_nothing(sandbox: Sandbox, real: LsClient) -> None:
    dead = real.token
    await real.login()
    async with ls_socket(sandbox.ls_url) as stranger, ls_socket(sandbox.ls_url) as owner:
        ack = await stranger.register(dead, "SC1")
        await owner.register(real.token, "SC1")
        await real.placed()
        await owner.until(lambda: "SC1" in owner.codes())
        await stranger.register(dead, "SC1")

    assert ack["header"]["rsp_cd"] == "IGW00121"
    assert ack["body"] is None
    assert stranger.codes() == []


async def test_one_registration_stands_for_all_and_five_deliver_nothing_twice(sandbox: Sandbox, real: LsClient) -> None:
    async with ls_socket(sandbox.ls_url) as one, ls_socket(sandbox.ls_url) as five:
        await one.register(real.token, "SC0")
        for code in ("SC0", "SC1", "SC2", "SC3", "SC4"):
            await five.register(real.token, code)
        await real.placed()
        last = await real.placed(price=69000)
        for socket in (one, five):
            await socket.until_told(last)

    assert one.codes() == five.codes() == ["SC0", "SC1", "SC0"]


async def test_order_notices_registered_as_market_data_stay_silent(sandbox: Sandbox, real: LsClient, socket: LsSocket) -> None:
    async with ls_socket(sandbox.ls_url) as wrong:
        ack = await wrong.register(real.token, "SC1", tr_type="3")
        await real.placed()
        await socket.until(lambda: "SC1" in socket.codes())
        await wrong.register(real.token, "SC1", tr_type="3")

    assert ack["header"]["rsp_cd"] == "00000"
    assert wrong.codes() == []


async def test_a_fill_is_told_with_every_field_as_text(real: LsClient, socket: LsSocket) -> None:
    number = await real.placed(quantity=10)
    await socket.until(lambda: "SC1" in socket.codes())

    [accepted], [filled] = socket.of("SC0"), socket.of("SC1")
    assert (len(accepted), len(filled)) == (113, 130)
    assert all(isinstance(value, str) for body in (accepted, filled) for value in body.values())
    assert {"ordordcancelqty", "mtordseqno", "orgordundrqty"} <= accepted.keys()
    assert {"pchsant", "mtiordseqno", "Loandt", "Isuno", "Isunm", "shtnIsuno", "ubstexecamt"} <= filled.keys()
    expected_receipt: dict[str, Any] = {
        "trcode": "SONAT000",
        "ordchegb": "01",
        "ordno": str(number),
        "prntordno": str(number),
        "orgordno": "0",
        "shtcode": "A005930",
        "expcode": "KR7005930003",
        "ordqty": "10",
        "ordprice": "71000",
        "ordgb": "02",
        "bnstp": "2",
        "msgcode": "0040",
        "accno": real.account["account_number"],
    }
    expected_fill = {
        "trcode": "SONAS100",
        "ordxctptncode": "11",
        "ordno": str(number),
        "orgordno": "0",
        "execqty": "10",
        "execprc": "71000",
        "unercqty": "0",
        "ordavrexecprc": "71000",
        "Isuno": "KR7005930003",
        "shtnIsuno": "A005930",
        "msgcode": "9999",
    }
    assert {name: accepted[name] for name in expected_receipt} == expected_receipt
    assert {name: filled[name] for name in expected_fill} == expected_fill
    assert int(filled["lineseq"]) == int(accepted["lineseq"]) + 1
    assert filled["seq"] == accepted["seq"]
    assert filled["trid"] == accepted["trid"]


async def test_partial_fills_carry_a_running_remainder_and_unique_numbers(
    real: LsClient, socket: LsSocket, control: httpx.AsyncClient
) -> None:
    liquidity = {"symbol": "005930", "level_quantity": 10, "refill_milliseconds": 10}
    assert (await control.put("/liquidity", json=liquidity)).status_code == 200
    await real.placed(quantity=35, price=71000)
    await socket.until(lambda: any(body["unercqty"] == "0" for body in socket.of("SC1")))

    fills = socket.of("SC1")
    assert len(fills) > 1
    assert sum(int(body["execqty"]) for body in fills) == 35
    remainders = [35 - sum(int(body["execqty"]) for body in fills[: index + 1]) for index in range(len(fills))]
    assert [int(body["unercqty"]) for body in fills] == remainders
    assert len({body["execno"] for body in fills}) == len(fills)


async def test_modify_and_cancel_are_told_as_receipt_and_confirmation(real: LsClient, socket: LsSocket) -> None:
    first = await real.placed(price=69000)
    second = (await real.modify(first, price=69100)).json()["CSPAT00701OutBlock2"]["OrdNo"]
    third = (await real.cancel(second)).json()["CSPAT00801OutBlock2"]["OrdNo"]
    await socket.until(lambda: "SC3" in socket.codes())

    assert socket.codes() == ["SC0", "SC0", "SC2", "SC0", "SC3"]
    _, modify_receipt, cancel_receipt = socket.of("SC0")
    numbers = ("trcode", "ordchegb", "ordno", "orgordno", "prntordno")
    assert [modify_receipt[name] for name in numbers] == ["SONAT001", "02", str(second), str(first), str(first)]
    assert [cancel_receipt[name] for name in numbers] == ["SONAT002", "03", str(third), str(second), str(first)]
    [modified], [canceled] = socket.of("SC2"), socket.of("SC3")
    changed = ("ordxctptncode", "ordno", "orgordno", "mdfycnfqty", "mdfycnfprc", "unercqty", "execqty")
    assert [modified[name] for name in changed] == ["12", str(second), str(first), "10", "69100", "10", "0"]
    dropped = ("ordxctptncode", "ordno", "orgordno", "canccnfqty", "unercqty", "execqty")
    assert [canceled[name] for name in dropped] == ["13", str(third), str(second), "10", "0", "0"]
    assert (modified["outgu"], canceled["outgu"]) == ("1", "1")


async def test_a_fill_after_a_modify_stands_under_the_new_number(real: LsClient, socket: LsSocket) -> None:
    first = await real.placed(price=69000)
    second = (await real.modify(first, price=71000)).json()["CSPAT00701OutBlock2"]["OrdNo"]
    await socket.until(lambda: "SC1" in socket.codes())

    assert socket.codes() == ["SC0", "SC0", "SC2", "SC1"]
    [fill] = socket.of("SC1")
    assert (fill["ordno"], fill["orgordno"], fill["unercqty"]) == (str(second), str(first), "0")


async def test_an_order_refused_by_the_exchange_is_told_as_sc4(real: LsClient, socket: LsSocket, control: httpx.AsyncClient) -> None:
    await control.put("/behavior", json={"reject_at_exchange": 1})
    number = await real.placed(quantity=7)
    await socket.until(lambda: "SC4" in socket.codes())

    [body] = socket.of("SC4")
    assert (body["ordxctptncode"], body["ordno"], body["rjtqty"], body["unercqty"]) == ("14", str(number), "7", "0")
    assert len(body) == 130
    [row] = await real.rows()
    assert (row["status"], row["ordrem"]) == ("거부", 0)


async def test_what_an_ioc_order_could_not_fill_is_told_as_canceled(real: LsClient, socket: LsSocket) -> None:
    number = await real.placed(price=69000, quantity=3, OrdCndiTpCode="1")
    await socket.until(lambda: "SC3" in socket.codes())

    [body] = socket.of("SC3")
    assert (body["ordno"], body["orgordno"], body["canccnfqty"], body["ordcndi"]) == (str(number), "0", "3", "1")


async def test_the_paper_server_has_its_own_habits(sandbox: Sandbox, paper: LsClient) -> None:
    async with ls_socket(sandbox.ls_url) as socket:
        await socket.register(paper.token, "SC1")
        await paper.placed()
        resting = await paper.placed(price=69000)
        await paper.cancel(resting)
        await socket.until(lambda: "SC3" in socket.codes())

    [fill], [canceled] = socket.of("SC1"), socket.of("SC3")
    assert (socket.of("SC0")[0]["msgcode"], fill["msgcode"]) == ("0000", "0000")
    assert fill["exectime"].endswith("000")
    assert (fill["mnyexecamt"], fill["flctqty"]) == ("0", "0")
    assert int(fill["secbalqty"]) > 0
    assert (canceled["unercqty"], canceled["canccnfqty"]) == ("10", "10")


async def test_unregistering_turns_all_notices_off(real: LsClient, socket: LsSocket, sandbox: Sandbox) -> None:
    await socket.register(real.token, "SC0", tr_type="2")
    async with ls_socket(sandbox.ls_url) as other:
        await other.register(real.token, "SC1")
        await real.placed()
        await other.until(lambda: "SC1" in other.codes())
    await socket.register(real.token, "SC0", tr_type="2")

    assert socket.codes() == []


async def test_orders_from_outside_are_told_and_listed(real: LsClient, socket: LsSocket, control: httpx.AsyncClient) -> None:
    outside = {
        "broker": "ls",
        "account_number": real.account["account_number"],
        "symbol": "005930",
        "side": "buy",
        "order_type": "limit",
        "price": 71000,
        "quantity": 3,
    }
    answer = await control.post("/orders", json=outside)
    assert answer.status_code == 201, answer.text
    await socket.until(lambda: "SC1" in socket.codes())

    assert socket.codes() == ["SC0", "SC1"]
    [row] = await real.rows()
    assert (row["ordermtd"], row["cheqty"], row["hogagb"]) == ("HTS", 3, "00")


async def test_trades_go_out_under_the_right_market_only(sandbox: Sandbox, real: LsClient) -> None:
    async with ls_socket(sandbox.ls_url) as socket:
        ack = await socket.register(real.token, "S3_", tr_type="3", key="005930")
        await socket.register(real.token, "S3_", tr_type="3", key="247540")
        await socket.register(real.token, "K3_", tr_type="3", key="247540")
        await real.placed(symbol="A247540", price=110000, quantity=2)
        await real.placed(quantity=10)
        await socket.until(lambda: "S3_" in socket.codes())

    assert (ack["header"]["tr_cd"], ack["header"]["tr_type"]) == ("S3_", "3")
    [kospi], [kosdaq] = socket.of("S3_"), socket.of("K3_")
    assert (kospi["shcode"], kospi["cvolume"], kospi["price"], kospi["cgubun"]) == ("005930", "10", "71000", "+")
    assert (kosdaq["shcode"], kosdaq["cvolume"]) == ("247540", "2")
    assert all(isinstance(value, str) for value in kospi.values())


# --- misbehaving notices -------------------------------------------------------------------------------------------------


async def test_duplicated_notices_are_the_same_frame_twice(real: LsClient, socket: LsSocket, control: httpx.AsyncClient) -> None:
    await control.post("/notices", json={"broker": "ls", "mode": "duplicate"})
    await real.placed()
    await socket.until(lambda: socket.codes().count("SC1") == 2)

    first, second = socket.of("SC1")
    assert first == second


async def test_reordered_notices_overtake_each_other(real: LsClient, socket: LsSocket, control: httpx.AsyncClient) -> None:
    await control.post("/notices", json={"broker": "ls", "mode": "reorder"})
    await real.placed()
    await socket.until(lambda: len(socket.codes()) == 2)

    assert socket.codes() == ["SC1", "SC0"]


async def test_notices_can_arrive_before_the_answer(real: LsClient, socket: LsSocket, control: httpx.AsyncClient) -> None:
    await control.post("/notices", json={"broker": "ls", "mode": "before_answer"})
    await control.put("/behavior", json={"arrival_milliseconds": 60_000})  # so only the wait for the notices lets the order arrive

    number = await real.placed()
    await socket.until(lambda: "SC1" in socket.codes())

    assert [body["ordno"] for body in socket.of("SC0", "SC1")] == [str(number)] * 2


async def test_lost_and_muted_notices_leave_the_list_complete(real: LsClient, socket: LsSocket, control: httpx.AsyncClient) -> None:
    await control.put("/behavior", json={"arrival_milliseconds": 0})  # arrived, and its notice dealt with, before the next request
    await control.post("/notices", json={"broker": "ls", "mode": "lose"})
    await real.placed(price=69000)
    await control.post("/notices", json={"broker": "ls", "mode": "normal"})
    await control.post("/streams/ls/mute")
    await real.placed(price=69000)
    await control.post("/streams/ls/unmute")
    heard = await real.placed(price=69000)
    await socket.until(lambda: bool(socket.codes()))

    assert [body["ordno"] for body in socket.of("SC0")] == [str(heard)]
    assert len(await real.rows()) == 3


async def test_dropped_sockets_break_and_nothing_is_remembered_of_them(
    sandbox: Sandbox, real: LsClient, socket: LsSocket, control: httpx.AsyncClient
) -> None:
    await control.post("/streams/ls/drop")
    with pytest.raises(websockets.ConnectionClosedError):
        await socket.until(lambda: False)
    async with ls_socket(sandbox.ls_url) as unregistered, ls_socket(sandbox.ls_url) as registered:
        await registered.register(real.token, "SC1")
        await real.placed()
        await registered.until(lambda: "SC1" in registered.codes())
        await unregistered.register("none", "SC1")

    assert unregistered.codes() == []
