"""The KIS door's REST side, seen by a plain HTTP client."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest

from api.brokers.sandbox.server import Sandbox
from api.kit.tls import trusted
from tests.integration.sandbox.kis_client import QUOTATIONS, TRADING, KisClient, eventually

Ledger = Callable[..., Awaitable[list[dict[str, Any]]]]
PRICE_QUERY = {"FID_COND_MRKT_DIV_CODE": "J", "FID_INPUT_ISCD": "005930"}


@pytest.fixture
async def http(sandbox: Sandbox) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(verify=trusted(), base_url=sandbox.kis_url, timeout=10) as client:
        yield client


async def client_for(http: httpx.AsyncClient, control: httpx.AsyncClient, environment: str) -> KisClient:
    accounts = (await control.get("/accounts")).json()
    account = next(row for row in accounts if row["broker"] == "kis" and row["environment"] == environment)
    client = KisClient(http, account)
    assert (await client.login()).status_code == 200
    return client


@pytest.fixture
async def real(http: httpx.AsyncClient, control: httpx.AsyncClient) -> KisClient:
    return await client_for(http, control, "real")


@pytest.fixture
async def paper(http: httpx.AsyncClient, control: httpx.AsyncClient) -> KisClient:
    return await client_for(http, control, "paper")


def code(answer: httpx.Response) -> tuple[int, str, str]:
    body = answer.json()
    return answer.status_code, body["rt_cd"], body["msg_cd"]


# --- keys and tokens


async def test_token_is_given_once_a_minute_and_stays_the_same(control: httpx.AsyncClient, real: KisClient) -> None:
    first = real.token
    refused = await real.login()
    assert (refused.status_code, refused.json()["error_code"]) == (403, "EGW00133")

    await control.put("/limits", json={"broker": "kis", "token_interval_seconds": 0})
    again = (await real.login()).json()

    assert again["access_token"] == first
    assert (again["token_type"], again["expires_in"], len(again["access_token_token_expired"])) == ("Bearer", 86_400, 19)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"appkey": "nobody"}, "EGW00103"),
        ({"appsecret": "wrong"}, "EGW00105"),
        ({"grant_type": ""}, "EGW00115"),
        ({"appkey": ""}, "EGW00102"),
    ],
)
async def test_wrong_token_request_is_answered_in_the_oauth_shape(real: KisClient, change: dict[str, str], error: str) -> None:
    body = {"grant_type": "client_credentials", "appkey": real.account["app_key"], "appsecret": real.account["app_secret"]}

    answer = await real.http.post("/oauth2/tokenP", json=body | change)

    assert (answer.status_code, answer.json()["error_code"]) == (403, error)
    assert set(answer.json()) == {"error_code", "error_description"}


async def test_unknown_and_expired_and_revoked_tokens_are_refused_with_status_500(control: httpx.AsyncClient, real: KisClient) -> None:
    good, real.token = real.token, "unknown"
    assert code(await real.balance()) == (500, "1", "EGW00121")

    real.token = good
    revoked = await real.http.post(
        "/oauth2/revokeP", json={"appkey": real.account["app_key"], "appsecret": real.account["app_secret"], "token": good}
    )
    assert revoked.json()["code"] == 200
    assert code(await real.balance()) == (500, "1", "EGW00121")

    await control.put("/limits", json={"broker": "kis", "token_interval_seconds": 0})
    await real.login()
    await control.post("/tokens/kis/expire")
    assert code(await real.balance()) == (500, "1", "EGW00123")


async def test_another_keys_token_is_refused(real: KisClient, paper: KisClient) -> None:
    real.token = paper.token

    assert code(await real.balance()) == (500, "1", "EGW00121")


async def test_header_names_keep_the_spelling_that_clients_look_for(real: KisClient) -> None:
    answer = await real.place()

    names = [name.decode() for name, _ in answer.headers.raw]
    assert {"Content-Type", "tr_id", "tr_cont", "gt_uid"} <= set(names)


async def test_hashkey_echoes_the_body(real: KisClient) -> None:
    answer = await real.http.post("/uapi/hashkey", json={"CANO": "1"}, headers=real.headers(""))

    assert answer.json()["BODY"] == {"CANO": "1"}
    assert len(answer.json()["HASH"]) == 64


# --- environments and TR ids


async def test_real_tr_id_with_a_paper_key_is_no_paper_tr(paper: KisClient) -> None:
    answer = await paper.http.get(TRADING + "inquire-balance", params=paper.cano, headers=paper.headers("TTTC8434R"))

    assert code(answer) == (500, "1", "EGW02006")


@pytest.mark.parametrize(
    ("path", "tr_id", "expected"),
    [
        (TRADING + "inquire-psbl-rvsecncl", "VTTC8036R", "90000000"),
        (TRADING + "inquire-psbl-rvsecncl", "VTTC0084R", "OPSQ0002"),
        (TRADING + "inquire-balance", "XXXX0000R", "OPSQ0002"),
        (QUOTATIONS + "search-info", "CTPF1604R", "EGW02006"),
    ],
)
async def test_services_that_paper_lacks_are_refused(paper: KisClient, path: str, tr_id: str, expected: str) -> None:
    answer = await paper.http.get(path, params=paper.cano, headers=paper.headers(tr_id))

    assert answer.json()["msg_cd"] == expected


async def test_another_account_number_is_refused(real: KisClient) -> None:
    real.account = real.account | {"account_number": "1234567801"}

    assert code(await real.place()) == (200, "2", "OPSQ2000")


async def test_paper_key_gets_two_calls_a_second_and_real_twenty(paper: KisClient, real: KisClient) -> None:
    in_paper = [code(await paper.balance())[2] for _ in range(3)]
    in_real = [code(answer) for answer in await asyncio.gather(*(real.balance() for _ in range(25)))]

    assert in_paper == ["KIOK0510", "KIOK0510", "EGW00201"]
    assert set(in_real) == {(200, "0", "KIOK0510"), (500, "1", "EGW00201")}
    assert in_real.count((200, "0", "KIOK0510")) >= 20


# --- orders


async def test_accepted_order_is_answered_and_filled(real: KisClient, ledger: Ledger) -> None:
    answer = await real.place()

    body = answer.json()
    assert (answer.status_code, body["rt_cd"], body["msg_cd"]) == (200, "0", "APBK0013")
    assert set(body["output"]) == {"KRX_FWDG_ORD_ORGNO", "ODNO", "ORD_TMD"}
    assert len(body["output"]["ODNO"]) == 10

    async def filled() -> bool:
        return [row["state"] for row in await ledger(broker="kis")] == ["filled"]

    await eventually(filled)
    executions = await ledger("executions", order_number=body["output"]["ODNO"])
    assert [(row["quantity"], row["price"], row["side"]) for row in executions] == [(10, 71_000, "buy")]


@pytest.mark.parametrize(("side", "expected"), [("buy", "40600000"), ("sell", "40590000")])
async def test_paper_has_its_own_acceptance_codes(paper: KisClient, side: str, expected: str) -> None:
    assert code(await paper.place(side)) == (200, "0", expected)


@pytest.mark.parametrize("tr_id", ["TTTC0802U", "TTTC0012U"])
async def test_old_and_new_tr_ids_place_orders(real: KisClient, tr_id: str) -> None:
    body = {**real.cano, "PDNO": "005930", "ORD_DVSN": "01", "ORD_QTY": "1", "ORD_UNPR": "0"}

    answer = await real.http.post(TRADING + "order-cash", json=body, headers=real.headers(tr_id))

    assert code(answer) == (200, "0", "APBK0013")


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"price": "71001"}, (200, "1", "40030000")),
        ({"price": "92400"}, (200, "1", "40270000")),
        ({"symbol": "999999"}, (200, "1", "40070000")),
        ({"side": "sell", "symbol": "068270", "price": "176000"}, (200, "1", "40240000")),
        ({"quantity": "100000"}, (200, "1", "40310000")),
        ({"code": "99"}, (200, "7", "APBK0963")),
    ],
)
async def test_paper_rejections_are_http_200_with_the_paper_codes(
    paper: KisClient, ledger: Ledger, fields: dict[str, str], expected: tuple[int, str, str]
) -> None:
    assert code(await paper.place(**fields)) == expected
    assert await ledger() == []


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"quantity": "100000"}, (200, "7", "APBK0952")),
        ({"side": "sell", "quantity": "100000"}, (200, "7", "APBK0400")),
        ({"symbol": "999999"}, (200, "1", "APBK0656")),
        ({"price": "71001"}, (200, "1", "APBK0918")),
    ],
)
async def test_real_rejections_have_the_real_codes(real: KisClient, fields: dict[str, str], expected: tuple[int, str, str]) -> None:
    assert code(await real.place(**fields)) == expected


@pytest.mark.parametrize(
    "fields",
    [
        {"quantity": "10.0"},
        {"price": "71000.5"},
        {"quantity": "0"},
        {"quantity": "-1"},
        {"ALGO": "x"},
        {"ord_dvsn": "00"},
        {"quantity": 10},
    ],
)
async def test_malformed_order_body_is_igw00007(real: KisClient, ledger: Ledger, fields: dict[str, Any]) -> None:
    assert code(await real.place(**fields)) == (500, "1", "IGW00007")
    assert await ledger() == []


async def test_body_that_is_no_json_is_igw00007(real: KisClient) -> None:
    answer = await real.http.post(TRADING + "order-cash", content=b"{", headers=real.headers("TTTC0012U"))

    assert code(answer) == (500, "1", "IGW00007")


async def test_change_and_cancel_give_new_numbers_and_link_them(real: KisClient, ledger: Ledger) -> None:
    first = (await real.place(price="70000")).json()["output"]["ODNO"]
    second = (await real.change(first, "replace", ORD_UNPR="70500")).json()["output"]["ODNO"]
    third = (await real.change(second, "cancel", ORD_UNPR="1")).json()["output"]["ODNO"]

    async def settled() -> bool:
        return [row["state"] for row in await ledger()] == ["replaced", "canceled", "confirmed"]

    await eventually(settled)
    assert len({first, second, third}) == 3
    assert [row["original_order_number"] for row in await ledger()] == [None, first, second]
    assert code(await real.change(first, "cancel")) == (200, "7", "APBK0927")


@pytest.mark.parametrize(
    "fields",
    [
        {"ORD_QTY": "0", "ORD_UNPR": "0"},
        {"ORD_QTY": "10", "ORD_UNPR": "100"},
        {"ORD_QTY": "10", "QTY_ALL_ORD_YN": "N", "ORD_UNPR": "70000"},
        {"KRX_FWDG_ORD_ORGNO": "06590", "ORD_QTY": "1"},
    ],
)
async def test_all_known_ways_to_cancel_work(real: KisClient, ledger: Ledger, fields: dict[str, str]) -> None:
    number = (await real.place(price="70000")).json()["output"]["ODNO"]

    assert code(await real.change(number.lstrip("0"), "cancel", **fields)) == (200, "0", "APBK0013")

    async def canceled() -> bool:
        return [row["state"] for row in await ledger(order_number=number)] == ["canceled"]

    await eventually(canceled)


# --- inquiries


async def test_day_orders_show_one_row_per_number_with_strings_only(real: KisClient, ledger: Ledger) -> None:
    bought = (await real.place(quantity="4")).json()["output"]["ODNO"]
    resting = (await real.place(price="70000")).json()["output"]["ODNO"]
    cancel = (await real.change(resting, "cancel")).json()["output"]["ODNO"]

    async def confirmed() -> bool:
        return [row["state"] for row in await ledger(order_number=cancel)] == ["confirmed"]

    await eventually(confirmed)
    answer = await real.day_orders()
    body = answer.json()
    rows = {row["odno"]: row for row in body["output1"]}

    assert answer.headers["tr_cont"] == "D"
    assert list(rows) == [bought, resting, cancel]
    assert (rows[bought]["tot_ccld_qty"], rows[bought]["avg_prvs"], rows[bought]["tot_ccld_amt"]) == ("4", "71000", "284000")
    assert (rows[resting]["cncl_yn"], rows[resting]["cncl_cfrm_qty"], rows[resting]["rmn_qty"]) == ("Y", "10", "0")
    assert (rows[cancel]["orgn_odno"], rows[cancel]["sll_buy_dvsn_cd_name"]) == (resting, "매수취소")
    assert all(isinstance(value, str) for row in body["output1"] for value in row.values())
    assert body["output2"]["tot_ccld_amt"] == "284000"
    assert len(body["ctx_area_fk100"]) == 100


@pytest.mark.parametrize("direction", ["00", "01"])
async def test_day_orders_page_to_the_end_without_loss_or_repetition(control: httpx.AsyncClient, paper: KisClient, direction: str) -> None:
    await control.put("/limits", json={"broker": "kis", "enabled": False})
    placed = [(await paper.place(quantity="1")).json()["output"]["ODNO"] for _ in range(35)]

    seen: list[str] = []
    marks: list[str] = []
    tr_cont = fk = nk = ""
    for _ in range(10):
        answer = await paper.day_orders(tr_cont=tr_cont, fk=fk, nk=nk, INQR_DVSN=direction)
        body = answer.json()
        seen += [row["odno"] for row in body["output1"]]
        marks.append(answer.headers["tr_cont"])
        if marks[-1] not in {"F", "M"}:
            break
        assert body["ctx_area_nk100"].strip()
        tr_cont, fk, nk = "N", body["ctx_area_fk100"].strip(), body["ctx_area_nk100"].strip()

    assert marks == ["F", "M", "D"]
    assert seen == (placed if direction == "01" else placed[::-1])


async def test_totals_of_the_day_are_the_same_with_and_without_a_filter(real: KisClient, ledger: Ledger) -> None:
    await real.place(quantity="4")
    await real.place("sell", quantity="3")
    await real.place(price="70000")

    async def filled() -> bool:
        return len(await ledger("executions")) == 2

    await eventually(filled)
    everything = (await real.day_orders()).json()["output2"]
    one_symbol = (await real.day_orders(PDNO="005930")).json()["output2"]

    assert everything == one_symbol
    assert (everything["tot_ord_qty"], everything["tot_ccld_qty"], everything["tot_ccld_amt"]) == ("17", "7", "497000")


async def test_unfilled_orders_can_be_asked_for(real: KisClient) -> None:
    await real.place()
    resting = (await real.place(price="70000")).json()["output"]["ODNO"]

    async def only_resting() -> bool:
        rows = (await real.day_orders(CCLD_DVSN="02")).json()["output1"]
        return [row["odno"] for row in rows] == [resting]

    await eventually(only_resting)
    open_orders = await real.http.get(
        TRADING + "inquire-psbl-rvsecncl",
        params={**real.cano, "INQR_DVSN_1": "0", "INQR_DVSN_2": "0", "ctx_area_fk100": "", "ctx_area_nk100": ""},
        headers=real.headers("TTTC0084R"),
    )
    assert [(row["odno"], row["psbl_qty"]) for row in open_orders.json()["output"]] == [(resting, "10")]


async def test_new_order_can_lag_behind_in_the_inquiry(control: httpx.AsyncClient, real: KisClient) -> None:
    await control.put("/behavior", json={"inquiry_lag_milliseconds": 60_000})
    await real.place()

    assert (await real.day_orders()).json()["output1"] == []


async def test_balance_follows_trades(real: KisClient, ledger: Ledger) -> None:
    await real.place(quantity="4")

    async def filled() -> bool:
        return bool(await ledger("executions"))

    await eventually(filled)
    body = (await real.balance()).json()
    holding = next(row for row in body["output1"] if row["pdno"] == "005930")

    assert (holding["hldg_qty"], holding["thdt_buyqty"], holding["pchs_avg_pric"]) == ("1004", "4", "71000.0000")
    assert len(body["output2"]) == 1
    totals = body["output2"][0]
    assert (totals["dnca_tot_amt"], totals["thdt_buy_amt"]) == ("1000000000", "284000")
    assert int(totals["prvs_rcdl_excc_amt"]) == 1_000_000_000 - 284_000 - int(totals["thdt_tlex_amt"])
    assert int(totals["tot_evlu_amt"]) == int(totals["prvs_rcdl_excc_amt"]) + int(totals["scts_evlu_amt"])


async def test_buying_power_names_a_quantity_that_can_be_bought(real: KisClient) -> None:
    query = {**real.cano, "PDNO": "005930", "ORD_UNPR": "", "ORD_DVSN": "01", "CMA_EVLU_AMT_ICLD_YN": "N", "OVRS_ICLD_YN": "N"}
    output = (await real.http.get(TRADING + "inquire-psbl-order", params=query, headers=real.headers("TTTC8908R"))).json()["output"]
    assert output["psbl_qty_calc_unpr"] == "92300"

    quantity = int(output["nrcvb_buy_qty"])

    assert code(await real.place(quantity=str(quantity + 1), price="0", code="01")) == (200, "7", "APBK0952")
    assert code(await real.place(quantity=str(quantity), price="0", code="01")) == (200, "0", "APBK0013")


async def test_price_and_book_follow_the_market(control: httpx.AsyncClient, real: KisClient) -> None:
    await control.put("/market/005930", json={"price": 72_000})

    quote = (await real.http.get(QUOTATIONS + "inquire-price", params=PRICE_QUERY, headers=real.headers("FHKST01010100"))).json()
    book = (
        await real.http.get(QUOTATIONS + "inquire-asking-price-exp-ccn", params=PRICE_QUERY, headers=real.headers("FHKST01010200"))
    ).json()

    price = quote["output"]
    assert (price["stck_prpr"], price["prdy_vrss"], price["prdy_vrss_sign"], price["aspr_unit"]) == ("72000", "1000", "2", "100")
    assert (price["stck_mxpr"], price["stck_llam"], price["stck_sdpr"]) == ("92300", "49700", "71000")
    assert all(isinstance(value, str) for value in price.values())
    assert (book["output1"]["askp1"], book["output1"]["bidp1"]) == ("72000", "71900")
    assert int(book["output1"]["bidp_rsqn10"]) > 0
