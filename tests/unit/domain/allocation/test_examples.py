"""The worked examples of EXAMPLES.md, number by number."""

import re
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

import api.domain.allocation
from api.domain.allocation.methods import KOREAN_NAMES, Line, Method
from api.domain.allocation.split import Capacity, Task, split
from api.domain.enums import Side

PAGE = (Path(api.domain.allocation.__file__).parent / "EXAMPLES.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## `(\w+)` \(.+?\)\n(.+?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))
RICH = 10**13


def number(text: str) -> Fraction:
    return Fraction(text.replace(",", ""))


def rows_of(section: str) -> list[dict[str, str]]:
    head, _, *body = [[cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if line.startswith("|")]
    return [dict(zip(head, cells, strict=True)) for cells in body]


def line_of(row: dict[str, str]) -> Line:
    fund, _, account = row["line"].partition("@")
    facts: dict[str, Any] = {"fund_cash": RICH, "sellable": 10**9}
    facts |= {name: int(number(row[name])) for name in ("fund_value", "fund_cash", "holding", "sellable") if name in row}
    return Line(id=row["line"], fund_id=fund, account_id=account, value=number(row.get("value", "0")), **facts)


def test_every_method_has_an_example_under_both_names() -> None:
    assert set(SECTIONS) == {method.value for method in Method}
    assert [f"## `{method.value}` ({name})" in PAGE for method, name in KOREAN_NAMES.items()] == [True] * len(Method)


@pytest.mark.parametrize("name", SECTIONS)
def test_the_example_comes_out_as_the_page_says(name: str) -> None:
    section = SECTIONS[name]
    [(terms, whole)] = re.findall(r"^Block: (.+) → ([\d,]+) shares$", section, re.MULTILINE)
    block = dict(re.findall(r"(\w+)=(\S+?)(?:, |$)", terms))
    rows = rows_of(section)
    lines = [line_of(row) for row in rows]
    price = int(number(block["price"]))

    outcome = split(
        Task(
            block_id="example",
            method=Method(name),
            side=Side(block["side"]),
            quantity=int(number(block["quantity"])) if "quantity" in block else None,
            amount=None,
            price=price,
            cash_price=price,
            fee_rate=number(block.get("fee_rate", "0")),
            unit=1,
            on_shortfall="reduce",
        ),
        lines,
        {line.account_id: Capacity(cash=RICH, sellable=10**9) for line in lines},
    )

    assert outcome.quantity == number(whole)
    assert [(share.ideal, share.quantity) for share in outcome.lines] == [(number(row["ideal"]), int(number(row["gets"]))) for row in rows]
