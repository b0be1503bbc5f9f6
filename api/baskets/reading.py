"""From a CSV file to rows, as spreadsheets write it. Pure.

The header names the columns, in English or Korean, in any order. Lines that are empty or begin with ``#`` are passed over. Nothing is
guessed: a symbol that a spreadsheet took for a number, and so lost its zeros, is an error.
"""

import csv
import io
import re
from typing import Any

import msgspec

from api.baskets.schemas import MOST_ROWS, BasketOrder, RowProblem

COLUMNS = {
    "account": ("계좌", "계좌명", "계좌번호"),
    "account_id": ("계좌id",),
    "symbol": ("종목코드", "종목", "단축코드"),
    "side": ("매매구분", "구분", "매수매도"),
    "quantity": ("수량", "주문수량"),
    "order_type": ("주문유형", "호가유형"),
    "limit_price": ("가격", "주문가격", "지정가"),
    "time_in_force": ("조건", "체결조건"),
    "exchange": ("거래소", "시장"),
    "client_order_id": ("주문id",),
}
"""Columns and their Korean names."""

_NEEDED = ("symbol", "side", "quantity")
_WORDS = {
    "side": {"매수": "buy", "매도": "sell"},
    "order_type": {
        "지정가": "limit",
        "시장가": "market",
        "조건부지정가": "conditional_limit",
        "최유리지정가": "best_limit",
        "최우선지정가": "top_limit",
        "중간가": "midpoint",
    },
    "time_in_force": {"당일": "day", "없음": "day"},
    "exchange": {},
}
_CASE = {"exchange": str.upper}
"""How the API writes a column's words, where not in small letters."""
_BY_NAME = {name: column for column, names in COLUMNS.items() for name in (column, *names)}
_GROUPED = re.compile(r"[+-]?\d{1,3}(,\d{3})+")
_WHOLE = re.compile(r"[+-]?\d{1,13}")
_AS_TEXT = re.compile(r'="([0-9A-Za-z]*)"')
"""How a spreadsheet is made to keep a number as text."""

_LOST_ZEROS = re.compile(r"\d{1,5}")


def read_csv(content: bytes) -> tuple[dict[int, BasketOrder], list[RowProblem]]:
    """Rows by line of the file, and what is wrong with the others.

    Args:
        content: UTF-8, with or without a byte order mark, or CP949, as Korean spreadsheets write; commas, semicolons or tabs.
    """
    text = _decoded(content)
    if text is None:
        return {}, [_problem(1, None, "unreadable", "The file is neither UTF-8 nor CP949 text.")]
    first = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=first.count)
    try:
        lines = _lines(text, delimiter)
    except csv.Error as error:
        return {}, [_problem(1, None, "unreadable", f"The file is no CSV: {error}.")]
    if not lines:
        return {}, [_problem(1, None, "empty", "The file holds no header.")]
    number, header = lines[0]
    columns, problems = _columns(number, header)
    if problems:
        return {}, problems
    body = lines[1:]
    if not body:
        return {}, [_problem(number, None, "empty", "The file holds no order.")]
    if len(body) > MOST_ROWS:
        return {}, [
            _problem(body[MOST_ROWS][0], None, "too_many_rows", f"A basket holds at most {MOST_ROWS} orders, this one {len(body)}.")
        ]
    rows: dict[int, BasketOrder] = {}
    for number, cells in body:
        row, found = _row(number, columns, cells)
        problems += found
        if row is not None:
            rows[number] = row
    return rows, problems


def template(account: str) -> bytes:
    """A file to begin with: the header, and examples that are passed over until somebody takes the ``#`` away."""
    lines = [
        ("계좌", "종목코드", "매매구분", "수량", "주문유형", "가격"),
        (f"# {account}", "005930", "매수", "10", "지정가", "71000"),
        (f"# {account}", "000660", "매도", "5", "시장가", ""),
    ]
    out = io.StringIO(newline="")
    csv.writer(out).writerows(lines)
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def _decoded(content: bytes) -> str | None:
    for encoding in ("utf-8-sig", "cp949"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    return None


def _lines(text: str, delimiter: str) -> list[tuple[int, list[str]]]:
    """Each with the number of the line that it begins on; without those that are empty or a remark."""
    found = []
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    begins = 1
    for cells in reader:
        stripped = [cell.strip() for cell in cells]
        if any(stripped) and not stripped[0].startswith("#"):
            found.append((begins, stripped))
        begins = reader.line_num + 1
    return found


def _columns(number: int, header: list[str]) -> tuple[list[str], list[RowProblem]]:
    while header and not header[-1]:
        header = header[:-1]
    columns, problems = [], []
    for title in header:
        column = _BY_NAME.get(re.sub(r"\s", "", title).lower())
        if column is None:
            problems.append(_problem(number, title[:40], "unknown_column", f"There is no column {title[:40]!r}; see the template."))
        elif column in columns:
            problems.append(_problem(number, column, "doubled_column", f"The column {column} is there twice."))
        else:
            columns.append(column)
    needed = [*_NEEDED, *(() if {"account", "account_id"} & set(columns) else ("account",))]
    problems += [
        _problem(number, column, "missing_column", f"The column {column} ({COLUMNS[column][0]}) is missing.")
        for column in needed
        if column not in columns
    ]
    return columns, problems


def _row(number: int, columns: list[str], cells: list[str]) -> tuple[BasketOrder | None, list[RowProblem]]:
    if any(cells[len(columns) :]):
        return None, [_problem(number, None, "too_many_cells", "The row has more cells than the header: is a number written with commas?")]
    members: dict[str, Any] = {}
    problems = []
    for column, cell in zip(columns, cells, strict=False):
        value = found[1] if (found := _AS_TEXT.fullmatch(cell)) else cell
        if not value:
            continue
        if column in ("quantity", "limit_price"):
            plain = value.replace(",", "") if _GROUPED.fullmatch(value) else value
            if not _WHOLE.fullmatch(plain):
                problems.append(_problem(number, column, "not_a_number", f"{value[:40]!r} is no whole number."))
                continue
            members[column] = int(plain)
        elif column == "symbol" and _LOST_ZEROS.fullmatch(value):
            text = f"{value!r} is no symbol: its leading zeros were dropped. Format the column as text and write all six characters."
            problems.append(_problem(number, column, "symbol_too_short", text))
        elif column in _WORDS:
            members[column] = _WORDS[column].get(value) or _CASE.get(column, str.lower)(value)
        else:
            members[column] = value
    told = {problem.field for problem in problems}
    problems += [
        _problem(number, column, "missing", f"{column} is empty.") for column in _NEEDED if column not in members and column not in told
    ]
    return (None, problems) if problems else (msgspec.convert(members, BasketOrder), [])


def _problem(row: int, field: str | None, code: str, message: str) -> RowProblem:
    return RowProblem(row=row, field=field, code=code, message=message)
