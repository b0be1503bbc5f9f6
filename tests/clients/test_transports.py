"""Clients that no library stands behind: old HTTP, odd spellings of names and paths, other websocket libraries."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
import websocket
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from tests.clients.conftest import ControlledSandbox
from tests.clients.seen import PRICE, SYMBOL

_PRICE_PATH = "/uapi/domestic-stock/v1/quotations/inquire-price"
_PRICE_QUERY = f"fid_cond_mrkt_div_code=J&fid_input_iscd={SYMBOL}"
_LS_PRICE = json.dumps({"t1102InBlock": {"shcode": SYMBOL}})
_WIDTH_OF_A_NOTICE = 26


class Door:
    """One front door, an account there, and its token."""

    def __init__(self, broker: str, port: int, account: dict[str, Any]) -> None:
        self.broker, self.port, self.account, self.token = broker, port, account, ""

    async def sign_in(self) -> None:
        """Get a token with aiohttp."""
        key, secret = self.account["app_key"], self.account["app_secret"]
        async with aiohttp.ClientSession(f"http://127.0.0.1:{self.port}") as session:
            if self.broker == "kis":
                answer = session.post("/oauth2/tokenP", json={"grant_type": "client_credentials", "appkey": key, "appsecret": secret})
            else:
                form = {"grant_type": "client_credentials", "appkey": key, "appsecretkey": secret, "scope": "oob"}
                answer = session.post("/oauth2/token", data=form)
            async with answer as response:
                self.token = (await response.json())["access_token"]

    def headers(self, tr: str) -> dict[str, str]:
        """The headers of a call, all in lower case."""
        if self.broker == "ls":
            return {"authorization": f"Bearer {self.token}", "tr_cd": tr, "tr_cont": "N", "content-type": "application/json"}
        keys = {"appkey": self.account["app_key"], "appsecret": self.account["app_secret"]}
        return {"authorization": f"Bearer {self.token}", "tr_id": tr, "custtype": "P", **keys}

    async def raw(self, request: str, headers: dict[str, str], body: str = "") -> tuple[list[str], Any]:
        """Write a request by hand and read to the end of the connection; the header lines as they came, and the JSON."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        lines = [request, *(f"{name}: {value}" for name, value in headers.items()), f"content-length: {len(body)}"]
        writer.write(("\r\n".join(lines) + "\r\n\r\n" + body).encode())
        async with asyncio.timeout(10):
            head, _, answer = (await reader.read()).partition(b"\r\n\r\n")
        writer.close()
        await writer.wait_closed()
        return head.decode().split("\r\n"), json.loads(answer)


@pytest_asyncio.fixture
async def kis(sandbox: ControlledSandbox, sandbox_port: int) -> AsyncIterator[Door]:
    """The KIS door, signed in at a real account."""
    door = Door("kis", sandbox_port + 1, await sandbox.account("kis", "real"))
    await sandbox.call("PUT", f"/market/{SYMBOL}", {"price": PRICE})
    await door.sign_in()
    yield door


@pytest_asyncio.fixture
async def ls(sandbox: ControlledSandbox, sandbox_port: int) -> AsyncIterator[Door]:
    """The LS door, signed in at a real account."""
    door = Door("ls", sandbox_port + 2, await sandbox.account("ls", "real"))
    await sandbox.call("PUT", f"/market/{SYMBOL}", {"price": PRICE})
    await door.sign_in()
    yield door


async def test_kis_answers_http_1_0_and_spells_its_headers_as_clients_look_for_them(kis: Door) -> None:
    lines, body = await kis.raw(f"GET {_PRICE_PATH}?{_PRICE_QUERY} HTTP/1.0", kis.headers("FHKST01010100"))

    assert lines[0].split(" ")[1] == "200"
    assert {line.split(":")[0] for line in lines[1:]} >= {"Content-Type", "tr_id", "tr_cont", "gt_uid"}
    assert body["output"]["stck_prpr"] == str(PRICE)


async def test_ls_answers_http_1_0_and_spells_its_headers_as_clients_look_for_them(ls: Door) -> None:
    lines, body = await ls.raw("POST /stock/market-data HTTP/1.0", ls.headers("t1102"), _LS_PRICE)

    assert lines[0].split(" ")[1] == "200"
    assert {line.split(":")[0] for line in lines[1:]} >= {"Content-Type", "tr_cd", "tr_cont", "tr_cont_key"}
    assert body["t1102OutBlock"]["price"] == PRICE


async def test_kis_takes_header_names_in_any_case_and_a_slash_too_many(kis: Door) -> None:
    headers = {name.upper(): value for name, value in kis.headers("FHKST01010100").items()}

    _, body = await kis.raw(f"GET /{_PRICE_PATH}?{_PRICE_QUERY} HTTP/1.1", headers | {"Host": "localhost", "Connection": "close"})

    assert body["output"]["stck_prpr"] == str(PRICE)


@pytest.mark.parametrize(
    ("first", "adjusted"),
    [
        pytest.param("00000101", "0", id="python-kis begins in the year 0000"),
        pytest.param("20260101", "0000000001", id="pykis sends flags of ten digits"),
    ],
)
async def test_kis_charts_take_what_libraries_send(kis: Door, first: str, adjusted: str) -> None:
    query = f"{_PRICE_QUERY}&fid_input_date_1={first}&fid_input_date_2=20991231&fid_period_div_code=D&fid_org_adj_prc={adjusted}"
    path = "/uapi/domestic-stock/v1/quotations/inquire-daily-itemchartprice"

    _, body = await kis.raw(f"GET {path}?{query} HTTP/1.0", kis.headers("FHKST03010100"))

    assert body["rt_cd"] == "0"
    assert len(body["output2"]) == 100


async def test_websocket_client_hears_of_a_kis_fill_with_the_key_of_its_acknowledgement(sandbox: ControlledSandbox, kis: Door) -> None:
    account = kis.account
    key = {"grant_type": "client_credentials", "appkey": account["app_key"], "secretkey": account["app_secret"]}
    async with aiohttp.ClientSession() as session, session.post(f"http://127.0.0.1:{kis.port}/oauth2/Approval", json=key) as answer:
        approval_key = (await answer.json())["approval_key"]
    header = {"approval_key": approval_key, "custtype": "P", "tr_type": "1", "content-type": "utf-8"}
    target = {"input": {"tr_id": "H0STCNI0", "tr_key": account["hts_id"]}}
    client = await asyncio.to_thread(websocket.create_connection, f"ws://127.0.0.1:{kis.port}/tryitout", timeout=10)
    client.send(json.dumps({"header": header, "body": target}))
    keys = json.loads(await asyncio.to_thread(client.recv))["body"]["output"]

    order = {"broker": "kis", "account_number": account["account_number"], "symbol": SYMBOL, "side": "buy", "price": 71_500, "quantity": 3}
    await sandbox.call("POST", "/orders", order)
    frames = [str(await asyncio.to_thread(client.recv)).split("|") for _ in range(2)]  # taken, then filled
    client.close()

    cipher = Cipher(algorithms.AES(keys["key"].encode()), modes.CBC(keys["iv"].encode())).decryptor()
    text = cipher.update(base64.b64decode(frames[1][3])) + cipher.finalize()
    fields = text[: -text[-1]].decode().split("^")
    assert [frame[:3] for frame in frames] == [["1", "H0STCNI0", "001"]] * 2
    assert (len(fields), fields[9], fields[10], fields[13]) == (_WIDTH_OF_A_NOTICE, "0000000003", "000071000", "2")
    ((_, shares, price),) = await sandbox.executions(account)
    assert (shares, price) == (3, PRICE)


async def test_aiohttp_hears_of_an_ls_fill_after_one_registration(sandbox: ControlledSandbox, ls: Door) -> None:
    registration = {"header": {"token": ls.token, "tr_type": "1"}, "body": {"tr_cd": "SC1", "tr_key": ""}}
    order = {"broker": "ls", "account_number": ls.account["account_number"], "symbol": SYMBOL, "side": "buy"}
    async with aiohttp.ClientSession() as session, session.ws_connect(f"ws://127.0.0.1:{ls.port}/websocket") as client:
        await client.send_json(registration)
        acknowledgement = await client.receive_json(timeout=10)
        await sandbox.call("POST", "/orders", order | {"price": 71_500, "quantity": 3})
        frames = [await client.receive_json(timeout=10) for _ in range(2)]

    assert acknowledgement["header"]["rsp_cd"] == "00000" and acknowledgement["body"] is None
    assert [frame["header"]["tr_cd"] for frame in frames] == ["SC0", "SC1"]
    assert (frames[1]["body"]["execqty"], frames[1]["body"]["execprc"]) == ("3", str(PRICE))
    assert all(isinstance(value, str) for frame in frames for value in frame["body"].values())
