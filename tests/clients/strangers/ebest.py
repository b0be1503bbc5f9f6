"""ebest: aiohttp with TLS for REST and websocket; takes the TR's fields as they are, and registers for SC1 alone here."""

import asyncio
from typing import Any

import ebest

from tests.clients.seen import BOUGHT, LOW, LOWER, MARKETABLE, SYMBOL, WAITING, Seen

_WAIT_SECONDS = 20
_ISSUE = f"A{SYMBOL}"


def trade(account: dict[str, Any]) -> Seen:
    """The usual calls at a real or a paper account."""
    return asyncio.run(_trade(account))


async def _trade(account: dict[str, Any]) -> Seen:
    client, heard, has_all = ebest.OpenApi(), list[tuple[str, dict[str, str]]](), asyncio.Event()

    def on_notice(_client: Any, tr_cd: str, _key: str, body: dict[str, str]) -> None:
        heard.append((tr_cd, body))
        if {tr_cd for tr_cd, _ in heard} >= {"SC0", "SC1", "SC2", "SC3"}:
            has_all.set()

    client.on_realtime.connect(on_notice)

    async def call(tr_cd: str, block: str, fields: dict[str, object]) -> Any:
        answer = await client.request(tr_cd, {f"{tr_cd}{block}": fields})
        assert answer is not None, client.last_message
        return answer.body

    async def order(price: int, quantity: int) -> Any:
        fields = {"IsuNo": _ISSUE, "OrdQty": quantity, "OrdPrc": price, "BnsTpCode": "2", "OrdprcPtnCode": "00"}
        return await call("CSPAT00601", "InBlock1", fields | {"MgntrnCode": "000", "LoanDt": "", "OrdCndiTpCode": "0"})

    assert await client.login(account["app_key"], account["app_secret"]), client.last_message
    assert client.is_simulation == (account["environment"] == "paper")
    await client.add_realtime("SC1", "")
    price = await call("t1102", "InBlock", {"shcode": SYMBOL})
    holdings = await call("t0424", "InBlock", {"prcgb": "1", "chegb": "0", "dangb": "0", "charge": "1", "cts_expcode": ""})
    cash = await call("CSPAQ12200", "InBlock1", {"BalCreTp": "0"})
    bought = (await order(MARKETABLE, BOUGHT))["CSPAT00601OutBlock2"]["OrdNo"]
    waiting = (await order(LOW, WAITING))["CSPAT00601OutBlock2"]["OrdNo"]
    change = {"OrgOrdNo": waiting, "IsuNo": _ISSUE, "OrdQty": WAITING, "OrdPrc": LOWER, "OrdprcPtnCode": "00", "OrdCndiTpCode": "0"}
    changed = (await call("CSPAT00701", "InBlock1", change))["CSPAT00701OutBlock2"]["OrdNo"]
    await call("CSPAT00801", "InBlock1", {"OrgOrdNo": changed, "IsuNo": _ISSUE, "OrdQty": WAITING})
    refused = await order(MARKETABLE + 1, 1)
    day = await call("t0425", "InBlock", {"expcode": "", "chegb": "0", "medosu": "0", "sortgb": "1", "cts_ordno": ""})
    await asyncio.wait_for(has_all.wait(), _WAIT_SECONDS)
    await client.close()
    return Seen(
        price=price["t1102OutBlock"]["price"],
        cash=int(cash["CSPAQ12200OutBlock2"]["Dps"]),
        positions={row["expcode"]: row["janqty"] for row in holdings["t0424OutBlock1"]},
        bought=bought,
        changed=changed,
        fills=[(int(body["ordno"]), int(body["execqty"]), int(body["execprc"])) for tr_cd, body in heard if tr_cd == "SC1"],
        day={row["ordno"]: row["cheqty"] for row in day["t0425OutBlock1"]},
        refused=refused["rsp_msg"],
    )
