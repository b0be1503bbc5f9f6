"""Baskets as spreadsheets write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.baskets.reading import read_csv, template
from api.baskets.schemas import BasketOrder

KOREAN = "계좌,종목코드,매매구분,수량,주문유형,가격\n"
ENGLISH = "account_id,symbol,side,quantity,order_type,limit_price\n"
GOOD = BasketOrder(account="위탁 1", symbol="005930", side="buy", quantity=1_000, order_type="limit", limit_price=71_000)


def codes(content: str | bytes) -> list[tuple[int, str | None, str]]:
    _, problems = read_csv(content if isinstance(content, bytes) else content.encode())
    return [(problem.row, problem.field, problem.code) for problem in problems]


@pytest.mark.parametrize(
    "text",
    [
        KOREAN + "위탁 1,005930,매수,1000,지정가,71000\n",
        "\ufeff" + KOREAN + '위탁 1,005930,매수,"1,000",지정가,"71,000"\r\n\r\n,,,,,\r\n',
        KOREAN.replace(",", ";") + "위탁 1;005930;매수;1,000;지정가;71,000",
        KOREAN.replace(",", "\t") + "위탁 1\t005930\t매수\t1000\t지정가\t71000\n",
        "가격,수량,매매구분,종목코드,계좌\n71000,1000,매수,005930,위탁 1\n",
        'Account, Symbol ,SIDE,quantity,limit_price,\n위탁 1,"=""005930""",buy,1000,71000,\n',
    ],
)
def test_a_row_is_read_however_a_spreadsheet_writes_it(text: str) -> None:
    rows, problems = read_csv(text.encode())

    assert (list(rows.values()), problems) == ([GOOD], [])


def test_korean_windows_text_is_read() -> None:
    rows, problems = read_csv((KOREAN + "위탁 1,005930,매수,1000,지정가,71000\r\n").encode("cp949"))

    assert (rows, problems) == ({2: GOOD}, [])


def test_words_are_read_in_either_language_and_case() -> None:
    header = "account,symbol,side,quantity,order_type,time_in_force,exchange,limit_price\n"
    text = header + "a,005930,BUY,1,Limit,IOC,krx,1\na,005930,매도,1,최유리지정가,당일,SOR,\na,0001A0,Sell,1,조건부지정가,,nxt,1\n"

    rows, problems = read_csv(text.encode())

    assert [(row.side, row.order_type, row.time_in_force, row.exchange) for row in rows.values()] == [
        ("buy", "limit", "ioc", "KRX"),
        ("sell", "best_limit", "day", "SOR"),
        ("sell", "conditional_limit", "day", "NXT"),
    ]
    assert problems == []


def test_rows_are_numbered_as_the_file_has_them() -> None:
    text = "# 메모\n" + ENGLISH + '\n# a remark\na,005930,buy,1,limit,1\n\n"b\nb",005930,buy,2,limit,1\nc,005930,buy,3,limit,1\n'

    rows, _ = read_csv(text.encode())

    assert {number: row.quantity for number, row in rows.items()} == {5: 1, 7: 2, 9: 3}


def test_everything_that_is_wrong_is_told_and_good_rows_are_read_all_the_same() -> None:
    text = ENGLISH + "a,5930,buy,x,limit,71000\na,005930,buy,1,limit,1\na,,,,,\na,005930,buy,1.5,limit,71000,7\na,005930,buy,10.0,limit,1\n"

    rows, _ = read_csv(text.encode())

    assert list(rows) == [3]
    assert codes(text) == [
        (2, "symbol", "symbol_too_short"),
        (2, "quantity", "not_a_number"),
        (4, "symbol", "missing"),
        (4, "side", "missing"),
        (4, "quantity", "missing"),
        (5, None, "too_many_cells"),
        (6, "quantity", "not_a_number"),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", [(1, None, "empty")]),
        (ENGLISH, [(1, None, "empty")]),
        ("symbol,side\n005930,buy\n", [(1, "quantity", "missing_column"), (1, "account", "missing_column")]),
        ("account,symbol,side,quantity,memo\na,005930,buy,1,x\n", [(1, "memo", "unknown_column")]),
        ("account,symbol,종목코드,side,quantity\na,005930,005930,buy,1\n", [(1, "symbol", "doubled_column")]),
        ('account,symbol,side,quantity\na,"005930,buy,1\n', [(1, None, "unreadable")]),
        (b"\xff\xfe\x00", [(1, None, "unreadable")]),
        (ENGLISH + "a,005930,buy,1,limit,1\n" * 501, [(502, None, "too_many_rows")]),
        (ENGLISH + 'a,005930,buy,"1,00",limit,1\n', [(2, "quantity", "not_a_number")]),
        (ENGLISH + "a,005930,buy,99999999999999,limit,1\n", [(2, "quantity", "not_a_number")]),
    ],
)
def test_a_file_that_is_no_basket_says_why(text: str | bytes, expected: list[tuple[int, str | None, str]]) -> None:
    assert codes(text) == expected


def test_the_template_is_a_good_file_without_an_order() -> None:
    assert codes(template("위탁 1")) == [(1, None, "empty")]


def test_the_templates_examples_are_good_rows_once_the_mark_is_gone() -> None:
    rows, problems = read_csv(template("위탁 1").replace(b"# ", b""))

    assert problems == []
    assert [(row.account, row.symbol, row.side, row.order_type, row.limit_price) for row in rows.values()] == [
        ("위탁 1", "005930", "buy", "limit", 71_000),
        ("위탁 1", "000660", "sell", "market", None),
    ]


@given(st.binary(max_size=300) | st.text(max_size=200).map(lambda text: (KOREAN + text).encode("utf-8", "replace")))
def test_no_file_makes_the_reader_fail(content: bytes) -> None:
    rows, problems = read_csv(content)

    assert rows or problems
