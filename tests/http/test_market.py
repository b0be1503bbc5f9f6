"""Instruments, prices, books, charts, rankings, the calendar."""

from datetime import date, datetime, timedelta

import httpx
import pytest

from api.domain.enums import Role
from api.kit.clock import KST
from tests.http.api import Api, Desk
from tests.stack import until


@pytest.mark.parametrize("text", ["", "삼성", "005930", "ㅅㅅㅈㅈ", "a(b", "." * 40])
async def test_a_search_takes_any_text(api: Api, trader: dict[str, str], text: str) -> None:
    answer = await api.client.get("/instruments", params={"query": text}, headers=trader)

    assert (answer.status_code, answer.json()) == (200, {"items": [], "next_cursor": None})


@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.parametrize("text", ["005930", "삼성전자", "삼성 전자", "ㅅㅅㅈㅈ", " 삼성"])
async def test_an_instrument_is_found_by_code_name_and_initial_consonants(desk: Desk, text: str) -> None:
    answer = await desk.api.client.get("/instruments", params={"query": text}, headers=desk.demo)

    assert "005930" in [item["symbol"] for item in answer.json()["items"]]


@pytest.mark.asyncio(loop_scope="session")
async def test_an_instrument_tells_its_limits_and_tick(desk: Desk) -> None:
    instrument = (await desk.api.client.get("/instruments/005930", headers=desk.demo)).json()

    assert instrument["lower_limit_price"] < instrument["reference_price"] < instrument["upper_limit_price"]
    assert instrument["reference_price"] % instrument["tick_size"] == 0
    assert (instrument["name"], instrument["lot_size"], instrument["is_halted"]) == ("삼성전자", 1, False)


@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.parametrize("path", ["/instruments/999999", "/instruments/삼성", "/instruments/%24ne"])
async def test_an_unknown_instrument_is_not_found(desk: Desk, path: str) -> None:
    answer = await desk.api.client.get(path, headers=desk.demo)

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


@pytest.mark.asyncio(loop_scope="session")
async def test_quotes_come_in_the_order_asked_for_each_once(desk: Desk) -> None:
    answer = await desk.api.client.get("/quotes", params={"symbols": "000660,005930, 000660"}, headers=desk.demo)

    assert [item["symbol"] for item in answer.json()["items"]] == ["000660", "005930"]
    for item in answer.json()["items"]:
        assert item["lower_limit_price"] <= item["price"] <= item["upper_limit_price"]
        assert item["change"] == item["price"] - item["reference_price"]


@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("", "invalid_request"),
        ("?symbols=", "invalid_request"),
        ("?symbols=,,", "invalid_request"),
        ("?symbols=999999", "unknown_symbol"),
        ("?symbols=" + ",".join(f"{number:06}" for number in range(31)), "invalid_request"),
        ("?symbols=" + "x" * 401, "invalid_request"),
    ],
)
async def test_quotes_of_what_cannot_be_are_refused(desk: Desk, query: str, code: str) -> None:
    answer = await desk.api.client.get(f"/quotes{query}", headers=desk.demo)

    assert (answer.status_code, answer.json()["code"]) == (422, code)


@pytest.mark.asyncio(loop_scope="session")
async def test_quotes_need_an_account_to_ask_through(desk: Desk) -> None:
    stranger = await desk.api.add_user(Role.TRADER, "without.account")

    answer = await desk.api.client.get("/quotes", params={"symbols": "005930"}, headers=stranger)

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def _faulty(desk: Desk, broker: str, count: int) -> None:
    fault = {"broker": broker, "operation": "inquire", "kind": "error_500_before_taken", "count": count}
    (await desk.control.post("/faults", json=fault)).raise_for_status()


@pytest.mark.asyncio(loop_scope="session")
async def test_a_book_has_the_best_prices_first_on_either_side_of_the_price(desk: Desk) -> None:
    book = (await desk.api.client.get("/quotes/005930/book", headers=desk.demo)).json()

    asks, bids = ([level["price"] for level in book[side]] for side in ("asks", "bids"))
    assert (asks, bids) == (sorted(asks), sorted(bids, reverse=True))
    assert bids[0] < asks[0]
    assert len(asks) <= 10
    assert all(level["quantity"] > 0 for level in book["asks"] + book["bids"])
    assert book["total_ask_quantity"] == sum(level["quantity"] for level in book["asks"])


@pytest.mark.asyncio(loop_scope="session")
async def test_an_order_of_ones_own_shows_in_the_book(desk: Desk) -> None:
    async def wanted_at(price: int) -> int:
        book = (await desk.api.client.get("/quotes/000660/book", headers=desk.demo)).json()
        return sum(level["quantity"] for level in book["bids"] if level["price"] == price)

    book = (await desk.api.client.get("/quotes/000660/book", headers=desk.demo)).json()
    price = book["bids"][-1]["price"]
    before = await wanted_at(price)

    await desk.placed(symbol="000660", limit_price=price, quantity=7)

    async def is_shown() -> bool:  # an answer of just before may be given again for a moment
        return await wanted_at(price) == before + 7

    await until(is_shown, f"7 more shares are wanted at {price}", seconds=10)


@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.parametrize("interval", ["1m", "1d", "1w", "1mo", "1y"])
async def test_candles_run_from_old_to_new_and_hold_their_open_and_close(desk: Desk, interval: str) -> None:
    answer = (await desk.api.client.get("/candles/005930", params={"interval": interval}, headers=desk.demo)).json()

    begins = [candle["opened_at"] for candle in answer["items"]]
    assert (answer["interval"], begins) == (interval, sorted(set(begins)))
    assert begins
    for candle in answer["items"]:
        assert candle["low_price"] <= min(candle["open_price"], candle["close_price"])
        assert candle["high_price"] >= max(candle["open_price"], candle["close_price"])


@pytest.mark.asyncio(loop_scope="session")
async def test_candles_keep_to_the_days_asked_for(desk: Desk) -> None:
    query = {"from": "2026-10-12", "to": "2026-10-16"}

    answer = (await desk.api.client.get("/candles/005930", params=query, headers=desk.demo)).json()

    days = [datetime.fromisoformat(candle["opened_at"]).astimezone(KST).date().isoformat() for candle in answer["items"]]
    assert days
    assert all("2026-10-12" <= day <= "2026-10-16" for day in days)


@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/candles/005930?interval=2m", 422, "invalid_request"),
        ("/candles/005930?from=2026-10-02&to=2026-10-01", 422, "invalid_request"),
        ("/candles/005930?from=2016-10-02", 422, "invalid_request"),
        ("/candles/005930?interval=1m&from=2026-10-02&to=2026-10-20", 422, "invalid_request"),
        ("/candles/005930?to=0001-01-01", 422, "invalid_request"),
        ("/candles/005930?from=yesterday", 422, "invalid_request"),
        ("/candles/999999", 404, "not_found"),
        ("/quotes/999999/book", 404, "not_found"),
        ("/quotes/005930/book?account_id=6650f1c2a4b3c2d1e0f9a8b7", 404, "not_found"),
        ("/quotes/005930/book?account_id=mine", 422, "invalid_request"),
        ("/rankings/largest", 422, "invalid_request"),
        ("/instruments/999999/financial-ratios", 404, "not_found"),
        ("/instruments/005930/financial-ratios?period=month", 422, "invalid_request"),
        ("/instruments/999999/opinions", 404, "not_found"),
        ("/instruments/005930/opinions?from=2020-01-01", 422, "invalid_request"),
        ("/holidays?from=2020-01-01", 422, "invalid_request"),
        ("/holidays?from=9999-12-31", 422, "invalid_request"),
    ],
)
async def test_what_cannot_be_asked_is_refused(desk: Desk, path: str, status: int, code: str) -> None:
    answer = await desk.api.client.get(path, headers=desk.demo)

    assert (answer.status_code, answer.json()["code"]) == (status, code)


@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.parametrize(
    ("kind", "figure", "is_rising"),
    [
        ("volume", "volume", False),
        ("turnover", "turnover_amount", False),
        ("gainers", "change_rate", False),
        ("losers", "change_rate", True),
        ("volume_surge", "volume_growth", False),
        ("after_hours_gainers", "change_rate", False),
        ("after_hours_losers", "change_rate", True),
        ("after_hours_volume", "volume", False),
        ("expected_gainers", "change_rate", False),
        ("expected_losers", "change_rate", True),
        ("foreign_net_buying", "net_quantity", False),
        ("institution_net_buying", "net_quantity", False),
    ],
)
async def test_a_ranking_is_in_its_own_order(desk: Desk, kind: str, figure: str, is_rising: bool) -> None:
    rows = (await desk.api.client.get(f"/rankings/{kind}", headers=desk.demo)).json()["items"]

    assert [row["rank"] for row in rows] == sorted(row["rank"] for row in rows)
    figures = [row[figure] for row in rows]
    assert figures == sorted(figures, reverse=not is_rising)
    assert rows


@pytest.mark.asyncio(loop_scope="session")
async def test_ratios_and_opinions_come_newest_first(desk: Desk) -> None:
    years = (await desk.api.client.get("/instruments/005930/financial-ratios", headers=desk.demo)).json()["items"]
    quarters = (await desk.api.client.get("/instruments/005930/financial-ratios?period=quarter", headers=desk.demo)).json()["items"]
    opinions = (await desk.api.client.get("/instruments/005930/opinions?from=2026-01-01&to=2026-11-20", headers=desk.demo)).json()["items"]

    for values in ([row["period"] for row in years], [row["period"] for row in quarters], [row["published_on"] for row in opinions]):
        assert values
        assert values == sorted(values, reverse=True)
    assert all("2026-01-01" <= opinion["published_on"] <= "2026-11-20" for opinion in opinions)


@pytest.mark.asyncio(loop_scope="session")
async def test_trading_days_follow_each_other_and_are_asked_for_once_a_day(desk: Desk) -> None:
    first = await desk.api.client.get("/holidays", headers=desk.demo)
    await _faulty(desk, "kis", 50)
    await _faulty(desk, "ls", 50)
    again = await desk.api.client.get("/holidays", headers=desk.demo)
    (await desk.control.delete("/faults")).raise_for_status()

    days = [date.fromisoformat(item["day"]) for item in first.json()["items"]]
    assert days == [days[0] + timedelta(days=number) for number in range(len(days))]
    assert len(days) >= 7
    assert not any(item["is_open"] for day, item in zip(days, first.json()["items"], strict=True) if day.weekday() >= 5)
    assert again.json() == first.json()


@pytest.mark.asyncio(loop_scope="session")
async def test_sessions_are_told_in_seouls_time(desk: Desk) -> None:
    answer = (await desk.api.client.get("/sessions", headers=desk.demo)).json()

    continuous = {item["exchange"]: item for item in answer["items"] if item["phase"] == "continuous"}
    assert continuous["KRX"]["opens_at"] == f"{answer['day']}T09:00:00+09:00"
    assert continuous["KRX"]["closes_at"] == f"{answer['day']}T15:20:00+09:00"
    assert "NXT" in continuous


@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.parametrize("broken", ["kis", "ls"])
async def test_when_one_broker_fails_the_other_answers(desk: Desk, broken: str) -> None:
    other = {"kis": "ls", "ls": "kis"}[broken]
    symbols = {"kis": "207940,005380,000270", "ls": "068270,373220,035720"}[broken]  # asked for nowhere else: no answer is at hand
    await _faulty(desk, broken, 50)
    account = desk.accounts[broken]["id"]

    answer = await desk.api.client.get("/quotes", params={"symbols": symbols, "account_id": account}, headers=desk.demo)
    (await desk.control.delete("/faults")).raise_for_status()

    assert {item["broker"] for item in answer.json()["items"]} == {other}


@pytest.mark.asyncio(loop_scope="session")
async def test_when_every_broker_fails_the_caller_is_told(desk: Desk) -> None:
    for broker in ("kis", "ls"):
        await _faulty(desk, broker, 50)

    answer = await desk.api.client.get("/quotes/051910/book", headers=desk.demo)
    (await desk.control.delete("/faults")).raise_for_status()

    assert (answer.status_code, answer.json()["code"], answer.json()["retryable"]) == (503, "broker_unavailable", True)


@pytest.mark.asyncio(loop_scope="session")
async def test_what_no_broker_of_the_caller_offers_is_refused_by_name(desk: Desk) -> None:
    owner = await desk.api.add_user(Role.TRADER, "on.paper")
    body = {
        "name": "paper",
        "broker": "kis",
        "environment": "paper",
        "account_number": "5012345601",
        "app_key": "a-key-of-paper",
        "app_secret": "a-secret-of-paper",
        "hts_id": "paper1",
    }
    (await desk.api.client.post("/accounts", json=body, headers=owner)).raise_for_status()

    answer = await desk.api.client.get("/rankings/volume", headers=owner)

    assert (answer.status_code, answer.json()["code"], answer.json()["retryable"]) == (422, "broker_unsupported", False)
    assert "kis" in answer.json()["detail"]
    assert "ranking" in answer.json()["detail"]


@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.parametrize("broker", ["kis", "ls"])
async def test_the_account_named_is_asked_first_for_all_that_its_broker_offers(desk: Desk, broker: str) -> None:
    offers = (await desk.api.client.get("/brokers", headers=desk.demo)).json()["items"]
    offer = next(item for item in offers if (item["broker"], item["environment"]) == (broker, "sandbox"))
    paths = [f"/candles/005380?interval={interval}" for interval in offer["candle_intervals"]]
    paths += [f"/rankings/{kind}" for kind in offer["rankings"]]
    paths += ["/quotes/005380/book"] if "order_book" in offer["inquiries"] else []
    paths += ["/instruments/005380/financial-ratios"] if "financial_ratios" in offer["inquiries"] else []
    paths += ["/instruments/005380/opinions"] if "investment_opinions" in offer["inquiries"] else []
    params = {"account_id": desk.accounts[broker]["id"]}

    answers = {path: await desk.api.client.get(httpx.URL(path).copy_merge_params(params), headers=desk.demo) for path in paths}

    seen = {path: (answer.status_code, answer.json().get("broker")) for path, answer in answers.items()}
    assert paths
    assert seen == dict.fromkeys(paths, (200, broker))
