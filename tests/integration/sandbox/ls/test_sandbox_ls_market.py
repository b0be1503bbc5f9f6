"""The LS front door's charts, rankings, indices, diaries and market feeds: every documented field, of the documented type."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import httpx
import pytest

from api.brokers.sandbox.history import Period
from api.brokers.sandbox.server import Sandbox
from tests.integration.sandbox.ls.ls_client import LsClient, ls_socket

pytestmark = pytest.mark.usefixtures("unlimited")

CHART = {"shcode": "005930", "qrycnt": 500, "sdate": "", "edate": "99999999", "cts_date": "", "comp_yn": "N"}
INTRADAY = CHART | {"ncnt": 1, "nday": "0", "stime": "", "etime": "", "cts_time": ""}
BOUNDS = {"jc_num": 0, "sprice": 0, "eprice": 0, "volume": 0, "idx": 0}
OFF_HOURS = {"gubun1": "0", "gubun2": "0", "jongchk": "0", "volume": "0", "idx": 0}

# TR, input, the names of a row as LS's guide lists them
ROWS: list[tuple[str, dict[str, Any], str]] = [
    ("t8410", CHART | {"gubun": "2", "sujung": "Y"}, "date open high low close jdiff_vol value jongchk rate pricechk ratevalue sign"),
    ("t8412", INTRADAY, "date time open high low close jdiff_vol value jongchk rate sign"),
    ("t8411", INTRADAY, "date time open high low close jdiff_vol jongchk rate pricechk"),
    ("t1441", BOUNDS | {"gubun1": "0", "gubun2": "0", "gubun3": "0", "jc_num2": 0},
     "hname price sign change diff volume offerrem1 offerho1 bidho1 bidrem1 updaycnt jnildiff shcode open high low voldiff value total "
     "ex_shcode"),
    ("t1452", BOUNDS | {"gubun": "0", "jnilgubun": "1", "sdiff": 0, "ediff": 0},
     "hname price sign change diff volume vol jnilvolume bef_diff shcode"),
    ("t1463", BOUNDS | {"gubun": "0", "jnilgubun": "0", "jc_num2": 0},
     "hname price sign change diff volume value jnilvalue bef_diff shcode filler jnilvolume ex_shcode total"),
    ("t1466", BOUNDS | {"gubun": "0", "type1": "0", "type2": "0", "jc_num2": 0},
     "shcode hname price sign change diff stdvolume volume voldiff open high low ex_shcode"),
    ("t1481", OFF_HOURS, "hname price sign change diff volume offerrem1 bidrem1 offerho1 bidho1 shcode value total"),
    ("t1482", {"sort_gbn": 0, "gubun": "0", "jongchk": "0", "idx": 0}, "hname price sign change diff volume vol shcode value"),
    ("t1489", {"gubun": "0", "jgubun": "0", "jongchk": "0", "idx": 0, "yesprice": 0, "yeeprice": 0, "yevolume": 0},
     "hname price sign change diff volume offerho bidho shcode jnilvolume"),
    ("t1492", OFF_HOURS, "hname price sign change diff yevolume volume offerrem1 bidrem1 offerho1 bidho1 shcode value"),
    ("t0150", dict.fromkeys(("cts_medosu", "cts_expcode", "cts_price", "cts_middiv"), ""),
     "medosu expcode qty price amt fee tax argtax adjamt middiv"),
    ("t0151", dict.fromkeys(("date", "cts_medosu", "cts_expcode", "cts_price", "cts_middiv"), ""),
     "medosu expcode qty price amt fee tax argtax adjamt middiv"),
]  # fmt: skip
TEXTS = {"date", "time", "sign", "hname", "shcode", "ex_shcode", "filler", "medosu", "expcode", "middiv"}
DECIMALS = {"rate", "diff", "jnildiff", "voldiff", "vol", "bef_diff"}


@pytest.mark.parametrize(("code", "fields", "names"), ROWS)
async def test_every_field_of_a_row_is_there_and_of_its_type(real: LsClient, code: str, fields: dict[str, Any], names: str) -> None:
    await real.placed(quantity=3)
    await real.until_filled()

    answer = await real.tr(code, fields)

    row = answer.json()[f"{code}OutBlock1"][0]
    assert set(row) == set(names.split())
    for name, value in row.items():
        assert type(value) is (str if name in TEXTS | DECIMALS else int), (name, value)
    assert all(float(row[name]) is not None for name in DECIMALS & row.keys())
    assert answer.headers["tr_cont"] in {"Y", "N"}
    assert "tr_cont_key" in answer.headers


@pytest.mark.parametrize(("code", "fields", "names"), ROWS)
async def test_a_number_sent_as_text_is_refused(real: LsClient, code: str, fields: dict[str, Any], names: str) -> None:
    name, value = next(iter(fields.items()))
    wrong = {name: str(value) if isinstance(value, int) else 1}

    answer = await real.tr(code, fields | wrong)

    assert (answer.status_code, answer.json()["rsp_cd"]) == (500, "IGW40011")


@pytest.mark.parametrize("size", [1, 7, 90])
@pytest.mark.parametrize(("gubun", "period"), [("2", Period.DAY), ("3", Period.WEEK), ("4", Period.MONTH), ("5", Period.YEAR)])
async def test_a_chart_pages_backwards_without_loss_or_repetition(
    real: LsClient, sandbox: Sandbox, size: int, gubun: str, period: Period
) -> None:
    history = sandbox.doors.history
    first = history.today.replace(year=history.today.year - 1, day=1)
    fields = CHART | {"gubun": gubun, "sujung": "Y", "qrycnt": size, "sdate": f"{first:%Y%m%d}"}
    expected = [f"{bar.day:%Y%m%d}" for bar in history.bars("005930", period, first, history.today)][-3 * size :]

    seen: list[str] = []
    cont, key = "N", ""
    for _ in range(3):
        answer = await real.tr("t8410", fields, tr_cont=cont, tr_cont_key=key)
        head, rows = answer.json()["t8410OutBlock"], answer.json()["t8410OutBlock1"]
        assert head["rec_count"] == len(rows) <= size
        seen = [row["date"] for row in rows] + seen
        cont, key = answer.headers["tr_cont"], answer.headers["tr_cont_key"]
        if cont != "Y":
            assert head["cts_date"] == ""
            break
        fields |= {"cts_date": head["cts_date"]}

    assert seen == expected


async def test_a_cursor_without_the_header_gives_the_first_page_of_a_chart_again(real: LsClient) -> None:
    fields = CHART | {"gubun": "2", "sujung": "Y", "qrycnt": 5}
    first = (await real.tr("t8410", fields)).json()

    again = (await real.tr("t8410", fields | {"cts_date": first["t8410OutBlock"]["cts_date"]})).json()

    assert again["t8410OutBlock1"] == first["t8410OutBlock1"]


async def test_minutes_are_labelled_with_their_end_and_go_on_over_days(real: LsClient) -> None:
    fields = INTRADAY | {"qrycnt": 300, "edate": "20250620"}
    first = await real.tr("t8412", fields)
    head = first.json()["t8412OutBlock"]

    second = await real.tr(
        "t8412", fields | {name: head[name] for name in ("cts_date", "cts_time")}, tr_cont="Y", tr_cont_key=first.headers["tr_cont_key"]
    )

    older, newer = second.json()["t8412OutBlock1"], first.json()["t8412OutBlock1"]
    labels = [(row["date"], row["time"]) for row in older + newer]
    assert labels == sorted(set(labels))
    assert (len(older), len(newer), head["cts_time"]) == (300, 300, older[-1]["time"])
    assert ("20250620", "090100") in labels
    assert ("20250620", "090000") not in labels
    assert older[0]["date"] == "20250619"


async def test_longer_minutes_sum_up_the_short_ones(real: LsClient) -> None:
    span = {"sdate": "20250620", "edate": "20250620"}
    single = (await real.tr("t8412", INTRADAY | span)).json()["t8412OutBlock1"]
    fives = (await real.tr("t8412", INTRADAY | span | {"ncnt": 5})).json()["t8412OutBlock1"]

    assert fives[0]["time"] == "090500"
    assert sum(row["jdiff_vol"] for row in fives) == sum(row["jdiff_vol"] for row in single)
    assert (fives[0]["open"], fives[0]["close"]) == (single[0]["open"], single[4]["close"])
    assert fives[0]["high"] == max(row["high"] for row in single[:5])


async def test_ticks_are_todays_trades(real: LsClient) -> None:
    for quantity in (1, 2, 3):
        await real.placed(quantity=quantity)
    await real.until_filled()

    rows = (await real.tr("t8411", INTRADAY)).json()["t8411OutBlock1"]
    pairs = (await real.tr("t8411", INTRADAY | {"ncnt": 2})).json()["t8411OutBlock1"]

    assert [row["jdiff_vol"] for row in rows] == [1, 2, 3]
    assert [row["jdiff_vol"] for row in pairs] == [3, 3]


@pytest.mark.parametrize("code", ["t8411", "t8412"])
async def test_no_data_has_no_blocks(real: LsClient, code: str) -> None:
    answer = await real.tr(code, INTRADAY | {"sdate": "20250621", "edate": "20250622"})  # a weekend

    assert answer.json() == {"rsp_cd": "00000", "rsp_msg": "해당자료가 없습니다."}


@pytest.mark.parametrize("field", ["edate", "sdate"])
async def test_a_date_that_is_none_is_refused(real: LsClient, field: str) -> None:
    answer = await real.tr("t8412", INTRADAY | {field: "2025-06-20"})

    assert (answer.status_code, answer.json()["rsp_cd"]) == (500, "IGW40014")


@pytest.mark.parametrize(
    ("code", "fields", "rows"), [("t1463", BOUNDS | {"gubun": "0", "jnilgubun": "0", "jc_num2": 0}, 20), ("t1492", OFF_HOURS, 21)]
)
async def test_a_ranking_goes_on_by_idx_and_header(real: LsClient, code: str, fields: dict[str, Any], rows: int) -> None:
    seen: list[str] = []
    cont = "N"
    while True:
        answer = await real.tr(code, fields, tr_cont=cont)
        page = answer.json()[f"{code}OutBlock1"]
        seen += [row["shcode"] for row in page]
        cont = answer.headers["tr_cont"]
        assert len(page) == rows or cont == "N"
        if cont != "Y":
            break
        fields = fields | {"idx": answer.json()[f"{code}OutBlock"]["idx"]}

    everything = (await real.tr("t8436", {"gubun": "0"})).json()["t8436OutBlock"]
    assert len(seen) == len(set(seen)) == len(everything)


async def test_a_ranking_takes_bounds_and_leaves_out_what_it_is_told_to(real: LsClient, control: httpx.AsyncClient) -> None:
    await control.put("/market/005930", json={"halted": True})
    fields = BOUNDS | {"gubun": "1", "jnilgubun": "0", "sprice": 50_000, "eprice": 100_000, "jc_num": 0x200, "jc_num2": 1}

    rows = (await real.tr("t1463", fields)).json()["t1463OutBlock1"]

    assert rows
    assert all(50_000 <= row["price"] <= 100_000 for row in rows)
    funds = {row["shcode"] for row in (await real.tr("t8436", {"gubun": "0"})).json()["t8436OutBlock"] if row["etfgubun"] == "1"}
    assert not {row["shcode"] for row in rows} & (funds | {"005930"})
    assert all(first["value"] >= second["value"] for first, second in pairwise(rows))


async def test_an_index_follows_its_stocks(real: LsClient, control: httpx.AsyncClient) -> None:
    before = (await real.tr("t1511", {"upcode": "001"})).json()["t1511OutBlock"]
    await control.put("/market/005930", json={"price": 75_000})

    after = (await real.tr("t1511", {"upcode": "001"})).json()["t1511OutBlock"]

    assert len(after) == 65
    assert (before["pricejisu"], before["sign"]) == ("2600.00", "3")
    assert float(after["pricejisu"]) > 2600 and after["sign"] == "2" and float(after["diffjisu"]) > 0
    assert (after["highjo"], type(after["volume"]), type(after["change"])) == (1, int, str)


@pytest.mark.parametrize("code", ["t0150", "t0151"])
async def test_a_diary_without_trades_is_its_code_alone(real: LsClient, code: str) -> None:
    fields = {"date": "20250620"} if code == "t0151" else {}

    answer = await real.tr(code, fields)

    assert answer.json() == {"rsp_cd": "00000", "rsp_msg": "조회가 완료되었습니다."}


async def test_a_diary_sums_up_each_stock_with_its_fees(real: LsClient) -> None:
    await real.placed(quantity=10)
    await real.placed(side="1", quantity=4)
    await real.until_filled()

    body = (await real.tr("t0150", {})).json()

    picked = ("medosu", "expcode", "qty", "amt", "fee", "tax", "middiv")
    assert [tuple(row[name] for name in picked) for row in body["t0150OutBlock1"]] == [
        ("매도", "005930", 4, 284_000, 0, 0, "OPEN API"),
        ("종목소계", "", 4, 284_000, 42, 568, ""),
        ("매수", "005930", 10, 710_000, 0, 0, "OPEN API"),
        ("종목소계", "", 10, 710_000, 106, 0, ""),
    ]
    head = body["t0150OutBlock"]
    assert (head["mdadjamt"], head["msadjamt"], head["tadjamt"]) == (283_390, 710_106, 283_390 - 710_106)
    assert (head["tfee"], head["tottax"], head["cts_expcode"]) == (148, 568, "")


async def test_a_diary_of_many_trades_pages_by_its_cursor(real: LsClient, control: httpx.AsyncClient) -> None:
    await control.put("/liquidity", json={"level_quantity": 1, "refill_milliseconds": 1})
    symbols = ("005930", "000660", "035420")
    for symbol in symbols:
        market = (await control.get(f"/market/{symbol}")).json()
        await real.placed(symbol=f"A{symbol}", quantity=9, price=market["upper_limit"])
    await real.until_filled()

    seen: list[dict[str, Any]] = []
    fields: dict[str, Any] = {}
    cont = "N"
    while True:
        answer = await real.tr("t0150", fields, tr_cont=cont)
        seen += answer.json()["t0150OutBlock1"]
        cont = answer.headers["tr_cont"]
        if cont != "Y":
            break
        fields = {name: value for name, value in answer.json()["t0150OutBlock"].items() if name.startswith("cts_")}

    subtotals = [row for row in seen if row["medosu"] == "종목소계"]
    assert [row["qty"] for row in subtotals] == [9, 9, 9]
    assert len(seen) > 20
    assert sum(row["amt"] for row in seen if row not in subtotals) == sum(row["amt"] for row in subtotals)


async def test_transactions_are_todays_trades(real: LsClient) -> None:
    period = {"QrySrtDt": "", "QryEndDt": "", "SrtNo": 0, "PdptnCode": "01", "IsuLgclssCode": "00", "IsuNo": "", "RecCnt": 1}
    empty = (await real.tr("CDPCQ04700", period | {"QryTp": "0"})).json()
    await real.placed(quantity=10)
    await real.until_filled()

    body = (await real.tr("CDPCQ04700", period | {"QryTp": "3"})).json()
    deposits = (await real.tr("CDPCQ04700", period | {"QryTp": "1"})).json()

    assert (empty["rsp_cd"], empty["CDPCQ04700OutBlock3"]) == ("00200", [])
    assert (deposits["rsp_cd"], deposits["CDPCQ04700OutBlock3"]) == ("00200", [])
    [row] = body["CDPCQ04700OutBlock3"]
    assert (body["rsp_cd"], len(row), len(body["CDPCQ04700OutBlock5"])) == ("00136", 78, 17)
    assert (row["IsuNo"], row["TrdQty"], row["TrdUprc"], row["TrdAmt"], row["AdjstAmt"]) == (
        "KR7005930003",
        10,
        "71000.00",
        710_000,
        710_106,
    )
    assert (body["CDPCQ04700OutBlock5"]["BuyAmt"], body["CDPCQ04700OutBlock4"]["CmsnAmtSumAmt"]) == (710_000, 106)


async def test_returns_have_their_blocks_for_an_empty_input(real: LsClient) -> None:
    body = (await real.tr("FOCCQ33600", {})).json()

    assert body["rsp_cd"] == "00136"
    assert body["FOCCQ33600OutBlock1"]["AcntNo"] == real.account["account_number"]
    assert (body["FOCCQ33600OutBlock2"]["InvstErnrat"], len(body["FOCCQ33600OutBlock3"][0])) == ("0.00", 10)


@pytest.mark.parametrize(("code", "symbol"), [("H1_", "005930"), ("HA_", "247540")])
async def test_a_book_is_told_at_once_and_whenever_it_changes(
    sandbox: Sandbox, real: LsClient, control: httpx.AsyncClient, code: str, symbol: str
) -> None:
    market = (await control.get(f"/market/{symbol}")).json()
    async with ls_socket(sandbox.ls_url) as socket:
        ack = await socket.register(real.token, code, tr_type="3", key=symbol)
        await socket.until(lambda: len(socket.of(code)) == 1)
        await real.placed(symbol=f"A{symbol}", price=market["bids"][0][0], quantity=5)
        await socket.until(lambda: len(socket.of(code)) > 1)

    first, second = socket.of(code)[:2]
    assert (ack["header"]["tr_cd"], ack["header"]["rsp_cd"], ack["body"]) == (code, "00000", None)
    assert len(first) == 52
    assert all(isinstance(value, str) for value in first.values())
    assert [int(first[f"offerho{step}"]) for step in range(1, 11)] == [price for price, _ in market["asks"][:10]]
    assert int(second["bidrem1"]) == int(first["bidrem1"]) + 5
    assert (first["shcode"], first["donsigubun"]) == (symbol, "1")


async def test_books_of_the_other_market_and_unknown_feeds_stay_silent(sandbox: Sandbox, real: LsClient) -> None:
    async with ls_socket(sandbox.ls_url) as socket:
        for code, key in (("H1_", "247540"), ("HA_", "005930"), ("S3_", "247540"), ("XX_", "005930"), ("H1_", "999999")):
            ack = await socket.register(real.token, code, tr_type="3", key=key)
            assert ack["header"]["rsp_cd"] == "00000"
        await socket.register(real.token, "H1_", tr_type="3", key="005930")
        await socket.until(lambda: bool(socket.codes()))
        await real.placed(symbol="A247540", price=110_000, quantity=2)
        await real.placed(quantity=10)
        await socket.until(lambda: len(socket.codes()) > 1)

    assert set(socket.codes()) == {"H1_"}


async def test_a_feed_that_was_ended_is_silent(sandbox: Sandbox, real: LsClient) -> None:
    async with ls_socket(sandbox.ls_url) as socket:
        await socket.register(real.token, "S3_", tr_type="3", key="005930")
        await socket.register(real.token, "S3_", tr_type="4", key="005930")
        await socket.register(real.token, "K3_", tr_type="3", key="247540")
        await real.placed(quantity=10)
        await real.placed(symbol="A247540", price=110_000, quantity=2)
        await socket.until(lambda: bool(socket.codes()))

    assert socket.codes() == ["K3_"]


@pytest.mark.parametrize(("environment", "code"), [("real", "10001"), ("paper", "00000")])
async def test_a_port_of_one_environment_refuses_tokens_of_the_other(
    sandbox: Sandbox, real: LsClient, paper: LsClient, control: httpx.AsyncClient, environment: str, code: str
) -> None:
    await control.put("/variants", json={"ls_websocket_environment": "paper"})
    client = real if environment == "real" else paper
    async with ls_socket(sandbox.ls_url) as socket:
        ack = await socket.register(client.token, "SC1")

    assert (ack["header"]["rsp_cd"], ack["body"]) == (code, None)
