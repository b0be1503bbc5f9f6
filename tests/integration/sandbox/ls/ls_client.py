"""A bare LS client for tests: httpx and websockets, written from the protocol notes alone."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import websockets

from tests.stack import until

WAIT_SECONDS = 5.0


class LsClient:
    """One app key's calls."""

    def __init__(self, http: httpx.AsyncClient, account: dict[str, Any]) -> None:
        self.http = http
        self.account = account
        self.token = ""

    @property
    def credentials(self) -> dict[str, str]:
        return {"appkey": self.account["app_key"], "appsecretkey": self.account["app_secret"]}

    async def login(self, **changes: str) -> httpx.Response:
        form = {"grant_type": "client_credentials", "scope": "oob", **self.credentials, **changes}
        answer = await self.http.post("/oauth2/token", data=form)
        if answer.status_code == 200:
            self.token = answer.json()["access_token"]
        return answer

    def headers(self, code: str, **extra: str) -> dict[str, str]:
        return {
            "content-type": "application/json; charset=utf-8",
            "authorization": f"Bearer {self.token}",
            "tr_cd": code,
            "tr_cont": "N",
            "tr_cont_key": "",
            "mac_address": "",
            **extra,
        }

    async def tr(self, code: str, fields: dict[str, Any], *, path: str = "/stock/accno", **headers: str) -> httpx.Response:
        block = f"{code}InBlock1" if code[0].isupper() else f"{code}InBlock"
        return await self.http.post(path, headers=self.headers(code, **headers), json={block: fields})

    async def place(
        self, *, side: str = "2", symbol: str = "A005930", quantity: Any = 10, price: Any = 71000, **extra: Any
    ) -> httpx.Response:
        fields = {
            "IsuNo": symbol,
            "OrdQty": quantity,
            "OrdPrc": price,
            "BnsTpCode": side,
            "OrdprcPtnCode": "00",
            "MgntrnCode": "000",
            "LoanDt": "",
            "OrdCndiTpCode": "0",
            **extra,
        }
        return await self.tr("CSPAT00601", fields, path="/stock/order")

    async def placed(self, **fields: Any) -> int:
        """Place an order that must be taken; its number."""
        answer = await self.place(**fields)
        assert answer.status_code == 200, answer.text
        number: int = answer.json()["CSPAT00601OutBlock2"]["OrdNo"]
        return number

    async def modify(self, number: int, *, price: Any, quantity: Any = 10, symbol: str = "A005930", code: str = "00") -> httpx.Response:
        fields = {"OrgOrdNo": number, "IsuNo": symbol, "OrdQty": quantity, "OrdprcPtnCode": code, "OrdCndiTpCode": "0", "OrdPrc": price}
        return await self.tr("CSPAT00701", fields, path="/stock/order")

    async def cancel(self, number: int, *, quantity: Any = 10, symbol: str = "A005930") -> httpx.Response:
        return await self.tr("CSPAT00801", {"OrgOrdNo": number, "IsuNo": symbol, "OrdQty": quantity}, path="/stock/order")

    async def today(self, *, cursor: str = " ", cont: str = "N", **changes: str) -> httpx.Response:
        fields = {"expcode": "", "chegb": "0", "medosu": "0", "sortgb": "2", "cts_ordno": cursor, **changes}
        return await self.tr("t0425", fields, tr_cont=cont, tr_cont_key=cursor.strip())

    async def rows(self, **changes: str) -> list[dict[str, Any]]:
        """The first page of t0425."""
        found: list[dict[str, Any]] = (await self.today(**changes)).json().get("t0425OutBlock1", [])
        return found

    async def until_filled(self) -> None:
        """Wait until nothing of today's orders is open: they reach the exchange a moment after the answer."""

        async def are_filled() -> bool:
            return all(row["ordrem"] == 0 for row in await self.rows())

        await until(are_filled, "today's orders are filled", seconds=10)


class LsSocket:
    """A websocket that keeps what it received."""

    def __init__(self, socket: websockets.ClientConnection) -> None:
        self.socket = socket
        self.frames: list[dict[str, Any]] = []

    async def register(self, token: str, code: str, *, tr_type: str = "1", key: str = "") -> dict[str, Any]:
        """Send a registration and wait for its acknowledgement."""
        known = len(self.acks())
        await self.socket.send(json.dumps({"header": {"token": token, "tr_type": tr_type}, "body": {"tr_cd": code, "tr_key": key}}))
        await self.until(lambda: len(self.acks()) > known)
        return self.acks()[-1]

    def acks(self) -> list[dict[str, Any]]:
        return [frame for frame in self.frames if frame["body"] is None]

    def of(self, *codes: str) -> list[dict[str, str]]:
        """Bodies of the received frames of these TRs."""
        return [frame["body"] for frame in self.frames if frame["body"] is not None and frame["header"]["tr_cd"] in codes]

    def codes(self) -> list[str]:
        return [frame["header"]["tr_cd"] for frame in self.frames if frame["body"] is not None]

    async def until(self, condition: Callable[[], bool]) -> None:
        """Read frames until the condition holds."""
        async with asyncio.timeout(WAIT_SECONDS):
            while not condition():
                self.frames.append(json.loads(await self.socket.recv()))

    async def until_told(self, number: int) -> None:
        """Read frames until the receipt of an order came."""
        await self.until(lambda: str(number) in [body["ordno"] for body in self.of("SC0")])


@asynccontextmanager
async def ls_socket(url: str, path: str = "/websocket") -> AsyncIterator[LsSocket]:
    async with websockets.connect(url.replace("http", "ws", 1) + path) as socket:
        yield LsSocket(socket)
