"""The figures above a theme's stocks. Their markup is not known, so they are read from the text: ``전일비: 1.51%``."""

import re
from collections.abc import Callable
from typing import TypeVar

from worker.sites.html import Node, text_of
from worker.sites.judal.rows import ThemeHead
from worker.sites.reading import Reading
from worker.sites.text import normalise, parse_date, parse_percent, parse_whole

T = TypeVar("T")

_PERCENT, _WHOLE, _DAY = r"[+-]?[0-9][0-9,.]{0,11}\s*%", r"-?[0-9]{1,6}", r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_HEADING = re.compile(r"(.+?)\s*테마주")
_PROMISED = re.compile(r"([0-9]{1,5})\s*종목")


def parse_head(root: Node, reading: Reading) -> ThemeHead:
    """Read the head of a theme's page; what is missing is None."""
    heading = root.css_first("h1")
    match = _HEADING.match(text_of(heading)) if heading is not None else None
    text = _text_before_table(root)

    def value(label: str, pattern: str, parse: Callable[[str], T | None], field: str) -> T | None:
        # the label must not be the end of a longer one: 소외지수 of 52주 소외지수
        found = re.search(rf"(?<![가-힣0-9A-Za-z])(?<!52주 )(?<!3년 ){label}\s*:\s*({pattern})", text)
        return reading.value(parse, found[1], "head", field) if found else None

    return ThemeHead(
        name=match[1] if match else None,
        change_pct=value("전일비", _PERCENT, parse_percent, "change_pct"),
        change_3d_pct=value("3일 ?합산", _PERCENT, parse_percent, "change_3d_pct"),
        rise_52w_pct=value("52주 ?상승률", _PERCENT, parse_percent, "rise_52w_pct"),
        fall_52w_pct=value("52주 ?하락률", _PERCENT, parse_percent, "fall_52w_pct"),
        expected_return_pct=value("기대 ?수익률", _PERCENT, parse_percent, "expected_return_pct"),
        neglect_index=value("소외지수", _WHOLE, parse_whole, "neglect_index"),
        theme_index_3y=value("3년 ?테마지수", _WHOLE, parse_whole, "theme_index_3y"),
        base_date=value("기준일", _DAY, parse_date, "base_date"),
    )


def promised_count(root: Node) -> int | None:
    """``32`` of the title ``○○ 테마주 관련주 32종목 정리``."""
    title = root.css_first("title")
    match = _PROMISED.search(text_of(title)) if title is not None else None
    return int(match[1]) if match else None


def _text_before_table(root: Node) -> str:
    text = normalise(root.text(separator=" "))
    return text[: found.start()] if (found := re.search(r"종목명\s+현재\s*가격", text)) else text
