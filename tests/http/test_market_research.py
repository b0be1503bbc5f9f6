"""Statements, investors, opinions by firm, and the lists of a broker's own terminal."""

import re
from datetime import date, datetime, timedelta

import pytest

from api.domain.enums import Role
from api.domain.financials import FIGURES, FinancialKind
from api.kit.clock import KST
from tests.http.api import Desk

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize("period", ["year", "quarter"])
@pytest.mark.parametrize("kind", FinancialKind)
async def test_each_statement_has_all_its_figures_newest_period_first(desk: Desk, kind: FinancialKind, period: str) -> None:
    statement = (await desk.api.client.get(f"/instruments/005930/financials/{kind}?period={period}", headers=desk.demo)).json()

    names = [figure["name"] for figure in statement["figures"]]
    periods = [item["period"] for item in statement["items"]]
    assert names == [figure.name for figure in FIGURES[kind]]
    assert periods == sorted(set(periods), reverse=True) != []
    assert {month[4:] for month in periods} == ({"12"} if period == "year" else {"03", "06", "09", "12"})
    assert all(list(item["values"]) == names for item in statement["items"])
    assert statement["is_cumulative"] is (kind is FinancialKind.INCOME_STATEMENT and period == "quarter")


async def test_a_balance_sheet_adds_up_and_leaves_out_what_the_broker_does_not_give(desk: Desk) -> None:
    statement = (await desk.api.client.get("/instruments/000660/financials/balance_sheet", headers=desk.demo)).json()

    for item in statement["items"]:
        values = item["values"]
        assert values["total_assets"] == values["total_liabilities"] + values["total_equity"] > 0
        assert values["total_assets"] == values["current_assets"] + values["non_current_assets"]
        assert values["capital_surplus"] is None  # 99.99 at KIS


async def test_an_etf_has_no_statements(desk: Desk) -> None:
    statement = (await desk.api.client.get("/instruments/069500/financials/income_statement", headers=desk.demo)).json()

    assert (statement["items"], len(statement["figures"])) == ([], 12)


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/instruments/005930/financials/dreams", 422, "invalid_request"),
        ("/instruments/005930/financials/balance_sheet?period=decade", 422, "invalid_request"),
        ("/instruments/999999/financials/balance_sheet", 404, "not_found"),
        ("/instruments/999999/investors", 404, "not_found"),
        ("/investment-opinions", 422, "invalid_request"),
        ("/investment-opinions?firm=%24ne", 422, "invalid_request"),
        ("/investment-opinions?firm=901&from=2020-01-01", 422, "invalid_request"),
    ],
)
async def test_what_cannot_be_asked_is_refused(desk: Desk, path: str, status: int, code: str) -> None:
    answer = await desk.api.client.get(path, headers=desk.demo)

    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_what_some_bought_others_sold_and_today_is_not_counted_yet(desk: Desk) -> None:
    days = (await desk.api.client.get("/instruments/005930/investors", headers=desk.demo)).json()["items"]

    assert [day["day"] for day in days] == sorted({day["day"] for day in days}, reverse=True)
    assert len(days) == 30
    today, *past = days
    assert (today["foreign_quantity"], today["institution_amount"]) == (None, None)
    for day in past:
        assert day["individual_quantity"] + day["foreign_quantity"] + day["institution_quantity"] == 0
        assert day["foreign_amount"] % 1_000_000 == 0


async def test_a_firms_opinions_tell_how_far_the_target_lies_above_the_price(desk: Desk) -> None:
    firms = (await desk.api.client.get("/investment-opinions/firms", headers=desk.demo)).json()["items"]
    (firm,) = [each for each in firms if each["name"] == "샌드박스증권"]

    answer = (await desk.api.client.get("/investment-opinions", params={"firm": firm["code"]}, headers=desk.demo)).json()

    assert len(firms) > 1
    assert len({row["symbol"] for row in answer["items"]}) > 10
    days = [date.fromisoformat(row["published_on"]) for row in answer["items"]]
    assert days == sorted(days, reverse=True)
    assert days[0] - days[-1] <= timedelta(days=30)
    for row in answer["items"]:
        assert row["gap_rate"] == pytest.approx((row["target_price"] - row["price"]) / row["price"] * 100, abs=0.01)


async def test_more_opinions_than_one_answer_holds_are_read_too(desk: Desk) -> None:
    last = datetime.now(KST).date()
    params = {"firm": "901", "from": str(last - timedelta(days=180)), "to": str(last)}

    answer = await desk.api.client.get("/investment-opinions", params=params, headers=desk.demo)

    rows = [(row["published_on"], row["symbol"]) for row in answer.json()["items"]]
    assert len(rows) > 100
    assert len(set(rows)) == len(rows)


@pytest.mark.parametrize("firm", ["902", "777"])
async def test_a_firm_without_opinions_and_an_unknown_one_have_an_empty_list(desk: Desk, firm: str) -> None:
    answer = await desk.api.client.get("/investment-opinions", params={"firm": firm}, headers=desk.demo)

    assert (answer.status_code, answer.json()["items"]) == (200, [])


async def test_a_saved_condition_finds_stocks_and_one_that_finds_nothing_is_empty(desk: Desk) -> None:
    path = f"/accounts/{desk.accounts['kis']['id']}/conditions"
    conditions = (await desk.api.client.get(path, headers=desk.demo)).json()["items"]

    answers = [await desk.api.client.get(f"{path}/{each['sequence']}/stocks", headers=desk.demo) for each in conditions]

    large, kosdaq, none = (each.json()["items"] for each in answers)
    assert "005930" in [stock["symbol"] for stock in large]
    assert kosdaq
    assert none == []
    for stock in large:
        assert stock["price"] > 0
        assert (stock["change"] < 0) is (stock["change_rate"] < 0)


async def test_interest_groups_hold_the_customers_stocks(desk: Desk) -> None:
    path = f"/accounts/{desk.accounts['kis']['id']}/interest-groups"
    groups = (await desk.api.client.get(path, headers=desk.demo)).json()["items"]

    answers = {each["name"]: await desk.api.client.get(f"{path}/{each['code']}/stocks", headers=desk.demo) for each in groups}

    stocks = {name: answer.json()["items"] for name, answer in answers.items()}
    assert [stock["symbol"] for stock in stocks["관심종목01"]] == ["005930", "000660", "035420"]
    assert stocks["관심종목02"] == []


@pytest.mark.parametrize("path", ["conditions", "conditions/0/stocks", "interest-groups", "interest-groups/001/stocks"])
async def test_a_broker_without_such_lists_says_so(desk: Desk, path: str) -> None:
    answer = await desk.api.client.get(f"/accounts/{desk.accounts['ls']['id']}/{path}", headers=desk.demo)

    assert (answer.status_code, answer.json()["code"]) == (422, "broker_unsupported")
    assert re.search("ls offers no (conditions|interest groups)", answer.json()["detail"])


@pytest.mark.parametrize("path", ["conditions/%24ne/stocks", "interest-groups/..%2Fx/stocks"])
async def test_a_list_with_an_impossible_name_is_refused(desk: Desk, path: str) -> None:
    answer = await desk.api.client.get(f"/accounts/{desk.accounts['kis']['id']}/{path}", headers=desk.demo)

    assert answer.status_code in (404, 422)


async def test_the_lists_of_anothers_account_are_not_there(desk: Desk) -> None:
    stranger = await desk.api.add_user(Role.TRADER, "reader.of.lists")

    answer = await desk.api.client.get(f"/accounts/{desk.accounts['kis']['id']}/conditions", headers=stranger)

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
