"""A bare KIS client for tests: httpx, websockets and cryptography, written from the protocol notes alone."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable
from typing import Any

import httpx
import websockets
from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

TRADING = "/uapi/domestic-stock/v1/trading/"
QUOTATIONS = "/uapi/domestic-stock/v1/quotations/"
WAIT_SECONDS = 5.0


class KisClient:
    """One app key's calls."""

    def __init__(self, http: httpx.AsyncClient, account: dict[str, Any]) -> None:
        self.http = http
        self.account = account
        self.is_paper = account["environment"] == "paper"
        self.token = ""

    def tr(self, real_id: str) -> str:
        return "V" + real_id[1:] if self.is_paper else real_id

    async def login(self) -> httpx.Response:
        answer = await self.http.post(
            "/oauth2/tokenP",
            json={"grant_type": "client_credentials", "appkey": self.account["app_key"], "appsecret": self.account["app_secret"]},
        )
        if answer.status_code == 200:
            self.token = answer.json()["access_token"]
        return answer

    def headers(self, tr_id: str, **extra: str) -> dict[str, str]:
        return {
            "content-type": "application/json; charset=utf-8",
            "authorization": f"Bearer {self.token}",
            "appkey": self.account["app_key"],
            "appsecret": self.account["app_secret"],
            "tr_id": tr_id,
            "custtype": "P",
            **extra,
        }

    @property
    def cano(self) -> dict[str, str]:
        number = self.account["account_number"]
        return {"CANO": number[:8], "ACNT_PRDT_CD": number[8:]}

    async def place(
        self, side: str = "buy", *, symbol: str = "005930", quantity: str = "10", price: str = "71000", code: str = "00", **extra: Any
    ) -> httpx.Response:
        body = {**self.cano, "PDNO": symbol, "ORD_DVSN": code, "ORD_QTY": quantity, "ORD_UNPR": price, **extra}
        tr_id = self.tr("TTTC0012U" if side == "buy" else "TTTC0011U")
        return await self.http.post(TRADING + "order-cash", json=body, headers=self.headers(tr_id))

    async def change(self, number: str, kind: str, **fields: str) -> httpx.Response:
        body = {
            **self.cano,
            "KRX_FWDG_ORD_ORGNO": "",
            "ORGN_ODNO": number,
            "ORD_DVSN": "00",
            "RVSE_CNCL_DVSN_CD": {"replace": "01", "cancel": "02"}[kind],
            "ORD_QTY": "0",
            "ORD_UNPR": "0",
            "QTY_ALL_ORD_YN": "Y",
            **fields,
        }
        return await self.http.post(TRADING + "order-rvsecncl", json=body, headers=self.headers(self.tr("TTTC0013U")))

    async def day_orders(self, *, tr_cont: str = "", fk: str = "", nk: str = "", **fields: str) -> httpx.Response:
        query = {
            **self.cano,
            "INQR_STRT_DT": "20000101",
            "INQR_END_DT": "29991231",
            "SLL_BUY_DVSN_CD": "00",
            "INQR_DVSN": "01",
            "PDNO": "",
            "CCLD_DVSN": "00",
            "CTX_AREA_FK100": fk,
            "CTX_AREA_NK100": nk,
            **fields,
        }
        headers = self.headers(self.tr("TTTC0081R"), tr_cont=tr_cont)
        return await self.http.get(TRADING + "inquire-daily-ccld", params=query, headers=headers)

    async def balance(self) -> httpx.Response:
        return await self.http.get(TRADING + "inquire-balance", params=self.cano, headers=self.headers(self.tr("TTTC8434R")))

    async def approval_key(self) -> str:
        answer = await self.http.post(
            "/oauth2/Approval",
            json={"grant_type": "client_credentials", "appkey": self.account["app_key"], "secretkey": self.account["app_secret"]},
        )
        key: str = answer.json()["approval_key"]
        return key


class KisSocket:
    """A websocket session that decrypts its notices."""

    def __init__(self, connection: websockets.ClientConnection, client: KisClient) -> None:
        self.connection = connection
        self.client = client
        self.approval_key = ""
        self.iv = self.key = ""

    async def send(self, tr_id: str, tr_key: str, tr_type: str = "1") -> dict[str, Any]:
        """Register or unregister; the reply."""
        header = {"approval_key": self.approval_key, "custtype": "P", "tr_type": tr_type, "content-type": "utf-8"}
        await self.connection.send(json.dumps({"header": header, "body": {"input": {"tr_id": tr_id, "tr_key": tr_key}}}))
        reply: dict[str, Any] = json.loads(await self.receive())
        output = reply["body"].get("output")
        if output:
            self.iv, self.key = output["iv"], output["key"]
        return reply

    async def subscribe(self) -> dict[str, Any]:
        """Register for fill notices."""
        self.approval_key = await self.client.approval_key()
        return await self.send("H0STCNI9" if self.client.is_paper else "H0STCNI0", self.client.account["hts_id"])

    async def receive(self) -> str:
        text = await asyncio.wait_for(self.connection.recv(), WAIT_SECONDS)
        assert isinstance(text, str)
        return text

    async def notice(self) -> list[str]:
        """The next fill notice's fields."""
        flag, _, count, payload = (await self.receive()).split("|", 3)
        assert (flag, count) == ("1", "001")
        decryptor = Cipher(algorithms.AES(self.key.encode()), modes.CBC(self.iv.encode())).decryptor()
        padded = decryptor.update(base64.b64decode(payload)) + decryptor.finalize()
        unpadder = padding.PKCS7(128).unpadder()
        return (unpadder.update(padded) + unpadder.finalize()).decode().split("^")


async def eventually(check: Callable[[], Any], *, seconds: float = WAIT_SECONDS) -> Any:
    """Wait until an async check gives something true; fails after the limit."""
    deadline = asyncio.get_running_loop().time() + seconds
    while asyncio.get_running_loop().time() < deadline:
        found = await check()
        if found:
            return found
        await asyncio.sleep(0.01)
    raise AssertionError("the condition did not come true in time")
