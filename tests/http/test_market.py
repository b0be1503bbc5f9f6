"""Instruments."""

import pytest

from tests.http.api import Api


@pytest.mark.parametrize("text", ["", "삼성", "005930", "ㅅㅅㅈㅈ", "a(b", "." * 40])
async def test_a_search_takes_any_text(api: Api, trader: dict[str, str], text: str) -> None:
    answer = await api.client.get("/instruments", params={"query": text}, headers=trader)

    assert (answer.status_code, answer.json()) == (200, {"items": [], "next_cursor": None})
