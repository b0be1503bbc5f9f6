"""The LS front door: new, modify and cancel orders, taken and refused."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from tests.integration.sandbox.ls.ls_client import LsClient

Ledger = Callable[..., Awaitable[list[dict[str, Any]]]]


async def test_a_buy_is_answered_with_an_integer_number_and_its_echo(real: LsClient, ledger: Ledger) -> None:
    body = (await real.place(price=70000.0, MbrNo="")).json()

    echo, numbers = body["CSPAT00601OutBlock1"], body["CSPAT00601OutBlock2"]
    assert body["rsp_cd"] == "00040"
    assert (echo["OrdPrc"], echo["OrdQty"], echo["MbrNo"], echo["AcntNo"]) == ("70000.00", 10, "000", real.account["account_number"])
    assert isinstance(numbers["OrdNo"], int)
    assert (numbers["ShtnIsuNo"], numbers["OrdMktCode"], numbers["OrdPtnCode"]) == ("A005930", "10", "02")
    assert len(numbers["OrdTime"]) == 9
    [row] = await ledger("orders", broker="ls")
    assert (row["order_number"], row["quantity"], row["price"], row["side"]) == (str(numbers["OrdNo"]), 10, 70000, "buy")


@pytest.mark.parametrize(
    ("environment", "buy", "sell", "modify", "cancel"),
    [("real", "00040", "00039", "00132", "00156"), ("paper", "00040", "00039", "00462", "00463")],
)
async def test_answer_codes_differ_between_real_and_paper(
    real: LsClient, paper: LsClient, environment: str, buy: str, sell: str, modify: str, cancel: str
) -> None:
    client = paper if environment == "paper" else real

    bought = (await client.place(price=69000)).json()
    sold = (await client.place(side="1", price=75000)).json()
    modified = (await client.modify(bought["CSPAT00601OutBlock2"]["OrdNo"], price=68000)).json()
    canceled = (await client.cancel(sold["CSPAT00601OutBlock2"]["OrdNo"])).json()

    answers = (bought, sold, modified, canceled)
    assert [answer["rsp_cd"] for answer in answers] == [buy, sell, modify, cancel]
    assert all(("모의투자" in answer["rsp_msg"]) == (environment == "paper") for answer in answers)


async def test_issue_numbers_are_taken_with_and_without_their_letter(paper: LsClient, control: httpx.AsyncClient) -> None:
    bare = await paper.place(symbol="005930")
    await control.put("/variants", json={"ls_paper_issue_number": "prefixed"})
    strict = await paper.place(symbol="005930")
    lettered = await paper.place(symbol="A005930")

    assert bare.json()["rsp_cd"] == "00040"
    assert strict.json()["rsp_cd"] == "01524"
    assert lettered.json()["rsp_cd"] == "00040"


@pytest.mark.parametrize(
    ("change", "real_code", "paper_code"),
    [
        ({"symbol": "A999999"}, "01524", "01524"),
        ({"price": 10000}, "03181", "01427"),
        ({"price": 999000}, "02705", "01427"),
        ({"price": 71050}, "02705", "02705"),
        ({"quantity": 0}, "02714", "02714"),
        ({"quantity": 1_000_000}, "08677", "08677"),
        ({"side": "1", "symbol": "A035720"}, "01478", "01478"),
        ({"MgntrnCode": "003"}, "80001", "80001"),
    ],
)
async def test_a_refused_new_order_is_http_200_with_a_code_and_no_block(
    real: LsClient, paper: LsClient, ledger: Ledger, change: dict[str, Any], real_code: str, paper_code: str
) -> None:
    answers = [await real.place(**change), await paper.place(**change)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert [answer.json()["rsp_cd"] for answer in answers] == [real_code, paper_code]
    assert all(answer.json().keys() == {"rsp_cd", "rsp_msg"} for answer in answers)
    assert await ledger() == []


async def test_a_modify_gives_a_new_number_chained_to_the_first(real: LsClient, ledger: Ledger) -> None:
    number = await real.placed(price=69000)

    first = (await real.modify(number, price=69100)).json()["CSPAT00701OutBlock2"]
    second = (await real.modify(first["OrdNo"], price=69200)).json()["CSPAT00701OutBlock2"]

    assert number < first["OrdNo"] < second["OrdNo"]
    assert (first["PrntOrdNo"], second["PrntOrdNo"]) == (number, number)
    rows = await ledger("orders", broker="ls")
    assert [row["original_order_number"] for row in rows][1:] == [str(number), str(first["OrdNo"])]


async def test_a_refused_change_answers_an_empty_second_block(real: LsClient, paper: LsClient, control: httpx.AsyncClient) -> None:
    await control.put("/behavior", json={"arrival_milliseconds": 0})  # the first cancel is confirmed before the second is sent
    for client, gone, unknown in ((real, "03416", "03056"), (paper, "01433", "03056")):
        number = await client.placed(price=69000)
        await client.cancel(number)

        canceled_twice = (await client.cancel(number)).json()
        modified = (await client.modify(number, price=69100)).json()
        nowhere = (await client.cancel(1)).json()

        assert (canceled_twice["rsp_cd"], modified["rsp_cd"], nowhere["rsp_cd"]) == (gone, gone, unknown)
        assert modified["CSPAT00701OutBlock1"]["OrgOrdNo"] == number
        assert (modified["CSPAT00701OutBlock2"]["OrdNo"], canceled_twice["CSPAT00801OutBlock2"]["OrdNo"]) == (0, 0)


async def test_too_large_changes_have_their_codes(real: LsClient) -> None:
    number = await real.placed(price=69000, quantity=10)

    modified = (await real.modify(number, price=69100, quantity=11)).json()
    canceled = (await real.cancel(number, quantity=11)).json()

    assert (modified["rsp_cd"], canceled["rsp_cd"]) == ("01442", "02661")


async def test_a_closed_market_refuses(real: LsClient, control: httpx.AsyncClient) -> None:
    await control.put("/session", json={"phase": "closed"})

    answer = await real.place()

    assert (answer.status_code, answer.json()["rsp_cd"]) == (200, "904")
