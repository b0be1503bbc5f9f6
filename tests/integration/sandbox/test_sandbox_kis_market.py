"""The KIS door's market inquiries, seen by a plain HTTP client: every field of the documented answers, every value a string."""

from __future__ import annotations

import io
import zipfile
from collections.abc import AsyncIterator
from datetime import date, datetime, timedelta, timezone
from functools import partial
from itertools import pairwise
from typing import Any

import httpx
import pytest

from api.brokers.sandbox.server import Sandbox
from api.kit.tls import trusted
from tests.integration.sandbox.kis_client import QUOTATIONS, TRADING, KisClient, eventually

KST = timezone(timedelta(hours=9))
SYMBOL = {"FID_COND_MRKT_DIV_CODE": "J", "FID_INPUT_ISCD": "005930"}
RANKING = "/uapi/domestic-stock/v1/ranking/"
FINANCE = "/uapi/domestic-stock/v1/finance/"
VOLUME_QUERY = {
    "FID_COND_MRKT_DIV_CODE": "J", "FID_COND_SCR_DIV_CODE": "20171", "FID_INPUT_ISCD": "0000", "FID_DIV_CLS_CODE": "0",
    "FID_BLNG_CLS_CODE": "0", "FID_TRGT_CLS_CODE": "111111111", "FID_TRGT_EXLS_CLS_CODE": "0000000000", "FID_INPUT_PRICE_1": "",
    "FID_INPUT_PRICE_2": "", "FID_VOL_CNT": "", "FID_INPUT_DATE_1": "",
}  # fmt: skip
CHANGE_QUERY = {
    "fid_cond_mrkt_div_code": "J", "fid_cond_scr_div_code": "20170", "fid_input_iscd": "0000", "fid_rank_sort_cls_code": "0",
    "fid_input_cnt_1": "0", "fid_prc_cls_code": "1", "fid_input_price_1": "", "fid_input_price_2": "", "fid_vol_cnt": "",
    "fid_trgt_cls_code": "0", "fid_trgt_exls_cls_code": "0", "fid_div_cls_code": "0", "fid_rsfl_rate1": "", "fid_rsfl_rate2": "",
}  # fmt: skip
DAILY_QUERY = SYMBOL | {
    "FID_INPUT_DATE_1": "20250101", "FID_INPUT_DATE_2": "20250301", "FID_PERIOD_DIV_CODE": "D", "FID_ORG_ADJ_PRC": "0",
}  # fmt: skip
MINUTE_QUERY = SYMBOL | {"FID_INPUT_HOUR_1": "235900", "FID_PW_DATA_INCU_YN": "N", "FID_ETC_CLS_CODE": ""}
PAST_QUERY = SYMBOL | {
    "FID_INPUT_HOUR_1": "153000", "FID_INPUT_DATE_1": "20250620", "FID_PW_DATA_INCU_YN": "N", "FID_FAKE_TICK_INCU_YN": "",
}  # fmt: skip

# path, TR id, query, where the rows are, and all names that the official samples list for a row
ANSWERS: list[tuple[str, str, dict[str, str], str, str]] = [
    (QUOTATIONS + "inquire-ccnl", "FHKST01010300", SYMBOL, "output",
     "stck_cntg_hour stck_prpr prdy_vrss prdy_vrss_sign cntg_vol tday_rltv prdy_ctrt"),
    (QUOTATIONS + "inquire-daily-price", "FHKST01010400", SYMBOL | {"FID_PERIOD_DIV_CODE": "D", "FID_ORG_ADJ_PRC": "0"}, "output",
     "stck_bsop_date stck_oprc stck_hgpr stck_lwpr stck_clpr acml_vol prdy_vrss_vol_rate prdy_vrss prdy_vrss_sign prdy_ctrt "
     "hts_frgn_ehrt frgn_ntby_qty flng_cls_code acml_prtt_rate"),
    (QUOTATIONS + "inquire-daily-itemchartprice", "FHKST03010100", DAILY_QUERY, "output2",
     "stck_bsop_date stck_clpr stck_oprc stck_hgpr stck_lwpr acml_vol acml_tr_pbmn flng_cls_code prtt_rate mod_yn prdy_vrss_sign "
     "prdy_vrss revl_issu_reas"),
    (QUOTATIONS + "inquire-time-itemchartprice", "FHKST03010200", MINUTE_QUERY, "output2",
     "stck_bsop_date stck_cntg_hour stck_prpr stck_oprc stck_hgpr stck_lwpr cntg_vol acml_tr_pbmn"),
    (QUOTATIONS + "inquire-time-dailychartprice", "FHKST03010230", PAST_QUERY, "output2",
     "stck_bsop_date stck_cntg_hour stck_prpr stck_oprc stck_hgpr stck_lwpr cntg_vol acml_tr_pbmn"),
    (QUOTATIONS + "volume-rank", "FHPST01710000", VOLUME_QUERY, "output",
     "hts_kor_isnm mksc_shrn_iscd data_rank stck_prpr prdy_vrss_sign prdy_vrss prdy_ctrt acml_vol prdy_vol lstn_stcn avrg_vol "
     "n_befr_clpr_vrss_prpr_rate vol_inrt vol_tnrt nday_vol_tnrt avrg_tr_pbmn tr_pbmn_tnrt nday_tr_pbmn_tnrt acml_tr_pbmn"),
    (RANKING + "fluctuation", "FHPST01700000", CHANGE_QUERY, "output",
     "stck_shrn_iscd data_rank hts_kor_isnm stck_prpr prdy_vrss prdy_vrss_sign prdy_ctrt acml_vol stck_hgpr hgpr_hour acml_hgpr_date "
     "stck_lwpr lwpr_hour acml_lwpr_date lwpr_vrss_prpr_rate dsgt_date_clpr_vrss_prpr_rate cnnt_ascn_dynu hgpr_vrss_prpr_rate "
     "cnnt_down_dynu oprc_vrss_prpr_sign oprc_vrss_prpr oprc_vrss_prpr_rate prd_rsfl prd_rsfl_rate"),
    (QUOTATIONS + "intstock-multprice", "FHKST11300006",
     {"FID_COND_MRKT_DIV_CODE_1": "J", "FID_INPUT_ISCD_1": "005930", "FID_COND_MRKT_DIV_CODE_2": "J", "FID_INPUT_ISCD_2": "000660"},
     "output",
     "kospi_kosdaq_cls_name mrkt_trtm_cls_name hour_cls_code inter_shrn_iscd inter_kor_isnm inter2_prpr inter2_prdy_vrss prdy_vrss_sign "
     "prdy_ctrt acml_vol inter2_oprc inter2_hgpr inter2_lwpr inter2_llam inter2_mxpr inter2_askp inter2_bidp seln_rsqn shnu_rsqn "
     "total_askp_rsqn total_bidp_rsqn acml_tr_pbmn inter2_prdy_clpr oprc_vrss_hgpr_rate intr_antc_cntg_vrss intr_antc_cntg_vrss_sign "
     "intr_antc_cntg_prdy_ctrt intr_antc_vol inter2_sdpr"),
    (FINANCE + "financial-ratio", "FHKST66430300", SYMBOL | {"FID_DIV_CLS_CODE": "0"}, "output",
     "stac_yymm grs bsop_prfi_inrt ntin_inrt roe_val eps sps bps rsrv_rate lblt_rate"),
    (QUOTATIONS + "invest-opinion", "FHKST663300C0",
     SYMBOL | {"FID_COND_SCR_DIV_CODE": "16633", "FID_INPUT_DATE_1": "0020240101", "FID_INPUT_DATE_2": "0020250601"}, "output",
     "stck_bsop_date invt_opnn invt_opnn_cls_code rgbf_invt_opnn rgbf_invt_opnn_cls_code mbcr_name hts_goal_prc stck_prdy_clpr "
     "stck_nday_esdg nday_dprt stft_esdg dprt"),
    (QUOTATIONS + "chk-holiday", "CTCA0903R", {"BASS_DT": "20261123", "CTX_AREA_NK": "", "CTX_AREA_FK": ""}, "output",
     "bass_dt wday_dvsn_cd bzdy_yn tr_day_yn opnd_yn sttl_day_yn"),
    (QUOTATIONS + "search-info", "CTPF1604R", {"PRDT_TYPE_CD": "300", "PDNO": "005930"}, "output",
     "pdno prdt_type_cd std_pdno shtn_pdno prdt_sale_stat_cd prdt_risk_grad_cd prdt_clsf_cd sale_strt_dt sale_end_dt wrap_asst_type_cd "
     "ivst_prdt_type_cd frst_erlm_dt"),
    (QUOTATIONS + "search-stock-info", "CTPF1002R", {"PRDT_TYPE_CD": "300", "PDNO": "005930"}, "output",
     "pdno prdt_type_cd prdt_name prdt_name120 prdt_abrv_name prdt_eng_name prdt_eng_name120 prdt_eng_abrv_name mket_id_cd "
     "scty_grp_id_cd excg_dvsn_cd setl_mmdd lstg_stqt lstg_cptl_amt cpta papr issu_pric kospi200_item_yn scts_mket_lstg_dt "
     "scts_mket_lstg_abol_dt kosdaq_mket_lstg_dt kosdaq_mket_lstg_abol_dt frbd_mket_lstg_dt frbd_mket_lstg_abol_dt reits_kind_cd "
     "etf_dvsn_cd oilf_fund_yn idx_bztp_lcls_cd idx_bztp_mcls_cd idx_bztp_scls_cd idx_bztp_lcls_cd_name idx_bztp_mcls_cd_name "
     "idx_bztp_scls_cd_name stck_kind_cd mfnd_opng_dt mfnd_end_dt dpsi_erlm_cncl_dt etf_cu_qty std_pdno dpsi_aptm_erlm_yn "
     "etf_txtn_type_cd etf_type_cd lstg_abol_dt nwst_odst_dvsn_cd sbst_pric thco_sbst_pric thco_sbst_pric_chng_dt tr_stop_yn "
     "admn_item_yn thdt_clpr bfdy_clpr clpr_chng_dt std_idst_clsf_cd std_idst_clsf_cd_name ocr_no crfd_item_yn elec_scty_yn "
     "issu_istt_cd etf_chas_erng_rt_dbnb etf_etn_ivst_heed_item_yn stln_int_rt_dvsn_cd frnr_psnl_lmt_rt lstg_rqsr_issu_istt_cd "
     "lstg_rqsr_item_cd trst_istt_issu_istt_cd cptt_trad_tr_psbl_yn nxt_tr_stop_yn"),
]  # fmt: skip
NOT_IN_PAPER = {"FHPST01710000", "FHPST01700000", "FHKST11300006", "FHKST66430300", "FHKST663300C0", "CTCA0903R", "CTPF1604R", "CTPF1002R"}


@pytest.fixture
async def http(sandbox: Sandbox) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(verify=trusted(), base_url=sandbox.kis_url, timeout=10) as client:
        yield client


async def client_for(http: httpx.AsyncClient, control: httpx.AsyncClient, environment: str) -> KisClient:
    await control.put("/limits", json={"enabled": False})
    accounts = (await control.get("/accounts")).json()
    client = KisClient(http, next(row for row in accounts if row["broker"] == "kis" and row["environment"] == environment))
    assert (await client.login()).status_code == 200
    return client


@pytest.fixture
async def real(http: httpx.AsyncClient, control: httpx.AsyncClient) -> KisClient:
    return await client_for(http, control, "real")


@pytest.fixture
async def paper(http: httpx.AsyncClient, control: httpx.AsyncClient) -> KisClient:
    return await client_for(http, control, "paper")


async def ask(client: KisClient, path: str, tr_id: str, query: dict[str, str]) -> httpx.Response:
    return await client.http.get(path, params=query, headers=client.headers(tr_id))


async def body(client: KisClient, path: str, tr_id: str, query: dict[str, str]) -> dict[str, Any]:
    answer = await ask(client, path, tr_id, query)
    assert answer.status_code == 200, answer.text
    decoded: dict[str, Any] = answer.json()
    return decoded


IDS = [tr_id for _, tr_id, *_ in ANSWERS]


@pytest.mark.parametrize(("path", "tr_id", "query", "where", "names"), ANSWERS, ids=IDS)
async def test_every_documented_field_is_there_as_a_string(
    path: str, tr_id: str, query: dict[str, str], where: str, names: str, real: KisClient
) -> None:
    answer = await ask(real, path, tr_id, query)

    found = answer.json()
    rows = found[where] if isinstance(found[where], list) else [found[where]]
    assert (answer.status_code, found["rt_cd"], answer.headers["tr_id"]) == (200, "0", tr_id)
    assert rows
    for row in rows:
        assert set(names.split()) <= set(row)
        assert all(isinstance(value, str) for value in row.values())


@pytest.mark.parametrize(("path", "tr_id", "query", "where", "names"), ANSWERS, ids=IDS)
async def test_paper_has_what_the_official_table_says(
    path: str, tr_id: str, query: dict[str, str], where: str, names: str, paper: KisClient
) -> None:
    answer = await ask(paper, path, tr_id, query)

    expected = (500, "EGW02006") if tr_id in NOT_IN_PAPER else (200, "MCA00000")
    assert (answer.status_code, answer.json()["msg_cd"]) == expected


@pytest.mark.parametrize("tr_id", ["VTCA0903R", "VTPF1604R", "VTTC8408R", "VTTC0084R"])
async def test_a_paper_id_made_up_for_a_real_tr_is_no_service(tr_id: str, paper: KisClient) -> None:
    paths = {"VTCA0903R": QUOTATIONS + "chk-holiday", "VTPF1604R": QUOTATIONS + "search-info", "VTTC8408R": TRADING + "inquire-psbl-sell"}

    answer = await ask(paper, paths.get(tr_id, TRADING + "inquire-psbl-rvsecncl"), tr_id, {})

    assert answer.json()["msg_cd"] == "OPSQ0002"


async def test_query_keys_are_read_in_any_case(real: KisClient) -> None:
    lower = {name.lower(): value for name, value in DAILY_QUERY.items()}

    one = await body(real, QUOTATIONS + "inquire-daily-itemchartprice", "FHKST03010100", DAILY_QUERY)
    other = await body(real, QUOTATIONS + "inquire-daily-itemchartprice", "FHKST03010100", lower)

    assert one == other


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"FID_COND_MRKT_DIV_CODE": "X"}, "FID_COND_MRKT_DIV_CODE"),
        ({"FID_INPUT_ISCD": "999999"}, "INPUT_ISCD"),
        ({"FID_PERIOD_DIV_CODE": "Q"}, "FID_PERIOD_DIV_CODE"),
        ({"FID_INPUT_DATE_1": "2026"}, "FID_INPUT_DATE_1"),
    ],
)
async def test_a_wrong_parameter_is_refused_by_the_inquiry_server(change: dict[str, str], words: str, real: KisClient) -> None:
    answer = await ask(real, QUOTATIONS + "inquire-daily-itemchartprice", "FHKST03010100", DAILY_QUERY | change)

    assert (answer.status_code, answer.json()["msg_cd"]) == (200, "OPSQ2001")
    assert words in answer.json()["msg1"]


async def test_days_come_newest_first_at_most_a_hundred_and_chain_by_their_closes(real: KisClient) -> None:
    query = DAILY_QUERY | {"FID_INPUT_DATE_1": "20240101", "FID_INPUT_DATE_2": "20250620"}

    rows = (await body(real, QUOTATIONS + "inquire-daily-itemchartprice", "FHKST03010100", query))["output2"]

    days = [row["stck_bsop_date"] for row in rows]
    assert len(days) == 100
    assert days == sorted(set(days), reverse=True)
    assert days[0] == "20250620"
    for row, older in pairwise(rows):
        assert int(row["stck_clpr"]) - int(older["stck_clpr"]) == int(row["prdy_vrss"])
        assert int(row["stck_lwpr"]) <= min(int(row["stck_oprc"]), int(row["stck_clpr"]))
        assert int(row["stck_hgpr"]) >= max(int(row["stck_oprc"]), int(row["stck_clpr"]))


async def test_the_last_close_before_today_is_the_reference_price(real: KisClient) -> None:
    today = datetime.now(KST).date()
    query = DAILY_QUERY | {"FID_INPUT_DATE_1": f"{today - timedelta(days=20):%Y%m%d}", "FID_INPUT_DATE_2": f"{today:%Y%m%d}"}

    rows = (await body(real, QUOTATIONS + "inquire-daily-itemchartprice", "FHKST03010100", query))["output2"]

    assert (rows[0]["stck_bsop_date"], rows[0]["prdy_vrss"], rows[1]["stck_clpr"]) == (f"{today:%Y%m%d}", "0", "71000")


@pytest.mark.parametrize("period", ["W", "M", "Y"])
async def test_longer_bars_add_up_the_days(period: str, real: KisClient) -> None:
    span = {"FID_INPUT_DATE_1": "20250101", "FID_INPUT_DATE_2": "20250331"}
    path = QUOTATIONS + "inquire-daily-itemchartprice"
    days = (await body(real, path, "FHKST03010100", DAILY_QUERY | span))["output2"]

    bars = (await body(real, path, "FHKST03010100", DAILY_QUERY | span | {"FID_PERIOD_DIV_CODE": period}))["output2"]

    march = [row for row in days if row["stck_bsop_date"] >= "20250304"]
    match period:
        case "M":
            assert [bar["stck_bsop_date"][:6] for bar in bars] == ["202503", "202502", "202501"]
            assert int(bars[0]["acml_vol"]) == sum(int(row["acml_vol"]) for row in march)
            assert bars[0]["stck_hgpr"] == str(max(int(row["stck_hgpr"]) for row in march))
        case "W":
            assert len(bars) == len({date.fromisoformat(row["stck_bsop_date"]).isocalendar()[1] for row in days})
        case _:
            assert [bar["stck_bsop_date"][:4] for bar in bars] == ["2025"]


async def test_minutes_of_a_past_day_end_at_the_hour_asked_for(real: KisClient) -> None:
    path = QUOTATIONS + "inquire-time-dailychartprice"

    last = (await body(real, path, "FHKST03010230", PAST_QUERY))["output2"]
    noon = (await body(real, path, "FHKST03010230", PAST_QUERY | {"FID_INPUT_HOUR_1": "100000"}))["output2"]
    with_past = (await body(real, path, "FHKST03010230", PAST_QUERY | {"FID_INPUT_HOUR_1": "100000", "FID_PW_DATA_INCU_YN": "Y"}))[
        "output2"
    ]

    assert (len(last), last[0]["stck_cntg_hour"], last[1]["stck_cntg_hour"]) == (120, "153000", "151900")
    assert (len(noon), noon[0]["stck_cntg_hour"], noon[-1]["stck_cntg_hour"]) == (61, "100000", "090000")
    assert (len(with_past), with_past[61]["stck_bsop_date"]) == (120, "20250619")


async def test_a_future_hour_is_filled_with_the_current_price(real: KisClient) -> None:
    rows = (await body(real, QUOTATIONS + "inquire-time-itemchartprice", "FHKST03010200", MINUTE_QUERY))["output2"]

    now = datetime.now(KST)
    assert len(rows) == 30
    if now.hour < 23:
        assert {(row["stck_prpr"], row["cntg_vol"]) for row in rows} == {("71000", "0")}
        assert rows[0]["stck_cntg_hour"] == "235900"


async def test_a_trade_is_the_newest_of_the_last_trades_and_in_todays_bar(real: KisClient) -> None:
    await real.place(quantity="3")

    async def newest() -> bool:
        rows = (await body(real, QUOTATIONS + "inquire-ccnl", "FHKST01010300", SYMBOL))["output"]
        return bool(rows[0]["cntg_vol"] == "3")

    await eventually(newest)
    day = (await body(real, QUOTATIONS + "inquire-daily-price", "FHKST01010400", ANSWERS[1][2]))["output"]
    price = (await body(real, QUOTATIONS + "inquire-price", "FHKST01010100", SYMBOL))["output"]
    assert len(day) == 30
    assert (day[0]["acml_vol"], day[0]["stck_clpr"]) == (price["acml_vol"], price["stck_prpr"])


async def test_rankings_follow_the_market_and_their_filters(control: httpx.AsyncClient, real: KisClient) -> None:
    (await control.put("/market/000660", json={"price": 195_000 + 10_000})).raise_for_status()
    down = CHANGE_QUERY | {"fid_rank_sort_cls_code": "1"}
    amounts = VOLUME_QUERY | {"FID_BLNG_CLS_CODE": "3", "FID_INPUT_ISCD": "1001", "FID_TRGT_EXLS_CLS_CODE": "0000001000"}

    up = (await body(real, RANKING + "fluctuation", "FHPST01700000", CHANGE_QUERY))["output"]
    none = (await body(real, RANKING + "fluctuation", "FHPST01700000", down | {"fid_rsfl_rate2": "-1"}))["output"]
    kosdaq = (await body(real, QUOTATIONS + "volume-rank", "FHPST01710000", amounts))["output"]

    assert (up[0]["stck_shrn_iscd"], up[0]["prdy_vrss"], up[0]["data_rank"]) == ("000660", "10000", "1")
    assert none == []
    assert [int(row["acml_tr_pbmn"]) for row in kosdaq] == sorted((int(row["acml_tr_pbmn"]) for row in kosdaq), reverse=True)
    assert "005930" not in {row["mksc_shrn_iscd"] for row in kosdaq}


async def test_the_sellable_quantity_stands_under_both_names(real: KisClient) -> None:
    answer = await ask(real, TRADING + "inquire-psbl-sell", "TTTC8408R", {**real.cano, "PDNO": "005930"})

    found = answer.json()
    assert found["output1"] == found["output"]
    names = "pdno prdt_name buy_qty sll_qty cblc_qty nsvg_qty ord_psbl_qty pchs_avg_pric pchs_amt now_pric evlu_amt evlu_pfls_amt"
    assert {*names.split(), "evlu_pfls_rt"} <= set(found["output1"])


@pytest.mark.parametrize(
    ("name", "tail", "samsung"),
    [
        ("kospi_code.mst", 227, True),
        ("kosdaq_code.mst", 221, False),
        ("nxt_kospi_code.mst", 227, True),
        ("nxt_kosdaq_code.mst", 221, False),
    ],
)
async def test_master_files_are_zipped_cp949_lines_with_a_fixed_tail(name: str, tail: int, samsung: bool, http: httpx.AsyncClient) -> None:
    answer = await http.get(f"/common/master/{name}.zip")

    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.namelist() == [name]
        lines = archive.read(name).decode("cp949").split("\n")
    assert lines.pop() == ""
    heads = {line[:-tail][:9].strip(): (line[:-tail][9:21], line[:-tail][21:].strip(), line[-tail:]) for line in lines}
    assert len(heads) == len(lines) > 20
    assert {rest[2][:2] for rest in heads.values()} <= {"ST", "EF"}
    assert ("005930" in heads) is samsung
    if samsung:
        isin, korean, rest = heads["005930"]
        assert (isin, korean, rest[41:50], rest[60:63]) == ("KR7005930003", "삼성전자", "000071000", "NNN")


@pytest.mark.parametrize("path", ["/common/master/idx.zip", "/common/master/kospi_code.mst", "/common/master/"])
async def test_other_files_are_not_there(path: str, http: httpx.AsyncClient) -> None:
    assert (await http.get(path)).status_code == 404


# --- the gateway's other words


async def test_a_hash_of_another_body_is_refused(real: KisClient) -> None:
    order = {**real.cano, "PDNO": "005930", "ORD_DVSN": "00", "ORD_QTY": "1", "ORD_UNPR": "71000"}
    right = (await real.http.post("/uapi/hashkey", json=order, headers=real.headers(""))).json()["HASH"]

    taken = await real.http.post(TRADING + "order-cash", json=order, headers=real.headers("TTTC0012U", hashkey=right))
    refused = await real.http.post(TRADING + "order-cash", json=order, headers=real.headers("TTTC0012U", hashkey="0" * 64))

    assert taken.json()["rt_cd"] == "0"
    assert (refused.status_code, refused.json()["msg_cd"]) == (500, "EGW00131")


@pytest.mark.parametrize("code", ["EGW00002", "EGW00301", "EGW00302"])
async def test_a_server_error_can_carry_a_code(code: str, control: httpx.AsyncClient, real: KisClient) -> None:
    (await control.put("/variants", json={"kis_server_error": code})).raise_for_status()
    fault = {"broker": "kis", "operation": "place", "kind": "error_500_after_taken", "count": 1}
    (await control.post("/faults", json=fault)).raise_for_status()

    answer = await real.place()

    assert (answer.status_code, answer.json()["msg_cd"]) == (500, code)


async def test_the_ledgers_own_limit_has_its_own_code(control: httpx.AsyncClient, real: KisClient) -> None:
    (await control.put("/variants", json={"kis_rate_code": "EGW00215"})).raise_for_status()
    (await control.post("/faults", json={"broker": "kis", "operation": "place", "kind": "rate_limited", "count": 1})).raise_for_status()

    answer = await real.place()

    assert (answer.status_code, answer.json()["msg_cd"]) == (500, "EGW00215")


@pytest.mark.parametrize(("environment", "code"), [("real", "APBK0919"), ("paper", "40100000")])
async def test_a_day_without_trading_is_told_from_an_hour_without(
    environment: str, code: str, control: httpx.AsyncClient, http: httpx.AsyncClient, sandbox: Sandbox
) -> None:
    client = await client_for(http, control, environment)
    (await control.put("/session", json={"phase": "clock"})).raise_for_status()
    codes = []
    for night in (datetime(2026, 11, 21, 22, tzinfo=KST), datetime(2026, 11, 20, 22, tzinfo=KST)):  # a Saturday, and the Friday before it
        sandbox.doors.exchange.now = partial(datetime.fromtimestamp, night.timestamp(), KST)
        codes.append((await client.place()).json()["msg_cd"])

    assert codes[0] == code
    assert codes[1] != code
