"""Parsing of scraped pages beside the same extraction by BeautifulSoup and pandas.read_html: milliseconds a page, memory at the peak.

Each way runs in a process of its own, as memory freed is rarely given back. The others get what they need for the comparison and no more:
the value functions are Lucy's own in every way, and none of them checks a page's structure but Lucy's.
``pip install --group bench`` (pip 25.1 or newer) installs them; where they are missing, the figures say so.
"""

import argparse
import importlib.util
import io
import itertools
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from datetime import date
from pathlib import Path
from typing import Any

from api.local.fixture_sites import pages_judal
from api.local.fixture_sites.server import FixtureSites, State
from tests.bench.figures import Figures, note
from worker.sites import text
from worker.sites.judal.stocks import parse_stock_list
from worker.sites.site38.detail import parse_detail
from worker.sites.site38.schedule import parse_schedule

WAYS = {"lucy": "selectolax", "bs4-lxml": "bs4", "bs4-html.parser": "bs4", "pandas": "pandas"}
"""Way → the module that it needs."""

_DAY = date(2026, 11, 23)
_LABELS = (
    "종목명", "진행상황", "시장구분", "종목코드", "업종", "대표자", "기업구분", "본점소재지",
    "대표전화", "최대주주", "매출액", "순이익", "자본금", "총공모주식수", "액면가", "상장공모",
    "희망공모가액", "청약경쟁률", "확정공모가", "공모금액", "주간사", "수요예측일", "공모청약일", "납입일",
    "환불일", "상장일", "우리사주조합", "기관투자자등", "일반청약자", "IR일자", "기관경쟁률", "의무보유확약",
)  # fmt: skip
_VALUES: dict[str, Callable[[str], Any]] = {
    "매출액": text.parse_million,
    "순이익": text.parse_million,
    "총공모주식수": text.parse_count,
    "희망공모가액": text.parse_won_range,
    "청약경쟁률": text.parse_rates,
    "확정공모가": text.parse_won,
    "공모청약일": text.parse_date_range,
    "납입일": text.parse_date,
    "기관경쟁률": text.parse_rate,
    "의무보유확약": text.parse_percent,
}
_SCHEDULE: dict[str, Callable[[str], Any]] = {
    "공모주일정": text.parse_date_range,
    "확정공모가": text.parse_won,
    "희망공모가": text.parse_won_range,
    "청약경쟁률": text.parse_rate,
}
_STOCKS: dict[str, Callable[[str], Any]] = {
    "전일비": text.parse_percent,
    "3일합산": text.parse_percent,
    "52주소외지수": text.parse_whole,
    "3년소외지수": text.parse_whole,
    "기대수익률": text.parse_percent,
    "PBR": text.parse_decimal,
    "PER": text.parse_decimal,
    "EPS": text.parse_won,
    "시가총액": text.parse_market_cap,
    "당일거래량지수": text.parse_percent,
}


def pages() -> dict[str, bytes]:
    """A list page with 30 rows, a detail with all its blocks, and a list of all stocks, as bytes from the network."""
    sites = FixtureSites(State(day=_DAY))
    offer = next(offer for offer in sites.offers() if offer.is_listed(_DAY) and len(offer.shares) > 1 and offer.has_broker_table)
    themes = sites.themes()
    stocks = {stock.symbol: stock for theme in themes for stock in theme.stocks}
    return {
        "list": sites.page38("k", 2, 0).encode("cp949"),
        "detail": sites.page38("v", 1, offer.site_no).encode("cp949"),
        "stocks": pages_judal.stock_list(list(stocks.values()), themes, "new", "marketCapDesc", _DAY).encode(),
    }


def measure(figures: Figures, *, is_quick: bool) -> None:
    """Every page by every way; the ratio to Lucy's own is in the note."""
    for page, body in pages().items():
        note(f"  {page}, {len(body) / 1024:.0f} KiB:")
        for way, module in WAYS.items():
            if importlib.util.find_spec(module) is None or (way == "bs4-lxml" and importlib.util.find_spec("lxml") is None):
                note(f"    {way:<16} not installed (pip install --group bench, pip 25.1 or newer)")
                continue
            result = _in_a_process(page, body, way, 0.5 if is_quick else 3.0)
            note(f"    {way:<16} {result['milliseconds']:8.2f} ms a page, {result['kibibytes'] / 1024:6.1f} MiB above its imports")
            figures.add(f"parse {page} ({way})", result["milliseconds"], "ms")
            figures.add(f"parse {page} ({way}): memory at the peak", result["kibibytes"] / 1024, "MiB")


def _in_a_process(page: str, body: bytes, way: str, seconds: float) -> dict[str, float]:
    command = [sys.executable, "-m", "tests.bench.parsing", page, way, str(seconds)]
    answer: dict[str, float] = json.loads(subprocess.run(command, input=body, check=True, stdout=subprocess.PIPE).stdout)
    return answer


def _with_lucy(page: str, body: bytes) -> int:
    if page == "list":
        return len(parse_schedule(body).rows)
    if page == "detail":
        return len(parse_detail(body, site_no=1).__struct_fields__)
    return len(parse_stock_list(body).stocks)


def _with_bs4(page: str, body: bytes, parser: str) -> int:
    from bs4 import BeautifulSoup

    soup = BeautifulSoup(body, parser, from_encoding="utf-8" if page == "stocks" else "cp949")
    if page == "detail":
        cells = [(cell, text.squeeze(cell.get_text())) for cell in soup.find_all("td") if cell.find("table") is None]
        values: dict[str, str] = {}
        for cell, label in cells:
            if label in _LABELS and label not in values and (following := cell.find_next_sibling("td")) is not None:
                values[label] = following.get_text()
        return _read_detail(values)
    headers = _SCHEDULE if page == "list" else _STOCKS
    tables = [
        table
        for table in soup.find_all("table")
        if "공모주 청약일정" in (table.get("summary") or "") or "table-sm" in (table.get("class") or [])
    ]
    rows = [[cell.get_text() for cell in row.find_all(["td", "th"])] for row in tables[0].find_all("tr")]
    return _read_rows(rows, headers)


def _with_pandas(page: str, body: bytes) -> int:
    import pandas as pd

    content = io.StringIO(body.decode("utf-8" if page == "stocks" else "cp949", "replace"))
    if page == "detail":
        values: dict[str, str] = {}
        for frame in pd.read_html(content, flavor="lxml"):
            for row in _cells(frame):
                for label, value in itertools.pairwise(row):
                    if (name := text.squeeze(label)) in _LABELS:
                        values.setdefault(name, value)
        return _read_detail(values)
    headers = _SCHEDULE if page == "list" else _STOCKS
    first = "공모주일정" if page == "list" else "현재가격"
    frame = next(frame for frame in reversed(pd.read_html(content, flavor="lxml", match=first)) if len(frame) > 5)
    names = [text.squeeze(str(name[0] if isinstance(name, tuple) else name)) for name in frame.columns]
    return _read_rows((["" if name == "nan" else name for name in names], *_cells(frame)), headers)


def _cells(frame: Any) -> list[list[str]]:
    return [["" if cell != cell else str(cell) for cell in row] for row in frame.astype(object).values.tolist()]  # NaN: an empty cell


def _read_detail(values: dict[str, str]) -> int:
    return sum(_value(parse, values.get(label, "")) is not None for label, parse in _VALUES.items()) and len(values)


def _read_rows(rows: Iterable[list[str]], headers: dict[str, Callable[[str], Any]]) -> int:
    columns: dict[str, int] = {}
    count = 0
    for row in rows:
        if not columns:
            columns = {text.squeeze(cell): number for number, cell in enumerate(row) if text.squeeze(cell) in headers}
        elif len(row) > max(columns.values()):
            read = [_value(parse, row[columns[header]]) for header, parse in headers.items()]
            count += any(value is not None for value in read)
    return count


def _value(parse: Callable[[str], Any], raw: str) -> Any:
    try:
        return parse(raw)
    except text.NotAValue:
        return None


def _peak_kibibytes() -> int:
    """Of this program (Linux). What `resource` tells begins with the peak of the program that started this one."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM:")).split()[1])


def _main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("page")
    parser.add_argument("way", choices=list(WAYS))
    parser.add_argument("seconds", type=float)
    arguments = parser.parse_args()
    body = sys.stdin.buffer.read()
    ways: dict[str, Callable[[], int]] = {
        "lucy": lambda: _with_lucy(arguments.page, body),
        "bs4-lxml": lambda: _with_bs4(arguments.page, body, "lxml"),
        "bs4-html.parser": lambda: _with_bs4(arguments.page, body, "html.parser"),
        "pandas": lambda: _with_pandas(arguments.page, body),
    }
    run = ways[arguments.way]
    importlib.import_module(WAYS[arguments.way])
    before = _peak_kibibytes()
    found = run()
    rounds, began = 0, time.process_time()
    while rounds < 3 or time.process_time() - began < arguments.seconds:
        run()
        rounds += 1
    milliseconds = (time.process_time() - began) / rounds * 1000
    kibibytes = _peak_kibibytes() - before
    print(json.dumps({"milliseconds": milliseconds, "kibibytes": kibibytes, "found": found}))


if __name__ == "__main__":
    _main()
