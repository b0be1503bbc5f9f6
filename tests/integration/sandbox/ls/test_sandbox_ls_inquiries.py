"""The LS front door: order lists, balances, prices, stock lists."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import httpx
import pytest

from tests.integration.sandbox.ls.ls_client import LsClient

KST = timezone(timedelta(hours=9))


async def test_a_day_without_orders_has_no_blocks_and_an_empty_continuation(real: LsClient) -> None:
    answer = await real.today()

    assert answer.json() == {"rsp_cd": "00000", "rsp_msg": "조회가 완료되었습니다."}
    assert answer.headers["tr_cont"] == ""


@pytest.mark.usefixtures("unlimited")
async def test_the_order_list_shows_what_became_of_each_number(real: LsClient, control: httpx.AsyncClient) -> None:
    filled = await real.placed(quantity=5)
    original = await real.placed(price=69000)
    child = (await real.modify(original, price=69100, quantity=4)).json()["CSPAT00701OutBlock2"]["OrdNo"]
    cancel = (await real.cancel(original, quantity=6)).json()["CSPAT00801OutBlock2"]["OrdNo"]
    await wait_for_confirmations(real, original)

    rows = {row["ordno"]: row for row in await real.rows()}

    picked = ("medosu", "qty", "cheqty", "ordrem", "cfmqty", "status", "orgordno", "price")
    assert [tuple(rows[number][name] for name in picked) for number in (filled, original, child, cancel)] == [
        ("매수", 5, 5, 0, 0, "완료", 0, 71000),
        ("매수", 10, 0, 0, 0, "취소확인", 0, 69000),
        ("매수정정", 4, 0, 4, 4, "정정확인", original, 69100),
        ("매수취소", 6, 0, 0, 6, "취소확인", original, 0),
    ]
    assert rows[filled]["cheprice"] == 71000
    assert [row["ordno"] for row in await real.rows(chegb="2")] == [child]
    assert [row["ordno"] for row in await real.rows(chegb="1")] == [filled]
    assert [row["ordno"] for row in await real.rows(sortgb="1")] == sorted(rows, reverse=True)
    assert await real.rows(medosu="1") == []
    assert await real.rows(expcode="000660") == []


async def wait_for_confirmations(client: LsClient, number: int) -> None:
    for _ in range(200):
        row = next(row for row in await client.rows() if row["ordno"] == number)
        if row["ordrem"] == 0:
            return
    raise AssertionError(f"order {number} stayed open")


@pytest.mark.usefixtures("unlimited")
async def test_the_list_pages_by_cursor_and_header_without_loss_or_repetition(real: LsClient) -> None:
    numbers = [await real.placed(quantity=1, price=60000) for _ in range(230)]

    for order, expected in (("2", numbers), ("1", numbers[::-1])):
        seen: list[int] = []
        cursor, cont, pages = " ", "N", 0
        while True:
            answer = await real.today(cursor=cursor, cont=cont, sortgb=order)
            body = answer.json()
            seen += [row["ordno"] for row in body["t0425OutBlock1"]]
            assert body["t0425OutBlock"]["tqty"] == 230
            pages += 1
            if answer.headers["tr_cont"] != "Y":
                break
            cursor, cont = body["t0425OutBlock"]["cts_ordno"], "Y"

        assert seen == expected
        assert pages > 1


@pytest.mark.usefixtures("unlimited")
async def test_a_body_cursor_without_the_header_gives_the_first_page_again(real: LsClient) -> None:
    for _ in range(120):
        await real.placed(quantity=1, price=60000)
    first = await real.today()

    again = await real.today(cursor=first.json()["t0425OutBlock"]["cts_ordno"])

    assert again.json()["t0425OutBlock1"] == first.json()["t0425OutBlock1"]


async def test_orders_of_another_account_stay_unseen(real: LsClient, paper: LsClient) -> None:
    number = await real.placed(price=69000)

    assert "t0425OutBlock1" not in (await paper.today()).json()
    assert (await paper.cancel(number)).json()["rsp_cd"] == "03056"


async def test_the_history_names_what_can_still_be_changed(real: LsClient) -> None:
    number = await real.placed(price=69000)
    fields = {
        "OrdMktCode": "00",
        "BnsTpCode": "0",
        "IsuNo": "",
        "ExecYn": "0",
        "OrdDt": "",
        "SrtOrdNo2": 999999999,
        "BkseqTpCode": "0",
        "OrdPtnCode": "00",
    }

    body = (await real.tr("CSPAQ13700", fields)).json()

    assert body["rsp_cd"] == "00136"
    [row] = body["CSPAQ13700OutBlock3"]
    assert (row["OrdNo"], row["IsuNo"], row["OrdPrc"], row["MrcAbleQty"]) == (number, "A005930", "69000.00", 10)


async def test_the_history_without_orders_has_its_own_code_and_an_empty_list(real: LsClient) -> None:
    body = (await real.tr("CSPAQ13700", {"OrdDt": "", "SrtOrdNo2": 999999999, "BkseqTpCode": "0"})).json()

    assert (body["rsp_cd"], body["CSPAQ13700OutBlock3"]) == ("00200", [])


@pytest.mark.usefixtures("unlimited")
async def test_holdings_and_cash_follow_a_purchase(real: LsClient) -> None:
    blank = dict.fromkeys(("prcgb", "chegb", "dangb", "charge", "cts_expcode"), "")
    before = (await real.tr("CSPAQ12200", {"BalCreTp": "0"})).json()["CSPAQ12200OutBlock2"]
    held_before = (await real.tr("t0424", blank)).json()["t0424OutBlock1"]
    number = await real.placed(quantity=10)
    await wait_for_confirmations(real, number)

    after = (await real.tr("CSPAQ12200", {"BalCreTp": "0"})).json()
    held = (await real.tr("t0424", blank)).json()

    assert after["rsp_cd"] == "00136"
    assert after["CSPAQ12200OutBlock2"]["D2Dps"] == before["D2Dps"] - 710_000 - 106
    assert after["CSPAQ12200OutBlock2"]["Dps"] == before["Dps"]
    assert isinstance(before["PnlRat"], str)
    quantities = [next(row["janqty"] for row in rows if row["expcode"] == "005930") for rows in (held_before, held["t0424OutBlock1"])]
    assert quantities[1] - quantities[0] == 10
    assert held["t0424OutBlock"]["sunamt1"] == after["CSPAQ12200OutBlock2"]["D2Dps"]


async def test_an_account_without_holdings_lacks_their_block(http: httpx.AsyncClient, control: httpx.AsyncClient) -> None:
    account = (await control.post("/accounts", json={"broker": "ls", "environment": "real", "cash": 1000, "positions": {}})).json()
    client = LsClient(http, account)
    await client.login()

    body = (await client.tr("t0424", {"prcgb": "1", "chegb": "2", "dangb": "0", "charge": "1", "cts_expcode": ""})).json()

    assert "t0424OutBlock1" not in body
    assert body["t0424OutBlock"]["sunamt1"] == 1000


async def test_orderable_quantity_is_what_the_cash_pays_for(real: LsClient) -> None:
    answer = await real.tr("CSPBQ00200", {"BnsTpCode": "2", "IsuNo": "KR7005930003", "OrdPrc": 71000.0})

    block = answer.json()["CSPBQ00200OutBlock2"]
    assert 0 < block["OrdAbleQty"] * 71000 <= block["MnyOrdAbleAmt"]
    assert (await real.place(quantity=block["OrdAbleQty"])).json()["rsp_cd"] == "00040"


async def test_a_paper_key_is_told_by_the_message_of_an_empty_inquiry(real: LsClient, paper: LsClient) -> None:
    real_message = (await real.tr("FOCCQ33600", {})).json()["rsp_msg"]
    paper_message = (await paper.tr("FOCCQ33600", {})).json()["rsp_msg"]

    assert ("모의투자" in real_message, "모의투자" in paper_message) == (False, True)


async def test_the_price_has_all_165_fields_with_integers_as_integers(real: LsClient, control: httpx.AsyncClient) -> None:
    await control.put("/market/005930", json={"price": 70000})

    block = (await real.tr("t1102", {"shcode": "005930", "exchgubun": "K"})).json()["t1102OutBlock"]

    assert len(block) == 165
    assert (block["price"], block["sign"], block["change"], block["diff"]) == (70000, "5", 1000, "-1.41")
    assert (block["recprice"], block["janginfo"], block["hname"]) == (71000, "KOSPI", "삼성전자")


async def test_the_order_book_lists_ten_levels_a_side(real: LsClient) -> None:
    block = (await real.tr("t1101", {"shcode": "005930"})).json()["t1101OutBlock"]

    asks, bids = ([block[f"{side}{level}"] for level in range(1, 11)] for side in ("offerho", "bidho"))
    assert asks == sorted(asks)
    assert bids == sorted(bids, reverse=True)
    assert bids[0] < asks[0]
    assert len(block["hotime"]) == 8


async def test_the_stock_lists_tell_markets_and_funds_apart(real: LsClient) -> None:
    everything = (await real.tr("t8436", {"gubun": "0"}, path="/stock/etc")).json()["t8436OutBlock"]
    kosdaq = (await real.tr("t8436", {"gubun": "2"}, path="/stock/etc")).json()["t8436OutBlock"]
    master = (await real.tr("t9945", {"gubun": "2"})).json()["t9945OutBlock"]

    by_code = {row["shcode"]: row for row in everything}
    assert (by_code["005930"]["expcode"], by_code["005930"]["etfgubun"], by_code["005930"]["recprice"]) == ("KR7005930003", "0", 71000)
    assert by_code["069500"]["etfgubun"] == "1"
    assert {row["gubun"] for row in kosdaq} == {"2"}
    assert {row["shcode"] for row in master} == {row["shcode"] for row in kosdaq}


async def test_the_server_tells_its_clock(real: LsClient) -> None:
    block = (await real.tr("t0167", {"id": ""}, path="/etc/time-search")).json()["t0167OutBlock"]

    assert block["dt"] == datetime.now(KST).strftime("%Y%m%d")
    assert len(block["time"]) == 12
